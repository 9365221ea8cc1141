"""Copies of images, however turned: that they are found, and nothing else, and what is made of them."""

import csv
import json
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

import models
from models import deployment
from models.audit import Audit, CopiedSplit, Copies, SourceProbes, encode_audit
from models.training import audit, datasets, manifest
from models.training.copies import compare, find_copies, look_at
from models.training.datasets import load_examples
from models.training.manifest import datasets_root, read_manifest
from tests.ml.files import save
from tests.ml.labelled import needs_labelled_images
from tests.ml.networks import network_folder

INJURY = models.get_task("injury")
TURNS = {
    "as it is": lambda pixels: pixels,
    "turned by 90 degrees": lambda pixels: np.rot90(pixels),
    "by 180": lambda pixels: np.rot90(pixels, 2),
    "by 270": lambda pixels: np.rot90(pixels, 3),
    "mirrored": lambda pixels: pixels[:, ::-1],
    "upside down": lambda pixels: pixels[::-1],
    "along one diagonal": lambda pixels: pixels.transpose(1, 0, 2),
    "along the other": lambda pixels: np.rot90(pixels, 2).transpose(1, 0, 2),
}


def film(seed: int, height: int = 150, width: int = 120) -> np.ndarray:
    """Something like a radiograph, uint8 RGB: every one has a bright body in the middle, and shapes of its own."""
    rng = np.random.default_rng(seed)
    canvas = np.full((height, width), 30, np.uint8)
    cv2.ellipse(canvas, (width // 2, height // 2), (width // 3, height // 3), 0, 0, 360, 120, -1)
    for _ in range(14):
        centre = tuple(int(rng.integers(0.2 * side, 0.8 * side)) for side in (width, height))
        axes = tuple(int(side) for side in rng.integers(4, 18, 2))
        cv2.ellipse(canvas, centre, axes, float(rng.integers(180)), 0, 360, int(rng.integers(60, 230)), -1)
    return cv2.cvtColor(cv2.GaussianBlur(canvas, (0, 0), 1.5), cv2.COLOR_GRAY2RGB)


def jpeg(pixels: np.ndarray, quality: int) -> np.ndarray:
    _, data = cv2.imencode(".jpg", pixels, [cv2.IMWRITE_JPEG_QUALITY, quality])
    return cv2.imdecode(data, cv2.IMREAD_COLOR)


def pairs(*pictures: np.ndarray) -> list[tuple[int, int]]:
    return list(find_copies([look_at(np.ascontiguousarray(one)) for one in pictures]))


@pytest.mark.parametrize("turn", TURNS.values(), ids=TURNS)
def test_a_copy_is_found_however_it_is_turned(turn):
    assert pairs(film(1), film(2), turn(film(1)), film(3)) == [(0, 2)]
    assert pairs(turn(film(1)), film(2), film(1), film(3)) == [(0, 2)]


def test_every_turn_has_a_number_of_its_own():
    one = look_at(film(1))
    found = [compare(one, look_at(np.ascontiguousarray(turn(film(1))))) for turn in TURNS.values()]
    assert sorted(likeness.turn for likeness in found) == list(range(8))
    assert all(likeness.correlation > 0.99 and likeness.distance <= 4 for likeness in found)


@pytest.mark.parametrize(
    "change",
    [
        lambda pixels: jpeg(pixels, 25),
        lambda pixels: cv2.resize(pixels, (60, 75), interpolation=cv2.INTER_AREA),
        lambda pixels: cv2.resize(pixels, (150, 150)),
        lambda pixels: cv2.convertScaleAbs(pixels, alpha=0.8, beta=60),
        lambda pixels: (255 * (pixels / 255) ** 0.6).astype(np.uint8),
        lambda pixels: jpeg(np.rot90((255 * (pixels / 255) ** 1.7).astype(np.uint8)), 40),
    ],
    ids=["recompressed", "smaller", "squeezed", "brighter", "other contrast", "turned, darker and recompressed"],
)
def test_a_copy_that_was_changed_is_found(change):
    assert pairs(film(1), film(2), change(film(1))) == [(0, 2)]


def test_a_copy_that_was_cropped_is_told_by_its_hash():
    """Its correlation alone is what two films of one kind may have; without the hash's word it is left."""
    cropped = {seed: film(seed)[4:-4, 4:-4][:, ::-1] for seed in (5, 7)}
    found = find_copies([look_at(film(5)), look_at(np.ascontiguousarray(cropped[5]))])
    assert 0.93 < found[0, 1].correlation < 0.985
    assert found[0, 1].distance <= 4
    unlike = compare(look_at(film(7)), look_at(np.ascontiguousarray(cropped[7])))
    assert 0.93 < unlike.correlation < 0.985
    assert unlike.distance > 4
    assert pairs(film(7), cropped[7]) == []


def test_different_images_of_one_kind_are_no_copies():
    assert pairs(*(film(seed) for seed in range(60))) == []


def test_plain_images_are_copies_of_nothing():
    plain = np.full((64, 64, 3), 90, np.uint8)
    assert pairs(plain, plain, film(1)) == []
    assert pairs() == []


def test_pairs_are_found_across_blocks(monkeypatch):
    """Many images are compared block by block, and no pair is lost or counted twice at an edge."""
    from models.training import copies

    films = [film(seed) for seed in range(11)]
    every = [*films, *(one[:, ::-1] for one in films)]
    monkeypatch.setattr(copies, "ROWS", 3)
    monkeypatch.setattr(copies, "COLUMNS", 4)
    assert pairs(*every) == [(index, index + 11) for index in range(11)]


def write_set(folder: Path, images: dict[str, np.ndarray], **columns: list[str]) -> None:
    """Images named after their splits ("train 1"), one group each unless `columns` says otherwise."""
    folder.mkdir(parents=True)
    names = {name: f"{name.replace(' ', '')}.png" for name in images}
    for name, pixels in images.items():
        (folder / names[name]).write_bytes(save(np.ascontiguousarray(pixels), "PNG"))
    rows = {
        "path": list(names.values()), "label": ["burn"] * len(names), "dataset_name": ["made up"] * len(names),
        "group": list(names), "split": [name.split()[0] for name in names],
    } | columns  # fmt: skip
    with (folder / "manifest.csv").open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([list(rows), *zip(*rows.values(), strict=True)])


@pytest.fixture
def root(tmp_path, monkeypatch) -> Path:
    """An empty folder of data sets; nothing is known of copies."""
    monkeypatch.setenv("LUMEN_DATASETS", str(tmp_path))
    monkeypatch.setattr(manifest, "COPIES", tmp_path / "copies.csv")
    know(tmp_path)
    return tmp_path


def know(root: Path, *rows: str) -> None:
    (root / "copies.csv").write_text("\n".join(["folder,path,copy_of,seen", *rows, ""]))


LEAKY = {
    "train 1": film(1), "train 2": film(2), "train 3": film(3), "train 4": film(2)[::-1],
    "val 1": film(4), "val 2": jpeg(film(5), 60),
    "test 1": film(1)[:, ::-1], "test 2": film(5), "test 3": film(6),
}  # fmt: skip


def test_the_command_passes_splits_that_are_apart(root, capsys):
    write_set(root / "injury", {"train 1": film(1), "train 2": film(1)[::-1], "val 1": film(2), "test 1": film(3)})
    assert datasets.main(["injury"]) == 0
    said = capsys.readouterr().out
    assert "4 images of injury" in said
    assert "test: 0 of 1 have a copy in train" in said
    assert "train: 2 of 2 have a copy beside them" in said
    assert "injury: made up, train: 1" in said


def test_the_command_fails_where_training_sees_an_image_of_test(root, capsys):
    write_set(root / "injury", LEAKY)
    assert datasets.main(["injury", "--json", str(root / "out.json")]) == 1
    said = capsys.readouterr().out
    assert "injury/train1.png in train copies injury/test1.png in test" in said
    assert "test: 1 of 3 have a copy in train, 1 without" in said
    assert "test: 1 of 3 have a copy in val, 1 without" in said
    found = json.loads((root / "out.json").read_text())
    assert found["images"] == {"injury": 9}
    listed = {(pair["first"], pair["second"]) for pair in found["pairs"] if pair["splits"] == ["train", "test"]}
    assert listed == {("injury/train1.png", "injury/test1.png")}


def test_a_copy_that_is_known_is_left_out_of_training_and_passes(root, capsys):
    write_set(root / "injury", LEAKY)
    know(root, "injury,train1.png,test1.png,copy", "chest,train2.png,test1.png,copy")
    assert datasets.main(["injury"]) == 0
    assert "test: 1 of 3 have a copy in train, 0 without" in capsys.readouterr().out
    loaded = {example.path.name for example in load_examples(INJURY)}
    assert loaded == {"train2.png", "train3.png", "train4.png", "val1.png", "val2.png"} | {
        f"test{number}.png" for number in (1, 2, 3)
    }


def test_a_copy_that_only_the_eye_found_counts(root, capsys):
    write_set(root / "injury", {"train 1": film(1), "val 1": film(2), "test 1": film(3)})
    know(root, "injury,train1.png,test1.png,copy")
    assert datasets.main(["injury"]) == 0
    assert "test: 1 of 1 have a copy in train, 0 without" in capsys.readouterr().out


def test_the_command_compares_the_folders_of_all_tasks_named(root, capsys):
    write_set(root / "injury", {"train 1": film(1), "test 1": film(2)})
    write_set(root / "skin", {"train 2": film(3), "test 2": film(1)[::-1]}, label=["mel", "nv"])
    assert datasets.main(["injury"]) == datasets.main(["skin_lesion"]) == 0
    assert datasets.main(["injury", "skin_lesion"]) == 1
    said = capsys.readouterr().out
    assert "injury: made up and skin: made up, train/test: 1" in said
    assert "injury/train1.png in train copies skin/test2.png in test" in said


def test_the_command_fails_for_a_group_in_two_splits(root, capsys):
    images = {"train 1": film(1), "val 1": film(2), "test 1": film(3)}
    write_set(root / "injury", images, group=["A", "B", "A"])
    assert datasets.main(["injury"]) == 1
    assert "injury: the group A is in train and test." in capsys.readouterr().out


def test_the_command_fails_for_an_image_that_is_missing_or_damaged(root, capsys):
    write_set(root / "injury", LEAKY | {"train 1": film(9)})
    (root / "injury" / "train2.png").unlink()
    (root / "injury" / "train3.png").write_bytes(b"no image")
    assert datasets.main(["injury"]) == 1
    said = capsys.readouterr().out
    assert "injury/train2.png: there is no such file." in said
    assert "injury/train3.png: The image cannot be read" in said


def test_a_task_without_its_folder_is_told(root):
    with pytest.raises(SystemExit, match=r"manifest\.csv cannot be read"):
        datasets.main(["injury"])


OLD = Audit(
    created="2026-01-31", sha256="e" * 64, split="val", tiny_image_baseline={},
    source_classifier=SourceProbes("dataset_name", None, {}),
)  # fmt: skip


@pytest.fixture
def audited(root, monkeypatch) -> Path:
    """The audit of a network, of before copies were searched for, beside the leaky images."""
    write_set(root / "injury", LEAKY)
    monkeypatch.setattr(deployment, "WEIGHTS", root / "weights")
    path = network_folder(INJURY) / "audit.json"
    path.parent.mkdir(parents=True)
    path.write_text(encode_audit(OLD), encoding="utf-8")
    return path


def test_an_audit_of_before_is_read_and_only_its_copies_are_added(audited, capsys):
    assert "copies" not in json.loads(audited.read_text())
    assert models.read_audit(INJURY) == OLD
    know(audited.parents[3], "injury,train1.png,test1.png,copy")
    audit.main(["injury", "--only", "copies"])
    found = models.read_audit(INJURY)
    assert replace(found, copies=None) == OLD
    assert found.copies.splits == (
        CopiedSplit("test", "train", n=3, copied=1, in_use=0),
        CopiedSplit("val", "train", n=2, copied=0, in_use=0),
        CopiedSplit("test", "val", n=3, copied=1, in_use=1),
        CopiedSplit("train", "train", n=4, copied=2, in_use=2),
        CopiedSplit("val", "val", n=2, copied=0, in_use=0),
        CopiedSplit("test", "test", n=3, copied=0, in_use=0),
    )
    assert "test: 1 of 3 have a copy in train, 0 without" in capsys.readouterr().out


def test_copies_are_added_to_no_audit_that_is_not_there(audited):
    audited.unlink()
    with pytest.raises(SystemExit, match="has no audit yet"):
        audit.main(["injury", "--only", "copies"])


def test_an_audit_keeps_what_was_found(audited):
    copies = Copies("2026-03-01", (CopiedSplit("test", "train", n=3, copied=2, in_use=1),))
    audited.write_text(encode_audit(replace(OLD, copies=copies)), encoding="utf-8")
    assert models.read_audit(INJURY).copies == copies


@pytest.mark.parametrize("task", models.all_tasks(), ids=lambda task: task.name)
def test_copies_were_searched_for_in_the_images_of_every_serving_network(task):
    found = getattr(models.read_audit(task), "copies", None)
    assert found, f"run: python -m models.training.audit {task.name} --only copies"
    assert all(0 <= one.in_use <= one.copied <= one.n for one in found.splits)
    counts = {(one.other, one.split): one.in_use for one in found.splits}
    assert counts["train", "val"] == counts["train", "test"] == 0, "known copies stay out of training"


@needs_labelled_images
def test_what_the_list_leaves_out_is_of_training_and_like_what_it_copies():
    rows = read_manifest(manifest.COPIES)
    assert rows
    splits = {
        (folder, row["path"]): row["split"]
        for folder in {row["folder"] for row in rows}
        for row in read_manifest(datasets_root() / folder / "manifest.csv")
    }
    for row in rows:
        assert splits[row["folder"], row["path"]] == "train"
        assert splits[row["folder"], row["copy_of"]] in ("val", "test")
        assert row["seen"] in ("copy", "neighbour", "alike")
        folder = datasets_root() / row["folder"]
        one, other = (
            look_at(models.decode_image((folder / row[key]).read_bytes()).pixels) for key in ("path", "copy_of")
        )
        assert compare(one, other).correlation > 0.85


@needs_labelled_images
def test_training_uses_nothing_that_the_list_names():
    listed = {(row["folder"], row["path"]) for row in read_manifest(manifest.COPIES)}
    for task in models.all_tasks():
        used = {example.path.relative_to(datasets_root()).parts for example in load_examples(task, splits=("train",))}
        assert used and not {(parts[0], "/".join(parts[1:])) for parts in used} & listed
