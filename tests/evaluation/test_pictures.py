from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from despoof.core.errors import InputError
from despoof.core.types import Face, FaceCrop, Frame, Verdict
from despoof.detector import FaceParts
from despoof.evaluation.panels import full_scale, noise_legend, printable
from despoof.evaluation.pictures import contact_sheet, evidence_picture

SIDE, GAP, HEAD = 256, 16, 82


def parts(noise=0.0, evidence=0.0, label="live", score=0.5, **verdict):
    image = np.full((64, 64, 3), 200, np.uint8)
    face = Face((0.0, 0.0, 64.0, 64.0))
    crop = FaceCrop(image, np.ones((64, 64), bool), np.eye(2, 3), face)
    return FaceParts(
        frame=Frame(image, "a/selfie.jpg"),
        crop=crop,
        verdict=Verdict(label, score, 0.1, source="a/selfie.jpg", **verdict),
        genuine=np.full((64, 64, 3), 100, np.uint8),
        noise=np.full((64, 64, 3), noise, np.float32),
        evidence=np.full((32, 32), evidence, np.float32),
    )


def panel(picture, number):
    """The colour in the middle of a panel."""
    return picture.getpixel((GAP + number * (SIDE + GAP) + SIDE // 2, HEAD + SIDE // 2))


def test_the_panels_are_input_genuine_noise_and_evidence():
    picture = evidence_picture(parts(noise=0.05, evidence=1.0))
    assert picture.mode == "RGB" and picture.size == (4 * SIDE + 5 * GAP, HEAD + SIDE + 84)
    assert panel(picture, 0) == (200, 200, 200) and panel(picture, 1) == (100, 100, 100)
    assert panel(picture, 2) == (255, 255, 255)  # 0.05 is the full scale
    assert panel(picture, 3) == (252, 255, 164)  # the bright end of the bar


@pytest.mark.parametrize(("noise", "grey"), [(0.0, 128), (-0.05, 0), (0.04, 230), (-0.04, 26)])
def test_noise_is_signed_and_grey_is_zero(noise, grey):
    values = panel(evidence_picture(parts(noise=noise)), 2)
    assert values == pytest.approx((grey,) * 3, abs=1)


@pytest.mark.parametrize(
    ("top", "scale"), [(0, 0.001), (0.03, 0.05), (0.05, 0.05), (0.3, 0.5), (1.9, 2), (9, 2)]
)
def test_the_scale_is_the_next_round_number(top, scale):
    assert full_scale(parts(noise=top)) == scale


def test_padding_counts_neither_for_the_scale_nor_as_noise():
    one = parts(noise=0.01)
    one.noise[:, :32] = 1.5
    one.crop.valid[:, :32] = False
    assert full_scale(one) == 0.01
    assert "0.0100" in noise_legend(one, 0.01)[1]
    left = evidence_picture(one).getpixel((GAP + 2 * (SIDE + GAP) + 40, HEAD + SIDE // 2))
    assert left == (24, 26, 30)


def test_the_legend_says_how_noise_is_drawn():
    lines = noise_legend(parts(noise=0.03), 0.05)
    assert lines[0] == "noise ×20 · grey = 0 · full scale ±0.05"
    assert lines[1] == "mean |noise| 0.0300 = 3.82 of 255 levels"


def test_verdicts_and_strange_sources_are_drawn():
    texts = [
        {"label": "spoof", "score": -0.2},
        {"label": "undecided", "score": None, "reason": "face is 31 px, need 48 " * 20},
    ]
    pictures = [np.asarray(evidence_picture(parts(**text))) for text in texts]
    assert len({picture[20, 20].tobytes() for picture in pictures}) == 2  # the badge's colour
    verdict = Verdict("live", 0.5, None, source="写真/" + "ä" * 500, time=1.25)
    picture = evidence_picture(replace(parts(), verdict=verdict))
    assert picture.width == 4 * SIDE + 5 * GAP


def test_broken_numbers_are_drawn_too():
    with np.errstate(all="raise"):
        for broken in (np.nan, np.inf):
            one = parts(noise=broken, evidence=broken, label="undecided", score=None)
            assert evidence_picture(one).width == 4 * SIDE + 5 * GAP


def test_a_face_that_is_all_padding_is_drawn():
    one = parts()
    one.crop.valid[:] = False
    assert panel(evidence_picture(one), 2) == (24, 26, 30)


def test_drawing_is_a_pure_function():
    one = parts(noise=0.02, evidence=0.3)
    before = one.noise.copy()
    assert evidence_picture(one).tobytes() == evidence_picture(one).tobytes()
    np.testing.assert_array_equal(one.noise, before)


def test_a_contact_sheet_has_one_scale_for_all():
    sheet = contact_sheet([parts(noise=0.02), parts(noise=0.2)], side=64)
    first, second = (sheet.getpixel((12 + 2 * 70 + 32, 50 + row * 92 + 22 + 32)) for row in (0, 1))
    assert second == (255, 255, 255) and first == pytest.approx((140,) * 3, abs=1)


def test_a_contact_sheet_deals_to_columns():
    faces = [parts()] * 5
    tall, wide = contact_sheet(faces, side=32), contact_sheet(faces, side=32, columns=2)
    assert wide.height < tall.height and wide.width > 1.9 * tall.width
    assert isinstance(contact_sheet(faces, list("abcde")), Image.Image)


@pytest.mark.parametrize(
    ("faces", "titles", "columns"), [(0, None, 1), (2, ["a"], 1), (1, None, 0)]
)
def test_an_impossible_sheet_is_an_error(faces, titles, columns):
    with pytest.raises(InputError, match="expected at least one face"):
        contact_sheet([parts()] * faces, titles, columns=columns)


def test_the_font_writes_what_it_can():
    assert printable("Zoë × −1 写") == "Zoe x -1 ?"
