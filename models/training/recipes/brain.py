from models.imaging import InputSpec
from models.tasks.brain import TASK
from models.training import augment
from models.training.manifest import Source
from models.training.recipe import Fold, Recipe

RECIPE = Recipe(
    task=TASK,
    sources=(
        Source("brain", {"tumour": "label"}, copies="known_copies_val_test_holdout.csv", blocks="patient_blocks.csv"),
    ),
    spec=InputSpec(192, 192, "stretch"),
    augmentation=augment.BRAIN,
    epochs=18,
    # Shorter and smaller trainings rank tumours elsewhere worse than the one that serves would.
    abroad_side=160,
    abroad_epochs=10,
    # Glioma has a second source, the other tumours none: the main source is never left out.
    folds=(
        Fold("TCIA glioblastoma, NTUA", ("TCIA", "NTUA")),
        Fold("TCIA glioblastoma, NiChart, volunteers", ("TCIA", "NiChart", "Volunteers")),
    ),
    distill_share=5,
)
