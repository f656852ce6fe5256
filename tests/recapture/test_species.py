import numpy as np
import pytest
from scipy import stats

from despoof.recapture.species import SPECIES, draw_species, sample_recipe


def rng(seed=0):
    return np.random.default_rng(seed)


@pytest.fixture(scope="module")
def drawn():
    return {s: [sample_recipe(s, rng(i), size=(64, 64)) for i in range(40)] for s in SPECIES}


def test_prints_and_replays_are_drawn_as_often_and_all_of_them():
    source = rng(3)
    names = [draw_species(source) for _ in range(2000)]
    prints = sum(name.startswith("print/") for name in names)
    assert stats.binomtest(prints, 2000).pvalue > 1e-4
    assert set(names) == set(SPECIES)


def test_the_camera_does_not_know_the_species(drawn):
    # With one seed the camera is the very same whatever the instrument: a live control that is
    # photographed by an attack's recipe has the cameras that attacks have, exactly.
    cameras = [[recipe.camera for recipe in recipes] for recipes in drawn.values()]
    assert all(other == cameras[0] for other in cameras[1:])


def test_drawn_cameras_lie_in_the_ranges_of_the_specification(drawn):
    for recipe in drawn["print/bent"]:
        optics, sensor, isp = recipe.camera.optics, recipe.camera.sensor, recipe.camera.isp
        assert optics.defocus <= 2.5 and optics.motion <= 9 and abs(optics.distortion) <= 0.05
        assert sensor.shot <= 4e-3 and sensor.read <= 1e-4 and 10 <= sensor.bits <= 12
        assert 0.9 <= sensor.fill <= 1 and 0.25 <= sensor.lowpass <= 0.5
        assert 0 <= isp.sharpen <= 1.5 and 60 <= isp.quality <= 95 and 18 <= isp.crf <= 28
        assert 0.4 <= recipe.camera.resolution <= 2


def test_drawn_poses_lie_in_the_ranges_of_the_specification(drawn):
    for species, recipes in drawn.items():
        for pose in (recipe.geometry for recipe in recipes):
            assert abs(pose.yaw) <= 28 and abs(pose.pitch) <= 22 and abs(pose.roll) <= 18
            assert pose.scale >= 0.4
            if species.startswith("replay/"):
                assert pose.bend == 0
        if species == "print/bent":
            assert all(0.35 <= abs(recipe.geometry.bend) <= 1.2 for recipe in recipes)


def test_half_of_the_framings_are_tight(drawn):
    scales = [recipe.geometry.scale for recipes in drawn.values() for recipe in recipes]
    wide = sum(scale < 1.0 for scale in scales) / len(scales)
    assert 0.35 < wide < 0.6


def test_only_glass_mirrors_and_only_paper_is_shaded(drawn):
    for species, recipes in drawn.items():
        for light in (recipe.reflection for recipe in recipes):
            paper = species.startswith("print/")
            assert (light.shading > 0) is paper
            assert light.mirror <= 0.2 and light.glare <= 0.05 and light.glare_peak <= 3
            if paper:
                assert light.mirror == 0 and light.glare == 0


def test_nobody_holds_a_monitor_or_a_projector(drawn):
    for species in ("replay/laptop", "replay/desktop-tn", "replay/projector"):
        assert not any(recipe.surround.hands for recipe in drawn[species])
    held = [bool(recipe.surround.hands) for recipe in drawn["replay/phone-oled"]]
    assert 0.3 < np.mean(held) < 0.95
