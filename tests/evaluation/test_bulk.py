"""Bulk scoring: the score of a clip, failures, batches, and going on after a stop."""

import csv
import json
from dataclasses import replace

import numpy as np
import pytest
from data.made_up_data import make_data_root
from PIL import Image

from despoof.core.errors import DataError, InputError
from despoof.core.types import Decomposition
from despoof.data.manifest import Clip, read_manifest
from despoof.detector import Detector, load
from despoof.evaluation.bulk import ERROR_COLUMNS, score_manifest
from despoof.evaluation.clip_scoring import BulkSettings, score_clips
from despoof.evaluation.score_file import read_scores
from despoof.face.crop import CropConfig


class Mean:
    """Scores a face by its mean, and counts."""

    config = "a mean"

    def __init__(self, stop_after=None):
        self.sizes, self.stop_after = [], stop_after

    def score(self, faces):
        if self.stop_after is not None and sum(self.sizes) >= self.stop_after:
            raise KeyboardInterrupt
        self.sizes.append(len(faces))
        return faces.mean((1, 2, 3))

    def decompose(self, faces):
        return Decomposition(faces, faces, faces, self.score(faces))


def make_detector(system=None, **changes):
    base = Detector(
        system=system or Mean(),
        crop=CropConfig(size=32, scale=1.0),
        threshold=None,
        quality=None,
        batch_size=4,
    )
    return replace(base, **changes)


@pytest.fixture(scope="module")
def clips(tmp_path_factory):
    return read_manifest(make_data_root(tmp_path_factory.mktemp("data")) / "nuaa.csv")


def test_every_clip_has_a_row_as_the_manifest_says(clips, tmp_path):
    system, shown, begun = Mean(), [], []
    path = tmp_path / "new" / "scores.csv"
    result = score_manifest(
        make_detector(system), clips, path, begin=begun.append, show=shown.append
    )
    rows = read_scores(path)
    assert rows == result.rows and [row.path for row in rows] == [clip.name for clip in clips]
    assert {(row.subject, row.split) for row in rows} >= {("0001", "train"), ("0012", "test")}
    assert result.errors is None and not result.failed and result.resumed == 0
    assert [file.name for file in path.parent.iterdir()] == ["scores.csv"]
    assert shown == [clip.name for clip in clips] and begun == [len(clips)]
    assert set(system.sizes[:-1]) == {4}
    one = make_detector().check(clips[3].path, boxes=[clips[3].box])
    assert one[0].score == pytest.approx(rows[3].score, abs=0.02)  # check has no landmarks


def test_the_score_is_that_of_judge(face_clip, weights, tmp_path):
    detector = load(weights)
    clip = Clip(face_clip, "clip", "attack", box=(0, 0, 9, 9))  # no box of one frame fits a clip
    ((pair,),) = score_clips(detector, [clip], BulkSettings(frames=3))
    assert pair[1].score == detector.judge(face_clip, frames=3).score and pair[1].reason == ""
    cropped = score_clips(detector, [clip], BulkSettings(frames=2, cropped=True))
    assert next(cropped)[0][1].score == detector.judge(face_clip, frames=2, cropped=True).score


def test_boxes_are_used_unless_detection_is_wanted(photo):
    seen = []

    def finder(image):
        seen.append(image.shape)
        return []

    detector = make_detector(face_detector=finder)
    clip = Clip(photo, "a", "live", box=(176, 70, 276, 190))
    assert next(score_clips(detector, [clip], BulkSettings()))[0][1].score is not None
    assert not seen
    ((_, outcome),) = next(score_clips(detector, [clip], BulkSettings(detect=True)))
    assert seen == [(512, 512, 3)] and (outcome.score, outcome.reason) == (None, "no face found")
    bare = replace(clip, box=None)
    assert next(score_clips(detector, [bare], BulkSettings(cropped=True)))[0][1].score is not None
    assert len(seen) == 1


def test_failures_are_listed_and_do_not_touch_their_neighbours(clips, tmp_path):
    (tmp_path / "broken.jpg").write_bytes(b"\xff\xd8\xff nothing")
    Image.new("RGB", (64, 64)).save(tmp_path / "blank.png")
    bad = [
        Clip(tmp_path / "none.png", "none.png", "live", subject="s", split="test"),
        Clip(tmp_path / "broken.jpg", "broken.jpg", "attack", species="print"),
        Clip(tmp_path / "blank.png", "blank.png", "attack"),
        # Malformed in a way that only the cropping sees: its batch is judged one by one.
        Clip(clips[0].path, "bad box", "live", box=(9, 9, 3, 3)),
    ]
    mixed = [clips[0], *bad, *clips[1:4]]
    path = tmp_path / "scores.csv"
    result = score_manifest(make_detector(), mixed, path)
    good = score_manifest(make_detector(), clips[:4], tmp_path / "good.csv")
    assert [row.score for row in result.rows] == pytest.approx([row.score for row in good.rows])
    assert [clip.name for clip, _ in result.failed] == [clip.name for clip in bad]
    with result.errors.open(newline="") as stream:
        table = list(csv.DictReader(stream))
    assert result.errors.name == "scores.csv.errors.csv" and tuple(table[0]) == ERROR_COLUMNS
    assert [row["outcome"] for row in table] == ["failed"] * 4
    assert table[0]["reason"].startswith("There is no file") and table[0]["split"] == "test"
    assert "whole JPEG" in table[1]["reason"] and table[2]["reason"] == "no face found"
    assert "expected finite x1 < x2" in table[3]["reason"]
    assert score_manifest(make_detector(), clips[:4], path).errors is None
    assert not result.errors.exists(), "the list of an earlier run must go"
    with pytest.raises(DataError, match="None of 4 clips could be scored"):
        score_manifest(make_detector(), bad, tmp_path / "no.csv")
    assert not (tmp_path / "no.csv").exists() and (tmp_path / "no.csv.errors.csv").exists()


def test_what_the_gate_turns_away_is_scored_and_listed(tmp_path, weights):
    dark = np.full((100, 100, 3), 3, np.uint8)
    Image.fromarray(dark).save(tmp_path / "dark.png")
    clip = Clip(tmp_path / "dark.png", "dark.png", "live", box=(20, 20, 80, 80))
    result = score_manifest(load(weights), [clip], tmp_path / "s.csv")
    assert len(result.rows) == 1 and not result.failed
    ((_, outcome),) = result.undecided
    assert outcome.score == result.rows[0].score and "luma" in outcome.reason
    with result.errors.open(newline="") as stream:
        (row,) = csv.DictReader(stream)
    assert row["outcome"] == "undecided" and float(row["score"]) == outcome.score


def test_a_stopped_run_goes_on_and_ends_the_same(clips, tmp_path):
    whole = score_manifest(make_detector(), clips, tmp_path / "whole.csv").output.read_bytes()
    path, journal = tmp_path / "s.csv", tmp_path / "s.csv.journal"
    with pytest.raises(KeyboardInterrupt):
        score_manifest(make_detector(Mean(stop_after=8)), clips, path)
    assert not path.exists() and len(journal.read_bytes().splitlines()) == 3
    with journal.open("ab") as stream:
        stream.write(b'{"torn')
    result = score_manifest(make_detector(), clips, path)
    assert result.resumed == 8 and path.read_bytes() == whole and not journal.exists()


def test_a_torn_first_line_and_a_wish_begin_anew(clips, tmp_path):
    path, journal = tmp_path / "s.csv", tmp_path / "s.csv.journal"
    journal.write_bytes(b'{"kind": "desp')
    assert score_manifest(make_detector(), clips[:4], path).resumed == 0
    with pytest.raises(KeyboardInterrupt):
        score_manifest(make_detector(Mean(stop_after=4)), clips, path)
    assert score_manifest(make_detector(), clips, path, resume=False).resumed == 0


@pytest.mark.parametrize("resume", [True, False])
def test_one_writer_a_score_file(clips, tmp_path, resume):
    path = tmp_path / "scores.csv"
    with pytest.raises(KeyboardInterrupt):
        score_manifest(make_detector(Mean(stop_after=4)), clips, path)
    journal = (tmp_path / "scores.csv.journal").read_bytes()

    def second(name):
        with pytest.raises(InputError, match=r"scores\.csv is being written by another process"):
            score_manifest(make_detector(), clips, path, resume=resume)
        assert (tmp_path / "scores.csv.journal").read_bytes().startswith(journal)
        assert score_manifest(make_detector(), clips[:1], tmp_path / f"{len(seen)}.csv").rows
        seen.append(name)

    seen = []
    (tmp_path / "scores.csv.lock").touch()  # what a killed one leaves
    assert score_manifest(make_detector(), clips, path, show=second).resumed and seen
    assert not list(tmp_path.glob("*.lock"))


def test_a_changed_clip_is_scored_again(clips, tmp_path, portrait):
    file = tmp_path / "a.png"
    Image.fromarray(portrait).save(file)
    clip = Clip(file, "a", "live", box=(176, 70, 276, 190))
    path = tmp_path / "s.csv"
    with pytest.raises(KeyboardInterrupt):
        score_manifest(make_detector(Mean(stop_after=4)), [clip, *clips], path)
    Image.fromarray(portrait // 2).save(file)
    result = score_manifest(make_detector(), [clip, *clips], path)
    fresh = score_manifest(make_detector(), [clip], tmp_path / "fresh.csv")
    assert result.resumed == 3 and result.rows[0].score == pytest.approx(fresh.rows[0].score)


def test_another_run_is_not_mixed_in(clips, tmp_path, weights):
    path, journal = tmp_path / "s.csv", tmp_path / "s.csv.journal"
    with pytest.raises(KeyboardInterrupt):
        score_manifest(make_detector(Mean(stop_after=4)), clips, path)
    with pytest.raises(InputError, match="another frames; scores of both must not be mixed"):
        score_manifest(make_detector(), clips, path, BulkSettings(frames=3))
    with pytest.raises(InputError, match="another config, crop, quality, system, weights;"):
        score_manifest(load(weights), clips, path)
    for foreign in (b"hello\n", b"[1]\n", b"3\n"):
        journal.write_bytes(foreign)
        with pytest.raises(DataError, match="is no journal of despoof score, or it is damaged"):
            score_manifest(make_detector(), clips, path)
    journal.write_text(json.dumps({"a": 1}) + "\n")
    with pytest.raises(DataError, match="is no journal"):
        score_manifest(make_detector(), clips, path)


def test_bad_arguments_are_refused(clips, tmp_path):
    with pytest.raises(InputError, match="frames is 0"):
        BulkSettings(frames=0)
    with pytest.raises(InputError, match="cropped and detect"):
        BulkSettings(cropped=True, detect=True)
    for wrong in ([], [clips[0], clips[0]]):
        with pytest.raises(DataError, match="one name each"):
            score_manifest(make_detector(), wrong, tmp_path / "s.csv")
    with pytest.raises(InputError, match="is a folder"):
        score_manifest(make_detector(), clips, tmp_path)


def test_large_pictures_close_a_batch(photo, monkeypatch):
    from despoof.evaluation import clip_scoring

    monkeypatch.setattr(clip_scoring, "_BATCH_PIXELS", 512 * 512)
    clip = Clip(photo, "a", "live", box=(176, 70, 276, 190))
    pairs = list(score_clips(make_detector(), [clip, replace(clip, name="b")], BulkSettings()))
    assert [len(batch) for batch in pairs] == [1, 1]


@pytest.mark.parametrize("ending", [".png", ".mp4", ""])
def test_a_name_that_no_file_can_have_is_a_non_response(clips, tmp_path, ending):
    table = tmp_path / "m.csv"
    bad = ["x" * 300 + ending, "a\0b" + ending]
    good = str(clips[0].path.absolute())
    table.write_text("path,label\n" + "".join(f"{name},attack\n" for name in [*bad, good]))
    result = score_manifest(
        make_detector(), read_manifest(table), tmp_path / "s.csv", BulkSettings(cropped=True)
    )
    assert [row.path for row in result.rows] == [good]
    reasons = {clip.name: outcome.reason for clip, outcome in result.failed}
    assert "too long" in reasons[bad[0]] and "NUL" in reasons[bad[1]]


def test_what_a_spreadsheet_would_run_is_guarded_in_both_files(clips, tmp_path):
    (tmp_path / "=a.png").write_bytes(clips[0].path.read_bytes())
    rows = [
        Clip(tmp_path / "=a.png", "=a.png", "live", subject="+1|x", split="test"),
        Clip(tmp_path / "@gone.png", "@gone.png", "attack", subject="-7"),
    ]
    out = tmp_path / "s.csv"
    result = score_manifest(make_detector(), rows, out, BulkSettings(cropped=True))
    assert "\n'=a.png,'+1|x,live" in out.read_text()
    assert [(row.path, row.subject) for row in read_scores(out)] == [("=a.png", "+1|x")]
    assert "\n'@gone.png,-7,attack" in result.errors.read_text()
