import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import pearsonr
from skimage.metrics import peak_signal_noise_ratio

from despoof.core.errors import InputError
from despoof.evaluation.despoofbench import classical
from despoof.evaluation.despoofbench.figures import compare
from despoof.evaluation.despoofbench.peaks import PROMINENT, find_peak, peak_kept

SIDE = 112


@pytest.fixture(scope="module")
def case():
    """A face and a noise that never clips: face − truth stays in range."""
    from PIL import Image
    from skimage import data

    part = Image.fromarray(data.astronaut()[40:232, 130:322]).resize((SIDE, SIDE))
    face = (np.asarray(part) * 0.5 + 64).astype(np.uint8)
    rng = np.random.default_rng(0)
    truth = (0.1 * rng.standard_normal((SIDE, SIDE, 3)) - 0.05).astype(np.float32)
    return face, truth.clip(-0.4, 0.4)


def grating(fx, fy, amplitude, side=SIDE, colour=(1, 1, 1)):
    y, x = np.mgrid[0:side, 0:side] / side
    one = amplitude * np.cos(2 * np.pi * (fx * x + fy * y))
    return (one[..., None] * np.array(colour)).astype(np.float32)


def test_the_truth_itself_is_perfect(case):
    face, truth = case
    found = compare(face, truth, truth.copy())
    assert found.correlation == pytest.approx(1) and found.relative_l2 == 0
    assert found.bands == pytest.approx([1] * 5) and found.band_correlation == pytest.approx(
        [1] * 5
    )
    assert found.ssim == pytest.approx(1) and found.psnr > 99


def test_zero_noise_gives_the_floor_of_every_figure(case):
    face, truth = case
    found = compare(face, truth, np.zeros_like(truth))
    assert found.correlation == 0 and found.relative_l2 == pytest.approx(1)
    assert found.bands == (0,) * 5 and found.band_correlation == (0,) * 5
    genuine = face.astype(np.float32) / 127.5 - 1 - truth
    image = face.astype(np.float32) / 127.5 - 1
    assert found.psnr == pytest.approx(
        peak_signal_noise_ratio(genuine, image, data_range=2), abs=1e-4
    )


def test_correlation_is_pearsons(case):
    face, truth = case
    estimate = np.roll(truth, 1, axis=0) + 0.3 * truth
    expected = pearsonr(truth.ravel().astype(np.float64), estimate.ravel().astype(np.float64))[0]
    assert compare(face, truth, estimate).correlation == pytest.approx(expected, abs=1e-6)


@given(gain=st.floats(0.1, 3), offset=st.floats(-0.2, 0.2))
@settings(max_examples=20, deadline=None)
def test_what_gain_and_offset_do(case, gain, offset):
    face, truth = case
    found = compare(face, truth, (gain * truth + offset).astype(np.float32))
    assert found.correlation == pytest.approx(1, abs=1e-4), "correlation does not see them"
    assert found.bands[1:] == pytest.approx([gain**2] * 4, rel=1e-3), "energy sees the gain"
    scaled = compare(face, truth, (gain * truth).astype(np.float32))
    assert scaled.relative_l2 == pytest.approx(abs(gain - 1), abs=1e-4)


def test_energy_of_the_octaves_adds_up_to_the_whole(case):
    """Parseval: the half plane of rfft2 counts twice where it must."""
    face, truth = case
    estimate = np.zeros_like(truth)
    estimate[::2] = truth[::2]
    found = compare(face, truth, estimate)
    t = np.fft.fft2(truth, axes=(0, 1))
    k = np.hypot(*np.meshgrid(*[np.fft.fftfreq(SIDE, 1 / SIDE)] * 2))
    for i, (low, high) in enumerate([(0, 4), (4, 8), (8, 16), (16, 32), (32, 1e9)]):
        ring = (k >= low) & (k < high)
        e = np.fft.fft2(estimate, axes=(0, 1))
        expected = (np.abs(e[ring]) ** 2).sum() / (np.abs(t[ring]) ** 2).sum()
        assert found.bands[i] == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda f, t, e: (f, t, e[:-1]), r"Shapes .*expected \(S, S, 3\)"),
        (lambda f, t, e: (f, t, np.where(e > 0, np.nan, e)), "NaN or Inf"),
        (lambda f, t, e: (f, 0 * t, e), "true noise is zero everywhere"),
    ],
)
def test_bad_input_is_refused_in_words(case, spoil, message):
    face, truth = case
    with pytest.raises(InputError, match=message):
        compare(*spoil(face, truth, truth.copy()))


@given(
    fx=st.integers(0, 55), fy=st.integers(-55, 55), side=st.sampled_from([96, 112]),
    channel=st.integers(0, 2),
)  # fmt: skip
@settings(max_examples=40, deadline=None)
def test_a_grating_is_found_where_it_is(fx, fy, side, channel):
    if math.hypot(fx, fy) < 7 or max(abs(fx), abs(fy)) > side // 2 - 2:
        return
    colour = np.eye(3)[channel] - 1 / 3  # cancels in grey
    rng = np.random.default_rng(3)
    noise = grating(fx, fy, 0.1, side, colour) + 0.02 * rng.standard_normal((side, side, 3))
    peak = find_peak(noise)
    assert peak is not None and peak.snr > PROMINENT
    if fx == 0:
        assert (peak.fx, abs(peak.fy)) == (0, abs(fy))
    else:
        assert (peak.fx, peak.fy) == (fx, fy)


def test_neither_white_nor_pink_noise_has_a_peak():
    k = np.maximum(np.hypot(*np.meshgrid(*[np.fft.fftfreq(SIDE, 1 / SIDE)] * 2)), 1)[..., None]
    for seed in range(40):
        white = np.random.default_rng(seed).standard_normal((SIDE, SIDE, 3))
        pink = np.fft.ifft2(np.fft.fft2(white, axes=(0, 1)) / k, axes=(0, 1)).real
        assert find_peak(white) is None and find_peak(pink) is None


def test_what_is_kept_of_a_peak():
    rng = np.random.default_rng(0)
    ground = 0.02 * rng.standard_normal((SIDE, SIDE, 3))
    truth = grating(20, 9, 0.1) + ground
    snr = find_peak(truth).snr
    assert peak_kept(truth, truth) == 0
    assert peak_kept(truth, 0.01 * truth) == pytest.approx(0, abs=1e-3), "a ratio has no scale"
    assert peak_kept(truth, 0 * truth) == pytest.approx(-snr)
    half = grating(20, 9, 0.05) + ground
    assert peak_kept(truth, half) == pytest.approx(-20 * math.log10(2), abs=0.5)
    assert math.isnan(peak_kept(ground, truth)), "no peak in the truth: nothing to keep"


DENOISERS = [
    classical.high_pass, classical.median_filter, classical.non_local_means, classical.wavelet
]  # fmt: skip


@pytest.mark.parametrize("denoise", DENOISERS, ids=lambda f: f.__name__)
def test_a_denoiser_finds_white_noise_and_nothing_in_a_flat_picture(denoise):
    flat = np.full((64, 64, 3), 120, np.uint8)
    assert np.abs(denoise(flat)).max() < 1e-5
    grain = np.random.default_rng(0).normal(0, 12, flat.shape)
    noisy = np.rint(flat + grain).clip(0, 255).astype(np.uint8)
    truth = (noisy.astype(np.float32) - flat) / 127.5
    found = denoise(noisy)
    assert found.dtype == np.float32 and found.shape == truth.shape
    assert compare(noisy, truth, found).correlation > 0.9


def test_zero_is_zero(case):
    assert not classical.zero(case[0]).any()
