"""The gate's own network: it learns from the images of every task, and from pictures that are of none."""

from dataclasses import replace
from importlib import import_module

from models.imaging import InputSpec
from models.modality import MODALITY_TASK
from models.registry import all_tasks
from models.task import Modality
from models.training import augment
from models.training.manifest import Source
from models.training.negatives import ChangedPhotos, DrawnPictures
from models.training.recipe import Recipe

KIND = MODALITY_TASK.primary
NOT_MEDICAL = Source("not_medical", columns={}, same={KIND: Modality.NOT_MEDICAL})
# All images of one task are of its kind, whatever else they show.
OF_TASKS = tuple(
    replace(source, columns={}, same={KIND: task.modality}, copies="", blocks="")
    for task in all_tasks()
    for source in import_module(f"models.training.recipes.{task.name}").RECIPE.manifests
)

RECIPE = Recipe(
    task=MODALITY_TASK,
    sources=(*OF_TASKS, NOT_MEDICAL, ChangedPhotos(NOT_MEDICAL), DrawnPictures(Modality.NOT_MEDICAL)),
    spec=InputSpec(128, 128, "stretch"),
    augmentation=augment.MODALITY,
    epochs=2,
    balance=0.7,
    dropout=0.2,
    # Stricter than for a finding: what the gate refuses gets no answer at all.
    miss_rate=0.02,
    behind_gate=False,
    distill_share=1,
    # The other kinds are there as images of their tasks.
    distill_label=Modality.NOT_MEDICAL,
)
