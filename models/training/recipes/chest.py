from models.imaging import InputSpec
from models.tasks.chest import TASK
from models.training import augment
from models.training.manifest import Source
from models.training.recipe import Recipe

RECIPE = Recipe(
    task=TASK,
    sources=(Source("chest", {"chest": "label"}),),
    spec=InputSpec(192, 192, "stretch"),
    augmentation=augment.CHEST,
    epochs=18,
    patience=12,
    distill_share=8,
)
