import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from despoof.recapture.optics import OpticsParams, through_lens


def rng():
    return np.random.default_rng(0)


def point(side=129):
    light = np.zeros((side, side, 3), np.float32)
    light[side // 2, side // 2] = 1
    return light


def moments(spot):
    """Standard deviations along x and y, and along the axis of a 2-D spot."""
    y, x = np.mgrid[0 : spot.shape[0], 0 : spot.shape[1]] - spot.shape[0] // 2
    return np.sqrt((spot * x * x).sum()), np.sqrt((spot * y * y).sum())


def test_a_perfect_lens_changes_nothing():
    light = rng().random((32, 40, 3), dtype=np.float32)
    assert np.array_equal(through_lens(light, OpticsParams(), rng()), light)


@pytest.mark.parametrize("spot", ["gaussian", "disk"])
@pytest.mark.parametrize("defocus", [0.4, 0.8, 1.2, 2.0])
@pytest.mark.parametrize("oversampling", [2, 3])
def test_defocus_is_as_wide_as_asked(spot, defocus, oversampling):
    lens = OpticsParams(defocus=defocus, spot=spot)
    seen = through_lens(point(), lens, rng(), oversampling=oversampling)[..., 0]
    assert moments(seen) == pytest.approx([defocus * oversampling] * 2, rel=0.12)
    assert seen.sum() == pytest.approx(1, abs=1e-3)


def test_a_disk_is_flat_and_a_gaussian_is_not():
    disk, bell = (
        through_lens(point(), OpticsParams(defocus=1.0, spot=s), rng())[64, :, 0]
        for s in ("disk", "gaussian")
    )
    assert disk[64] == pytest.approx(disk[62], rel=0.01)
    assert bell[64] > 1.3 * bell[62]


def test_blurs_add_in_variance():
    lens = OpticsParams(defocus=0.8, sharpness=0.6)
    assert moments(through_lens(point(), lens, rng())[..., 0])[0] == pytest.approx(2, rel=0.05)


@pytest.mark.parametrize("length", [1.0, 3.0, 4.5, 8.0, 14.0])
@pytest.mark.parametrize("degrees", [0, 37, 90])
def test_shake_is_a_line_of_its_length(length, degrees):
    lens = OpticsParams(motion=length, motion_angle=degrees)
    seen = through_lens(point(), lens, rng())[..., 0].astype(float)
    assert seen.sum() == pytest.approx(1, abs=1e-3)
    y, x = np.mgrid[0:129, 0:129] - 64
    angle = np.radians(degrees)
    along = x * np.cos(angle) + y * np.sin(angle)
    across = y * np.cos(angle) - x * np.sin(angle)
    # A line of length L spreads L / √12; bilinear samples add up to half a canvas pixel.
    assert np.sqrt((seen * along**2).sum()) == pytest.approx(2 * length / np.sqrt(12), abs=0.45)
    assert (seen * across**2).sum() < 1.2


def test_light_falls_with_the_fourth_power_of_the_cosine():
    bright = np.ones((101, 101, 3), np.float32)
    seen = through_lens(bright, OpticsParams(vignetting=0.5), rng())
    assert seen[50, 50] == pytest.approx([1.0] * 3, rel=1e-4)
    half_way = np.cos(np.arctan(0.5 * 35 / 50 * 50 / 50.5)) ** 4  # 35 of 50 px along both axes
    assert seen[15, 15, 0] == pytest.approx(half_way, rel=1e-3)


@settings(max_examples=15, deadline=None)
@given(
    st.builds(
        OpticsParams,
        defocus=st.floats(0, 2),
        sharpness=st.floats(0, 0.6),
        motion=st.floats(0, 9),
        motion_angle=st.floats(0, 180),
        flare=st.floats(0, 0.1),
        spot=st.sampled_from(["gaussian", "disk"]),
    )
)
def test_a_lens_without_vignetting_conserves_light(lens):
    light = rng().random((96, 80, 3), dtype=np.float32)
    seen = through_lens(light, lens, rng())
    assert seen.mean(axis=(0, 1)) == pytest.approx(light.mean(axis=(0, 1)), rel=0.01)
    assert seen.min() >= -1e-5 and seen.dtype == np.float32


def test_flare_lifts_black():
    light = np.zeros((64, 64, 3), np.float32)
    light[:32] = 1
    seen = through_lens(light, OpticsParams(flare=0.1), rng())
    assert seen[60, 0, 0] == pytest.approx(0.05, abs=1e-4)
    assert seen[0, 0, 0] == pytest.approx(0.95, abs=1e-4)


@pytest.mark.parametrize(("defocus", "left"), [(0.0, True), (1.6, False)])
def test_defocus_of_most_of_a_pitch_kills_the_grid(defocus, left):
    # Pitch 2 sensor px; SPEC §6 (c): gone at a defocus of 0.8 pitch and more.
    x = np.arange(256)
    stripes = np.repeat(((x // 2) % 2)[None, :, None], 256, axis=0).repeat(3, axis=2)
    seen = through_lens(stripes.astype(np.float32), OpticsParams(defocus=defocus), rng())
    assert (float(np.ptp(seen[32:-32, 32:-32])) > 0.02) is left
