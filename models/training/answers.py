"""What anything that answers (a network, trees, a probe) said of some images, and how right it was."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from models.measures import Measure, Metric
from models.training.measuring import rounded
from models.training.metrics import accuracy, balanced_accuracy, bootstrap, label_aucs, macro_auc

# Probabilities [n, labels] and right labels int [n] -> one number.
Compute = Callable[[np.ndarray, np.ndarray], float]


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

    def measures(self) -> tuple[Measure, ...]:
        """Accuracy and, where several labels occur, the two metrics that no imbalance of labels flatters."""
        computed: dict[Metric, Compute] = {Metric.ACCURACY: accuracy}
        if len(np.unique(self.truth)) > 1:
            computed |= {Metric.BALANCED_ACCURACY: balanced_accuracy, Metric.MEAN_AUC: macro_auc}
        return self._measured(computed)

    def auc(self, label: int, metric: Metric = Metric.AUC) -> Measure:
        """The area under the ROC curve of one label (its index) against all others, as this metric."""
        return self._measured({metric: lambda *answers: float(label_aucs(*answers)[label])})[0]

    def _measured(self, computed: dict[Metric, Compute]) -> tuple[Measure, ...]:
        def statistics(rows: np.ndarray) -> dict[Metric, float]:
            chosen = self.take(rows)
            return {metric: compute(chosen.probabilities, chosen.truth) for metric, compute in computed.items()}

        intervals = bootstrap(statistics, self.groups)
        return tuple(rounded(metric, interval, len(self.truth)) for metric, interval in intervals.items())
