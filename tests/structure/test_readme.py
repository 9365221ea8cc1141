"""The README says what the sources say."""

import re
from pathlib import Path

import pytest

import config
import models

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("variable", config.VARIABLES, ids=lambda variable: variable.name)
def test_its_table_has_every_setting(variable):
    assert re.search(rf"^\| `{variable.name}` \|.*\| {re.escape(variable.help)} \|$", README, re.MULTILINE)


@pytest.mark.parametrize("task", models.all_tasks(), ids=lambda task: task.name)
def test_its_figures_are_those_of_the_cards(task):
    for head in task.heads:
        first = models.get_card(task).measures(head.key)[0]
        interval = f"{first.value:.2f} [{first.low:.2f}, {first.high:.2f}]"
        row = f"| {task.title} | {head.title} | {first.n} | {interval} |"
        assert row in README, "run python -m models.training.evaluate, then bring the table up to date"


def test_its_times_are_those_of_one_run_of_the_bench():
    measured = (ROOT / "bench" / "results.md").read_text(encoding="utf-8").splitlines()
    quoted = README.split("## How quick it is", 1)[1].split("\n## ", 1)[0]
    lines = [line for line in quoted.splitlines() if line.startswith("|")]
    assert len(lines) > 10
    assert set(lines) <= set(measured)


def test_its_links_lead_somewhere():
    for target in re.findall(r"\]\(([^)#:]+)\)", README):
        assert (ROOT / target).exists(), target
