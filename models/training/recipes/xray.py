"""All questions about radiographs as one task, to train a trunk before it learns one of them; it never serves."""

from dataclasses import replace

from models.imaging import InputSpec
from models.modality import MODALITY_TASK
from models.task import Modality, Task
from models.training import augment
from models.training.recipe import Recipe
from models.training.recipes import chest, fracture

XRAY_TASK = Task(
    name="xray",
    title="Radiographs",
    question="What does the radiograph show?",
    image_kind="A plain X-ray of a limb or the chest",
    modality=Modality.BONE_XRAY,
    default_network="resnet50",
    heads=(*fracture.RECIPE.task.heads, *chest.RECIPE.task.heads, MODALITY_TASK.head(MODALITY_TASK.primary)),
    primary=fracture.RECIPE.task.primary,
    intended_use="A start for the networks of fracture and chest.",
    limitations=(),
)

RECIPE = Recipe(
    task=XRAY_TASK,
    sources=tuple(
        replace(source, same={MODALITY_TASK.primary: recipe.task.modality})
        for recipe in (fracture.RECIPE, chest.RECIPE)
        for source in recipe.manifests
    ),
    spec=InputSpec(160, 160, "pad"),
    augmentation=augment.BONE,
    epochs=8,
    head_weights=(("part", 0.5), ("fractured", 1.0), ("type", 0.5), ("chest", 1.0), ("modality", 0.1)),
)
