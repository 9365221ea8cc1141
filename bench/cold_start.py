"""From the start of the process to its first answer, and to its first result, with compiled networks."""

import time
from pathlib import Path
from tempfile import TemporaryDirectory

from bench.clients import Clinician, peer_upload, visit
from bench.effort import Effort
from bench.request import SMALL, WORKERS, picture
from bench.selection import chosen_tasks
from bench.servers import make_lumen, serve_lumen, serve_peer
from bench.table import Row, Target, row

PART = "Cold start"
SOON = Target(2.5)


def measure(effort: Effort) -> list[Row]:
    """Rows of both servers, in seconds."""
    return [*measure_lumen(effort), *measure_peer(effort)]


def measure_lumen(effort: Effort) -> list[Row]:
    """Rows of Lumen, on a database that was migrated before."""
    with TemporaryDirectory() as folder:
        make_lumen(Path(folder))
        return _rows("Lumen", [_start_lumen(Path(folder), effort) for _ in range(effort.starts)], SOON)


def measure_peer(effort: Effort) -> list[Row]:
    """Rows of the naive peer."""
    with TemporaryDirectory() as folder:
        return _rows("peer", [_start_peer(Path(folder), effort) for _ in range(effort.peer_starts)], None)


def _rows(who: str, starts: list[tuple[float, float]], target: Target | None) -> list[Row]:
    answers, results = zip(*starts, strict=True)
    return [
        row(PART, f"{who}: first answer", "s", answers, target),
        row(PART, f"{who}: first result, with the sign-in if there is one", "s", results),
    ]


def _start_lumen(folder: Path, effort: Effort) -> tuple[float, float]:
    task = chosen_tasks(effort)[0]
    with serve_lumen(folder, WORKERS) as server:
        start = time.perf_counter()
        Clinician.sign_in(server.port).upload(task.name, picture(SMALL))
        return server.first_answer, server.first_answer + time.perf_counter() - start


def _start_peer(folder: Path, effort: Effort) -> tuple[float, float]:
    tasks = chosen_tasks(effort)
    with serve_peer(folder, WORKERS, tasks) as server:
        start = time.perf_counter()
        peer_upload(visit(server.port), tasks[0].name, picture(SMALL))
        return server.first_answer, server.first_answer + time.perf_counter() - start
