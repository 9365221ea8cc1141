"""A real server for tests: gunicorn with its own configuration, on a free port, with a database that was migrated."""

import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]


@dataclass(frozen=True)
class RealServer:
    """A server that answers at `address`; what it writes is in the file `log`."""

    process: subprocess.Popen
    address: str
    log: Path


@contextmanager
def serve(folder: Path, **environment: str) -> Iterator[RealServer]:
    """Start a server whose data lie in `folder`, with these variables set on top of the test's own environment; it is
    stopped in the end if the test has not done so. Without DATABASE_URL it has a SQLite database in the folder."""
    changed = {"LUMEN_INSTANCE": str(folder / "instance"), "LUMEN_ENV": "development"}
    inherited = {name: value for name, value in os.environ.items() if name != "DATABASE_URL"}
    environment = inherited | changed | environment
    upgrade = [sys.executable, "-m", "flask", "--app", "wsgi", "db", "upgrade"]
    subprocess.run(upgrade, cwd=ROOT, env=environment, check=True, capture_output=True)
    # Last of all: nobody keeps the port free until the server takes it.
    port = free_port()
    log = folder / "log"
    with log.open("w") as file:
        command = [sys.executable, "-m", "gunicorn"]
        process = subprocess.Popen(command, cwd=ROOT, env=environment | {"PORT": str(port)}, stdout=file, stderr=file)
        try:
            server = RealServer(process, f"http://127.0.0.1:{port}", log)
            wait_for(server)
            yield server
        finally:
            # Told to stop, not killed: the master would leave its workers behind.
            process.terminate()
            process.wait(timeout=60)


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def get(url: str) -> tuple[int, str]:
    """Status and text of what a URL answers."""
    try:
        with urllib.request.urlopen(url, timeout=30) as response:
            return response.status, response.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read().decode()


def wait_for(server: RealServer, seconds: float = 120) -> None:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline and server.process.poll() is None:
        try:
            get(f"{server.address}/health/live")
            return
        except OSError:  # refused as long as it starts, or accepted but not answered while the networks are loaded
            time.sleep(0.1)
    raise AssertionError(server.log.read_text())
