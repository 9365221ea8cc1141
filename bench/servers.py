"""Servers for the bench: Lumen under its own gunicorn.conf.py, and the naive peer under gunicorn's defaults."""

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import httpx
import psutil

import models
from bench.machine import ROOT
from bench.table import MEGABYTE
from models.runtime import MODEL

LUMEN, PEER = "bench.lumen_app:app", "bench.naive_peer:app"
EMAIL, PASSWORD = "bench@example.org", "only lesions drawn by code"
PATIENCE = 180  # seconds until a server must have answered


@dataclass(frozen=True)
class Server:
    """A server on this machine. `first_answer` is in seconds from the start of its process."""

    process: subprocess.Popen
    port: int
    log: Path
    first_answer: float

    def pss_mb(self) -> float:
        """Proportional set size of all its processes, in MB: a page that several of them share counts once."""
        return sum(process.memory_full_info().pss for process in self._processes()) / MEGABYTE

    def processor_ms(self) -> float:
        """Milliseconds that all its processes have spent on processors, all cores together."""
        times = [process.cpu_times() for process in self._processes()]
        return 1000 * sum(spent.user + spent.system for spent in times)

    def _processes(self) -> list[psutil.Process]:
        master = psutil.Process(self.process.pid)
        return [master, *master.children(recursive=True)]


def make_lumen(folder: Path) -> None:
    """The database of a Lumen whose data lie in `folder`, with one clinician."""
    flask = [sys.executable, "-m", "flask", "--app", "wsgi"]
    create = [*flask, "user", "create", "--email", EMAIL, "--role", "clinician", "--password-stdin"]
    settings = _lumen_settings(folder)
    for command, words in (([*flask, "db", "upgrade"], ""), (create, f"{PASSWORD}\n")):
        subprocess.run(command, cwd=ROOT, env=settings, input=words, text=True, check=True, capture_output=True)


@contextmanager
def serve_lumen(folder: Path, workers: int) -> Iterator[Server]:
    """Lumen on the data that `make_lumen` made in `folder`."""
    settings = _lumen_settings(folder) | {"WEB_CONCURRENCY": str(workers)}
    with _serve([LUMEN], settings, "/health/ready", folder / "lumen.log") as server:
        yield server


@contextmanager
def serve_peer(folder: Path, workers: int, tasks: Sequence[models.Task]) -> Iterator[Server]:
    """The naive peer with the networks of these tasks; its data lie in `folder`."""
    networks = {task.name: str(models.current_deployment().network_of(task).folder / MODEL) for task in tasks}
    settings = dict(os.environ) | {
        "PEER_FOLDER": str(folder), "PEER_NETWORKS": json.dumps(networks), "TF_CPP_MIN_LOG_LEVEL": "2",
    }  # fmt: skip
    # Not from gunicorn.conf.py, which is Lumen's. TensorFlow does not survive a fork: each worker loads for itself.
    arguments = ["--config", "/dev/null", "--workers", str(workers), "--timeout", "300", PEER]
    with _serve(arguments, settings, "/", folder / "peer.log") as server:
        yield server


def _lumen_settings(folder: Path) -> dict[str, str]:
    inherited = {name: value for name, value in os.environ.items() if name not in ("DATABASE_URL", "LUMEN_FILES")}
    return inherited | {
        "LUMEN_INSTANCE": str(folder), "LUMEN_ENV": "development", "HOST": "127.0.0.1",
        "LUMEN_UPLOADS_PER_MINUTE": "1000000",
    }  # fmt: skip


@contextmanager
def _serve(arguments: Sequence[str], settings: Mapping[str, str], path: str, log: Path) -> Iterator[Server]:
    port = _free_port()
    command = [sys.executable, "-m", "gunicorn", "--bind", f"127.0.0.1:{port}", *arguments]
    with log.open("w", encoding="utf-8") as file:
        started = time.perf_counter()
        process = subprocess.Popen(
            command, cwd=ROOT, env={**settings, "PORT": str(port)}, stdout=file, stderr=subprocess.STDOUT
        )
        try:
            _wait_for(process, port, path, log)
            yield Server(process, port, log, time.perf_counter() - started)
        finally:
            # Told to stop, not killed: the master would leave its workers behind.
            process.terminate()
            process.wait(timeout=60)


def _wait_for(process: subprocess.Popen, port: int, path: str, log: Path) -> None:
    deadline = time.monotonic() + PATIENCE
    with httpx.Client(timeout=PATIENCE, trust_env=False, verify=False) as client:
        while time.monotonic() < deadline and process.poll() is None:
            # Refused as long as nobody listens.
            with suppress(httpx.TransportError):
                if client.get(f"http://127.0.0.1:{port}{path}").status_code == httpx.codes.OK:
                    return
            time.sleep(0.005)
    raise RuntimeError(f"The server did not answer:\n{log.read_text(encoding='utf-8')}")


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]
