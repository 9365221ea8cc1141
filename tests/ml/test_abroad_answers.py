"""What the short networks of the yardstick answered, on its way to a file and back, and as rows of the docs."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import models
from models.calibration import calibrated
from models.measures import MeasureSet
from models.training.abroad import table
from models.training.abroad.answers import FoldAnswers, asked, read_answers, write_answers
from models.training.manifest import MISSING, Example
from tests.fakes import ELSEWHERE, MEASURES_ELSEWHERE, make_card

FRACTURE = models.get_task("fracture")
PART, FRACTURED = FRACTURE.head("part"), FRACTURE.head("fractured")
HAND, WRIST = (next(i for i, label in enumerate(PART.labels) if label.key == key) for key in ("hand", "wrist"))


def radiographs() -> list[Example]:
    """A fractured hand, a wrist without a fracture, and one that only its part is known of."""
    answers = [(HAND, 0), (WRIST, 1), (HAND, None)]
    return [
        Example(
            Path(f"{number}.png"),
            {"part": part, "fractured": MISSING if answer is None else 2 * part + answer, "type": MISSING},
            "made up",
            f"patient {number}",
            "val",
            origin="elsewhere",
        )
        for number, (part, answer) in enumerate(answers)
    ]


def logits() -> dict[str, np.ndarray]:
    rng = np.random.default_rng(1)
    shapes = {"part": (3, 11), "fractured": (3, 11, 2), "type": (3, 11, 10)}
    drawn = {key: rng.normal(scale=4, size=shape).astype(np.float32) for key, shape in shapes.items()}
    # The network takes all three for hands.
    drawn["part"][:, HAND] = 20
    return drawn


def test_answers_come_back_from_their_file(tmp_path):
    home = asked(radiographs(), logits(), {})
    abroad = asked(radiographs()[:2], {key: values[:2] for key, values in logits().items()}, {})
    write_answers(tmp_path / "fold" / "answers.npz", FoldAnswers("MURA", home, abroad))
    back = read_answers(tmp_path / "fold" / "answers.npz", FRACTURE)
    assert back.fold == "MURA"
    for sent, got in ((home, back.home), (abroad, back.abroad)):
        assert all((got.targets[key] == targets).all() for key, targets in sent.targets.items())
        assert (got.groups == sent.groups).all() and (got.origins == sent.origins).all()
        for key, values in sent.logits.items():
            assert np.abs(calibrated(got.logits[key], 1.0) - calibrated(values, 1.0)).max() < 1e-3


def test_a_specialist_is_asked_as_in_serving_and_only_where_the_answer_is_known():
    found = asked(radiographs(), logits(), {}).of(FRACTURE, FRACTURED)
    assert found.truth.tolist() == [0, 1]
    assert found.groups.tolist() == ["patient 0", "patient 1"]
    assert np.allclose(found.logits, logits()["fractured"][:2, HAND])
    assert found.probabilities(2.0).sum(axis=1) == pytest.approx(1)


def test_labels_that_were_hardly_learned_are_not_asked_about():
    found = asked(radiographs(), logits(), {"part": [WRIST], "fractured": [2 * HAND]})
    assert found.of(FRACTURE, PART).truth.tolist() == [HAND, HAND]
    assert found.of(FRACTURE, FRACTURED).groups.tolist() == ["patient 1"]


@pytest.fixture
def cards(monkeypatch) -> None:
    """Brain has figures elsewhere, no other task has."""

    def read_card(task: models.Task) -> models.Card:
        return replace(make_card(task), elsewhere=ELSEWHERE if task.name == "brain" else None)

    monkeypatch.setattr(table, "read_card", read_card)


def test_the_tables_of_the_docs_tell_what_was_measured_and_what_was_not(cards, capsys):
    table.main()
    tasks, folds = (part.splitlines() for part in capsys.readouterr().out.split("\n\n"))
    measured = "512 | 0.72 [0.65, 0.78] | 0.31 [0.25, 0.37] | 0.03 [0.01, 0.04] | 71 | 0.01 [0.00, 0.04] |"
    assert f"| Brain MRI | {measured}" in tasks
    assert "| Chest X-ray | not measured yet | | | | | |" in tasks
    assert len(tasks) == 2 + len(models.all_tasks())
    assert f"| Brain MRI | Vienna | {measured}" in folds
    assert "| Chest X-ray | NIH | not measured yet | | | | | |" in folds
    assert {line.count("|") for line in tasks} == {8}


def test_a_fold_without_anybody_ill_has_an_empty_share_of_them(monkeypatch):
    healthy = MeasureSet(tuple(one for one in MEASURES_ELSEWHERE if one.metric is not models.Metric.CALLED_CLEAR))
    elsewhere = replace(ELSEWHERE, folds={"volunteers": healthy})
    monkeypatch.setattr(table, "read_card", lambda task: replace(make_card(task), elsewhere=elsewhere))
    assert any(line.endswith("| 0.03 [0.01, 0.04] | 0 | |") for line in table.fold_table())
