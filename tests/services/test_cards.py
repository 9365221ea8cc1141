"""Model cards: that every number of the card and every word of the task file gets there, and that gaps are told."""

import csv
from collections.abc import Callable
from dataclasses import replace

import pytest

import models
from app.errors import NotFound
from app.services.cards import build_card, list_cards
from app.services.cards.content import ModelCard, Section, Table
from models.audit import AlteredImages, Baseline, CopiedSplit, Copies, Probe, SourceProbes
from models.measures import Measure, MeasureSet, Metric
from models.tasks.chest import NLM
from models.training.manifest import datasets_root
from models.training.recipes import RECIPES
from tests.fakes import ELSEWHERE, SHA256, serving, trained_on

TASKS = models.all_tasks()
every_task = pytest.mark.parametrize("task", TASKS, ids=lambda task: task.name)


def section(card: ModelCard, key: str) -> Section:
    return next(section for section in card.sections if section.key == key)


def table(found: Section, caption: str) -> Table:
    return next(table for table in found.tables if table.caption.startswith(caption))


def rows(found: Section, caption: str) -> dict[str, tuple[str, ...]]:
    return {row[0]: row[1:] for row in table(found, caption).rows}


def measure(metric: Metric, value: float, n: int = 100) -> Measure:
    return Measure(metric, value, value - 0.02, value + 0.01, n)


def serve(networks, monkeypatch, card: models.Card) -> None:
    """Make `card` the one of the network that serves its task."""

    def get_card(task: models.Task, network: models.NetworkId | None = None) -> models.Card:
        return card if task.name == card.task else networks.get_card(task, network)

    monkeypatch.setattr(models, "get_card", get_card)


def measured(card: models.Card, head: str, **changes) -> models.Card:
    """The card with these changes of what was measured of one head."""
    heads = card.metrics.heads | {head: replace(card.metrics.heads[head], **changes)}
    return replace(card, metrics=replace(card.metrics, heads=heads))


@pytest.fixture
def skin_card(networks, monkeypatch) -> Callable[..., None]:
    """skin_card(measures, labels=..., datasets=..., reliability=...): what was measured of the skin lesion network."""

    def skin_card(measures=(), labels=None, **changes) -> None:
        card = networks.get_card(models.get_task("skin_lesion"))
        nothing = {"datasets": {}, "sources": {}, "reliability": ()}
        overall = MeasureSet(tuple(measures), labels or {})
        serve(networks, monkeypatch, measured(card, "lesion", **nothing | changes | {"overall": overall}))

    return skin_card


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
    for source in RECIPES[task.name].sources:
        with source.manifest.open(encoding="utf-8") as file:
            found |= {row["dataset_name"] for row in csv.DictReader(file)}
    assert sorted(declared) == sorted(found)


def test_every_step_to_the_same_network_is_told(networks, monkeypatch):
    card = networks.get_card(models.get_task("injury"))
    serve(networks, monkeypatch, replace(card, tta_views=("original", "turn")))
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
    skin_card([measure(Metric.BALANCED_ACCURACY, 0.86), measure(Metric.MEAN_AUC, 0.96), measure(Metric.ACCURACY, 0.8)])
    targets = rows(section(build_card("skin_lesion"), "measures"), "Targets")
    assert targets["Balanced accuracy"][:3] == ("stretch target reached", "at least 0.75", "at least 0.85")
    assert targets["Mean AUC"][0] == "reached"
    assert targets["Mean AUC"][3] == "0.960 [0.940, 0.970], n\xa0=\xa0100"
    assert targets["Calibration error (ECE)"] == ("not measured", "at most 0.03", "", "")


def test_targets_may_be_of_another_question_one_answer_or_one_source(networks, app, monkeypatch):
    task = models.get_task("chest")
    source = task.sources[-2].name
    on_source = MeasureSet((measure(Metric.AUC, 0.7),), {"tuberculosis": (measure(Metric.AUC, 0.9),)})
    overall = MeasureSet(
        (measure(Metric.ACCURACY, 0.93),), {"pneumonia": (measure(Metric.SENSITIVITY_AT_OPERATING_POINT, 0.8),)}
    )
    card = measured(networks.get_card(task), "chest", overall=overall, sources={source: on_source})
    targets = (
        models.Target(Metric.ACCURACY, 0.92, head="chest"),
        models.Target(Metric.SENSITIVITY_AT_OPERATING_POINT, 0.9, label="pneumonia"),
        models.Target(Metric.AUC, 0.85, label="tuberculosis", source=source),
        models.Target(Metric.AUC, 0.85, source=source),
        models.Target(Metric.AUC, 0.85, source="nowhere"),
    )
    found = [card.target_measure(task, target) for target in targets]
    assert [one and one.value for one in found] == [0.93, 0.8, 0.9, 0.7, None]


def test_the_targets_of_a_cascade_name_their_question(networks, app):
    targets = rows(section(build_card("fracture"), "measures"), "Targets")
    assert list(targets)[:4] == [
        "AUC", "Fractured: Sensitivity at its operating point", "Body part: Accuracy",
        "Fracture type: Accuracy",
    ]  # fmt: skip
    assert f"Tuberculosis: AUC ({NLM} alone)" in rows(section(build_card("chest"), "measures"), "Targets")


@pytest.mark.parametrize(("value", "result"), [(0.02, "reached"), (0.04, "not reached")])
def test_a_calibration_error_is_to_stay_below_its_target(value, result, skin_card, app):
    skin_card([measure(Metric.ECE, value)])
    assert rows(section(build_card("skin_lesion"), "measures"), "Targets")["Calibration error (ECE)"][0] == result


def test_answers_and_sources_have_a_row_each_and_gaps_stay_empty(skin_card, app):
    both = (measure(Metric.ACCURACY, 0.6), measure(Metric.MEAN_AUC, 0.9))
    skin_card(
        [measure(Metric.ACCURACY, 0.8)],
        labels={"mel": (measure(Metric.SENSITIVITY, 0.9, 224), measure(Metric.AUC, 0.8))},
        datasets={"A": MeasureSet((measure(Metric.ACCURACY, 0.7),)), "B": MeasureSet(both)},
    )
    card = build_card("skin_lesion")
    answers = table(section(card, "measures"), "Lesion: each answer")
    assert answers.columns == ("Answer", "Sensitivity", "AUC")
    assert answers.rows == (("Melanoma", "0.900 [0.880, 0.910], n\xa0=\xa0224", "0.800 [0.780, 0.810], n\xa0=\xa0100"),)
    assert rows(section(card, "sources"), "Lesion, by source")["A"] == ("0.700 [0.680, 0.710], n\xa0=\xa0100", "")


def test_a_network_that_was_never_evaluated_says_so(networks, monkeypatch, app):
    serve(networks, monkeypatch, replace(networks.get_card(models.get_task("skin_lesion")), metrics=None))
    card = build_card("skin_lesion")
    assert "not been evaluated" in section(card, "measures").paragraphs[0]
    assert section(card, "measures").tables == ()
    assert section(card, "calibration").diagrams == ()
    assert next(line.headline for line in list_cards() if line.task == "skin_lesion") == ""


def test_the_reliability_diagram_is_told_in_words_too(skin_card, app):
    bins = ((0.1, 0.9, 3), (0.5, 0.4, 30), (0.9, 0.88, 60))
    skin_card([measure(Metric.ACCURACY, 0.8)], reliability=tuple(models.ReliabilityBin(*one) for one in bins))
    diagram = section(build_card("skin_lesion"), "calibration").diagrams[0]
    assert "93 test images" in diagram.description
    assert "the mean probability was 0.50 and the accuracy 0.40" in diagram.description
    assert diagram.table.rows[1] == ("0.50", "0.40", "30")


def test_operating_points_are_those_of_the_task_with_what_they_reach(skin_card, app):
    reached = (measure(Metric.SENSITIVITY_AT_OPERATING_POINT, 0.94), measure(Metric.COVERAGE, 0.96))
    skin_card([measure(Metric.ACCURACY, 0.8)], labels={"mel": reached})
    points = rows(section(build_card("skin_lesion"), "decision"), "Lesion: operating points")
    assert points["Melanoma"][0].startswith("high sensitivity")
    assert [text[:5] for text in points["Melanoma"][1:]] == ["0.500", "0.940", "", "0.500", "0.960"]
    assert points["Melanocytic nevus"][0] == "balanced"


def test_details_stand_with_the_answers_or_with_the_decision(skin_card, app):
    skin_card([measure(Metric.ACCURACY, 0.8), measure(Metric.MACRO_F1, 0.7), measure(Metric.INCONCLUSIVE, 0.3)])
    card = build_card("skin_lesion")
    assert list(rows(section(card, "measures"), "Lesion")) == ["Accuracy", "Macro F1"]
    assert list(rows(section(card, "decision"), "Lesion: how often")) == ["Inconclusive"]


@pytest.mark.parametrize(("name", "words"), [("chest", "conformal"), ("fracture", "band of probabilities")])
def test_the_decision_is_explained_as_it_is_made(name, words, networks, app):
    assert any(words in text for text in section(build_card(name), "decision").paragraphs)


def test_the_gate_of_this_network_stands_against_its_targets(networks, app):
    refused = rows(section(build_card("chest"), "gate"), "What the gate refused")
    assert refused["Refused: images of the right type"][:2] == ("not reached", "at most 0.05")
    assert len(refused) == len(models.GATE_TARGETS)


def test_numbers_of_an_earlier_version_are_told_as_such(networks, monkeypatch):
    card = networks.get_card(models.get_task("chest"))
    serve(networks, monkeypatch, replace(card, metrics=replace(card.metrics, sha256="0" * 64)))
    assert "earlier version" in section(build_card("chest"), "measures").paragraphs[1]


def test_training_images_are_counted_by_source_and_unknown_ones_told(networks, monkeypatch):
    card = networks.get_card(models.get_task("injury"))
    images = {"AZH": 498, "AZH (normal skin)": 54, "elsewhere": 3}
    serve(networks, monkeypatch, trained_on(card, images))
    sources = rows(section(build_card("injury"), "data"), "Sources")
    assert next(row for name, row in sources.items() if name.startswith("AZH Wound"))[-1] == "552"
    assert sources["elsewhere"] == ("Not declared.", "Not declared.", "3")


# Elsewhere


def test_figures_elsewhere_stand_beside_those_at_home_and_by_source(networks, app):
    networks.elsewhere = ELSEWHERE
    found = section(build_card("brain"), "elsewhere")
    words = " ".join(found.paragraphs)
    assert "Measured on 2026-02-01 with 2 short networks (mobilenet_v2, 128 pixels, 5 epochs)" in words
    assert "Ill: Glioma, Meningioma, Pituitary tumour." in words
    assert "Patients apart" not in words
    accuracy = "0.720 [0.650, 0.780], n\xa0=\xa0512"
    beside = rows(found, "At home and elsewhere")
    assert beside["Accuracy"] == ("0.940 [0.910, 0.970], n\xa0=\xa0744", accuracy)
    assert beside["Ill, called clear"] == ("", "0.014 [0.000, 0.042], n\xa0=\xa071")
    by_source = table(found, "Elsewhere, by sources left out")
    assert by_source.columns[0] == "Left out" and "Answered and wrong, of all images" in by_source.columns
    assert by_source.rows[1] == ("Queensland", accuracy, "", "", "", "")


def test_a_stricter_split_at_home_is_explained_where_there_is_one(networks, app):
    networks.elsewhere = replace(ELSEWHERE, apart=MeasureSet((measure(Metric.ACCURACY, 0.9),)))
    found = section(build_card("brain"), "elsewhere")
    assert any("Patients apart: one more such network" in text for text in found.paragraphs)
    assert table(found, "At home and elsewhere").columns == (
        "Measure", "At home", "At home, patients apart", "Elsewhere",
    )  # fmt: skip


def test_what_was_not_measured_elsewhere_is_told(networks, app):
    found = section(build_card("brain"), "elsewhere")
    assert found.paragraphs[0].startswith("Not measured yet")
    assert found.tables == ()
    assert {line.elsewhere for line in list_cards()} == {""}


def test_the_list_tells_the_measure_that_matters_most_at_home_and_elsewhere(networks, app):
    """Where that was not measured elsewhere, the first that was; it is named."""
    balanced = measure(Metric.BALANCED_ACCURACY, 0.62, 512)
    networks.elsewhere = replace(ELSEWHERE, overall=MeasureSet((*ELSEWHERE.overall.measures, balanced)))
    told = {line.task: line.elsewhere for line in list_cards()}
    assert told["skin_lesion"] == "Balanced accuracy 0.620 [0.600, 0.630] on 512 images"
    assert told["fracture"] == told["brain"] == "Accuracy 0.720 [0.650, 0.780] on 512 images"


def test_a_network_that_decides_by_images_from_elsewhere_is_reproduced_so(networks, app):
    networks.elsewhere = ELSEWHERE
    commands = section(build_card("chest"), "reproduce").commands
    steps = [command.removeprefix("python -m models.training.") for command in commands]
    position = steps.index("abroad chest --network mobilenet_v2 --write")
    assert steps[position - 1 : position + 2][::2] == ["compile", "calibrate chest"]


# Several networks


@pytest.fixture
def chest_cards(networks, monkeypatch) -> dict[str, models.Card | str]:
    """Cards of three networks for the chest task, to be changed; a text is the reason why there is none."""
    task = models.get_task("chest")
    card = trained_on(networks.get_card(task), {"drawn-by-code": 64})
    nlm = {task.targets[1].source: MeasureSet((), {"tuberculosis": (measure(Metric.AUC, 0.96),)})}
    good = measured(card, "chest", overall=MeasureSet((measure(Metric.ACCURACY, 0.86),)), sources=nlm)
    cards: dict[str, models.Card | str] = {
        "cnn": replace(card, metrics=None, version="0.1.0", precision="int8", tta_views=("original", "mirror")),
        "mobilenet_v2": good,
        "mobilenet_v2_open": trained_on(replace(good, elsewhere=ELSEWHERE), {"A": 1200}, excluded=("NIH", "TBX11K")),
    }

    def get_card(asked: models.Task, network: models.NetworkId | None = None) -> models.Card:
        name = network.name if network else serving(asked)
        found = cards[name] if asked.name == "chest" else networks.get_card(asked, network)
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
        "In use here": ("no", "yes", "no"),
        "Version": ("0.1.0", "1.0.0", "1.0.0"),
        "Input": ("160 x 160 pixels, 2 views", *["160 x 160 pixels, 1 view"] * 2),
        "Weights": ("int8", "float32", "float32"),
        "Excluded from training": ("nothing", "nothing", "NIH, TBX11K"),
        "Training images": ("64", "64", "1,200"),
        "Accuracy": ("not measured", accuracy, accuracy),
        f"Tuberculosis: AUC ({NLM} alone)": ("not measured", auc, auc),
        "Elsewhere": ("not measured", "not measured", "Accuracy 0.720 [0.650, 0.780], n\xa0=\xa0512"),
    }
    assert found.points == ()
    assert "LUMEN_NETWORKS" in found.closing and "chest=cnn" in found.closing


def test_the_chosen_network_is_the_one_of_the_page(chest_cards, choose_networks, app):
    choose_networks("chest=cnn")
    card = build_card("chest")
    assert ("Version", "0.1.0") in card.facts
    assert "not been evaluated" in section(card, "measures").paragraphs[0]
    assert rows(section(card, "networks"), "Registered")["In use here"] == ("yes", "no", "no")
    assert "chest=mobilenet_v2," in section(card, "networks").closing


def test_a_network_whose_card_is_damaged_is_listed_with_the_reason(chest_cards, app):
    chest_cards["mobilenet_v2_open"] = "Its card is damaged."
    found = section(build_card("chest"), "networks")
    assert found.points == ("mobilenet_v2_open: Its card is damaged.",)
    told = rows(found, "Registered")
    assert told.pop("In use here") == ("no", "yes", "no")
    assert {facts[2] for facts in told.values()} == {"–"}


def test_networks_are_told_apart_by_the_targets_of_their_task(networks, app):
    networks.registered["fracture"] = ("cnn", "mobilenet_v2")
    told = list(rows(section(build_card("fracture"), "networks"), "Registered"))
    assert told[6:9] == ["AUC", "Fractured: Sensitivity at its operating point", "Body part: Accuracy"]


def test_without_a_choice_there_is_no_such_section(networks, app):
    assert "networks" not in {section.key for section in build_card("chest").sections}


def test_the_network_of_the_page_is_reproduced_with_what_was_left_out(chest_cards, choose_networks, app):
    card = chest_cards["mobilenet_v2"]
    chest_cards["mobilenet_v2"] = trained_on(card, card.training_images, excluded=("NIH (14)",))
    commands = section(build_card("chest"), "reproduce").commands
    assert commands[:3] == (
        "python -m models.training.fit chest --network mobilenet_v2 --side 160 --epochs 3 --exclude-dataset 'NIH (14)'",
        "export LUMEN_NETWORKS=chest=mobilenet_v2",
        "python -m models.training.compile",
    )


def test_a_network_that_went_on_from_another_is_reproduced_from_there_as_it_serves(networks, chest_cards, app):
    start = {"start": models.Start.NETWORK, "start_sha256": "0a1b2c"}
    training = models.Training(epochs=3, seed=7, data=(), hidden=(128, 50), precision="float32", **start)
    chest_cards["mobilenet_v2"] = replace(chest_cards["mobilenet_v2"], precision="int8", training=training)
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
    assert "may have seen more" in section(build_card("chest"), "data").paragraphs[-1]


# The audit


def auc(value: float) -> tuple[Measure, ...]:
    return (measure(Metric.MEAN_AUC, value),)


AUDIT = models.Audit(
    created="2026-02-01",
    sha256=SHA256,
    split="val",
    tiny_image_baseline={"lesion": Baseline(0.14, trained_on=50, measures=auc(0.7), cues=(), network=auc(0.95))},
    source_classifier=SourceProbes(
        column="dataset_name",
        overall=Probe(0.5, {"A": 40, "B": 60}, auc(0.8)),
        labels={"mel": Probe(0.5, {"A": 4, "B": 6}, auc(0.6))},
    ),
    altered_images=(AlteredImages(models.Change.BLURRED, auc(0.9)),),
)


def test_what_the_audit_found_is_told(networks, monkeypatch):
    monkeypatch.setattr(models, "read_audit", lambda _: AUDIT)
    found = section(build_card("skin_lesion"), "audit")
    assert found.paragraphs == ("Audited on 2026-02-01, on the validation images.",)
    assert rows(found, "Lesion: superficial cues")["Trees on superficial cues"][0].startswith("0.700")
    assert rows(found, "Telling the source")["All images: 2 sources, chance 0.50"][0].startswith("0.800")
    assert rows(found, "Telling the source")["Images of one label, Melanoma: 2 sources, chance 0.50"]
    assert rows(found, "Answers to altered images")["blurred"][0].startswith("0.900")


def test_copies_among_the_images_are_told(networks, monkeypatch):
    splits = (CopiedSplit("test", "train", n=897, copied=1, in_use=0), CopiedSplit("val", "val", 1448, 1200, 1200))
    monkeypatch.setattr(models, "read_audit", lambda _: replace(AUDIT, copies=Copies("2026-03-04", splits)))
    found = table(section(build_card("skin_lesion"), "audit"), "Copies among the images, searched for on 2026-03-04")
    assert found.rows == (
        ("test", "training", "1 of 897", "0 of 897"),
        ("validation", "validation", "1,200 of 1,448", "1,200 of 1,448"),
    )
    assert "found by likeness" in found.note


def test_an_audit_of_another_version_is_told_as_such(networks, monkeypatch):
    monkeypatch.setattr(models, "read_audit", lambda _: replace(AUDIT, sha256="0" * 64))
    assert "earlier version" in section(build_card("skin_lesion"), "audit").paragraphs[1]


def test_a_network_that_was_not_audited_says_so(networks, monkeypatch):
    monkeypatch.setattr(models, "read_audit", lambda _: None)
    assert "not been audited" in section(build_card("skin_lesion"), "audit").paragraphs[0]


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
