"""How each network is trained: chosen on the validation split. One place for every hyper-parameter."""

from dataclasses import dataclass

from models.imaging import InputSpec
from models.training import augment
from models.training.augment import Augmentation


@dataclass(frozen=True)
class Recipe:
    """`balance`: exponent of the inverse label frequency used as loss weight (0: none, 1: full). `patience`: epochs.
    `averaging`: momentum, per step, of the moving average of the weights. `hidden`: widths of the heads' hidden layers.
    """

    spec: InputSpec
    augmentation: Augmentation
    epochs: int
    learning_rate: float = 4e-4
    weight_decay: float = 1e-2
    batch_size: int = 32
    dropout: float = 0.3
    balance: float = 0.5
    label_smoothing: float = 0.05
    patience: int = 8
    averaging: float = 0.995
    hidden: tuple[int, ...] = ()
    head_weights: tuple[tuple[str, float], ...] = ()


RECIPES = {
    "injury": Recipe(
        InputSpec(224, 224, "stretch"),
        augment.PHOTO,
        epochs=36,
        patience=12,
        head_weights=(("injury", 1.0), ("burn_degree", 0.3), ("wound_kind", 0.5)),
    ),
    "skin_lesion": Recipe(InputSpec(192, 192, "crop"), augment.DERMOSCOPY, epochs=24, balance=0.7, patience=12),
    # The second half of its way: before, 24 epochs from ImageNet with 224 pixels and a peak learning rate of 4e-4.
    "fracture": Recipe(
        InputSpec(320, 320, "pad"),
        augment.BONE,
        epochs=12,
        learning_rate=2e-4,
        patience=12,
        head_weights=(("part", 0.7), ("fractured", 1.0), ("type", 0.7)),
    ),
    "chest": Recipe(InputSpec(192, 192, "stretch"), augment.CHEST, epochs=18, patience=12),
    "xray": Recipe(
        InputSpec(160, 160, "pad"),
        augment.BONE,
        epochs=8,
        head_weights=(("part", 0.5), ("fractured", 1.0), ("type", 0.5), ("chest", 1.0), ("modality", 0.1)),
    ),
    "brain": Recipe(InputSpec(192, 192, "stretch"), augment.BRAIN, epochs=18),
    "modality": Recipe(InputSpec(128, 128, "stretch"), augment.MODALITY, epochs=2, balance=0.7, dropout=0.2),
}
