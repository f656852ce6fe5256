import inspect
from dataclasses import replace

import numpy as np
import pytest

from despoof.core.errors import InputError
from despoof.evaluation import stress
from despoof.evaluation.stress import (
    Stress,
    StressRanges,
    apply_stress,
    draw_stress,
    stressed_twin,
)

MILD = Stress(0.0, 1.0, 1.0, 1.0, 1.0, 0.0, 100, 0)


def smooth_face(side=64):
    y, x = np.mgrid[:side, :side] / side
    channels = [0.3 + 0.4 * x, 0.4 + 0.2 * y, 0.35 + 0.1 * x * y]
    return np.rint(255 * np.stack(channels, axis=2)).astype(np.uint8)


def checkers(side=64, cell=2):
    board = np.indices((side, side)).sum(axis=0) // cell % 2
    return np.repeat((60 + 120 * board)[..., None], 3, axis=2).astype(np.uint8)


def test_the_same_seed_and_path_give_the_same_pixels_and_any_other_differ():
    face = smooth_face()
    before = face.copy()
    twin = stressed_twin(face, seed=1, path="nuaa/a.jpg")
    assert twin.shape == face.shape
    assert twin.dtype == np.uint8
    assert twin.flags.writeable
    assert (twin == stressed_twin(face, seed=1, path="nuaa/a.jpg")).all()
    assert (face == before).all()
    assert (twin != stressed_twin(face, seed=2, path="nuaa/a.jpg")).any()
    assert (twin != stressed_twin(face, seed=1, path="nuaa/b.jpg")).any()


def test_the_class_cannot_be_known_here():
    names = {name for f in (draw_stress, apply_stress, stressed_twin) for name in signature(f)}
    assert names == {"seed", "path", "ranges", "crop", "stress"}


def signature(function):
    return inspect.signature(function).parameters


def test_draws_fill_their_ranges_evenly():
    ranges = StressRanges()
    draws = [draw_stress(0, f"{i}.jpg") for i in range(1000)]
    for name, limits in [
        ("blur", ranges.blur),
        ("downscale", ranges.downscale),
        ("exposure", ranges.exposure),
        ("red", ranges.white_balance),
        ("blue", ranges.white_balance),
        ("noise", ranges.noise),
        ("jpeg", ranges.jpeg),
    ]:
        values = np.array([getattr(draw, name) for draw in draws])
        low, high = limits
        width = high - low
        assert low <= values.min() <= low + 0.02 * width
        assert high - 0.02 * width <= values.max() <= high
        assert values.mean() == pytest.approx((low + high) / 2, abs=0.05 * width)
    assert len({draw.noise_seed for draw in draws}) == 1000


def test_no_stress_is_nearly_no_change():
    face = smooth_face()
    assert np.abs(apply_stress(face, MILD).astype(int) - face).max() <= 3


def test_each_stress_does_what_it_says():
    face, board = smooth_face(), checkers()
    grey = np.full((64, 64, 3), 128, np.uint8)
    darker = apply_stress(face, replace(MILD, exposure=0.6))
    assert darker.mean() == pytest.approx(0.6 * face.mean(), rel=0.01)
    warm = apply_stress(grey, replace(MILD, red=1.15, blue=0.85)).mean(axis=(0, 1))
    assert warm == pytest.approx([147, 128, 109], abs=1.5)
    noisy = apply_stress(grey, replace(MILD, noise=0.04))
    luma = noisy @ [0.299, 0.587, 0.114]
    assert luma.std() == pytest.approx(
        0.04 * 255 * np.sqrt(0.299**2 + 0.587**2 + 0.114**2), rel=0.1
    )
    for softer in (replace(MILD, blur=3.0), replace(MILD, downscale=0.5)):
        assert apply_stress(board, softer).std() < 0.8 * apply_stress(board, MILD).std()
    coarse = apply_stress(board, replace(MILD, jpeg=5))
    assert np.abs(coarse.astype(int) - board).mean() > 3


def test_blur_is_a_gaussian_of_the_stated_width_at_128_px():
    point = np.zeros((128, 128, 1))
    point[64, 64] = 1
    spread = stress._blur(point, 1.5)[..., 0]
    offset = np.arange(128) - 64
    assert spread.sum() == pytest.approx(1)
    assert np.sqrt((spread.sum(axis=0) * offset**2).sum()) == pytest.approx(1.5, rel=0.03)
    assert stress._blur(point, 0.05) is point


def test_blur_keeps_its_share_of_the_face_at_any_crop_side():
    small, large = checkers(64, 4), checkers(256, 16)
    soft = replace(MILD, blur=4.0)
    left = [apply_stress(board, soft)[..., 1].std() / board.std() for board in (small, large)]
    assert left[0] == pytest.approx(left[1], abs=0.05)


@pytest.mark.parametrize(
    "crop",
    [
        np.zeros((4, 4, 3), np.uint8),
        np.zeros((16, 20, 3), np.uint8),
        np.zeros((16, 16), np.uint8),
        np.zeros((16, 16, 3)),
    ],
)
def test_only_square_crops_are_stressed(crop):
    with pytest.raises(InputError, match="face crop"):
        apply_stress(crop, MILD)


@pytest.mark.parametrize(
    "bad",
    [
        {"blur": (-1, 1)},
        {"downscale": (0.5, 1.5)},
        {"exposure": (1.4, 0.6)},
        {"jpeg": (0, 50)},
        {"jpeg": (50, 101)},
        {"white_balance": (0.0, 1.0)},
        {"noise": (0.0, float("nan"))},
    ],
)
def test_impossible_ranges_are_refused(bad):
    with pytest.raises(InputError, match=next(iter(bad))):
        StressRanges(**bad)
