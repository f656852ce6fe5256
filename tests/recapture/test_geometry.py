import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from despoof.recapture.geometry import (
    GeometryParams,
    covers,
    look,
    matrix,
    raster_size,
    visible,
)
from despoof.recapture.hands import HandParams
from despoof.recapture.placing import SurroundParams, place

PICTURE, FRAME = (300, 240), (256, 208)

poses = st.builds(
    GeometryParams,
    yaw=st.floats(-25, 25),
    pitch=st.floats(-20, 20),
    roll=st.floats(-15, 15),
    distance=st.floats(1.2, 5),
    scale=st.floats(0.4, 1.5),
    shift=st.tuples(st.floats(-0.15, 0.15), st.floats(-0.15, 0.15)),
)


def rng(seed=0):
    return np.random.default_rng(seed)


def carry(homography, points):
    found = np.column_stack([points, np.ones(len(points))]) @ homography.T
    return found[:, :2] / found[:, 2:]


def grid(shape):
    y, x = np.mgrid[0 : shape[0], 0 : shape[1]]
    return np.column_stack([x.ravel(), y.ravel()]).astype(float)


@settings(max_examples=25, deadline=None)
@given(poses)
def test_line_of_sight_and_homography_are_inverse_within_a_tenth_of_a_pixel(pose):
    sight = look(pose, PICTURE, FRAME).map.reshape(-1, 2).astype(float)
    back = carry(matrix(pose, PICTURE, FRAME), sight)
    assert np.abs(back - grid(FRAME)).max() < 0.1


def test_a_frontal_picture_of_the_frames_form_fills_it_exactly():
    frontal = GeometryParams()
    found = carry(matrix(frontal, (128, 128), (256, 256)), np.array([[-0.5, -0.5], [127.5, 127.5]]))
    assert found == pytest.approx(np.array([[-0.5, -0.5], [255.5, 255.5]]))
    assert raster_size(frontal, (128, 128), (256, 256)) == (256, 256)
    assert raster_size(GeometryParams(scale=0.5), (128, 96), (256, 192)) == (128, 96)


def test_perspective_makes_the_nearer_side_larger():
    turned = GeometryParams(yaw=25, distance=1.3, scale=0.6)
    corners = np.array([[0, 0], [239, 0], [239, 299], [0, 299]], float)
    a, b, c, d = carry(matrix(turned, PICTURE, FRAME), corners)
    left, right = np.linalg.norm(d - a), np.linalg.norm(c - b)
    assert right > 1.1 * left  # the right side turned towards the camera
    weak = carry(matrix(turned.model_copy(update={"distance": 50.0}), PICTURE, FRAME), corners)
    ratio = np.linalg.norm(weak[2] - weak[1]) / np.linalg.norm(weak[3] - weak[0])
    assert ratio == pytest.approx(1, abs=0.02)


@settings(max_examples=5, deadline=None)
@given(poses, st.integers(0, 99))
def test_dots_are_found_where_the_matrix_says(pose, seed):
    # Draw soft dots into the picture, photograph it, and measure their centroids.
    size, frame = (200, 200), (256, 256)
    raster = raster_size(pose, size, (512, 512))
    zoom = raster[0] / size[0]
    wanted = rng(seed).uniform(30, 170, (2, 2))
    y, x = np.mgrid[0 : raster[0], 0 : raster[1]]
    for dot in wanted:
        centre = (dot + 0.5) * zoom - 0.5
        sigma = 3.0
        blob = np.exp(-((x - centre[0]) ** 2 + (y - centre[1]) ** 2) / (2 * sigma**2))
        light = np.repeat(blob[..., None], 3, axis=2).astype(np.float32)
        taken = place(light, pose, rng(), frame=(512, 512), surround=None)
        seen = cv2.resize(
            taken.light * taken.inside[..., None], frame, interpolation=cv2.INTER_AREA
        )
        there = carry(matrix(pose, size, frame), dot[None])[0]
        if not (there > 12).all() or not (there < 243).all():
            continue
        weight = np.where(seen[..., 0] > 0.05, seen[..., 0], 0)
        v, u = np.mgrid[0:256, 0:256]
        near = np.hypot(u - there[0], v - there[1]) < 12
        weight = weight * near
        centroid = [(u * weight).sum() / weight.sum(), (v * weight).sum() / weight.sum()]
        assert centroid == pytest.approx(list(there), abs=0.1)


@pytest.mark.parametrize("bend", [-1.0, -0.3, 0.3, 1.0])
@pytest.mark.parametrize("axis", [0.0, 30.0, 90.0])
def test_a_bent_sheet_keeps_lengths_and_lies_on_its_cylinder(bend, axis):
    # Oracle: roll the sheet up point by point and project it forwards.
    pose = GeometryParams(yaw=8, pitch=-5, roll=4, distance=2, scale=0.6, bend=bend, bend_axis=axis)
    size = (256, 256)
    sight = look(pose, size, size).map.astype(float)
    unit = 0.6 / 256
    s = (sight + 0.5 - 128) * unit
    phi = np.radians(axis)
    a = np.cos(phi) * s[..., 0] + np.sin(phi) * s[..., 1]
    b = -np.sin(phi) * s[..., 0] + np.cos(phi) * s[..., 1]
    kappa = -bend / 0.6
    rolled = np.dstack([np.sin(kappa * a) / kappa, b, (1 - np.cos(kappa * a)) / kappa])
    x = np.cos(phi) * rolled[..., 0] - np.sin(phi) * rolled[..., 1]
    y = np.sin(phi) * rolled[..., 0] + np.cos(phi) * rolled[..., 1]
    yaw, pitch, roll = np.radians([8, -5, 4])
    about = [
        np.array([[np.cos(yaw), 0, np.sin(yaw)], [0, 1, 0], [-np.sin(yaw), 0, np.cos(yaw)]]),
        np.array(
            [[1, 0, 0], [0, np.cos(pitch), -np.sin(pitch)], [0, np.sin(pitch), np.cos(pitch)]]
        ),
        np.array([[np.cos(roll), -np.sin(roll), 0], [np.sin(roll), np.cos(roll), 0], [0, 0, 1]]),
    ]
    points = np.dstack([x, y, rolled[..., 2]]) @ (about[2] @ about[1] @ about[0]).T
    depth = 2 + points[..., 2]
    u = 2 * points[..., 0] / depth * 256 + 127.5
    v = 2 * points[..., 1] / depth * 256 + 127.5
    on_sheet = (np.abs(s) < 0.32).all(axis=2)
    error = np.hypot(u - grid(size)[:, 0].reshape(size), v - grid(size)[:, 1].reshape(size))
    assert error[on_sheet].max() < 0.1
    normals = look(pose, size, size).normals
    assert np.linalg.norm(normals, axis=2) == pytest.approx(1, abs=1e-5)
    middle = tuple(side // 2 for side in normals.shape[:2])
    assert normals[middle][2] < -0.9


def test_distortion_moves_corners_and_leaves_the_middle():
    straight, bulged = (look(GeometryParams(), (256, 256), (256, 256), distortion=k).map
                        for k in (0.0, 0.05))  # fmt: skip
    assert np.abs(straight - bulged)[120:136, 120:136].max() < 0.01
    # At the corner r = 1: it looks 5 % further out.
    assert bulged[0, 0] == pytest.approx(straight[0, 0] * 1.0 - 0.05 * 128, abs=0.3)


def test_covers_knows_when_only_the_picture_is_seen():
    assert covers(GeometryParams(scale=1.2), (64, 64))
    assert not covers(GeometryParams(scale=0.9), (64, 64))
    assert not covers(GeometryParams(scale=1.05, roll=15), (64, 64))
    assert not covers(GeometryParams(scale=1.01), (64, 64), distortion=0.05)


def test_what_fills_the_frame_is_all_that_is_seen():
    light = rng().random((300, 300, 3), dtype=np.float32)
    placed = place(light, GeometryParams(scale=1.172), rng(), frame=(256, 256))
    assert placed.inside.min() == 1 and placed.sheet.min() == 1
    assert placed.light.dtype == np.float32 and placed.light.shape == (256, 256, 3)


@settings(max_examples=8, deadline=None)
@given(poses)
def test_light_is_conserved_and_areas_are_right(pose):
    raster = raster_size(pose, (200, 200), (128, 128))
    light = np.full((*raster, 3), 0.4, np.float32)
    placed = place(light, pose, rng(), frame=(128, 128))
    only = placed.inside > 0.999
    if only.any():
        assert np.abs(placed.light[only] - 0.4).max() < 4e-4
    corners = np.array([[-0.5, -0.5], [199.5, -0.5], [199.5, 199.5], [-0.5, 199.5]])
    outline = carry(matrix(pose, (200, 200), (128, 128)), corners)
    if (outline > 0).all() and (outline < 127).all():
        x, y = outline.T
        area = 0.5 * abs(x @ np.roll(y, -1) - y @ np.roll(x, -1))
        assert placed.inside.sum() == pytest.approx(area, rel=0.01)


def test_border_hands_and_scene_are_where_they_belong():
    light = np.full((128, 128, 3), 0.5, np.float32)
    pose = GeometryParams(scale=0.5)
    white = SurroundParams(border=(0.1, 0.1, 0.1, 0.1), border_light=(0.9, 0.8, 0.7), shadow=0)
    placed = place(light, pose, rng(), frame=(256, 256), surround=white)
    assert placed.light[128, 59] == pytest.approx([0.9, 0.8, 0.7], abs=1e-3)  # in the margin
    assert placed.inside[128, 59] == 0 and placed.sheet[128, 59] == 1
    assert placed.sheet[128, 45] == 0
    assert placed.sheet.sum() == pytest.approx((1.2 * 128) ** 2, rel=0.01)
    rounded = white.model_copy(update={"corner": 0.1})
    cut = place(light, pose, rng(), frame=(256, 256), surround=rounded).sheet.sum()
    assert placed.sheet.sum() - cut == pytest.approx((4 - np.pi) * 12.8**2, rel=0.1)
    held = white.model_copy(update={"hands": (HandParams(side="right", along=0.5, reach=0.3),)})
    hand = place(light, pose, rng(), frame=(256, 256), surround=held)
    gone = placed.inside - hand.inside
    y, x = np.nonzero(gone > 0.5)
    assert len(x) and (x > 128).all() and np.abs(y.mean() - 128) < 8
    assert (hand.light >= 0).all()


def test_a_given_picture_is_put_behind():
    light = np.full((64, 64, 3), 0.5, np.float32)
    behind = np.zeros((50, 90, 3), np.uint8)
    behind[..., 1] = 255
    placed = place(light, GeometryParams(scale=0.25), rng(), frame=(256, 256), background=behind,
                   surround=SurroundParams(shadow=0))  # fmt: skip
    assert placed.light[5, 5] == pytest.approx([0, 1, 0], abs=1e-3)
    assert placed.light[128, 128] == pytest.approx([0.5] * 3, abs=1e-3)


@settings(max_examples=40, deadline=None)
@given(poses, st.floats(-1.2, 1.2), st.floats(-0.05, 0.05))
def test_what_is_visible_holds_all_that_is_seen_and_not_much_more(pose, bend, distortion):
    pose = pose.model_copy(update={"bend": bend})
    left, top, right, bottom = visible(pose, PICTURE, FRAME, distortion=distortion)
    seen = look(pose, PICTURE, FRAME, distortion=distortion).map
    x = np.clip(seen[..., 0], 0, PICTURE[1] - 1)
    y = np.clip(seen[..., 1], 0, PICTURE[0] - 1)
    assert left <= x.min() and x.max() <= right and top <= y.min() and y.max() <= bottom
    assert 0 <= left < right <= PICTURE[1] and 0 <= top < bottom <= PICTURE[0]


def test_a_part_of_the_picture_looks_like_the_whole():
    light = rng().random((300, 300, 3), dtype=np.float32)
    pose = GeometryParams(yaw=9, roll=5, scale=1.6)
    left, top, right, bottom = visible(pose, (300, 300), (192, 192))
    assert (right - left) * (bottom - top) < 0.7 * 300 * 300
    whole = place(light, pose, rng(), frame=(192, 192))
    part = place(light[top:bottom, left:right], pose, rng(), frame=(192, 192),
                 part=((left, top), (300, 300)))  # fmt: skip
    assert np.abs(whole.light - part.light).max() < 1e-3
    assert np.array_equal(whole.inside, part.inside)
