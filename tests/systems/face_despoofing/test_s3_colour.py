import colorsys

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from despoof.systems.face_despoofing import colour

unit = st.floats(0, 1, width=32)


def pixel(red, green, blue):
    return torch.tensor([red, green, blue], dtype=torch.float32).view(1, 3, 1, 1)


@given(unit, unit, unit)
def test_hsv_is_that_of_colorsys(red, green, blue):
    found = colour.rgb_to_hsv(pixel(red, green, blue)).flatten().double().numpy()
    expected = np.array(colorsys.rgb_to_hsv(*pixel(red, green, blue).flatten().double().tolist()))
    assert found[1:] == pytest.approx(expected[1:], abs=1e-5)
    turn = abs(found[0] - expected[0])
    assert min(turn, 1 - turn) < 1e-5  # hue is an angle
    assert (found >= 0).all() and (found <= 1).all()


def test_pure_colours_greys_and_black():
    table = {
        (1, 0, 0): (0, 1, 1), (0, 1, 0): (1 / 3, 1, 1), (0, 0, 1): (2 / 3, 1, 1),
        (1, 1, 0): (1 / 6, 1, 1), (0.5, 0.5, 0.5): (0, 0, 0.5), (0, 0, 0): (0, 0, 0),
    }  # fmt: skip
    for rgb, hsv in table.items():
        assert colour.rgb_to_hsv(pixel(*rgb)).flatten().tolist() == pytest.approx(hsv)


def test_hue_jumps_at_red_and_the_hue_circle_does_not():
    before, after = pixel(0.8, 0.5, 0.501), pixel(0.8, 0.501, 0.5)  # two reds of skin
    jump = (colour.rgb_to_hsv(before) - colour.rgb_to_hsv(after)).abs().max()
    step = (colour.rgb_to_hue_circle(before) - colour.rgb_to_hue_circle(after)).abs().max()
    assert jump > 0.99 and step < 0.002


@given(unit, unit, unit)
def test_the_hue_circle_holds_hue_and_saturation(red, green, blue):
    rgb = pixel(red, green, blue)
    hue, saturation, value = colour.rgb_to_hsv(rgb).flatten().double().tolist()
    x, y, v = colour.rgb_to_hue_circle(rgb).flatten().double().tolist()
    assert min(x, y) >= -1e-6 and max(x, y) <= 1 + 1e-6 and v == value
    assert x == pytest.approx(0.5 + saturation * np.cos(2 * np.pi * hue) / 2, abs=1e-5)
    assert y == pytest.approx(0.5 + saturation * np.sin(2 * np.pi * hue) / 2, abs=1e-5)


@given(unit, unit, unit)
def test_ycbcr_is_the_jpeg_matrix(red, green, blue):
    matrix = [[0.299, 0.587, 0.114], [-0.168736, -0.331264, 0.5], [0.5, -0.418688, -0.081312]]
    expected = np.array(matrix) @ [red, green, blue] + [0, 0.5, 0.5]
    found = colour.rgb_to_ycbcr(pixel(red, green, blue)).flatten().numpy()
    assert found == pytest.approx(expected, abs=1e-5)
    assert found.min() >= -1e-6 and found.max() <= 1 + 1e-6


@pytest.mark.parametrize("space", ["hsv", "hue-circle", "ycbcr"])
def test_six_channels_end_in_rgb_and_lead_back(space):
    faces = torch.rand(2, 3, 5, 5) * 2 - 1
    six = colour.to_six_channels(faces, space)
    assert six.shape == (2, 6, 5, 5) and six.min() >= -1e-6 and six.max() <= 1 + 1e-6
    torch.testing.assert_close(six[:, 3:], (faces + 1) / 2)
    torch.testing.assert_close(colour.genuine_rgb(six), faces)


def test_the_published_order_is_hue_first_then_rgb():
    six = colour.to_six_channels(pixel(1, -1, 1) * 1.0, "hsv").flatten().tolist()
    assert six == pytest.approx([5 / 6, 1, 1, 1, 0, 1])


def test_genuine_pixels_are_clipped_to_the_range():
    six = torch.full((1, 6, 1, 1), 1.7)
    assert colour.genuine_rgb(six).max() == 1
