import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from despoof.core.errors import InputError
from despoof.recapture import pipeline
from despoof.recapture.display import DisplayParams
from despoof.recapture.geometry import GeometryParams
from despoof.recapture.pipeline import (
    frontal,
    photograph_live,
    recapture,
    recapture_many,
    register,
)
from despoof.recapture.placing import SurroundParams
from despoof.recapture.recipe import CameraParams, DisplayMedium, PrintMedium, Recipe
from despoof.recapture.species import SPECIES, sample_recipe


def rng(seed=0):
    return np.random.default_rng(seed)


@pytest.fixture(scope="module")
def face(portrait):
    return np.ascontiguousarray(portrait[20:180, 130:290])


@pytest.fixture(scope="module")
def scene():
    """Smooth colours with a few soft shapes: what survives any sampling."""
    y, x = np.mgrid[0:200, 0:200] / 200
    waves = [0.5 + 0.4 * np.sin(k * x + j * y + p) for k, j, p in ((7, 3, 0), (4, 8, 1), (9, 5, 2))]
    return np.rint(255 * np.dstack(waves)).astype(np.uint8)


IDEAL = DisplayMedium(params=DisplayParams(grid=0, contrast=1e9, pitch=0.1))


def psnr(one, two):
    error = np.mean((one.astype(float) - two.astype(float)) ** 2)
    return 10 * np.log10(255**2 / max(error, 1e-9))


POSES = {
    "frontal": GeometryParams(scale=1.1),
    "turned": GeometryParams(yaw=18, pitch=-12, roll=9, distance=1.5, scale=0.8, shift=(0.03, 0)),
    "bent": GeometryParams(yaw=5, scale=0.8, bend=0.8, bend_axis=15),
    "small": GeometryParams(scale=0.5, roll=-12),
}


@pytest.mark.parametrize("pose", POSES)
@pytest.mark.parametrize("distortion", [0.0, 0.04])
def test_without_degradations_the_recapture_is_the_registered_genuine(
    scene, pose, distortion, monkeypatch
):
    # No panel is neutral: power 2.2 is not the sRGB curve. So the medium is left out.
    monkeypatch.setattr(pipeline, "show", lambda light, *_, **__: light)
    camera = CameraParams.parse(
        {"optics": {"distortion": distortion}, "sensor": {"bits": 16, "mosaic": False}}
    )
    recipe = Recipe(medium=IDEAL, geometry=POSES[pose], camera=camera, species="replay/tablet")
    found = recapture(scene, recipe)
    only = found.inside > 0.999
    assert only.mean() > 0.15
    assert psnr(found.image[only], found.genuine[only]) > 40
    # And it is the scene itself that is seen there: look it up through the dense map.
    x, y = found.registration[only].T
    x0, y0 = np.clip(np.floor(x).astype(int), 0, 198), np.clip(np.floor(y).astype(int), 0, 198)
    u, v = (x - x0)[:, None], (y - y0)[:, None]
    s = scene.astype(float)
    looked = (1 - v) * ((1 - u) * s[y0, x0] + u * s[y0, x0 + 1]) + v * (
        (1 - u) * s[y0 + 1, x0] + u * s[y0 + 1, x0 + 1]
    )
    assert psnr(looked, found.genuine[only]) > 40


def test_the_matrix_leads_from_genuine_to_photograph(scene):
    dotted = np.zeros_like(scene)
    places = np.array([[60, 60], [140, 70], [100, 100], [70, 150]])
    for x, y in places:
        dotted[y - 2 : y + 3, x - 2 : x + 3] = 255
    recipe = Recipe(medium=IDEAL, geometry=POSES["turned"], species="replay/tablet",
                    surround=SurroundParams(scene={"level": 0.0}))  # fmt: skip
    found = recapture(dotted, recipe)
    light = np.where(found.image > 40, found.image, 0).astype(float).mean(axis=2)
    v, u = np.mgrid[0:256, 0:256]
    for place in places:
        there = found.matrix @ [*place, 1]
        there = there[:2] / there[2]
        near = np.hypot(u - there[0], v - there[1]) < 9
        weight = light * near
        centroid = np.array([(u * weight).sum(), (v * weight).sum()]) / weight.sum()
        assert np.abs(centroid - there).max() < 0.15


def test_noise_is_exactly_the_difference_and_0_where_the_picture_is_not(face):
    for seed, species in enumerate(SPECIES):
        recipe = sample_recipe(species, rng(seed), size=(96, 96), framing="wide")
        found = recapture(face, recipe)
        difference = found.image.astype(np.float32) - found.genuine.astype(np.float32)
        assert np.array_equal(found.noise, difference / np.float32(127.5))
        assert (found.noise[found.inside < 1e-3] == 0).all()


@settings(max_examples=20, deadline=None,
          suppress_health_check=[HealthCheck.function_scoped_fixture])  # fmt: skip
@given(
    species=st.sampled_from(SPECIES),
    seed=st.integers(0, 2**32),
    size=st.sampled_from([(96, 96), (64, 96), (97, 75)]),
    picture=st.sampled_from([(160, 160), (40, 60), (131, 90)]),
    oversampling=st.sampled_from([2, 3]),
)
def test_every_drawn_recipe_gives_a_picture(face, *, species, seed, size, picture, oversampling):
    recipe = sample_recipe(species, rng(seed), size=size, oversampling=oversampling)
    genuine = np.ascontiguousarray(face[: picture[0], : picture[1]])
    found = recapture(genuine, recipe, landmarks=np.array([[20.0, 18.0], [38.0, 18.0]]))
    assert found.image.shape == found.genuine.shape == (*size, 3)
    assert found.image.dtype == found.genuine.dtype == np.uint8
    assert found.noise.shape == (*size, 3) and np.isfinite(found.noise).all()
    assert np.abs(found.noise).max() <= 2
    assert found.inside.shape == size and 0 <= found.inside.min() <= found.inside.max() <= 1
    assert found.registration.shape == (*size, 2) and np.isfinite(found.registration).all()
    assert np.isfinite(found.matrix).all()
    live = photograph_live(genuine, recipe)
    assert live.shape == (*size, 3) and live.dtype == np.uint8


@pytest.mark.parametrize("species", SPECIES)
def test_a_tight_framing_shows_only_the_picture_and_a_wide_one_its_edge(face, species):
    inside = {"tight": [], "wide": []}
    for framing, shares in inside.items():
        for seed in range(3):
            recipe = sample_recipe(species, rng(seed), size=(96, 96), framing=framing)
            shares.append(recapture(face, recipe).inside.mean())
    assert min(inside["tight"]) == 1
    assert np.mean(inside["wide"]) < 0.97 and min(inside["wide"]) > 0.1


def test_live_eyes_look_through_a_print(face):
    eyes = np.array([[65.0, 85.0], [95.0, 85.0]])
    recipe = Recipe(
        species="print/cut-eyes", medium=PrintMedium(cut_eyes=0.6),
        camera=CameraParams.parse({"sensor": {"bits": 16}}), size=(160, 160),
        geometry=GeometryParams(scale=1.0),
    )  # fmt: skip
    without, with_eyes = recapture(face, recipe), recapture(face, recipe, landmarks=eyes)
    changed = np.abs(without.image.astype(int) - with_eyes.image.astype(int)).sum(axis=2) > 8
    y, x = np.nonzero(changed)
    assert 60 < len(x) < 800
    assert y.min() > 70 and y.max() < 100 and x.min() > 50 and x.max() < 110
    # What is in the middle of the holes is nearer to the living face than the print is.
    for ex, ey in eyes.astype(int):
        spot = np.s_[ey - 1 : ey + 3, ex - 3 : ex + 4]
        assert np.abs(with_eyes.noise[spot]).mean() < np.abs(without.noise[spot]).mean()


def test_the_live_control_is_the_picture_through_the_same_camera(scene):
    recipe = Recipe(camera=CameraParams.parse({"sensor": {"bits": 16}}))
    live = photograph_live(scene, recipe)
    geometry = frontal(recipe.geometry, recipe.size, 0.0)
    from despoof.recapture.light import to_srgb

    assert psnr(live, to_srgb(register(scene, geometry, recipe.size))) > 40
    blurred = recipe.model_copy(
        update={"camera": CameraParams.parse({"optics": {"defocus": 3.0}, "sensor": {"bits": 16}})}
    )
    assert (
        np.abs(np.diff(photograph_live(scene, blurred).astype(int), axis=1)).mean()
        < np.abs(np.diff(live.astype(int), axis=1)).mean()
    )


@settings(max_examples=20, deadline=None)
@given(st.floats(-18, 18), st.floats(0.4, 1.6), st.floats(-0.05, 0.05))
def test_a_live_face_fills_the_frame(roll, scale, distortion):
    from despoof.recapture.geometry import covers

    geometry = frontal(GeometryParams(roll=roll, scale=scale), (96, 96), distortion)
    assert covers(geometry, (96, 96), distortion=distortion)


def test_many_recaptures_come_in_order_and_do_not_depend_on_the_workers(face):
    recipes = [sample_recipe(s, rng(1), size=(64, 64)) for s in SPECIES[:4]]
    alone = list(recapture_many([face] * 4, recipes))
    together = list(recapture_many([face] * 4, recipes, workers=2))
    for one, two, recipe in zip(alone, together, recipes, strict=True):
        assert np.array_equal(one.image, two.image) and one.recipe == two.recipe == recipe
    with pytest.raises(InputError, match="1 pictures and 4 recipes"):
        list(recapture_many([face], recipes))


@pytest.mark.parametrize(
    "picture",
    [
        np.zeros((64, 64), np.uint8),
        np.zeros((64, 64, 3), np.float32),
        np.zeros((64, 64, 4), np.uint8),
        np.zeros((8, 64, 3), np.uint8),
    ],
)
def test_what_is_not_a_picture_is_refused(picture):
    with pytest.raises(InputError, match="Expected uint8"):
        recapture(picture, Recipe())
    with pytest.raises(InputError, match="Expected uint8"):
        photograph_live(picture, Recipe())
