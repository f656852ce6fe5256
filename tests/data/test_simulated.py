import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from skimage import data

from data.made_up_data import FACE, LANDMARKS
from despoof.core.errors import ConfigError, InputError
from despoof.core.types import Face
from despoof.data.simulated import (
    MARGIN,
    WIDE_SIDE,
    _size,
    attack_retake,
    camera_retake,
    chosen_species,
    moved,
)
from despoof.data.store import CropStore, without_species
from despoof.data.views import SourceConfig
from despoof.face.crop import CropConfig, crop_face
from despoof.recapture.species import SPECIES


@pytest.fixture(scope="module")
def portrait():
    picture = np.ascontiguousarray(data.astronaut()[30:230, 126:326])
    shift = np.array([126, 30])
    box = (np.array(FACE).reshape(2, 2) - shift).ravel()
    points = (np.array(LANDMARKS) - shift).astype(np.float32)
    return picture, Face(box=tuple(map(float, box)), landmarks=points)


# --- which species -------------------------------------------------------------------------------


def test_families_and_names_choose_species_and_unknown_ones_are_named():
    assert chosen_species([]) == SPECIES
    assert chosen_species(["print"]) == tuple(s for s in SPECIES if s.startswith("print/"))
    assert chosen_species(["replay/tablet", "print"])[-1] == "replay/tablet"
    with pytest.raises(InputError, match=r"no species .mask.\. .*replay/tablet"):
        chosen_species(["print", "mask"])


def test_both_families_come_equally_often_whatever_their_number(portrait):
    # Five kinds of print, six of replay; of one print and six replays half must be prints still.
    picture, face = portrait
    small = np.ascontiguousarray(picture[::4, ::4])
    quarter = Face(box=tuple(v / 4 for v in face.box))
    retake, _ = attack_retake(["print/laser-a4", "replay"])
    found = [
        retake(small, quarter, np.random.default_rng(seed)).species.partition("/")[0]
        for seed in range(60)
    ]
    assert 18 <= found.count("print") <= 42  # 30 ± 3 sd


def test_other_species_have_another_place_in_the_cache():
    tags = {attack_retake(())[1], attack_retake(["print"])[1], camera_retake()[1]}
    assert len(tags) == 3 and attack_retake(["print"])[1] == attack_retake(["print"])[1]


# --- what comes back -----------------------------------------------------------------------------


FLAT = [name for name in SPECIES if name.startswith("print/") and name != "print/bent"]


def test_the_eyes_of_a_bent_print_are_found_where_its_face_says(portrait):
    # A roll changes what is within a crop, so the points are asked for: green dots on the eyes.
    picture, face = portrait[0].copy(), portrait[1]
    for x, y in face.landmarks[:2]:
        cv2.circle(picture, (int(x), int(y)), 7, (0, 255, 0), -1)
    for seed in range(4):
        new = attack_retake(["print/bent"])[0](picture, face, np.random.default_rng(seed))
        red, green, blue = np.moveaxis(new.genuine.astype(int), -1, 0)
        dots = ((green > red + 100) & (green > blue + 100)).astype(np.uint8)
        count, _, sizes, middles = cv2.connectedComponentsWithStats(dots)
        middles = middles[1:][sizes[1:, cv2.CC_STAT_AREA] > 8] + 0.5
        assert count >= 3 and len(middles) == 2, seed
        width = new.face.box[2] - new.face.box[0]
        for eye in new.face.landmarks[:2]:
            assert np.linalg.norm(middles - eye, axis=1).min() < 0.015 * width, seed


@pytest.mark.parametrize("family", ["print", "replay"])
def test_an_attack_is_found_where_its_face_says(portrait, family):
    # Crops of the original and of the retake's genuine picture, each by its own face, must agree.
    picture, face = portrait
    config = CropConfig(size=96, scale=1.2)
    before = crop_face(picture, face, config)
    for seed in range(4):
        kinds = FLAT if family == "print" else [family]
        new = attack_retake(kinds)[0](picture, face, np.random.default_rng(seed))
        assert new.species.startswith(f"{family}/") and new.image.shape == new.genuine.shape
        after = crop_face(new.genuine, new.face, config)
        both = before.valid & after.valid
        a, b = (crop.image[both].astype(float).ravel() for crop in (before, after))
        if both.mean() > 0.8:  # tight framing may cut some of the face off
            assert np.corrcoef(a, b)[0, 1] > 0.9, (seed, new.species)


def test_a_live_face_stays_live_is_its_own_genuine_and_is_found_again(portrait):
    picture, face = portrait
    config = CropConfig(size=96, scale=1.2)
    before = crop_face(picture, face, config).image.astype(float).ravel()
    for seed in range(4):
        new = camera_retake()[0](picture, face, np.random.default_rng(seed))
        assert new.species == "live" and np.array_equal(new.image, new.genuine)
        after = crop_face(new.image, new.face, config).image.astype(float).ravel()
        assert np.corrcoef(before, after)[0, 1] > 0.85, seed


def test_a_retake_is_decided_by_its_generator(portrait):
    picture, face = portrait
    for retake in (attack_retake(())[0], camera_retake()[0]):
        one, two, other = (retake(picture, face, np.random.default_rng(s)) for s in (1, 1, 2))
        assert np.array_equal(one.image, two.image) and one.face.box == two.face.box
        assert one.image.shape != other.image.shape or not np.array_equal(one.image, other.image)


def test_a_picture_without_surroundings_is_never_framed_widely(portrait):
    picture, face = portrait
    x1, y1, x2, y2 = (round(v) for v in face.box)
    bare = np.ascontiguousarray(picture[y1 - 8 : y2 + 8, x1 - 18 : x2 + 18])
    inner = Face(box=(18.0, 8.0, 18.0 + x2 - x1, 8.0 + y2 - y1))
    edge = round(MARGIN * min(bare.shape[:2]))
    for seed in range(6):
        for retake in (attack_retake(())[0], camera_retake()[0]):
            new = retake(bare, inner, np.random.default_rng(seed))
            assert new.image.shape == (bare.shape[0] + 2 * edge, bare.shape[1] + 2 * edge, 3)
            # What was mirrored outwards is not counted as surroundings.
            assert new.reach == pytest.approx(min(bare.shape[:2]) / (y2 - y1))
    assert _size(picture, WIDE_SIDE) == (280, 280)
    assert max(_size(np.zeros((1000, 500, 3), np.uint8), 1.0)) == 288


@settings(max_examples=50, deadline=None)
@given(
    angle=st.floats(-0.5, 0.5),
    zoom=st.floats(0.3, 3),
    dx=st.floats(-50, 50),
    dy=st.floats(-50, 50),
)
def test_a_similarity_moves_a_face_as_a_whole(angle, zoom, dx, dy):
    cos, sin = zoom * np.cos(angle), zoom * np.sin(angle)
    place = np.array([[cos, -sin, dx], [sin, cos, dy], [0, 0, 1]])
    face = Face(box=(10, 20, 50, 80), landmarks=np.array([[30, 50]] * 5, np.float32))
    new = moved(face, place)
    x1, y1, x2, y2 = new.box
    assert (x2 - x1, y2 - y1) == pytest.approx((40 * zoom, 60 * zoom))
    # The landmark is the box's middle, before and after.
    assert new.landmarks[0] == pytest.approx(((x1 + x2) / 2, (y1 + y2) / 2), abs=1e-3)


def test_nothing_moves_under_the_identity():
    face = Face(box=(1, 2, 30, 40))
    assert moved(face, np.eye(3)).box == pytest.approx(face.box)


# --- configuration -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"label": "attack", "simulate": "attack"}, "only live pictures"),
        ({"label": "live", "repeats": 2}, "set simulate"),
        ({"label": "live", "simulate": "camera", "species": ["print"]}, "set simulate to attack"),
        ({"label": "live", "without": ["print"]}, "set simulate to attack"),
    ],
)
def test_a_source_that_makes_no_sense_is_refused(values, message):
    with pytest.raises(ConfigError, match=message):
        SourceConfig.parse({"dataset": "lfw", "weight": 1} | values)


def test_species_and_families_are_left_out():
    species = np.array(["print/laser-a4", "replay/tablet", "print/bent", "live"])
    images = np.arange(4, dtype=np.uint8).reshape(4, 1, 1, 1).repeat(3, 3)
    zeros = np.zeros(4, np.float32)
    store = CropStore(images, images, species == "live", zeros, 1.9, species, images)
    assert without_species(store, ()) is store
    assert without_species(store, ["print"]).species.tolist() == ["replay/tablet", "live"]
    kept = without_species(store, ["print/bent"])
    assert kept.images[:, 0, 0, 0].tolist() == kept.genuine[:, 0, 0, 0].tolist() == [0, 1, 3]
