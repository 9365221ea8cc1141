"""The gate's own network: it learns from the images of every task, from pictures of none, and from odd ones."""

from dataclasses import replace
from importlib import import_module

from models.imaging import InputSpec
from models.modality import MODALITY_TASK, ODD_HEADS
from models.registry import all_tasks
from models.task import Modality
from models.training import augment
from models.training.manifest import Source
from models.training.negatives import ChangedPhotos, DrawnPictures, InFolders
from models.training.odd_pictures import OddPictures, usual_targets
from models.training.recipe import Recipe

KIND = MODALITY_TASK.primary
NOT_MEDICAL = Source("not_medical", columns={}, same={KIND: Modality.NOT_MEDICAL})
# All images of one task are of its kind, whatever else they show, and as they should be.
OF_TASKS = tuple(
    replace(source, columns={}, same={KIND: task.modality, **usual_targets(task.modality)}, copies="", blocks="")
    for task in all_tasks()
    for source in import_module(f"models.training.recipes.{task.name}").RECIPE.manifests
)
# Medical pictures that no task reads; each folder in it is of one kind.
NEGATIVES = "gate_negatives"
OF_NO_TASK = (
    Source("brain_ct", columns={}, same={KIND: Modality.HEAD_CT}),
    InFolders(Source(NEGATIVES, columns={}, same={KIND: Modality.LESION_PHOTO}), ("clinical_lesion_photo",)),
    InFolders(
        Source(NEGATIVES, columns={}, same={KIND: Modality.OTHER_MEDICAL}),
        ("breast_ultrasound", "dental_panoramic", "fundus_photo", "mri_other_part"),
    ),
)
ODD = OddPictures(OF_TASKS)

RECIPE = Recipe(
    task=MODALITY_TASK,
    sources=(*OF_TASKS, *OF_NO_TASK, NOT_MEDICAL, ChangedPhotos(NOT_MEDICAL), DrawnPictures(Modality.NOT_MEDICAL), ODD),
    spec=InputSpec(128, 128, "stretch"),
    augmentation=augment.MODALITY,
    epochs=3,
    balance=0.7,
    dropout=0.2,
    head_weights=((KIND, 1.0), *((head.key, 0.5) for head in ODD_HEADS)),
    # Stricter than for a finding: what the gate refuses gets no answer at all.
    miss_rate=0.02,
    behind_gate=False,
    distill_share=1,
    # The other kinds are there as images of their tasks.
    distill_label=Modality.NOT_MEDICAL,
)
