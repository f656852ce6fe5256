"""The pixels of a display: where their waves lie, how strong they are, and that none is false."""

import cv2
import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from despoof.recapture.display_grid import pixel_grid
from despoof.recapture.subpixels import _LAMPS, cell_of, coefficients
from recapture.spectra import (
    bins_apart,
    folded,
    lattice,
    nearby,
    sensed,
    spectrum_of,
    strongest,
)

LAYOUTS = tuple(_LAMPS)
SIDE = 192


def grid(pitch, angle=0.0, layout="rgb", oversampling=2, *, side=SIDE, phase=(0.0, 0.0)):
    return pixel_grid(
        (side * oversampling, side * oversampling),
        layout=layout,
        fill=(0.75, 0.85),
        pitch=pitch,
        angle=angle,
        phase=phase,
        oversampling=oversampling,
    )


def lit(layout, fill, u, v):
    """Brute force: which channels shine at points of the panel, (…, 3) bool."""
    wide, high = cell_of(layout)
    found = np.zeros((*u.shape, 3), bool)
    for lamp in _LAMPS[layout]:
        du = (u - lamp.x + wide / 2) % wide - wide / 2
        dv = (v - lamp.y + high / 2) % high - high / 2
        a, b = lamp.width * fill[0] / 2, lamp.height * fill[1] / 2
        inside = np.abs(du) / a + np.abs(dv) / b <= 1 if lamp.diamond else (
            (np.abs(du) <= a) & (np.abs(dv) <= b)
        )  # fmt: skip
        found |= inside[..., None] & np.array(lamp.colour, bool)
    return found


@pytest.mark.parametrize("layout", LAYOUTS)
def test_the_series_is_the_transform_of_what_shines(layout):
    wide, high = cell_of(layout)
    n = 480
    u, v = np.meshgrid((np.arange(n) + 0.5) / n * wide, (np.arange(n) + 0.5) / n * high)
    shines = lit(layout, (0.7, 0.9), u, v).astype(float)
    measured = np.fft.fft2(shines, axes=(0, 1)) / shines.sum(axis=(0, 1))
    series = coefficients(layout, (0.7, 0.9), 3)
    steps = np.arange(-3, 4)
    half = np.exp(-1j * np.pi * (steps[:, None] + steps) / n)[..., None]  # of a sample
    found = measured[np.ix_(steps, steps)] * half
    assert np.abs(found - series).max() < 0.02


@pytest.mark.parametrize("layout", LAYOUTS)
def test_the_grid_is_the_light_that_falls_on_a_canvas_pixel(layout):
    """Against sampling every canvas pixel at 12 × 12 points; blurred, since ours has a limit."""
    side, q, fine, pitch, angle = 32, 2, 12, 2.7, 0.21
    phase = (0.3, 0.6)
    ours = grid(pitch, angle, layout, q, side=side, phase=phase)
    x, y = np.meshgrid(*2 * [(np.arange(side * q * fine) + 0.5) / (q * fine)])
    u = (x * np.cos(angle) + y * np.sin(angle)) / pitch + phase[0]
    v = (y * np.cos(angle) - x * np.sin(angle)) / pitch + phase[1]
    shines = lit(layout, (0.75, 0.85), u, v).reshape(side * q, fine, side * q, fine, 3)
    light = shines.mean(axis=(1, 3))
    light = light / coefficients_mean(layout)
    soft_ours, soft_light = (cv2.GaussianBlur(g, (0, 0), 1.5) for g in (ours, light))
    inner = slice(8, -8)
    error = np.abs(soft_ours - soft_light)[inner, inner]
    assert np.ptp(soft_light[inner, inner]) > 0.3
    assert error.max() < 0.04, error.max()


def coefficients_mean(layout):
    """Share of the panel that shines, by channel."""
    wide, high = cell_of(layout)
    u, v = np.meshgrid((np.arange(480) + 0.5) / 480 * wide, (np.arange(480) + 0.5) / 480 * high)
    return lit(layout, (0.75, 0.85), u, v).mean(axis=(0, 1))


@pytest.mark.parametrize(
    ("pitch", "degrees", "harmonic", "oversampling"),
    [
        (1.95, 0.0, 1, 2),
        (1.95, 0.0, 2, 3),  # a period of 39 px
        (2.05, 3.0, 1, 2),
        (2.05, 3.0, 2, 3),  # 17.5 px
        (1.02, 4.0, 1, 3),  # 13.9 px
        (2.95, 0.5, 1, 2),
        (2.95, 0.5, 3, 4),  # 52 px
        (1.5, 2.0, 1, 2),
        (0.8, 3.0, 1, 3),
        (1.3, -6.0, 1, 2),
        (2.4, 8.0, 2, 2),
    ],
)
def test_moire_is_where_the_rule_says(pitch, degrees, harmonic, oversampling):
    angle = np.deg2rad(degrees)
    f = folded(lattice(pitch, angle, harmonic, 0))
    spectrum = spectrum_of(
        sensed(grid(pitch, angle, oversampling=oversampling), oversampling)[..., 1]
    )
    place, height = nearby(spectrum, f, reach=2)
    assert bins_apart(place, f, SIDE) <= 1
    assert height > 20 * np.median(spectrum)


@settings(max_examples=25, deadline=None)
@given(
    pitch=st.floats(1.1, 3.8),
    angle=st.floats(-0.3, 0.3),
    layout=st.sampled_from(LAYOUTS),
    channel=st.integers(0, 2),
)
def test_every_peak_is_a_folded_wave_of_the_grid(pitch, angle, layout, channel):
    """The strongest peak that a sensor sees lies within a bin of what some wave folds to."""
    light = sensed(grid(pitch, angle, layout), 2)[..., channel]
    place, height = strongest(spectrum_of(light))
    cell = cell_of(layout)
    reach = int(np.ceil(2 * pitch * max(cell))) + 1
    waves = [
        (m, n)
        for m in range(-reach, reach + 1)
        for n in range(-reach, reach + 1)
        if np.abs(lattice(pitch, angle, m, n, cell)).max() < 1  # the limit of a canvas of 2
    ]
    apart = [bins_apart(place, lattice(pitch, angle, m, n, cell), SIDE) for m, n in waves]
    assert height > 1e-3 and min(apart) <= 1


@settings(max_examples=25, deadline=None)
@given(pitch=st.floats(0.15, 4), angle=st.floats(-0.8, 0.8), layout=st.sampled_from(LAYOUTS))
@example(pitch=1.5, angle=0.0, layout="rgb")  # every third pixel sees waves of period 3 as one
def test_nothing_is_left_of_a_grid_above_the_limit_and_nothing_false_below(pitch, angle, layout):
    """Fit the waves that may be there to the canvas: what remains is rounding."""
    side = 64
    light = grid(pitch, angle, layout, side=side)
    cell = cell_of(layout)
    reach = int(np.ceil(2 * pitch * max(cell))) + 1
    if light is None:  # no wave, or none that is strong enough to draw
        fundamental = lattice(pitch, angle, 1, 0), lattice(pitch, angle, 0, 1)
        assert min(np.abs(k).max() for k in fundamental) >= 1 or pitch < 1
        return
    steps = (np.arange(2 * side) + 0.5) / 2
    columns = []
    for m in range(-reach, reach + 1):
        for n in range(-reach, reach + 1):
            fx, fy = lattice(pitch, angle, m, n, cell)
            if max(abs(fx), abs(fy)) < 1:
                columns.append(
                    np.outer(np.exp(2j * np.pi * fy * steps), np.exp(2j * np.pi * fx * steps))
                )
    waves = np.stack(columns).reshape(len(columns), -1)
    target = light[..., 1].ravel()
    some = np.random.default_rng(0).random(target.size) < 1 / 3  # a lattice would alias
    weights = np.linalg.lstsq(waves[:, some].T, target[some], rcond=None)[0]
    assert np.abs(target - (weights @ waves).real).max() < 5e-3


@pytest.mark.parametrize(("pitch", "degrees"), [(2.05, 3.0), (1.5, 2.0), (2.95, 0.5), (1.3, -6.0)])
def test_a_wave_is_as_strong_as_the_apertures_let_it(pitch, degrees):
    """Stripe (a third of the pixel, three quarters of it open) times square sensor pixel."""
    angle = np.deg2rad(degrees)
    k = lattice(pitch, angle, 1, 0)
    spectrum = spectrum_of(sensed(grid(pitch, angle), 2)[..., 1])
    _, height = nearby(spectrum, folded(k))
    assert height == pytest.approx(2 * np.sinc(0.75 / 3) * np.prod(np.sinc(k)), rel=0.15)


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("pitch", [0.9, 1.7, 2.6, 3.9])
def test_the_grid_takes_no_light(layout, pitch):
    light = grid(pitch, 0.1, layout)
    if light is not None:
        assert light.dtype == np.float32
        assert light.mean(axis=(0, 1)) == pytest.approx(np.ones(3), abs=0.01)


def test_the_colours_of_stripes_lie_where_the_layout_puts_them():
    for layout, order in {"rgb": (0, 1, 2), "bgr": (2, 1, 0), "vertical": (0, 1, 2)}.items():
        light = grid(8.0, layout=layout, side=8)
        profile = light.mean(axis=1 if layout == "vertical" else 0)
        assert tuple(np.argsort(profile[:16].argmax(axis=0))) == tuple(np.argsort(order))


def test_the_phase_moves_the_grid_by_pixels_of_the_panel():
    still, moved = grid(4.0), grid(4.0, phase=(0.25, 0.5))
    rolled = np.roll(still, (-4, -2), axis=(0, 1))
    assert np.abs(moved - rolled).max() < 1e-3
