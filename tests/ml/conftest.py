"""What the tests of `models` share. TensorFlow, where a slow test needs it, stays silent and on the processor."""

import os
from collections.abc import Iterator

import pytest

# Read when TensorFlow is first imported, which only slow tests do.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "")


@pytest.fixture
def own_networks() -> Iterator[None]:
    """No network is loaded when the test starts, and none that it loaded stays for the next."""
    from models.runtime import unload_networks

    unload_networks()
    yield
    unload_networks()
