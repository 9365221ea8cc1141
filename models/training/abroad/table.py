"""The tables of figures elsewhere in docs/, from the cards: python -m models.training.abroad.table

Prints first the one of docs/figures.md, a row for each task, then the one of docs/networks.md, a row for each fold.
"""

from collections.abc import Iterator, Sequence

from models.card_file import read_card
from models.elsewhere import Elsewhere
from models.measures import Measure, MeasureSet, Metric, find_measure
from models.registry import all_tasks
from models.task import Task
from models.training.recipes import RECIPES

NOT_MEASURED = "not measured yet"
MEASURES = ("images", "accuracy [95 % interval]", "answered", "answered and wrong, of all", "ill", "ill, called clear")
SHARES = (Metric.ACCURACY, Metric.ANSWERED, Metric.ANSWERED_WRONGLY)


def task_table() -> Iterator[str]:
    """A Markdown table with a row for each task: all images left out together."""
    yield from _head("task")
    for task in all_tasks():
        found = read_card(task).elsewhere
        yield _row((task.title,), found.overall if found else None)


def fold_table() -> Iterator[str]:
    """A Markdown table with a row for each fold of each task: those measured, or those of its recipe so far."""
    yield from _head("task", "left out")
    for task in all_tasks():
        for fold, measures in _folds(task, read_card(task).elsewhere).items():
            yield _row((task.title, fold), measures)


def _folds(task: Task, found: Elsewhere | None) -> dict[str, MeasureSet | None]:
    return {**found.folds} if found else {fold.name: None for fold in RECIPES[task.name].folds}


def _head(*names: str) -> Iterator[str]:
    columns = (*names, *MEASURES)
    yield _line(columns)
    yield "|" + "---|" * len(columns)


def _row(names: Sequence[str], measures: MeasureSet | None) -> str:
    if measures is None:
        return _line((*names, NOT_MEASURED, *[""] * (len(MEASURES) - 1)))
    accuracy, *others = (_measure(measures, metric) for metric in SHARES)
    clear = find_measure(measures.measures, Metric.CALLED_CLEAR)
    ill = (f"{clear.n:,}", _interval(clear)) if clear else ("0", "")
    return _line((*names, f"{accuracy.n:,}", *map(_interval, (accuracy, *others)), *ill))


def _measure(measures: MeasureSet, metric: Metric) -> Measure:
    found = find_measure(measures.measures, metric)
    if found is None:
        raise SystemExit(f"A card has figures elsewhere without {metric.words!r}; measure them again with `abroad`.")
    return found


def _interval(measure: Measure) -> str:
    return f"{measure.value:.2f} [{measure.low:.2f}, {measure.high:.2f}]"


def _line(cells: Sequence[str]) -> str:
    return "|" + "".join(f" {cell} |" if cell else " |" for cell in cells)


def main() -> None:
    print("\n".join((*task_table(), "", *fold_table())))


if __name__ == "__main__":
    main()
