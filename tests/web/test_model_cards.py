"""The pages of model cards: who sees them, what they show, and that the Markdown says the same."""

import html
import json
import re
import shutil

import pytest

import models
from models import deployment
from tests.fakes import ELSEWHERE
from tests.pages import Page, judge
from tests.sending import send_study

TASKS = models.all_tasks()
DAMAGES = {
    "no_calibration": {"calibration": {}},
    "no_counts": {"training": {"data": [{"dataset_name": "A"}], "excluded": []}},
    "no_exclusions": {"training": {"data": []}},
    "no_measures": {"metrics": {"heads": {"chest": {"overall": {"measures": [{"metric": "accuracy"}]}}}}},
    "other_schema": {"schema": 99},
}
every_task = pytest.mark.parametrize("task", TASKS, ids=lambda task: task.name)


def test_the_list_leads_to_every_card(clinician, networks):
    networks.missing = {"brain": "Its graph is damaged."}
    page = clinician.get("/models").text
    links = Page(page).links
    assert all(f"/models/{task.name}" in links and task.question in page for task in TASKS)
    assert "Accuracy 0.900 [0.850, 0.940] on 120 images" in page
    assert "Not available now: Its graph is damaged." in page


def test_the_list_tells_of_figures_elsewhere(clinician, networks):
    assert clinician.get("/models").text.count("<dt>Elsewhere</dt><dd>Not measured yet</dd>") == len(TASKS)
    networks.elsewhere = ELSEWHERE
    page = clinician.get("/models").text
    assert page.count("<dt>Elsewhere</dt><dd>Accuracy 0.720 [0.650, 0.780] on 512 images</dd>") == len(TASKS)
    assert "Elsewhere: short networks asked about images of hospitals" in page


def test_figures_elsewhere_are_on_the_page_and_in_the_markdown(clinician, networks):
    networks.elsewhere = ELSEWHERE
    page, text = (html.unescape(clinician.get(f"/models/skin_lesion{ending}").text) for ending in ("", ".md"))
    assert "\n## Elsewhere: images of sources that were never seen\n" in text
    for words in (page, text):
        assert "Melanoma. Ill, called clear: of their images" in words
        assert "0.720 [0.650, 0.780], n\xa0=\xa0512" in words
        assert "Queensland" in words


@every_task
def test_a_card_shows_words_and_measures(task, clinician, networks):
    page = html.unescape(clinician.get(f"/models/{task.name}").text)
    for words in (task.intended_use, *task.out_of_scope, *task.limitations, *task.subgroups):
        assert words in page
    for source in task.sources:
        assert source.name in page and source.licence in page and source.bias in page
    assert "f" * 64 in page
    assert "0.900 [0.850, 0.940], n\xa0=\xa0120" in page


@every_task
def test_the_card_of_the_installed_network_is_shown(task, clinician):
    """The real cards, whatever state they are in: a page that fails would hide what is known."""
    for path in (f"/models/{task.name}", f"/models/{task.name}.md"):
        assert clinician.get(path).status_code == 200


@every_task
def test_the_card_of_the_installed_network_tells_of_copies(task, clinician):
    found = next(one for one in models.read_audit(task).copies.splits if (one.split, one.other) == ("test", "train"))
    for path in (f"/models/{task.name}", f"/models/{task.name}.md"):
        page = clinician.get(path).text
        assert "Copies among the images" in page
        assert f"{found.copied:,} of {found.n:,}" in page


def test_a_diagram_has_a_title_a_description_and_its_numbers(clinician, networks):
    page = clinician.get("/models/chest").text
    assert 'role="img" aria-labelledby="reliability-chest-title reliability-chest-words"' in page
    assert page.count('class="measured-point"') == 2
    assert '<circle class="measured-point" cx="60.0" cy="160.0"' in page
    assert "The diagram in numbers" in page


def test_every_table_has_a_caption_and_headings_with_a_scope(clinician, networks):
    page = clinician.get("/models/fracture").text
    assert page.count("<table") == page.count("<caption>") > 5
    assert page.count("<th ") == len(re.findall(r'<th scope="(?:col|row)"', page))


def test_the_markdown_says_what_the_page_says(clinician, networks):
    response = clinician.get("/models/chest.md")
    assert response.mimetype == "text/markdown"
    assert response.headers["Content-Disposition"] == 'attachment; filename="lumen-model-chest.md"'
    text = response.text
    assert text.startswith("# Chest X-ray: model card\n\nAre there signs")
    page = html.unescape(clinician.get("/models/chest").text)
    titles = re.findall(r"^## (.*)$", text, re.MULTILINE)
    assert len(titles) > 10
    assert all(f">{title}</h2>" in page for title in titles)
    for line in re.findall(r"^\| (.*) \|$", text, re.MULTILINE):
        assert all(cell in page for cell in line.split(" | ") if not cell.startswith("---"))
    assert not re.search(r"\n{3}|[ \t]\n", text)
    tables = re.findall(r"(?:^\|.*\n)+", text, re.MULTILINE)
    assert all(len({line.count("|") for line in found.splitlines()}) == 1 for found in tables)


def test_registered_networks_stand_on_the_page_and_in_the_markdown(clinician, networks):
    networks.registered["fracture"] = ("mobilenet_v2", "resnet50")
    page, text = (html.unescape(clinician.get(f"/models/fracture{ending}").text) for ending in ("", ".md"))
    assert 'href="#networks">Networks for this question</a>' in page
    assert "\n## Networks for this question\n" in text and "\n| Network | mobilenet_v2 | resnet50 |" in text
    for words in (page, text):
        assert "An administrator chooses by setting LUMEN_NETWORKS, for instance to fracture=resnet50" in words
    assert not re.search(r"\n{3}|[ \t]\n", text)


def test_a_damaged_card_of_a_network_that_does_not_serve_breaks_no_page(clinician, tmp_path, monkeypatch):
    """Real files: beside the network that serves lie cards that cannot be read."""
    real = deployment.WEIGHTS
    shutil.copytree(real / "chest" / "mobilenet_v2", tmp_path / "chest" / "mobilenet_v2")
    (tmp_path / "modality").symlink_to(real / "modality")
    facts = json.loads((real / "chest" / "mobilenet_v2" / "card.json").read_text(encoding="utf-8"))
    for name, change in DAMAGES.items():
        (tmp_path / "chest" / name).mkdir()
        (tmp_path / "chest" / name / "card.json").write_text(json.dumps(facts | change), encoding="utf-8")
    monkeypatch.setattr(deployment, "WEIGHTS", tmp_path)
    text = clinician.get("/models/chest.md").text
    assert all(f"\n- {name}: The " in text for name in DAMAGES)
    version = next(line for line in text.splitlines() if line.startswith("| Version |"))
    assert version.count("–") == len(DAMAGES)
    assert clinician.get("/models/chest").status_code == 200


def test_cards_are_linked_from_the_upload_page_and_from_results(clinician, networks):
    assert "/models" in judge(clinician.get("/upload").text).links
    study = send_study(clinician, task="chest")
    assert "/models/chest" in judge(clinician.get(f"/studies/{study.key}").text).links


@pytest.mark.parametrize("name", ["palm_reading", "chest.pdf", "modality", "..%2Fchest"])
def test_an_unknown_task_has_no_card(name, clinician, networks):
    for path in (f"/models/{name}", f"/models/{name}.md"):
        assert clinician.get(path).status_code == 404
