"""Clients of both servers, alone and in crowds."""

import queue
import re
import secrets
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from typing import NamedTuple

import httpx

from bench.servers import EMAIL, PASSWORD

TOKEN = re.compile(r'name="csrf_token"[^>]* value="([^"]+)"')
TIMEOUT = 600  # seconds: sixteen large pictures before a slow server are a long queue


class Picture(NamedTuple):
    """A file to send, as httpx takes it."""

    name: str
    data: bytes
    media_type: str


def visit(port: int) -> httpx.Client:
    """A visitor with cookies of their own; each request uses a new connection, so that nothing is left open."""
    return httpx.Client(
        base_url=f"http://127.0.0.1:{port}",
        timeout=TIMEOUT,
        limits=httpx.Limits(max_keepalive_connections=0),
        trust_env=False,  # no proxy
        verify=False,  # plain HTTP: reading the certificates would only cost time
    )


@dataclass(frozen=True)
class Clinician:
    """Signed in to Lumen, as the bench's one user. `token` is that of the forms of this session."""

    client: httpx.Client
    token: str

    @classmethod
    def sign_in(cls, port: int) -> "Clinician":
        client = visit(port)
        form = {"csrf_token": _token(client.get("/auth/login")), "email": EMAIL, "password": PASSWORD}
        _expect(302, client.post("/auth/login", data=form))
        return cls(client, _token(client.get("/upload")))

    def upload(self, task: str, picture: Picture) -> httpx.Response:
        """A study of one picture, answered when its result and heatmap are stored."""
        form = {"csrf_token": self.token, "task": task, "submission_key": secrets.token_hex(16)}
        return _expect(303, self.client.post("/upload", data=form, files={"images": picture}))

    def report(self, study_path: str) -> httpx.Response:
        """A report of the study, created and stored."""
        return _expect(303, self.client.post(f"{study_path}/reports", data={"csrf_token": self.token}))


def peer_upload(client: httpx.Client, task: str, picture: Picture) -> httpx.Response:
    """The same of the naive peer."""
    return _expect(200, client.post("/predict", data={"task": task}, files={"image": picture}))


def stages(response: httpx.Response) -> dict[str, float]:
    """The milliseconds that the server reports in Server-Timing: `decode;dur=12.3, store;dur=4.5`."""
    entries = filter(None, response.headers.get("Server-Timing", "").split(","))
    pairs = (entry.strip().split(";dur=") for entry in entries)
    return {name: float(spent) for name, spent in pairs}


@dataclass(frozen=True)
class Load:
    """What a crowd felt: milliseconds of each request, and how many requests were answered in a second."""

    latencies: Sequence[float]
    throughput: float
    responses: Sequence[httpx.Response]


def crowd(actions: Sequence[Callable[[], httpx.Response]], count: int) -> Load:
    """`count` requests by as many clients at once as there are actions: each asks again once it has its answer."""
    turns: queue.SimpleQueue[int] = queue.SimpleQueue()
    for turn in range(count):
        turns.put(turn)
    with ThreadPoolExecutor(len(actions)) as pool:
        start = time.perf_counter()
        visits = list(pool.map(lambda action: list(_visits(action, turns)), actions))
        seconds = time.perf_counter() - start
    latencies, responses = zip(*(visit for client in visits for visit in client), strict=True)
    return Load(latencies, count / seconds, responses)


def _visits(
    action: Callable[[], httpx.Response], turns: "queue.SimpleQueue[int]"
) -> Iterator[tuple[float, httpx.Response]]:
    """Milliseconds and response of each request, until there are no turns left."""
    with suppress(queue.Empty):
        while True:
            turns.get_nowait()
            start = time.perf_counter()
            response = action()
            yield (time.perf_counter() - start) * 1000, response


def _token(page: httpx.Response) -> str:
    field = TOKEN.search(page.text)
    if field is None:
        raise RuntimeError(f"A page without a form:\n{page.text}")
    return field[1]


def _expect(status: int, response: httpx.Response) -> httpx.Response:
    if response.status_code != status:
        raise RuntimeError(f"Answered {response.status_code}, not {status}:\n{response.text}")
    return response
