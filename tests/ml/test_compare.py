"""Two networks on the same images: what differs, whether it is more than chance, and the verdict."""

import json
from pathlib import Path

import numpy as np
import pytest

from models.measures import Metric
from models.training import compare, metrics
from models.training.compare import compare_heads, mcnemar
from models.training.predictions import HeadPredictions, UnfitPredictions
from models.training.recipes import training_task

IMAGES = 300


@pytest.fixture(autouse=True)
def few_resamples(monkeypatch):
    monkeypatch.setattr(metrics, "RESAMPLES", 100)


def bools(*counts: int) -> tuple[np.ndarray, np.ndarray]:
    """Right of the old and of the new: both, only the old, only the new, neither."""
    old, new = [1, 1, 0, 0], [1, 0, 1, 0]
    return np.repeat(old, counts).astype(bool), np.repeat(new, counts).astype(bool)


@pytest.mark.parametrize(
    ("counts", "expected"),
    [
        ((50, 0, 0, 9), (0, 0, 1.0)),
        ((50, 3, 3, 0), (3, 3, 1.0)),
        ((50, 0, 5, 0), (0, 5, 2 / 2**5)),
        ((50, 6, 1, 0), (6, 1, 2 * (1 + 7) / 2**7)),
    ],
)
def test_mcnemar_by_hand(counts, expected):
    assert mcnemar(*bools(*counts)) == pytest.approx(expected)


def answers(right: float, seed: int) -> HeadPredictions:
    """A network of four labels that is right for this share of the same images, and errs on its own ones."""
    truth = np.arange(IMAGES) % 4
    rng = np.random.default_rng(seed)
    guesses = np.where(rng.permutation(IMAGES) < right * IMAGES, truth, (truth + 1) % 4)
    probabilities = 0.7 * (guesses[:, None] == np.arange(4)) + rng.dirichlet(np.ones(4), IMAGES) * 0.3
    return HeadPredictions(
        labels=("glioma", "meningioma", "pituitary", "no_tumor"),
        paths=tuple(f"{number}.png" for number in range(IMAGES)),
        groups=np.array([f"g{number // 2}" for number in range(IMAGES)]),
        truth=truth,
        probabilities=probabilities,
    )


def test_a_better_network_may_replace_and_a_worse_may_not():
    good, bad = answers(0.95, 1), answers(0.7, 2)
    better, worse = compare_heads(bad, good), compare_heads(good, bad)
    assert better.may_replace(Metric.ACCURACY)
    assert not worse.may_replace(Metric.ACCURACY)
    assert better.p_value == pytest.approx(worse.p_value)
    assert better.p_value < 0.001
    gain = better.differences[Metric.ACCURACY]
    assert gain.value == pytest.approx(better.new[Metric.ACCURACY] - better.old[Metric.ACCURACY]) == pytest.approx(0.25)
    assert gain.low > 0
    assert "may replace" in compare.verdict(better, Metric.ACCURACY)
    assert "a loss." in compare.verdict(worse, Metric.ACCURACY)


def test_the_same_network_may_replace_itself():
    found = compare_heads(answers(0.9, 1), answers(0.9, 1))
    assert found.may_replace(Metric.BALANCED_ACCURACY)
    assert (found.only_old, found.only_new, found.p_value) == (0, 0, 1)


def test_a_gain_that_may_be_a_loss_is_not_enough():
    """One answer better of 300, but they err on wholly other images."""
    found = compare_heads(answers(0.7, 1), answers(211 / 300, 2))
    assert found.differences[Metric.BALANCED_ACCURACY].value >= 0
    assert not found.may_replace(Metric.BALANCED_ACCURACY)
    assert "not excluded" in compare.verdict(found, Metric.BALANCED_ACCURACY)


@pytest.mark.parametrize(
    ("task", "measure"),
    [("injury", Metric.ACCURACY), ("skin_lesion", Metric.BALANCED_ACCURACY), ("modality", Metric.BALANCED_ACCURACY)],
)
def test_the_first_target_of_the_task_decides(task, measure):
    assert compare.judged_by(training_task(task)) == measure


def test_differences_are_paired():
    """Both err on nearly the same images: the difference is surer than either value."""
    old = answers(0.8, 1)
    new = HeadPredictions(old.labels, old.paths, old.groups, old.truth, old.probabilities.copy())
    wrong = np.flatnonzero(~metrics.is_right(old.probabilities, old.truth))[:6]
    new.probabilities[wrong] = np.eye(4)[old.truth[wrong]]
    gain = compare_heads(old, new).differences[Metric.ACCURACY]
    assert gain.value == pytest.approx(0.02)
    assert gain.low > 0
    assert gain.high < 0.04


def write(path: Path, found: HeadPredictions, **facts) -> str:
    images = [
        {"path": name, "group": str(group), "truth": int(truth), "probabilities": row.tolist()}
        for name, group, truth, row in zip(found.paths, found.groups, found.truth, found.probabilities, strict=True)
    ]
    common = {"task": "brain", "version": "1.0.0", "sha256": "ab" * 32, "split": "val"}
    head = {"labels": list(found.labels), "images": images}
    path.write_text(json.dumps(common | {"heads": {"tumour": head}} | facts), encoding="utf-8")
    return str(path)


def test_the_command_prints_both_and_exits_with_the_verdict(tmp_path, capsys):
    old, new = write(tmp_path / "old.json", answers(0.8, 1)), write(tmp_path / "new.json", answers(0.9, 2))
    assert compare.main([old, new]) == 0
    printed = capsys.readouterr().out
    assert "0.800 -> 0.900" in printed
    assert "The new network may replace the old" in printed
    assert compare.main([new, old]) == 1


def other_images(found: HeadPredictions) -> HeadPredictions:
    return HeadPredictions(found.labels, found.paths[::-1], found.groups, found.truth, found.probabilities)


def test_files_that_cannot_be_compared(tmp_path, capsys):
    good = write(tmp_path / "good.json", answers(0.8, 1))
    others = {
        "the same images": write(tmp_path / "images.json", other_images(answers(0.8, 1))),
        "brain, test": write(tmp_path / "split.json", answers(0.8, 1), split="test"),
        "primary head": write(tmp_path / "heads.json", answers(0.8, 1), heads={}),
        "holds no predictions": str(tmp_path / "none.json"),
    }
    for words, other in others.items():
        assert compare.main([good, other]) == 2
        assert words in capsys.readouterr().err


def test_other_labels_are_another_question():
    old = answers(0.8, 1)
    with pytest.raises(UnfitPredictions, match="labels"):
        compare_heads(old, HeadPredictions(old.labels[::-1], old.paths, old.groups, old.truth, old.probabilities))
