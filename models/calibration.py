"""Logits to calibrated probabilities."""

import numpy as np


def calibrated(logits: np.ndarray, temperature: float) -> np.ndarray:
    """Softmax of logits / temperature over the last axis: float64 of the same shape, each row summing to 1.

    `logits`: [..., labels]. `temperature`: above 0, fitted on the validation split. Temperature scaling: Guo et al.,
    ICML 2017, arXiv:1706.04599.
    """
    scaled = np.asarray(logits, np.float64) / temperature
    scaled -= scaled.max(axis=-1, keepdims=True)
    exponents = np.exp(scaled)
    return exponents / exponents.sum(axis=-1, keepdims=True)
