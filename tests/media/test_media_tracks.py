"""Which track is the film: never a cover, never a thumbnail."""

import struct
from fractions import Fraction

import av
import numpy as np
import pytest
from av.stream import Disposition

from despoof.core.errors import MediaError
from despoof.data.frames import count_frames, read_numbered
from despoof.media import read_video
from media.media_samples import encoded, quadrants, seen_seconds, write_video


def _box(name, body):
    return struct.pack(">I", len(body) + 8) + name + body


def with_cover(data, picture):
    """Put a cover (iTunes's covr) before all tracks of an MP4 whose index is at the end."""
    cover = _box(b"covr", _box(b"data", struct.pack(">II", 14, 0) + picture))
    handler = _box(b"hdlr", bytes(8) + b"mdirappl" + bytes(9))
    about = _box(b"udta", _box(b"meta", bytes(4) + handler + _box(b"ilst", cover)))
    at = data.index(b"moov") - 4
    assert data.index(b"mdat") < at
    return data[:at] + _box(b"moov", about + data[at + 8 :])


def two_films(path, first, second):
    """Write two tracks of grey frames: (level, size, frames, disposition)."""
    with av.open(str(path), "w") as container:
        streams = []
        for _, size, _, disposition in (first, second):
            stream = container.add_stream("mpeg4", rate=25)
            stream.width, stream.height, stream.pix_fmt = *size, "yuv420p"
            stream.time_base = stream.codec_context.time_base = Fraction(1, 25)
            stream.disposition = disposition
            streams.append(stream)
        for stream, (level, size, count, _) in zip(streams, (first, second), strict=True):
            for number in range(count):
                grey = np.full((size[1], size[0], 3), level, np.uint8)
                frame = av.VideoFrame.from_ndarray(grey, format="rgb24")
                frame.pts, frame.time_base = number, Fraction(1, 25)
                container.mux(stream.encode(frame))
            container.mux(stream.encode(None))
    return path


def test_a_cover_that_comes_first_is_not_the_film(clip, tmp_path):
    from despoof.cli.watch_source import video_frames

    path = tmp_path / "covered.mp4"
    path.write_bytes(with_cover(clip.read_bytes(), encoded(quadrants(), "PNG")))
    with av.open(str(path)) as container:
        assert container.streams.video[0].disposition & Disposition.attached_pic
        assert len(container.streams.video) == 2
    frames = read_video(path, count=4)
    assert [seen_seconds(f, 4) for f in frames] == pytest.approx([0.5, 1.5, 2.5, 3.5], abs=0.1)
    assert count_frames(path) == 100
    numbered = dict(read_numbered(path, [12, 87]))
    assert np.array_equal(numbered[12], frames[0].image)
    watched = list(video_frames(str(path)))
    assert len(watched) == 100
    assert np.array_equal(watched[12].image, frames[0].image)


def test_a_file_whose_only_pictures_are_a_cover_has_no_video(tmp_path):
    sound = tmp_path / "sound.mp4"
    with av.open(str(sound), "w") as container:
        stream = container.add_stream("aac", rate=48000, layout="mono")
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.float32), "fltp", "mono")
        frame.sample_rate = 48000
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    song = tmp_path / "song.m4v"
    song.write_bytes(with_cover(sound.read_bytes(), encoded(quadrants(), "PNG")))
    with pytest.raises(MediaError, match=r"song\.m4v has no video: its only pictures are a cover"):
        read_video(song)
    with pytest.raises(MediaError, match="cover"):
        count_frames(song)


SMALL, LARGE = (64, 48), (128, 96)


@pytest.mark.parametrize(
    ("first", "second", "chosen"),
    [
        ((40, LARGE, 1, 1), (200, SMALL, 30, 1), 200),  # one picture is no film beside a film
        ((40, LARGE, 30, 0), (200, SMALL, 30, 1), 200),  # what is played by default
        ((40, SMALL, 30, 1), (200, LARGE, 30, 1), 200),  # the larger
        ((40, SMALL, 30, 1), (200, SMALL, 30, 1), 40),  # the first
    ],
)
@pytest.mark.parametrize("suffix", ["mkv", "mp4"])
def test_the_track_that_a_player_shows_is_the_film(first, second, chosen, suffix, tmp_path):
    path = two_films(tmp_path / f"two.{suffix}", first, second)
    frames = read_video(path, count=3)
    assert len(frames) == 3
    assert [round(f.image.mean()) for f in frames] == pytest.approx([chosen] * 3, abs=3)


def test_a_film_of_one_picture_alone_is_read(tmp_path):
    path = write_video(tmp_path / "one.mp4", [0.0], 1.0)
    assert len(read_video(path)) == 1
