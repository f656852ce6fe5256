"""Verifying: every kind of trouble is found, and a sound manifest has none."""

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from data.datasets.checks import plant
from data.datasets.trees_video_sets import msu
from despoof.core.types import Face
from despoof.data.datasets.registry import dataset_named
from despoof.data.manifest import Clip
from despoof.data.verify import compare_counts, look, verify


def picture(path, seed):
    rng = np.random.default_rng(seed)
    small = Image.fromarray(rng.integers(0, 256, (24, 24, 3), dtype=np.uint8))
    small.resize((96, 96), Image.Resampling.BICUBIC).save(path)
    return path


@pytest.fixture
def clips(tmp_path):
    splits = ("train", "train", "dev", "dev", "test", "test")
    return [
        Clip(picture(tmp_path / f"{n}.png", n), f"{n}.png", label, "mine", f"p{n}", split=split)
        for n, split in enumerate(splits)
        for label in (("live", "attack")[n % 2],)
    ]


def found(clips, faces=None):
    return {one.what: one for one in verify(clips, faces)}


def only(findings, words):
    (one,) = [one for what, one in findings.items() if words in what]
    return one


def test_a_sound_manifest_has_no_findings(clips):
    shown = []
    assert verify(clips, lambda image: [Face(box=(1, 1, 9, 9))], shown.append) == []
    assert shown == [clip.name for clip in clips]


def test_missing_and_broken_files_are_errors(clips):
    clips[0].path.unlink()
    clips[1].path.write_bytes(b"no picture")
    clips[2].path.write_bytes(b"")
    findings = found(clips)
    missing, broken = only(findings, "missing"), only(findings, "cannot be decoded")
    assert missing.error and missing.clips[0].startswith("0.png: There is no file")
    assert broken.error and [name[:5] for name in broken.clips] == ["1.png", "2.png"]
    assert len(findings) == 2


def test_faces_are_looked_for_where_there_is_no_box(clips):
    boxed = [replace(clips[0], box=(10, 10, 60, 60)), replace(clips[1], box=(90, 90, 300, 300))]
    findings = found([*boxed, *clips[2:]], lambda image: [])
    assert len(only(findings, "no face").clips) == 4
    assert only(findings, "outside").clips[0].startswith("1.png: centred on (195, 195)")
    assert found(clips, None) == {}


def test_a_video_has_a_face_if_one_frame_has(face_clip):
    clip = Clip(face_clip, "v.mp4", "live")
    calls = []

    def second(image):
        calls.append(image)
        return [Face(box=(0, 0, 9, 9))] if len(calls) == 2 else []

    assert look(clip, second).trouble == "" and len(calls) == 2
    assert look(clip, lambda image: []).trouble == "no face"
    assert len(look(clip, None).digest) == 64 and look(clip, None).hash is not None


def test_equal_files_across_splits_are_leaks(clips):
    shutil.copy(clips[0].path, clips[4].path)  # live, live; train, test
    shutil.copy(clips[2].path, clips[3].path)  # live, attack; both dev
    findings = found(clips)
    assert only(findings, "equal files in two splits").clips == ("0.png = 4.png",)
    assert only(findings, "one is live, one an attack").clips == ("2.png = 3.png",)
    within = only(findings, "equal files in one split")
    assert within.clips == ("2.png = 3.png",) and not within.error
    assert not any("look the same" in what for what in findings)


def test_a_copy_stored_anew_is_a_leak_too(clips):
    smaller = Image.open(clips[0].path).resize((80, 80))
    smaller.convert("RGB").save(clips[4].path.with_suffix(".jpg"), quality=60)
    clips[4] = replace(clips[4], path=clips[4].path.with_suffix(".jpg"))
    leak = only(found(clips), "look the same")
    assert leak.error and leak.clips[0].startswith("0.png = 4.png (")
    same_split = [replace(clip, split="test") for clip in clips]
    assert found(same_split) == {}


def test_people_in_two_splits_are_a_remark(clips):
    shared = [replace(clip, subject="p0" if n in (0, 4) else "") for n, clip in enumerate(clips)]
    one = only(found(shared), "people in two splits")
    assert one.clips == ("mine/p0 is in train, test",) and not one.error


def test_counts_are_held_against_the_published(tmp_path):
    root = plant(tmp_path / "msu", msu())
    clips = dataset_named("msu-mfsd").index(root).clips
    assert [one for one in compare_counts(clips) if one.clips] == []
    lame = [clip for clip in clips if not (clip.live and clip.subject == "01")]
    named = {name for one in compare_counts(lame) for name in one.clips if not one.error}
    assert named == {"official test live: 38 of 40", "official-dev test live: 38 of 40"}
    assert compare_counts([Clip(Path("a"), "a", "live")]) == []


def test_errors_come_first(clips):
    clips[5].path.unlink()
    shutil.copy(clips[0].path, clips[1].path)
    kinds = [one.error for one in verify(clips, None)]
    assert kinds == sorted(kinds, reverse=True) and False in kinds
