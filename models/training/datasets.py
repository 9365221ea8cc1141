"""The labelled images of each task, and whether their splits are apart: python -m models.training.datasets [TASK ...]

As a command: reads every image of these tasks (by default of all), and prints which cannot be read, which groups are in
two splits, and how many images are copies of others (models/training/copies.py). Ends with 1 if an image cannot be
read, if a group is in two splits, or if training uses a copy of an image of validation or test; those that
models/training/copies.csv names are not used.
"""

import argparse
import json
from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

from models.audit import CopiedSplit
from models.records import to_json
from models.task import Task
from models.training.manifest import FIRST_ROW, SPLITS, Example, UnfitManifest, read_examples
from models.training.recipes import RECIPES, training_task
from models.training.splits import Pair, Report, check


def load_examples(task: Task, *, splits: Iterable[str] = SPLITS, exclude: Iterable[str] = ()) -> list[Example]:
    """All examples of `task` in these splits, without the data sets named in `exclude`; wrong labels are corrected."""
    wanted, unwanted = set(splits), set(exclude)
    examples = (one for source in RECIPES[task.name].sources for one in source.load(task, wanted))
    return [one for one in examples if one.dataset_name not in unwanted]


def load_manifest(task: Task, manifest: Path, split: str | None = None) -> list[Example]:
    """The examples of any manifest with the columns of a clinical task's own, of one split or of all.

    Raises UnfitManifest as `read_examples` does, for a task whose sources have no columns of labels, for a file that is
    missing, and when the split is empty.
    """
    columns = {head: column for source in RECIPES[task.name].manifests for head, column in source.columns.items()}
    if not columns:
        raise UnfitManifest(f"{task.title} has no manifest of its own: its images are those of all tasks.")
    rows = enumerate(read_examples(task, manifest, columns), start=FIRST_ROW)
    wanted = [(row, example) for row, example in rows if split in (None, example.split)]
    if not wanted:
        raise UnfitManifest(f"{manifest} has no row of the split {split!r} in its column 'split'.")
    for row, example in wanted:
        if not example.path.is_file():
            raise UnfitManifest(f"{manifest}, row {row}, column 'path': there is no file {example.path}.")
    return [example for _, example in wanted]


def main(arguments: list[str] | None = None) -> int:
    """Prints what was found; 1 if the splits are not apart, or an image cannot be read."""
    parser = argparse.ArgumentParser(prog="python -m models.training.datasets", description=__doc__.splitlines()[0])
    parser.add_argument("tasks", nargs="*", metavar="TASK", help="task names; by default every recipe's")
    parser.add_argument("--json", type=Path, help="write everything here, each pair of copies with its file names")
    options = parser.parse_args(arguments)
    try:
        report = check([training_task(name) for name in options.tasks or RECIPES])
    except UnfitManifest as error:
        raise SystemExit(str(error)) from None
    print_report(report)
    if options.json:
        options.json.write_text(json.dumps(report_json(report), indent=1) + "\n", encoding="utf-8")
    return 0 if report.is_clean else 1


def print_report(report: Report) -> None:
    """Print the counts by task and by data set, then what is wrong, each in a line of its own."""
    print(f"{sum(report.images.values()):,} images of {', '.join(report.images)}.")
    for name, counts in report.copies.items():
        print(f"\n{training_task(name).title}")
        print("\n".join(copied_words(one) for one in counts))
    print("\nPairs by data set, whether left out or not")
    for (names, kind), number in sorted(Counter(_kind_of(pair) for pair in report.pairs).items()):
        print(f"{names}, {kind}: {number}")
    print()
    for words in (*report.unreadable, *report.crossing, *map(_leak_words, report.leaks)):
        print(words)
    print("The splits are apart." if report.is_clean else "The splits are not apart, or images are missing: see above.")


def copied_words(one: CopiedSplit) -> str:
    """For example "test: 14 of 900 have a copy in train, 0 without the images that are left out"."""
    where = "beside them" if one.split == one.other else f"in {one.other}"
    counts = f"{one.copied} of {one.n} have a copy {where}, {one.in_use} without the images that are left out"
    return f"{one.split}: {counts}"


def _kind_of(pair: Pair) -> tuple[str, str]:
    """The data sets of a pair, and its splits."""
    sets = {f"{one.folder}: {one.example.dataset_name}" for one in (pair.first, pair.second)}
    return " and ".join(sorted(sets)), "/".join(dict.fromkeys(pair.splits))


def _leak_words(pair: Pair) -> str:
    likeness = f"correlation {pair.likeness.correlation:.3f}, {pair.likeness.distance} bits apart"
    return f"{pair.first.name} in train copies {pair.second.name} in {pair.splits[1]} ({likeness})."


def report_json(report: Report) -> dict[str, Any]:
    """The report as JSON; each pair with its file names, splits and likeness."""
    pairs = [
        {
            "first": pair.first.name, "second": pair.second.name, "splits": pair.splits, "in_use": pair.is_in_use,
            "turn": pair.likeness.turn, "correlation": pair.likeness.correlation, "distance": pair.likeness.distance,
        }
        for pair in report.pairs
    ]  # fmt: skip
    return to_json(replace(report, pairs=())) | {"pairs": pairs}


if __name__ == "__main__":
    raise SystemExit(main())
