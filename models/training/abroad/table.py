"""The tables of figures elsewhere in docs/, from the cards: python -m models.training.abroad.table

Prints first the one of docs/figures.md, a row for each task, then the one of docs/networks.md, a row for each fold.
"""

from collections.abc import Iterator, Sequence

from models.card_file import read_card
from models.elsewhere import Elsewhere
from models.measures import ELSEWHERE_SUMMARY, Measure, MeasureSet, find_measure
from models.registry import all_tasks
from models.task import Task
from models.training.recipes import RECIPES

NOT_MEASURED = "not measured yet"
# The columns of ELSEWHERE_SUMMARY, with the numbers of images that they are of.
COLUMNS = ("images", "accuracy [95 % interval]", "answered", "answered and wrong, of all", "ill", "ill, called clear")


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
    columns = (*names, *COLUMNS)
    yield _line(columns)
    yield "|" + "---|" * len(columns)


def _row(names: Sequence[str], measures: MeasureSet | None) -> str:
    if measures is None:
        return _line((*names, NOT_MEASURED, *[""] * (len(COLUMNS) - 1)))
    *shares, clear = (find_measure(measures.measures, metric) for metric in ELSEWHERE_SUMMARY)
    return _line((*names, _count(shares[0]), *map(_interval, shares), _count(clear), _interval(clear)))


def _count(measure: Measure | None) -> str:
    return f"{measure.n:,}" if measure else "0"


def _interval(measure: Measure | None) -> str:
    return f"{measure.value:.2f} [{measure.low:.2f}, {measure.high:.2f}]" if measure else ""


def _line(cells: Sequence[str]) -> str:
    return "|" + "".join(f" {cell} |" if cell else " |" for cell in cells)


def main() -> None:
    print("\n".join((*task_table(), "", *fold_table())))


if __name__ == "__main__":
    main()
