import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

from despoof.core.errors import InputError
from despoof.core.types import Face
from despoof.face import CropConfig, crop_face, crop_matrix, to_crop, to_picture, whole_picture_face

UPRIGHT = np.float32([[35, 40], [65, 40], [50, 55], [38, 72], [62, 72]])


def turned(landmarks, degrees, centre=(50, 50)):
    angle = np.radians(degrees)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    return ((landmarks - centre) @ turn.T + centre).astype(np.float32)


@given(
    st.tuples(st.floats(-500, 500), st.floats(-500, 500)),
    st.tuples(st.floats(2, 900), st.floats(2, 900)),
    st.floats(0.3, 4),
    st.integers(16, 300),
    st.floats(-80, 80),
)
def test_points_come_back(corner, extent, scale, size, degrees):
    (x, y), (width, height) = corner, extent
    face = Face((x, y, x + width, y + height), turned(UPRIGHT, degrees))
    matrix = crop_matrix(face, CropConfig(size=size, scale=scale))
    points = np.array([[0.0, 0.0], [size - 1, 0], [3.25, size / 2]])
    assert np.abs(to_crop(to_picture(points, matrix), matrix) - points).max() < 1e-6
    middle = to_picture(np.array([(size - 1) / 2, (size - 1) / 2]), matrix)
    np.testing.assert_allclose(middle + 0.5, [x + width / 2, y + height / 2], atol=1e-6)
    side = np.hypot(*(matrix[:, 0])) * size
    assert side == pytest.approx(scale * max(width, height))


@pytest.mark.parametrize("degrees", [-60, -15, 0, 5, 40])
def test_aligned_eyes_are_level_and_left_stays_left(degrees):
    face = Face((0, 0, 100, 100), turned(UPRIGHT, degrees))
    matrix = crop_matrix(face, CropConfig(size=64, scale=1.2))
    left, right = to_crop(face.landmarks[:2], matrix)
    assert left[1] == pytest.approx(right[1], abs=1e-4)
    assert right[0] - left[0] == pytest.approx(30 * 64 / 120, rel=1e-5)
    plain = crop_matrix(face, CropConfig(size=64, scale=1.2, align=False))
    assert plain[0, 1] == plain[1, 0] == 0


@settings(max_examples=30, deadline=None)
@given(
    st.floats(60, 260),
    st.floats(60, 180),
    st.floats(30, 150),
    st.floats(0.8, 2.5),
    st.floats(-40, 40),
)
def test_dots_land_where_the_matrix_says(x, y, side, scale, degrees):
    face = Face((x - side / 2, y - side / 2, x + side / 2, y + side / 2), turned(UPRIGHT, degrees))
    config = CropConfig(size=96, scale=scale)
    matrix = crop_matrix(face, config)
    step = np.hypot(matrix[0, 0], matrix[1, 0])
    sigma = 2.0 * max(step, 1)
    rows, columns = np.mgrid[:240, :320]
    place = to_crop(np.array([x + 0.1 * side - 0.5, y - 0.12 * side - 0.5]), matrix)
    target = to_picture(place, matrix)
    blob = np.exp(-((columns - target[0]) ** 2 + (rows - target[1]) ** 2) / (2 * sigma**2))
    crop = crop_face(
        np.repeat((blob * 255).round().astype(np.uint8)[..., None], 3, 2), face, config
    )
    seen = np.where(crop.valid, crop.image[..., 0], 0).astype(float)
    reach = int(3.5 * sigma / step) + 2
    i, j = (int(v) for v in place.round())
    if not crop.valid[max(0, j - reach) : j + reach + 1, max(0, i - reach) : i + reach + 1].all():
        return
    if min(i, j) < reach or max(i, j) + reach >= 96:
        return
    found = ndimage.center_of_mass(seen)[::-1]
    assert np.abs(np.array(found) - place).max() < 0.25


@pytest.mark.parametrize("degrees", [0, 20])
def test_a_fine_checkerboard_becomes_flat_grey(degrees):
    board = ((np.indices((512, 512)).sum(axis=0) % 2) * 255).astype(np.uint8)
    landmarks = turned(UPRIGHT + 206, degrees, (256, 256)) if degrees else None
    face = Face((128, 128, 384, 384), landmarks)
    crop = crop_face(np.repeat(board[..., None], 3, axis=2), face, CropConfig(size=64, scale=1))
    assert crop.valid.all()
    assert np.abs(crop.image.astype(int) - 127.5).max() < 3


def test_the_identity_crop_is_the_picture(rng):
    image = rng.integers(0, 256, (64, 64, 3), np.uint8)
    crop = crop_face(image, Face((0, 0, 64, 64)), CropConfig(size=64, scale=1))
    np.testing.assert_array_equal(crop.image, image)
    assert crop.valid.all()
    np.testing.assert_allclose(crop.matrix, [[1, 0, 0], [0, 1, 0]])


def test_a_whole_number_shift_is_exact_and_the_rest_is_padding(rng):
    image = rng.integers(0, 256, (50, 40, 3), np.uint8)
    crop = crop_face(image, Face((-12, 8, 52, 72)), CropConfig(size=64, scale=1))
    expected = np.full((64, 64, 3), 127)
    expected[:42, 12:52] = image[8:]
    np.testing.assert_array_equal(crop.image, expected)
    shown = np.zeros((64, 64), bool)
    shown[:42, 12:52] = True
    np.testing.assert_array_equal(crop.valid, shown)


@pytest.mark.parametrize("degrees", [0, 25])
@pytest.mark.parametrize("side", [30, 100, 700, 1e6])
def test_padding_is_grey_and_only_there(degrees, side):
    image = np.full((90, 120, 3), 200, np.uint8)
    landmarks = turned(UPRIGHT, degrees) if degrees else None
    face = Face((100 - side / 2, 10 - side / 2, 100 + side / 2, 10 + side / 2), landmarks)
    crop = crop_face(image, face, CropConfig(size=48, scale=1.3))
    assert (crop.image[~crop.valid] == 127).all()
    assert (crop.image[crop.valid] == 200).all()
    centres = np.stack(np.meshgrid(np.arange(48), np.arange(48)), axis=-1)
    x, y = np.moveaxis(to_picture(centres, crop.matrix), -1, 0)
    outside = (x < -0.5) | (y < -0.5) | (x > 119.5) | (y > 89.5)
    assert not crop.valid[outside].any()
    step = np.hypot(*crop.matrix[:, 0])
    deep = (x > step) & (y > step) & (x < 119 - step) & (y < 89 - step)
    assert crop.valid[deep].all()


def test_a_face_outside_the_picture_is_all_padding():
    crop = crop_face(
        np.zeros((9, 9, 3), np.uint8), Face((50, 50, 60, 60)), CropConfig(size=16, scale=1)
    )
    assert not crop.valid.any()
    assert (crop.image == 127).all()


def test_upright_and_barely_turned_crops_agree(portrait):
    face = Face((170, 60, 280, 200), turned(UPRIGHT, 0.05) + np.float32([170, 60]))
    straight = crop_face(portrait, face, CropConfig(size=64, scale=1.4, align=False))
    tilted = crop_face(portrait, face, CropConfig(size=64, scale=1.4))
    assert np.abs(straight.image.astype(int) - tilted.image).mean() < 4


def test_cropping_is_fast_and_repeatable(rng):
    image = rng.integers(0, 256, (480, 640, 3), np.uint8)
    face = Face((200, 100, 440, 380), turned(UPRIGHT, 9) * 2.4 + np.float32([200, 100]))
    config = CropConfig(size=128, scale=1.3)
    first, times = crop_face(image, face, config), []
    for _ in range(15):
        start = time.perf_counter()
        again = crop_face(image, face, config)
        times.append(time.perf_counter() - start)
    np.testing.assert_array_equal(first.image, again.image)
    assert min(times) < 0.012, "about 2 ms on an idle core"


def test_a_crop_that_is_the_picture_needs_no_detector(rng):
    image = rng.integers(0, 256, (120, 120, 3), np.uint8)
    face = whole_picture_face(image)
    np.testing.assert_allclose(face.box, (10, 10, 110, 110))
    assert face.landmarks is None
    same = crop_face(image, face, CropConfig(size=120, scale=1.2))
    np.testing.assert_array_equal(same.image, image)
    wider = crop_face(image, face, CropConfig(size=120, scale=1.25))
    assert 0.88 < wider.valid.mean() < 0.96


@pytest.mark.parametrize("box", [(5, 5, 5, 9), (0, 0, float("nan"), 9), (9, 9, 3, 3)])
def test_an_impossible_box_is_named(box):
    with pytest.raises(InputError, match=r"box is .*expected finite.*Pass"):
        crop_matrix(Face(box), CropConfig(size=32, scale=1))


@pytest.mark.parametrize(
    "image", [np.zeros((5, 5), np.uint8), np.zeros((5, 5, 3)), np.zeros((0, 5, 3), np.uint8)]
)
def test_a_picture_of_another_kind_is_named(image):
    with pytest.raises(InputError, match=r"expected uint8 \(H, W, 3\)"):
        crop_face(image, Face((0, 0, 4, 4)), CropConfig(size=32, scale=1))


@pytest.mark.parametrize("context", [0.5, float("nan")])
def test_a_context_below_one_is_named(context):
    with pytest.raises(InputError, match="context is"):
        whole_picture_face(np.zeros((5, 5, 3), np.uint8), context)
