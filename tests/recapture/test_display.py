"""A display: levels, tone, colour, moiré of what is shown, and light that is kept."""

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from despoof.core.errors import ConfigError
from despoof.recapture.display import DisplayParams, display_levels, show
from despoof.recapture.display_colour import LUMINANCE, gamut_matrix, white_gains
from despoof.recapture.draw_media import DisplayKind, draw_display
from recapture.spectra import (
    bins_apart,
    folded,
    lattice,
    mean_light,
    nearby,
    sensed,
    shift_of,
    spectrum_of,
    strongest,
)

KINDS = DisplayKind.__args__
PLAIN = dict(contrast=1e6, gamma=2.2)


def flat(level, side=192):
    return np.full((side, side, 3), level, np.float32)


def shown(light, rng=0, oversampling=2, **params):
    return show(
        light, DisplayParams(**params), np.random.default_rng(rng), oversampling=oversampling
    )


def test_without_a_grid_there_is_no_peak():
    light = shown(flat(0.4), grid=0.0, pitch=1.7)
    assert np.ptp(light) < 1e-6
    _, height = strongest(spectrum_of(sensed(shown(flat(0.4), pitch=1.7), 2)[..., 0]))
    assert height > 0.05  # with it there is one


@pytest.mark.parametrize(("pitch", "degrees"), [(1.95, 0.0), (1.5, 4.0), (2.6, -7.0)])
def test_defocus_of_four_fifths_of_the_pitch_kills_moire(pitch, degrees):
    angle = np.deg2rad(degrees)
    light = shown(flat(0.4), pitch=pitch, angle=angle)
    blurred = cv2.GaussianBlur(light, (0, 0), 0.8 * pitch * 2)
    sharp, soft = (
        nearby(spectrum_of(sensed(x, 2)[..., 1]), folded(lattice(pitch, angle, 1, 0)))[1]
        for x in (light, blurred)
    )
    assert sharp > 0.2 and soft < 1e-4


@settings(max_examples=25, deadline=None)
@given(
    pitch=st.floats(1.1, 3.9).filter(lambda p: abs(p - 2) > 0.05),
    angle=st.floats(-0.3, 0.3),
    level=st.floats(0.05, 0.9),
    ambient=st.floats(0, 0.05),
)
def test_moire_of_a_flat_grey_is_where_the_rule_says(pitch, angle, level, ambient):
    """Stripes of the unit cell: the strongest peak is the first wave across, folded."""
    light = shown(flat(level), pitch=pitch, angle=angle, ambient=(ambient,) * 3, fill=(0.75, 1.0))
    side = light.shape[0] // 2
    spectrum = spectrum_of(sensed(light, 2)[..., 1])
    first = lattice(pitch, angle, 1, 0)
    if np.abs(first).max() < 0.95 and np.abs(folded(first)).max() > 4 / side:
        place, height = nearby(spectrum, folded(first), reach=2)
        assert bins_apart(place, folded(first), side) <= 1
        assert height > 30 * np.median(spectrum)


@settings(max_examples=30, deadline=None)
@given(
    pitch=st.floats(0.3, 4),
    angle=st.floats(-0.3, 0.3),
    grid=st.floats(0, 1),
    layout=st.sampled_from(["rgb", "bgr", "vertical", "rgbg", "diamond", "rgbw"]),
    level=st.floats(0.02, 1),
    scaling=st.sampled_from(["blocks", "linear"]),
)
def test_a_flat_picture_keeps_its_light(*, pitch, angle, grid, layout, level, scaling):
    params = dict(pitch=pitch, angle=angle, layout=layout, scaling=scaling, **PLAIN)
    light = shown(flat(level), grid=grid, **params)
    bare = shown(flat(level), grid=0.0, **params)
    assert light.dtype == np.float32 and np.isfinite(light).all()
    assert mean_light(light) == pytest.approx(mean_light(bare), rel=0.01)


@pytest.mark.parametrize("scaling", ["blocks", "linear"])
@pytest.mark.parametrize("pitch", [0.5, 1.9, 3.7])
def test_a_picture_keeps_its_light_and_its_place(face_light, scaling, pitch):
    light = shown(face_light, pitch=pitch, angle=0.1, scaling=scaling, **PLAIN)
    bare = shown(face_light, pitch=0.5, grid=0.0, scaling=scaling, **PLAIN)
    inner = slice(16, -16)
    soft = [cv2.GaussianBlur(x, (0, 0), 12)[inner, inner] for x in (light, bare)]
    assert soft[0].mean() == pytest.approx(soft[1].mean(), rel=0.01)
    assert np.abs(shift_of(*(x.mean(axis=2) for x in soft))).max() < 0.2


@settings(max_examples=40, deadline=None)
@given(
    contrast=st.floats(5, 1e5),
    ambient=st.tuples(*[st.floats(0, 0.2)] * 3),
    white=st.floats(5000, 10000),
    gamut=st.sampled_from(["srgb", "p3", "adobe", "ntsc45", "washed"]),
    pitch=st.floats(0.3, 3),
    gamma=st.floats(1.8, 2.6),
)
def test_black_and_white_become_the_predicted_levels(
    *, contrast, ambient, white, gamut, pitch, gamma
):
    params = DisplayParams(
        contrast=contrast, ambient=ambient, white=white, gamut=gamut, pitch=pitch, gamma=gamma
    )
    low, high = display_levels(params)
    for level, expected in ((0, low), (1, high)):
        light = show(flat(level, 128), params, np.random.default_rng(0), oversampling=2)
        assert mean_light(light) == pytest.approx(expected, rel=0.01, abs=2e-5)
    assert (high - low) @ LUMINANCE == pytest.approx(1 - 1 / contrast, rel=1e-6)


def test_levels_by_hand():
    params = DisplayParams(contrast=100, ambient=(0.05, 0.04, 0.03))
    low, high = display_levels(params)
    assert low == pytest.approx([0.06, 0.05, 0.04]) and high == pytest.approx([1.05, 1.04, 1.03])


def test_gamma_and_contrast_bend_the_tone_as_written():
    code = 0.5
    light = ((code + 0.055) / 1.055) ** 2.4
    for gamma, contrast in ((2.2, 1e6), (2.4, 100), (1.8, 20)):
        found = shown(flat(light), gamma=gamma, contrast=contrast, grid=0.0).mean()
        assert found == pytest.approx(code**gamma * (1 - 1 / contrast) + 1 / contrast, rel=1e-3)


def test_white_points_are_warm_below_daylight_and_cool_above():
    warm, neutral, cool = (white_gains(k) for k in (5000, 6504, 9300))
    assert neutral == pytest.approx(np.ones(3), abs=1e-9)
    assert warm[0] > 1 > warm[2] and cool[2] > 1 > cool[0]
    for gains in (warm, cool):
        assert gains @ LUMINANCE == pytest.approx(1)
    # Published linear sRGB of CIE D50 without adaptation: about 1.1638, 0.9736, 0.7284 (to Y = 1).
    d50 = white_gains(5003)
    assert d50 / d50[1] == pytest.approx(np.array([1.178, 1.0, 0.745]), abs=0.03)


def test_gamuts_keep_grey_and_move_colours():
    for gamut in ("p3", "adobe", "ntsc45", "washed"):
        assert gamut_matrix(gamut).sum(axis=1) == pytest.approx(np.ones(3))
    # Published: Display P3 to linear sRGB.
    published = [[1.2249, -0.2247, 0], [-0.0420, 1.0419, 0], [-0.0196, -0.0786, 1.0979]]
    assert gamut_matrix("p3") == pytest.approx(np.array(published), abs=5e-4)
    assert gamut_matrix("srgb") == pytest.approx(np.eye(3), abs=1e-12)
    red = np.zeros((32, 32, 3), np.float32)
    red[:] = (0.5, 0.2, 0.2)
    wide, narrow = (shown(red, gamut=g, grid=0.0)[0, 0] for g in ("p3", "washed"))
    assert wide[0] - wide[1] > 0.3 > narrow[0] - narrow[1]


def test_bands_have_their_period_and_depth_and_take_no_light():
    light = shown(flat(0.5, 512), grid=0.0, band=0.1, band_period=32, **PLAIN)
    rows = light[..., 1].mean(axis=1) / light[..., 1].mean()
    spectrum = np.abs(np.fft.rfft(rows - 1)) / len(rows) * 2
    assert spectrum.argmax() == 512 / (32 * 2)
    assert 0.09 < spectrum.max() < 0.13
    assert light.mean() == pytest.approx(shown(flat(0.5, 512), grid=0.0, **PLAIN).mean(), rel=1e-3)


def test_six_bits_leave_few_codes_but_the_same_light():
    ramp = np.repeat(np.linspace(0.1, 0.2, 256, dtype=np.float32)[None, :, None], 64, axis=0)
    ramp = np.repeat(ramp, 3, axis=2)
    fine, coarse = (shown(ramp, grid=0.0, bits=bits, pitch=0.5) for bits in (8, 6))
    assert len(np.unique(coarse[..., 1])) < 12 < len(np.unique(fine[..., 1]))
    assert coarse.mean() == pytest.approx(fine.mean(), rel=0.01)


def test_coarse_panels_show_blocks():
    fine = np.random.default_rng(3).random((128, 128, 3), dtype=np.float32)
    blocks = shown(fine, grid=0.0, pitch=4, scaling="blocks")  # 8 canvas pixels
    assert np.ptp(blocks[:8, :8], axis=(0, 1)).max() < 1e-6
    means = fine[8:16, 8:16].mean()
    assert shown(fine, grid=0.0, pitch=4, scaling="blocks", gamma=2.2)[12, 12].mean() == (
        pytest.approx(means, rel=0.1)
    )
    assert np.ptp(shown(fine, grid=0.0, pitch=4)[64:72, 64:72], axis=(0, 1)).max() > 1e-3


def test_softness_blurs_and_falloff_darkens_one_side():
    edge = flat(0.0)
    edge[:, 96:] = 0.8
    sharp, soft = (shown(edge, grid=0.0, softness=s)[10, :, 0] for s in (0, 2))
    assert np.diff(soft).max() < np.diff(sharp).max() / 4
    light = shown(flat(0.5), grid=0.0, falloff=0.3, falloff_angle=0.0)[0, :, 1]
    assert light[-1] / light[0] == pytest.approx(1.15 / 0.85, rel=0.01)


@pytest.mark.parametrize("kind", KINDS)
def test_drawn_displays_stay_in_range_and_survive_json(kind, face_light):
    rng = np.random.default_rng(5)
    for _ in range(8):
        params = draw_display(kind, rng)
        assert DisplayParams.model_validate_json(params.model_dump_json()) == params
        one, two = (
            show(face_light, params, np.random.default_rng(9), oversampling=2) for _ in range(2)
        )
        assert one.shape == face_light.shape and one.dtype == np.float32
        assert np.array_equal(one, two) and np.isfinite(one).all()
        low, high = display_levels(params)
        white_to_black = (high @ LUMINANCE) / (low @ LUMINANCE)
        assert (4 if kind == "projector" else 12) < white_to_black < 600


def test_two_thirds_of_the_displays_show_no_grid():
    rng = np.random.default_rng(0)
    drawn = [draw_display(kind, rng) for kind in KINDS if kind != "projector" for _ in range(100)]
    assert 0.55 < np.mean([params.pitch < 1 for params in drawn]) < 0.78


def test_a_stage_leaves_its_input_alone_and_refuses_nonsense(face_light):
    kept = face_light.copy()
    shown(face_light, pitch=2.0, band=0.1, falloff=0.1, ambient=(0.1, 0.1, 0.1))
    assert np.array_equal(kept, face_light)
    for bad in ({"pitch": 0}, {"contrast": 1}, {"layout": "x"}, {"pich": 1}, {"fill": (0, 1)}):
        with pytest.raises(ConfigError):
            DisplayParams.parse(bad)
