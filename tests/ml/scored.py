"""Made-up answers to made-up images, as scoring finds them."""

from pathlib import Path

import numpy as np

from models import Head, Label
from models.calibration import HeadCard
from models.decision import decide_head
from models.task import OperatingPoint
from models.training.manifest import MISSING, Example
from models.training.scoring import HeadScores, ImageScore, head_scores
from tests.ml.files import scene

SICK = Label("sick", "Sick", operating_point=OperatingPoint.SENSITIVITY_95)
STATE = Head("state", "State", (SICK, Label("sicker", "Sicker"), Label("well", "Well", is_finding=False)))
CARD = HeadCard(
    temperature=1.0,
    thresholds={"sick": 0.3, "sicker": 0.3, "well": 0.3},
    operating_points={
        "balanced": {"sick": 0.5, "sicker": 0.5, "well": 0.5},
        "sensitivity_95": {"sick": 0.25, "sicker": 0.2, "well": 0.2},
    },
)


def image_score(
    truth: int, probabilities: list[float], number: int = 0, *, refused: bool = False, dataset_name: str = "one",
    asked: bool = True, head: Head = STATE, fitted: HeadCard = CARD,
) -> ImageScore:  # fmt: skip
    """One image, its own group, answered with these probabilities of `head`; `truth` may be MISSING."""
    example = Example(Path(f"{number}.png"), {head.key: truth}, dataset_name, f"g{number}", "val", scene(40, 60))
    result = decide_head(head, np.array(probabilities), fitted.thresholds, fitted.operating_points["balanced"])
    return ImageScore(example, refused, {head.key: result}, frozenset({head.key} if asked else ()))


def six_images() -> list[ImageScore]:
    """Four right and two wrong; one of the right refused, one inconclusive; one without a label is no part."""
    return [
        image_score(0, [0.8, 0.1, 0.1], 1),
        image_score(0, [0.26, 0.04, 0.7], 2),
        image_score(1, [0.1, 0.7, 0.2], 3, dataset_name="two"),
        image_score(1, [0.4, 0.5, 0.1], 4, dataset_name="two"),
        image_score(2, [0.1, 0.0, 0.9], 5, refused=True),
        image_score(2, [0.9, 0.1, 0.0], 6),
        image_score(MISSING, [0.9, 0.1, 0.0], 7),
    ]


def six_scores() -> HeadScores:
    return head_scores(STATE, six_images())
