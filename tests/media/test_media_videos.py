import contextlib
import io
import itertools
import os
import struct
import subprocess
import time
from fractions import Fraction

import av
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from despoof.core.errors import InputError, MediaError
from despoof.media import ImageLimits, open_camera, read_frames, read_video
from despoof.media.picking import shown_at, spread
from despoof.media.upright import turn_of
from media.media_samples import seen_seconds, write_video


def times_of(frames):
    return [frame.time for frame in frames]


def test_frames_are_spread_evenly_over_time(clip):
    frames = read_video(clip, count=8)
    assert [frame.index for frame in frames] == list(range(8))
    assert {frame.source for frame in frames} == {str(clip)}
    assert times_of(frames) == pytest.approx([0.25 + 0.5 * i for i in range(8)], abs=0.041)
    for frame in frames:
        assert frame.image.shape == (48, 64, 3)
        assert frame.image.dtype == np.uint8
        assert seen_seconds(frame, 4) == pytest.approx(frame.time, abs=0.1)


@pytest.mark.parametrize("suffix", ["mp4", "mkv", "avi", "ts", "mov"])
def test_containers(suffix, tmp_path):
    path = write_video(tmp_path / f"v.{suffix}", np.arange(50) / 25, 2.0)
    seen = [seen_seconds(frame, 2) for frame in read_video(path, count=4)]
    assert seen == pytest.approx([0.25, 0.75, 1.25, 1.75], abs=0.1)


def test_a_variable_frame_rate_is_sampled_by_time(tmp_path):
    """40 frames in the first second, then one every second: most frames come early."""
    times = [*np.arange(40) / 40, *range(1, 8)]
    path = write_video(tmp_path / "vfr.mkv", times, 8.0)
    frames = read_video(path, count=7)
    assert times_of(frames) == pytest.approx([0.5, 1, 2, 3, 4, 5, 6], abs=0.03)
    assert [seen_seconds(f, 8) for f in frames] == pytest.approx(times_of(frames), abs=0.15)


def _turned(data, matrix):
    """Write a display matrix into an MP4's track header (16.16 fixed point)."""
    at = data.index(b"tkhd") + 4 + 40
    a, b, c, d = (round(v * 65536) for v in matrix)
    return data[:at] + struct.pack(">9i", a, b, 0, c, d, 0, 0, 0, 1 << 30) + data[at + 36 :]


EIGHT = [(a, 0, 0, d) for a in (1, -1) for d in (1, -1)] + [
    (0, b, c, 0) for b in (1, -1) for c in (1, -1)
]


def _laid(picture, matrix):
    """Move every pixel to where a display matrix takes it, the slow and plain way."""
    a, b, c, d = matrix
    height, width = picture.shape[:2]
    y, x = np.mgrid[:height, :width]
    across, down = a * x + c * y, b * x + d * y
    across, down = across - across.min(), down - down.min()
    shown = np.zeros((down.max() + 1, across.max() + 1, 3), np.uint8)
    shown[down, across] = picture
    return shown


@pytest.mark.parametrize("matrix", EIGHT)
def test_every_display_matrix_is_applied_as_players_do(clip, matrix):
    plain = read_video(clip, count=1)[0].image
    shown = read_video(_turned(clip.read_bytes(), matrix), count=1)[0].image
    assert np.array_equal(shown, _laid(plain, matrix))


def test_the_eight_matrices_differ_and_agree_with_ffmpeg(clip, tmp_path):
    ffmpeg = pytest.importorskip("imageio_ffmpeg").get_ffmpeg_exe()
    seen = set()
    for matrix in EIGHT:
        path = tmp_path / "turned.mp4"
        path.write_bytes(_turned(clip.read_bytes(), matrix))
        raw = [
            "-frames:v",
            "1",
            "-f",
            "rawvideo",
            "-pix_fmt",
            "rgb24",
            "-sws_flags",
            "bilinear",
            "-",
        ]
        bare = subprocess.check_output([ffmpeg, "-loglevel", "error", "-i", str(path), *raw])
        ours = read_video(path, count=100)[0].image
        theirs = np.frombuffer(bare, np.uint8).reshape(ours.shape)
        assert np.abs(ours.astype(int) - theirs).max() <= 2
        seen.add(ours.tobytes())
    assert len(seen) == 8


def test_other_matrices_are_rounded_and_empty_ones_ignored(clip):
    plain = read_video(clip, count=1)[0].image
    for matrix, rounded in (((0.9, 0.3, -0.3, 0.9), EIGHT[0]), ((0, 0, 0, 0), EIGHT[0])):
        shown = read_video(_turned(clip.read_bytes(), matrix), count=1)[0].image
        assert np.array_equal(shown, _laid(plain, rounded))
    assert turn_of(b"") == turn_of(bytes(20)) == (False, False, False)


def test_wide_pixels_are_made_square(tmp_path):
    path = write_video(tmp_path / "wide.mp4", np.arange(10) / 25, 0.4, sar=Fraction(3, 2))
    assert read_video(path, count=1)[0].image.shape == (48, 96, 3)


@pytest.mark.parametrize("suffix", ["mkv", "ts", "avi"])
@pytest.mark.parametrize("part", [0.35, 0.5, 0.8])
def test_a_cut_video_gives_frames_over_what_is_left(suffix, part, tmp_path):
    path = write_video(tmp_path / f"whole.{suffix}", np.arange(250) / 25, 10.0, codec="mpeg4")
    data = path.read_bytes()
    left = data[: int(len(data) * part)]
    there = 0  # frames that decode one after another
    with contextlib.suppress(av.error.FFmpegError), av.open(io.BytesIO(left)) as container:
        for _ in container.decode(video=0):
            there += 1
    assert there > 60  # not the share of the bytes: an AVI ends with its index
    frames = read_video(left, count=8)
    seen = [seen_seconds(frame, 10) for frame in frames]
    assert seen == pytest.approx([there / 25 * (i + 0.5) / 8 for i in range(8)], abs=0.35)
    assert times_of(frames) == pytest.approx(seen, abs=0.25)


def test_long_videos_are_searched_and_give_the_same_frames(tmp_path, monkeypatch):
    path = write_video(tmp_path / "long.mp4", np.arange(0, 120, 0.2), 120.0)
    searched = read_video(path, count=6)
    monkeypatch.setattr("despoof.media.videos._SEEK_ABOVE", 1e9)
    decoded = read_video(path, count=6)
    assert times_of(searched) == times_of(decoded)
    assert times_of(searched) == pytest.approx([10, 30, 50, 70, 90, 110], abs=0.21)
    for one, other in zip(searched, decoded, strict=True):
        assert np.array_equal(one.image, other.image)


def test_long_videos_that_cannot_be_searched_are_decoded(tmp_path):
    path = write_video(tmp_path / "long.mkv", np.arange(0, 120, 0.2), 120.0)
    data = path.read_bytes()
    frames = read_video(data[: len(data) // 2], count=6)
    assert len(frames) == 6
    assert np.diff([seen_seconds(f, 120) for f in frames]).min() > 5
    assert read_video(path, count=6)[5].time == pytest.approx(110, abs=0.21)


@pytest.mark.parametrize("count", [3, 8])
def test_a_long_mp4_cut_after_its_index(count, tmp_path):
    """The index promises 60 s and finds key frames in all of them; the data end at half."""
    path = write_video(tmp_path / "i.mp4", np.arange(0, 60, 0.2), 60.0, movflags="faststart")
    data = path.read_bytes()
    assert data.index(b"moov") < data.index(b"mdat")
    cut = data.index(b"mdat") + (len(data) - data.index(b"mdat")) // 2
    frames = read_video(data[:cut], count=count)
    assert len(frames) == count
    gaps = np.diff(times_of(frames))
    assert gaps.min() > 0.8 * gaps.mean() > 0
    assert 15 < frames[-1].time < 45


class _Unseekable(io.RawIOBase):
    """A sink that cannot go back, so that the writer leaves the duration out."""

    def __init__(self):
        self.data = bytearray()

    def writable(self):
        return True

    def write(self, data):
        self.data += data
        return len(data)


def test_a_stream_without_a_duration_is_measured():
    sink = _Unseekable()
    write_video(sink, np.arange(75) / 25, 3.0, kind="matroska")
    with av.open(io.BytesIO(bytes(sink.data))) as container:
        assert container.duration is None
    frames = read_video(bytes(sink.data), count=3)
    assert times_of(frames) == pytest.approx([0.5, 1.5, 2.5], abs=0.05)


def test_a_bare_stream_is_counted_at_its_rate():
    sink = io.BytesIO()
    write_video(sink, np.arange(50) / 25, 2.0, codec="libx264", kind="h264")
    frames = read_video(sink.getvalue(), count=2)
    assert [seen_seconds(f, 2) for f in frames] == pytest.approx([0.5, 1.5], abs=0.1)


def test_fewer_frames_than_asked_for(tmp_path):
    path = write_video(tmp_path / "three.mp4", [0, 0.04, 0.08], 0.12)
    assert len(read_video(path, count=8)) == 3


def test_a_damaged_middle_is_passed_over(clip):
    data = bytearray(clip.read_bytes())
    start = data.index(b"mdat")
    middle = start + 6000
    data[middle : middle + 300] = os.urandom(300)
    frames = read_video(bytes(data), count=8)
    assert frames
    assert times_of(frames) == sorted(times_of(frames))


def test_no_frame_decodes(clip):
    data = clip.read_bytes()
    start, moov = data.index(b"mdat") + 4, data.index(b"moov")
    with pytest.raises(MediaError, match="no frame decodes"):
        read_video(data[:start] + bytes(moov - 4 - start) + data[moov - 4 :])


@pytest.mark.parametrize("name", ["notes.txt", "notes.mp4", "list.m3u8"])
def test_what_is_no_video_is_refused_by_name(name, tmp_path):
    path = tmp_path / name
    path.write_text("#EXTM3U\n#EXTINF:5,\nother.ts\n" * 50)
    with pytest.raises(MediaError, match=name):
        read_video(path)


def test_missing_empty_and_folder(tmp_path):
    with pytest.raises(MediaError, match="There is no file"):
        read_video(tmp_path / "none.mp4")
    with pytest.raises(MediaError, match="cannot be read"):
        read_video(tmp_path)
    (tmp_path / "empty.mp4").touch()
    with pytest.raises(MediaError, match="empty"):
        read_video(tmp_path / "empty.mp4")


def test_sound_alone_is_refused(tmp_path):
    path = tmp_path / "sound.mkv"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("pcm_s16le", rate=8000, layout="mono")
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 800), np.int16), layout="mono")
        frame.sample_rate = 8000
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    with pytest.raises(MediaError, match="no picture track"):
        read_video(path)


def test_an_unknown_codec_is_named_as_the_reason(tmp_path):
    path = write_video(tmp_path / "v.mkv", [0, 0.04], 0.08, codec="ffv1")
    data = path.read_bytes().replace(b"V_FFV1", b"V_NONE").replace(b"FFV1", b"NONE")
    with pytest.raises(MediaError, match="no decoder for its pictures"):
        read_video(data)


def test_count_and_size_limits(clip):
    with pytest.raises(InputError, match="count=0"):
        read_video(clip, count=0)
    with pytest.raises(MediaError, match="64x48"):
        read_video(clip, limits=ImageLimits(max_pixels=100))


def test_open_files_and_bytes(clip):
    with clip.open("rb") as file:
        assert len(read_video(file, count=2)) == 2
    assert read_frames(clip.read_bytes(), count=2)[1].source == "<bytes>"


def test_ten_seconds_at_640_by_480_take_well_below_a_second(tmp_path):
    path = write_video(
        tmp_path / "vga.mp4", np.arange(250) / 25, 10.0, codec="libx264", size=(640, 480), gop=250
    )
    start = time.perf_counter()
    assert len(read_video(path, count=8)) == 8
    assert time.perf_counter() - start < 2  # usually 0.15 s; the machine may be busy


@given(lengths=st.lists(st.floats(0.01, 5), min_size=1, max_size=30), count=st.integers(1, 40))
def test_the_frame_picked_is_the_last_one_not_later(lengths, count):
    starts = np.concatenate([[0.0], np.cumsum(lengths)])
    middles = [(k + 0.5) * starts[-1] / count for k in range(count)]
    if min(abs(m - s) for m in middles for s in starts) < 1e-9:
        return  # a tie of rounding
    expected = {int(np.flatnonzero(starts[:-1] <= m)[-1]) for m in middles}
    assert spread(np.array(lengths), count) == sorted(expected)


@given(
    there=st.sets(st.integers(0, 40), min_size=1),
    wanted=st.sets(st.integers(0, 40), min_size=1),
)
def test_what_is_missing_is_the_last_frame_before_it(there, wanted):
    picks = list(shown_at(((t, -t) for t in sorted(there)), sorted(wanted)))
    expected = {max((t for t in there if t <= w), default=min(there)) for w in wanted}
    assert picks == [(t, -t) for t in sorted(expected)]


def test_a_frame_that_jumps_back_is_passed_over():
    frames = [(0, "a"), (2, "b"), (1, "c"), (5, "d")]
    assert list(shown_at(frames, [3])) == [(2, "b")]
    assert list(shown_at([], [1])) == []


def test_a_machine_without_the_camera_says_so():
    with pytest.raises(MediaError, match="Camera 97 cannot be opened"):
        open_camera(97)
    with pytest.raises(InputError, match="-1"):
        open_camera(-1)


@pytest.mark.parametrize(
    ("platform", "expected"),
    [
        ("linux", ("/dev/video1", "r", "v4l2")),
        ("darwin", ("1:none", "r", "avfoundation")),
        ("win32", ("video=Second", "r", "dshow")),
    ],
)
def test_each_system_has_its_own_driver(platform, expected, clip, monkeypatch):
    asked = []
    real = av.open
    monkeypatch.setattr("sys.platform", platform)
    monkeypatch.setattr(av, "open", lambda *a, **k: asked.append(a) or real(str(clip)))
    device = type("Device", (), {"media_types": ["video"]})
    first, second = device(), device()
    first.name, second.name = "First", "Second"
    monkeypatch.setattr("av.device.enumerate_input_devices", lambda _: [first, second])
    camera = open_camera(1)
    frames = list(itertools.islice(camera, 3))
    camera.close()
    assert asked == [expected]
    assert [frame.index for frame in frames] == [0, 1, 2]
    assert frames[0].source == "camera:1"
    assert times_of(frames) == pytest.approx([0, 0.04, 0.08])
    if platform == "win32":
        with pytest.raises(MediaError, match="there are 2 cameras"):
            open_camera(5)
