from models.imaging import InputSpec
from models.tasks.injury import TASK
from models.training import augment
from models.training.manifest import Source
from models.training.recipe import Fold, Recipe

RECIPE = Recipe(
    task=TASK,
    sources=(Source("injury", {"injury": "label", "burn_degree": "subtype", "wound_kind": "subtype"}),),
    spec=InputSpec(224, 224, "stretch"),
    augmentation=augment.PHOTO,
    epochs=36,
    patience=12,
    head_weights=(("injury", 1.0), ("burn_degree", 0.3), ("wound_kind", 0.5)),
    # Nearly all burns are of one source, so it is never left out.
    folds=(
        Fold("Kaggle wounds, MySkin", ("Kaggle wound", "MySkin")),
        Fold("AZH clinic", ("AZH", "Foot Ulcer")),
        Fold("web search, sign language hands", ("Web image", "Sign Language")),
    ),
    distill_share=4,
)
