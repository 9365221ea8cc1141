from models.imaging import InputSpec
from models.tasks.chest import TASK
from models.training import augment
from models.training.manifest import Source
from models.training.recipe import Fold, Recipe

RECIPE = Recipe(
    task=TASK,
    sources=(Source("chest", {"chest": "label"}),),
    spec=InputSpec(192, 192, "stretch"),
    augmentation=augment.CHEST,
    epochs=18,
    patience=12,
    folds=(
        Fold("Guangzhou (children)", ("Kermany",)),
        Fold("NIH", ("NIH",)),
        Fold("Shenzhen, Montgomery", ("Shenzhen",)),
        Fold("TBX11K, COVID-19, compilation", ("TBX11K", "COVID-19", "Normal films")),
    ),
    distill_share=8,
)
