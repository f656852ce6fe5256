"""The shortcut audit: cues that solve a set are found, and systems are held against them."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from despoof.core.errors import DataError, InputError, MediaError
from despoof.data.manifest import Clip
from despoof.evaluation.audit import CueRow, audit, measure
from despoof.evaluation.clip_scoring import BulkSettings
from despoof.evaluation.cue_comparison import against_best_cue
from despoof.evaluation.cues import border_share, outside_share
from despoof.evaluation.score_file import ScoreRow


def make_rows(**cues):
    """Forty clips of ten people: the first twenty live, the rest attacks."""
    labels = ["live"] * 20 + ["attack"] * 20
    return [
        CueRow(f"{i}.png", label, f"p{i % 10}", {name: float(v[i]) for name, v in cues.items()})
        for i, label in enumerate(labels)
    ]


RNG = np.random.default_rng(5)
NOISE = RNG.normal(size=40)
LIVE = np.arange(40) < 20


def test_a_cue_that_solves_the_set_is_flagged_in_either_direction():
    rows = make_rows(noise=NOISE, size=2.0 * LIVE, dark=-3.0 * LIVE)
    report = audit(rows, draws=50)
    assert [cue.name for cue in report.cues] == ["size", "dark", "noise"]
    size, dark, noise = report.cues
    assert (size.auc, size.sign, size.strength) == (1, 1, 1)
    assert (dark.auc, dark.sign, dark.strength) == (0, -1, 1) and dark.strength_ci95 == (1, 1)
    assert noise.strength_ci95[0] <= noise.strength <= noise.strength_ci95[1]
    assert report.flagged == ("size", "dark") and not report.can_rank
    assert report.verdict.startswith("This set cannot rank systems: size, dark alone exceed AUC")
    assert (report.n_live, report.n_attack, report.live_groups, report.attack_groups) == (
        20, 20, 10, 10,
    )  # fmt: skip
    plain = json.loads(json.dumps(report.plain(), allow_nan=False))
    assert plain["cues"][1]["higher_means"] == "attack" and plain["cues"][0]["flagged"]
    assert audit(rows, draws=50) == report


def test_an_honest_set_may_rank():
    report = audit(make_rows(noise=NOISE), draws=0)
    assert report.can_rank and "the best is noise" in report.verdict
    (noise,) = report.cues
    assert noise.low is None and noise.strength_ci95 is None
    assert report.plain()["cues"][0]["auc_ci95"] is None
    strict = audit(make_rows(noise=NOISE), limit=noise.strength - 1e-9, draws=0)
    assert "noise alone exceeds" in strict.verdict


def test_a_cue_is_judged_on_the_clips_that_have_it():
    rows = make_rows(noise=NOISE)
    rows[0] = CueRow("0.png", "live", "p0", {"noise": 0.5, "bytes": 1.0, "odd": 2.0})
    rows[-1] = CueRow("39.png", "attack", "p9", {"noise": 0.5, "bytes": 2.0})
    found = {cue.name: cue for cue in audit(rows, draws=20).cues}
    assert set(found) == {"noise", "bytes"}  # "odd" is on one class only
    assert found["bytes"].n_live == found["bytes"].n_attack == 1 and found["bytes"].low is None
    with pytest.raises(InputError, match="needs both classes"):
        audit(rows[:20])
    with pytest.raises(InputError, match="0 live and 0 attack"):
        audit([])


def make_scores(rows, values):
    return [
        ScoreRow(row.path, "", row.label, "", float(v)) for row, v in zip(rows, values, strict=True)
    ]


def test_a_system_is_tested_against_the_best_cue_in_pairs():
    rows = make_rows(noise=NOISE, sharp=-(1.0 * LIVE + NOISE))
    good = against_best_cue(make_scores(rows, LIVE), rows, draws=200)
    assert (good.cue, good.higher_means, good.system_auc) == ("sharp", "attack", 1)
    assert good.difference == pytest.approx(1 - good.cue_auc) and good.low <= good.difference
    assert good.beaten and good.p_value == pytest.approx(2 / 201)
    same = against_best_cue(make_scores(rows, LIVE + NOISE), rows, draws=200)
    assert (same.difference, same.low, same.high, same.p_value) == (0, 0, 0, 1)
    assert not same.beaten
    bad = against_best_cue(make_scores(rows, -1.0 * LIVE), rows[1:], draws=200)
    assert bad.high < 0 and bad.n_live == 19 and bad.p_value < 0.05


def test_a_comparison_needs_the_same_clips():
    rows = make_rows(noise=NOISE)
    scores = make_scores(rows, NOISE)
    with pytest.raises(InputError, match="two scores"):
        against_best_cue([*scores, scores[0]], rows)
    with pytest.raises(InputError, match="No clip has both"):
        against_best_cue(scores, [CueRow("z", "live", "z", {"noise": 1.0})])
    turned = CueRow(rows[0].path, "attack", "g", {"noise": 1.0})
    with pytest.raises(InputError, match="is attack here, but live"):
        against_best_cue(scores, [turned])


def test_a_clip_is_measured_at_its_box(tmp_path, portrait):
    path = tmp_path / "a.png"
    Image.fromarray(portrait).save(path)
    clip = Clip(path, "a.png", "live", subject="x", box=(176, 70, 276, 190))
    row = measure(clip)
    assert (row.path, row.label, row.group) == ("a.png", "live", "/x")
    assert row.values["face_share"] == pytest.approx(100 * 120 / 512**2)
    assert row.values["outside_share"] == row.values["border_share"] == 0
    assert row.values["bytes_per_pixel"] == pytest.approx(path.stat().st_size / 512**2)
    whole = measure(Clip(path, "a.png", "live"), BulkSettings(cropped=True))
    assert whole.values["face_share"] == pytest.approx(1 / 1.2**2, rel=0.01)
    with pytest.raises(DataError, match="no face found"):
        measure(Clip(path, "a.png", "live"))
    with pytest.raises(MediaError):
        measure(Clip(Path(tmp_path / "none.png"), "none.png", "live"))


def test_a_video_has_no_bytes_per_pixel_and_its_face_is_detected(face_clip):
    from despoof.face.detect import CenterFace

    row = measure(Clip(face_clip, "clip", "live", box=(0, 0, 9, 9)), None, CenterFace())
    assert "bytes_per_pixel" not in row.values
    assert row.values["face_share"] < 0.2


def test_the_border_is_what_is_even_at_the_edge():
    image = np.random.default_rng(0).integers(0, 255, (40, 50, 3), np.uint8)
    assert border_share(image) == 0
    framed = np.zeros((80, 100, 3), np.uint8)
    framed[20:60, 30:80] = image
    assert border_share(framed) == pytest.approx(1 - 40 * 50 / (80 * 100))
    assert border_share(np.full((5, 5, 3), 90, np.uint8)) == 1


def test_what_is_outside_the_picture_is_a_share_of_the_box():
    image = np.zeros((100, 100, 3), np.uint8)
    assert outside_share(image, (10, 10, 60, 60)) == 0
    assert outside_share(image, (-25, 0, 25, 50)) == pytest.approx(0.5)
    assert outside_share(image, (50, 50, 100, 150)) == pytest.approx(0.5)
