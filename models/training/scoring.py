"""What the networks that serve answer to labelled images, each taken the way of an upload.

Bytes are decoded, put right and judged by the gate, run through the compiled graph in the card's views, judged by the
distance test, calibrated and decided with the very functions of `models.predict`. Unlike there, the network also
answers what the gate refuses, so that both can be told: how good the network is, and how often a user gets an answer.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from tqdm import tqdm

from models.decision import asked_heads
from models.decoders.errors import UnreadableImage
from models.gate import PASSED, judge_distance
from models.imaging import prepare
from models.inference import decide, pass_gate
from models.righting import Righted
from models.runtime import get_network, run_views
from models.task import Head, HeadResult, Task
from models.training.manifest import MISSING, Example, UnfitManifest, read_upload
from models.training.recipes import RECIPES


class Reply(StrEnum):
    """What a user would have got to one question about one image."""

    REFUSED = "refused"
    NOT_ASKED = "not_asked"
    INCONCLUSIVE = "inconclusive"
    ANSWERED = "answered"


@dataclass(frozen=True)
class ImageScore:
    """All heads of one image, whatever the gate said. `asked`: keys of the heads whose question made sense."""

    example: Example
    refused: bool
    heads: dict[str, HeadResult]
    asked: frozenset[str]


@dataclass(frozen=True)
class HeadScores:
    """One head on the n images whose label is known.

    `truth`: index of the right label, int [n]; `probabilities`: float [n, labels]; `in_set`: whether a label is
    possible or not excluded, bool [n, labels]; `decided`: index of the label decided for, or MISSING, int [n];
    `replies`: Reply [n].
    `truth`, `probabilities`, `in_set` and `decided` are the network's own, whatever the gate said.
    """

    head: Head
    examples: tuple[Example, ...]
    truth: np.ndarray
    probabilities: np.ndarray
    in_set: np.ndarray
    decided: np.ndarray
    replies: np.ndarray

    @property
    def groups(self) -> np.ndarray:
        return np.array([example.group for example in self.examples])

    @property
    def dataset_names(self) -> np.ndarray:
        return np.array([example.dataset_name for example in self.examples])

    def take(self, rows: np.ndarray) -> "HeadScores":
        return HeadScores(
            self.head,
            tuple(self.examples[row] for row in rows),
            self.truth[rows],
            self.probabilities[rows],
            self.in_set[rows],
            self.decided[rows],
            self.replies[rows],
        )


def score_images(task: Task, examples: list[Example]) -> list[ImageScore]:
    """The score of each image that can be decoded; says which cannot. Raises UnfitManifest when none can."""
    scores = []
    for example in tqdm(examples, desc=f"scoring {task.name}"):
        try:
            scores.append(score_image(task, example))
        except UnreadableImage as error:
            tqdm.write(f"Left out, since an upload of it is refused: {example.path}: {error}")
    if not scores:
        raise UnfitManifest("None of the images can be decoded.")
    return scores


def score_image(task: Task, example: Example) -> ImageScore:
    """Raises UnreadableImage, and NetworkUnavailable when the task's network or the gate's cannot be loaded."""
    pixels = read_upload(example)
    network = get_network(task)
    behind_gate = RECIPES[task.name].behind_gate
    verdict = pass_gate(task, pixels) if behind_gate else PASSED
    righted = verdict.righted or Righted(pixels)
    raw = run_views(network, prepare(righted.pixels, network.card.spec))
    heads = decide(task, network.card, raw.logits)
    return ImageScore(
        example=example,
        refused=behind_gate and not (verdict.passed and judge_distance(network, raw.features).passed),
        heads={result.head.key: result for result in heads},
        asked=frozenset(result.head.key for result in asked_heads(heads)),
    )


def head_scores(head: Head, images: Sequence[ImageScore]) -> HeadScores:
    """The images of which this head's label is known. A specialist's head is asked as served: for the detected part."""
    known = [image for image in images if image.example.targets[head.key] != MISSING]
    results = [image.heads[head.key] for image in known]
    lines = [result.labels for result in results]
    shape = (len(known), len(head.labels))
    return HeadScores(
        head=head,
        examples=tuple(image.example for image in known),
        truth=np.array([image.example.targets[head.key] % len(head.labels) for image in known], int),
        probabilities=np.array([[line.probability for line in row] for row in lines], float).reshape(shape),
        in_set=np.array([[line.in_set for line in row] for row in lines], bool).reshape(shape),
        decided=np.array([_decided_index(result) for result in results], int),
        replies=np.array([_reply(head, image) for image in known]),
    )


def _decided_index(result: HeadResult) -> int:
    return MISSING if result.decided is None else result.head.labels.index(result.decided)


def _reply(head: Head, image: ImageScore) -> Reply:
    if image.refused:
        return Reply.REFUSED
    if head.key not in image.asked:
        return Reply.NOT_ASKED
    return Reply.INCONCLUSIVE if image.heads[head.key].decided is None else Reply.ANSWERED
