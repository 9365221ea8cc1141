"""Model cards: that every number of the card and every word of the task file gets there, and that gaps are told."""

import csv
from dataclasses import replace

import pytest

import models
from app.errors import NotFound
from app.services.cards import build_card, list_cards
from app.services.cards.content import ModelCard, Section, Table
from models.tasks.chest import NLM
from models.training.datasets import SOURCES, datasets_root
from tests.fakes import SHA256

TASKS = models.all_tasks()
every_task = pytest.mark.parametrize("task", TASKS, ids=lambda task: task.name)


def section(card: ModelCard, key: str) -> Section:
    return next(section for section in card.sections if section.key == key)


def table(found: Section, caption: str) -> Table:
    return next(table for table in found.tables if table.caption.startswith(caption))


def rows(found: Section, caption: str) -> dict[str, tuple[str, ...]]:
    return {row[0]: row[1:] for row in table(found, caption).rows}


def measure(name: str, value: float, n: int = 100) -> dict:
    return {"name": name, "value": value, "low": value - 0.02, "high": value + 0.01, "n": n}


@pytest.fixture
def skin_card(networks, monkeypatch) -> dict:
    """The metrics of the skin lesion network's card, to be changed."""
    task = models.get_task("skin_lesion")
    card = networks.get_card(task)
    metrics = {"heads": {"lesion": {"measures": []}}}
    changed = replace(card, metrics=metrics)
    monkeypatch.setattr(models, "get_card", lambda asked: changed if asked == task else networks.get_card(asked))
    return metrics["heads"]["lesion"]


# What a human declares


@every_task
def test_a_task_declares_what_its_card_needs(task):
    assert task.out_of_scope and task.subgroups and task.sources
    for words in (*task.out_of_scope, *task.subgroups):
        assert words.endswith(".")
    for source in task.sources:
        assert source.licence.endswith(".") and source.bias.endswith(".")


@pytest.mark.parametrize("name", ["injury", "skin_lesion"])
def test_tasks_that_look_at_skin_say_that_skin_tone_is_not_covered(name, networks):
    points = section(build_card(name), "subgroups").points
    assert any("kin tone" in point and "not" in point for point in points)


@every_task
def test_every_data_set_of_a_manifest_is_declared_once(task):
    if not datasets_root().is_dir():
        pytest.skip("the data sets are not here")
    declared = [name for source in task.sources for name in source.datasets]
    found = set()
    for source in SOURCES[task.name]:
        with (datasets_root() / source.folder / "manifest.csv").open(encoding="utf-8") as file:
            found |= {row["dataset_name"] for row in csv.DictReader(file)}
    assert sorted(declared) == sorted(found)


def test_every_step_to_the_same_network_is_told(networks, monkeypatch):
    task = models.get_task("injury")
    card = replace(networks.get_card(task), views=("original", "turn"))
    monkeypatch.setattr(models, "get_card", lambda asked: card if asked == task else networks.get_card(asked))
    commands = section(build_card("injury"), "reproduce").commands
    assert [command.removeprefix("python -m models.training.") for command in commands] == [
        "fit injury --network mobilenet_v2 --side 160 --epochs 3",
        "compile",
        "calibrate injury --views original turn",
        "distance injury",
        "evaluate injury",
        "audit injury",
    ]


# What was measured


def test_targets_stand_beside_what_was_measured(skin_card, app):
    skin_card["measures"] = [measure("Balanced accuracy", 0.86), measure("Mean AUC", 0.96), measure("Accuracy", 0.8)]
    targets = rows(section(build_card("skin_lesion"), "measures"), "Targets")
    assert targets["Balanced accuracy"][:3] == ("stretch reached", "at least 0.75", "at least 0.85")
    assert targets["Mean AUC"][0] == "reached"
    assert targets["Mean AUC"][3] == "0.960 [0.940, 0.970], n\xa0=\xa0100"
    assert targets["Calibration error (ECE)"] == ("not measured", "at most 0.03", "", "")


def test_targets_may_be_of_another_question_one_answer_or_one_source(networks, app, monkeypatch):
    task = models.get_task("chest")
    source = task.sources[-2].name
    card = networks.get_card(task)
    found = {"measures": [measure("AUC", 0.7)], "labels": {"tuberculosis": [measure("AUC", 0.9)]}}
    card.metrics["heads"]["chest"] |= {
        "measures": [measure("Accuracy", 0.93)],
        "details": {"labels": {"pneumonia": [measure("Sensitivity at the balanced threshold", 0.8)]}},
        "sources": {source: found},
    }
    targets = (
        models.Target("Accuracy", 0.92, head="chest"),
        models.Target("Sensitivity at the balanced threshold", 0.9, label="pneumonia"),
        models.Target("AUC", 0.85, label="tuberculosis", source=source),
        models.Target("AUC", 0.85, source=source),
        models.Target("AUC", 0.85, source="nowhere"),
    )
    measured = [card.target_measure(task, target) for target in targets]
    assert [one and one.value for one in measured] == [0.93, 0.8, 0.9, 0.7, None]


def test_the_targets_of_a_cascade_name_their_question(networks, app):
    targets = rows(section(build_card("fracture"), "measures"), "Targets")
    assert list(targets)[:4] == [
        "AUC", "Fractured: Sensitivity at its operating point", "Body part: Accuracy",
        "Type, if fractured: Accuracy",
    ]  # fmt: skip
    assert f"Tuberculosis: AUC ({NLM} alone)" in rows(section(build_card("chest"), "measures"), "Targets")


@pytest.mark.parametrize(("value", "result"), [(0.02, "reached"), (0.04, "not reached")])
def test_a_calibration_error_is_to_stay_below_its_target(value, result, skin_card, app):
    skin_card["measures"] = [measure("Calibration error (ECE)", value)]
    assert rows(section(build_card("skin_lesion"), "measures"), "Targets")["Calibration error (ECE)"][0] == result


def test_answers_and_sources_have_a_row_each_and_gaps_stay_empty(skin_card, app):
    skin_card["measures"] = [measure("Accuracy", 0.8)]
    skin_card["labels"] = {"mel": [measure("Sensitivity", 0.9, 224), measure("AUC", 0.8)]}
    skin_card["datasets"] = {"A": [measure("Accuracy", 0.7)], "B": [measure("Accuracy", 0.6), measure("Mean AUC", 0.9)]}
    card = build_card("skin_lesion")
    answers = table(section(card, "measures"), "Lesion: each answer")
    assert answers.columns == ("Answer", "Sensitivity", "AUC")
    assert answers.rows == (("Melanoma", "0.900 [0.880, 0.910], n\xa0=\xa0224", "0.800 [0.780, 0.810], n\xa0=\xa0100"),)
    assert rows(section(card, "sources"), "Lesion, by source")["A"] == ("0.700 [0.680, 0.710], n\xa0=\xa0100", "")


def test_a_network_that_was_never_evaluated_says_so(skin_card, app):
    card = build_card("skin_lesion")
    assert "not evaluated" in section(card, "measures").paragraphs[0]
    assert section(card, "measures").tables == ()
    assert section(card, "calibration").diagrams == ()
    assert next(line.headline for line in list_cards() if line.task == "skin_lesion") == ""


def test_the_reliability_diagram_is_told_in_words_too(skin_card, app):
    skin_card["reliability"] = [
        {"confidence": 0.1, "accuracy": 0.9, "n": 3},
        {"confidence": 0.5, "accuracy": 0.4, "n": 30},
        {"confidence": 0.9, "accuracy": 0.88, "n": 60},
    ]
    diagram = section(build_card("skin_lesion"), "calibration").diagrams[0]
    assert "93 test images" in diagram.description
    assert "the mean probability was 0.50 and 0.40 were right" in diagram.description
    assert diagram.table.rows[1] == ("0.50", "0.40", "30")


def test_operating_points_are_those_of_the_task_with_what_they_reach(skin_card, app):
    reached = [measure("Sensitivity at the sensitivity_95 threshold", 0.94), measure("Coverage", 0.96)]
    skin_card["details"] = {"labels": {"mel": reached}}
    points = rows(section(build_card("skin_lesion"), "decision"), "Lesion: operating points")
    assert points["Melanoma"][0].startswith("sensitivity first")
    assert [text[:5] for text in points["Melanoma"][1:]] == ["0.500", "0.940", "", "0.500", "0.960"]
    assert points["Melanocytic nevus"][0] == "balanced"


def test_details_stand_with_the_answers_or_with_the_decision(skin_card, app):
    skin_card["measures"] = [measure("Accuracy", 0.8)]
    skin_card["details"] = {"measures": [measure("Macro F1", 0.7), measure("Inconclusive", 0.3)]}
    card = build_card("skin_lesion")
    assert list(rows(section(card, "measures"), "Lesion")) == ["Accuracy", "Macro F1"]
    assert list(rows(section(card, "decision"), "Lesion: how often")) == ["Inconclusive"]


@pytest.mark.parametrize(("name", "words"), [("chest", "conformal"), ("fracture", "band of probabilities")])
def test_the_decision_is_explained_as_it_is_made(name, words, networks, app):
    assert any(words in text for text in section(build_card(name), "decision").paragraphs)


def test_the_gate_of_this_network_stands_against_its_targets(networks, app):
    refused = rows(section(build_card("chest"), "gate"), "What the gate refused")
    assert refused["Refused: images of the right kind"][:2] == ("not reached", "at most 0.05")
    assert len(refused) == len(models.GATE_TARGETS)


def test_numbers_of_an_earlier_version_are_told_as_such(networks, monkeypatch):
    card = networks.get_card(models.get_task("chest"))
    monkeypatch.setattr(models, "get_card", lambda _: replace(card, metrics=card.metrics | {"sha256": "0" * 64}))
    assert "earlier version" in section(build_card("chest"), "measures").paragraphs[1]


def test_training_images_are_counted_by_source_and_unknown_ones_told(networks, monkeypatch):
    card = networks.get_card(models.get_task("injury"))
    images = {"AZH": 498, "AZH (normal skin)": 54, "elsewhere": 3}
    monkeypatch.setattr(models, "get_card", lambda _: replace(card, training_images=images))
    sources = rows(section(build_card("injury"), "data"), "Sources")
    assert next(row for name, row in sources.items() if name.startswith("AZH Wound"))[-1] == "552"
    assert sources["elsewhere"] == ("Not declared.", "Not declared.", "3")


# Several networks


@pytest.fixture
def chest_cards(networks, monkeypatch) -> dict[str, models.Card | str]:
    """Cards of three networks for the chest task, to be changed; a text is the reason why there is none."""
    task = models.get_task("chest")
    own = replace(networks.get_card(task), training_images={"drawn-by-code": 64})
    nlm = {task.targets[1].source: {"measures": [], "labels": {"tuberculosis": [measure("AUC", 0.96)]}}}
    metrics = {"heads": {"chest": {"measures": [measure("Accuracy", 0.86)], "sources": nlm}}}
    cards: dict[str, models.Card | str] = {
        "cnn": replace(own, metrics={}, version="0.1.0", precision="int8", views=("original", "mirror")),
        "mobilenet_v2": replace(own, metrics=metrics),
        "mobilenet_v2_open": replace(own, metrics=metrics, excluded=("NIH", "TBX11K"), training_images={"A": 1200}),
    }

    def get_card(asked: models.Task) -> models.Card:
        found = cards[asked.network] if asked.name == "chest" else networks.get_card(asked)
        if isinstance(found, str):
            raise models.NetworkUnavailable(found)
        return found

    networks.registered["chest"] = tuple(cards)
    monkeypatch.setattr(models, "get_card", get_card)
    return cards


def test_registered_networks_stand_side_by_side(chest_cards, app):
    found = section(build_card("chest"), "networks")
    accuracy, auc = "0.860 [0.840, 0.870], n\xa0=\xa0100", "0.960 [0.940, 0.970], n\xa0=\xa0100"
    assert found.tables[0].columns == ("Network", "cnn", "mobilenet_v2", "mobilenet_v2_open")
    assert rows(found, "Registered networks") == {
        "Serves here": ("no", "yes", "no"),
        "Version": ("0.1.0", "1.0.0", "1.0.0"),
        "Input": ("160 x 160 pixels, 2 views", *["160 x 160 pixels, 1 view"] * 2),
        "Weights": ("int8", "float32", "float32"),
        "Left out of its training": ("nothing", "nothing", "NIH, TBX11K"),
        "Training images": ("64", "64", "1,200"),
        "Accuracy": ("not measured", accuracy, accuracy),
        f"Tuberculosis: AUC ({NLM} alone)": ("not measured", auc, auc),
    }
    assert found.points == ()
    assert "LUMEN_NETWORKS" in found.closing and "chest=cnn" in found.closing


def test_the_chosen_network_is_the_one_of_the_page(chest_cards, choose_networks, app):
    choose_networks("chest=cnn")
    card = build_card("chest")
    assert ("Version", "0.1.0") in card.facts
    assert "not evaluated" in section(card, "measures").paragraphs[0]
    assert rows(section(card, "networks"), "Registered")["Serves here"] == ("yes", "no", "no")
    assert "chest=mobilenet_v2," in section(card, "networks").closing


def test_a_network_whose_card_is_damaged_is_listed_with_the_reason(chest_cards, app):
    chest_cards["mobilenet_v2_open"] = "Its card is damaged."
    found = section(build_card("chest"), "networks")
    assert found.points == ("mobilenet_v2_open: Its card is damaged.",)
    told = rows(found, "Registered")
    assert told.pop("Serves here") == ("no", "yes", "no")
    assert {facts[2] for facts in told.values()} == {"–"}


def test_networks_are_told_apart_by_the_targets_of_their_task(networks, app):
    networks.registered["fracture"] = ("cnn", "mobilenet_v2")
    told = list(rows(section(build_card("fracture"), "networks"), "Registered"))
    assert told[6:9] == ["AUC", "Fractured: Sensitivity at its operating point", "Body part: Accuracy"]


def test_without_a_choice_there_is_no_such_section(networks, app):
    assert "networks" not in {section.key for section in build_card("chest").sections}


def test_the_network_of_the_page_is_reproduced_with_what_was_left_out(chest_cards, choose_networks, app):
    chest_cards["mobilenet_v2"] = replace(chest_cards["mobilenet_v2"], excluded=("NIH (14)",))
    commands = section(build_card("chest"), "reproduce").commands
    assert commands[:3] == (
        "python -m models.training.fit chest --network mobilenet_v2 --side 160 --epochs 3 --exclude-dataset 'NIH (14)'",
        "export LUMEN_NETWORKS=chest=mobilenet_v2",
        "python -m models.training.compile",
    )


def test_a_network_that_went_on_from_another_is_reproduced_from_there_as_it_serves(networks, chest_cards, app):
    training = {"epochs": 3, "seed": 7, "init": "network 0a1b2c", "hidden": [128, 50], "precision": "float32"}
    own = chest_cards["mobilenet_v2"]
    chest_cards["mobilenet_v2"] = replace(own, precision="int8", facts=own.facts | {"training": training})
    found = section(build_card("chest"), "reproduce")
    module = "python -m models.training"
    assert found.commands == (
        f"{module}.fit chest --network mobilenet_v2 --side 160 --epochs 3 --hidden 128 50 --start start-0a1b2c.keras"
        " --precision float32",
        "export LUMEN_NETWORKS=chest=mobilenet_v2",
        f"{module}.compile",
        f"{module}.calibrate chest",
        f"{module}.precision chest --use int8",
        f"{module}.compile",
        *(f"{module}.{step} chest" for step in ("distance", "evaluate", "audit")),
    )
    assert found.paragraphs[-1].startswith("start-0a1b2c.keras stands for the network")
    assert "may have learned from more" in section(build_card("chest"), "data").paragraphs[-1]


# The audit


AUDIT = {
    "created": "2026-02-01",
    "sha256": SHA256,
    "split": "val",
    "tiny_image_baseline": {
        "lesion": {"chance": 0.14, "measures": [measure("Mean AUC", 0.7)], "network": [measure("Mean AUC", 0.95)]}
    },
    "source_classifier": {
        "overall": {"chance": 0.5, "sources": {"A": 40, "B": 60}, "measures": [measure("Mean AUC", 0.8)]},
        "labels": {"mel": {"chance": 0.5, "sources": {"A": 4, "B": 6}, "measures": [measure("Mean AUC", 0.6)]}},
    },
    "altered_images": [{"change": "blurred", "measures": [measure("Mean AUC", 0.9)]}],
    "left_out": [
        {
            "labels": ["mel", "nv"],
            "source": "A",
            "n": 50,
            "measures": [measure("Mean AUC", 0.65)],
            "with_source": [measure("Mean AUC", 0.92)],
        }
    ],
}


def test_what_the_audit_found_is_told(networks, monkeypatch):
    monkeypatch.setattr(models, "read_audit", lambda _: AUDIT)
    found = section(build_card("skin_lesion"), "audit")
    assert found.paragraphs == ("Audited on 2026-02-01, on the validation images.",)
    assert rows(found, "Lesion: superficial cues")["Trees on superficial cues"][0].startswith("0.700")
    assert rows(found, "Telling the source")["All images: 2 sources, chance 0.50"][0].startswith("0.800")
    assert rows(found, "Telling the source")["Images of one label, Melanoma: 2 sources, chance 0.50"]
    left_out = rows(found, "Trained without a source")["A"]
    assert left_out[:2] == ("Melanoma, Melanocytic nevus", "Mean AUC")
    assert (left_out[2][:5], left_out[3][:5]) == ("0.920", "0.650")
    assert rows(found, "Answers to altered images")["blurred"][0].startswith("0.900")


def test_an_audit_of_another_version_is_told_as_such(networks, monkeypatch):
    monkeypatch.setattr(models, "read_audit", lambda _: AUDIT | {"sha256": "0" * 64})
    assert "earlier version" in section(build_card("skin_lesion"), "audit").paragraphs[1]


def test_a_network_that_was_not_audited_says_so(networks, monkeypatch):
    monkeypatch.setattr(models, "read_audit", lambda _: {})
    assert "not audited" in section(build_card("skin_lesion"), "audit").paragraphs[0]


# Without a network


@every_task
def test_without_a_network_the_words_of_the_task_remain(task, networks):
    networks.missing = {task.name: "It is not installed."}
    card = build_card(task.name)
    assert (card.unavailable, card.facts) == ("It is not installed.", ())
    assert section(card, "limits").points == task.limitations
    assert [len(row) for row in table(section(card, "data"), "Sources").rows] == [4] * len(task.sources)


def test_an_unknown_task_has_no_card(networks, app):
    with pytest.raises(NotFound):
        build_card("palm_reading")
