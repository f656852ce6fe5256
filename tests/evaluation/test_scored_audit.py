"""The audit of what was scored: made of real pictures whose one cue is known."""

import json
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from despoof.evaluation.audit import CueRow
from despoof.evaluation.clip_scoring import BulkSettings
from despoof.evaluation.report import judge
from despoof.evaluation.report_folder import write_report
from despoof.evaluation.score_formats import ScoreTable
from despoof.evaluation.scored_audit import against_cues, audit_section
from despoof.evaluation.scored_clips import find_clips
from despoof.metrics.significance import holm

N = 48
LIVE = np.arange(N) % 2 == 0
CROPPED = BulkSettings(cropped=True)


def judged(score, name="system", subjects=12):
    table = ScoreTable(
        source=f"{name}.csv",
        path=[f"{i}.png" for i in range(N)],
        subject=[f"s{i % subjects}" if subjects else "" for i in range(N)],
        species=["" if live else "print/a4" for live in LIVE],
        live=LIVE,
        score=np.asarray(score, np.float64),
    )
    return judge(table, threshold=0.5, draws=0, name=name)


@pytest.fixture(scope="module")
def pictures(tmp_path_factory):
    """Live pictures are brighter than attacks but for two of each; all else is noise."""
    folder, rng = tmp_path_factory.mktemp("pictures"), np.random.default_rng(0)
    for i in range(N):
        level = 140 if LIVE[i] != (i in (0, 1, 2, 3)) else 90
        noise = rng.normal(level, 20, (24, 24, 3)).clip(0, 255).astype(np.uint8)
        Image.fromarray(noise).save(folder / f"{i}.png")
    return folder


def section(systems, folder, **options):
    found = find_clips([one.table for one in systems], [folder])
    return audit_section(systems, found, CROPPED, draws=300, **options)


def test_the_section_tells_the_cue_and_tests_every_system_against_it(pictures, tmp_path):
    rng = np.random.default_rng(1)
    systems = [
        judged(LIVE + rng.normal(0, 1e-3, N), "perfect"),
        judged(rng.normal(size=N), "blind"),
    ]
    shown: list[str] = []
    audit = section(systems, pictures, show=shown.append)
    json.dumps(audit, allow_nan=False)
    assert len(shown) == N and audit["n_live"] == audit["n_attack"] == N // 2
    best = audit["cues"][0]
    assert best["name"] == "brightness" and best["higher_means"] == "live"
    assert best["strength_ci95"][0] < best["strength"] < 1
    perfect, blind = audit["systems"]
    assert perfect["cue"] == blind["cue"] == "brightness"
    assert perfect["system_auc"] == 1 and perfect["beaten"]
    assert perfect["finding"] == "better than the cue" and perfect["difference_ci95"][0] > 0
    assert blind["finding"] == "worse than the cue" and not blind["beaten"]
    assert sorted(one["p_holm"] for one in (perfect, blind)) == pytest.approx(
        holm(sorted(one["p"] for one in (perfect, blind)))
    )
    assert audit["sample"] == (
        "Measured on 24 of 24 live and 24 of 24 attack clips. Face: the whole picture (--cropped)."
    )
    text = write_report(tmp_path, systems, audit=audit).read_text()
    for words in ("Systems against the best cue", "better than the cue", "worse than the cue",
                  audit["sample"], "adjusted by Holm for 2 systems"):  # fmt: skip
        assert words in text, words
    assert json.loads((tmp_path / "report.json").read_text())["audit"] == audit
    assert len((tmp_path / "against_cue.csv").read_text().splitlines()) == 3
    assert (tmp_path / "cues.csv").read_text().splitlines()[1].startswith("brightness,")


def test_a_cue_that_solves_the_set_disqualifies_it(pictures, tmp_path):
    system = judged(LIVE)
    known = [replace(clip, path=pictures / f"{4 + i % 2}.png", box=(2.0, 2.0, 20.0, 20.0))
             for i, clip in enumerate(find_clips([system.table], [pictures]).clips)
             for i in [int(clip.label == "attack")]]  # fmt: skip
    found = find_clips([system.table], [pictures], known)
    audit = audit_section([system], found, draws=50)
    assert not audit["can_rank"] and "This set cannot rank systems" in audit["verdict"]
    assert audit["sample"].endswith("Face: the manifest's box.")
    assert audit["systems"][0]["finding"] == "not shown to differ from the cue"
    text = write_report(tmp_path, [system], audit=audit).read_text()
    assert "cannot rank systems" in text and "exceeds 0.9" in text


def test_what_cannot_be_measured_is_listed(pictures, tmp_path):
    broken = tmp_path / "1.png"
    broken.write_bytes(b"no picture")
    system = judged(LIVE)
    found = find_clips([system.table], [tmp_path, pictures])
    audit = audit_section([system], found, CROPPED, draws=50)
    assert [one["path"] for one in audit["not_measured"]] == ["1.png"]
    assert "23 of 24 attack clips; 1 could not be measured" in audit["sample"]
    assert "Not measured: 1.png" in write_report(tmp_path / "o", [system], audit=audit).read_text()
    for i in range(1, N, 2):
        (tmp_path / f"{i}.png").write_bytes(b"no picture")
    found = find_clips([system.table], [tmp_path, pictures])
    audit = audit_section([system], found, CROPPED)
    assert "24 of 48 clips could not be measured, all of one class" in audit["not_run"]


def test_without_pictures_one_line_says_what_to_do(tmp_path):
    system = judged(LIVE)
    audit = section([system], tmp_path)
    assert set(audit) == {"not_run"} and "--images DIR" in audit["not_run"]
    page = write_report(tmp_path / "o", [system], audit=audit)
    assert "Not run. None of the 48 pictures" in page.read_text()
    assert not (page.parent / "cues.csv").exists()
    assert "Shortcut audit" not in write_report(tmp_path / "p", [system]).read_text()


def test_faces_are_detected_where_no_box_is_known(pictures):
    system = judged(LIVE)
    found = find_clips([system.table], [pictures])
    audit = audit_section([system], found, None, lambda image: [], draws=50)
    assert "could not be measured" in audit["not_run"] and "no face found" in audit["not_run"]


def test_tests_that_cannot_be_made_say_why(pictures):
    rows = [CueRow(f"{i}.png", "live" if LIVE[i] else "attack", "all", {"c": i}) for i in range(N)]
    (one,) = against_cues([judged(LIVE, subjects=1)], rows)
    assert "1 group" in one.why_not and one.finding == "" and "not_tested" in one.plain()
    (none,) = against_cues([judged(LIVE)], rows, draws=0)
    assert "--draws 0" in none.why_not
    audit = section([judged(LIVE, subjects=1)], pictures)
    assert audit["cues"][0]["strength_ci95"] is None and "1 group" in str(audit["systems"])
