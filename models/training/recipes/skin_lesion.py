from models.imaging import InputSpec
from models.tasks.skin_lesion import TASK
from models.training import augment
from models.training.manifest import Source
from models.training.recipe import Fold, Recipe

RECIPE = Recipe(
    task=TASK,
    sources=(Source("skin", {"lesion": "label"}, clinics="ham10000_clinics.csv"),),
    spec=InputSpec(192, 192, "crop"),
    augmentation=augment.DERMOSCOPY,
    epochs=24,
    # At twice as much a training of few epochs can die in its warm-up.
    learning_rate=2e-4,
    balance=0.7,
    patience=12,
    folds=(
        Fold("Queensland", ("rosendahl",)),
        Fold("Vienna", ("vidir", "vienna")),
        Fold("New York and others", ("ISIC archive",)),
    ),
    distill_share=4,
)
