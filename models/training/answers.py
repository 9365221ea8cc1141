"""What anything that answers (a network, trees, a probe) said of some images, and how right it was."""

from collections.abc import Callable
from dataclasses import asdict, dataclass

import numpy as np

from models.card import Measure
from models.training.metrics import accuracy, balanced_accuracy, bootstrap, label_aucs, macro_auc


@dataclass(frozen=True)
class Answers:
    """Float [n, labels] probabilities, int [n] right labels, and the group (patient, where known) of each image [n]."""

    probabilities: np.ndarray
    truth: np.ndarray
    groups: np.ndarray

    def take(self, rows: np.ndarray) -> "Answers":
        return Answers(self.probabilities[rows], self.truth[rows], self.groups[rows])

    @property
    def chance(self) -> float:
        """Balanced accuracy of a guess: one over the number of labels that occur."""
        return round(1 / len(np.unique(self.truth)), 4)

    def join(self, others: "Answers") -> "Answers":
        return Answers(
            np.concatenate([self.probabilities, others.probabilities]),
            np.concatenate([self.truth, others.truth]),
            np.concatenate([self.groups, others.groups]),
        )

    def measures(self) -> list[dict]:
        """Accuracy and, where several labels occur, the two measures that no imbalance of labels flatters."""
        metrics = {"Accuracy": accuracy}
        if len(np.unique(self.truth)) > 1:
            metrics |= {"Balanced accuracy": balanced_accuracy, "Mean AUC": macro_auc}
        return self._measured(metrics)

    def auc(self, label: int, name: str) -> dict:
        """The area under the ROC curve of one label (its index) against all others, under this name."""
        return self._measured({name: lambda probabilities, truth: float(label_aucs(probabilities, truth)[label])})[0]

    def _measured(self, metrics: dict[str, Callable[[np.ndarray, np.ndarray], float]]) -> list[dict]:
        def statistics(rows: np.ndarray) -> dict[str, float]:
            chosen = self.take(rows)
            return {name: metric(chosen.probabilities, chosen.truth) for name, metric in metrics.items()}

        found = bootstrap(statistics, self.groups)
        return [
            asdict(Measure(name, round(own.value, 4), round(own.low, 4), round(own.high, 4), n=len(self.truth)))
            for name, own in found.items()
        ]
