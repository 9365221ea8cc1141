"""What was measured, as rows, Markdown and JSON."""

import json

import pytest

from bench.table import Row, Target, number, percentile, ratio, row, to_json, to_markdown, write

FACTS = {"processor": "two cores"}
ROWS = [
    row("Kernel", "Lumen", "ms", [3.0, 1.0, 2.0], Target(2)),
    row("Kernel", "peer", "ms", [40.0]),
    Row("Memory", "2 workers", "MB", 1, 600.0, None, Target(512)),
]


def test_a_row_holds_the_median_and_the_95th_percentile():
    found = row("Kernel", "Lumen", "ms", list(range(1, 101)))
    assert (found.n, found.median, found.p95) == (100, 50.5, 95)


@pytest.mark.parametrize(("samples", "share", "expected"), [([5], 95, 5), ([1, 2, 3, 4], 50, 2), ([4, 1, 3, 2], 95, 4)])
def test_percentiles_are_samples(samples, share, expected):
    assert percentile(samples, share) == expected


def test_one_sample_has_no_percentile():
    assert row("Kernel", "Lumen", "ms", [1.0]).p95 is None


@pytest.mark.parametrize(
    ("target", "value", "reached"),
    [(Target(2), 2.0, True), (Target(2), 2.1, False), (Target(8, is_floor=True), 8, True), (Target(8, True), 7, False)],
)
def test_targets_are_ceilings_or_floors(target, value, reached):
    assert Row("part", "what", "unit", 1, value, None, target).reached is reached


@pytest.mark.parametrize(("samples", "reached"), [([1.0, 1.0, 9.0], False), ([9.0, 1.0, 8.0], False), ([5.0], True)])
def test_a_target_may_be_of_the_95th_percentile(samples, reached):
    found = row("part", "what", "ms", samples, Target(5, is_of_p95=True))
    assert (found.reached, str(found.target)) == (reached, "p95 at most 5.00")


def test_without_a_target_nothing_is_reached_or_missed():
    assert ROWS[1].reached is None


def test_a_ratio_is_that_of_the_medians():
    found = ratio("Kernel", "peer over Lumen", ROWS[1], ROWS[0], Target(15, is_floor=True))
    assert (found.median, found.unit, found.n, found.reached) == (20.0, "times", 1, True)


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.1234, "0.123"), (1.234, "1.23"), (12.34, "12.3"), (123.4, "123"), (1234.5, "1,234"), (-1.25, "-1.25")],
)
def test_numbers_have_the_digits_that_count(value, text):
    assert number(value) == text


def test_markdown_has_a_table_for_each_part_and_says_what_is_reached():
    text = to_markdown(FACTS, ROWS)
    assert "- processor: two cores" in text
    assert text.count("| what | n | median | p95 | unit | target | |") == 2
    assert "| Lumen | 3 | 2.00 | 3.00 | ms | at most 2.00 | reached |" in text
    assert "| peer | 1 | 40.0 |  | ms |  |  |" in text
    assert "| 2 workers | 1 | 600 |  | MB | at most 512 | **not reached** |" in text


def test_json_says_the_same():
    found = json.loads(to_json(FACTS, ROWS))
    assert found["facts"] == FACTS
    assert [line["reached"] for line in found["rows"]] == [True, None, False]
    assert found["rows"][0]["target"] == {"limit": 2, "is_floor": False, "is_of_p95": False}


def test_writes_both_files(tmp_path):
    write(tmp_path / "results", FACTS, ROWS)
    assert (tmp_path / "results" / "results.md").read_text(encoding="utf-8") == to_markdown(FACTS, ROWS)
    assert (tmp_path / "results" / "results.json").read_text(encoding="utf-8") == to_json(FACTS, ROWS)
