import numpy as np
import pytest

from despoof.core.errors import InputError
from despoof.evaluation import cues

WHOLE = (0.0, 0.0, 64.0, 64.0)


def plain(value, side=64):
    return np.full((side, side, 3), value, np.uint8)


def textured(seed=0, side=64):
    return np.random.default_rng(seed).integers(60, 200, (side, side, 3), dtype=np.uint8)


def box_blur(image):
    wide = np.pad(image.astype(float), ((1, 1), (1, 1), (0, 0)), mode="edge")
    n = image.shape[0]
    parts = [wide[i : i + n, j : j + n] for i in range(3) for j in range(3)]
    return np.rint(np.mean(parts, axis=0)).astype(np.uint8)


def test_a_flat_grey_face_has_known_cues():
    found = cues.cues(plain(51), (16, 16, 48, 48), file_size=8192)
    assert found == pytest.approx(
        {
            "sharpness": 0,
            "brightness": 0.2,
            "contrast": 0,
            "saturation": 0,
            "colour_balance": 0,
            "noise_level": 0,
            "face_share": 0.25,
            "picture_side": 64,
            "bytes_per_pixel": 2,
        },
        abs=1e-12,
    )


def test_colours_by_hand():
    face = np.zeros((3, 4, 3), np.uint8)
    face[..., 0], face[..., 1], face[..., 2] = 200, 100, 50
    assert cues.saturation(face) == pytest.approx(0.75)
    assert cues.colour_balance(face) == pytest.approx(150 / 255)
    assert cues.brightness(face) == pytest.approx((0.299 * 200 + 0.587 * 100 + 0.114 * 50) / 255)
    assert cues.saturation(plain(0)) == 0


def test_half_black_half_white_has_the_largest_contrast():
    face = plain(0)
    face[:32] = 255
    assert cues.contrast(face) == pytest.approx(0.5)
    assert cues.brightness(face) == pytest.approx(0.5)


def test_sharpness_is_the_variance_of_the_laplacian():
    face = plain(0, 5)
    face[2, 2] = 255
    laplacian = np.array([[0, 1, 0], [1, -4, 1], [0, 1, 0]])
    assert cues.sharpness(face) == pytest.approx(np.var(laplacian))


def test_blur_lowers_sharpness_and_noise():
    image = textured()
    assert cues.sharpness(box_blur(image)) < cues.sharpness(image) / 5
    assert cues.noise_level(box_blur(image)) < cues.noise_level(image) / 3


@pytest.mark.parametrize("sd", [0.02, 0.05])
def test_noise_level_finds_the_noise_that_was_added_and_ignores_a_ramp(sd):
    rng = np.random.default_rng(1)
    ramp = np.linspace(0.3, 0.7, 256)[None, :, None]
    grey = ramp + rng.normal(0, sd, (256, 256, 1))  # one value for R, G and B: luma noise = sd
    image = np.rint(255 * np.repeat(grey, 3, axis=2)).astype(np.uint8)
    assert cues.noise_level(image) == pytest.approx(sd, rel=0.03)


def test_a_face_over_the_border_is_clipped_and_the_same_twice():
    image = textured()
    found = cues.cues(image, (-10, -10, 32, 32))
    assert found["face_share"] == 0.25
    assert found == cues.cues(image, (0, 0, 32, 32))
    assert "bytes_per_pixel" not in found


@pytest.mark.parametrize(
    ("image", "box", "message"),
    [
        (plain(0)[..., 0], WHOLE, "uint8"),
        (plain(0).astype(float), WHOLE, "uint8"),
        (plain(0), (70, 70, 90, 90), "keeps 0×0 px"),
        (plain(0), (-9, -9, -1, -1), "keeps 0×0 px"),
        (plain(0), (5, 5, 7, 30), "at least 3×3"),
        (plain(0), (0, 0, float("nan"), 9), "not finite"),
    ],
)
def test_bad_pictures_and_boxes_are_refused(image, box, message):
    with pytest.raises(InputError, match=message):
        cues.cues(image, box)


def test_an_empty_file_is_refused():
    with pytest.raises(InputError, match="0 bytes"):
        cues.cues(plain(0), WHOLE, file_size=0)
