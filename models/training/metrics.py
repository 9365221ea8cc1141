"""How good probabilities are: each metric once, on arrays, and one bootstrap over groups for all of them.

Throughout, `probabilities` is float [n, labels] with rows that sum to 1 and `truth` int [n] the index of the right
label; the top label is the most probable one. A metric that the images cannot answer (a label that none of them has) is
NaN.
"""

from collections.abc import Callable, Hashable, Iterator
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from scipy.stats import rankdata

from models.card import ReliabilityBin

RESAMPLES = 1000
SEED = 20261120
BINS = 15
# Probabilities below this count as this: one image that was called impossible must not make the mean infinite.
SMALLEST = 1e-12

# What a number is filed under: its name, or a label and its name.
Name = TypeVar("Name", bound=Hashable)


def accuracy(probabilities: np.ndarray, truth: np.ndarray) -> float:
    """Share of images whose top label is right."""
    return share(is_right(probabilities, truth))


def is_right(probabilities: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """Whether the top label is the right one: bool [n]."""
    return probabilities.argmax(axis=1) == truth


def share(hits: np.ndarray) -> float:
    """Mean of a bool [n]; NaN for none at all."""
    return float(hits.mean()) if len(hits) else float("nan")


def balanced_accuracy(probabilities: np.ndarray, truth: np.ndarray) -> float:
    """Mean sensitivity of the top label over the labels that occur in `truth`."""
    right = is_right(probabilities, truth)
    counts = np.bincount(truth)
    return float((np.bincount(truth, weights=right)[counts > 0] / counts[counts > 0]).mean())


def macro_f1(probabilities: np.ndarray, truth: np.ndarray) -> float:
    """Mean over the labels that occur in `truth` of F1, the harmonic mean of sensitivity and precision."""
    labels = probabilities.shape[1]
    guesses = probabilities.argmax(axis=1)
    hits = np.bincount(truth[guesses == truth], minlength=labels)
    occurring, guessed = np.bincount(truth, minlength=labels), np.bincount(guesses, minlength=labels)
    occurs = occurring > 0
    return float((2 * hits[occurs] / (occurring + guessed)[occurs]).mean())


def top_accuracy(probabilities: np.ndarray, truth: np.ndarray, count: int = 3) -> float:
    """Share of images whose right label is among the `count` most probable."""
    best = np.argsort(probabilities, axis=1)[:, -count:]
    return share((best == truth[:, None]).any(axis=1))


def sensitivity(called: np.ndarray, positive: np.ndarray) -> float:
    """Share of the positive images that were called positive; both bool [n]."""
    return share(called[positive])


def specificity(called: np.ndarray, positive: np.ndarray) -> float:
    """Share of the negative images that were not called positive; both bool [n]."""
    return share(~called[~positive])


def label_aucs(probabilities: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """Area under each label's ROC curve against all others, [labels]; NaN where none or all images have the label.

    By ranks, ties counted half (Hanley and McNeil, Radiology 1982).
    """
    positive = truth[:, None] == np.arange(probabilities.shape[1])
    n = positive.sum(axis=0)
    pairs = n * (len(truth) - n)
    wins = (rankdata(probabilities, axis=0) * positive).sum(axis=0) - n * (n + 1) / 2
    return np.divide(wins, pairs, out=np.full(len(n), np.nan), where=pairs > 0)


def macro_auc(probabilities: np.ndarray, truth: np.ndarray) -> float:
    """Mean of the labels' areas under the ROC curve, over those that have one."""
    return mean_known(label_aucs(probabilities, truth))


def mean_known(values: np.ndarray) -> float:
    """Mean of those that are not NaN; NaN if all are."""
    known = values[~np.isnan(values)]
    return float(known.mean()) if len(known) else float("nan")


def brier_score(probabilities: np.ndarray, truth: np.ndarray) -> float:
    """Mean squared distance to the truth, summed over labels: 0 to 2 (Brier, Monthly Weather Review 1950)."""
    wanted = truth[:, None] == np.arange(probabilities.shape[1])
    return float(((probabilities - wanted) ** 2).sum(axis=1).mean())


def negative_log_likelihood(probabilities: np.ndarray, truth: np.ndarray) -> float:
    """Mean of -ln of the right label's probability, in nats."""
    of_right_label = probabilities[np.arange(len(truth)), truth]
    return float(-np.log(np.maximum(of_right_label, SMALLEST)).mean())


def reliability(probabilities: np.ndarray, truth: np.ndarray, bins: int = BINS) -> list[ReliabilityBin]:
    """The bins of the reliability diagram that hold any image, from low to high (DeGroot and Fienberg, 1983)."""
    sure = probabilities.max(axis=1)
    right = is_right(probabilities, truth)
    places = _bins_of(sure, bins)
    counts = np.bincount(places, minlength=bins)
    sums, hits = (np.bincount(places, weights=values, minlength=bins) for values in (sure, right))
    return [
        ReliabilityBin(float(sums[place] / counts[place]), float(hits[place] / counts[place]), int(counts[place]))
        for place in np.flatnonzero(counts)
    ]


def expected_calibration_error(probabilities: np.ndarray, truth: np.ndarray, bins: int = BINS) -> float:
    """ECE of the top label in equal bins (Naeini et al., AAAI 2015; Guo et al., ICML 2017, arXiv:1706.04599)."""
    diagram = reliability(probabilities, truth, bins)
    return sum(abs(one.accuracy - one.confidence) * one.n for one in diagram) / len(truth)


def calibration_error_by_chance(probabilities: np.ndarray, bins: int = BINS) -> "Interval":
    """The ECE that these images would show if every top label's probability were exactly true: mean, and 95 % range.

    Few images leave each bin a little off by luck: an ECE inside this range is no sign of poor calibration. The answers
    are drawn right or wrong by their own probabilities (consistency resampling, Broecker and Smith, Weather and
    Forecasting 2007).
    """
    sure = probabilities.max(axis=1)
    in_bin = _bins_of(sure, bins)[:, None] == np.arange(bins)
    right = np.random.default_rng(SEED).random((RESAMPLES, len(sure))) < sure
    errors = np.abs((sure - right) @ in_bin).sum(axis=1) / len(sure)
    return Interval(float(errors.mean()), *_percentiles(errors, np.nan))


def _bins_of(sure: np.ndarray, bins: int) -> np.ndarray:
    """The bin of each probability, int [n] from 0 to bins - 1."""
    return np.minimum((sure * bins).astype(int), bins - 1)


def label_coverage(in_set: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """Share of each label's images whose prediction set holds that label, [labels]; `in_set`: bool [n, labels]."""
    positive = truth[:, None] == np.arange(in_set.shape[1])
    n = positive.sum(axis=0)
    return np.divide((in_set & positive).sum(axis=0), n, out=np.full(len(n), np.nan), where=n > 0)


def mean_set_size(in_set: np.ndarray) -> float:
    """Mean number of labels in the prediction sets; `in_set`: bool [n, labels]."""
    return float(in_set.sum(axis=1).mean())


def risk_coverage_curve(probabilities: np.ndarray, truth: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Coverage and risk, [n] each: the error among the k images with the most probable top labels, k from 1 to n.

    El-Yaniv and Wiener, JMLR 2010. Images that are equally sure share their mean error, so that their order is nothing.
    """
    _, rank = np.unique(-probabilities.max(axis=1), return_inverse=True)
    counts = np.bincount(rank)
    errors = np.bincount(rank, weights=~is_right(probabilities, truth)) / counts
    taken = np.arange(1, len(truth) + 1)
    return taken / len(truth), np.cumsum(np.repeat(errors, counts)) / taken


def aurc(probabilities: np.ndarray, truth: np.ndarray) -> float:
    """Area under the risk-coverage curve: the mean risk over all coverages (Geifman et al., ICLR 2019)."""
    return float(risk_coverage_curve(probabilities, truth)[1].mean())


@dataclass(frozen=True)
class Interval:
    """A value with its 95 % bootstrap interval."""

    value: float
    low: float
    high: float


def bootstrap(statistics: Callable[[np.ndarray], dict[Name, float]], groups: np.ndarray) -> dict[Name, Interval]:
    """Name -> interval of each number that `statistics` gives for the chosen images (their indices, int [m]).

    Percentiles over RESAMPLES samples of whole groups (Efron and Tibshirani, 1993), the same samples for every number:
    `groups` [n] names the patient, where known, of each image. A number that is NaN for all images is left out; samples
    that cannot answer it say nothing. A single group gives an interval of no width.
    """
    whole = {name: value for name, value in statistics(np.arange(len(groups))).items() if not np.isnan(value)}
    drawn: dict[Name, list[float]] = {name: [] for name in whole}
    for chosen in _resamples(groups):
        resampled = statistics(chosen)
        for name, values in drawn.items():
            values.append(resampled[name])
    return {name: _around(value, *_percentiles(drawn[name], value)) for name, value in whole.items()}


def _around(value: float, low: float, high: float) -> Interval:
    """Percentiles, widened to hold the value: samples of few images make an ECE larger, and may all lie above it."""
    return Interval(value, min(low, value), max(high, value))


def _resamples(groups: np.ndarray) -> Iterator[np.ndarray]:
    rng = np.random.default_rng(SEED)
    _, places = np.unique(groups, return_inverse=True)
    counts = np.bincount(places)
    members = np.split(np.argsort(places, kind="stable"), np.cumsum(counts)[:-1])
    for _ in range(RESAMPLES):
        yield np.concatenate([members[group] for group in rng.integers(0, len(members), len(members))])


def _percentiles(values: list[float] | np.ndarray, fallback: float) -> tuple[float, float]:
    known = np.array(values)[~np.isnan(values)]
    low, high = np.percentile(known, [2.5, 97.5]) if len(known) else (fallback, fallback)
    return float(low), float(high)
