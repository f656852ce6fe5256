"""Half a face is no face to judge, whatever the detector's box makes of it."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageOps

from despoof.core.types import Face
from despoof.face import CropConfig, assess, crop_face
from despoof.face.detect import CenterFace
from despoof.face.whole import USUAL, whole_measures

FIND = CenterFace()
CROP = CropConfig(size=64, scale=1.3)
WORDS = ("cut off", "not whole", "outside the picture")
PARTS = {
    "left": (0.5, 0, 1, 1),
    "right": (0, 0, 0.5, 1),
    "top": (0, 0.5, 1, 1),
    "bottom": (0, 0, 1, 0.5),
    "left 40": (0.4, 0, 1, 1),
    "right 40": (0, 0, 0.6, 1),
    "top 40": (0, 0.4, 1, 1),
    "bottom 40": (0, 0, 1, 0.6),
    "corner": (0.45, 0, 1, 0.55),
    "strip": (0.25, 0, 0.75, 1),
    "band": (0, 0.25, 1, 0.75),
}
"""Shares of the face's box that stay; 0 and 1 mean the whole picture on that side."""


def box_of(picture):
    return FIND(picture)[0].box


def keep(picture, part):
    x1, y1, x2, y2 = box_of(picture)
    height, width = picture.shape[:2]
    left = round(x1 + part[0] * (x2 - x1)) if part[0] else 0
    top = round(y1 + part[1] * (y2 - y1)) if part[1] else 0
    right = round(x1 + part[2] * (x2 - x1)) if part[2] < 1 else width
    bottom = round(y1 + part[3] * (y2 - y1)) if part[3] < 1 else height
    return np.ascontiguousarray(picture[top:bottom, left:right])


def reasons(picture):
    """What the gate says of every face that is found."""
    found = FIND(picture)
    return [assess(picture, face, crop_face(picture, face, CROP)).reason for face in found]


def is_turned_away(picture):
    return all(any(word in reason for word in WORDS) for reason in reasons(picture))


@pytest.fixture(params=["", "mirrored", "large", "half", "turned"])
def whole(request, portrait):
    image = Image.fromarray(portrait)
    changed = {
        "mirrored": lambda: ImageOps.mirror(image),
        "large": lambda: image.resize((1400, 1400)),
        "half": lambda: image.resize((330, 330)),
        "turned": lambda: image.rotate(15, Image.Resampling.BICUBIC),
    }
    return np.asarray(changed.get(request.param, lambda: image)())


@pytest.mark.parametrize("part", PARTS.values(), ids=PARTS)
def test_a_face_that_the_border_cuts_is_turned_away(whole, part):
    assert is_turned_away(keep(whole, part))


@pytest.mark.parametrize("colour", [0, 127, 255])
@pytest.mark.parametrize("part", ["left", "right", "top", "bottom"])
def test_bars_around_half_a_face_do_not_make_it_whole(portrait, part, colour):
    half = keep(portrait, PARTS[part])
    found = reasons(np.pad(half, ((90, 90), (90, 90), (0, 0)), constant_values=colour))
    assert all(found), "some look turned away, or covered"


def test_a_whole_face_passes_also_where_its_box_meets_the_border(whole):
    assert reasons(whole) == [""]
    x1, y1, x2, y2 = (round(v) for v in box_of(whole))
    height, width = whole.shape[:2]
    for left, top, right, bottom in (
        (x1, 0, width, height),
        (0, y1, width, height),
        (0, 0, x2, height),
        (0, 0, width, y2),
        (x1, y1, x2, y2),
    ):
        part = np.ascontiguousarray(whole[top:bottom, left:right])
        assert reasons(part)[0] == "", (left, top, right, bottom)


box = st.tuples(st.floats(-50, 400), st.floats(-50, 400), st.floats(20, 300), st.floats(20, 300))


@given(box, st.floats(0.1, 30), st.integers(0, 3))
def test_measures_follow_size_and_quarter_turns(corners, zoom, turns):
    x, y, w, h = corners
    inside = np.array([[0.3, 0.4], [0.7, 0.4], [0.5, 0.6], [0.35, 0.8], [0.65, 0.8]])
    points = inside * [w, h] + [x, y]
    before = whole_measures(Face((x, y, x + w, y + h), points), 500, 400)
    corners, width, height = np.array([[x, y], [x + w, y + h]]), 500.0, 400.0
    for _ in range(turns):  # x, y → height − y, x
        corners, points = ([[height, 0]] + p[:, ::-1] * [-1, 1] for p in (corners, points))
        width, height = height, width
    low, high = corners.min(axis=0) * zoom, corners.max(axis=0) * zoom
    after = whole_measures(Face((*low, *high), points * zoom), width * zoom, height * zoom)
    assert after["margin"] == pytest.approx(before["margin"], abs=1e-6)
    turned = before["shape"] if turns % 2 == 0 else 1 / before["shape"]
    assert after["shape"] == pytest.approx(turned, rel=1e-4)


def test_a_box_alone_is_held_against_its_shape_only_at_the_border():
    assert whole_measures(Face((100, 100, 179, 200)), 400, 400) == {}
    at_border = whole_measures(Face((0, 100, 40, 200)), 400, 400)
    assert at_border == {"shape": pytest.approx(0.4 / USUAL)}


def test_the_reason_says_what_was_measured(portrait):
    (reason,) = {r for r in reasons(keep(portrait, PARTS["left"]))}
    assert reason.startswith("face is cut off by the picture's border: eyes or mouth are -0.")
    padded = np.pad(keep(portrait, PARTS["left"]), ((0, 0), (80, 0), (0, 0)))
    assert "times as wide as a whole face's, expected 0.72 to 1.35" in reasons(padded)[0]
