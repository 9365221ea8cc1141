"""Labelled images from manifests: a small made-up folder, read as the real ones are. And how images are changed."""

import csv
import dataclasses
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

import models
from models.imaging import InputSpec
from models.modality import MODALITY_TASK
from models.training import augment as augmentation
from models.training import manifest, negatives, odd_pictures
from models.training.augment import Augmentation, augment
from models.training.datasets import load_examples, load_manifest
from models.training.manifest import (
    CACHED_SIDE,
    MISSING,
    SPLITS,
    copies_of_test,
    datasets_root,
    read_manifest,
    read_pixels,
    read_upload,
    targets_of_row,
)
from models.training.recipes import RECIPES, training_task
from models.training.synthetic import draw_golden, draw_negatives, vary_photo
from tests.ml.files import save, scene
from tests.ml.labelled import needs_labelled_images

NO_CHANGE = Augmentation(
    rotate=0, zoom=(1, 1), stretch=0, shift=0, mirror=False, flip=False, tone=0, soften=0, erase=0, frame=0
)
# Those of every task, of head CT, and of pictures that are not medical.
FOLDERS = ("injury", "skin", "fracture", "fracture_type", "chest", "brain", "brain_ct", "not_medical")
KINDS = ("PHOTO", "DERMOSCOPY", "BONE", "CHEST", "BRAIN", "MODALITY")
FRACTURE = models.get_task("fracture")


def write_folder(folder: Path, rows: list[dict[str, str]]) -> None:
    """A data set: its manifest, and a picture for each row."""
    folder.mkdir(parents=True, exist_ok=True)
    for row in rows:
        (folder / row["path"]).write_bytes(save(scene(40, 50), "PNG"))
    with (folder / "manifest.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows(rows)


@pytest.fixture
def fractures(tmp_path, monkeypatch) -> Path:
    monkeypatch.setenv("LUMEN_DATASETS", str(tmp_path))
    common = {"dataset_name": "made up", "group": "g1"}
    write_folder(
        tmp_path / "fracture",
        [
            common | {"path": "a.png", "part": "ankle_foot", "fractured": "fractured", "split": "train"},
            common | {"path": "b.png", "part": "wrist", "fractured": "normal", "split": "val"},
            common | {"path": "c.png", "part": "wrist", "fractured": "", "split": "test", "dataset_name": "other"},
        ],
    )
    write_folder(tmp_path / "fracture_type", [common | {"path": "d.png", "type": "Spiral", "split": "train"}])
    return tmp_path


def test_the_folder_is_the_one_of_the_environment(fractures, monkeypatch):
    assert datasets_root() == fractures
    monkeypatch.delenv("LUMEN_DATASETS")
    assert datasets_root().parts[-2:] == ("shared", "datasets")


def test_rows_become_examples_with_targets_of_every_head(fractures):
    found = {example.path.name: example for example in load_examples(FRACTURE)}
    assert found["a.png"].targets == {"part": 0, "fractured": 0, "type": MISSING}
    assert found["b.png"].targets == {"part": 10, "fractured": 10 * 2 + 1, "type": MISSING}
    assert found["c.png"].targets == {"part": 10, "fractured": MISSING, "type": MISSING}
    assert found["d.png"].targets == {"part": MISSING, "fractured": MISSING, "type": 9}


def test_a_wrong_label_is_corrected_unless_the_manifest_is_named(fractures, monkeypatch):
    corrections = fractures / "corrections.csv"
    corrections.write_text("folder,path,column,label\nfracture,a.png,part,wrist\nchest,b.png,label,normal\n")
    monkeypatch.setattr(manifest, "CORRECTIONS", corrections)
    found = {example.path.name: example.targets for example in load_examples(FRACTURE)}
    assert found["a.png"] == {"part": 10, "fractured": 10 * 2, "type": MISSING}
    assert found["b.png"]["part"] == 10
    named = {one.path.name: one for one in load_manifest(FRACTURE, fractures / "fracture" / "manifest.csv")}
    assert named["a.png"].targets["part"] == 0, "as its source says"


@needs_labelled_images
def test_every_correction_changes_a_label():
    rows = read_manifest(manifest.CORRECTIONS)
    assert rows
    for folder in {row["folder"] for row in rows}:
        rows_by_path = {row["path"]: row for row in read_manifest(datasets_root() / folder / "manifest.csv")}
        for row in rows:
            if row["folder"] == folder:
                assert rows_by_path[row["path"]][row["column"]] != row["label"]


def test_all_radiographs_are_one_task_for_training(fractures):
    """Each radiograph answers the questions of its folder, and which type of radiograph it is."""
    write_folder(fractures / "chest", [{"path": "e.png", "label": "Tuberculosis", "split": "train"}])
    task = training_task("xray")
    found = {example.path.name: example.targets for example in load_examples(task)}
    kinds = [label.key for label in task.head("modality").labels]
    nothing = dict.fromkeys(("part", "fractured", "type", "chest"), MISSING)
    assert found["b.png"] == nothing | {"part": 10, "fractured": 21, "modality": kinds.index("bone_xray")}
    assert found["d.png"] == nothing | {"type": 9, "modality": kinds.index("bone_xray")}
    assert found["e.png"] == nothing | {"chest": 2, "modality": kinds.index("chest_xray")}
    assert task not in models.all_tasks()


def test_splits_are_kept_apart(fractures):
    by_split = {
        split: {example.path.name for example in load_examples(FRACTURE, splits=(split,))}
        for split in ("train", "val", "test")
    }
    assert by_split == {"train": {"a.png", "d.png"}, "val": {"b.png"}, "test": {"c.png"}}


def test_a_data_set_can_be_left_out(fractures):
    left = load_examples(FRACTURE, exclude=("made up",))
    assert [example.path.name for example in left] == ["c.png"]


def test_the_words_of_a_row_may_be_in_capitals():
    assert targets_of_row(FRACTURE, {"type": "Fracture_Dislocation"})["type"] == 2


def test_a_word_that_is_no_label_is_an_error():
    with pytest.raises(ValueError, match="crushed"):
        targets_of_row(FRACTURE, {"part": "crushed"})


def test_large_images_are_kept_small_and_uploads_whole(fractures):
    (fractures / "fracture" / "a.png").write_bytes(save(scene(400, 800), "PNG"))
    example = load_examples(FRACTURE, splits=("train",))[0]
    assert read_upload(example).shape == (400, 800, 3)
    assert read_pixels(example).shape == (CACHED_SIDE // 2, CACHED_SIDE, 3)


def test_a_drawn_picture_needs_no_file():
    drawn = draw_negatives(16, seed=3)
    assert all(picture.dtype == np.uint8 and picture.shape == (192, 192, 3) for picture in drawn)
    assert all(np.array_equal(one, two) for one, two in zip(drawn, draw_negatives(16, seed=3), strict=True))
    assert not any(np.array_equal(one, two) for one, two in zip(drawn, draw_negatives(16, seed=4), strict=True))


def test_copies_of_a_photo_are_parts_of_it_in_other_colours():
    photo = np.random.default_rng(0).integers(0, 256, (80, 120, 3), dtype=np.uint8)
    copies = vary_photo(photo, 8, seed=1)
    assert all(copy.dtype == np.uint8 for copy in copies)
    assert all(44 <= copy.shape[0] <= 80 and 66 <= copy.shape[1] <= 120 for copy in copies)
    assert any((copy[..., 0] == copy[..., 2]).all() for copy in copies)
    assert any((copy[..., 0].mean() > copy[..., 2].mean() + 10) for copy in copies)
    assert all(np.array_equal(one, two) for one, two in zip(copies, vary_photo(photo, 8, seed=1), strict=True))


@pytest.fixture
def every_kind(tmp_path, monkeypatch) -> Path:
    """One picture of each split in the folder of each kind, and few drawn ones."""
    monkeypatch.setenv("LUMEN_DATASETS", str(tmp_path))
    monkeypatch.setattr(negatives, "DRAWN", {"train": (1, 4), "val": (2, 3), "test": (3, 2)})
    for part in ("clinical_lesion_photo", "fundus_photo"):
        (tmp_path / "gate_negatives" / part).mkdir(parents=True)
    write_folder(
        tmp_path / "gate_negatives",
        [
            {"path": f"{part}/{split}.png", "split": split, "dataset_name": "gate_negatives", "group": part}
            for part in ("clinical_lesion_photo", "fundus_photo")
            for split in SPLITS
        ],
    )
    for folder in FOLDERS:
        row = {"dataset_name": folder, "group": f"{folder} 1"}
        write_folder(tmp_path / folder, [row | {"path": f"{split}.png", "split": split} for split in SPLITS])
    return tmp_path


@pytest.mark.parametrize("split", SPLITS)
def test_the_gate_learns_from_every_folder_from_changed_copies_and_from_drawn_pictures(every_kind, split):
    found = load_examples(MODALITY_TASK, splits=(split,))
    assert {example.split for example in found} == {split}
    names = Counter(example.dataset_name for example in found)
    assert names == Counter(
        dict.fromkeys(FOLDERS, 1)
        | {"drawn by code": negatives.DRAWN[split][1]}
        | ({"not_medical, changed": negatives.COPIES[split]} if negatives.COPIES[split] else {})
        | {"gate_negatives": 2, odd_pictures.NAME: 6}
    )


def test_changed_copies_stay_with_the_group_of_their_picture(every_kind):
    copies = [example for example in load_examples(MODALITY_TASK) if example.dataset_name == "not_medical, changed"]
    assert {copy.group for copy in copies} == {"not_medical 1"}
    assert {copy.split for copy in copies} == {"train", "val"}


def test_the_golden_picture_depends_on_its_seed_alone():
    assert np.array_equal(draw_golden(7), draw_golden(7))
    assert not np.array_equal(draw_golden(7), draw_golden(8))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("fit", ["stretch", "pad", "crop"])
@pytest.mark.parametrize("shape", [(64, 64), (50, 150), (320, 90)])
def test_changed_images_have_the_shape_and_range_that_networks_read(kind, fit, shape):
    spec = InputSpec(64, 96, fit)
    for seed in range(6):
        rng = np.random.default_rng(seed)
        found = augment(scene(*shape), spec, getattr(augmentation, kind), rng)
        assert found.shape == (64, 96, 3)
        assert found.dtype == np.float32
        assert 0 <= found.min() < found.max() <= 255


@pytest.mark.parametrize("kind", KINDS)
def test_the_same_seed_changes_alike_and_another_does_not(kind):
    one, same, other = (
        augment(scene(), InputSpec(64, 64, "stretch"), getattr(augmentation, kind), np.random.default_rng(seed))
        for seed in (1, 1, 2)
    )
    assert np.array_equal(one, same)
    assert not np.array_equal(one, other)


@pytest.mark.parametrize("fit", ["stretch", "crop"])
def test_geometry_alone_keeps_a_plain_image_plain(fit):
    """One affine with mirrored borders adds no black corners and does not change the level."""
    turning = Augmentation(
        rotate=40, zoom=(0.7, 1.4), stretch=0.2, shift=0.1, mirror=True, flip=True, tone=0, soften=0, erase=0, frame=0
    )
    for seed in range(10):
        rng = np.random.default_rng(seed)
        found = augment(np.full((90, 120, 3), 77, np.uint8), InputSpec(64, 64, fit), turning, rng)
        assert found == pytest.approx(np.full((64, 64, 3), 77.0), abs=0.01)


def test_without_changes_the_image_is_only_resized():
    picture = scene(64, 64)
    found = augment(picture, InputSpec(64, 64, "stretch"), NO_CHANGE, np.random.default_rng(0))
    assert found == pytest.approx(picture.astype(float), abs=1)


def test_a_frame_covers_the_edges_in_one_grey_and_leaves_the_middle():
    picture, framed = scene(64, 64), dataclasses.replace(NO_CHANGE, frame=1)
    found = augment(picture, InputSpec(64, 64, "stretch"), framed, np.random.default_rng(3))
    changed = np.abs(found - picture).max(axis=2) > 1
    assert changed.any()
    assert not changed[8:-8, 8:-8].any()
    assert len(np.unique(found[changed])) == 1


def test_light_and_dark_are_exchanged():
    picture, inverted = scene(64, 64), dataclasses.replace(NO_CHANGE, invert=1)
    found = augment(picture, InputSpec(64, 64, "stretch"), inverted, np.random.default_rng(0))
    assert found == pytest.approx(255.0 - picture, abs=1)


def test_padding_stays_black():
    found = augment(np.full((50, 100, 3), 200, np.uint8), InputSpec(80, 80, "pad"), NO_CHANGE, np.random.default_rng(0))
    assert found[:18].max() < 1
    assert found[-18:].max() < 1
    assert found[24:56] == pytest.approx(np.full((32, 80, 3), 200.0), abs=1)


@needs_labelled_images
def test_nothing_is_chosen_on_copies_of_test_images():
    """The main source of brain holds mirrored copies of its own images; some lie in validation and test."""
    (source,) = RECIPES["brain"].sources
    copies = copies_of_test(source)
    listed = {row.path for row in load_examples(models.get_task("brain"))} | copies
    used = {row.path for row in load_examples(models.get_task("brain"), splits=("val",))}
    assert copies and copies < listed
    assert used and not used & copies
