import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from despoof.recapture.sensor import (
    SensorParams,
    area_sample,
    expose,
    mosaic,
    to_linear,
    white_gains,
)


def rng(seed=0):
    return np.random.default_rng(seed)


def flat(value, side=256):
    return np.full((side, side, 3), value, np.float32)


@settings(max_examples=15, deadline=None)
@given(st.floats(2e-4, 4e-3), st.floats(1e-6, 1e-4), st.floats(0.05, 0.7), st.integers(0, 99))
def test_the_variance_of_a_flat_is_a_times_light_plus_b(shot, read, level, seed):
    sensor = SensorParams(shot=shot, read=read, bits=14)
    raw = expose(flat(level, 512), sensor, rng(seed))
    assert raw.mean() == pytest.approx(level, rel=0.01)
    # 65,536 pixels: the sample variance has a relative deviation of √(2 / 65536) = 0.55 %.
    assert raw.var() == pytest.approx(shot * level + read, rel=0.03)


def test_noise_of_black_is_not_cut_in_half():
    raw = expose(flat(0), SensorParams(read=1e-4), rng())
    assert raw.mean() == pytest.approx(0, abs=5e-4) and raw.std() == pytest.approx(0.01, rel=0.05)


@pytest.mark.parametrize("factor", [1, 2, 3, 4])
@pytest.mark.parametrize("fill", [0.5, 0.9, 1.0])
def test_area_sampling_conserves_light(factor, fill):
    light = rng().random((24 * factor, 30 * factor, 3), dtype=np.float32)
    seen = area_sample(light, factor, fill)
    assert seen.shape == (24, 30, 3) and seen.dtype == np.float32
    assert seen.mean() == pytest.approx(light.mean(), rel=0.03)
    assert area_sample(np.ones_like(light), factor, fill) == pytest.approx(1, abs=1e-6)


def test_area_sampling_is_the_block_mean_and_fill_narrows_it():
    light = rng().random((12, 12, 3), dtype=np.float32)
    blocks = light.reshape(4, 3, 4, 3, 3)
    assert area_sample(light, 3) == pytest.approx(blocks.mean(axis=(1, 3)), abs=1e-6)
    assert area_sample(light, 3, 1 / 3) == pytest.approx(blocks[:, 1, :, 1], abs=1e-6)


def test_the_mosaic_is_rggb():
    light = np.broadcast_to(np.array([1, 2, 3], np.float32), (4, 6, 3))
    assert mosaic(light).tolist()[:2] == [[1, 2, 1, 2, 1, 2], [2, 3, 2, 3, 2, 3]]


def test_exposure_gains_and_full_scale_clips():
    assert expose(flat(0.2), SensorParams(exposure=2), rng()).mean() == pytest.approx(0.4, rel=1e-3)
    assert expose(flat(0.7), SensorParams(exposure=2), rng()).max() == 1


def test_metering_brings_bright_and_dark_scenes_together():
    metered = SensorParams(metering=1)
    dark, bright = (expose(flat(v), metered, rng()).mean() for v in (0.1, 0.8))
    assert dark == pytest.approx(bright, rel=1e-3)
    half = SensorParams(metering=0.5)
    dark, bright = (expose(flat(v), half, rng()).mean() for v in (0.1, 0.4))
    assert bright / dark == pytest.approx(2, rel=0.01)


@pytest.mark.parametrize("bits", [8, 10, 12])
def test_values_lie_on_the_converters_steps(bits):
    raw = expose(flat(0.3), SensorParams(bits=bits, read=1e-4), rng())
    steps = raw * (2**bits - 1)
    assert np.abs(steps - np.rint(steps)).max() < 1e-2


def test_colours_come_back_through_gains_and_matrix():
    sensor = SensorParams(sensitivity=(0.5, 0.6), crosstalk=0.3, bits=16)
    colour = np.array([0.6, 0.3, 0.1], np.float32)
    raw = expose(np.broadcast_to(colour, (32, 32, 3)).copy(), sensor, rng())
    seen = np.array([raw[0, 0], raw[0, 1], raw[1, 1]]) * white_gains(sensor)
    assert to_linear(sensor) @ seen == pytest.approx(colour, abs=1e-3)


def test_the_low_pass_takes_the_finest_detail():
    stripes = np.zeros((64, 64, 3), np.float32)
    stripes[:, ::4] = stripes[:, 1::4] = 1
    sharp, soft = (
        np.ptp(expose(stripes, SensorParams(lowpass=s), rng())[8:-8, 8:-8]) for s in (0, 0.45)
    )
    assert soft < 0.5 * sharp
