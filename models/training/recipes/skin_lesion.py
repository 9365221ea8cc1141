from models.imaging import InputSpec
from models.tasks.skin_lesion import TASK
from models.training import augment
from models.training.manifest import Source
from models.training.recipe import Recipe

RECIPE = Recipe(
    task=TASK,
    sources=(Source("skin", {"lesion": "label"}),),
    spec=InputSpec(192, 192, "crop"),
    augmentation=augment.DERMOSCOPY,
    epochs=24,
    balance=0.7,
    patience=12,
    distill_share=4,
)
