"""Windows never leave the picture, keep the box's aspect, and are as large as they can be."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from despoof.core.errors import InputError
from despoof.face.window import window_of

sides = st.floats(20, 500)


@given(
    picture=st.tuples(st.floats(100, 900), st.floats(100, 900)),
    place=st.tuples(st.floats(0, 1), st.floats(0, 1)),
    face=st.tuples(st.floats(0.05, 0.95), st.floats(0.05, 0.95)),
    scale=st.floats(1, 5),
)
def test_a_window_is_the_largest_that_fits(picture, place, face, scale):
    width, height = picture
    w, h = face[0] * width, face[1] * height
    left, top = place[0] * (width - w), place[1] * (height - h)
    found = window_of((left, top, left + w, top + h), scale, (0, 0, width, height))
    assert found.left >= -1e-9 and found.top >= -1e-9
    assert found.right <= width + 1e-9 and found.bottom <= height + 1e-9
    across, down = found.right - found.left, found.bottom - found.top
    assert across / down == pytest.approx(w / h)
    assert down == pytest.approx(found.reach * h)
    full = found.reach == pytest.approx(scale)
    assert full or across == pytest.approx(width) or down == pytest.approx(height)
    # The face stays inside: moving the window never pushes it out.
    assert found.left <= left + 1e-6 and found.right >= left + w - 1e-6
    assert found.top <= top + 1e-6 and found.bottom >= top + h - 1e-6


def test_by_hand():
    # A face of 20 × 40 near the left edge of 100 × 100: twice its box, moved right by 5.
    assert window_of((5, 30, 25, 70), 2, (0, 0, 100, 100)) == (0, 10, 40, 90, 2)
    # Three times would be 120 high: it shrinks to 2.5, and is moved inside.
    assert window_of((5, 30, 25, 70), 3, (0, 0, 100, 100)) == (0, 0, 50, 100, 2.5)


@pytest.mark.parametrize(
    ("box", "scale", "frame"),
    [
        ((5, 5, 5, 9), 2, (0, 0, 10, 10)),
        ((1, 1, 5, 5), 0.5, (0, 0, 10, 10)),
        ((1, 1, 5, 5), 2, (4, 0, 4, 10)),
    ],
)
def test_bad_input(box, scale, frame):
    with pytest.raises(InputError, match="expected x1 < x2"):
        window_of(box, scale, frame)
