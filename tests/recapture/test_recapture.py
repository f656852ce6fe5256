from dataclasses import replace

import numpy as np
import pytest
from skimage import data

from despoof.recapture.camera import Camera, draw_camera, photograph
from despoof.recapture.light import enlarge, integrate, to_light, to_srgb
from despoof.recapture.print_medium import (
    ANGLES,
    SUPERSAMPLING,
    Print,
    _halftone,
    dot_gain,
    draw_print,
    print_on_paper,
)
from despoof.recapture.screen_medium import Screen, draw_screen, show_on_screen
from despoof.recapture.standin import recapture, recapture_either

# A camera that changes nothing but what JPEG at its best does.
NEUTRAL = Camera(defocus=0, shading=0, exposure=1, shot=0, read=0, sharpen=0, jpeg=100)


def rng(seed=0):
    return np.random.default_rng(seed)


@pytest.fixture(scope="module")
def face():
    return data.astronaut()[60:188, 160:288]


def flat(code, side=96):
    return np.full((side, side, 3), code, np.uint8)


# --- light ---------------------------------------------------------------------------------------


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


def test_integrating_undoes_enlarging():
    light = rng().random((5, 7, 3), dtype=np.float32)
    assert integrate(enlarge(light, 3), 3) == pytest.approx(light, abs=1e-6)


# --- print ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("gain", [0.0, 0.1, 0.25])
def test_dot_gain_is_its_formula_and_keeps_bare_and_full(gain):
    wedge = np.linspace(0, 1, 21, dtype=np.float32)
    gained = dot_gain(wedge, gain)
    assert gained == pytest.approx([a + 4 * gain * a * (1 - a) for a in wedge], abs=1e-6)
    assert gained[0] == 0 and gained[-1] == pytest.approx(1)
    assert (np.diff(gained) > 0).all() and gained.dtype == np.float32


@pytest.mark.parametrize("period", [2.7, 3.3, 4.0, 7.3])
@pytest.mark.parametrize("coverage", [0.15, 0.3, 0.5, 0.7, 0.85])
def test_dots_cover_what_they_are_asked_to(period, coverage):
    inks = np.full((240, 240, 4), coverage, np.float32)
    covered = _halftone(inks, period).mean(axis=(0, 1))
    # 2.5 %, not less: at 3.3 px the 45° screen nearly repeats every 7 samples, so its dots have
    # few sizes.
    assert covered == pytest.approx(np.full(4, coverage), abs=0.025)
    assert covered.mean() == pytest.approx(coverage, abs=0.01)


def test_bare_paper_stays_nearly_bare_and_full_ink_nearly_full():
    # The edge of a dot is soft, 1 / (3 periods) of coverage; an eighth of that leaks at both ends.
    for asked in (0.0, 1.0):
        covered = _halftone(np.full((240, 240, 4), asked, np.float32), 4.0).mean(axis=(0, 1))
        assert np.abs(covered - asked) == pytest.approx(np.full(4, 1 / 96), abs=0.006)


@pytest.mark.parametrize(("ink", "degrees"), list(enumerate(ANGLES.values())))
def test_each_ink_lies_at_its_own_angle(ink, degrees):
    side, period = 240, 6.0
    dots = _halftone(np.full((side, side, 4), 0.5, np.float32), period)[..., ink]
    window = np.outer(np.hanning(side), np.hanning(side))
    spectrum = np.abs(np.fft.fft2((dots - dots.mean()) * window))
    row, column = np.unravel_index(spectrum.argmax(), spectrum.shape)
    f = np.array([np.fft.fftfreq(side)[column], np.fft.fftfreq(side)[row]])
    assert np.hypot(*f) == pytest.approx(1 / (period * SUPERSAMPLING), abs=1.5 / side)
    angle = np.degrees(np.arctan2(f[1], f[0])) % 90
    assert min(abs(angle - degrees % 90), 90 - abs(angle - degrees % 90)) < 8


def test_a_step_wedge_prints_with_the_dot_gain_curve():
    # Black ink alone: greys with full grey replacement.
    medium = Print(period=9.1, dot_gain=0.2, saturation=1, floor=0, paper=(1, 1, 1),
                   grey_replacement=1, texture=0)  # fmt: skip
    for code in (80, 120, 160, 200, 230):
        asked = 1 - np.sqrt(to_light(flat(code, 1))[0, 0, 0])
        ink = asked + 4 * 0.2 * asked * (1 - asked)
        light = print_on_paper(flat(code, 160), medium, rng()).mean()
        assert light == pytest.approx((1 - 0.95 * ink) * (1 - 0.01 * ink), abs=0.015)


def test_a_print_lies_between_full_ink_and_paper_and_is_less_saturated(face):
    medium = Print(texture=0)
    light = print_on_paper(face, medium, rng())
    assert light.dtype == np.float32 and light.shape == face.shape
    assert light.min() >= medium.floor - 1e-6
    assert (light.max(axis=(0, 1)) <= np.array(medium.paper) + 1e-6).all()
    red = np.zeros((64, 64, 3), np.uint8)
    red[..., 0] = 200
    full = print_on_paper(red, replace(medium, saturation=1.0), rng()).mean(axis=(0, 1))
    less = print_on_paper(red, replace(medium, saturation=0.5), rng()).mean(axis=(0, 1))
    assert less[0] - less[1] < full[0] - full[1]


def test_a_darker_picture_prints_darker():
    medium = Print(texture=0)
    found = [print_on_paper(flat(c), medium, rng()).mean() for c in (0, 64, 128, 192, 255)]
    assert (np.diff(found) > 0).all()


# --- screen --------------------------------------------------------------------------------------

BARE = Screen(black=0.0, white_point=(1, 1, 1), gamma=2.2, glare=0)
SIDE = 256


def spectrum_of(screen, channel=1):
    """Relative amplitude by frequency of what one channel of a grey picture becomes."""
    light = show_on_screen(flat(128, SIDE), screen, rng())[..., channel].astype(float)
    window = np.outer(np.hanning(SIDE), np.hanning(SIDE))
    return np.abs(np.fft.fft2((light / light.mean() - 1) * window)) / (window.sum() / 2)


def local_peak(spectrum, f, reach=4):
    """Position (fx, fy in bins) and height of the largest value within some bins of f."""
    middle = np.round(np.array(f) * SIDE).astype(int)
    around = range(-reach, reach + 1)
    place = max(
        ((middle[1] + j, middle[0] + i) for i in around for j in around),
        key=lambda p: spectrum[p[0] % SIDE, p[1] % SIDE],
    )
    return np.array([place[1], place[0]]), spectrum[place[0] % SIDE, place[1] % SIDE]


@pytest.mark.parametrize(
    ("pitch", "degrees", "harmonic"),
    [
        (1.95, 0.0, 1),
        (1.95, 0.0, 2),  # a period of 39 px
        (2.05, 3.0, 1),
        (2.05, 3.0, 2),  # 17.5 px
        (1.02, 4.0, 1),  # 13.9 px
        (2.95, 0.5, 1),
        (2.95, 0.5, 3),  # 52 px
        (1.5, 2.0, 1),
        (0.8, 3.0, 1),
        (1.3, -6.0, 1),
        (2.4, 8.0, 2),
    ],
)
def test_moire_is_where_the_rule_says(pitch, degrees, harmonic):
    # SPEC §6: the h-th harmonic of k = R(θ)(1/p) folds to h·k − round(h·k), axis by axis.
    angle = np.deg2rad(degrees)
    k = harmonic * np.array([np.cos(angle), np.sin(angle)]) / pitch
    f = k - np.round(k)
    spectrum = spectrum_of(replace(BARE, pitch=pitch, angle=angle))
    place, height = local_peak(spectrum, f)
    assert np.abs(place - f * SIDE).max() <= 1
    assert height > 20 * np.median(spectrum)


@pytest.mark.parametrize(("pitch", "degrees"), [(2.05, 3.0), (1.5, 2.0), (2.95, 0.5), (1.3, -6.0)])
def test_the_first_harmonic_is_as_strong_as_apertures_let_it(pitch, degrees):
    # Two sides of the line: stripe (a third of the pixel, `fill` of it lit) times sensor pixel.
    angle = np.deg2rad(degrees)
    k = np.array([np.cos(angle), np.sin(angle)]) / pitch
    _, height = local_peak(spectrum_of(replace(BARE, pitch=pitch, angle=angle)), k - np.round(k))
    assert height == pytest.approx(2 * np.sinc(0.75 / 3) * np.prod(np.sinc(k)), rel=0.2)


def test_without_a_grid_there_is_no_peak():
    light = show_on_screen(flat(128), replace(BARE, grid=0.0), rng())
    assert np.ptp(light) < 1e-6


@pytest.mark.parametrize("grid", [0.3, 1.0])
@pytest.mark.parametrize("pitch", [0.9, 1.7, 2.6])
def test_the_grid_takes_no_light(pitch, grid):
    on = show_on_screen(flat(150), replace(BARE, pitch=pitch, grid=grid), rng())
    off = show_on_screen(flat(150), replace(BARE, grid=0.0), rng())
    assert on.mean(axis=(0, 1)) == pytest.approx(off.mean(axis=(0, 1)), rel=0.02)


def test_black_and_white_levels_are_as_asked():
    screen = replace(BARE, black=0.07, grid=0.0, white_point=(0.9, 1.0, 1.1))
    dark, bright = (show_on_screen(flat(code), screen, rng())[0, 0] for code in (0, 255))
    assert dark == pytest.approx([0.063, 0.07, 0.077], rel=1e-5)
    assert bright == pytest.approx([0.9, 1.0, 1.1], rel=1e-5)
    lit = show_on_screen(flat(0), replace(screen, grid=1.0), rng())
    assert lit == pytest.approx(np.broadcast_to(dark, lit.shape), rel=1e-5)  # black has no grid


def test_gamma_bends_the_tone():
    dim, plain = (
        show_on_screen(flat(128), replace(BARE, gamma=g, grid=0.0), rng()).mean()
        for g in (2.4, 2.2)
    )
    assert dim == pytest.approx(plain ** (2.4 / 2.2), rel=1e-4)


def test_glare_is_one_blob_of_its_peak():
    light = show_on_screen(flat(0), replace(BARE, glare=1.5), rng())
    assert light.max() == pytest.approx(1.5, rel=1e-3) and light.min() < 0.8


# --- camera --------------------------------------------------------------------------------------


def test_a_neutral_camera_changes_next_to_nothing():
    ramp = np.tile(np.linspace(0, 255, 64).astype(np.uint8)[:, None, None], (1, 64, 3))
    taken = photograph(to_light(ramp), NEUTRAL, rng())
    assert taken.dtype == np.uint8
    assert np.abs(taken.astype(int) - ramp).max() <= 2


def test_noise_has_the_variance_of_shot_and_read():
    camera = replace(NEUTRAL, shot=1e-3, read=1e-4)
    light = np.full((128, 128, 3), 0.3, np.float32)
    # JPEG thins colour out, so brightness is what is measured.
    weights = np.array([0.299, 0.587, 0.114])
    spread = (to_light(photograph(light, camera, rng())) @ weights).std()
    assert spread == pytest.approx(np.sqrt((0.3 * 1e-3 + 1e-4) * (weights**2).sum()), rel=0.1)


def test_exposure_shading_defocus_and_sharpening():
    light = np.full((64, 64, 3), 0.2, np.float32)
    bright = to_light(photograph(light, replace(NEUTRAL, exposure=1.5), rng()))
    assert bright.mean() == pytest.approx(0.3, rel=0.02)
    shaded = to_light(photograph(light, replace(NEUTRAL, shading=0.4, direction=0.0), rng()))
    assert shaded[:, 60].mean() / shaded[:, 3].mean() == pytest.approx(1.177 / 0.819, rel=0.03)
    edge = np.zeros((64, 64, 3), np.float32)
    edge[:, 32:] = 0.8

    def steepest(**more):
        row = photograph(edge, replace(NEUTRAL, **more), rng())[32, :, 1].astype(int)
        return np.abs(np.diff(row)).max()

    assert steepest(defocus=1.5) < steepest()
    assert steepest(defocus=2, sharpen=1.0) > steepest(defocus=2)


# --- the whole -----------------------------------------------------------------------------------


@pytest.mark.parametrize("medium", ["print", "screen"])
def test_a_seed_decides_everything(face, medium):
    kept = face.copy()
    one, two = (recapture(face, medium, rng(3)) for _ in range(2))
    assert np.array_equal(one.image, two.image)
    assert one.medium == two.medium and one.camera == two.camera
    assert not np.array_equal(one.image, recapture(face, medium, rng(4)).image)
    assert np.array_equal(face, kept), "the live picture was changed"
    assert isinstance(one.medium, Print if medium == "print" else Screen)


@pytest.mark.parametrize("medium", ["print", "screen", Print(), Screen()])
def test_noise_is_exactly_the_difference(face, medium):
    shot = recapture(face, medium, rng(5), camera=Camera())
    assert shot.image.shape == face.shape and shot.image.dtype == np.uint8
    difference = shot.image.astype(np.float32) - face.astype(np.float32)
    assert shot.noise.dtype == np.float32
    assert np.array_equal(shot.noise, difference / 127.5)
    # Both on their way through [-1, 1] give the same, up to rounding.
    one, two = (x.astype(np.float32) / 127.5 - 1 for x in (shot.image, face))
    assert shot.noise == pytest.approx(one - two, abs=1e-6)
    assert np.array_equal(np.rint(shot.noise * 127.5 + face).astype(np.uint8), shot.image)
    assert shot.camera == Camera() and (isinstance(medium, str) or shot.medium == medium)


def test_the_recapture_is_registered_with_its_picture(face):
    # Nothing moves: brightness correlates best without a shift.
    for medium in ("print", "screen"):
        taken = recapture(face, medium, rng(1)).image.mean(axis=2)
        grey = face.mean(axis=2)
        inner = grey[8:-8, 8:-8].ravel()
        found = {
            (i, j): np.corrcoef(inner, taken[8 + i : 120 + i, 8 + j : 120 + j].ravel())[0, 1]
            for i in range(-2, 3)
            for j in range(-2, 3)
        }
        assert max(found, key=found.get) == (0, 0)


def test_either_medium_is_drawn(face):
    small = face[::4, ::4].copy()
    assert recapture_either(small, rng(0)).shape == small.shape
    assert np.array_equal(recapture_either(small, rng(0)), recapture_either(small, rng(0)))


def test_drawn_parameters_are_in_the_ranges_of_the_specification():
    source = rng(9)
    for _ in range(200):
        screen, printed, camera = draw_screen(source), draw_print(source), draw_camera(source)
        assert 0.6 <= screen.pitch <= 3.0 and 2.0 <= screen.gamma <= 2.4
        assert 0.6 <= screen.fill[0] <= 0.85 and 0.8 <= screen.fill[1] <= 0.95
        assert 9 <= 1 / screen.black <= 200 and 0 <= screen.grid <= 1
        assert 0.6 <= printed.saturation <= 0.95 and 0.03 <= printed.floor <= 0.08
        assert 0.10 <= printed.dot_gain <= 0.25 and 0.2 <= printed.grey_replacement <= 0.6
        assert all(0.7 < channel < 1 for channel in printed.paper)
        assert 2e-4 <= camera.shot <= 4e-3 and 1e-6 <= camera.read <= 1e-4
        assert 60 <= camera.jpeg <= 95 and 0.3 <= camera.defocus <= 1.8
