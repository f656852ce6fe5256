import io

import numpy as np
import pytest
from PIL import Image
from scipy import ndimage

from despoof.core.types import Face
from despoof.face import CropConfig, assess, crop_face
from despoof.face.spoiled import blockiness, chin_gap, chin_texture, face_luma, noise_level

BOX = (179.4, 57.4, 272.8, 184.3)
CROP = CropConfig(size=128, scale=1.3)
SMOOTH = np.add.outer(np.linspace(40, 180, 96), 30 * np.sin(np.linspace(0, 6, 96)))


def compressed(image, quality):
    stream = io.BytesIO()
    Image.fromarray(image).save(stream, "JPEG", quality=quality, subsampling="4:2:0")
    return np.array(Image.open(stream))


def reason(image):
    face = Face(BOX)
    return assess(image, face, crop_face(image, face, CROP)).reason


def covered(image, share, colour):
    x1, y1, x2, y2 = (round(v) for v in BOX)
    changed = image.copy()
    changed[round(y2 - share * (y2 - y1)) : y2, x1:x2] = colour
    return changed


@pytest.mark.parametrize("sd", [0, 2, 10, 30])
def test_the_noise_that_was_added_is_found(sd):
    rng = np.random.default_rng(0)
    assert noise_level(SMOOTH + sd * rng.standard_normal(SMOOTH.shape)) == pytest.approx(
        sd, rel=0.05, abs=0.02
    )


def test_noise_of_single_channels_is_averaged_by_the_luma(portrait):
    noisy = portrait + 20 * np.random.default_rng(0).standard_normal(portrait.shape)
    found = noise_level(face_luma(np.clip(noisy, 0, 255), BOX))
    assert found == pytest.approx(20 * np.linalg.norm([0.299, 0.587, 0.114]), rel=0.12)


def test_features_and_straight_edges_are_no_noise():
    step = np.where(np.arange(96) < 50, 20.0, 220.0)[None].repeat(96, axis=0)
    assert noise_level(step) == 0
    dotted = SMOOTH.copy()
    dotted[::12, ::12] += 100
    assert noise_level(dotted) < 0.05


@pytest.mark.parametrize("shift", [(0, 0), (3, 5), (7, 1)])
def test_blocks_are_found_wherever_their_grid_begins(portrait, shift):
    values = []
    for quality in (95, 40, 15, 6):
        luma = face_luma(compressed(portrait, quality), BOX)
        values.append(blockiness(luma[shift[0] :, shift[1] :]))
    assert values == sorted(values)
    assert values[0] < 0.1 and values[2] > 0.6 and values[3] > 1


def test_blocks_do_not_depend_on_contrast_and_vanish_with_scaling(portrait):
    image = compressed(portrait, 10)
    luma = face_luma(image, BOX)
    assert blockiness(luma / 2 + 60) == pytest.approx(blockiness(luma), rel=0.15)
    scaled = np.array(Image.fromarray(image).resize((700, 700), Image.Resampling.BICUBIC))
    assert blockiness(face_luma(scaled, tuple(v * 700 / 512 for v in BOX))) < 0.5


def test_stripes_along_one_axis_are_no_blocks():
    blinds = np.where(np.arange(96) // 8 % 2, 60.0, 160.0)[None].repeat(96, axis=0)
    assert blockiness(blinds) == 0


def test_small_and_empty_places():
    assert blockiness(np.zeros((23, 90))) == 0 and blockiness(np.full((90, 90), 7.0)) == 0
    assert noise_level(np.zeros((2, 90))) == 0
    assert face_luma(np.zeros((40, 40, 3), np.uint8), (50, 50, 60, 60)).size == 0


def test_the_middle_of_a_huge_face_is_enough():
    image = np.zeros((1200, 1000, 3), np.uint8)
    image[300:900, 250:750] = 255
    luma = face_luma(image, (0, 0, 1000, 1200))
    assert luma.shape == (512, 512) and (luma == 255).mean() > 0.95


def test_a_chin_of_another_colour_and_a_flat_one():
    skin = np.array([200, 150, 125], np.uint8)
    texture = np.random.default_rng(0).integers(-12, 12, (64, 64, 1))
    look = np.clip(skin + texture, 0, 255).astype(np.uint8)
    assert chin_gap(look) < 1 and chin_texture(look) > 5
    bearded = look.copy()
    bearded[44:] //= 3  # dark, of the same hue
    assert chin_gap(bearded) < 1
    bearded[44:] = (28, 24, 24) + texture[44:] // 4
    assert chin_gap(bearded) < 8, "nor is a black beard a cover"
    masked = look.copy()
    masked[44:] = (150, 175, 195)
    assert chin_gap(masked) > 26 and chin_texture(masked) == 0


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda x: compressed(x, 8), "picture is compressed too much: blocks"),
        (
            lambda x: np.clip(
                x + 30 * np.random.default_rng(0).standard_normal(x.shape), 0, 255
            ).astype(np.uint8),
            "face is noisy: standard deviation",
        ),
        (lambda x: covered(x, 0.3, (150, 175, 195)), "lower part of the face is covered"),
        (lambda x: covered(x, 0.4, (200, 160, 140)), "lower part of the face is covered"),
        (lambda x: ndimage.gaussian_filter(x, (2.2, 2.2, 0)), "face is blurred"),
    ],
)
def test_the_gate_names_what_spoils_the_picture(portrait, change, words):
    assert reason(portrait) == ""
    assert reason(change(portrait)).startswith(words)


def test_mild_faults_pass(portrait):
    rng = np.random.default_rng(0)
    noisy = np.clip(portrait + 8 * rng.standard_normal(portrait.shape), 0, 255).astype(np.uint8)
    for image in (compressed(portrait, 40), noisy, covered(portrait, 0.08, (150, 175, 195))):
        assert reason(image) == ""
