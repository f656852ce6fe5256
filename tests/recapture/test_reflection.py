import numpy as np
import pytest

from despoof.recapture.background import SceneParams, clouds, fit_picture, paint_scene, ramp
from despoof.recapture.reflection import ReflectionParams, lambert, reflect


def rng(seed=0):
    return np.random.default_rng(seed)


def flat(value=0.5, side=128):
    return np.full((side, side, 3), value, np.float32)


def test_a_matt_evenly_lit_medium_is_left_alone():
    light = rng().random((64, 64, 3), dtype=np.float32)
    assert np.array_equal(reflect(light, ReflectionParams(), rng()), light)


def test_shading_is_the_cosine_over_the_distance_squared():
    # The lamp is above the middle: at distance q from its foot cos = z / d and 1 / d² remain.
    y, x = np.mgrid[0:32, 0:32] / 32 + 1 / 64 - 0.5
    places = np.dstack([x, y, np.zeros_like(x)]).astype(np.float32)
    normals = np.zeros((32, 32, 3), np.float32)
    normals[..., 2] = -1
    found = lambert(places, normals, (0.0, 0.0, 0.7))
    expected = (0.7 / (x * x + y * y + 0.49) ** 1.5) / (0.7 / (x * x + y * y + 0.49) ** 1.5).mean()
    assert found == pytest.approx(expected, rel=1e-4)
    lit = reflect(flat(), ReflectionParams(shading=1, lamp=(0.0, 0.0, 0.7)), rng())
    assert lit.mean() == pytest.approx(0.5, rel=0.01)  # what shading takes here it gives there
    assert lit[64, 64, 0] / lit[20, 64, 0] == pytest.approx((0.34**2 / 0.49 + 1) ** 1.5, rel=0.02)


def test_light_from_behind_does_not_reach_the_front():
    normals = np.zeros((4, 4, 3), np.float32)
    normals[..., 2] = -1
    lamp = (0.0, 0.0, -1.0)
    assert (lambert(np.zeros((4, 4, 3), np.float32), normals, lamp) == 0).all()


@pytest.mark.parametrize("at", [(0.0, 0.0), (0.25, -0.2)])
def test_gloss_peaks_where_asked_and_narrows_with_smoothness(at):
    def lobe(roughness):
        params = ReflectionParams(gloss=0.8, gloss_at=at, roughness=roughness)
        return reflect(flat(0, 256), params, rng())[..., 1]

    smooth, rough = lobe(0.2), lobe(0.4)
    row, column = np.unravel_index(smooth.argmax(), smooth.shape)
    assert (column / 256 - 0.5, row / 256 - 0.5) == pytest.approx(at, abs=0.03)
    assert smooth.max() == pytest.approx(0.8, rel=0.05)
    assert (smooth > 0.4).sum() < (rough > 0.4).sum()


def test_glare_covers_its_share_with_its_peak():
    params = ReflectionParams(glare=0.04, glare_peak=2.0, glare_stretch=2.0)
    blob = reflect(flat(0, 256), params, rng())[..., 0]
    assert blob.max() == pytest.approx(2.0, rel=0.02)
    assert (blob > 1.0).mean() == pytest.approx(0.04, rel=0.1)


def test_glass_adds_its_share_of_the_surroundings_and_only_on_the_sheet():
    scene = SceneParams(kind="room", level=0.5, blur=0.05)
    params = ReflectionParams(mirror=0.1, mirrored=scene)
    sheet = np.zeros((128, 128), np.float32)
    sheet[:, :64] = 1
    seen = reflect(flat(0.2), params, rng(3), sheet=sheet)
    assert (seen[:, 66:] == np.float32(0.2)).all()
    added = seen[:, :62] - 0.2
    assert (added >= 0).all() and 0 < added.mean() < 0.1
    twice = reflect(flat(0.2), params.model_copy(update={"mirror": 0.2}), rng(3), sheet=sheet)
    assert np.allclose(twice[:, :62] - 0.2, 2 * added, rtol=1e-3, atol=1e-6)


@pytest.mark.parametrize("kind", ["wall", "table", "room", "holder", "dark"])
def test_scenes_are_light_and_follow_their_seed(kind):
    scene = SceneParams(kind=kind, level=0.6)
    one, two, other = (paint_scene(scene, (96, 128), rng(s)) for s in (1, 1, 2))
    assert one.shape == (96, 128, 3) and one.dtype == np.float32
    assert (one >= 0).all() and np.isfinite(one).all()
    assert np.array_equal(one, two) and not np.array_equal(one, other)
    double = paint_scene(scene.model_copy(update={"level": 1.2}), (96, 128), rng(1))
    assert np.allclose(double, 2 * one, rtol=1e-4)


def test_clouds_have_equal_power_in_every_octave():
    noise = np.mean([np.abs(np.fft.fft2(clouds((128, 128), rng(s), coarsest=4, octaves=5))) ** 2
                     for s in range(20)], axis=0)  # fmt: skip
    f = np.hypot(*np.meshgrid(np.fft.fftfreq(128), np.fft.fftfreq(128))) * 128
    bands = [noise[(f >= low) & (f < 2 * low)].sum() for low in (2, 4, 8, 16)]
    assert max(bands) < 4 * min(bands)


def test_a_ramp_falls_by_its_depth_at_most():
    found = ramp((64, 64), rng(4), 0.5)
    assert found.mean() == pytest.approx(1, abs=1e-3)
    assert 0.45 < np.ptp(found) <= 0.5 * np.sqrt(2) + 1e-3


def test_a_picture_behind_fills_the_frame():
    picture = np.full((40, 100, 3), 255, np.uint8)
    assert fit_picture(picture, (64, 64)) == pytest.approx(np.ones((64, 64, 3)), abs=1e-5)
