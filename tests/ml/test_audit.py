"""The shortcut audit: what trees, probes and networks without a source can and cannot tell from drawn pictures."""

import dataclasses
from types import SimpleNamespace

import cv2
import numpy as np
import pytest

import models
from models import deployment
from models.audit import Audit, Change, Probe, SourceProbes, encode_audit
from models.calibration import HeadCard
from models.imaging import InputSpec
from models.measures import Measure, Metric, find_measure
from models.runtime import NetworkOutputs
from models.training import audit, baseline, heatmaps, metrics, probe, scoring
from models.training.altered import CHANGES
from models.training.recipes import RECIPES
from models.training.sources import manifest_column
from models.training.superficial import read_cues
from tests.ml.drawn import COLOURS, picture, write_injuries
from tests.ml.files import noise, scene
from tests.ml.networks import network_folder

INJURY = models.get_task("injury")
HEAD = INJURY.head("injury")


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    monkeypatch.setattr(metrics, "RESAMPLES", 20)
    monkeypatch.setattr(baseline, "TREES", 12)
    monkeypatch.setattr(baseline, "SHUFFLES", 1)


@pytest.fixture
def drawn(tmp_path, monkeypatch) -> list:
    """The examples of a made-up data set, beside a weights folder without an audit."""
    write_injuries(tmp_path / "injury", {"train": 60, "val": 120})
    monkeypatch.setenv("LUMEN_DATASETS", str(tmp_path))
    monkeypatch.setattr(deployment, "WEIGHTS", tmp_path / "weights")
    return audit.load_examples(INJURY, splits=("val",))


def value(measures: tuple[Measure, ...]) -> float:
    """The balanced accuracy among these."""
    return find_measure(measures, Metric.BALANCED_ACCURACY).value


def looks(pictures: list[np.ndarray], labels: list[int]) -> baseline.Looks:
    read = [read_cues(pixels, 1000) for pixels in pictures]
    cues = {cue: np.stack([found[cue] for found in read]) for cue in read[0]}
    return baseline.Looks(cues, {HEAD.key: np.array(labels)}, np.arange(len(labels)))


def test_a_label_that_is_a_colour_is_told_by_colour():
    rng = np.random.default_rng(0)
    labels = [0, 1, 2] * 20
    drawn = [picture(list(COLOURS.values())[label], soft=False, rng=rng) for label in labels]
    found = baseline.tiny_image_baseline(HEAD, looks(drawn[:30], labels[:30]), looks(drawn[30:], labels[30:]))
    assert found.chance == pytest.approx(1 / 3, abs=1e-4)
    assert value(found.measures) == 1
    cues = {cue.cue: cue for cue in found.cues}
    assert value(cues["colour"].alone) == 1
    assert value(cues["shape"].alone) < 0.5, "all pictures have one shape"
    assert cues["colour"].drop > cues["shape"].drop == 0


def test_noise_is_not_told():
    labels = np.random.default_rng(0).integers(0, 3, 160).tolist()
    drawn = [noise(32, 32, seed) for seed in range(160)]
    found = baseline.tiny_image_baseline(HEAD, looks(drawn[:80], labels[:80]), looks(drawn[80:], labels[80:]))
    assert value(found.measures) == pytest.approx(1 / 3, abs=0.12)


@pytest.mark.parametrize(
    ("cue", "change"),
    [
        ("sharpness", lambda pixels: cv2.GaussianBlur(pixels, (0, 0), 1.5)),
        ("brightness", lambda pixels: 255 - pixels),
        ("colour", lambda pixels: pixels[..., ::-1].copy()),
        ("shape", lambda pixels: cv2.resize(pixels, None, fx=0.5, fy=1)),
        ("borders", lambda pixels: cv2.copyMakeBorder(pixels[4:-4, 4:-4], 4, 4, 4, 4, cv2.BORDER_CONSTANT)),
        ("layout", lambda pixels: pixels[::-1].copy()),
    ],
)
def test_each_cue_sees_its_own(cue, change):
    pixels = scene()
    before, after = read_cues(pixels, 1000), read_cues(change(pixels), 1000)
    assert np.abs(before[cue] - after[cue]).max() > 0.1


def test_strong_compression_is_seen():
    pixels = noise()
    _, coded = cv2.imencode(".jpg", pixels, [cv2.IMWRITE_JPEG_QUALITY, 5])
    seams = [read_cues(found, 1000)["compression"][1:].mean() for found in (pixels, cv2.imdecode(coded, 1))]
    assert seams[1] > seams[0] + 0.05


def test_a_source_that_is_only_softer_is_found_by_features_that_see_it():
    rng = np.random.default_rng(0)
    sources = np.array(["sharp", "soft"] * 30)
    cues = [read_cues(picture((90, 90, 90), soft=source == "soft", rng=rng), 1000) for source in sources]
    labels, groups = np.zeros(60, int), np.arange(60)

    def found(cue: str) -> dict[str, Probe]:
        features = np.stack([row[cue] for row in cues])
        return probe.source_classifier("made up", features, sources, groups, labels, ["burn", "wound"]).labels

    assert set(found("sharpness")) == {"burn"}, "nobody shares a label that no image has"
    assert found("sharpness")["burn"].sources == {"sharp": 30, "soft": 30}
    assert value(found("sharpness")["burn"].measures) == 1
    assert value(found("shape")["burn"].measures) == pytest.approx(0.5)


def test_a_patient_who_is_recognised_gives_no_source_away():
    """Every patient looks alike in all images and comes from one source, drawn by lot."""
    rng = np.random.default_rng(0)
    patients = np.repeat(np.arange(200), 3)
    features = rng.normal(size=(200, 20))[patients]
    sources = rng.permutation(["a", "b"] * 100)[patients]
    assert value(probe.probe(features, sources, patients).measures) == pytest.approx(0.5, abs=0.1)


def test_a_source_of_few_patients_is_not_asked_for():
    groups = np.array([0] * 20 + list(range(1, 21)))
    assert probe.probe(np.ones((40, 2)), np.array(["a"] * 20 + ["b"] * 20), groups) is None


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_an_altered_image_is_an_image(change):
    pixels = change(scene())
    assert (pixels.dtype, pixels.ndim, pixels.shape[2]) == (np.uint8, 3, 3)
    models.decode_image(models.encode_image(pixels, "image/png"))


def test_copies_stand_for_sources_where_there_is_one_data_set(drawn):
    assert manifest_column(INJURY, drawn)[0] == "dataset_name"
    alike = [dataclasses.replace(example, dataset_name="one") for example in drawn]
    column, names = manifest_column(INJURY, alike)
    assert (column, set(names)) == ("source_repo", {"made/sharp", "made/soft"})


def undecided(head: models.Head) -> HeadCard:
    """A calibration that rules nothing out."""
    zeros = {label.key: 0.0 for label in head.labels}
    return HeadCard(1.0, zeros, {models.OperatingPoint.BALANCED: zeros})


class ColourNetwork:
    """Answers by mean colour and knows sharpness: what a network with a shortcut looks like from outside."""

    card = SimpleNamespace(
        spec=InputSpec(48, 48, "stretch"),
        tta_views=("original",),
        sha256="f" * 64,
        heads={head.key: undecided(head) for head in INJURY.heads},
    )

    def run(self, batch: np.ndarray) -> NetworkOutputs:
        rest = sum(len(head.labels) for head in INJURY.heads) - 3
        logits = np.concatenate([batch[0].mean(axis=(0, 1)) / 10, np.zeros(rest)])
        fine = np.abs(np.diff(batch[0], axis=0)).mean(axis=(0, 1))
        cells = cv2.resize(batch[0], (6, 6), interpolation=cv2.INTER_AREA) / 10
        maps = np.concatenate([cells, np.zeros((6, 6, rest))], axis=2)
        return NetworkOutputs(logits.astype(np.float32), maps.astype(np.float32), fine)


class Blind(ColourNetwork):
    """Says the same of every picture, and shows where at random."""

    def run(self, batch: np.ndarray) -> NetworkOutputs:
        raw = super().run(np.full_like(batch, 100.0))
        return dataclasses.replace(raw, maps=np.random.default_rng(0).normal(size=raw.maps.shape).astype(np.float32))


def test_hot_places_that_carry_the_answer_beat_others():
    pixels, heat = np.full((1, 48, 48, 3), 100.0, np.float32), np.zeros((48, 48))
    pixels[0, :16:2, :16] = 200.0  # stripes, which softening takes away
    heat[:16, :16] = 1.0

    def stripes(batch: np.ndarray) -> float:
        return float(np.abs(np.diff(batch[0, :16, :16, 0], axis=0)).mean() / 100)

    assert heatmaps.insertion_less_deletion(stripes, pixels, heat) > 0.5
    assert heatmaps.insertion_less_deletion(stripes, pixels, -heat) < -0.5
    assert heatmaps.insertion_less_deletion(lambda batch: 0.7, pixels, heat) == pytest.approx(0)


def test_maps_that_turn_with_the_image_are_told_from_maps_that_do_not(drawn, monkeypatch):
    def heatmap_of(network: ColourNetwork) -> dict[Metric, float]:
        monkeypatch.setattr(heatmaps, "get_network", lambda task: network)
        monkeypatch.setattr(heatmaps, "shuffled_network", lambda task: Blind())
        measures = heatmaps.heatmap_measures(INJURY, drawn[:3]).measures
        return {one.metric: one.value for one in measures}

    seeing, blind = heatmap_of(ColourNetwork()), heatmap_of(Blind())
    assert seeing[Metric.LIKENESS_MIRRORED_BACK] == pytest.approx(1, abs=0.01)
    assert abs(seeing[Metric.LIKENESS_TO_RANDOM_WEIGHTS]) < 0.5
    assert blind[Metric.LIKENESS_MIRRORED] == pytest.approx(1)
    assert blind[Metric.LIKENESS_MIRRORED_BACK] < 0.5
    assert blind[Metric.INSERTION_LESS_DELETION] == pytest.approx(0)


def test_heat_is_looked_for_where_the_image_of_the_label_is(drawn, monkeypatch):
    """Pictures of one colour for each label: the network that answers by colour finds its own among four."""
    monkeypatch.setattr(heatmaps, "shuffled_network", lambda task: Blind())
    shares = []
    for network in (ColourNetwork(), Blind()):
        monkeypatch.setattr(heatmaps, "get_network", lambda task, network=network: network)
        measures = heatmaps.heatmap_measures(INJURY, drawn[:24]).measures
        shares.append(find_measure(measures, Metric.HEAT_IN_RIGHT_QUARTER))
    assert shares[0].n == 24
    assert shares[0].value > 0.4
    assert shares[1].value == pytest.approx(0.25, abs=0.1)


def test_an_audit_tells_what_the_network_leans_on(drawn, tmp_path, monkeypatch, capsys):
    for module in (audit, scoring, heatmaps):
        monkeypatch.setattr(module, "get_network", lambda task: ColourNetwork())
    monkeypatch.setattr(heatmaps, "shuffled_network", lambda task: Blind())
    monkeypatch.setitem(RECIPES, INJURY.name, dataclasses.replace(RECIPES[INJURY.name], behind_gate=False))
    before = Audit(
        created="2026-01-31", sha256="e" * 64, split="val", tiny_image_baseline={},
        source_classifier=SourceProbes("dataset_name", None, {}),
    )  # fmt: skip
    folder = network_folder(INJURY)
    folder.mkdir(parents=True)
    (folder / "audit.json").write_text(encode_audit(before), encoding="utf-8")
    audit.main([INJURY.name])

    found = models.read_audit(INJURY)
    assert (found.split, found.sha256) == ("val", "f" * 64)
    tiny = found.tiny_image_baseline[HEAD.key]
    assert (tiny.trained_on, value(tiny.measures), value(tiny.network)) == (60, 1, 1)
    source = found.source_classifier
    assert source.column == "dataset_name"
    assert set(source.labels) == {"burn", "wound"}, "normal skin has one source"
    assert value(source.labels["burn"].measures) == 1
    first = found.datasets["soft"].measures[0]
    assert (first.metric, first.value, first.n) == (Metric.ACCURACY, 1.0, 40)
    assert set(found.datasets["soft"].labels) == {"burn", "wound"}
    altered = {entry.change: value(entry.measures) for entry in found.altered_images}
    assert altered[Change.NONE] == altered[Change.BLURRED] == 1
    assert altered[Change.GREY] == pytest.approx(1 / 3, abs=0.01)
    assert found.heatmaps.cells == (6, 6)
    printed = capsys.readouterr().out
    assert "source of burn: chance 0.50" in printed
    assert "heatmaps of (6, 6) cells: Insertion less deletion" in printed
