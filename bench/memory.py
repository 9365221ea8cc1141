"""Memory of all processes of a server: proportional set size (PSS), where a shared page counts once.

Measured with all tasks loaded and used in every worker.
"""

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import httpx

import models
from bench.clients import Clinician, crowd, peer_upload, visit
from bench.effort import Effort
from bench.request import LARGE, SMALL, picture
from bench.selection import chosen_tasks
from bench.servers import make_lumen, serve_lumen, serve_peer
from bench.table import Row, Target, row

PART = "Memory"
SMALL_HOST = Target(512)
STEADY = Target(5)
# Workers of the promise.
PROMISED = 2
# Requests for each worker and task, so that chance leaves no worker unused.
USES = 8


def measure(effort: Effort) -> list[Row]:
    """Rows of both servers for each number of workers, and how much they grow."""
    tasks = chosen_tasks(effort)
    lumen = [line for workers in effort.workers for line in measure_lumen(tasks, workers, effort.predictions)]
    peer = [line for workers in effort.workers for line in measure_peer(tasks, workers, effort.peer_predictions)]
    return lumen + peer


def measure_lumen(tasks: Sequence[models.Task], workers: int, predictions: int) -> list[Row]:
    """Rows of Lumen with so many workers; with those of the promise, its growth over so many predictions too."""
    with TemporaryDirectory() as folder:
        make_lumen(Path(folder))
        with serve_lumen(Path(folder), workers) as server:
            clinicians = [Clinician.sign_in(server.port) for _ in range(2 * workers)]
            _use_everything(clinicians, tasks)
            used = server.pss_mb()
            target = SMALL_HOST if workers == PROMISED else None
            rows = [row(PART, f"Lumen, {_workers(workers)}", "MB", [used], target)]
            if workers == PROMISED:
                _send([clinician.upload for clinician in clinicians], tasks, predictions)
                rows.append(_growth("Lumen", used, server.pss_mb(), predictions, STEADY))
            return rows


def measure_peer(tasks: Sequence[models.Task], workers: int, predictions: int) -> list[Row]:
    """The same rows of the naive peer."""
    with TemporaryDirectory() as folder, serve_peer(Path(folder), workers, tasks) as server:
        uploads = [partial(peer_upload, visit(server.port)) for _ in range(2 * workers)]
        _send(uploads, tasks, USES * workers * len(tasks))
        used = server.pss_mb()
        rows = [row(PART, f"peer, {_workers(workers)}", "MB", [used])]
        if workers == PROMISED:
            _send(uploads, tasks, predictions)
            rows.append(_growth("peer", used, server.pss_mb(), predictions, None))
        return rows


def _use_everything(clinicians: Sequence[Clinician], tasks: Sequence[models.Task]) -> None:
    """Every task in every worker, a large picture, reports and their pages: what a server does in a day."""
    workers = len(clinicians) // 2
    _send([clinician.upload for clinician in clinicians], tasks, USES * workers * len(tasks))
    for clinician in clinicians:
        study = clinician.upload(tasks[0].name, picture(LARGE)).headers["Location"]
        clinician.report(study)
        clinician.client.get(study)


def _send(uploads: Sequence[Callable[..., httpx.Response]], tasks: Sequence[models.Task], count: int) -> None:
    """`count` small pictures, the tasks in turn."""
    each = -(-count // len(tasks))
    for task in tasks:
        crowd([partial(upload, task.name, picture(SMALL)) for upload in uploads], each)


def _growth(who: str, before: float, after: float, predictions: int, target: Target | None) -> Row:
    grown = 100 * (after - before) / before
    return row(PART, f"{who}, {_workers(PROMISED)}: growth over {predictions:,} predictions", "%", [grown], target)


def _workers(count: int) -> str:
    return "1 worker" if count == 1 else f"{count} workers"
