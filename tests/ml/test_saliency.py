"""Where the network looked, laid over the image as it came; the views made of it; whether the maps can be trusted."""

import dataclasses
import hashlib
import io
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image
from scipy.stats import spearmanr

import models
from models.imaging import InputSpec, prepare, shrink, visible_box
from models.inference import split_heads
from models.runtime import get_network, run_views
from models.saliency import MAP_SIDE, canny_edges, saliency_over_image
from models.training.manifest import read_upload
from models.training.synthetic import draw_golden
from tests.ml.files import scene
from tests.ml.labelled import needs_labelled_images, sample
from tests.ml.networks import every_task, network_folder

FITS = ("stretch", "pad", "crop")
SHAPES = ((100, 100), (100, 180), (180, 100), (333, 257))
BLOB = np.exp(-((np.mgrid[0:64, 0:64] - 31.5) ** 2).sum(axis=0) / 200).astype(np.float32)


def opened(data: bytes) -> Image.Image:
    image = Image.open(io.BytesIO(data))
    image.load()
    return image


def centre_of(saliency: np.ndarray) -> tuple[float, float]:
    """Centre of mass as shares of height and width."""
    height, width = saliency.shape
    weights = saliency / saliency.sum()
    return (
        float((weights.sum(axis=1) * (np.arange(height) + 0.5)).sum() / height),
        float((weights.sum(axis=0) * (np.arange(width) + 0.5)).sum() / width),
    )


@pytest.mark.parametrize("fit", FITS)
def test_of_a_trimmed_picture_the_hot_spot_lies_where_it_was_sent(fit):
    spec, box = InputSpec(192, 192, fit), (0.2, 0.1, 0.9, 0.6)
    activation = np.zeros((12, 12))
    activation[6, 5] = 3.0
    whole = centre_of(saliency_over_image(activation, (100, 100), spec))
    found = saliency_over_image(activation, (100, 100), spec, box)
    assert centre_of(found) == pytest.approx((0.2 + 0.7 * whole[0], 0.1 + 0.5 * whole[1]), abs=0.01)
    assert found.max() == pytest.approx(1)
    rows, columns = np.nonzero(saliency_over_image(np.ones((12, 12)), (100, 100), spec, box))
    cells = (np.array([rows.min(), columns.min(), rows.max(), columns.max()]) + 0.5) / MAP_SIDE
    assert cells == pytest.approx(box, abs=1 / MAP_SIDE)


@pytest.mark.parametrize("fit", FITS)
@pytest.mark.parametrize("shape", SHAPES)
def test_the_hot_spot_lies_where_the_network_saw_it(fit, shape):
    spec = InputSpec(192, 192, fit)
    activation = np.zeros((12, 12))
    activation[6, 5] = 3.0  # its centre lies at 6.5 / 12 and 5.5 / 12 of the network's input
    found = saliency_over_image(activation, shape, spec)
    assert found.shape == (MAP_SIDE, MAP_SIDE)
    assert found.dtype == np.float32
    assert found.min() >= 0
    assert found.max() == pytest.approx(1)
    top, left, bottom, right = visible_box(*shape, spec)
    expected = ((6.5 / 12 - top) / (bottom - top), (5.5 / 12 - left) / (right - left))
    assert centre_of(found) == pytest.approx(expected, abs=0.012)


@pytest.mark.parametrize("fit", FITS)
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("axis", [0, 1])
def test_a_mirrored_map_is_the_mirror_of_the_map(fit, shape, axis):
    activation = np.random.default_rng(2).normal(size=(6, 6))
    spec = InputSpec(192, 192, fit)
    there = np.flip(saliency_over_image(activation, shape, spec), axis)
    back = saliency_over_image(np.flip(activation, axis), shape, spec)
    assert np.abs(there - back).max() < 0.01


def test_a_network_may_read_rectangles():
    activation = np.zeros((8, 4))
    activation[1, 3] = 1.0
    found = saliency_over_image(activation, (200, 100), InputSpec(256, 128, "stretch"))
    assert centre_of(found) == pytest.approx((1.5 / 8, 3.5 / 4), abs=0.03)


def test_what_a_crop_does_not_show_is_cold():
    found = saliency_over_image(np.ones((6, 6)), (100, 200), InputSpec(192, 192, "crop"))
    assert (found[:, : MAP_SIDE // 4 - 1] == 0).all()
    assert (found[:, -MAP_SIDE // 4 + 1 :] == 0).all()
    assert found[:, MAP_SIDE // 4 + 1 : -MAP_SIDE // 4 - 1].min() > 0.9


def test_heat_on_the_padding_is_dropped():
    activation = np.zeros((12, 12))
    activation[0, :] = 9.0  # on the black above a wide image
    activation[6, 6] = 1.0
    found = saliency_over_image(activation, (100, 300), InputSpec(192, 192, "pad"))
    assert centre_of(found) == pytest.approx((0.5 + 0.125, 6.5 / 12), abs=0.03)
    assert found.max() == pytest.approx(1)


def test_evidence_against_is_cut_off():
    activation = np.full((6, 6), -5.0)
    assert not saliency_over_image(activation, (100, 100), InputSpec(192, 192, "stretch")).any()
    activation[2, 2] = 1.0
    found = saliency_over_image(activation, (100, 100), InputSpec(192, 192, "stretch"))
    assert centre_of(found) == pytest.approx((2.5 / 6, 2.5 / 6), abs=0.01)


def test_the_scale_of_activation_does_not_matter():
    activation = np.random.default_rng(5).normal(size=(6, 6))
    one = saliency_over_image(activation, (90, 120), InputSpec(192, 192, "pad"))
    assert saliency_over_image(activation * 37, (90, 120), InputSpec(192, 192, "pad")) == pytest.approx(one, abs=1e-5)


def test_a_map_survives_storing_to_one_grey_level():
    data = models.encode_saliency(BLOB)
    assert opened(data).mode == "L"
    found = models.decode_saliency(data)
    assert found.dtype == np.float32
    assert found.shape == BLOB.shape
    assert np.abs(found - BLOB).max() <= 0.5 / 255 + 1e-6


@pytest.mark.parametrize("data", [b"", b"no picture", b"\x89PNG\r\n\x1a\n"])
def test_a_damaged_map_is_an_error(data):
    with pytest.raises((OSError, SyntaxError)):
        models.decode_saliency(data)


@pytest.mark.parametrize("view", models.VIEWS)
@pytest.mark.parametrize(
    ("shape", "shown"), [((80, 120), (80, 120)), ((600, 300), (200, 100)), ((210, 1_400), (30, 200))]
)
def test_every_view_has_the_shape_of_the_original(view, shape, shown):
    data, media_type = models.render_view(view, scene(*shape), BLOB, max_side=200)
    image = opened(data)
    assert (image.height, image.width) == shown
    assert Image.MIME[image.format] == media_type
    assert image.mode == {"heatmap": "RGBA", "edges": "L"}.get(view, "RGB")


def test_the_heatmap_is_transparent_where_it_is_cold():
    found = np.asarray(opened(models.render_view("heatmap", scene(128, 128), BLOB)[0]))
    alpha = found[..., 3].astype(int)
    assert alpha[64, 64] == 255
    assert alpha[0, 0] < 5
    assert (np.diff(alpha[64, :64]) >= 0).all(), "opacity rises towards the hot spot"
    red, _, blue, _ = (int(value) for value in found[64, 64])
    assert red > blue, "the hot end of the colour map is red"


def test_the_overlay_leaves_cold_parts_as_they_are():
    half = np.zeros((64, 64), np.float32)
    half[:, 40:] = 1
    original = np.asarray(opened(models.render_view("original", scene(128, 128), None)[0])).astype(int)
    overlay = np.asarray(opened(models.render_view("overlay", scene(128, 128), half)[0])).astype(int)
    assert np.abs(overlay[:, :70] - original[:, :70]).max() < 12
    assert np.abs(overlay[:, 90:] - original[:, 90:]).mean() > 20


def square() -> np.ndarray:
    picture = np.full((120, 120, 3), 30, np.uint8)
    picture[40:80, 40:80] = 200
    return picture


def test_canny_draws_the_outline_of_a_square_and_nothing_else():
    edges = canny_edges(square())
    assert edges.shape == (120, 120, 3)
    assert set(np.unique(edges)) == {0, 255}
    drawn = np.argwhere(edges[..., 0])
    assert 120 < len(drawn) < 220
    border = np.abs(drawn - 59.5).max(axis=1)
    assert (np.abs(border - 20) <= 2).all()


@pytest.mark.parametrize("level", [0, 30, 255])
def test_canny_finds_nothing_in_a_plain_picture(level):
    assert not canny_edges(np.full((60, 60, 3), level, np.uint8)).any()


def test_the_hybrid_draws_the_edges_in_white_over_the_overlay():
    hybrid = np.asarray(opened(models.render_view("hybrid", square(), BLOB)[0]))
    edges = canny_edges(square())[..., 0] > 0
    assert hybrid[edges].mean() > 225
    assert hybrid[~edges].mean() < 160


def test_views_without_map_need_none():
    for view in ("original", "edges"):
        assert models.render_view(view, scene(), None) == models.render_view(view, scene(), BLOB[:48, :48])


@pytest.mark.parametrize("view", ["overlay", "heatmap", "hybrid"])
def test_views_that_need_a_map_say_so(view):
    with pytest.raises(ValueError, match=f"'{view}' needs a saliency map"):
        models.render_view(view, scene(), None)


def test_an_unknown_view_is_an_error():
    with pytest.raises(ValueError, match=r"no view '\.\./etc/passwd'"):
        models.render_view("../etc/passwd", scene(), BLOB)


def test_pictures_are_shrunk_and_never_enlarged():
    assert shrink(scene(48, 64), 100).shape == (48, 64, 3)
    assert shrink(scene(480, 640), 64).shape == (48, 64, 3)
    assert shrink(scene(40, 4_000), 20).shape == (1, 20, 3)


# Sanity checks of the maps of the real networks: Adebayo et al., "Sanity Checks for Saliency Maps", NeurIPS 2018,
# arXiv:1810.03292; Arun et al., Radiology: Artificial Intelligence 2021. Maps are compared as the network gives them,
# by Spearman's rank correlation. The bounds stand well clear of what was measured.

DRAWN = 6
VALIDATION = 20


def alike(one: np.ndarray, other: np.ndarray) -> float:
    """The rank correlation of two maps: 1 for the same order of cells, about 0 for maps of two unrelated networks."""
    return float(spearmanr(one.ravel(), other.ravel()).statistic)


def batches(task: models.Task, source: str) -> list[np.ndarray]:
    """Pictures drawn by code, or images of the validation split, as the network reads them."""
    spec = get_network(task).card.spec
    if source == "drawn":
        return [prepare(draw_golden(seed), spec) for seed in range(DRAWN)]
    return [prepare(read_upload(example), spec) for example in sample(task, "val", VALIDATION)]


def primary_of(task: models.Task, values: np.ndarray) -> np.ndarray:
    """[..., labels] of the primary head, out of all logits or maps; of its first specialist, if it has any."""
    own = next(part for head, part in split_heads(task, values) if head.key == task.primary)
    return own[..., 0, :] if task.head(task.primary).conditioned_on else own


def lead_of(task: models.Task, logits: np.ndarray) -> int:
    return int(primary_of(task, logits).argmax())


on_drawn_and_real_images = pytest.mark.parametrize(
    "source", ["drawn", pytest.param("validation", marks=[pytest.mark.slow, needs_labelled_images])]
)


@every_task
@on_drawn_and_real_images
def test_a_mirrored_image_gives_the_mirrored_map(task, source):
    """On average: a single view leaves a network some freedom, which the mirror among its views takes away."""
    network, found = get_network(task), []
    for batch in batches(task, source):
        there, back = network.run(batch), network.run(np.ascontiguousarray(batch[:, :, ::-1]))
        lead = lead_of(task, there.logits)
        found.append(alike(primary_of(task, there.maps)[..., lead], primary_of(task, back.maps)[:, ::-1, lead]))
    assert np.mean(found) >= 0.4


@every_task
def test_with_the_mirror_among_its_views_a_network_gives_exactly_the_mirrored_map(task):
    network = get_network(task)
    both = SimpleNamespace(card=replace(network.card, tta_views=("original", "mirror")), run=network.run)
    batch = prepare(draw_golden(7), network.card.spec)
    there, back = run_views(both, batch).maps, run_views(both, batch[:, :, ::-1]).maps
    assert back[:, ::-1] == pytest.approx(there, abs=1e-4)


@every_task
@on_drawn_and_real_images
def test_each_label_has_a_map_of_its_own(task, source):
    found = []
    for batch in batches(task, source):
        raw = get_network(task).run(batch)
        maps, lead = primary_of(task, raw.maps), lead_of(task, raw.logits)
        found += [alike(maps[..., lead], maps[..., other]) for other in range(len(task.labels)) if other != lead]
    assert max(found) < 0.99
    assert np.mean(found) < 0.5


@pytest.mark.slow
@every_task
def test_random_weights_give_another_map(task):
    """Shuffled weights of the heads, then also of the trunk's top, more and more of it (cascading randomisation)."""
    import keras

    from models.architectures.network import answer, dense_heads
    from models.training.store import load_network

    network = load_network(network_folder(task) / "model.keras")
    trunk = keras.Model(network.inputs[0], network.get_layer("features").input)
    layers = [layer for layer in reversed(trunk.layers) if any(np.ndim(value) > 1 for value in layer.get_weights())]
    heads, rng = dense_heads(task, network), np.random.default_rng(0)
    pictures = np.concatenate(batches(task, "drawn"))
    feature_maps = np.asarray(trunk(pictures, training=False))
    logits, maps = (np.asarray(found) for found in answer(heads, feature_maps))
    leads = [lead_of(task, one) for one in logits]

    def lead_maps(maps: np.ndarray) -> list[np.ndarray]:
        return [primary_of(task, one)[..., lead] for one, lead in zip(maps, leads, strict=True)]

    def shuffled_maps(feature_maps: np.ndarray) -> list[np.ndarray]:
        """Those of heads whose matrices are shuffled."""
        found = [
            dataclasses.replace(
                head,
                hidden=tuple((rng.permuted(kernel, axis=0), bias) for kernel, bias in head.hidden),
                kernel=rng.permuted(head.kernel, axis=0),
            )
            for head in heads
        ]
        return lead_maps(np.asarray(answer(found, feature_maps)[1]))

    trained = lead_maps(maps)
    for start, stop in ((0, 0), (0, 1), (1, 4), (4, len(layers))):
        for layer in layers[start:stop]:
            layer.set_weights([rng.permutation(value.ravel()).reshape(value.shape) for value in layer.get_weights()])
        feature_maps = np.asarray(trunk(pictures, training=False))
        # Several random heads: a single one may fall in with what all channels have in common.
        found = [shuffled_maps(feature_maps) for _ in range(10)]
        likeness = [alike(*pair) for maps in found for pair in zip(trained, maps, strict=True)]
        assert np.mean(likeness) < 0.5, f"{stop} layers of the trunk are random"


def digests() -> str:
    """One line for each task: the SHA-256 of the maps of one drawn picture."""
    maps = {task.name: get_network(task).run(batches(task, "drawn")[0]).maps for task in models.all_tasks()}
    return "\n".join(f"{name} {hashlib.sha256(found.tobytes()).hexdigest()}" for name, found in maps.items())


def test_two_processes_give_the_same_maps_to_the_last_bit():
    code = "from tests.ml.test_saliency import digests; print(digests())"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=Path(__file__).parents[2], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == digests()
