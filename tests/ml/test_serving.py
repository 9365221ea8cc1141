"""The compiled networks as the web process uses them: right, repeatable, shared by threads, without TensorFlow."""

import json
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import cv2
import numpy as np
import pytest

import models
from models import Outcome, imaging, inference, runtime
from models.calibration import HeadCard
from models.gate import PASSED
from models.imaging import prepare
from models.inference import decide
from models.runtime import NetworkOutputs, get_network, run_views
from tests.fakes import make_card
from tests.ml.networks import every_network, every_task, logit_count, network_folder

ROOT = Path(__file__).parents[2]
# Imported by the training alone; numpy and h5py aside, none has any business in a web process.
HEAVY = ("tensorflow", "keras", "jax", "torch", "sklearn", "scipy", "h5py", "matplotlib", "models.training")


def draw_golden(seed: int) -> np.ndarray:
    from models.training.synthetic import draw_golden

    return draw_golden(seed)


def golden(task: models.Task) -> tuple[np.ndarray, dict[str, list[float]]]:
    """The picture drawn from the network's seed, and the probabilities that Keras gave for it."""
    facts = json.loads((network_folder(task) / "golden.json").read_text(encoding="utf-8"))
    return draw_golden(facts["seed"]), facts["probabilities"]


def probabilities(heads: tuple[models.HeadResult, ...]) -> dict[str, list[float]]:
    return {result.head.key: [line.probability for line in result.labels] for result in heads}


@pytest.fixture
def open_gate(monkeypatch) -> None:
    """The golden picture is of no modality, and like no image of a training: let it pass."""
    monkeypatch.setattr(inference, "pass_gate", lambda task, pixels: PASSED)
    monkeypatch.setattr(inference, "judge_distance", lambda network, features: PASSED)


@every_network
def test_the_golden_picture_gives_its_probabilities(task):
    pixels, expected = golden(task)
    network = get_network(task)
    found = probabilities(decide(task, network.card, run_views(network, prepare(pixels, network.card.spec)).logits))
    assert list(found) == list(expected) == [head.key for head in task.heads]
    for key, values in expected.items():
        assert found[key] == pytest.approx(values, abs=1e-3)


@every_task
def test_predict_answers_the_golden_picture(task, open_gate):
    pixels, expected = golden(task)
    found = models.predict(task, pixels)
    assert found.outcome is not Outcome.NOT_ASSESSED
    assert found.primary is not None
    assert found.lead == found.primary.top
    for key, values in probabilities(found.heads).items():
        assert values == pytest.approx(expected[key], abs=1e-3)
    card = models.get_card(task)
    assert found.network == models.NetworkVersion(card.network, card.version, card.sha256)
    assert set(found.timings_ms) == {
        "shrink", "gate", "prepare", "network", "distance", "decide", "saliency", "quality",
    }  # fmt: skip
    assert all(time >= 0 for time in found.timings_ms.values())


@every_task
def test_a_large_picture_is_answered_as_if_it_were_read_whole(task, open_gate, monkeypatch):
    pixels = cv2.resize(draw_golden(7), (3000, 2600), interpolation=cv2.INTER_CUBIC)
    shrunk = probabilities(models.predict(task, pixels).heads)
    monkeypatch.setattr(imaging, "READ_SIDE", max(pixels.shape))
    for key, values in probabilities(models.predict(task, pixels).heads).items():
        assert shrunk[key] == pytest.approx(values, abs=0.01)


@every_task
@pytest.mark.parametrize("shape", [(192, 192), (90, 400), (701, 333)])
def test_any_shape_of_picture_is_answered_with_a_map(task, shape, open_gate):
    pixels = np.resize(draw_golden(7), (*shape, 3))
    found = models.predict(task, pixels)
    for saliency in found.saliencies.values():
        assert saliency.dtype == np.float32
        assert saliency.min() >= 0
        assert saliency.max() == pytest.approx(1)
    for result in found.heads:
        assert sum(line.probability for line in result.labels) == pytest.approx(1)


@pytest.fixture
def predict_from(monkeypatch, open_gate):
    """predict_from(task, logits, maps, possible): what `predict` makes of this output when only the labels that are
    named and those above them, or the most probable one, remain possible in each head. What must not be missed is kept
    apart below `least`."""

    def predict_from(
        task: models.Task, logits: np.ndarray, maps: np.ndarray, possible: set[str], least: float = 0.2
    ) -> models.Prediction:
        balanced = {label.key: least for head in task.heads for label in head.labels}
        fitted = {
            head.key: HeadCard(
                1.0, {label.key: float(label.key not in possible) for label in head.labels}, {"balanced": balanced}
            )
            for head in task.heads
        }
        card = make_card(task, "stub")
        card = replace(card, calibration=replace(card.calibration, heads=fitted))
        output = NetworkOutputs(logits, maps, np.zeros(8, np.float32))
        network = SimpleNamespace(card=card, run=lambda batch: output)
        monkeypatch.setattr(inference, "get_network", lambda task: network)
        return models.predict(task, draw_golden(7))

    return predict_from


@pytest.mark.parametrize(
    ("possible", "mapped"),
    [
        ({"glioma"}, ["no_tumor", "pituitary", "glioma"]),
        ({"pituitary"}, ["no_tumor", "pituitary"]),
        ({"meningioma", "glioma"}, ["no_tumor", "pituitary", "glioma"]),
        ({"pituitary", "meningioma", "glioma"}, ["no_tumor", "pituitary", "glioma"]),
        ({"no_tumor"}, ["no_tumor"]),
    ],
)
def test_labels_that_remain_possible_get_a_map_the_most_probable_first(possible, mapped, predict_from):
    task = models.get_task("brain")
    logits = np.log([0.22, 0.08, 0.3, 0.4])  # glioma, meningioma, pituitary, no_tumor
    assert list(predict_from(task, logits, np.ones((6, 6, 4)), possible, least=0.05).saliencies) == mapped


def test_a_label_that_is_not_excluded_gets_a_map_besides(predict_from):
    task = models.get_task("chest")
    logits = np.log([0.7, 0.2, 0.1])  # normal, pneumonia, tuberculosis
    found = predict_from(task, logits, np.ones((6, 6, 3)), {"normal", "tuberculosis"})
    assert [line.decision for line in found.primary.labels] == ["possible", "unlikely", "not_excluded"]
    assert list(found.saliencies) == ["normal", "tuberculosis"]


def test_a_label_that_nothing_speaks_for_has_no_map(predict_from):
    task = models.get_task("brain")
    maps = np.ones((6, 6, 4)) * [-1, -1, 1, -1]
    assert list(predict_from(task, np.zeros(4), maps, {"glioma", "pituitary"}).saliencies) == ["pituitary"]


def test_the_map_shown_is_that_of_the_specialist_who_was_asked(predict_from):
    task = models.get_task("fracture")
    parts = task.head("part").labels
    logits, maps = np.zeros(logit_count(task)), np.full((6, 6, logit_count(task)), -1.0)
    logits[4] = 9.0
    asked = len(parts) + 4 * 2  # "fractured", as the specialist of the fifth part sees it
    logits[asked] = 1.0
    maps[1, 4, asked] = 1.0
    (saliency,) = predict_from(task, logits, maps, {"fractured"}).saliencies.values()
    row, column = np.unravel_index(saliency.argmax(), saliency.shape)
    assert (row * 6 // 64, column * 6 // 64) == (1, 4)


@every_network
def test_one_pass_gives_logits_maps_and_features_that_agree(task):
    """The mean of a label's map plus its bias is its logit: the map explains the number, all of it."""
    network = get_network(task)
    spec = network.card.spec
    one, other = (
        network.run(prepare(picture, spec)) for picture in (draw_golden(7), np.ascontiguousarray(draw_golden(8)))
    )
    assert one.logits.shape == (logit_count(task),)
    assert one.maps.shape[2:] == one.logits.shape
    assert one.features.ndim == 1
    bias = one.logits - one.maps.mean(axis=(0, 1))
    assert bias == pytest.approx(other.logits - other.maps.mean(axis=(0, 1)), abs=2e-3)
    assert np.abs(one.logits - other.logits).max() > 1e-3, "two pictures, one answer"


@every_network
def test_the_same_picture_gives_the_same_numbers_again(task):
    network = get_network(task)
    batch = prepare(draw_golden(7), network.card.spec)
    first = network.run(batch)
    network.run(prepare(draw_golden(8), network.card.spec))
    again = network.run(batch)
    assert np.array_equal(first.logits, again.logits)
    assert np.array_equal(first.maps, again.maps)


@every_task
@pytest.mark.parametrize("interpreters", [1, 3])
def test_eight_threads_get_the_answers_of_one(task, interpreters, monkeypatch, own_networks):
    monkeypatch.setattr(runtime, "INTERPRETERS", interpreters)
    network = get_network(task)
    batches = [prepare(draw_golden(seed), network.card.spec) for seed in range(4)]
    alone = [network.run(batch).logits for batch in batches]
    with ThreadPoolExecutor(8) as pool:
        together = list(pool.map(lambda number: network.run(batches[number % 4]).logits, range(24)))
    for number, logits in enumerate(together):
        assert np.array_equal(logits, alone[number % 4])


def test_threads_that_ask_first_at_the_same_time_load_a_network_once(own_networks):
    task = models.all_tasks()[0]
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda _: get_network(task), range(8)))
    assert all(network is found[0] for network in found)


def test_a_failed_run_gives_its_interpreter_back(own_networks):
    network = get_network(models.all_tasks()[0])
    good = prepare(draw_golden(7), network.card.spec)
    expected = network.run(good).logits
    with pytest.raises((ValueError, RuntimeError)):
        network.run(np.zeros((1, 8, 8, 5), np.float32))
    assert np.array_equal(network.run(good).logits, expected)


def loaded_modules(code: str, **environment: str) -> set[str]:
    """The modules that a new process has after running `code`."""
    script = f"{code}\nimport sys\nprint('\\n'.join(sys.modules))"
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", script],
        cwd=ROOT,
        env={"PATH": "/usr/bin:/bin", **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return set(done.stdout.split())


def heavy(modules: set[str]) -> list[str]:
    return sorted(name for name in modules if any(name == prefix or name.startswith(f"{prefix}.") for prefix in HEAVY))


def test_models_is_light_to_import():
    found = loaded_modules("import models")
    assert "models.inference" in found
    assert not heavy(found)
    assert not {name for name in found if name.split(".")[0] in ("flask", "sqlalchemy", "app", "config")}


def test_answering_imports_no_training_and_no_tensorflow():
    code = """
import models, numpy
models.load_networks()
assert models.network_status() == {task.name: "" for task in models.all_tasks()}, models.network_status()
picture = numpy.random.default_rng(0).integers(0, 256, (200, 300, 3), dtype=numpy.uint8)
for task in models.all_tasks():
    models.predict(task, models.decode_image(models.encode_image(picture, "image/png")).pixels)
"""
    assert not heavy(loaded_modules(code))


def test_the_web_process_imports_no_training_and_no_tensorflow(tmp_path):
    found = loaded_modules("import wsgi, models; models.load_networks()", LUMEN_INSTANCE=str(tmp_path))
    assert {"wsgi", "app", "models.inference"} <= found
    assert not heavy(found)
