"""Trees on superficial cues: how much of a task can be told without seeing any disease."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from sklearn.ensemble import ExtraTreesClassifier
from tqdm import tqdm

from models.audit import Baseline, Cue
from models.task import Head
from models.training.answers import Answers
from models.training.manifest import MISSING, Example, read_upload
from models.training.metrics import balanced_accuracy
from models.training.superficial import read_cues

SEED = 20261120
TREES = 200
SHUFFLES = 3


@dataclass(frozen=True)
class Looks:
    """How n images look: cue name -> float32 [n, values]; head key -> their targets, int [n]; their groups [n]."""

    cues: dict[str, np.ndarray]
    targets: dict[str, np.ndarray]
    groups: np.ndarray

    def known(self, head: Head) -> "Looks":
        """Only the images with a known label of this head."""
        rows = np.flatnonzero(self.targets[head.key] != MISSING)
        return Looks(
            {cue: values[rows] for cue, values in self.cues.items()},
            {key: targets[rows] for key, targets in self.targets.items()},
            self.groups[rows],
        )

    def is_answerable(self, head: Head) -> bool:
        """Whether there are two labels of this head to be told apart."""
        return len(np.unique(self.known(head).labels(head))) > 1

    def labels(self, head: Head) -> np.ndarray:
        """Index into the head's labels, int [n]."""
        return self.targets[head.key] % len(head.labels)

    def matrix(self) -> np.ndarray:
        """All cues side by side, float32 [n, values]."""
        return np.concatenate(list(self.cues.values()), axis=1)

    def only(self, cue: str) -> "Looks":
        return Looks({cue: self.cues[cue]}, self.targets, self.groups)

    def shuffled(self, cue: str, rng: np.random.Generator) -> "Looks":
        """The same images, each with this cue of another one."""
        return Looks(self.cues | {cue: rng.permutation(self.cues[cue])}, self.targets, self.groups)


def read_looks(examples: Sequence[Example]) -> Looks:
    """The cues of these images, read from their files."""
    read = [
        read_cues(read_upload(example), example.path.stat().st_size) for example in tqdm(examples, desc="reading cues")
    ]
    return Looks(
        {cue: np.stack([cues[cue] for cues in read]) for cue in read[0]},
        {key: np.array([example.targets[key] for example in examples]) for key in examples[0].targets},
        np.array([example.group for example in examples]),
    )


def tiny_image_baseline(head: Head, seen: Looks, asked: Looks) -> Baseline:
    """Trees that learned from the images `seen`, measured on those `asked`, both with known labels of `head`."""
    trees = _grow(head, seen)
    whole = _ask(head, trees, asked)
    return Baseline(
        chance=whole.chance,
        trained_on=len(seen.groups),
        measures=whole.measures(),
        cues=tuple(
            Cue(
                cue,
                alone=_ask(head, _grow(head, seen.only(cue)), asked.only(cue)).measures(),
                drop=round(_balanced(whole) - _without(head, trees, asked, cue), 4),
            )
            for cue in tqdm(seen.cues, desc=f"cues of {head.key}")
        ),
    )


def _grow(head: Head, looks: Looks) -> ExtraTreesClassifier:
    """Extremely randomised trees (Geurts et al., Machine Learning 2006): nothing to scale, nothing to tune."""
    # One job: several are threads, which pass on warning filters that they reset for each other (scikit-learn 1.9).
    trees = ExtraTreesClassifier(
        TREES, max_features=0.1, min_samples_leaf=2, class_weight="balanced", n_jobs=1, random_state=SEED
    )
    return trees.fit(looks.matrix(), looks.labels(head))


def _ask(head: Head, trees: ExtraTreesClassifier, looks: Looks) -> Answers:
    probabilities = np.zeros((len(looks.groups), len(head.labels)))
    probabilities[:, trees.classes_] = trees.predict_proba(looks.matrix())
    return Answers(probabilities, looks.labels(head), looks.groups)


def _without(head: Head, trees: ExtraTreesClassifier, looks: Looks, cue: str) -> float:
    """Balanced accuracy without one cue: permutation importance (Breiman, 2001) of all its values together."""
    rng = np.random.default_rng(SEED)
    return float(np.mean([_balanced(_ask(head, trees, looks.shuffled(cue, rng))) for _ in range(SHUFFLES)]))


def _balanced(answers: Answers) -> float:
    return balanced_accuracy(answers.probabilities, answers.truth)
