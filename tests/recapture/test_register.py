import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from despoof.core.errors import InputError
from despoof.recapture.plane import is_plausible, move_points, warp_plane
from despoof.recapture.register import is_pair, register
from recapture.shots import unmoved


@pytest.fixture(scope="module")
def face(portrait):
    import cv2

    return cv2.resize(portrait[:300, 100:400], (224, 224), interpolation=cv2.INTER_AREA)


def view(seed, strength=1.0):
    rng = np.random.default_rng(seed)
    spread = np.array([[0.12, 0.08, 12], [0.08, 0.12, 12], [3e-4, 3e-4, 0]])
    return np.eye(3) + strength * spread * rng.uniform(-1, 1, (3, 3))


def worst_error(found, true):
    side = np.arange(40, 190, 15.0)
    points = np.stack(np.meshgrid(side, side), axis=-1).reshape(-1, 2)
    gone = move_points(found, points)
    return float(np.median(np.linalg.norm(gone - move_points(true, points), axis=1)))


@pytest.mark.parametrize("seed", range(5))
def test_a_known_homography_is_found_to_a_tenth_of_a_pixel(face, seed):
    true = view(seed)
    found = register(face, warp_plane(face, true, (224, 224))[0])
    assert worst_error(found.matrix, true) < 0.1
    assert found.error_px < 0.3
    assert found.residual_px < 0.1
    assert found.agreement > 0.98


def test_light_does_not_matter(face):
    # Flat blacks, a colour cast, half the contrast and a ramp of light across.
    true = view(7)
    seen = warp_plane(face, true, (224, 224))[0].astype(np.float64)
    ramp = np.linspace(0.6, 1.2, 224)[None, :, None]
    seen = (50 + 0.5 * seen * np.array([1.1, 1.0, 0.8])) * ramp
    found = register(face, np.clip(seen, 0, 255).astype(np.uint8))
    assert worst_error(found.matrix, true) < 0.1


@pytest.mark.parametrize("species", ["print/laser-a4", "replay/tablet"])
def test_a_simulated_recapture_is_found(face, species):
    true = view(11)
    seen = warp_plane(face, true, (224, 224))[0]
    found = register(face, unmoved(seen, species, seed=3).image)
    assert is_pair(found)
    assert worst_error(found.matrix, true) < 0.6


def test_sizes_may_differ(face):
    true = np.diag([1.5, 1.4, 1.0])
    found = register(face, warp_plane(face, true, (310, 330))[0])
    assert worst_error(found.matrix, true) < 0.15


def test_the_light_of_a_warped_picture_is_its_own(face):
    warped, inside = warp_plane(face, view(5, 0.3), (224, 224))
    assert warped.dtype == np.uint8
    assert inside.any()
    assert not inside.all()
    assert (warped[~inside] == 0).all()
    same, solid = warp_plane(face, np.eye(3), (224, 224))
    assert np.array_equal(same[solid], face[solid])


def test_other_pictures_are_refused(face):
    from skimage import data

    other = data.camera()[100:400, 100:400]
    with pytest.raises(InputError, match="does not show"):
        register(face, np.dstack([other] * 3))


def test_a_flat_picture_is_refused(face):
    with pytest.raises(InputError, match="no common plane"):
        register(face, np.full((100, 100, 3), 90, np.uint8))


@pytest.mark.parametrize(
    "bad", [np.zeros((40, 40), np.uint8), np.zeros((40, 40, 3)), np.zeros((8, 40, 3), np.uint8)]
)
def test_what_is_no_picture_is_refused(face, bad):
    with pytest.raises(InputError, match=r"picture|small"):
        register(face, bad)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10_000), st.floats(0, 1))
def test_a_view_and_its_inverse_give_points_back(seed, strength):
    true = view(seed, strength)
    points = np.random.default_rng(seed).uniform(0, 223, (40, 2))
    back = move_points(np.linalg.inv(true), move_points(true, points))
    assert np.allclose(back, points, atol=1e-6)
    assert is_plausible(true, (224, 224))


def test_what_no_camera_sees_is_implausible():
    shape = (224, 224)
    assert not is_plausible(np.diag([-1.0, 1.0, 1.0]), shape)  # turned over
    assert not is_plausible(np.diag([9.0, 9.0, 1.0]), shape)  # too near
    assert not is_plausible(np.diag([1.0, 0.2, 1.0]), shape)  # squashed
    horizon = np.eye(3)
    horizon[2, 0] = -1 / 100
    assert not is_plausible(horizon, shape)
    assert not is_plausible(np.full((3, 3), np.nan), shape)
