"""Where the images of a task came from: by the manifest, and by the origins that the task file declares."""

from collections.abc import Sequence

import numpy as np

from models.task import Task
from models.training.manifest import Example, read_manifest
from models.training.recipes import RECIPES


def manifest_column(task: Task, examples: Sequence[Example]) -> tuple[str, np.ndarray]:
    """The manifest's finest column that names sources, and its word for each image, str [n].

    `dataset_name`, or `source_repo` where all images are of one data set: copies of it in different renderings.
    """
    names = np.array([example.dataset_name for example in examples])
    if len(np.unique(names)) > 1:
        return "dataset_name", names
    copies = {
        source.manifest.parent / row["path"]: row["source_repo"]
        for source in RECIPES[task.name].manifests
        for row in read_manifest(source.manifest)
    }
    return "source_repo", np.array([copies[example.path] for example in examples])
