"""The pages of documentation say what the sources say."""

import re
from pathlib import Path

import pytest

import config
import models
from models.training.abroad.table import fold_table, task_table
from models.training.recipes import RECIPES

ROOT = Path(__file__).parents[2]
PAGES = [*ROOT.glob("*.md"), *ROOT.glob("docs/*.md")]
LINK = re.compile(r"\]\(([^)#:]*)(?:#([^)]+))?\)")


def read(page: str) -> str:
    return (ROOT / page).read_text(encoding="utf-8")


@pytest.mark.parametrize("variable", config.VARIABLES, ids=lambda variable: variable.name)
def test_the_table_of_settings_has_every_one(variable):
    row = rf"^\| `{variable.name}` \|.*\| {re.escape(variable.help)} \|$"
    assert re.search(row, read("docs/configuration.md"), re.MULTILINE)


@pytest.mark.parametrize("task", models.all_tasks(), ids=lambda task: task.name)
def test_the_figures_are_those_of_the_cards(task):
    for head in task.heads:
        first = models.get_card(task).measures(head.key)[0]
        interval = f"{first.value:.2f} [{first.low:.2f}, {first.high:.2f}]"
        row = f"| {task.title} | {head.title} | {first.n} | {interval} |"
        assert row in read("docs/figures.md"), "run python -m models.training.evaluate, then bring the table up to date"


def test_the_figures_elsewhere_are_those_of_the_cards():
    for page, table in (("docs/figures.md", task_table()), ("docs/networks.md", fold_table())):
        assert "\n".join(table) in read(page), "run python -m models.training.abroad.table, then copy what it prints"


def test_every_fold_of_a_recipe_is_told():
    told = read("docs/networks.md")
    for task in models.all_tasks():
        for fold in RECIPES[task.name].folds:
            assert f"| {task.title} | {fold.name} |" in told


def test_the_times_are_those_of_one_run_of_the_bench():
    quoted = read("docs/figures.md").split("## How quick it is", 1)[1].split("\n## ", 1)[0]
    lines = [line for line in quoted.splitlines() if line.startswith("|")]
    assert len(lines) > 10
    assert set(lines) <= set(read("bench/results.md").splitlines())


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page):
    for path, section in LINK.findall(page.read_text(encoding="utf-8")):
        target = page.parent / path if path else page
        assert target.exists(), path
        assert not section or section in anchors(target), f"{path}#{section}"


def anchors(page: Path) -> set[str]:
    """The headings of a page, as addresses name them."""
    headings = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_the_readme_leads_to_every_page():
    linked = {path for path, _ in LINK.findall(read("README.md"))}
    assert {str(page.relative_to(ROOT)) for page in PAGES} - linked == {"README.md"}
