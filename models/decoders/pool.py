"""Files of strangers are decoded in processes of their own, so that a decoder's fault costs one upload.

Each process has limits on memory, on processor time and on what it can open (`confine`); one that hangs or dies is
replaced. Safe to use from several threads, and after a fork: each server process has processes of its own.
"""

import atexit
import logging
import os
import queue
import signal
import threading
import weakref
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from models.decoders.errors import DecodersBusy, DecodersUnavailable, UnreadableCode, UnreadableImage
from models.decoders.messages import BrokenMessage, Message
from models.decoders.process import DecoderProcess, ProcessEnded, ProcessHangs
from models.frame import Facts

log = logging.getLogger(__name__)

START_SECONDS = 60  # until a new process has imported what it needs, on a machine that is busy


@dataclass(frozen=True)
class DecoderLimits:
    """`memory_bytes`: address space of a process. `cpu_seconds`, `seconds`: processor and wall clock for one file.
    `patience`: seconds that an upload waits for a process. `decodes`: after so many a process is replaced."""

    memory_bytes: int = 2 << 30
    cpu_seconds: int = 20
    seconds: float = 30
    patience: float = 10
    decodes: int = 500


@dataclass(frozen=True, eq=False)
class DecodedFrame:
    """One picture of a file that was decoded elsewhere.

    `stored`, `media_type`, `orientation`: what to store, and how to read it again (`read_stored`). `width`, `height`:
    of the upright picture. `pixels`: as the gate and networks read it, uint8 RGB [h, w, 3], large pictures shrunk.
    """

    facts: Facts
    position: int
    stored: bytes
    media_type: str
    orientation: int
    width: int
    height: int
    pixels: np.ndarray


class DecoderPool:
    """`processes`: how many files are decoded at once. `module`: what each process runs."""

    def __init__(
        self, processes: int, limits: DecoderLimits | None = None, module: str = "models.decoders.child"
    ) -> None:
        self.processes = processes
        self.limits = limits or DecoderLimits()
        self._module = module
        self._inherited: list[DecoderProcess] = []
        self._begin()
        _pools.add(self)

    def start(self) -> None:
        """Start all processes at once, and do not wait for them; else each starts when it is first needed.

        Raises DecodersUnavailable where the system starts no process.
        """
        for _ in range(self.processes):
            try:
                process = self._idle.get_nowait()
            except queue.Empty:
                return
            try:
                process = process or self._new()
            finally:
                self._idle.put(process)

    def decode(self, data: bytes) -> tuple[DecodedFrame, ...]:
        """All pictures of a file, in its order.

        Raises UnreadableImage, also where the file makes a decoder hang, die or take too much memory; DecodersBusy
        where all processes have work for longer than an upload should wait; DecodersUnavailable where none comes up.
        """
        try:
            process = self._idle.get(timeout=self.limits.patience)
        except queue.Empty:
            raise DecodersBusy(retry_after=max(1, round(self.limits.patience))) from None
        kept: DecoderProcess | None = None
        try:
            process = self._ready(process)
            answer = self._ask(process, data)
            kept = process if process.decodes < self.limits.decodes else None
        finally:
            if process is not None and kept is None:
                self._end(process)
            self._idle.put(kept)
        return _frames(answer)

    @property
    def is_available(self) -> bool:
        """Whether processes came up when they were last started, as far as is known. Starts none and waits for none."""
        with self._lock:
            return not self._has_failed and not any(process.has_failed_to_start for process in self._running)

    def close(self) -> None:
        """End all processes. The pool starts new ones when it is used again."""
        with self._lock:
            running = list(self._running)
        for process in running:
            self._end(process)

    def _begin(self) -> None:
        self._lock = threading.Lock()
        self._running: set[DecoderProcess] = set()
        self._has_failed = False  # the last process that was waited for did not come up
        # The one that was used last comes first: its memory is warm.
        self._idle: queue.LifoQueue[DecoderProcess | None] = queue.LifoQueue()
        for _ in range(self.processes):
            self._idle.put(None)

    def forget(self) -> None:
        """In a process that was forked from the one with the pool: leave that one's decoders alone, begin anew."""
        for process in self._running:
            process.let_go()
        # Kept, since Python warns of a process that is dropped while it runs.
        self._inherited += self._running
        self._begin()

    def _new(self) -> DecoderProcess:
        try:
            process = DecoderProcess(self._module, self.limits.memory_bytes, self.limits.cpu_seconds)
        except OSError as error:
            self._has_failed = True
            log.error("No decoder can be started: %s", error)
            raise DecodersUnavailable from error
        with self._lock:
            self._running.add(process)
        return process

    def _end(self, process: DecoderProcess) -> None:
        with self._lock:
            self._running.discard(process)
        process.end()

    def _ready(self, process: DecoderProcess | None) -> DecoderProcess:
        """One that waits for a file: this one, or a new one where it has died meanwhile."""
        if process is not None and not process.is_alive:
            self._end(process)
            process = None
        process = process or self._new()
        try:
            process.wait_until_ready(START_SECONDS)
        except (ProcessEnded, ProcessHangs, BrokenMessage) as error:
            self._has_failed = True
            log.error("A decoder did not come up; what it wrote stands above, if it said why: %s", error)
            raise DecodersUnavailable from error
        finally:
            if not process.is_ready:
                self._end(process)
        self._has_failed = False
        return process

    def _ask(self, process: DecoderProcess, data: bytes) -> Message:
        try:
            return process.ask(data, self.limits.seconds)
        except ProcessHangs:
            log.warning("A decoder was ended: no answer in %s seconds", self.limits.seconds)
            raise UnreadableImage(UnreadableCode.DECODER_TOO_SLOW, limit=round(self.limits.seconds)) from None
        except ProcessEnded as ended:
            log.warning("A decoder ended by signal %s", ended.signal)
            if ended.signal == signal.SIGXCPU:
                raise UnreadableImage(UnreadableCode.DECODER_TOO_SLOW, limit=self.limits.cpu_seconds) from None
            raise UnreadableImage(UnreadableCode.DECODER_CRASHED) from None
        except BrokenMessage as error:
            log.warning("A decoder was ended: its answer is no message: %s", error)
            raise UnreadableImage(UnreadableCode.DECODER_CRASHED) from None


def _frames(answer: Message) -> tuple[DecodedFrame, ...]:
    """What an answer holds, checked: who broke into the decoder may have written it."""
    header, body = answer
    try:
        if "code" in header:
            raise UnreadableImage(UnreadableCode(header["code"]), **header["values"])
        frames, start = [], 0
        for told in header["frames"]:
            frame, start = _frame(told, body, start)
            frames.append(frame)
    except (KeyError, TypeError, ValueError) as error:
        if isinstance(error, UnreadableImage):
            raise
        raise UnreadableImage(UnreadableCode.DECODER_CRASHED) from error
    return tuple(frames)


def _frame(told: Mapping[str, Any], body: memoryview, start: int) -> tuple[DecodedFrame, int]:
    """One frame, and where the next one's bytes begin. Raises ValueError, KeyError or TypeError where it is none."""
    width, height = told["read_size"]
    middle = start + told["stored_bytes"]
    end = middle + 3 * width * height
    if not start <= middle < end <= len(body) or told["media_type"] not in ("image/jpeg", "image/png"):
        raise ValueError("The sizes do not fit")
    frame = DecodedFrame(
        facts=Facts(**told["facts"]),
        position=int(told["position"]),
        stored=bytes(body[start:middle]),
        media_type=told["media_type"],
        orientation=int(told["orientation"]),
        width=int(told["size"][0]),
        height=int(told["size"][1]),
        pixels=np.frombuffer(body[middle:end], np.uint8).reshape(height, width, 3),
    )
    return frame, end


_pools: "weakref.WeakSet[DecoderPool]" = weakref.WeakSet()


def _forget_all() -> None:
    for pool in list(_pools):
        pool.forget()


def _close_all() -> None:
    for pool in list(_pools):
        pool.close()


os.register_at_fork(after_in_child=_forget_all)
atexit.register(_close_all)
