"""Who decides for a picture: the largest face, and whoever may be a second person beside it."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from despoof.core.types import Face
from despoof.face.aside import SMALL, UNSURE, asides

WIDE, HIGH = 640, 480
INSIDE = np.array([[0.32, 0.4], [0.68, 0.4], [0.5, 0.6], [0.36, 0.78], [0.64, 0.78]])


def face(x, y, w, h, confidence=0.9):
    return Face((x, y, x + w, y + h), np.float32(INSIDE * [w, h] + [x, y]), confidence)


FIRST = face(100, 100, 158, 200)


@pytest.mark.parametrize(
    ("second", "why"),
    [
        (face(400, 200, 24, 30), "0.15 of the first face's size, 0.33 would decide"),
        (face(400, 200, 51, 64), "0.32 of the first face's size"),
        (face(400, 200, 79, 100, 0.55), "confidence is 0.55, 0.6 would decide"),
        (face(400, 200, 50, 120), "its box is 0.53 times as wide as a whole face's"),
        (face(400, 200, 120, 80), "its box is 1.90 times as wide"),
    ],
)
def test_what_is_no_second_person_is_set_aside(second, why):
    first, other = asides([FIRST, second], WIDE, HIGH)
    assert first == "" and why in other


@pytest.mark.parametrize(
    "second",
    [
        face(400, 200, 158, 200),
        face(400, 200, 56, 70),
        face(400, 200, 79, 100, 0.65),
        face(400, 200, 76, 90),
        face(400, 200, 79, 76),
        face(WIDE - 50, 200, 50, 120),  # the border cuts it: a person may be there
        face(0, 200, 50, 120),
        face(400, HIGH - 60, 120, 62),
    ],
)
def test_a_second_person_decides(second):
    assert asides([FIRST, second], WIDE, HIGH) == ["", ""]


box = st.tuples(st.floats(0, 500), st.floats(0, 400), st.floats(1, 300), st.floats(1, 300))


@given(st.lists(st.builds(lambda b, c: face(*b, c), box, st.floats(0.5, 1)), max_size=5))
def test_the_largest_face_always_decides(faces):
    faces.sort(key=lambda f: -(f.box[2] - f.box[0]) * (f.box[3] - f.box[1]))
    found = asides(faces, WIDE, HIGH)
    assert len(found) == len(faces) and found[:1] in ([], [""])
    for one, why in zip(faces[1:], found[1:], strict=True):
        if one.confidence < UNSURE:
            assert why


def test_boxes_alone_are_told_by_their_size():
    boxes = [Face((0, 0, 300, 300)), Face((400, 0, 640, 60)), Face((350, 300, 380, 340))]
    found = asides(boxes, WIDE, HIGH)
    assert found[:2] == ["", ""] and found[2].startswith("0.13 of") and SMALL > 0.13


def test_an_empty_box_is_left_to_the_crop():
    assert asides([FIRST, Face((5, 5, 5, 9))], WIDE, HIGH) == ["", ""]
    assert asides([Face((5, 5, 5, 5)), FIRST], WIDE, HIGH) == ["", ""]
