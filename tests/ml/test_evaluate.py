"""The evaluation command: any manifest, the way of an upload, and what is written of it."""

import csv
import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest

import models
from models import Outcome
from models.card import RiskPoint
from models.inference import get_card
from models.measures import SOURCE_SUMMARY, Metric, chosen
from models.task import DataSource
from models.training import evaluate, metrics, scoring
from models.training.datasets import load_manifest
from models.training.gate_rates import refusals
from models.training.manifest import Example, UnfitManifest, read_upload
from models.training.measuring import measure_head, operating_thresholds
from models.training.outside import ROOT
from models.training.predictions import read_predictions
from models.training.synthetic import draw_golden, to_grey
from tests.ml.files import save
from tests.ml.labelled import needs_labelled_images, sample
from tests.ml.scored import CARD, STATE, image_score, six_images, six_scores

BRAIN, FRACTURE, INJURY = (models.get_task(name) for name in ("brain", "fracture", "injury"))


GOOD = {"path": "a.png", "label": "glioma"}


@pytest.fixture(autouse=True)
def few_resamples(monkeypatch):
    monkeypatch.setattr(metrics, "RESAMPLES", 20)


def write_manifest(folder: Path, rows: list[dict[str, str]], name: str = "manifest.csv") -> Path:
    """A manifest, and a drawn picture for every row whose path is a plain name."""
    for number, row in enumerate(rows):
        if row.get("path"):
            (folder / row["path"]).write_bytes(save(draw_golden(number), "PNG"))
    path = folder / name
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(dict.fromkeys(column for row in rows for column in row)))
        writer.writeheader()
        writer.writerows(rows)
    return path


def test_a_manifest_needs_only_paths_and_labels(tmp_path):
    rows = [{"path": "a.png", "label": "glioma"}, {"path": "b.png", "label": "NO_TUMOR"}]
    found = load_manifest(BRAIN, write_manifest(tmp_path, rows, "clinic.csv"))
    assert [example.targets for example in found] == [{"tumour": 0}, {"tumour": 3}]
    assert {example.dataset_name for example in found} == {"clinic"}
    assert len({example.group for example in found}) == 2


def test_a_manifest_may_name_sources_patients_and_splits(tmp_path):
    common = {"label": "glioma", "group": "patient 1", "dataset_name": "north"}
    path = write_manifest(tmp_path, [common | {"path": f"{split}.png", "split": split} for split in ("val", "test")])
    found = load_manifest(BRAIN, path, "val")
    assert [(one.path.name, one.group, one.dataset_name) for one in found] == [("val.png", "patient 1", "north")]
    assert len(load_manifest(BRAIN, path)) == 2


def test_a_manifest_may_answer_only_some_questions(tmp_path):
    found = load_manifest(INJURY, write_manifest(tmp_path, [{"path": "a.png", "label": "wound"}]))
    assert found[0].targets == {"injury": 1, "burn_degree": -1, "wound_kind": -1}
    found = load_manifest(FRACTURE, write_manifest(tmp_path, [{"path": "a.png", "part": "wrist"}]))
    assert found[0].targets == {"part": 10, "fractured": -1, "type": -1}


def test_a_manifest_that_a_spreadsheet_saved_is_read(tmp_path):
    path = write_manifest(tmp_path, [{"path": "a.png", "label": "glioma"}])
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())
    assert len(load_manifest(BRAIN, path)) == 1


@pytest.mark.parametrize(
    ("task", "rows", "words"),
    [
        (BRAIN, [{"label": "glioma"}], ["no column 'path'"]),
        (BRAIN, [{"path": "a.png", "kind": "glioma"}], ["no column of labels", "label"]),
        (BRAIN, [GOOD, {"path": "b.png", "label": "cyst"}], ["row 3", "'label'", "cyst"]),
        (BRAIN, [{"path": "", "label": "glioma"}], ["row 2", "'path'"]),
        (FRACTURE, [{"path": "a.png", "fractured": "normal"}], ["row 2", "'fractured'", "Body part"]),
    ],
    ids=["no paths", "no labels", "unknown label", "no file", "no part"],
)  # fmt: skip
def test_a_wrong_manifest_is_refused_with_its_place(tmp_path, task, rows, words):
    path = write_manifest(tmp_path, rows)
    with pytest.raises(UnfitManifest) as caught:
        load_manifest(task, path)
    assert all(word in str(caught.value) for word in (str(path), *words)), caught.value


@pytest.mark.parametrize("content", [b"", b"path,label\n", b"\xff\xfe\x00"], ids=["nothing", "header alone", "binary"])
def test_a_file_that_is_no_manifest_is_refused(tmp_path, content):
    (tmp_path / "manifest.csv").write_bytes(content)
    with pytest.raises(UnfitManifest):
        load_manifest(BRAIN, tmp_path / "manifest.csv")
    with pytest.raises(UnfitManifest):
        load_manifest(BRAIN, tmp_path / "none.csv")


def test_the_command_says_what_is_wrong_in_one_line(tmp_path):
    path = write_manifest(tmp_path, [{"path": "a.png", "label": "cyst"}])
    with pytest.raises(SystemExit, match=r"row 2, column 'label': 'cyst' is no label of 'Tumour'"):
        evaluate.main(["brain", "--manifest", str(path)])
    with pytest.raises(SystemExit, match="no row of the split 'val'"):
        evaluate.main(["injury", "--manifest", str(write_manifest(tmp_path, [{"path": "a.png", "label": "burn"}])),
                       "--split", "val"])  # fmt: skip


def test_no_picture_is_drawn_into_the_repository(tmp_path):
    (tmp_path / "way in").symlink_to(ROOT / "docs")
    for folder in (ROOT / "runs", tmp_path / "way in" / "plots"):
        with pytest.raises(SystemExit, match="in the repository"):
            evaluate.main(["brain", "--plots", str(folder)])
        assert not (folder / "tumour_worst_errors.png").exists()


def values(measures) -> dict[Metric, float]:
    return {one.metric: one.value for one in measures}


def test_measures_worked_by_hand():
    found = measure_head(six_scores(), CARD)
    overall = values(found.measures)
    assert overall[Metric.ACCURACY] == overall[Metric.BALANCED_ACCURACY] == pytest.approx(4 / 6, abs=1e-4)
    assert overall[Metric.COVERAGE] == pytest.approx(4 / 6, abs=1e-4)
    assert overall[Metric.MEAN_SET_SIZE] == pytest.approx(7 / 6, abs=1e-4)
    sick = values(found.labels["sick"])
    assert sick[Metric.SENSITIVITY] == 0.5
    assert sick[Metric.SPECIFICITY] == 0.75
    assert sick[Metric.COVERAGE] == 0.5


def test_labels_are_seen_from_their_declared_operating_point():
    assert operating_thresholds(STATE, CARD).tolist() == [0.25, 0.5, 0.5]
    found = measure_head(six_scores(), CARD)
    sick = values(found.labels["sick"])
    assert sick[Metric.SENSITIVITY_AT_OPERATING_POINT] == 1
    assert sick[Metric.SPECIFICITY_AT_OPERATING_POINT] == 0.5
    assert values(found.labels["well"])[Metric.SENSITIVITY_AT_OPERATING_POINT] == 0.5


def test_a_refused_image_is_not_answered_but_counts_for_the_network():
    overall = values(measure_head(six_scores(), CARD).measures)
    assert overall[Metric.DECIDED] == pytest.approx(5 / 6, abs=1e-4)
    assert overall[Metric.ACCURACY_WHEN_DECIDED] == pytest.approx(3 / 5)
    assert overall[Metric.REFUSED] == overall[Metric.INCONCLUSIVE] == pytest.approx(1 / 6, abs=1e-4)
    assert overall[Metric.ANSWERED] == pytest.approx(4 / 6, abs=1e-4)
    assert overall[Metric.ACCURACY_WHEN_ANSWERED] == pytest.approx(2 / 4)


def test_a_measure_knows_its_number_of_images():
    found = measure_head(six_scores(), CARD)
    overall = {one.metric: one.n for one in found.measures}
    assert overall[Metric.ACCURACY] == 6
    assert overall[Metric.ACCURACY_WHEN_DECIDED] == 5
    assert overall[Metric.ACCURACY_WHEN_ANSWERED] == 4
    sick = {one.metric: one.n for one in found.labels["sick"]}
    assert (sick[Metric.SENSITIVITY], sick[Metric.SPECIFICITY], sick[Metric.AUC]) == (2, 4, 6)


def test_a_question_that_was_not_asked_is_no_answer():
    head = models.Head(STATE.key, STATE.title, STATE.labels, asked_if=("other", "yes"))
    images = [image_score(0, [0.8, 0.1, 0.1], number, head=head, asked=number > 0) for number in range(4)]
    overall = values(measure_head(scoring.head_scores(head, images), CARD).measures)
    assert (overall[Metric.NOT_ASKED], overall[Metric.ANSWERED], overall[Metric.DECIDED]) == (0.25, 0.75, 1)


def test_sources_are_measured_apart_and_a_single_label_has_no_auc():
    found = evaluate.head_metrics(BRAIN, six_scores(), CARD)
    assert {name: some.measures[0].value for name, some in found.datasets.items()} == {"one": 0.5, "two": 1.0}
    assert [one.metric for one in chosen(found.datasets["two"].measures, SOURCE_SUMMARY)] == [Metric.ACCURACY]
    assert list(found.datasets["two"].labels) == ["sicker"]


def test_data_sets_of_one_source_are_measured_together_too():
    """Those of which the source has one alone are measured as that data set."""
    north = DataSource("north", datasets=("one", "two", "three"), licence="", bias="")
    task = dataclasses.replace(BRAIN, sources=(north, DataSource("south", datasets=("one",), licence="", bias="")))
    found = evaluate.head_metrics(task, six_scores(), CARD)
    assert list(found.sources) == ["north"]
    assert found.sources["north"].measures[0].n == 6
    assert set(found.sources["north"].labels) == set(found.overall.labels)


def test_every_measure_lies_in_its_interval_and_has_one_place():
    found = evaluate.head_metrics(BRAIN, six_scores(), CARD)
    for measures in (found.overall.measures, *found.overall.labels.values()):
        assert len({one.metric for one in measures}) == len(measures)
        for one in measures:
            assert one.low <= one.value <= one.high, one
    assert sum(one.n for one in found.reliability) == 6
    assert found.risk_coverage[-1] == RiskPoint(coverage=1.0, risk=pytest.approx(2 / 6, abs=1e-4))


def test_images_without_a_label_are_left_out():
    assert len(six_images()) == 7
    assert len(six_scores().truth) == 6


def drawn(number: int) -> Example:
    return Example(Path(f"{number}.png"), {"tumour": 0}, "drawn", f"g{number}", "val", draw_golden(number))


def test_an_image_takes_the_way_of_an_upload(monkeypatch):
    """With the gate open, the same probabilities and decisions as `predict`; with the gate shut, refused as there."""
    for number in range(3):
        found = scoring.score_image(BRAIN, drawn(number))
        assert found.refused is (models.predict(BRAIN, draw_golden(number)).outcome is Outcome.NOT_ASSESSED)
    for module in ("models.inference", "models.training.scoring"):
        monkeypatch.setattr(f"{module}.pass_gate", lambda task, pixels: models.gate.PASSED)
        monkeypatch.setattr(f"{module}.judge_distance", lambda network, features: models.gate.PASSED)
    found, predicted = scoring.score_image(BRAIN, drawn(1)), models.predict(BRAIN, draw_golden(1))
    assert found.refused is False
    assert tuple(found.heads.values()) == predicted.heads


@needs_labelled_images
@pytest.mark.parametrize("name", ["brain", "chest"])
def test_every_gate_refuses_as_predict_does(name):
    tasks = [models.get_task("brain"), models.get_task("chest")]
    for example in sample(models.get_task(name), "val", 3):
        pixels = read_upload(example)
        expected = [models.predict(task, pixels).outcome is Outcome.NOT_ASSESSED for task in tasks]
        assert refusals(tasks, pixels) == expected
    assert refusals(tasks, np.zeros((80, 80, 3), np.uint8)) == [True, True]


def test_grey_copies_have_no_colour():
    grey = to_grey(draw_golden(0))
    assert grey.shape == draw_golden(0).shape
    assert (grey == grey[..., :1]).all()


def test_a_manifest_is_measured_from_its_files_to_json(tmp_path, capsys):
    labels = ["glioma", "meningioma", "pituitary", "no_tumor"]
    rows = [{"path": f"{number}.png", "label": labels[number % 4]} for number in range(8)]
    path = write_manifest(tmp_path, rows, "drawn.csv")
    (tmp_path / "7.png").write_bytes(b"no picture")
    before = get_card(BRAIN)
    evaluate.main(
        ["brain", "--manifest", str(path), "--json", str(tmp_path / "out.json"),
         "--predictions", str(tmp_path / "predictions.json")]
    )  # fmt: skip
    printed = capsys.readouterr()
    assert "Accuracy" in printed.out
    assert "7.png" in printed.out + printed.err
    found = json.loads((tmp_path / "out.json").read_text(encoding="utf-8"))
    assert (found["n"], found["split"], found["sha256"]) == (7, "all", get_card(BRAIN).sha256)
    assert found["refused_by_gate"]["n"] == 7
    head = found["heads"]["tumour"]
    assert list(head["overall"]["labels"]) == labels
    assert list(head["datasets"]) == ["drawn"]
    predictions = read_predictions(tmp_path / "predictions.json").heads["tumour"]
    right = predictions.probabilities.argmax(axis=1) == predictions.truth
    assert head["overall"]["measures"][0]["value"] == pytest.approx(right.mean(), abs=1e-4)
    assert get_card(BRAIN) == before, "only the task's own test split writes into its card"
