"""The labelled images of each task, as its recipe names their sources."""

from collections.abc import Iterable
from pathlib import Path

from models.task import Task
from models.training.manifest import FIRST_ROW, SPLITS, Example, UnfitManifest, read_examples
from models.training.recipes import RECIPES


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
