"""Frames are spread over what is really there, whatever clocks and headers say."""

import io
import itertools
import struct
import time
from dataclasses import replace
from fractions import Fraction
from types import SimpleNamespace

import av
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from despoof.cli.watch_source import video_frames
from despoof.core.errors import MediaError
from despoof.data.frames import count_frames, pick_frames, read_numbered
from despoof.media import ImageLimits, read_video
from despoof.media.containers import opened, packets
from despoof.media.joined import check_joined, video_starts
from despoof.media.picking import seek_each
from despoof.media.timeline import Timeline, check_covered, survey
from media.media_samples import seen_seconds, write_video


def grey(frame):
    height, width = frame.image.shape[:2]
    return frame.image[height * 5 // 8 :, width * 5 // 8 :].mean()


def halves(frames, dark=60):
    """How many frames are dark, how many bright."""
    levels = [grey(frame) for frame in frames]
    return sum(x < dark for x in levels), sum(x >= dark for x in levels)


def dark_then_bright(tmp_path, **second):
    """Two seconds of dark film, then two of bright, joined as bytes: the clock starts again."""
    times = np.arange(50) / 25
    first = write_video(tmp_path / "first.ts", times, 1e9)
    other = write_video(tmp_path / "second.ts", times, 2.5, **({"codec": "mpeg4"} | second))
    joined = tmp_path / "joined.ts"
    joined.write_bytes(first.read_bytes() + other.read_bytes())
    return joined


@pytest.mark.parametrize("second", [{}, {"size": (128, 96)}, {"mpegts_start_pid": "0x300"}])
def test_both_of_two_joined_films_are_seen(tmp_path, second):
    joined = dark_then_bright(tmp_path, **second)
    frames = read_video(joined, count=8)
    assert len(frames) == 8
    times = [frame.time for frame in frames]
    assert times == pytest.approx([0.25 + 0.5 * i for i in range(8)], abs=0.06)
    assert halves(frames, 35) == (4, 4)
    watched = list(video_frames(str(joined)))
    assert len(watched) == 100 and halves(watched, 35)[0] == pytest.approx(51, abs=2)
    assert np.all(np.diff([frame.time for frame in watched]) > 0)
    assert count_frames(joined) == 100
    numbered = [image for _, image in read_numbered(joined, pick_frames(100, 8))]
    for ours, frame in zip(numbered, frames, strict=True):  # to within a frame: 4 levels
        assert np.abs(ours.astype(int) - frame.image).mean() < 8


def test_video_packets_are_counted_by_their_stream(tmp_path):
    joined = dark_then_bright(tmp_path, mpegts_start_pid="0x300")
    with joined.open("rb") as file:
        assert video_starts(file) == {0x100: 50, 0x300: 50}
        check_joined(file, {0x100, 0x300}, 100, "a.ts")
        check_joined(file, {0x100}, 100, "a.ts")  # found under the first one's number
        check_joined(file, {0x100, 0x300}, 50, "a.ts")  # two fields in one packet
        with pytest.raises(MediaError, match=r"a\.ts: another film begins .*PID 768"):
            check_joined(file, {0x100}, 50, "a.ts")
    shifted = io.BytesIO(
        joined.read_bytes()[: 188 * 40] + b"x" * 77 + joined.read_bytes()[188 * 40 :]
    )
    assert video_starts(shifted).total() >= 99


def test_joined_films_with_frames_out_of_order(tmp_path):
    """B frames and key frames in the middle: the order of storing is not that of showing."""
    joined = dark_then_bright(tmp_path)
    for name, total in (("first.ts", 1e9), ("second.ts", 2.5)):
        _b_frames(tmp_path / name, np.arange(50) / 25, total, "mpegts")
    joined.write_bytes((tmp_path / "first.ts").read_bytes() + (tmp_path / "second.ts").read_bytes())
    frames = read_video(joined, count=8)
    assert halves(frames, 35) == (4, 4)
    seen = [seen_seconds(frame, 2.5) for frame in frames[4:]]
    assert seen == pytest.approx([0.25, 0.75, 1.25, 1.75], abs=0.1)


def _b_frames(path, times, total, kind):
    with av.open(str(path), "w", format=kind) as container:
        options = {"bf": "3", "g": "20", "crf": "4", "x264-params": "scenecut=0"}
        stream = container.add_stream("libx264", rate=25, options=options)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        stream.time_base = stream.codec_context.time_base = Fraction(1, 1000)
        for at in times:
            level = np.full((48, 64, 3), round(30 + 190 * at / total), np.uint8)
            frame = av.VideoFrame.from_ndarray(level, format="rgb24")
            frame.pts, frame.time_base = round(at * 1000), Fraction(1, 1000)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def _with_durations(data, factor):
    """Multiply every duration that an MP4's header promises."""
    data = bytearray(data)
    for name, offset in ((b"mvhd", 20), (b"tkhd", 24), (b"mdhd", 20)):
        at = data.index(name) + offset
        (length,) = struct.unpack_from(">I", data, at)
        struct.pack_into(">I", data, at, round(length * factor))
    if b"elst" in data:
        at = data.index(b"elst") + 12
        (length,) = struct.unpack_from(">I", data, at)
        struct.pack_into(">I", data, at, max(round(length * factor), length))
    return bytes(data)


@pytest.mark.parametrize("factor", [0.25, 4])
def test_a_header_that_is_wrong_does_not_move_the_frames(clip, factor):
    data = _with_durations(clip.read_bytes(), factor)
    assert data != clip.read_bytes()
    if factor < 1:  # FFmpeg itself mends a promise that is too long
        with av.open(io.BytesIO(data)) as container:
            assert container.duration == pytest.approx(4e6 * factor, rel=0.1)
    for ours, whole in zip(read_video(data), read_video(clip), strict=True):
        assert ours.time == whole.time
        assert np.array_equal(ours.image, whole.image)


@pytest.mark.parametrize("kind", ["mp4", "matroska", "mpegts"])
def test_a_search_finds_the_frames_that_decoding_finds(kind, tmp_path, monkeypatch):
    """Irregular times and B frames, where a search by time lands late or early."""
    rng = np.random.default_rng(3)
    times = np.cumsum(rng.choice([0.04, 0.08, 0.5], 400))
    path = _b_frames(tmp_path / "vfr.bin", times, times[-1], kind)
    timeline = survey(path, "vfr")
    assert len(timeline.keys) >= 15
    assert np.all(np.diff(timeline.stamps) > 0)
    monkeypatch.setattr("despoof.media.videos._SEEK_ABOVE", 0.0)
    searched = read_video(path, count=11)
    with opened(path, "vfr") as (container, stream):
        assert None not in list(seek_each(container, stream, timeline, [100, 200, 300]))
    monkeypatch.setattr("despoof.media.videos._SEEK_ABOVE", 1e9)
    decoded = read_video(path, count=11)
    assert [f.time for f in searched] == [f.time for f in decoded]
    for one, other in zip(searched, decoded, strict=True):
        assert np.array_equal(one.image, other.image)
        assert seen_seconds(one, times[-1]) == pytest.approx(one.time + times[0], abs=1.0)


@pytest.mark.parametrize(
    ("kind", "codec", "options"),
    [
        ("avi", "mpeg4", {"bf": "2", "g": "12"}),  # stamps of decoding alone
        ("avi", "libx264", {"bf": "3"}),
        ("mpeg", "mpeg2video", {"bf": "2", "g": "12"}),
        ("flv", "libx264", {"bf": "3"}),
        ("webm", "libvpx", {"auto-alt-ref": "1", "lag-in-frames": "16"}),  # frames never shown
        ("h264", "libx264", {"bf": "3"}),  # no stamps at all
        ("asf", "msmpeg4v3", {}),
    ],
)
def test_times_and_pictures_agree_in_other_containers(kind, codec, options, tmp_path):
    path = tmp_path / "film.bin"
    with av.open(str(path), "w", format=kind) as container:
        stream = container.add_stream(codec, rate=25, options=options)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        for number in range(100):
            level = np.full((48, 64, 3), round(30 + 190 * number / 100), np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(level, format="rgb24")))
        container.mux(stream.encode(None))
    frames = read_video(path)
    assert [f.time for f in frames] == pytest.approx(np.arange(8) / 2 + 0.25, abs=0.1)
    assert [seen_seconds(f, 4) for f in frames] == pytest.approx([f.time for f in frames], abs=0.25)
    assert count_frames(path) == 100 == len(list(video_frames(str(path))))


def test_a_search_that_lands_late_is_found_out(clip):
    timeline = survey(clip, "clip")

    class Late:
        def __init__(self, container):
            self.container = container
            self.demux = container.demux

        def seek(self, at, stream):
            self.container.seek(at + 2 * stream.time_base.denominator, stream=stream)

    with opened(clip, "clip") as (container, stream):
        assert list(seek_each(Late(container), stream, timeline, [10, 30])) == [None]
    with opened(clip, "clip") as (container, stream):
        found = list(seek_each(container, stream, timeline, [10, 30]))
        assert [place for place, _ in found] == [10, 30]


@pytest.mark.parametrize("pause", [30.0, 5000.0])
def test_a_frame_that_is_held_does_not_hide_what_comes_after_it(pause, tmp_path):
    times = [*np.arange(50) / 25, *(pause + np.arange(50) / 25)]
    path = write_video(tmp_path / "held.mkv", times, pause)
    frames = read_video(path, count=8)
    early = sum(frame.time < 3 for frame in frames)
    assert 3 <= early <= 5 and len(frames) >= 7
    assert frames[-1].time == pytest.approx(pause + 1.7, abs=0.3)


def test_frames_crammed_into_no_time_are_candidates(tmp_path):
    """A second of film, and then as many frames a millisecond apart."""
    times = [*np.arange(25) / 25, *(1 + np.arange(200) / 1000)]
    path = write_video(tmp_path / "fast.mkv", times, 1.2)
    assert sum(frame.time >= 1 for frame in read_video(path, count=8)) >= 4


def test_any_number_of_frames_ends_at_once_with_what_there_is(clip):
    start = time.process_time()  # not the clock on the wall: the machine may be busy
    frames = read_video(clip, count=10**7)
    assert time.process_time() - start < 2
    assert [frame.time for frame in frames] == pytest.approx(np.arange(100) / 25)
    assert len(read_video(clip, count=10**400)) == 100


def test_more_frames_than_there_is_room_for_are_refused_before_they_are_held(clip):
    limits = ImageLimits(max_held=64 * 48 * 3 * 20)
    assert len(read_video(clip, count=20, limits=limits)) == 20
    with pytest.raises(MediaError, match=r"100 frames of 64x48 .* Ask for at most 20 frames"):
        read_video(clip, count=10**7, limits=limits)


def _spoiled(data, share):
    """Overwrite the last `share` of a film's packets with nothing."""
    start, end = data.index(b"mdat") + 4, data.index(b"moov") - 4
    at = start + round((1 - share) * (end - start))
    return data[:at] + bytes(end - at) + data[end:]


def test_a_film_of_which_much_does_not_decode_is_refused(clip, tmp_path):
    data = clip.read_bytes()
    with pytest.raises(MediaError, match=r"only \d\.\d of 3\.\d s decode, the first gap is at"):
        read_video(_spoiled(data, 0.6))
    path = tmp_path / "spoiled.mp4"
    path.write_bytes(_spoiled(data, 0.6))
    watched = video_frames(str(path))
    with pytest.raises(MediaError, match="decode, the first gap"):
        list(watched)
    assert len(read_video(_spoiled(data, 0.05))) >= 7


def test_what_a_stream_stores_and_never_shows_is_no_gap(clip):
    """Two fields for a frame, or a frame that others are only predicted from."""
    timeline = survey(clip, "clip")
    decoded = np.arange(100) % 2 == 0
    check_covered(timeline, decoded, "fields")
    decoded[60:90] = False
    with pytest.raises(MediaError, match=r"first gap is at 2\.4 s"):
        check_covered(timeline, decoded, "holes")
    late = replace(timeline, begin=40)
    check_covered(late, np.arange(100) >= 40, "begins between key frames")


@given(stamps=st.lists(st.integers(0, 9), min_size=1, max_size=30), stamp=st.integers(0, 9))
def test_a_stamp_is_found_at_its_next_place(stamps, stamp):
    seconds = np.arange(len(stamps), dtype=float)
    timeline = Timeline(0, np.array(stamps), seconds, np.ones(len(stamps)))
    places = [i for i, one in enumerate(stamps) if one == stamp]
    for last in range(-1, len(stamps)):
        later = [i for i in places if i > last]
        assert timeline.place_of(stamp, last) == (later or places[-1:] or [None])[0]


def test_a_film_of_more_packets_than_are_held_is_refused(clip, monkeypatch):
    monkeypatch.setattr("despoof.media.timeline._MOST", 99)
    with pytest.raises(MediaError, match="more than 99 frames"):
        read_video(clip)


def test_reading_goes_on_after_an_error_of_the_container():
    tries = itertools.count()

    class Stumbling:
        def demux(self, *_):
            yield SimpleNamespace(size=next(tries) + 1)
            if next(tries) < 4:
                raise av.error.InvalidDataError(1, "broken")

    assert [packet.size for packet in packets(Stumbling(), [])] == [1, 3, 5]

    class Broken:
        def demux(self, *_):
            raise av.error.InvalidDataError(1, "broken")

    assert list(packets(Broken(), [])) == []
