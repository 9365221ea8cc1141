"""How long the network that serves takes."""

import statistics
import time
from collections.abc import Callable

import numpy as np

from models.card_file import NetworkUnavailable
from models.runtime import get_network, run_views
from models.task import Task

RUNS_TIMED = 30


def show_times(task: Task) -> None:
    """Print what one view and all views of the network that serves `task` cost, if it is compiled."""
    try:
        network = get_network(task)
    except NetworkUnavailable as error:
        print(f"Not timed. {error}")
        return
    batch = np.full((1, network.card.spec.height, network.card.spec.width, 3), 127.0, np.float32)
    one, all_views = milliseconds(lambda: network.run(batch)), milliseconds(lambda: run_views(network, batch))
    print(f"One view takes {one:.1f} ms, {len(network.card.tta_views)} views take {all_views:.1f} ms.")


def milliseconds(ask: Callable[[], object]) -> float:
    """Median time of one call."""
    times = []
    for _ in range(RUNS_TIMED):
        start = time.perf_counter()
        ask()
        times.append(time.perf_counter() - start)
    return statistics.median(times) * 1000
