"""The yardstick: networks asked about sources that they never saw, and decisions that are fitted on such answers."""

import dataclasses
import re
from pathlib import Path

import numpy as np
import pytest

import models
from models import deployment
from models.architectures import TRUNKS
from models.card_file import load_card, write_card
from models.measures import Metric, find_measure
from models.training import metrics
from models.training.abroad.answers import HeadAsked, read_answers
from models.training.abroad.decisions import abroad_card, at_home, cross_fitted, home_card, keeps_promises
from models.training.abroad.measure import measure, tell
from models.training.calibrate import calibrate_head
from models.training.manifest import Example
from models.training.recipe import Fold
from tests.ml.labelled import needs_labelled_images
from tests.ml.networks import uses_keras

BRAIN = models.get_task("brain").head("tumour")
INJURY = models.get_task("injury")
FRACTURED = models.get_task("fracture").head("fractured")


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    monkeypatch.setattr(metrics, "RESAMPLES", 20)


def asked(head: models.Head, n: int, *, sharpness: float, seed: int = 0) -> HeadAsked:
    """Images of all labels in turn; the right one's logit is higher by `sharpness` in the mean."""
    rng = np.random.default_rng(seed)
    truth = np.arange(n) % len(head.labels)
    logits = rng.normal(size=(n, len(head.labels)))
    logits[np.arange(n), truth] += sharpness
    groups = np.arange(n).astype(str)
    return HeadAsked(head, logits, truth, groups, np.full(n, "elsewhere"))


@pytest.mark.parametrize("head", [BRAIN, FRACTURED], ids=lambda head: head.key)
@pytest.mark.parametrize("sharpness", [0.0, 1.5, 6.0])
def test_fitted_abroad_both_promises_are_kept_there(head, sharpness):
    images = asked(head, 800, sharpness=sharpness)
    told = tell(images, abroad_card(head, images))
    assert keeps_promises(told)
    measures = measure(told).measures
    assert find_measure(measures, Metric.ANSWERED_WRONGLY).value <= 0.05
    assert find_measure(measures, Metric.CALLED_CLEAR).value <= 0.03


def test_a_network_that_knows_nothing_abroad_answers_little_and_one_that_knows_all_most():
    def share_answered(sharpness: float) -> float:
        images = asked(BRAIN, 800, sharpness=sharpness)
        return find_measure(measure(tell(images, abroad_card(BRAIN, images))).measures, Metric.ANSWERED).value

    assert share_answered(0.0) < 0.1
    assert share_answered(8.0) > 0.95


def test_what_is_promised_at_home_does_not_hold_abroad():
    """The reason of it all: a network that is sharp at home and dull abroad, with thresholds of home."""
    home, abroad = asked(BRAIN, 400, sharpness=6.0), asked(BRAIN, 400, sharpness=1.0, seed=1)
    assert not keeps_promises(tell(abroad, home_card(BRAIN, home, miss_rate=0.1)))


def test_no_fold_is_decided_by_its_own_images():
    parts = [asked(BRAIN, 400, sharpness=2.0, seed=seed) for seed in range(3)]
    told = cross_fitted(parts)
    lucky = dataclasses.replace(parts[0], truth=parts[0].logits.argmax(axis=1))
    again = cross_fitted([lucky, *parts[1:]])
    assert (told[0].decided == again[0].decided).all(), "its own labels do not change what it is told"
    assert not (told[1].decided == again[1].decided).all(), "but what the others are"
    with pytest.raises(ValueError, match="One fold alone"):
        cross_fitted(parts[:1])


def test_what_was_fitted_abroad_decides_for_the_network_that_serves():
    """Its logits are twice as large as those of the short networks, so its temperature is twice as high."""
    home, abroad = asked(BRAIN, 400, sharpness=3.0), asked(BRAIN, 400, sharpness=1.0, seed=1)
    decision = abroad_card(BRAIN, at_home(abroad, home))
    serves, fit = calibrate_head(BRAIN, 2 * home.logits, home.truth, 0.1, decision)
    assert serves.thresholds == decision.thresholds
    assert serves.temperature > 1.3 * calibrate_head(BRAIN, 2 * home.logits, home.truth, 0.1)[0].temperature
    told = tell(dataclasses.replace(abroad, logits=2 * abroad.logits), serves)
    assert keeps_promises(told)
    assert fit.n == 400


def test_the_ill_are_those_who_must_not_be_missed():
    assert [BRAIN.labels[index].key for index in BRAIN.ill] == ["glioma", "meningioma", "pituitary"]
    skin = models.get_task("skin_lesion").head("lesion")
    assert [skin.labels[index].key for index in skin.ill] == ["akiec", "bcc", "mel"]
    assert [INJURY.labels[index].key for index in INJURY.head("injury").ill] == ["burn", "wound"]


def test_ranking_and_calling_are_of_ill_or_not():
    """Taking one tumour for another is a wrong answer, but no missed illness."""
    images = asked(BRAIN, 40, sharpness=0.0)
    logits = np.zeros((40, 4))
    logits[images.truth != 3, 0] = 9.0
    logits[images.truth == 3, 3] = 9.0
    told = tell(dataclasses.replace(images, logits=logits), home_card(BRAIN, asked(BRAIN, 400, sharpness=9.0), 0.1))
    values = {one.metric: one.value for one in measure(told).measures}
    assert values[Metric.ACCURACY] == 0.5
    assert values[Metric.ILL_AUC] == values[Metric.SENSITIVITY] == values[Metric.SPECIFICITY] == 1.0
    assert values[Metric.ANSWERED_WRONGLY] == 0.5
    assert values[Metric.CALLED_CLEAR] == 0.0


def test_shares_are_of_all_images_and_those_of_the_ill_of_the_ill():
    measures = measure(tell(images := asked(BRAIN, 40, sharpness=2.0), abroad_card(BRAIN, images))).measures
    counts = {one.metric: one.n for one in measures}
    assert counts[Metric.ANSWERED] == counts[Metric.ANSWERED_WRONGLY] == counts[Metric.ACCURACY] == 40
    assert counts[Metric.CALLED_CLEAR] == counts[Metric.SENSITIVITY] == 30
    assert counts[Metric.SPECIFICITY] == 10


@pytest.mark.parametrize(("head", "name"), [(BRAIN, Metric.MEAN_AUC), (FRACTURED, Metric.AUC)])
def test_the_area_under_the_curve_has_the_name_that_it_has_at_home(head, name):
    images = asked(head, 80, sharpness=2.0)
    measures = measure(tell(images, abroad_card(head, images))).measures
    assert {one.metric for one in measures} & {Metric.AUC, Metric.MEAN_AUC} == {name}


def test_without_anybody_ill_there_is_no_share_of_the_ill():
    images = asked(BRAIN, 40, sharpness=2.0)
    healthy = tell(images, home_card(BRAIN, asked(BRAIN, 400, sharpness=9.0), 0.1)).take(
        np.flatnonzero(images.truth == 3)
    )
    measures = measure(healthy).measures
    assert find_measure(measures, Metric.CALLED_CLEAR) is None
    assert find_measure(measures, Metric.ANSWERED).n == 10
    assert keeps_promises(dataclasses.replace(healthy, decided=healthy.truth))


@pytest.fixture
def workshop(tmp_path, monkeypatch, own_networks):
    """A made-up data set of two sources, networks of one layer, and folds that leave out one source each."""
    from models.training import store
    from models.training.recipes import RECIPES
    from tests.ml.drawn import one_layer, write_injuries

    write_injuries(tmp_path / "datasets" / "injury", {"train": 192, "val": 48, "test": 24})
    monkeypatch.setenv("LUMEN_DATASETS", str(tmp_path / "datasets"))
    monkeypatch.setattr(store, "RUNS", tmp_path / "runs")
    monkeypatch.setitem(TRUNKS, "mobilenet_v2", one_layer)
    folds = (Fold("soft", ("soft",)), Fold("sharp", ("sharp",)))
    recipe = dataclasses.replace(RECIPES[INJURY.name], abroad_side=32, folds=folds)
    monkeypatch.setitem(RECIPES, INJURY.name, recipe)
    return recipe


def with_keras(test):
    for mark in uses_keras:
        test = mark(test)
    return test


@with_keras
def test_a_fold_is_asked_about_all_but_its_test_images_and_of_what_it_learned(workshop):
    from models.training.abroad.networks import leave_out

    parts = leave_out(INJURY, workshop.folds, workshop.folds[0])
    assert {one.origin for one in (*parts.learned, *parts.home)} == {"sharp"}
    assert {one.origin for one in parts.abroad} == {"soft"}
    assert {one.split for one in parts.abroad} == {"train", "val"}
    assert ({one.split for one in parts.learned}, {one.split for one in parts.home}) == ({"train"}, {"val"})


@needs_labelled_images
def test_a_stricter_split_keeps_neighbouring_slices_apart():
    """Of the real data: no slice that is asked about has one from its own block among those learned."""
    from models.training.abroad.networks import keep_apart

    parts = keep_apart(models.get_task("brain"))
    assert {one.block for one in parts.learned} == {"", "train"}
    assert {one.block for one in parts.abroad} == {"", "test"}
    assert all(one.split != "test" for one in (*parts.learned, *parts.home, *parts.abroad))
    assert keep_apart(INJURY) is None


@with_keras
def test_the_groups_of_an_origin_that_two_folds_leave_out_are_dealt_among_them(workshop):
    from models.training.abroad.networks import leave_out

    twice = (Fold("one", ("soft",)), Fold("other", ("soft",)))
    asked_about = [{one.group for one in leave_out(INJURY, twice, fold).abroad} for fold in twice]
    assert not asked_about[0] & asked_about[1]
    assert len(asked_about[0] | asked_about[1]) == 80


@with_keras
def test_a_group_that_was_met_in_another_source_is_not_asked_about(workshop, monkeypatch):
    from models.training.abroad import networks

    def image(number: int, group: str, origin: str, split: str = "train") -> Example:
        return Example(Path(f"{number}.png"), {}, "made up", group, split, origin=origin)

    examples = [image(0, "met", "sharp"), image(1, "met", "soft"), image(2, "new", "soft", "val")]
    monkeypatch.setattr(networks, "load_examples", lambda task, splits: examples)
    parts = networks.leave_out(INJURY, workshop.folds, workshop.folds[0])
    assert (parts.learned, parts.home, parts.abroad) == (examples[:1], [], examples[2:])
    with pytest.raises(SystemExit, match="No image of Injury is of nowhere, the fold 'none'"):
        networks.leave_out(INJURY, (none := Fold("none", ("nowhere",)),), none)


@with_keras
def test_what_was_measured_and_fitted_goes_into_the_card_that_serves(workshop, tmp_path, monkeypatch):
    from models.training import store
    from models.training.abroad import command

    before = models.get_card(INJURY)
    monkeypatch.setattr(deployment, "WEIGHTS", tmp_path)
    path = deployment.current_deployment().network_of(INJURY).card_path
    path.parent.mkdir(parents=True)
    write_card(path, before)
    command.main([INJURY.name, "--with", "epochs=1", "--name", "trial", "--write"])
    found = load_card(path).elsewhere
    assert dataclasses.replace(load_card(path), elsewhere=before.elsewhere) == before
    assert (found.network, found.side, found.epochs, found.apart) == ("mobilenet_v2", 32, 1, None)
    assert set(found.decision.thresholds) == {label.key for label in INJURY.labels}
    counts = {name: find_measure(measures.measures, Metric.ACCURACY).n for name, measures in found.folds.items()}
    # Normal skin is all sharp: without that source no network learned it, and none is asked about it.
    assert counts == {"soft": 80, "sharp": 80}
    assert find_measure(found.overall.measures, Metric.ACCURACY).n == 160
    told = read_answers(store.RUNS / "abroad" / INJURY.name / "trial" / "sharp" / "answers.npz", INJURY).abroad
    assert set(told.of(INJURY, INJURY.head("injury")).truth) == {0, 1}
    assert set(told.origins) == {"sharp"}


@with_keras
def test_a_change_of_what_no_recipe_has_is_refused(workshop, capsys):
    from models.training.abroad import command

    with pytest.raises(SystemExit):
        command.main([INJURY.name, "--with", "depth=3"])
    assert "a recipe has no 'depth'" in capsys.readouterr().err


@with_keras
def test_a_short_recipe_takes_over_all_that_is_not_changed(workshop):
    from models.training.abroad.command import short_recipe

    short = short_recipe(workshop, {"side": 48, "augmentation.mix": 0.5, "label_smoothing": 0.0})
    assert (short.spec.width, short.spec.height, short.spec.fit) == (48, 48, workshop.spec.fit)
    assert (short.epochs, short.label_smoothing, short.augmentation.mix) == (5, 0.0, 0.5)
    assert (short.learning_rate, short.folds) == (workshop.learning_rate, workshop.folds)
    assert dataclasses.replace(short.augmentation, mix=workshop.augmentation.mix) == workshop.augmentation


def numbers(printed: str) -> list[float]:
    return [float(number) for number in re.findall(r"\d\.\d+", printed)]


def measured(capsys) -> str:
    """What was printed after Keras's lines."""
    return capsys.readouterr().out.partition("== ")[2]


@with_keras
def test_the_command_trains_once_for_each_fold_and_tells_what_came_of_it(workshop, monkeypatch, capsys):
    from models.training.abroad import command, networks

    arguments = [INJURY.name, "--with", "epochs=1", "--with", "augmentation=BRAIN", "--with", "augmentation.mix=0.5"]
    command.main(arguments)
    out = measured(capsys)
    assert all(words in out for words in ("left out: soft", "left out: sharp", "at home", "calibrated abroad"))

    def train(*_):
        raise AssertionError("a finished network was trained again")

    monkeypatch.setattr(networks, "train_short", train)
    command.main(arguments)
    assert measured(capsys) == out
    with pytest.raises(AssertionError):
        command.main([*arguments, "--with", "label_smoothing=0.0"])


@with_keras
def test_a_blend_of_one_run_says_what_the_run_said(workshop, capsys):
    from models.training.abroad import blends, command

    command.main([INJURY.name, "--name", "one", "--with", "epochs=1"])
    alone = numbers(measured(capsys))
    for options in ([], ["--soup"]):
        blends.main([INJURY.name, "one", *options])
        # Answers are kept as float16.
        assert numbers(measured(capsys)) == pytest.approx(alone, abs=0.01)


@with_keras
def test_blends_of_two_runs_are_of_both(workshop, capsys):
    from models.training.abroad import blends, command

    runs = {}
    for name, smoothing in (("one", 0.05), ("other", 0.5)):
        command.main([INJURY.name, "--name", name, "--with", "epochs=1", "--with", f"label_smoothing={smoothing}"])
        runs[name] = measured(capsys)
    names = list(runs)
    for options in ([], ["--soup"], ["--soup", "--to-start", "0.5"]):
        blends.main([INJURY.name, *names, *options])
        runs[tuple(options)] = measured(capsys)
    assert len(set(runs.values())) == 5
    blends.main([INJURY.name, *reversed(names)])
    assert measured(capsys) == runs[()], "in any order"


def test_runs_of_other_images_are_not_blended():
    from models.training.abroad.answers import Asked, FoldAnswers
    from models.training.abroad.blends import mean_answers

    def answers(group: str) -> FoldAnswers:
        heads, groups = INJURY.heads, np.array([group] * 6)
        some = Asked(
            {head.key: np.eye(6, len(head.labels)) for head in heads},
            {head.key: np.arange(6) % len(head.labels) for head in heads}, groups, groups,
        )  # fmt: skip
        return FoldAnswers("soft", some, some)

    with pytest.raises(SystemExit, match="other images"):
        mean_answers(INJURY, [answers("a"), answers("b")])


@with_keras
def test_another_network_under_the_same_name_is_trained_anew(workshop, monkeypatch, capsys):
    from models.training.abroad import command, networks
    from tests.ml.drawn import one_layer

    monkeypatch.setitem(TRUNKS, "cnn", one_layer)
    trained = []
    train = networks.train_short
    monkeypatch.setattr(networks, "train_short", lambda *rest: trained.append(rest[1]) or train(*rest))
    for network in ("mobilenet_v2", "cnn", "cnn"):
        command.main([INJURY.name, "--with", "epochs=1", "--network", network])
    assert trained == ["mobilenet_v2"] * 2 + ["cnn"] * 2
