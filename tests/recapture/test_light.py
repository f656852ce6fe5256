import numpy as np
import pytest

from despoof.recapture.light import to_light, to_srgb


def test_every_code_survives_the_way_to_light_and_back():
    codes = np.arange(256, dtype=np.uint8).reshape(16, 16, 1).repeat(3, axis=2)
    assert np.array_equal(to_srgb(to_light(codes)), codes)


def test_known_points_of_the_srgb_curve():
    light = to_light(np.array([[[0, 10, 188]], [[255, 128, 11]]], np.uint8))
    expected = [
        [[0, 10 / 255 / 12.92, 0.5029]],
        [[1, 0.21586, ((11 / 255 + 0.055) / 1.055) ** 2.4]],
    ]
    assert light == pytest.approx(np.array(expected), abs=1e-4)
    assert to_srgb(np.array([[[-1, 2, 0.5]]], np.float32)).tolist() == [[[0, 255, 188]]]
