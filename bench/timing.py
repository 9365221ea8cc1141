"""How long calls take."""

import time
from collections.abc import Callable, Mapping

WARM_UPS = 3


def milliseconds(actions: Mapping[str, Callable[[], object]], repeats: int) -> dict[str, list[float]]:
    """Name of each action -> milliseconds of `repeats` calls. The actions take turns, so that whatever else the
    machine does meanwhile hits them alike."""
    times: dict[str, list[float]] = {name: [] for name in actions}
    for turn in range(WARM_UPS + repeats):
        for name, action in actions.items():
            start = time.perf_counter()
            action()
            if turn >= WARM_UPS:
                times[name].append((time.perf_counter() - start) * 1000)
    return times
