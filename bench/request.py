"""The whole request: a picture posted to a running gunicorn, until its result and heatmap are stored.

Lumen decodes strictly, in a process of its own, drops metadata, stores without loss, asks the gate, runs every view,
stores every probability and a heatmap for each label that remains possible, behind a sign-in and a CSRF check. The peer
does what tutorials do.
"""

import sqlite3
from collections.abc import Callable, Sequence
from contextlib import closing
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

import httpx

import models
from bench.clients import Clinician, Load, Picture, crowd, peer_upload, stages, visit
from bench.effort import Effort
from bench.pictures import large_jpeg, small_png
from bench.selection import chosen_tasks, words
from bench.servers import Server, make_lumen, serve_lumen, serve_peer
from bench.table import Row, Target, ratio, row

PART = "Whole request"
WORKERS = 2
SMALL = "PNG of 512 pixels"
LARGE = "JPEG of 12 megapixels"
QUICKER_THAN_PEER = Target(8, is_floor=True)
# Where the target holds.
CROWD = 4
ASSESSED = {"finding", "no_finding", "inconclusive"}


class Case(NamedTuple):
    """What is sent, and by how many clients at once. `kind` is SMALL or LARGE."""

    task: models.Task
    kind: str
    clients: int

    def __str__(self) -> str:
        return f"{words(self.task)}, {self.kind}, {'1 client' if self.clients == 1 else f'{self.clients} clients'}"


class Side(NamedTuple):
    """What the clients felt of one server, and the milliseconds of processor time that it spent on each request."""

    load: Load
    processor_ms: float


def measure(effort: Effort) -> list[Row]:
    """Rows of both servers for every case, their ratios, and where Lumen's time goes."""
    cases = choose_cases(effort)
    lumen, peer = measure_lumen(cases, effort), measure_peer(cases, effort)
    compared = zip(cases, lumen, peer, strict=True)
    alone = [(case, side) for case, side in zip(cases, lumen, strict=True) if case.clients == 1]
    return [
        *(line for case, mine, theirs in compared for line in _rows(case, mine, theirs)),
        *(line for case, side in alone for line in stage_rows(case, side.load)),
    ]


def measure_lumen(cases: Sequence[Case], effort: Effort) -> list[Side]:
    """Every case on one server. Raises RuntimeError when a picture was not assessed."""
    with TemporaryDirectory() as folder:
        make_lumen(Path(folder))
        with serve_lumen(Path(folder), WORKERS) as server:
            sides = [_lumen_side(server, case, effort) for case in cases]
        _check_results(Path(folder))
    return sides


def measure_peer(cases: Sequence[Case], effort: Effort) -> list[Side]:
    """Every case on one naive peer."""
    with TemporaryDirectory() as folder, serve_peer(Path(folder), WORKERS, chosen_tasks(effort)) as server:
        return [_peer_side(server, case, effort) for case in cases]


def picture(kind: str) -> Picture:
    """The drawn picture of this kind."""
    if kind == SMALL:
        return Picture("lesion.png", small_png(), "image/png")
    return Picture("lesion.jpg", large_jpeg(), "image/jpeg")


def choose_cases(effort: Effort) -> list[Case]:
    """Both pictures and all numbers of clients for a task of the fewest views; the small picture alone, and with the
    crowd of the target, for one of the most."""
    tasks = sorted(chosen_tasks(effort), key=lambda task: len(models.get_card(task).tta_views))
    easy, hard = tasks[0], tasks[-1]
    cases = [Case(easy, kind, clients) for kind in (SMALL, LARGE) for clients in effort.clients]
    return cases if hard is easy else [*cases, Case(hard, SMALL, 1), Case(hard, SMALL, CROWD)]


def _lumen_side(server: Server, case: Case, effort: Effort) -> Side:
    clinicians = [Clinician.sign_in(server.port) for _ in range(case.clients)]
    actions = [partial(clinician.upload, case.task.name, picture(case.kind)) for clinician in clinicians]
    return _side(server, actions, effort.small_requests if case.kind == SMALL else effort.large_requests)


def _peer_side(server: Server, case: Case, effort: Effort) -> Side:
    visitors = [visit(server.port) for _ in range(case.clients)]
    actions = [partial(peer_upload, visitor, case.task.name, picture(case.kind)) for visitor in visitors]
    return _side(server, actions, effort.peer_small_requests if case.kind == SMALL else effort.peer_large_requests)


def _side(server: Server, actions: Sequence[Callable[[], httpx.Response]], count: int) -> Side:
    """Measured once every worker has answered some requests."""
    crowd([actions[0]] * (2 * WORKERS), 2 * WORKERS)
    before = server.processor_ms()
    load = crowd(actions, count)
    return Side(load, (server.processor_ms() - before) / count)


def _check_results(folder: Path) -> None:
    """A picture that was refused cost less: every study must have been assessed."""
    with closing(sqlite3.connect(folder / "lumen.db")) as database:
        outcomes = dict(database.execute("SELECT outcome, count(*) FROM studies GROUP BY outcome"))
    if set(outcomes) - ASSESSED:
        raise RuntimeError(f"Not all pictures were assessed: {outcomes}")


def _rows(case: Case, lumen: Side, peer: Side) -> list[Row]:
    lumen_rows, peer_rows = _side_rows(f"{case}: Lumen", lumen), _side_rows(f"{case}: peer", peer)
    target = QUICKER_THAN_PEER if (case.kind, case.clients) == (SMALL, CROWD) else None
    return [
        *lumen_rows,
        *peer_rows,
        ratio(PART, f"{case}: throughput of Lumen over the peer's", lumen_rows[1], peer_rows[1], target),
        ratio(PART, f"{case}: processor time of the peer over Lumen's", peer_rows[2], lumen_rows[2]),
    ]


def _side_rows(name: str, side: Side) -> tuple[Row, Row, Row]:
    return (
        row(PART, name, "ms", side.load.latencies),
        row(PART, name, "requests/s", [side.load.throughput]),
        row(PART, f"{name}, processor time", "ms/request", [side.processor_ms]),
    )


def stage_rows(case: Case, load: Load) -> list[Row]:
    """Where the time of a request goes, the longest stage first; `rest` is HTTP, form, sign-in, queries."""
    spent = [stages(response) for response in load.responses]
    names = dict.fromkeys(name for of_one in spent for name in of_one)
    times = {name: [of_one.get(name, 0.0) for of_one in spent] for name in names}
    times["rest"] = [whole - sum(of_one.values()) for whole, of_one in zip(load.latencies, spent, strict=True)]
    part = f"Stages of a request: {words(case.task)}, {case.kind}"
    return sorted((row(part, name, "ms", samples) for name, samples in times.items()), key=lambda line: -line.median)
