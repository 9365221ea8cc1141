"""Clients of both servers, alone and in crowds."""

import http.client
import queue
import re
import secrets
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from urllib.parse import urlencode

from bench.servers import EMAIL, PASSWORD

TOKEN = re.compile(r'name="csrf_token"[^>]* value="([^"]+)"')
TIMEOUT = 600  # seconds: sixteen large pictures before a slow server are a long queue


@dataclass(frozen=True)
class Picture:
    """A file to send."""

    name: str
    media_type: str
    data: bytes


@dataclass(frozen=True)
class Answer:
    """What came back. `stages` are the milliseconds that the server told of in Server-Timing."""

    status: int
    body: bytes
    location: str
    stages: Mapping[str, float]


class Client:
    """One visitor with one cookie jar; each request goes by a connection of its own."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._cookie = ""

    def get(self, path: str) -> Answer:
        return self._ask("GET", path)

    def post(self, path: str, fields: Mapping[str, str]) -> Answer:
        """Send a form."""
        return self._ask("POST", path, urlencode(fields).encode(), "application/x-www-form-urlencoded")

    def send(self, path: str, fields: Mapping[str, str], name: str, picture: Picture) -> Answer:
        """Send a form with a file in the field `name`."""
        body, media_type = _multipart(fields, name, picture)
        return self._ask("POST", path, body, media_type)

    @contextmanager
    def stream(self, path: str, fields: Mapping[str, str]) -> Iterator[http.client.HTTPResponse]:
        """Send a form and read the answer while it comes."""
        with self._request("POST", path, urlencode(fields).encode(), "application/x-www-form-urlencoded") as response:
            yield response

    def _ask(self, method: str, path: str, body: bytes = b"", media_type: str = "") -> Answer:
        with self._request(method, path, body, media_type) as response:
            stages = _stages(response.headers.get("Server-Timing", ""))
            return Answer(response.status, response.read(), response.headers.get("Location", ""), stages)

    @contextmanager
    def _request(self, method: str, path: str, body: bytes, media_type: str) -> Iterator[http.client.HTTPResponse]:
        headers = {"Content-Type": media_type} if media_type else {}
        if self._cookie:
            headers["Cookie"] = self._cookie
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=TIMEOUT)
        try:
            connection.request(method, path, body or None, headers)
            with connection.getresponse() as response:
                if cookie := response.headers.get("Set-Cookie"):
                    self._cookie = cookie.partition(";")[0]
                yield response
        finally:
            connection.close()


@dataclass
class Clinician:
    """Signed in to Lumen, as the bench's one user. `token` is that of the forms of this session."""

    client: Client
    token: str

    @classmethod
    def sign_in(cls, port: int) -> "Clinician":
        client = Client(port)
        form = {"csrf_token": _token(client.get("/auth/login")), "email": EMAIL, "password": PASSWORD}
        _expect(302, client.post("/auth/login", form))
        return cls(client, _token(client.get("/upload")))

    def upload(self, task: str, picture: Picture) -> Answer:
        """A study of one picture, answered when its result and heatmap are stored."""
        fields = {"csrf_token": self.token, "task": task, "submission_key": secrets.token_hex(16)}
        return _expect(303, self.client.send("/upload", fields, "images", picture))

    def report(self, study_path: str) -> Answer:
        """A report of the study, made and stored."""
        return _expect(303, self.client.post(f"{study_path}/reports", {"csrf_token": self.token}))


def peer_upload(port: int, task: str, picture: Picture) -> Answer:
    """The same of the naive peer."""
    return _expect(200, Client(port).send("/predict", {"task": task}, "image", picture))


@dataclass(frozen=True)
class Load:
    """What a crowd felt: milliseconds of each request, and how many requests were answered in a second."""

    latencies: Sequence[float]
    throughput: float
    answers: Sequence[Answer]


def crowd(actions: Sequence[Callable[[], Answer]], count: int) -> Load:
    """`count` requests by as many clients at once as there are actions: each asks again once it has its answer."""
    turns: queue.SimpleQueue[int] = queue.SimpleQueue()
    for turn in range(count):
        turns.put(turn)
    with ThreadPoolExecutor(len(actions)) as pool:
        start = time.perf_counter()
        visits = list(pool.map(lambda action: list(_visits(action, turns)), actions))
        seconds = time.perf_counter() - start
    latencies, answers = zip(*(visit for own in visits for visit in own), strict=True)
    return Load(latencies, count / seconds, answers)


def _visits(action: Callable[[], Answer], turns: "queue.SimpleQueue[int]") -> Iterator[tuple[float, Answer]]:
    """Milliseconds and answer of each request, until there are no turns left."""
    with suppress(queue.Empty):
        while True:
            turns.get_nowait()
            start = time.perf_counter()
            answer = action()
            yield (time.perf_counter() - start) * 1000, answer


def _multipart(fields: Mapping[str, str], name: str, picture: Picture) -> tuple[bytes, str]:
    boundary = secrets.token_hex(16)
    parts = [
        f'--{boundary}\r\nContent-Disposition: form-data; name="{key}"\r\n\r\n{value}\r\n'
        for key, value in fields.items()
    ]
    head = (
        f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"; filename="{picture.name}"\r\n'
        f"Content-Type: {picture.media_type}\r\n\r\n"
    )
    body = "".join(parts).encode() + head.encode() + picture.data + f"\r\n--{boundary}--\r\n".encode()
    return body, f"multipart/form-data; boundary={boundary}"


def _stages(header: str) -> dict[str, float]:
    """Of `decode;dur=12.3, store;dur=4.5`."""
    pairs = (entry.strip().split(";dur=") for entry in header.split(",") if entry.strip())
    return {name: float(spent) for name, spent in pairs}


def _token(page: Answer) -> str:
    found = TOKEN.search(page.body.decode())
    if found is None:
        raise RuntimeError(f"A page without a form:\n{page.body.decode()}")
    return found[1]


def _expect(status: int, answer: Answer) -> Answer:
    if answer.status != status:
        raise RuntimeError(f"Answered {answer.status}, not {status}:\n{answer.body.decode(errors='replace')}")
    return answer
