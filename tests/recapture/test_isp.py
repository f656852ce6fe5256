import numpy as np
import pytest

from despoof.recapture.isp import IspParams, demosaic, develop, tone_curve
from despoof.recapture.light import to_light, to_srgb
from despoof.recapture.sensor import SensorParams, expose, mosaic

PLAIN = SensorParams(bits=16)


def rng(seed=0):
    return np.random.default_rng(seed)


def shoot(light, isp, sensor=PLAIN, size=None):
    raw = expose(light.repeat(2, axis=0).repeat(2, axis=1), sensor, rng())
    return develop(raw, isp, rng(), sensor=sensor, size=size or light.shape[:2])


def smooth(side=64):
    y, x = np.mgrid[0:side, 0:side] / side
    return np.dstack([0.1 + 0.8 * x, 0.2 + 0.6 * y, 0.5 - 0.3 * x * y]).astype(np.float32)


@pytest.mark.parametrize("how", ["bilinear", "edges"])
def test_a_neutral_chain_is_the_srgb_encoding(how):
    light = smooth()
    seen = shoot(light, IspParams(demosaic=how)).astype(int)
    error = np.abs(seen - to_srgb(light).astype(int))[2:-2, 2:-2]
    assert error.max() <= 2 and seen.shape == (64, 64, 3)


@pytest.mark.parametrize("how", ["bilinear", "edges"])
def test_demosaicing_keeps_what_the_mosaic_measured_in_a_flat(how):
    light = np.broadcast_to(np.array([0.7, 0.4, 0.2], np.float32), (16, 16, 3))
    found = demosaic(mosaic(light), how, np.ones(3, np.float32))
    assert found == pytest.approx(light, abs=1e-3)


def test_a_sensors_own_colours_are_undone():
    sensor = SensorParams(bits=16, sensitivity=(0.5, 0.6), crosstalk=0.35)
    colours = np.array([[40, 90, 160], [200, 120, 100], [128, 128, 128]], np.uint8)
    for colour in colours:
        light = np.broadcast_to(to_light(colour[None, None]), (16, 16, 3)).astype(np.float32)
        assert shoot(light, IspParams(), sensor)[8, 8] == pytest.approx(colour, abs=2)


def test_a_wrong_white_balance_tints():
    grey = np.full((16, 16, 3), 0.3, np.float32)
    red, green, blue = shoot(grey, IspParams(white_error=(1.2, 0.8)))[8, 8].astype(int)
    assert red > green > blue
    assert red == pytest.approx(int(to_srgb(np.array([[[0.36] * 3]], np.float32))[0, 0, 0]), abs=2)


def test_saturation_keeps_grey_and_luminance():
    colour = np.broadcast_to(np.array([0.5, 0.3, 0.2], np.float32), (16, 16, 3)).copy()
    more, less = (to_light(shoot(colour, IspParams(saturation=s)))[8, 8] for s in (1.3, 0.5))
    weights = np.array([0.2126, 0.7152, 0.0722])
    assert more @ weights == pytest.approx(less @ weights, rel=0.02)
    assert np.ptp(more) > np.ptp(less)


@pytest.mark.parametrize("tone", ["srgb", "gamma", "s-curve"])
def test_tone_curves_rise_from_black_to_white(tone):
    curve = tone_curve(IspParams(tone=tone, contrast=0.6))
    assert curve[0] == 0 and curve[-1] == pytest.approx(255)
    assert (np.diff(curve) > 0).all()
    straight = tone_curve(IspParams(tone="gamma"))
    middle = np.searchsorted(straight, 127.5)
    if tone == "s-curve":
        steep, flat = (np.gradient(c)[middle] for c in (curve, straight))
        assert steep == pytest.approx(1.3 * flat, rel=0.01)  # 1 + 0.6 (6 x (1 - x) - 1) at ½


def test_sharpening_overshoots_and_denoising_smooths():
    edge = np.full((32, 32, 3), 0.1, np.float32)
    edge[:, 16:] = 0.5
    plain, sharp = (shoot(edge, IspParams(sharpen=s)).astype(int) for s in (0, 1.0))
    assert sharp.max() > plain.max() + 5 and sharp.min() < plain.min() - 5
    noisy = SensorParams(bits=14, shot=2e-3, read=1e-5)
    grey = np.full((64, 64, 3), 0.3, np.float32)
    rough, fine = (shoot(grey, IspParams(denoise=d), noisy).std() for d in (0, 8))
    assert fine < 0.6 * rough


@pytest.mark.parametrize("codec", ["jpeg", "h264"])
def test_codecs_keep_the_picture_and_get_worse_when_asked(codec):
    light = smooth() + 0.05 * rng(1).random((64, 64, 3), dtype=np.float32)
    clean = shoot(light, IspParams()).astype(float)
    good = shoot(light, IspParams(codec=codec, quality=97, crf=12)).astype(float)
    bad = shoot(light, IspParams(codec=codec, quality=30, crf=42)).astype(float)
    assert np.abs(good - clean).mean() < np.abs(bad - clean).mean()
    assert np.abs(good - clean).mean() < 4


@pytest.mark.parametrize("size", [(48, 48), (64, 64), (100, 90), (33, 47)])
def test_the_delivered_size_is_as_asked(size):
    seen = shoot(smooth(), IspParams(codec="jpeg"), size=size)
    assert seen.shape == (*size, 3) and seen.dtype == np.uint8
