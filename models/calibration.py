"""Logits to calibrated probabilities, and from which of these on a label counts."""

from dataclasses import dataclass

import numpy as np

from models.task import OperatingPoint


@dataclass(frozen=True)
class HeadCard:
    """Calibration of one head.

    `thresholds`: label key -> probability at and above which the label stays possible. `operating_points`: point ->
    label key -> probability at and above which that label counts as seen, against all others.
    """

    temperature: float
    thresholds: dict[str, float]
    operating_points: dict[OperatingPoint, dict[str, float]]


def calibrated(logits: np.ndarray, temperature: float) -> np.ndarray:
    """Softmax of logits / temperature over the last axis: float64 of the same shape, each row summing to 1.

    `logits`: [..., labels]. `temperature`: above 0. Temperature scaling: Guo et al.,
    ICML 2017, arXiv:1706.04599.
    """
    scaled = np.asarray(logits, np.float64) / temperature
    scaled -= scaled.max(axis=-1, keepdims=True)
    exponents = np.exp(scaled)
    return exponents / exponents.sum(axis=-1, keepdims=True)
