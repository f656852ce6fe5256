import numpy as np
import pytest
from PIL import Image
from scipy import ndimage

from despoof.core.errors import ConfigError
from despoof.core.types import Face
from despoof.face import CropConfig, QualityPolicy, assess, crop_face, whole_picture_face
from despoof.face.spoiled import sharpness

MARKS = np.float32([[202, 102], [249, 103], [224, 126], [204, 146], [244, 147]])
FACE = Face((179.4, 57.4, 272.8, 184.3), MARKS)
CROP = CropConfig(size=128, scale=1.3)


def judged(image, face=FACE, policy=None):
    return assess(image, face, crop_face(image, face, CROP), policy)


def test_a_good_portrait_passes_with_its_values(portrait):
    report = judged(portrait)
    assert report.reason == ""
    v = report.values
    assert v["face"] == pytest.approx(126.9)
    assert v["outside"] == pytest.approx(0, abs=1e-9)
    assert 100 < v["luma"] < 230
    assert v["clipped"] < 0.05
    assert v["sharpness"] > 1
    assert max(abs(v["yaw"]), abs(v["pitch"]), abs(v["roll"])) < 20
    assert all(type(value) is float for value in v.values())


def test_a_whole_picture_needs_no_landmarks(portrait):
    image = portrait[30:210, 140:320]
    report = judged(image, whole_picture_face(image))
    assert report.reason == ""
    assert "yaw" not in report.values


def test_the_border_cuts(portrait):
    report = judged(portrait[:, 220:], Face((-40.6, 57.4, 52.8, 184.3)))
    assert report.values["outside"] == pytest.approx(40.6 / 93.4, abs=1e-6)
    assert report.reason == "43% of the face is outside the picture, at most 20% may be"


def test_a_face_too_small_for_anything(portrait):
    small = np.asarray(Image.fromarray(portrait).resize((125, 125)))
    face = Face(tuple(np.array(FACE.box) * 125 / 512), MARKS * 125 / 512)
    assert judged(small, face).reason == "face is 31 px, need 48"


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda x: x // 12, "face is too dark: mean luma"),
        (lambda x: 255 - (255 - x) // 12, "face is too bright: mean luma"),
        (
            lambda x: np.where(x[..., :1] > 120, np.uint8(255), x // 4),
            "of the face is black or white",
        ),
        (lambda x: ndimage.gaussian_filter(x, (4, 4, 0)), "face is blurred: sharpness 0."),
        (np.ones_like, "face is too dark"),
        (lambda x: np.full_like(x, 128), "face is blurred: sharpness 0.00, need 0.8"),
    ],
)
def test_a_bad_picture_says_why(portrait, change, reason):
    assert reason in judged(change(portrait)).reason


@pytest.mark.parametrize(
    ("marks", "reason"),
    [
        ([[202, 102], [249, 103], [275, 126], [204, 146], [244, 147]], "yaw"),
        ([[202, 102], [249, 103], [224, 175], [204, 146], [244, 147]], "pitch"),
        ([[240, 90], [242, 150], [220, 120], [190, 92], [191, 148]], "roll"),
    ],
)
def test_a_face_that_looks_away(portrait, marks, reason):
    report = judged(portrait, Face(FACE.box, np.float32(marks)))
    assert report.reason.startswith(f"face is turned away: {reason} ")
    assert "at most" in report.reason


def test_nothing_of_the_face_to_see(portrait):
    report = judged(portrait, Face((900, 900, 1000, 1000)))
    assert report.reason == "face lies outside the picture"
    assert all(np.isfinite(value) for value in report.values.values())
    assert report.values["outside"] == 1


def test_broken_landmarks_are_no_landmarks(portrait):
    report = judged(portrait, Face(FACE.box, np.full((5, 2), np.nan, np.float32)))
    assert report.reason == ""
    assert "roll" not in report.values


def test_the_policy_is_a_configuration(portrait):
    policy = QualityPolicy.parse({"min_face": 200})
    assert judged(portrait, policy=policy).reason == "face is 127 px, need 200"
    with pytest.raises(ConfigError, match="Did you mean 'min_face'"):
        QualityPolicy.parse({"min_fac": 3})


def test_sharpness_ignores_contrast_and_size(portrait):
    values = [judged(portrait).values["sharpness"], judged(portrait // 2).values["sharpness"]]
    double = np.asarray(Image.fromarray(portrait).resize((1024, 1024), Image.Resampling.BICUBIC))
    large = Face(tuple(2 * np.array(FACE.box)), 2 * MARKS)
    values.append(judged(double, large).values["sharpness"])
    assert np.ptp(values) < 0.12
    assert sharpness(np.ones((64, 64)), np.zeros((64, 64), bool)) == 0
