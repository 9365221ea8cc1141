"""How much is measured: all of it for numbers to quote, or a little to see that everything still runs."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Effort:
    """Counts of repetitions; `peer_` ones are of the slower side, which is measured less often.

    `tasks`: names of the tasks to measure; empty means all. `workers`: numbers of worker processes whose memory is
    measured. `clients`: numbers of clients that send at the same time. `analyses`: numbers of stored analyses among
    which the history is read, the fewest first.
    """

    tasks: tuple[str, ...]
    calls: int
    peer_calls: int
    small_requests: int
    large_requests: int
    peer_small_requests: int
    peer_large_requests: int
    clients: tuple[int, ...]
    workers: tuple[int, ...]
    predictions: int
    peer_predictions: int
    starts: int
    peer_starts: int
    reports: int
    zipped: int
    analyses: tuple[int, int]
    reads: int


FULL = Effort(
    tasks=(),
    calls=200,
    peer_calls=30,
    small_requests=400,
    large_requests=80,
    peer_small_requests=100,
    peer_large_requests=40,
    clients=(1, 4, 16),
    workers=(1, 2, 4),
    predictions=2000,
    peer_predictions=200,
    starts=10,
    peer_starts=3,
    reports=50,
    zipped=200,
    analyses=(10_000, 1_000_000),
    reads=100,
)
QUICK = Effort(
    tasks=("chest",),
    calls=5,
    peer_calls=2,
    small_requests=4,
    large_requests=2,
    peer_small_requests=4,
    peer_large_requests=2,
    clients=(1, 4),
    workers=(2,),
    predictions=20,
    peer_predictions=4,
    starts=1,
    peer_starts=1,
    reports=3,
    zipped=5,
    analyses=(500, 5_000),
    reads=5,
)
