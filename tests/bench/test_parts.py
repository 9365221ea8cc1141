"""The parts of the bench run and give rows of the promised shape. How quick anything is, no test asks."""

import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest

import models
from bench import batch, cold_start, decoding, kernel, memory, report, request
from bench.effort import QUICK
from bench.machine import ROOT
from bench.machine import facts as machine_facts
from bench.opened import open_gate
from bench.pictures import large_jpeg, small_png
from bench.table import Row, to_markdown
from models import Outcome
from models.gate import check_quality

LEAST = replace(QUICK, calls=1, small_requests=2, large_requests=1, clients=(1,), predictions=2, reports=1, zipped=2)


def judge(rows: list[Row]) -> None:
    """Rows that can be written down: numbers, names that tell them apart, and a unit. Memory may shrink, too."""
    assert rows
    assert all(found.n >= 1 and found.unit and (found.median >= 0 or found.unit == "%") for found in rows)
    names = [(found.part, found.what, found.unit) for found in rows]
    assert len(set(names)) == len(names)
    assert to_markdown({}, rows)


@pytest.mark.parametrize("data", [small_png, large_jpeg], ids=["small", "large"])
def test_the_pictures_are_decoded_and_of_good_quality(data):
    assert check_quality(models.decode_image(data()).pixels).passed


def test_the_machine_is_described():
    assert {"processor", "memory", "packages", "version"} <= set(machine_facts())


def test_the_gate_is_open_as_long_as_the_bench_wants():
    chest, blank = models.get_task("chest"), np.zeros((256, 256, 3), np.uint8)
    with open_gate():
        assert models.predict(chest, blank).outcome is not Outcome.NOT_ASSESSED
    assert models.predict(chest, blank).outcome is Outcome.NOT_ASSESSED


def test_the_kernel_is_timed_beside_its_interpreter():
    found = kernel.measure_own([models.get_task("chest")], repeats=2)
    assert {side: len(times) for side, times in found["chest"].items()} == {
        "predict": 2, "network": 2, "interpreter": 2,
    }  # fmt: skip


def test_decoding_gives_both_sides_and_what_lies_between():
    rows = decoding.measure(LEAST)
    judge(rows)
    assert [found.unit for found in rows] == ["ms", "ms", "times"] * 2


def test_batch_gives_images_a_second_and_their_share():
    rows = batch.measure(LEAST)
    judge(rows)
    assert [found.unit for found in rows] == ["images/s", "images/s", "%"]


@pytest.mark.slow
def test_reports_are_measured_on_the_real_server():
    judge(report.measure(LEAST))


@pytest.mark.slow
def test_requests_memory_and_starts_of_lumen_are_measured():
    """Lumen's side alone: the peer's needs TensorFlow."""
    cases = request.choose_cases(LEAST)
    sides = request.measure_lumen(cases, LEAST)
    for case, side in zip(cases, sides, strict=True):
        judge(request.stage_rows(case, side.load))
        assert side.load.throughput > 0
    judge(memory.measure_lumen([case.task for case in cases[:1]], 2, predictions=2))
    judge(cold_start.measure_lumen(LEAST))


def test_nothing_but_the_peer_imports_tensorflow():
    code = "import sys, bench.__main__; print(sorted({'tensorflow', 'keras'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
