"""Training: the loss, the weights of labels, calibration, and one tiny network from its images to its card."""

import csv
import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest

import models
from models import card, deployment, runtime
from models.calibration import calibrated
from models.card import DistanceCard, Metrics
from models.card_file import write_card
from models.imaging import InputSpec, prepare
from models.modality import MODALITY_TASK
from models.records import to_json
from models.runtime import run_views
from models.task import OperatingPoint
from models.training.augment import BRAIN
from models.training.manifest import MISSING, Example
from tests.fakes import make_card
from tests.ml.drawn import COLOURS, one_layer, write_injuries
from tests.ml.files import noise
from tests.ml.networks import network_folder, uses_keras

pytestmark = uses_keras

FRACTURE, INJURY = models.get_task("fracture"), models.get_task("injury")


def example(**targets: int) -> Example:
    every = dict.fromkeys(("part", "fractured", "type"), MISSING)
    return Example(Path("none"), every | targets, "made up", "g", "train")


def test_rare_labels_weigh_more_with_mean_one():
    from models.training.fit.losses import class_weights

    examples = [example(type=0)] * 90 + [example(type=1)] * 10 + [example()] * 50
    head = FRACTURE.head("type")
    assert class_weights(head, examples, 0.0).tolist() == [1.0] * 10
    full = class_weights(head, examples, 1.0)
    assert full[1] / full[0] == pytest.approx(9)
    half = class_weights(head, examples, 0.5)
    assert half[1] / half[0] == pytest.approx(3)
    counts = np.array([90, 10] + [1] * 8)
    assert (half * counts).sum() / counts.sum() == pytest.approx(1)


def test_specialists_share_the_weights_of_their_labels():
    from models.training.fit.losses import class_weights

    normal_wrist, broken_elbow = 10 * 2 + 1, 1 * 2
    examples = [example(part=10, fractured=normal_wrist)] * 30 + [example(part=1, fractured=broken_elbow)] * 10
    weights = class_weights(FRACTURE.head("fractured"), examples, 1.0)
    assert weights == pytest.approx([2.0, 2 / 3])


def cost(logits, targets, weights=(1.0, 1.0), smoothing=0.0) -> np.ndarray:
    from models.training.fit.losses import masked_cross_entropy

    loss = masked_cross_entropy(np.array(weights, np.float32), smoothing)
    return np.asarray(loss(np.array(targets, np.int32)[:, None], np.array(logits, np.float32)))


def test_the_loss_is_cross_entropy():
    assert cost([[0.0, 0.0]], [1]) == pytest.approx([np.log(2)])
    assert cost([[3.0, 0.0]], [0]) == pytest.approx([np.log1p(np.exp(-3))])
    assert cost([[0.0, 0.0]], [1], weights=(1.0, 2.5)) == pytest.approx([2.5 * np.log(2)])
    smoothed = 0.95 * np.log1p(np.exp(-3)) + 0.05 * (3 + np.log1p(np.exp(-3)))
    assert cost([[3.0, 0.0]], [0], smoothing=0.1) == pytest.approx([smoothed])


def test_unknown_targets_cost_nothing_and_do_not_thin_the_mean():
    known = cost([[3.0, 0.0], [0.0, 1.0]], [0, 0])
    mixed = cost([[3.0, 0.0], [9.0, -9.0], [0.0, 1.0], [5.0, 0.0]], [0, MISSING, 0, MISSING])
    assert mixed[[1, 3]].tolist() == [0, 0]
    assert mixed.mean() == pytest.approx(known.mean())
    assert cost([[3.0, 0.0]], [MISSING]).tolist() == [0]


def test_only_the_specialist_of_the_known_part_learns():
    import tensorflow as tf

    from models.training.fit.losses import masked_cross_entropy

    logits = tf.constant(np.random.default_rng(0).normal(size=(3, 4, 2)).astype(np.float32))
    targets = np.array([[2 * 2 + 1], [MISSING], [0 * 2 + 0]], np.int32)
    with tf.GradientTape() as tape:
        tape.watch(logits)
        loss = tf.reduce_sum(masked_cross_entropy(np.ones(2, np.float32), 0.05)(targets, logits))
    moved = np.abs(np.asarray(tape.gradient(loss, logits))).sum(axis=-1) > 0
    expected = np.zeros((3, 4), bool)
    expected[0, 2] = expected[2, 0] = True
    assert (moved == expected).all()


def test_the_score_asks_the_true_specialist():
    from models.training.fit.score import score

    targets = np.array([0, 1, 2, 3, MISSING])  # part 0: labels 0 and 1, part 1: labels 0 and 1
    logits = np.zeros((5, 2, 2))
    for row, target in enumerate(targets[:4]):
        logits[row, target // 2, target % 2] = 5
        logits[row, 1 - target // 2, 1 - target % 2] = 9  # the other specialist is wrong, and sure of it
    assert score(logits, targets) == 1.0
    assert score(-logits, targets) == 0.0


def test_the_temperature_of_too_sure_logits_is_found():
    from models.training.calibrate import fit_temperature

    rng = np.random.default_rng(0)
    honest = rng.normal(0, 2, (4000, 3))
    exponents = np.exp(honest)
    labels = np.array([rng.choice(3, p=row / row.sum()) for row in exponents])
    assert fit_temperature(honest * 3, labels) == pytest.approx(3, rel=0.1)
    assert fit_temperature(honest, labels) == pytest.approx(1, rel=0.1)


def test_calibration_asks_the_specialist_that_answers_users():
    """The one for the part that was found, be it right or wrong."""
    from models.training.calibrate import head_answers

    logits = {
        "part": np.eye(11)[[3, 5, 5]],
        "fractured": np.arange(66.0).reshape(3, 11, 2),
        "type": np.zeros((3, 10)),
    }
    examples = [example(part=3, fractured=3 * 2 + 1), example(part=4, fractured=4 * 2), example()]
    own, truth = head_answers(FRACTURE, FRACTURE.head("fractured"), logits, examples)
    assert own.tolist() == [logits["fractured"][0, 3].tolist(), logits["fractured"][1, 5].tolist()]
    assert truth.tolist() == [1, 0]


def test_a_head_without_labelled_images_cannot_be_calibrated():
    from models.training.calibrate import head_answers

    with pytest.raises(SystemExit, match="Fracture type cannot be calibrated"):
        head_answers(FRACTURE, FRACTURE.head("type"), {"type": np.zeros((1, 10))}, [example(part=1)])


def test_a_head_is_calibrated_for_the_better_and_its_entry_is_complete():
    from models.training.calibrate import calibrate_head

    head = INJURY.head("injury")
    rng = np.random.default_rng(0)
    truth = rng.integers(0, 3, 600)
    too_sure = 3 * (rng.normal(0, 1, (600, 3)) + np.eye(3)[truth])
    serves, fit = calibrate_head(head, too_sure, truth, 0.1)
    assert serves.temperature == pytest.approx(3, rel=0.15)
    assert (fit.n, fit.miss_rate) == (600, 0.1)
    for name in ("ece", "brier", "nll"):
        assert getattr(fit.after, name) < getattr(fit.before, name)
    assert set(serves.operating_points) == set(OperatingPoint)
    for thresholds in (serves.thresholds, *serves.operating_points.values()):
        assert tuple(thresholds) == fit.labels == tuple(label.key for label in head.labels)
    own = calibrated(too_sure, serves.temperature)[np.arange(600), truth]
    for index, threshold in enumerate(serves.thresholds.values()):
        n = (truth == index).sum()
        # The finite-sample rank of conformal prediction: rounding must not lose the image that sets the threshold.
        assert (own[truth == index] < threshold).sum() == int(0.1 * (n + 1)) - 1


@pytest.fixture
def workshop(tmp_path, monkeypatch, own_networks) -> Path:
    """A folder with a made-up data set of three colours; recipe, runs and weights of its own."""
    from models.architectures import TRUNKS
    from models.training import store
    from models.training.recipes import RECIPES

    write_injuries(tmp_path / "datasets" / "injury", {"train": 24, "val": 24, "test": 12})
    weights = tmp_path / "models" / "weights"
    weights.mkdir(parents=True)
    (weights / MODALITY_TASK.name).symlink_to(deployment.WEIGHTS / MODALITY_TASK.name)
    monkeypatch.setattr(deployment, "WEIGHTS", weights)
    monkeypatch.setattr(store, "RUNS", tmp_path / "runs")
    monkeypatch.setitem(TRUNKS, "mobilenet_v2", one_layer)
    monkeypatch.setenv("LUMEN_DATASETS", str(tmp_path / "datasets"))
    tiny = dataclasses.replace(
        RECIPES[INJURY.name], spec=InputSpec(32, 32, "stretch"), augmentation=BRAIN, batch_size=12, patience=9
    )
    monkeypatch.setitem(RECIPES, INJURY.name, tiny)
    return tmp_path


class Interrupted(Exception):
    """What stands for Ctrl-C, which would end pytest too."""


def epochs_done(workshop: Path) -> list[int]:
    path = workshop / "runs" / INJURY.name / INJURY.default_network / "epochs.csv"
    with path.open(encoding="utf-8") as file:
        return [int(row["epoch"]) for row in csv.DictReader(file)]


# Keras closes its table of epochs at the end of training, which an interruption does not reach.
@pytest.mark.filterwarnings("ignore:unclosed file .*epochs.csv:ResourceWarning")
def test_a_network_from_images_to_its_measured_card(workshop, monkeypatch, capsys):
    """Interrupted in its second epoch, taken up again, compiled, measured, and asked as a user would."""
    from models.training import compile as compiling
    from models.training import evaluate, metrics
    from models.training.fit.command import main as fit
    from models.training.fit.score import ValidationScore

    with monkeypatch.context() as broken:
        whole = ValidationScore.on_epoch_end

        def interrupt(self, epoch, logs=None):
            if epoch == 1:
                raise Interrupted
            whole(self, epoch, logs)

        broken.setattr(ValidationScore, "on_epoch_end", interrupt)
        with pytest.raises(Interrupted):
            fit([INJURY.name, "--epochs", "2", "--seed", "3"])
    assert epochs_done(workshop) == [0]
    fit([INJURY.name, "--epochs", "2", "--seed", "3", "--version", "0.0.1"])
    assert epochs_done(workshop) == [0, 1]

    folder = workshop / "models" / "weights" / INJURY.name / INJURY.default_network
    written = models.get_card(INJURY)
    assert written.sha256 == runtime.file_sha256(folder / "model.keras")
    assert (written.version, written.spec) == ("0.0.1", InputSpec(32, 32, "stretch"))
    assert sum(written.training_images.values()) == 24
    fits = written.calibration.fits
    assert {key: fit.n for key, fit in fits.items()} == {"injury": 24, "burn_degree": 8, "wound_kind": 8}
    assert written.metrics is None

    compiling.main([INJURY.name])
    assert "Compiling injury" in capsys.readouterr().out
    compiling.main([INJURY.name])
    assert "Compiling" not in capsys.readouterr().out, "an up-to-date graph was compiled again"

    monkeypatch.setattr(metrics, "RESAMPLES", 20)
    evaluate.main([INJURY.name, "--json", str(workshop / "out.json")])
    assert "Accuracy" in capsys.readouterr().out
    found = models.get_card(INJURY)
    assert found.measures("injury")[0].n == 12
    assert set(found.label_measures("injury")) == set(COLOURS)
    assert json.loads((workshop / "out.json").read_text(encoding="utf-8")) == to_json(found.metrics)
    golden = json.loads((folder / "golden.json").read_text(encoding="utf-8"))
    assert sum(golden["probabilities"]["injury"]) == pytest.approx(1, abs=1e-4)
    assert runtime.get_network(INJURY).card.version == "0.0.1"


def test_a_network_of_another_name_is_registered_beside_the_others(workshop, capsys):
    from models.training.fit.command import main as fit
    from models.training.store import load_network

    options = ["--exclude-dataset", "soft", "--epochs", "1", "--side", "64", "--learning-rate", "0.002"]
    options += ["--hidden", "12", "7", "--precision", "mixed_bfloat16"]
    fit([INJURY.name, "--network", "mobilenet_v2_sharp", *options])
    assert "Next: with LUMEN_NETWORKS=injury=mobilenet_v2_sharp in the environment" in capsys.readouterr().out
    assert models.registered_networks(INJURY) == ("mobilenet_v2_sharp",)
    found = models.get_card(INJURY, models.NetworkId(INJURY.name, "mobilenet_v2_sharp"))
    training = found.training
    assert (found.network, training.excluded, found.trained_on) == ("mobilenet_v2_sharp", ("soft",), ("sharp",))
    assert (found.spec, training.learning_rate) == (InputSpec(64, 64, "stretch"), 0.002)
    assert (training.hidden, training.precision) == ((12, 7), "mixed_bfloat16")
    assert (workshop / "runs" / INJURY.name / "mobilenet_v2_sharp" / "epochs.csv").exists()
    kept = load_network(deployment.WEIGHTS / INJURY.name / "mobilenet_v2_sharp" / "model.keras")
    assert {layer.compute_dtype for layer in kept.layers} == {"float32"}


def test_a_network_that_replaces_its_start_says_which_that_was(workshop):
    from models.training.fit.command import main as fit

    options = [INJURY.name, "--epochs", "1", "--side", "64"]
    fit(options)
    first = models.get_card(INJURY).sha256
    fit([*options, "--start", str(network_folder(INJURY) / "model.keras")])
    assert models.get_card(INJURY).sha256 != first
    training = models.get_card(INJURY).training
    assert (training.start, training.start_sha256) == (models.Start.NETWORK, first[:12])


def test_a_data_set_that_is_to_be_left_out_exists_and_the_start_has_not_seen_it(workshop):
    """Else the card would promise what the network does not keep."""
    from models.training.fit.command import main as fit

    with pytest.raises(SystemExit, match=r"no data set 'Soft'. Its data sets: sharp, soft\."):
        fit([INJURY.name, "--exclude-dataset", "Soft"])
    start = workshop / "start" / "model.keras"
    start.parent.mkdir()
    words = f"{start} may have learned from 'soft'"
    refused = [INJURY.name, "--exclude-dataset", "soft", "--start", str(start), "--epochs", "1"]
    with pytest.raises(SystemExit, match=words):
        fit(refused)
    other = make_card(INJURY)
    training = dataclasses.replace(other.training, excluded=("sharp",))
    write_card(start.with_name("card.json"), dataclasses.replace(other, training=training))
    with pytest.raises(SystemExit, match=words):
        fit(refused)


def test_the_name_of_a_network_begins_with_its_trunk(capsys):
    from models.training.fit.command import main as fit

    with pytest.raises(SystemExit):
        fit([INJURY.name, "--network", "vgg16"])
    assert "'vgg16' does not begin with the name of a trunk" in capsys.readouterr().err


@pytest.fixture
def untrained(workshop) -> Path:
    """The folder of a network of INJURY as it is before training, with its card and compiled graph."""
    import keras

    from models.training import calibrate, store
    from models.training import compile as compiling
    from models.training.fit.network import start_network
    from models.training.recipes import RECIPES

    keras.utils.set_random_seed(1)
    recipe, network_id = RECIPES[INJURY.name], models.NetworkId(INJURY.name, INJURY.default_network)
    network = start_network(INJURY, network_id.name, recipe, weights=None)
    calibrate.write_first_card(
        INJURY, network_id, recipe.spec,
        sha256=store.save_network(network, network_id.folder / "model.keras"), version="0.0.1",
        training=models.Training(epochs=0, seed=1, start=models.Start.RANDOM, data=()),
    )  # fmt: skip
    compiling.main([INJURY.name])
    return network_id.folder


def test_a_card_keeps_what_was_measured_only_with_the_same_calibration(untrained, capsys):
    from models.training import calibrate

    path, written = untrained / "card.json", models.get_card(INJURY)
    distance = DistanceCard("made up", 1.0, "0" * 64)
    metrics = Metrics(split="test", sha256=written.sha256, n=12, heads={})
    measured = dataclasses.replace(written, distance=distance, metrics=metrics)
    write_card(path, measured)
    calibrate.main([INJURY.name])
    assert models.get_card(INJURY) == measured

    heads = measured.calibration.heads
    other = dataclasses.replace(heads["injury"], temperature=heads["injury"].temperature + 1)
    calibration = dataclasses.replace(measured.calibration, heads=heads | {"injury": other})
    write_card(path, dataclasses.replace(measured, calibration=calibration))
    calibrate.main([INJURY.name])
    assert models.get_card(INJURY) == dataclasses.replace(written, distance=distance)
    assert "another calibration: metrics." in capsys.readouterr().out

    calibrate.main([INJURY.name, "--views", "original", "mirror"])
    found = models.get_card(INJURY)
    assert found.tta_views == ("original", "mirror")
    assert found.distance is None, "it was set for features of one view"
    assert dataclasses.replace(found, tta_views=written.tta_views, calibration=written.calibration) == written
    assert "another calibration: distance." in capsys.readouterr().out


def test_several_views_are_weighed_against_one_and_answer_as_they_serve(untrained, capsys):
    from models.training import calibrate, store

    views = ("original", "mirror", "turn")
    calibrate.main([INJURY.name, "--views", *views])
    printed = capsys.readouterr().out
    for head in INJURY.heads:
        assert sum(line.startswith(head.key) and "balanced" in line for line in printed.splitlines()) == 2
    assert "3 views take" in printed
    network = runtime.get_network(INJURY)
    assert network.card.tta_views == views
    batch = prepare(noise(40, 40), network.card.spec)
    served, one = run_views(network, batch).logits, network.run(batch).logits
    found = calibrate.mean_logits(store.load_network(untrained / "model.keras"), batch, views)
    assert np.concatenate([found[head.key].ravel() for head in INJURY.heads]) == pytest.approx(served, abs=1e-3)
    assert np.abs(served - one).max() > 1e-2, "all views say the same of noise"


def test_a_card_of_another_network_is_not_calibrated(untrained):
    from models.training import calibrate

    path = untrained / "card.json"
    facts = json.loads(path.read_text(encoding="utf-8"))
    path.write_text(json.dumps(facts | {"sha256": "0" * 64}), encoding="utf-8")
    with pytest.raises(SystemExit, match="is not the network that its card describes"):
        calibrate.main([INJURY.name])
    assert json.loads(path.read_text(encoding="utf-8")) == facts | {"sha256": "0" * 64}


def test_smaller_weights_serve_only_where_they_cost_next_to_nothing(untrained, monkeypatch, capsys):
    from models.training import compile as compiling
    from models.training import precision

    precision.main([INJURY.name])
    printed = capsys.readouterr().out
    assert [line.split()[0] for line in printed.splitlines() if " MB " in line] == list(card.PRECISIONS)
    exact = runtime.get_network(INJURY).run(prepare(noise(40, 40), runtime.get_network(INJURY).card.spec))
    before = (untrained / "graph.tflite").read_bytes()

    monkeypatch.setattr(precision, "MAX_REGRESSION", 1.0)
    precision.main([INJURY.name, "--use", "float16"])
    runtime.unload_networks()
    with pytest.raises(models.NetworkUnavailable, match="does not match its network"):
        runtime.get_network(INJURY)
    compiling.main([INJURY.name])
    assert (untrained / "graph.tflite").read_bytes() != before
    found = runtime.get_network(INJURY)
    halved = found.run(prepare(noise(40, 40), found.card.spec))
    assert found.card.precision == "float16"
    assert halved.logits == pytest.approx(exact.logits, abs=0.05)

    monkeypatch.setattr(precision, "MAX_REGRESSION", -1.0)
    with pytest.raises(SystemExit, match="int8 is not used"):
        precision.main([INJURY.name, "--use", "int8"])
    assert models.get_card(INJURY).precision == "float16"


def test_a_card_with_weights_of_unknown_precision_is_refused(untrained):
    path = untrained / "card.json"
    facts = json.loads(path.read_text(encoding="utf-8"))
    path.write_text(json.dumps(facts | {"precision": "int1"}), encoding="utf-8")
    with pytest.raises(models.NetworkUnavailable, match="weights of int1; there are float32, float16, int8"):
        models.get_card(INJURY)
