"""Whatever a decoder raises is a MediaError with the cause; a decoder that dies costs one file."""

import os
import signal
import struct
import subprocess
import sys
import time
from contextlib import closing

import numpy as np
import pytest
from PIL import Image, PngImagePlugin

from despoof.core.errors import InputError, MediaError
from despoof.data.frames import read_numbered
from despoof.media import (
    ImageLimits,
    image_from_array,
    isolated,
    pixels,
    read_each,
    read_frames,
    read_image,
    read_video,
    sources,
    videos,
)
from despoof.media.images import read_pillow
from media.media_samples import encoded, quadrants

PNG = encoded(quadrants(), "PNG")
ODD = [
    RecursionError("deep"),
    MemoryError(),
    ZeroDivisionError("1/0"),
    struct.error("x"),
    EOFError(),
]


class OddError(Exception):
    """As no library has documented it."""


def raising(error):
    def decoder(*_, **__):
        raise error

    return decoder


# ---- the guard


@pytest.mark.parametrize("error", [*ODD, OddError("odd"), OddError()], ids=repr)
def test_a_decoder_may_raise_what_it_likes(error, monkeypatch, clip, tmp_path):
    path = tmp_path / "a.png"
    path.write_bytes(PNG)
    monkeypatch.setattr(PngImagePlugin, "PngImageFile", raising(error))
    monkeypatch.setattr(Image.Image, "load", raising(error))
    monkeypatch.setattr("av.VideoFrame.side_data", property(raising(error)), raising=False)
    monkeypatch.setattr(videos, "upright", raising(error))
    for read in (
        lambda: read_frames(path),
        lambda: read_image(PNG),
        lambda: read_pillow(Image.fromarray(quadrants())),
        lambda: read_video(clip),
        lambda: read_frames(clip.read_bytes()),
        lambda: list(read_numbered(clip, [0])),
    ):
        with pytest.raises(MediaError) as caught:
            read()
        assert caught.value.__cause__ is error
        assert (str(error) or type(error).__name__) in str(caught.value)


def test_what_is_around_a_decoder_is_guarded_too(monkeypatch):
    monkeypatch.setattr(pixels, "_scale_of", raising(OddError("odd")))
    monkeypatch.setattr(sources, "sniff_image", raising(OddError("odd")))
    for read in (lambda: read_image(PNG), lambda: read_frames(PNG)):
        with pytest.raises(MediaError, match="odd") as caught:
            read()
        assert isinstance(caught.value.__cause__, OddError)
    with pytest.raises(MediaError, match="<ndarray> cannot be read"):
        image_from_array(np.zeros((2, 2), np.uint8), limits=None)


@pytest.mark.parametrize("kind", [KeyboardInterrupt, SystemExit])
def test_who_stops_the_program_stops_it(kind, monkeypatch, clip):
    monkeypatch.setattr(PngImagePlugin, "PngImageFile", raising(kind()))
    monkeypatch.setattr(videos, "upright", raising(kind()))
    for source in (PNG, clip):
        with pytest.raises(kind):
            read_frames(source)


def test_our_own_errors_stay_what_they_are(clip):
    with pytest.raises(InputError, match="count=0"):
        read_frames(clip, 0)


# ---- a process of its own

HOOKED = """
import os, signal, sys, time
from despoof.media import worker
from despoof.core.errors import MediaError
real = worker.read_frames
def hooked(path, count, limits):
    if "killed" in os.path.basename(path):
        os.kill(os.getpid(), signal.SIGKILL)
    if "exits" in os.path.basename(path):
        os._exit(7)
    if "hangs" in os.path.basename(path):
        time.sleep(600)
    if "prints" in os.path.basename(path):
        print("noise"); sys.stdout.flush(); os.write(1, b"more noise")
    return real(path, count, limits)
worker.read_frames = hooked
worker.main()
"""


@pytest.fixture
def folder(tmp_path, clip):
    def make(*names):
        paths = []
        for name in names:
            paths.append(tmp_path / name)
            paths[-1].write_bytes(clip.read_bytes() if name.endswith("mp4") else PNG)
        return [str(path) for path in paths]

    return make


def same(one, other):
    def plain(frame):
        return frame.source, frame.index, frame.time, frame.colour, frame.image.tobytes()

    return [plain(a) for a in one] == [plain(b) for b in other]


def test_files_read_apart_are_files_read_here(folder, tmp_path):
    paths = folder("a.png", "v.mp4", "b.png", "n\udcff.png")
    paths += [str(tmp_path / "gone.png"), str(tmp_path), "a\0b", "x" * 300]
    (tmp_path / "text.png").write_text("hello")
    paths.insert(1, str(tmp_path / "text.png"))
    found = list(read_each(paths, 3))
    for path, frames in zip(paths, found, strict=True):
        try:
            expected = read_frames(path, 3)
        except MediaError as error:
            assert type(frames) is MediaError and str(frames) == str(error)
        else:
            assert same(frames, expected)
    assert "Traceback" in str(found[1].__cause__) and "read_noted" in str(found[1].__cause__)


def test_kinds_of_errors_and_limits_go_across(folder):
    found = list(read_each(folder("v.mp4", "w.mp4"), 0))
    assert [type(one) for one in found] == [InputError, InputError]
    found = list(read_each(folder("a.png", "b.png"), 8, ImageLimits(max_pixels=9)))
    assert ["64x48" in str(one) for one in found] == [True, True]


@pytest.mark.parametrize("fatal", ["killed", "exits"])
def test_a_decoder_that_dies_costs_its_file_alone(fatal, folder, monkeypatch):
    monkeypatch.setattr(isolated, "PROGRAM", HOOKED)
    names = [f"{fatal}0.png", "a.png", f"{fatal}1.png", f"{fatal}2.png", "b.mp4", f"{fatal}3.png"]
    found = list(read_each(folder(*names), 2))
    assert [isinstance(one, MediaError) for one in found] == [True, False, True, True, False, True]
    assert [len(found[1]), len(found[4])] == [1, 2]
    how = f"signal {signal.SIGKILL.value}" if fatal == "killed" else "exit code 7"
    assert f"ended the process that reads files ({how})" in str(found[0])
    assert f"{fatal}0.png" in str(found[0])


def test_a_decoder_that_hangs_is_ended(folder, monkeypatch):
    monkeypatch.setattr(isolated, "PROGRAM", HOOKED)
    monkeypatch.setattr(isolated, "GRACE", 3.0)
    begin = time.monotonic()
    found = list(read_each(folder("a.png", "hangs.png", "b.png"), 8, ImageLimits(max_seconds=1.0)))
    assert [isinstance(one, MediaError) for one in found] == [False, True, False]
    assert "takes more than 1 s to read" in str(found[1])
    assert time.monotonic() - begin < 60


def test_what_a_decoder_prints_is_no_answer(folder, monkeypatch, capfd):
    monkeypatch.setattr(isolated, "PROGRAM", HOOKED)
    found = list(read_each(folder("prints1.png", "prints2.png")))
    assert [one[0].image.shape for one in found] == [(48, 64, 3)] * 2
    assert "noise" in capfd.readouterr().err


def test_a_process_that_was_killed_while_it_waited_is_started_again(folder, monkeypatch):
    started = []
    real = isolated._start

    def start():
        started.append(real())
        return started[-1]

    monkeypatch.setattr(isolated, "_start", start)
    with closing(read_each(folder("a.png", "b.png", "c.png", "d.png"))) as found:
        next(found)
        time.sleep(0.5)  # the second one lies in the pipe
        assert same(next(found), read_frames(str(found.gi_frame.f_locals["paths"][1])))
        started[0].kill()
        started[0].wait()
        rest = list(found)
    assert isinstance(rest[-1], list) and len(started) == 2
    assert all(process.poll() is not None for process in started)


def test_the_process_ends_with_the_generator(folder, monkeypatch):
    started = []
    real = isolated._start
    monkeypatch.setattr(isolated, "_start", lambda: started.append(real()) or started[-1])
    with closing(read_each(folder("a.png", "b.png", "c.png"))) as found:
        next(found)
        assert started[0].poll() is None
    assert started[0].poll() is not None


def test_one_file_is_read_here(folder, monkeypatch):
    monkeypatch.setattr(isolated, "_start", lambda: pytest.fail("a process was started"))
    assert len(list(read_each(folder("a.png")))) == 1
    assert list(read_each([])) == []


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes here")
def test_a_pipe_is_read_here(folder, tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    feeder = subprocess.Popen(
        [sys.executable, "-c", f"open({str(pipe)!r}, 'wb').write(bytes.fromhex({PNG.hex()!r}))"]
    )
    found = list(read_each([*folder("a.png"), str(pipe), *folder("b.png")]))
    assert [one[0].image.shape for one in found] == [(48, 64, 3)] * 3
    assert feeder.wait() == 0


def test_the_process_imports_little():
    code = "import despoof.media.worker, sys; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert {"torch", "av", "cv2", "onnxruntime", "scipy"}.isdisjoint(done.stdout.split())
