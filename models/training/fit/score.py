"""How good a network is on validation after each epoch: what chooses the epoch that is kept."""

import keras
import numpy as np

from models.calibration import calibrated
from models.task import Task
from models.training.fit.batches import Batches
from models.training.manifest import MISSING
from models.training.metrics import accuracy, balanced_accuracy, macro_auc


class ValidationScore(keras.callbacks.Callback):
    """Adds `val_score`, the heads' scores on the validation split weighted as their losses, to each epoch's logs."""

    def __init__(self, task: Task, batches: Batches) -> None:
        super().__init__()
        self.task, self.batches = task, batches
        self.weights = [dict(batches.recipe.head_weights).get(head.key, 1.0) for head in task.heads]

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        logits = self.model.predict(self.batches, verbose=0)
        scores = {head.key: score(logits[head.key], self.batches.targets[head.key]) for head in self.task.heads}
        logs = logs if logs is not None else {}
        logs["val_score"] = float(np.average(list(scores.values()), weights=self.weights))
        for head in self.task.heads:
            logs[f"val_{head.key}_accuracy"] = accuracy(*_answers(logits[head.key], self.batches.targets[head.key]))
        print(
            f" epoch {epoch + 1} val_score {logs['val_score']:.4f}",
            {key: round(s, 4) for key, s in scores.items()},
            flush=True,
        )


def score(logits: np.ndarray, targets: np.ndarray) -> float:
    """Mean of accuracy, balanced accuracy and macro AUC; of specialists, the one for the true condition is asked.

    Some labels have ten validation images: accuracy and the AUC, which moves with every rank, steady the choice of an
    epoch.
    """
    probabilities, truth = _answers(logits, targets)
    # No AUC where all images have one label: the other two still tell epochs apart.
    return float(np.nanmean([metric(probabilities, truth) for metric in (accuracy, balanced_accuracy, macro_auc)]))


def _answers(logits: np.ndarray, targets: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Probabilities [n, labels] and right labels [n] where those are known."""
    known = targets != MISSING
    logits, targets = logits[known], targets[known]
    labels = logits.shape[-1]
    if logits.ndim == 3:
        logits = logits[np.arange(len(targets)), targets // labels]
    return calibrated(logits, 1.0), targets % labels
