"""How networks of one recipe did on sources that they had never seen: what to expect of images from another hospital.

models/training/abroad measures it: several short networks, each trained without some sources and asked about them. All
other figures of a card are of the sources that its network learned from.
"""

from dataclasses import dataclass, field

from models.calibration import HeadCard
from models.measures import ELSEWHERE_SUMMARY, Measure, MeasureSet, chosen

# What a decision fitted elsewhere promises there, at most: the share of all images that is answered wrongly, and the
# share of the ill that is called clear.
MOST_WRONG, MOST_CALLED_CLEAR = 0.05, 0.03


@dataclass(frozen=True)
class Elsewhere:
    """Measures of the primary head on the images left out: all folds together (`overall`), and fold by fold.

    `home`: the same short networks on the validation images of the sources that they did learn from. `network` begins
    with the name of their trunk; `side`: pixels they read.

    `apart`: one such network on images of its own sources, with neighbouring slices of one patient kept apart by a
    stricter split; None where there is none.

    `decision`: the calibration of the primary head for images from elsewhere, fitted on all of these; its temperature
    is a factor on the one that validation images at home want. `miss_rates`: label key -> share of its own images
    for which it may be ruled out.
    """

    created: str
    network: str
    side: int
    epochs: int
    decision: HeadCard
    miss_rates: dict[str, float]
    overall: MeasureSet
    home: MeasureSet
    folds: dict[str, MeasureSet] = field(default_factory=dict)
    apart: MeasureSet | None = None

    @property
    def summary(self) -> tuple[Measure, ...]:
        """What pages show first of `overall`: how often right, how often answered, and how dangerously."""
        return chosen(self.overall.measures, ELSEWHERE_SUMMARY)
