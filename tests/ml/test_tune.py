"""The search for hyper-parameters, on a made-up data set: what it tries, keeps and goes on with."""

import dataclasses
import json
from pathlib import Path

import pytest

import models
from models import deployment
from models.imaging import InputSpec
from models.training.augment import PHOTO
from models.training.recipes import RECIPES
from tests.ml.drawn import one_layer, write_injuries
from tests.ml.networks import uses_keras

pytestmark = uses_keras

INJURY = models.get_task("injury")


@pytest.fixture
def workshop(tmp_path, monkeypatch) -> Path:
    from models.architectures import TRUNKS
    from models.training import store

    write_injuries(tmp_path / "datasets" / "injury", {"train": 24, "val": 12})
    monkeypatch.setenv("LUMEN_DATASETS", str(tmp_path / "datasets"))
    monkeypatch.setattr(deployment, "WEIGHTS", tmp_path / "weights")
    monkeypatch.setattr(store, "RUNS", tmp_path / "runs")
    monkeypatch.setitem(TRUNKS, "mobilenet_v2", one_layer)
    monkeypatch.setitem(RECIPES, INJURY.name, dataclasses.replace(RECIPES[INJURY.name], batch_size=12))
    return tmp_path


def search(workshop: Path, trials: int) -> dict:
    from models.training import tune

    tune.main([INJURY.name, "--trials", str(trials), "--epochs", "2", "--size", "32"])
    path = workshop / "weights" / INJURY.name / "mobilenet_v2" / "tuning.json"
    return json.loads(path.read_text(encoding="utf-8"))


def test_a_search_goes_on_and_keeps_what_it_tried(workshop, capsys):
    from models.training import tune

    first = search(workshop, 1)
    assert first["study"] | {"score": ""} == {
        "network": "mobilenet_v2", "size": 32, "epochs": 2, "seed": tune.SEED, "validation_images": 12, "score": ""
    }  # fmt: skip
    assert first["trials"][0]["parameters"] == tune.parameters_of(RECIPES[INJURY.name]), "the recipe itself comes first"
    assert set(first["space"]) == set(first["trials"][0]["parameters"])

    second = search(workshop, 3)
    assert sorted(trial["number"] for trial in second["trials"]) == [0, 1, 2]
    assert first["trials"][0] in second["trials"]
    assert len({trial["parameters"]["learning_rate"] for trial in second["trials"]}) == 3
    scores = [trial["score"] for trial in second["trials"] if trial["state"] == "complete"]
    assert scores == sorted(scores, reverse=True)
    assert capsys.readouterr().out.splitlines()[-1].startswith("Recipe(spec=InputSpec(height=")
    assert search(workshop, 3) == second, "nothing is left to try"


def test_a_trial_that_falls_behind_is_stopped_and_kept_as_such(workshop, monkeypatch):
    from models.training import tune
    from models.training.fit import score as scoring

    monkeypatch.setattr(tune, "UNPRUNED_TRIALS", 1)
    monkeypatch.setattr(tune, "UNPRUNED_EPOCHS", 0)
    scores = iter((0.9, 0.9, 0.1))
    monkeypatch.setattr(scoring, "score", lambda logits, targets: score)
    whole = scoring.ValidationScore.on_epoch_end

    def scored(self, epoch, logs=None):
        nonlocal score
        score = next(scores)
        whole(self, epoch, logs)

    score = 0.0
    monkeypatch.setattr(scoring.ValidationScore, "on_epoch_end", scored)
    trials = search(workshop, 2)["trials"]
    assert [(trial["state"], trial["epochs"], trial["score"]) for trial in trials] == [
        ("complete", 2, 0.9), ("pruned", 1, 0.1)
    ]  # fmt: skip


def test_a_killed_trial_is_not_counted(workshop):
    from models.training import tune

    recipe = dataclasses.replace(RECIPES[INJURY.name], spec=InputSpec(32, 32, "stretch"), epochs=2)
    tune.open_study(INJURY, "mobilenet_v2", recipe).ask()
    study = tune.open_study(INJURY, "mobilenet_v2", recipe)
    assert [trial.state.name for trial in study.trials] == ["FAIL", "WAITING"]
    assert tune.tried(study) == []


def test_every_recipe_lies_in_the_space():
    from models.training import tune

    for name, recipe in RECIPES.items():
        for parameter, found in tune.parameters_of(recipe).items():
            own = tune.SPACE[parameter]
            assert own.low <= found <= own.high, (name, parameter)


def test_parameters_make_a_recipe_and_the_factor_its_augmentation():
    from models.training import tune

    recipe = RECIPES[INJURY.name]
    assert tune.recipe_with(recipe, tune.parameters_of(recipe)) == recipe
    assert tune.recipe_with(recipe, tune.parameters_of(recipe) | {"dropout": 0.1}).dropout == 0.1


@pytest.mark.parametrize("factor", [0.5, 1.0, 3.0])
def test_augmentation_is_scaled_as_far_as_it_can_be(factor):
    from models.training import tune

    found = tune.scaled(dataclasses.replace(PHOTO, rotate=90), factor)
    assert found.rotate == min(90 * factor, 180)
    assert found.soften == min(PHOTO.soften * factor, 1)
    assert found.zoom == pytest.approx([end**factor for end in PHOTO.zoom], abs=1e-4)
    assert (found.mirror, found.flip) == (PHOTO.mirror, PHOTO.flip)
