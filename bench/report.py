"""Reports: one made and stored, and many in one ZIP that is sent while it is made."""

import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

import httpx

from bench.clients import Clinician, crowd
from bench.effort import Effort
from bench.request import SMALL, WORKERS, picture
from bench.selection import chosen_tasks
from bench.servers import Server, make_lumen, serve_lumen
from bench.table import MEGABYTE, Row, Target, row

PART = "Report"
ONE = Target(150)
PORTION = MEGABYTE


class Download(NamedTuple):
    """Sizes in MB, times in seconds; `most_gained` is by how much the server's PSS rose above that before it."""

    first_byte: float
    seconds: float
    size: float
    most_gained: float


def measure(effort: Effort) -> list[Row]:
    """Rows of single reports, and of two ZIPs of the same studies: reports made now, and reports made before."""
    with TemporaryDirectory() as folder:
        make_lumen(Path(folder))
        with serve_lumen(Path(folder), WORKERS) as server:
            clinician = Clinician.sign_in(server.port)
            task = chosen_tasks(effort)[0]
            studies = [clinician.upload(task.name, picture(SMALL)).headers["Location"] for _ in range(effort.zipped)]
            single = crowd([lambda: clinician.report(studies[0])], effort.reports)
            made, again = _download(server, clinician), _download(server, clinician)
    return [
        row(PART, "one report, made and stored", "ms", single.latencies, ONE),
        *_rows(f"ZIP of {effort.zipped} reports made now", made),
        *_rows(f"ZIP of {effort.zipped} reports made before", again),
    ]


def _rows(what: str, download: Download) -> list[Row]:
    return [
        row(PART, f"{what}: first byte", "s", [download.first_byte]),
        row(PART, f"{what}: whole", "s", [download.seconds]),
        row(PART, f"{what}: size", "MB", [download.size]),
        row(PART, f"{what}: most memory that the server gained", "MB", [download.most_gained]),
    ]


def _download(server: Server, clinician: Clinician) -> Download:
    """Read the ZIP as it comes, and look at the server's memory after each portion: no oftener, for it takes time."""
    before, peak = server.pss_mb(), 0.0
    start = time.perf_counter()
    with clinician.client.stream("POST", "/reports.zip", data={"csrf_token": clinician.token}) as response:
        if response.status_code != httpx.codes.OK:
            raise RuntimeError(f"Instead of a ZIP the server answered {response.status_code}.")
        sizes = map(len, response.iter_raw())
        size = next(sizes)
        first_byte = time.perf_counter() - start
        for portion in _portions(sizes):
            size += portion
            peak = max(peak, server.pss_mb())
    return Download(first_byte, time.perf_counter() - start, size / MEGABYTE, max(0.0, peak - before))


def _portions(sizes: Iterable[int]) -> Iterator[int]:
    """These sizes, put together until they reach PORTION; the last one may be smaller."""
    portion = 0
    for size in sizes:
        portion += size
        if portion >= PORTION:
            yield portion
            portion = 0
    if portion:
        yield portion
