"""A task with a known modality is two files: its declaration, and its recipe with its source of images."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.ml.test_datasets import FOLDERS, write_folder

MODELS = Path(__file__).parents[2] / "models"
DECLARATION = """
from models.measures import Metric
from models.task import Head, Label, Modality, Target, Task

TASK = Task(
    name="ear",
    title="Ear",
    question="Is the ear inflamed?",
    image_kind="A colour photo of one ear",
    modality=Modality.CLINICAL_PHOTO,
    default_network="cnn",
    heads=(Head("ear", "Ear", (Label("inflamed", "Inflamed"), Label("normal", "Normal", is_finding=False))),),
    primary="ear",
    intended_use="A test.",
    limitations=(),
    targets=(Target(Metric.AUC, reach=0.9),),
)
"""
RECIPE = """
from models.imaging import InputSpec
from models.tasks.ear import TASK
from models.training import augment
from models.training.manifest import Source
from models.training.recipe import Recipe

RECIPE = Recipe(
    task=TASK,
    sources=(Source("ear", {"ear": "label"}),),
    spec=InputSpec(64, 64, "pad"),
    augmentation=augment.PHOTO,
    epochs=1,
)
"""
QUESTIONS = """
import json
import models
from models.training.datasets import load_examples
from models.training.recipes import RECIPES, training_task

task = models.get_task("ear")
gate = load_examples(models.MODALITY_TASK, splits=("val",))
print(json.dumps({
    "offered": [one.name for one in models.all_tasks()],
    "network": models.current_deployment().network_of(task).name,
    "status": models.network_status()["ear"],
    "targets": [one.targets for one in load_examples(training_task("ear"))],
    "gate": [one.targets["modality"] for one in gate if one.dataset_name == "ear"],
}))
"""


@pytest.fixture
def checkout(tmp_path) -> Path:
    """The package without its weights, with the two files, and a picture of each kind beside it."""
    shutil.copytree(MODELS, tmp_path / "models", ignore=shutil.ignore_patterns("weights", "__pycache__"))
    (tmp_path / "models" / "tasks" / "ear.py").write_text(DECLARATION, encoding="utf-8")
    (tmp_path / "models" / "training" / "recipes" / "ear.py").write_text(RECIPE, encoding="utf-8")
    for folder in (*FOLDERS, "gate_negatives", "ear"):
        row = {"dataset_name": folder, "group": f"{folder} 1", "path": "a.png", "split": "val", "label": "inflamed"}
        write_folder(tmp_path / "datasets" / folder, [row])
    return tmp_path


def test_two_files_are_a_task_that_is_offered_trained_and_known_to_the_gate(checkout):
    done = subprocess.run(
        [sys.executable, "-c", QUESTIONS], cwd=checkout, capture_output=True, text=True, check=True,
        env=os.environ | {"LUMEN_DATASETS": str(checkout / "datasets"), "LUMEN_NETWORKS": ""},
    )  # fmt: skip
    found = json.loads(done.stdout.splitlines()[-1])
    assert found["offered"][-1] == "ear"
    assert found["network"] == "cnn"
    assert found["status"] == "The network of Ear is not installed: its card is missing."
    assert found["targets"] == [{"ear": 0}]
    assert found["gate"] == [0], "one of its clinical photos"
