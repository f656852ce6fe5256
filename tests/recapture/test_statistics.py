import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

from despoof.core.errors import InputError
from despoof.recapture.light import to_light, to_srgb
from despoof.recapture.match_statistics import pair_statistics, tone_curve
from despoof.recapture.spectra import OCTAVES, octave_power, octave_transfer
from despoof.recapture.statistics import (
    gamut_volume,
    levels,
    local_contrast,
    noise_level,
    sharpness,
    statistics,
)


@pytest.fixture(scope="module")
def face(portrait):
    import cv2

    return cv2.resize(portrait[:300, 100:400], (224, 224), interpolation=cv2.INTER_AREA)


def rng(seed=0):
    return np.random.default_rng(seed)


def grey(codes):
    return np.clip(np.rint(np.dstack([codes] * 3)), 0, 255).astype(np.uint8)


# --- spectra -------------------------------------------------------------------------------------


def test_white_noise_fills_octaves_by_their_share_of_the_plane():
    # Rings of the frequency plane: area of the annulus, π (high² − low²), is the share.
    power = octave_power(rng().normal(0, 2, (512, 512)))
    edges = 2.0 ** -(np.arange(OCTAVES + 1) + 1)
    share = np.pi * (edges[:-1] ** 2 - edges[1:] ** 2)
    assert np.allclose(power / 4, share, rtol=[0.05, 0.05, 0.1, 0.2, 0.4])


@pytest.mark.parametrize("octave", range(OCTAVES))
def test_a_sine_wave_lies_in_its_octave(octave):
    cycles = 0.72 * 2.0 ** -(octave + 1)
    wave = 0.3 * np.sin(2 * np.pi * cycles * np.arange(256) * np.ones((256, 1)))
    power = octave_power(wave, tile=128)
    assert np.argmax(power) == octave
    assert power[octave] == pytest.approx(0.3**2 / 2, rel=0.25)  # the window leaks


def test_spectra_ignore_the_mean_and_scale_as_a_square():
    plane = rng().normal(0, 1, (128, 96))
    assert np.allclose(octave_power(plane + 5), octave_power(plane))
    assert np.allclose(octave_power(3 * plane), 9 * octave_power(plane))


def test_transfer_separates_what_is_shared_from_what_is_new():
    source = rng(1).normal(0, 1, (512, 512))
    added = 0.5 * rng(2).normal(0, 1, (512, 512))
    found = octave_transfer(source, 0.7 * source + added)
    assert np.allclose(found.gain, 0.7, atol=0.08)
    assert np.allclose(found.noise[:3], octave_power(added)[:3], rtol=0.1)


def test_transfer_of_a_blur_is_its_mtf():
    source = rng(1).normal(0, 1, (512, 512))
    found = octave_transfer(source, ndimage.gaussian_filter(source, 1.0, mode="wrap"))
    line = np.fft.fftfreq(512)
    radius = np.hypot(line[:, None], line)
    mtf = np.exp(-2 * np.pi**2 * radius**2)
    for octave in range(3):
        band = (radius <= 2.0 ** -(octave + 1)) & (radius > 2.0 ** -(octave + 2))
        assert found.gain[octave] == pytest.approx(mtf[band].mean(), abs=0.03)


def test_spectra_refuse_what_they_cannot_measure():
    with pytest.raises(InputError, match="at least"):
        octave_power(np.zeros((32, 200)))
    with pytest.raises(InputError, match="one shape"):
        octave_transfer(np.zeros((64, 64)), np.zeros((64, 65)))
    with pytest.raises(InputError, match="inside"):
        octave_transfer(np.zeros((64, 64)), np.zeros((64, 64)), np.zeros((64, 64), bool))


# --- one picture ---------------------------------------------------------------------------------


@settings(max_examples=20, deadline=None)
@given(st.floats(0.01, 0.05), st.integers(0, 1000))
def test_noise_level_is_the_standard_deviation_of_white_noise(sigma, seed):
    noisy = grey(128 + rng(seed).normal(0, 255 * sigma, (128, 128)))
    assert noise_level(noisy) == pytest.approx(sigma, rel=0.1)


def test_noise_level_does_not_see_ramps_and_edges():
    y, x = np.mgrid[0:128, 0:128]
    assert noise_level(grey(x + y / 2)) < 0.003
    assert noise_level(grey(np.where(x > 60, 200, 50))) == 0


def test_sharpness_falls_with_blur_and_ignores_contrast(face):
    soft = ndimage.gaussian_filter(face, (1, 1, 0))
    assert sharpness(soft) < sharpness(face) - 0.5
    assert sharpness(grey(60 + face[..., 0] / 2)) == pytest.approx(
        sharpness(grey(face[..., 0])), abs=0.05
    )


def test_gamut_volume_shrinks_with_saturation_and_contrast(face):
    lum = face.mean(axis=2, keepdims=True)
    dull = np.rint(lum + 0.5 * (face - lum)).astype(np.uint8)
    assert gamut_volume(dull) == pytest.approx(gamut_volume(face) - np.log10(4), abs=0.3)
    assert gamut_volume(np.full((64, 64, 3), 90, np.uint8)) == -3


def test_local_contrast_of_a_checkerboard_is_its_amplitude():
    y, x = np.mgrid[0:64, 0:64]
    board = grey(128 + 51 * (-1.0) ** (x + y))
    assert np.allclose(local_contrast(board), 0.2, atol=0.003)


def test_levels_are_percentiles_of_luma():
    ramp = np.tile(np.linspace(20, 220, 1000), (64, 1))
    assert np.allclose(levels(grey(ramp)), np.array([22, 120, 218]) / 255, atol=0.004)


def test_all_statistics_are_finite_even_for_a_blank_picture(face):
    names = set(statistics(face))
    for blank in (0, 90, 255):
        found = statistics(np.full((64, 64, 3), blank, np.uint8))
        assert set(found) == names
        assert np.isfinite(list(found.values())).all()


def test_statistics_refuse_floats():
    with pytest.raises(InputError, match="uint8"):
        statistics(np.zeros((64, 64, 3)))


# --- pairs ---------------------------------------------------------------------------------------


def spoof(face, slope=0.6, lift=0.05, *, saturation=1.0, gains=(1.0, 1.0, 1.0), blur=0.0):
    light = to_light(face).astype(np.float64)
    bright = (light @ [0.299, 0.587, 0.114])[..., None]
    light = lift + slope * (bright + saturation * (light - bright))
    if blur:
        light = ndimage.gaussian_filter(light, (blur, blur, 0))
    return to_srgb((light * gains).astype(np.float32))


def test_an_unchanged_picture_changes_nothing(face):
    found = pair_statistics(face, face)
    assert (found.slope, found.lift, found.blur, found.shading) == pytest.approx((1, 0, 0, 0))
    assert (found.saturation, found.red_gain, found.blue_gain) == pytest.approx((1, 1, 1))
    assert max(found.own) < 1e-9


@settings(max_examples=15, deadline=None)
@given(st.floats(0.3, 0.8), st.floats(0, 0.15))
def test_contrast_is_found_back(portrait, slope, lift):
    face = portrait[:128, 160:288]
    found = pair_statistics(face, spoof(face, slope, lift))
    assert found.slope == pytest.approx(slope, abs=0.02)
    assert found.lift == pytest.approx(lift, abs=0.01)
    assert found.black_share == pytest.approx(lift / (lift + slope), abs=0.02)


@pytest.mark.parametrize("kept", [0.5, 0.7, 0.9])
def test_the_mediums_saturation_is_found_back_beneath_the_lift(face, kept):
    found = pair_statistics(face, spoof(face, saturation=kept))
    assert found.medium_saturation == pytest.approx(kept, abs=0.08)
    assert found.saturation < found.medium_saturation


def test_a_colour_cast_is_found_back(face):
    found = pair_statistics(face, spoof(face, lift=0, gains=(1.2, 1.0, 0.8)))
    assert found.red_gain == pytest.approx(1.2, abs=0.03)
    assert found.blue_gain == pytest.approx(0.8, abs=0.03)


@pytest.mark.parametrize("sigma", [0.6, 1.0, 1.6])
def test_blur_is_found_back(face, sigma):
    found = pair_statistics(face, spoof(face, lift=0, slope=1, blur=sigma))
    assert found.blur == pytest.approx(sigma, rel=0.2)


def test_shading_is_found_back(face):
    ramp = np.linspace(-0.5, 0.5, 224)[None, :, None]
    shaded = to_srgb((0.6 * to_light(face) * 2**ramp).astype(np.float32))
    # A uniform ramp of one stop has standard deviation 1/√12; smoothing at the borders takes some.
    assert pair_statistics(face, shaded).shading == pytest.approx(1 / np.sqrt(12), rel=0.25)


def test_tone_curve_rises_and_starts_at_the_lift(face):
    inside = np.ones(face.shape[:2], bool)
    curve = tone_curve(face, spoof(face, 0.6, 0.1), inside)
    known = curve[np.isfinite(curve)]
    assert (np.diff(known) > 0).all()
    assert known[0] == pytest.approx(0.1, abs=0.02)


def test_pairs_must_match(face):
    with pytest.raises(InputError, match="one shape"):
        pair_statistics(face, face[1:])
    with pytest.raises(InputError, match="inside"):
        pair_statistics(face, face, np.zeros(face.shape[:2], bool))
