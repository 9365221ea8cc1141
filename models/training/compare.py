"""Put two versions of a network side by side: python -m models.training.compare OLD NEW

OLD and NEW are files that `python -m models.training.evaluate TASK --split val --predictions FILE` wrote with the one
and the other network in models/weights. The validation split chooses; the test split is for released versions only.

The new one may replace the old when, on the task's primary head, the measure that the task's first target names
(balanced accuracy if it has none) is no lower and the lower bound of the paired 95 % bootstrap interval of the
difference lies above -0.02. Exit code 0 when it may, 1 when it may not, 2 when the files cannot be compared.
"""

import argparse
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy.stats import binomtest

from models.measures import Metric
from models.task import Task
from models.training.metrics import Interval, accuracy, balanced_accuracy, bootstrap, is_right, macro_auc
from models.training.predictions import HeadPredictions, Predictions, UnfitPredictions, read_predictions
from models.training.recipes import training_task

# How far below zero the interval of the difference may reach: less than most validation splits can tell from chance.
MAX_REGRESSION = 0.02
METRICS: dict[Metric, Callable[[np.ndarray, np.ndarray], float]] = {
    Metric.ACCURACY: accuracy,
    Metric.BALANCED_ACCURACY: balanced_accuracy,
    Metric.MEAN_AUC: macro_auc,
}


@dataclass(frozen=True)
class Comparison:
    """One head of two networks on the same n images.

    `only_old`, `only_new`: images that one alone got right; `p_value`: of McNemar's exact test that both err alike.
    `differences`: metric -> new less old. `old`, `new`: metric -> value.
    """

    n: int
    only_old: int
    only_new: int
    p_value: float
    old: dict[Metric, float]
    new: dict[Metric, float]
    differences: dict[Metric, Interval]

    def may_replace(self, metric: Metric) -> bool:
        """Whether no loss of this metric was found."""
        difference = self.differences[metric]
        return difference.value >= 0 and difference.low > -MAX_REGRESSION


def mcnemar(old_right: np.ndarray, new_right: np.ndarray) -> tuple[int, int, float]:
    """Images that only the old and only the new got right, and the two-sided exact p-value (McNemar, 1947).

    Both bool [n]. Exact: the smaller count against a fair coin; 1 when the networks err on the same images.
    """
    only_old, only_new = int((old_right & ~new_right).sum()), int((new_right & ~old_right).sum())
    if not only_old + only_new:
        return 0, 0, 1.0
    return only_old, only_new, float(binomtest(only_new, only_old + only_new).pvalue)


def compare_heads(old: HeadPredictions, new: HeadPredictions) -> Comparison:
    """Raises UnfitPredictions unless both answered the same question about the same images."""
    if old.labels != new.labels:
        raise UnfitPredictions("The two networks know different labels.")
    if old.paths != new.paths or not np.array_equal(old.truth, new.truth):
        raise UnfitPredictions("The two files are not about the same images with the same labels.")

    def differences(rows: np.ndarray) -> dict[Metric, float]:
        truth = old.truth[rows]
        return {
            metric: compute(new.probabilities[rows], truth) - compute(old.probabilities[rows], truth)
            for metric, compute in METRICS.items()
        }

    counts = mcnemar(is_right(old.probabilities, old.truth), is_right(new.probabilities, new.truth))
    return Comparison(len(old.truth), *counts, _values(old), _values(new), bootstrap(differences, old.groups))


def _values(answers: HeadPredictions) -> dict[Metric, float]:
    return {metric: compute(answers.probabilities, answers.truth) for metric, compute in METRICS.items()}


def compare(old: Predictions, new: Predictions) -> dict[str, Comparison]:
    """Head key -> comparison, for the heads that both have; raises UnfitPredictions for another task or split."""
    if (old.task, old.split) != (new.task, new.split):
        raise UnfitPredictions(f"One file is of {old.task}, {old.split}, the other of {new.task}, {new.split}.")
    shared = [key for key in old.heads if key in new.heads]
    if training_task(old.task).primary not in shared:
        raise UnfitPredictions(f"The primary head of {old.task} is not in both files.")
    return {key: compare_heads(old.heads[key], new.heads[key]) for key in shared}


def judged_by(task: Task) -> Metric:
    """The metric that decides: what users were promised first."""
    promised = task.targets[0].metric if task.targets else Metric.BALANCED_ACCURACY
    # Of two labels both have the same AUC.
    metric = Metric.MEAN_AUC if promised is Metric.AUC else promised
    return metric if metric in METRICS else Metric.BALANCED_ACCURACY


def verdict(comparison: Comparison, metric: Metric) -> str:
    """One sentence: whether the new network may replace the old, and why."""
    difference = comparison.differences[metric]
    measured = f"{metric.words.lower()} changed by {_signed(difference)}"
    if comparison.may_replace(metric):
        return f"The new network may replace the old: {measured}, no measured loss."
    if difference.value < 0:
        return f"The new network may not replace the old: {measured}, a loss."
    return (
        f"The new network may not replace the old: {measured}, and a loss of {MAX_REGRESSION} or more is not excluded."
    )


def _signed(interval: Interval) -> str:
    return f"{interval.value:+.3f} [{interval.low:+.3f}, {interval.high:+.3f}]"


def show(comparisons: dict[str, Comparison]) -> None:
    """Print one table for each head."""
    for key, one in comparisons.items():
        print(f"{key}, n = {one.n}")
        for metric, difference in one.differences.items():
            print(f"  {metric.words:20} {one.old[metric]:.3f} -> {one.new[metric]:.3f}   {_signed(difference)}")
        print(
            f"  right only before {one.only_old}, only now {one.only_new}; McNemar's exact test p = {one.p_value:.3g}"
        )


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m models.training.compare", description=__doc__.splitlines()[0])
    parser.add_argument("old", type=Path, help="predictions of the network that serves")
    parser.add_argument("new", type=Path, help="predictions of the one that may replace it")
    options = parser.parse_args(arguments)
    try:
        old, new = read_predictions(options.old), read_predictions(options.new)
        comparisons = compare(old, new)
    except UnfitPredictions as error:
        print(error, file=sys.stderr)
        return 2
    print(f"{old.task}, {old.split}: {old.version} ({old.sha256[:12]}) and {new.version} ({new.sha256[:12]})")
    show(comparisons)
    task = training_task(old.task)
    primary, metric = comparisons[task.primary], judged_by(task)
    print(verdict(primary, metric))
    return 0 if primary.may_replace(metric) else 1


if __name__ == "__main__":
    sys.exit(main())
