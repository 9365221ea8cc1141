"""What is put right of a picture before it is read: borders, round fields; and two pictures in one, parted."""

import cv2
import numpy as np
import pytest

from models import RightingCode
from models.righting import WHOLE, Righted, crop_to_field, find_round_field, invert_back, split_pictures, trim
from models.training import alterations, other_alterations
from tests.ml.files import noise, scene

DRAWERS = (alterations, other_alterations)


def soft(height: int = 200, width: int = 260) -> np.ndarray:
    """A bright, smooth picture with grain up to its edges."""
    return np.clip(scene(height, width).astype(int) // 2 + 100 + noise(height, width) // 16, 0, 255).astype(np.uint8)


def framed(picture: np.ndarray, *borders: int, shade: int = 0) -> np.ndarray:
    return cv2.copyMakeBorder(picture, *borders, cv2.BORDER_CONSTANT, value=(shade,) * 3)


def recoded(picture: np.ndarray) -> np.ndarray:
    return cv2.imdecode(cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, 80])[1], cv2.IMREAD_COLOR)


@pytest.mark.parametrize("shade", [0, 255, 40])
@pytest.mark.parametrize("borders", [(20, 20, 20, 20), (30, 10, 0, 0), (0, 0, 15, 40)])
def test_a_border_on_opposite_sides_is_trimmed(shade, borders):
    found = trim(framed(soft(), *borders, shade=shade))
    assert np.array_equal(found.pixels, soft())
    (done,) = found.done
    assert done.code == RightingCode.TRIMMED
    tall, wide = 200 + sum(borders[:2]), 260 + sum(borders[2:])
    assert done.values["kept"] == pytest.approx(200 * 260 / (tall * wide), abs=0.001)
    expected = (borders[0] / tall, borders[2] / wide, 1 - borders[1] / tall, 1 - borders[3] / wide)
    assert found.box == pytest.approx(expected)


def test_a_border_that_jpeg_blurred_is_trimmed():
    height, width = trim(recoded(framed(soft(), 24, 24, 32, 32))).pixels.shape[:2]
    assert 192 <= height <= 206
    assert 252 <= width <= 266


UNTOUCHED = {
    "no border": soft(),
    "one side": framed(soft(), 40, 0, 0, 0),
    "a hair's breadth": framed(soft(), 2, 2, 2, 2),
    "nothing but ground": np.zeros((200, 200, 3), np.uint8),
    "a small picture on a page": framed(soft(60, 60), 100, 100, 100, 100, shade=255),
    "a disc on black, as a head": cv2.circle(np.zeros((200, 200, 3), np.uint8), (100, 100), 80, (150, 150, 150), -1),
}


@pytest.mark.parametrize("name", UNTOUCHED)
def test_what_is_no_frame_stays(name):
    found = trim(UNTOUCHED[name])
    assert found.pixels is UNTOUCHED[name]
    assert (found.box, found.done) == (WHOLE, ())


@pytest.mark.parametrize("drawers", DRAWERS)
@pytest.mark.parametrize("seed", range(5))
def test_a_round_field_is_cut_out(drawers, seed):
    seen = drawers.see_round(soft(), np.random.default_rng(seed))
    row, column, radius = find_round_field(seen)
    assert (row, column) == pytest.approx((100, 130), abs=16)
    assert 80 <= radius <= 125
    found = crop_to_field(Righted(seen))
    assert [one.code for one in found.done] == [RightingCode.ROUND_FIELD]
    height, width = seen.shape[:2]
    top, left, bottom, right = (round(share * side) for share, side in zip(found.box, (height, width) * 2, strict=True))
    assert np.array_equal(found.pixels, seen[top:bottom, left:right])
    assert (found.pixels.max(axis=2) < 40).mean() < 0.05


@pytest.mark.parametrize("picture", [soft(), UNTOUCHED["nothing but ground"], noise(200, 200) // 4])
def test_without_a_round_field_nothing_is_cut(picture):
    righted = Righted(picture)
    assert find_round_field(picture) is None
    assert crop_to_field(righted) is righted


def test_a_field_in_a_trimmed_picture_lies_where_it_was_sent():
    seen = alterations.see_round(soft(), np.random.default_rng(0))
    sent = framed(seen, 30, 30, 30, 30, shade=255)
    found = crop_to_field(trim(sent))
    assert [one.code for one in found.done] == [RightingCode.TRIMMED, RightingCode.ROUND_FIELD]
    height, width = sent.shape[:2]
    top, left, bottom, right = (round(share * side) for share, side in zip(found.box, (height, width) * 2, strict=True))
    assert np.array_equal(found.pixels, sent[top:bottom, left:right])


def test_light_and_dark_are_exchanged_back():
    found = invert_back(Righted(255 - soft()))
    assert np.array_equal(found.pixels, soft())
    assert [one.code for one in found.done] == [RightingCode.INVERTED_BACK]


@pytest.mark.parametrize("layout", ["beside", "above"])
@pytest.mark.parametrize("gutter", [0, 10])
def test_two_pictures_are_parted_where_they_meet(layout, gutter):
    first, second = soft(), 255 - soft()
    axis = 1 if layout == "beside" else 0
    between = np.zeros((200, gutter, 3) if axis else (gutter, 260, 3), np.uint8)
    halves = split_pictures(np.concatenate([first, between, second], axis=axis), layout)
    for half, picture in zip(halves, (first, second), strict=True):
        assert picture.shape[axis] <= half.shape[axis] <= picture.shape[axis] + gutter
