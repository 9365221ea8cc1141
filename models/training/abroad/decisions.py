"""Temperatures and thresholds for images from elsewhere: fitted on sources that the networks had never seen.

Thresholds from validation images promise what they promise for images like those of training, and another hospital's
are not. Here the images left out take their place: each label's threshold is conformal on them, and the rates at which
labels are ruled out are such that no more than MOST_WRONG of all images are answered wrongly, and no more than
MOST_CALLED_CLEAR of the ill called clear. What that costs is more images that are not decided.
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from models.calibration import HeadCard
from models.elsewhere import MOST_CALLED_CLEAR, MOST_WRONG
from models.task import Head
from models.training import metrics
from models.training.abroad.answers import HeadAsked
from models.training.abroad.measure import Told, tell
from models.training.calibrate import calibrate_head, fit_temperature
from models.training.manifest import MISSING
from models.training.thresholds import EVEN, SENSITIVE_MISS_RATE, label_thresholds, operating_points

# Shares of a label's own images that may be ruled out, down to none at all; of one that must not be missed the second.
RATES = (0.5, 0.4, 0.3, 0.25, 0.2, 0.15, 0.10, 0.08, 0.06, 0.05, 0.04, 0.03, 0.02, 0.01, 0.0)
GRAVE_RATES = tuple(rate for rate in RATES if rate <= SENSITIVE_MISS_RATE)
# What rules nothing out.
NEVER = 0.0
ROUNDS = 2

Rates = dict[str, float]


def home_card(head: Head, asked: HeadAsked, miss_rate: float) -> HeadCard:
    """The calibration of one network on validation images of its own sources."""
    return calibrate_head(head, asked.logits, asked.truth, miss_rate)[0]


def at_home(asked: HeadAsked, home: HeadAsked) -> HeadAsked:
    """The same images, logits divided by the temperature that the network's own validation images want.

    So networks that learned longer or shorter are comparable, and what is fitted on one may serve another.
    """
    return replace(asked, logits=asked.logits / fit_temperature(home.logits, home.truth))


def pooled(parts: Sequence[HeadAsked]) -> HeadAsked:
    """Images of several networks together."""
    arrays = (
        np.concatenate([getattr(part, name) for part in parts]) for name in ("logits", "truth", "groups", "origins")
    )
    return HeadAsked(parts[0].head, *arrays)


def abroad_card(head: Head, asked: HeadAsked) -> HeadCard:
    """The calibration of `fit_abroad`."""
    return fit_abroad(head, asked)[0]


def fit_abroad(head: Head, asked: HeadAsked) -> tuple[HeadCard, dict[str, float]]:
    """The calibration that keeps both promises on these images and answers most of them, and the rate of each label.

    By coordinate ascent: all labels begin at one rate, then each in turn takes the one that answers most.
    """
    temperature = fit_temperature(asked.logits, asked.truth)
    probabilities = asked.probabilities(temperature)
    points = operating_points(head, probabilities, asked.truth)
    tried = {
        rate: label_thresholds(head, probabilities, asked.truth, rate)
        if rate
        else {label.key: NEVER for label in head.labels}
        for rate in RATES
    }

    def card(rates: Rates) -> HeadCard:
        highest = {key: EVEN if len(head.labels) == 2 else 1 - rate for key, rate in rates.items()}
        return HeadCard(temperature, {key: min(highest[key], tried[rate][key]) for key, rate in rates.items()}, points)

    def share_answered(rates: Rates) -> float:
        told = tell(asked, card(rates))
        return metrics.share(told.decided != MISSING) if keeps_promises(told) else -1.0

    best = max((_alike(head, rate, grave) for rate in RATES for grave in GRAVE_RATES), key=share_answered)
    for _ in range(ROUNDS):
        for index, label in enumerate(head.labels):
            allowed = GRAVE_RATES if index in head.grave else RATES
            best = max([best, *({**best, label.key: rate} for rate in allowed)], key=share_answered)
    return card(best), best


def _alike(head: Head, rate: float, grave: float) -> Rates:
    """One rate for all labels but those that must not be missed."""
    return {label.key: grave if index in head.grave else rate for index, label in enumerate(head.labels)}


def keeps_promises(told: Told) -> bool:
    """Whether few enough of these images are answered wrongly, and few enough of the ill called clear."""
    ill = np.isin(told.truth, told.head.ill)
    wrong = (told.decided != MISSING) & (told.decided != told.truth)
    clear = (told.decided != MISSING) & ~np.isin(told.decided, told.head.ill)
    return metrics.share(wrong) <= MOST_WRONG and not metrics.share(clear[ill]) > MOST_CALLED_CLEAR


def cross_fitted(parts: Sequence[HeadAsked]) -> list[Told]:
    """What each network's images are told by the calibration of all other networks': nothing is fitted on its own."""
    if len(parts) < 2:
        raise ValueError("One fold alone cannot be calibrated on others.")
    return [
        tell(part, abroad_card(part.head, pooled([*parts[:index], *parts[index + 1 :]])))
        for index, part in enumerate(parts)
    ]
