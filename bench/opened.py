"""The gate held open: it does all its work, and what it says stops nothing.

A drawn picture is of no task's kind, and a picture that the gate refuses costs less than one that is assessed.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from unittest.mock import patch

from models import inference
from models.gate import PASSED, GateVerdict


@contextmanager
def open_gate() -> Iterator[None]:
    """Every image passes in this process, as long as this lasts."""
    with (
        patch.object(inference, "pass_gate", _passing(inference.pass_gate)),
        patch.object(inference, "judge_distance", _passing(inference.judge_distance)),
    ):
        yield


def _passing(test: Callable[..., GateVerdict]) -> Callable[..., GateVerdict]:
    @wraps(test)
    def passed(*args, **kwargs) -> GateVerdict:
        test(*args, **kwargs)
        return PASSED

    return passed
