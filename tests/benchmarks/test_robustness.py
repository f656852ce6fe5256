"""The curves of the default: what each disturbance does, how rows are summed up, and the page."""

from types import SimpleNamespace

import numpy as np
import pytest

from benchmarks.programs import program
from despoof.core.types import Verdict

BOX = (20.0, 30.0, 84.0, 94.0)


@pytest.fixture(scope="module")
def programs():
    names = ("robustness", "robustness_curves", "robustness_page")
    return SimpleNamespace(**{name: program(name) for name in names})


@pytest.fixture(scope="module")
def picture(portrait):
    return portrait[40:168, 170:298].copy()


def rng():
    return np.random.default_rng(1)


def test_every_disturbance_leaves_the_picture_alone_and_grows_with_its_level(programs, picture):
    kept = picture.copy()
    for curve in programs.robustness_curves.CURVES:
        sizes = []
        for level in curve.levels:
            made = curve.disturb(picture, BOX, level, rng())
            again = curve.disturb(picture, BOX, level, rng())
            assert made.image.dtype == np.uint8 and made.image.shape[2] == 3
            assert np.array_equal(made.image, again.image) and made.box == again.box
            assert (made.box is not None) == curve.boxed, curve.name
            if curve.boxed:
                assert np.array_equal(made.image, picture)
                sizes.append(np.abs(np.subtract(made.box, BOX)).sum())
            elif made.image.shape == picture.shape:
                difference = made.image.astype(float) - picture
                sizes.append(np.sqrt((difference**2).mean()))
        if not curve.two_sided and curve.name not in ("face size", "rotation"):
            assert sizes == sorted(sizes) and sizes[-1] > sizes[0], curve.name
        assert np.array_equal(picture, kept)


def test_the_face_has_the_pixels_that_the_level_says(programs, picture):
    curves = programs.robustness_curves
    small = curves.face_size(picture, BOX, 32, rng()).image
    assert small.shape == (64, 64, 3), "64 px of face in 128 become 32 in 64"
    assert curves.face_size(picture, BOX, 200, rng()).image is picture
    assert curves.resolution(picture, BOX, 32, rng()).image.shape == picture.shape


def test_light_and_colour_are_those_of_linear_light(programs):
    curves = programs.robustness_curves
    grey = np.full((64, 64, 3), 188, np.uint8)  # half of white's light
    dark = curves.low_light(grey, BOX, 0.5, rng()).image
    assert dark.mean() == pytest.approx(137, abs=1.5), "a quarter of white's light"
    cast = curves.colour_cast(grey, BOX, 4.0, rng()).image[0, 0].tolist()
    assert cast == [255, 188, pytest.approx(137, abs=1)]


def test_what_is_hidden_is_the_lower_part_of_the_face(programs, picture):
    covered = programs.robustness_curves.occlusion(picture, BOX, 0.25, rng()).image
    changed = (covered != picture).any(axis=2)
    rows, columns = np.nonzero(changed)
    assert rows.min() >= 78 and rows.max() <= 93 and columns.min() >= 20 and columns.max() <= 83
    assert (covered[80:92, 30:70] == programs.robustness_curves.COVER).all()


def seen(programs, live, label, score, reason=""):
    sample = SimpleNamespace(live=live, group=f"{live}{score}")
    return programs.robustness.seen_of(sample, Verdict(label, score, 0.5, reason))


def test_rates_are_of_what_is_decided_and_undecided_of_all(programs):
    several = [
        seen(programs, True, "live", 0.9),
        seen(programs, True, "spoof", 0.4),
        seen(programs, True, "undecided", 0.6, "face is 31 px, need 48"),
        seen(programs, True, "undecided", None, "no face found"),
        seen(programs, False, "spoof", 0.1),
        seen(programs, False, "live", 0.7),
        seen(programs, False, "undecided", 0.2, "face is blurred: sharpness 0.50, need 0.65"),
    ]
    found = programs.robustness.figures(several)
    assert (found["bpcer"]["k"], found["bpcer"]["n"]) == (1, 2)
    assert (found["apcer"]["k"], found["apcer"]["n"]) == (1, 2)
    assert found["undecided_live"]["value"] == 0.5
    assert found["undecided_attack"]["value"] == pytest.approx(1 / 3)
    assert found["auc"] == pytest.approx(7 / 9) and found["n_scored"] == 6
    assert found["reasons"] == {"face is … px": 1, "no face found": 1, "face is blurred": 1}
    alone = programs.robustness.figures([seen(programs, True, "undecided", None, "no face found")])
    assert alone["auc"] is None and alone["bpcer"]["value"] is None


def test_a_whole_measurement_in_small(programs, made_up_root, monkeypatch, tmp_path):
    from despoof.detector import Detector
    from despoof.face.crop import CropConfig

    class Brightness:
        config = None

        def score(self, faces):
            return faces.mean(dim=(1, 2, 3))

    def no_search(image):
        return []

    detector = Detector(Brightness(), CropConfig(size=32, scale=1.2), 0.0, "tiny", no_search)
    monkeypatch.setenv("DESPOOF_DATA", str(made_up_root))
    monkeypatch.setattr(programs.robustness.despoof, "load", lambda: detector)
    result = programs.robustness.measure(every=2, seed=0)
    assert result["sets"]["nuaa test"]["n_live"] + result["sets"]["nuaa test"]["n_attack"] == 5
    levels = sum(len(curve.levels) for curve in programs.robustness_curves.CURVES)
    assert len(result["rows"]) == 2 + levels
    plain, boxed = result["rows"][:2]
    assert plain["celeba-spoof dev"]["undecided_live"]["value"] == 1, "the face is searched for"
    assert boxed["celeba-spoof dev"]["undecided_live"]["value"] < 1, "the box is given"
    assert programs.robustness.measure(every=2, seed=0)["rows"] == result["rows"]

    page, figure = tmp_path / "page.md", tmp_path / "figure.png"
    programs.robustness_page.write_page(result, page, figure)
    text = page.read_text("utf-8")
    assert "{{" not in text and "crop shift" in text and figure.stat().st_size > 10_000
    assert "--every 2" in text and "Weights `tiny`" in text


def test_where_it_breaks_is_the_mildest_level_and_the_gate_is_told(programs):
    page = programs.robustness_page

    def row(level, auc, bpcer, undecided):
        figures = {"auc": auc, "bpcer": bpcer, "reasons": {"face is blurred": 3}}
        return {"level": level, "x": figures | {"undecided_live": undecided}}

    plain = row(None, 0.95, 0.1, 0.0)
    rows = [plain, row(1, 0.93, 0.1, 0.0), row(2, 0.85, 0.1, 0.2), row(3, 0.5, 0.1, 1.0)]
    assert page.break_words(rows, "x").startswith("2: AUC .850, BPCER .10, undecided .20 (let")
    assert page.break_words(rows[:2], "x") == "holds"
    silent = [plain, row(1, 0.95, 0.4, 0.8)]
    assert page.break_words(silent, "x") == "1: AUC .950, BPCER .40, undecided .80: face is blurred"
    gone = [plain, row(1, None, None, 1.0)]
    assert page.break_words(gone, "x").startswith("1: AUC –, BPCER –, undecided 1.00: face")
    both = [plain, row(0.4, 0.5, 0.1, 0.0), row(0.9, 0.8, 0.1, 0.0), row(2.0, 0.6, 0.1, 0.0)]
    assert page.break_words(both, "x", two_sided=True).startswith("0.9: AUC .800")
