from models.imaging import InputSpec
from models.tasks.fracture import TASK
from models.training import augment
from models.training.manifest import Source
from models.training.recipe import Fold, Recipe

# The second half of its way: before, 24 epochs from ImageNet with 224 pixels and a peak learning rate of 4e-4.
RECIPE = Recipe(
    task=TASK,
    sources=(
        Source("fracture", {"part": "part", "fractured": "fractured"}),
        Source("fracture_type", {"type": "type"}),
    ),
    spec=InputSpec(320, 320, "pad"),
    augmentation=augment.BONE,
    epochs=12,
    learning_rate=2e-4,
    patience=12,
    head_weights=(("part", 0.7), ("fractured", 1.0), ("type", 0.7)),
    # A fracture line is gone at 128 pixels.
    abroad_side=192,
    folds=(Fold("FracAtlas", ("FracAtlas",)), Fold("MURA", ("MURA",))),
    distill_share=10,
)
