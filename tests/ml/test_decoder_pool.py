"""Decoding in processes of its own: the same frames, and a decoder's fault costs one upload."""

import os
import threading
import time
from pathlib import Path

import numpy as np
import pytest

import models
from models.decoders import messages
from models.decoders.errors import DecodersBusy, UnreadableCode
from models.decoders.pool import DecodedFrame, DecoderLimits, DecoderPool
from tests import bad_files
from tests.ml.files import noise, refused, save, scene
from tests.ml.pictures import every_kind, pages

MISBEHAVING = "tests.ml.misbehaving_decoder"
GOOD = save(scene(), "PNG")


@pytest.fixture(scope="module")
def pool():
    pool = DecoderPool(1)
    yield pool
    pool.close()


@pytest.fixture
def make_pool():
    pools = []

    def make(processes: int = 1, **limits) -> DecoderPool:
        pools.append(DecoderPool(processes, DecoderLimits(**limits), MISBEHAVING))
        return pools[-1]

    yield make
    for pool in pools:
        pool.close()


def assert_works(pool: DecoderPool) -> None:
    (frame,) = pool.decode(GOOD)
    assert np.array_equal(frame.pixels, scene())


def code_of(pool: DecoderPool, data: bytes) -> UnreadableCode:
    with pytest.raises(models.UnreadableImage) as caught:
        pool.decode(data)
    return caught.value.code


def running(pool: DecoderPool) -> list[int]:
    return [process.pid for process in pool._running]


# All of them: what a decoder would import only for one kind of file, a confined process can no longer open.
@pytest.mark.parametrize("kind", every_kind())
def test_its_frames_are_those_of_read_file(pool, kind):
    told, frame = pool.decode(every_kind()[kind])[0], models.read_file(every_kind()[kind])[0]
    assert isinstance(told, DecodedFrame)
    assert told.stored == frame.stored
    assert (told.media_type, told.orientation) == (frame.media_type, frame.stored_orientation)
    assert told.facts == frame.facts
    assert (told.height, told.width) == frame.pixels.shape[:2]
    assert np.array_equal(told.pixels, models.shrink_to_read(frame.pixels))


@pytest.mark.parametrize("case", bad_files.REFUSED)
def test_its_refusals_are_those_of_read_file(pool, case):
    assert code_of(pool, bad_files.REFUSED[case]) == refused(bad_files.REFUSED[case])


def test_large_pictures_come_as_networks_read_them(pool):
    data = save(noise(2600, 2700), "JPEG", quality=80)
    (told,) = pool.decode(data)
    assert (told.width, told.height) == (2700, 2600)
    assert np.array_equal(told.pixels, models.shrink_to_read(models.read_file(data)[0].pixels))


def test_all_pages_of_a_file(pool):
    from PIL import Image

    told = pool.decode(pages(*(Image.new("L", (64, 48), shade) for shade in (10, 200))))
    assert [(frame.position, int(frame.pixels[0, 0, 0])) for frame in told] == [(0, 10), (1, 200)]


def test_a_refusal_keeps_its_code_and_values(pool):
    with pytest.raises(models.UnreadableImage) as caught:
        pool.decode(save(scene(40, 20), "PNG"))
    assert caught.value.code == UnreadableCode.TOO_SMALL
    assert caught.value.values == {"width": 20, "height": 40, "limit": 32}


@pytest.mark.parametrize(
    ("fault", "code"),
    [
        ("hang", UnreadableCode.DECODER_TOO_SLOW),
        ("compute", UnreadableCode.DECODER_TOO_SLOW),
        ("crash", UnreadableCode.DECODER_CRASHED),
        ("end", UnreadableCode.DECODER_CRASHED),
        ("babble", UnreadableCode.DECODER_CRASHED),
        ("memory", UnreadableCode.DECODER_TOO_LARGE),
    ],
)
def test_a_fault_costs_one_upload(make_pool, fault, code):
    pool = make_pool(seconds=3, cpu_seconds=1)
    assert_works(pool)
    start = time.monotonic()
    assert code_of(pool, fault.encode()) == code
    assert time.monotonic() - start < 10
    assert_works(pool)
    assert len(running(pool)) == 1


@pytest.mark.parametrize("what", ["open", "socket", "pipe", "secret"])
def test_it_can_open_nothing_and_knows_no_secret(make_pool, monkeypatch, what):
    monkeypatch.setenv("LUMEN_SECRET_OF_A_TEST", "secret")
    (frame,) = make_pool().decode(what.encode())
    assert not frame.pixels.any(), f"{what} was not refused"


def test_it_has_no_descriptors_but_its_pipes(pool):
    pool.decode(GOOD)
    (pid,) = running(pool)
    assert len(list(Path(f"/proc/{pid}/fd").iterdir())) == 3
    assert "NoNewPrivs:\t1" in Path(f"/proc/{pid}/status").read_text(encoding="ascii")


def test_a_process_is_replaced_after_some_decodes(make_pool):
    pool = make_pool(decodes=2)
    assert_works(pool)
    first = running(pool)
    assert_works(pool)
    assert_works(pool)
    assert running(pool) != first


def test_a_process_that_was_killed_meanwhile_costs_nothing(make_pool):
    pool = make_pool()
    assert_works(pool)
    os.kill(running(pool)[0], 9)
    time.sleep(0.2)
    assert_works(pool)


def test_who_waits_too_long_is_told_to_come_again(make_pool):
    pool = make_pool(patience=0.3, seconds=3)
    assert_works(pool)
    busy = threading.Thread(target=lambda: code_of(pool, b"hang"))
    busy.start()
    time.sleep(0.3)
    with pytest.raises(DecodersBusy) as caught:
        pool.decode(GOOD)
    assert caught.value.retry_after >= 1
    busy.join()
    assert_works(pool)


def test_threads_share_it(make_pool):
    pool = make_pool(2)
    pool.start()
    results, lock = [], threading.Lock()

    def work(seed: int) -> None:
        (frame,) = pool.decode(save(noise(seed=seed), "PNG"))
        with lock:
            results.append(np.array_equal(frame.pixels, noise(seed=seed)))

    threads = [threading.Thread(target=work, args=(seed,)) for seed in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == [True] * 12
    assert len(running(pool)) <= 2


def test_a_forked_process_has_decoders_of_its_own(make_pool):
    pool = make_pool()
    assert_works(pool)
    mine = running(pool)
    if (child := os.fork()) == 0:
        code = 1
        try:
            assert running(pool) == []
            assert_works(pool)
            assert running(pool) != mine
            pool.close()
            code = 0
        finally:
            os._exit(code)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert_works(pool)
    assert running(pool) == mine


def test_its_processes_end_with_it(make_pool):
    pool = make_pool(2)
    pool.start()
    assert_works(pool)
    pids = running(pool)
    pool.close()
    assert not any(Path(f"/proc/{pid}").exists() for pid in pids)
    assert_works(pool)


@pytest.mark.parametrize("header", [[], {"frames": [{}]}, {"code": "no such code", "values": {}}, {"code": "empty"}])
def test_an_answer_of_another_form_is_no_frame(header):
    from models.decoders.pool import _frames

    with pytest.raises((models.UnreadableImage, messages.BrokenMessage)) as caught:
        _frames(_message(header))
    assert getattr(caught.value, "code", UnreadableCode.DECODER_CRASHED) == UnreadableCode.DECODER_CRASHED


def test_sizes_that_do_not_fit_are_no_frame():
    from models.decoders.pool import _frames

    told = {"facts": {"media_type": "image/png"}, "position": 0, "media_type": "image/png", "orientation": 1}
    told |= {"size": [8, 8], "read_size": [8, 8], "stored_bytes": 10}
    with pytest.raises(models.UnreadableImage):
        _frames(_message({"frames": [told]}, bytes(20)))
    assert _frames(_message({"frames": [told]}, bytes(10 + 192)))[0].pixels.shape == (8, 8, 3)


def _message(header, body: bytes = b"") -> messages.Message:
    stream = memoryview(b"".join(messages.pack(header, [body])))
    position = 0

    def fill(buffer: memoryview) -> None:
        nonlocal position
        buffer[:] = stream[position : position + len(buffer)]
        position += len(buffer)

    return messages.read(fill)
