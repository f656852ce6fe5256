"""A print: tones on a step wedge, dots that give back the tone, screens where they belong."""

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from despoof.core.errors import ConfigError, InputError
from despoof.recapture.draw_media import PrintKind, draw_print, draw_source
from despoof.recapture.halftone import clustered_dots
from despoof.recapture.inks import ANGLES, gained, ink_reflectances, reflect, separate
from despoof.recapture.light import to_light
from despoof.recapture.paper import bands, grain
from despoof.recapture.printing import PrintParams, expected, print_on_paper, tone_curve
from despoof.recapture.printing_fm import blue_noise, stochastic_dots
from recapture.spectra import bins_apart, lattice, spectrum_of, strongest

KINDS = PrintKind.__args__
CLEAN = dict(texture=0.0, mottle=0.0, band=0.0, softness=0.0)
BLACK_INK = dict(
    inks="ideal", saturation=1.0, grey_replacement=1.0, floor=0.0, paper=(1.0, 1.0, 1.0)
)


def grey(code, side=160):
    return to_light(np.full((side, side, 3), code, np.uint8)).astype(np.float32)


def printed(light, params, seed=0, oversampling=2):
    return print_on_paper(light, params, np.random.default_rng(seed), oversampling=oversampling)


# --- inks ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("gain", [0.0, 0.1, 0.25])
def test_dot_gain_is_its_formula_and_keeps_bare_and_full(gain):
    wedge = np.linspace(0, 1, 21, dtype=np.float32)
    found = gained(wedge, gain)
    assert found == pytest.approx([a + 4 * gain * a * (1 - a) for a in wedge], abs=1e-6)
    assert found[0] == 0 and found[-1] == 1 and (np.diff(found) > 0).all()


@settings(max_examples=30, deadline=None)
@given(share=st.floats(0, 1), seed=st.integers(0, 99))
def test_ideal_inks_print_the_same_colour_whatever_black_takes(share, seed):
    density = np.random.default_rng(seed).random((9, 7, 3), dtype=np.float32)
    inks = separate(density, share)
    assert all(ink.min() >= -1e-5 and ink.max() <= 1 + 1e-5 for ink in inks)
    assert reflect(inks, ink_reflectances("ideal")) == pytest.approx(1 - density, abs=1e-5)
    assert inks[3] == pytest.approx(share * density.min(axis=2), abs=1e-6)


def test_full_inks_reflect_their_table_and_overprints_multiply():
    one, none = np.ones((2, 2), np.float32), np.zeros((2, 2), np.float32)
    table = ink_reflectances("toner")
    for index in range(4):
        inks = tuple(one if i == index else none for i in range(4))
        assert reflect(inks, table)[0, 0] == pytest.approx(table[index])
    assert reflect((one, one, none, none), table)[0, 0] == pytest.approx(table[0] * table[1])


# --- tone ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("screen", ["clustered", "stochastic", "none"])
@pytest.mark.parametrize("period", [0.4, 1.3, 1.7, 2.2, 4.3])
def test_a_step_wedge_prints_with_the_dot_gain_curve(screen, period):
    params = PrintParams(dot_gain=0.2, screen=screen, period=period, **BLACK_INK, **CLEAN)
    for code in (0, 40, 80, 120, 160, 200, 230, 255):
        asked = 1 - code / 255  # coverage is one minus the code value
        ink = asked + 4 * 0.2 * asked * (1 - asked)
        light = printed(grey(code), params)
        assert light.mean() == pytest.approx(1 - ink, abs=0.012), code


@settings(max_examples=25, deadline=None)
@given(
    period=st.floats(0.2, 5),
    angle=st.floats(-0.5, 0.5),
    gain=st.floats(0, 0.25),
    share=st.floats(0, 1),
    inks=st.sampled_from(["toner", "dye", "news"]),
    screen=st.sampled_from(["clustered", "stochastic", "none"]),
    code=st.tuples(*[st.integers(0, 255)] * 3),
)
def test_dots_give_back_the_expected_colour_on_average(
    *, period, angle, gain, share, inks, screen, code
):  # fmt: skip
    params = PrintParams(
        period=period, angle=angle, dot_gain=gain, grey_replacement=share, inks=inks,
        screen=screen, **CLEAN,
    )  # fmt: skip
    light = to_light(np.full((256, 256, 3), code, np.uint8)).astype(np.float32)
    found = printed(light, params)
    assert found.dtype == np.float32 and np.isfinite(found).all()
    assert found.mean(axis=(0, 1)) == pytest.approx(expected(light, params)[0, 0], abs=0.02)


def test_the_tone_curve_is_what_greys_print_as():
    params = PrintParams(screen="none", inks="news", gamma=1.2, floor=0.1, **CLEAN)
    curve = tone_curve(params)
    assert curve.shape == (256, 3) and (np.diff(curve, axis=0) >= 0).all()
    for code in (0, 77, 140, 255):
        assert printed(grey(code, 8), params)[3, 3] == pytest.approx(curve[code], abs=1e-5)
    assert curve[255] == pytest.approx(np.array(params.paper), abs=1e-6)
    assert curve[0].min() >= params.floor


def test_a_print_lies_between_full_ink_and_paper_and_is_less_saturated(face_light):
    params = PrintParams(screen="none", **CLEAN)
    light = printed(face_light, params)
    assert (
        light.min() >= params.floor and (light.max(axis=(0, 1)) <= np.float32(params.paper)).all()
    )
    red = np.zeros((8, 8, 3), np.float32)
    red[..., 0] = 0.6
    spans = [
        np.ptp(printed(red, PrintParams(screen="none", saturation=s, **CLEAN))[0, 0])
        for s in (1.0, 0.6, 0.0)
    ]
    assert spans[0] > spans[1] > spans[2] and spans[2] < 0.1


# --- clustered dots ------------------------------------------------------------------------------


@settings(max_examples=40, deadline=None)
@given(
    period=st.floats(1, 12),
    angle=st.floats(0, np.pi),
    coverage=st.floats(0, 1),
    phase=st.tuples(st.floats(0, 1), st.floats(0, 1)),
)
def test_dots_cover_what_they_are_asked_to(period, angle, coverage, phase):
    plane = np.full((240, 240), coverage, np.float32)
    dots = clustered_dots(plane, period=period, angle=angle, phase=phase)
    window = np.outer(np.hanning(240), np.hanning(240))
    # A lattice that nearly repeats with the canvas has dots of few sizes: that is the tolerance.
    assert (dots * window).sum() / window.sum() == pytest.approx(coverage, abs=0.012)
    assert dots.min() > -0.75 and dots.max() < 1.75


@pytest.mark.parametrize("period", [2.3, 2.9, 3.5, 3.7, 5.3, 9.0])
@pytest.mark.parametrize("degrees", ANGLES)
def test_each_screen_lies_at_its_angle_and_period(period, degrees):
    side = 240
    plane = np.full((side, side), 0.3, np.float32)
    dots = clustered_dots(plane, period=period, angle=np.deg2rad(degrees), phase=(0.2, 0.7))
    place, height = strongest(spectrum_of(dots))
    waves = [
        lattice(period, np.deg2rad(degrees), m, n) for m, n in ((1, 0), (0, 1), (1, 1), (1, -1))
    ]
    assert height > 0.1
    assert min(min(bins_apart(place, s * f, side) for s in (1, -1)) for f in waves) <= 1


@pytest.mark.parametrize(
    "period", [1.2, 1.6, 1.9, 2.3, 2.9, 3.3, 3.55, 3.65, 4.1, 4.7, 5.3, 6.1, 8.7]
)
@pytest.mark.parametrize("degrees", [0, 15, 45, 68])
def test_screens_bring_no_false_waves(period, degrees):
    """Whatever is strong in the spectrum is a wave of the screen that the canvas can hold."""
    side, angle = 256, np.deg2rad(degrees)
    for coverage in (0.12, 0.3, 0.5, 0.8):
        plane = np.full((side, side), coverage, np.float32)
        dots = clustered_dots(plane, period=period, angle=angle, phase=(0.1, 0.4))
        spectrum = spectrum_of(dots + 1 - coverage)  # heights as shares of paper white
        orders = range(-8, 9)
        waves = [lattice(period, angle, m, n) for m in orders for n in orders]
        for f in (f for f in waves if np.abs(f).max() < 0.52):
            column, row = np.round(f * side).astype(int)
            reach = np.arange(-3, 4)
            spectrum[np.ix_((row + reach) % side, (column + reach) % side)] = 0
        assert spectrum.max() < (0.006 if period < 6 else 0.05), (coverage, spectrum.max())


def test_fine_dots_are_a_soft_copy_of_coarse_ones():
    """Against 12-fold supersampled hard dots; blurred, since ours has a limit."""
    side, fine, angle = 64, 12, 0.4
    for period in (2.6, 3.4, 4.4, 7.0):
        for coverage in (0.2, 0.5, 0.75):
            ours = clustered_dots(
                np.full((side, side), coverage, np.float32),
                period=period,
                angle=angle,
                phase=(0, 0),
            )
            x, y = np.meshgrid(*2 * [(np.arange(side * fine) + 0.5) / fine])
            u = 2 * np.pi * (x * np.cos(angle) + y * np.sin(angle)) / period
            v = 2 * np.pi * (y * np.cos(angle) - x * np.sin(angle)) / period
            screen = np.cos(u) + np.cos(v)
            hard = screen > np.quantile(screen, 1 - coverage)
            light = hard.reshape(side, fine, side, fine).mean(axis=(1, 3))
            soft = [cv2.GaussianBlur(z.astype(np.float64), (0, 0), 0.8) for z in (ours, light)]
            inner = slice(8, -8)
            error = np.abs(soft[0] - soft[1])[inner, inner]
            assert error.max() < 0.06, (period, coverage, error.max())


def test_dots_follow_the_picture():
    ramp = np.repeat(np.linspace(0, 1, 320, dtype=np.float32)[None], 320, axis=0)
    for period in (2.5, 3.2, 6.0):
        dots = clustered_dots(ramp, period=period, angle=0.3, phase=(0, 0))
        soft = cv2.GaussianBlur(dots, (0, 0), 2 * period)[80:-80, 60:-60]
        assert np.abs(soft - ramp[80:-80, 60:-60]).max() < 0.03


# --- stochastic dots -----------------------------------------------------------------------------


def test_blue_noise_has_every_rank_once_and_no_low_frequencies():
    pattern = blue_noise()
    ranks = np.sort(pattern.ravel())
    assert ranks == pytest.approx((np.arange(ranks.size) + 0.5) / ranks.size, abs=1e-6)
    for coverage in (0.1, 0.5, 0.8):
        power = np.abs(np.fft.fft2((pattern < coverage) - coverage)) ** 2 / pattern.size
        f = np.hypot(*np.meshgrid(*2 * [np.fft.fftfreq(64)]))
        low, high = power[(f > 0) & (f < 0.08)].mean(), power[(f > 0.3) & (f < 0.5)].mean()
        assert low < 0.05 * high


@settings(max_examples=30, deadline=None)
@given(coverage=st.floats(0, 1), dot=st.floats(0.2, 6), row=st.integers(0, 65535))
def test_stochastic_dots_cover_what_they_are_asked_to(coverage, dot, row):
    plane = np.full((256, 256), coverage, np.float32)
    dots = stochastic_dots(plane, dot=dot, offset=(row, row // 3))
    assert dots.mean() == pytest.approx(coverage, abs=0.02)
    assert dots.min() >= 0 and dots.max() <= 1 and dots.shape == plane.shape
    if dot >= 2 and 0.1 < coverage < 0.9:
        assert dots.std() > 0.1


# --- paper ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [0.5, 2.0, 7.0])
def test_grain_has_its_size_and_strength(size):
    noise = grain((256, 256), size, np.random.default_rng(1))
    assert noise.std() == pytest.approx(1, abs=1e-3) and abs(noise.mean()) < 1e-3
    beside = (noise[:, 1:] * noise[:, :-1]).mean()
    assert beside < 0.1 if size < 1 else beside > 1 - 2.2 / size


def test_bands_have_their_period():
    wave = bands(1024, 16.0, np.random.default_rng(2))
    spectrum = np.abs(np.fft.rfft(wave))
    assert abs(spectrum.argmax() - 64) <= 2 and abs(wave.mean()) < 1e-6
    assert 0.5 < np.abs(wave).max() <= 1.01


def test_texture_mottle_and_bands_are_as_strong_as_asked():
    light = np.ones((256, 256, 3), np.float32)
    for name in ("texture", "band"):
        params = PrintParams(screen="none", **(CLEAN | {name: 0.02}))
        paper = printed(light, params)[..., 1] / params.paper[1]
        assert paper.mean() == pytest.approx(1, abs=2e-3)
        assert 0.005 < paper.std() < 0.021, name
    mottled = PrintParams(screen="none", **(CLEAN | {"mottle": 0.05}))
    assert np.ptp(printed(light, mottled)) < 0.1  # bare paper has none: only its tint spreads
    assert printed(light * 0.2, mottled)[..., 1].std() > 0.01
    assert printed(light, mottled)[..., 1].std() < 1e-6


# --- draws, source -------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
def test_drawn_prints_stay_in_range_and_survive_json(kind, face_light):
    rng = np.random.default_rng(5)
    for _ in range(8):
        params = draw_print(kind, rng)
        assert PrintParams.model_validate_json(params.model_dump_json()) == params
        one, two = (printed(face_light, params, seed=9) for _ in range(2))
        assert one.shape == face_light.shape and one.dtype == np.float32
        assert np.array_equal(one, two) and np.isfinite(one).all()
        curve = tone_curve(params)
        assert curve[255].mean() / curve[0].mean() > 3


def test_two_thirds_of_the_prints_show_no_dots():
    rng = np.random.default_rng(0)
    drawn = [draw_print(kind, rng) for kind in ("laser-a4", "inkjet-photo") for _ in range(200)]
    fine = [
        p.screen == "none" or p.period < (0.5 if p.screen == "stochastic" else 0.85) for p in drawn
    ]
    assert 0.6 < np.mean(fine) < 0.9


def test_unknown_kinds_and_values_are_refused():
    rng = np.random.default_rng(0)
    for call in (lambda: draw_print("poster", rng), lambda: draw_source("mask", rng)):
        with pytest.raises(InputError, match="expected"):
            call()
    for bad in ({"period": 0}, {"dot_gain": 0.4}, {"inks": "x"}, {"texure": 0.1}):
        with pytest.raises(ConfigError):
            PrintParams.parse(bad)


def test_a_stage_leaves_its_input_alone(face_light):
    kept = face_light.copy()
    printed(face_light, PrintParams(texture=0.01, mottle=0.02, band=0.01, softness=0.4))
    assert np.array_equal(kept, face_light)
