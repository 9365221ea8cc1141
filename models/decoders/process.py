"""One decoding process, as the server sees it: started, asked, and ended when it hangs."""

import fcntl
import os
import select
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import IO, Any

from models.decoders import messages

_PIPE_BYTES = 1 << 20  # the largest that any process may ask for; megabytes of pixels go through
ROOT = Path(__file__).resolve().parents[2]
# All that the process gets from the server's environment is this: no address of a database, no key.
ENVIRONMENT = {
    "LANG": "C.UTF-8",
    "PYTHONPATH": str(ROOT),
    "PYTHONNOUSERSITE": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "OPENCV_LOG_LEVEL": "SILENT",
}


class ProcessEnded(RuntimeError):
    """It ended before it answered. `signal`: the number of the signal that ended it, 0 where none did."""

    def __init__(self, ended_by: int) -> None:
        super().__init__(f"The decoding process ended, by signal {ended_by}")
        self.signal = ended_by


class ProcessHangs(RuntimeError):
    """It did not answer in time."""


class DecoderProcess:
    """`module`: what is run, models.decoders.child or, in tests, one that misbehaves. It gets `memory_bytes` of address
    space, and `cpu_seconds` of processor time for each file.
    """

    def __init__(self, module: str, memory_bytes: int, cpu_seconds: int) -> None:
        self.decodes = 0
        self.is_ready = False
        self._process = subprocess.Popen(
            [sys.executable, "-m", module, str(memory_bytes), str(cpu_seconds)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            # Ours: what keeps it from starting stands in the server's log. It lets go of that before it reads a file.
            bufsize=0,
            cwd=ROOT,
            env=ENVIRONMENT,
            start_new_session=True,
        )
        for pipe in self._pipes:
            os.set_blocking(pipe.fileno(), False)
            # A system that gives this user no larger pipes only makes large pictures slower.
            with suppress(PermissionError):
                fcntl.fcntl(pipe, fcntl.F_SETPIPE_SZ, _PIPE_BYTES)

    @property
    def pid(self) -> int:
        """The number by which the system knows it."""
        return self._process.pid

    @property
    def is_alive(self) -> bool:
        """Whether it has not ended."""
        return self._process.poll() is None

    @property
    def has_failed_to_start(self) -> bool:
        """Whether it ended before it was ready."""
        return not self.is_ready and not self.is_alive

    def wait_until_ready(self, seconds: float) -> None:
        """Raises ProcessEnded, ProcessHangs or BrokenMessage where it does not come up."""
        if not self.is_ready:
            self._read(time.monotonic() + seconds)
            self.is_ready = True

    def ask(self, data: bytes, seconds: float) -> messages.Message:
        """What it says of these bytes. Raises ProcessEnded, ProcessHangs or BrokenMessage: then end it."""
        deadline = time.monotonic() + seconds
        self.decodes += 1
        for piece in messages.pack({}, [data]):
            self._write(memoryview(piece), deadline)
        return self._read(deadline)

    def end(self) -> None:
        """Kill it, and wait until it is gone."""
        if self.is_alive:
            os.kill(self.pid, signal.SIGKILL)
        self._process.wait()
        self.let_go()

    def let_go(self) -> None:
        """Close this side of its pipes: it ends by itself as soon as no other process holds them."""
        for pipe in self._pipes:
            pipe.close()

    @property
    def _pipes(self) -> tuple[IO[Any], IO[Any]]:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        return self._process.stdin, self._process.stdout

    def _write(self, piece: memoryview, deadline: float) -> None:
        pipe = self._pipes[0]
        while piece:
            self._wait(pipe, select.POLLOUT, deadline)
            try:
                piece = piece[os.write(pipe.fileno(), piece) :]
            except BrokenPipeError:
                raise self._ended() from None

    def _read(self, deadline: float) -> messages.Message:
        pipe = self._pipes[1]

        def fill(buffer: memoryview) -> None:
            while buffer:
                self._wait(pipe, select.POLLIN, deadline)
                count = os.readv(pipe.fileno(), [buffer])
                if not count:
                    raise self._ended()
                buffer = buffer[count:]

        return messages.read(fill)

    def _wait(self, pipe: IO[Any], event: int, deadline: float) -> None:
        poll = select.poll()
        poll.register(pipe, event)
        if not poll.poll(max(0, deadline - time.monotonic()) * 1000):
            raise ProcessHangs

    def _ended(self) -> ProcessEnded:
        """Why it closed its pipes; one that closed them and lives on is ended."""
        try:
            code = self._process.wait(1)
        except subprocess.TimeoutExpired:
            code = 0
        return ProcessEnded(-code if code < 0 else 0)
