"""Every bad input of the issue, through the command line: one clear line, the rest done."""

import io
import json

import numpy as np
import pytest
from PIL import Image


def jpeg(picture, **options):
    stream = io.BytesIO()
    image = picture if isinstance(picture, Image.Image) else Image.fromarray(picture)
    image.save(stream, "JPEG", **options)
    return stream.getvalue()


def bomb():
    """The header of a 30000 × 30000 PNG and next to nothing behind it."""
    import struct
    import zlib

    def chunk(kind, body):
        return (
            struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
        )

    header = struct.pack(">IIBBBBB", 30000, 30000, 8, 2, 0, 0, 0)
    pixels = zlib.compress(b"\0" * 1000)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")
    )


UNREADABLE = {
    "empty.jpg": (lambda p: b"", "is empty"),
    "truncated.jpg": (lambda p: jpeg(p)[:9000], "not a whole JPEG"),
    "text.jpg": (lambda p: b"Dear reader, I am no picture.", "not a picture"),
    "bomb.png": (lambda p: bomb(), "900 megapixels; the limit is"),
    "noise.mp4": (lambda p: bytes(range(256)) * 40, "cannot be read as a video"),
}


@pytest.fixture
def check(cli, weights):
    """Check in JSON; give the exit code, the objects and stderr."""

    def call(*arguments):
        done = cli("check", *arguments, "--weights", weights, "--json")
        assert "Traceback" not in done.err + done.out
        return done.code, [json.loads(line) for line in done.out.splitlines()], done.err

    return call


@pytest.fixture
def unreadable(tmp_path, portrait, request):
    make, message = UNREADABLE[request.param]
    path = tmp_path / request.param
    path.write_bytes(make(portrait))
    return path, message


@pytest.mark.parametrize("unreadable", UNREADABLE, indirect=True)
def test_unreadable_files_are_an_error_each_and_the_rest_is_done(check, unreadable, photo):
    path, message = unreadable
    code, (bad, good), _ = check(path, photo)
    assert code == 2
    assert message in bad["error"] and str(path) in bad["error"]
    assert (bad["label"], bad["score"], bad["faces"]) == ("undecided", None, [])
    assert good["label"] == "live"


@pytest.mark.parametrize("unreadable", UNREADABLE, indirect=True)
def test_unreadable_files_are_one_line_on_stderr(cli, weights, unreadable, photo):
    path, message = unreadable
    done = cli("check", path, photo, "--weights", weights)
    assert done.code == 2 and message in done.err and done.err.count("\n") == 1
    assert "live" in done.out and "Traceback" not in done.err


def test_missing_path(check, photo, tmp_path):
    code, (bad, good), _ = check(tmp_path / "gone.jpg", photo)
    assert code == 2 and "There is no file or folder" in bad["error"] and good["label"] == "live"


def test_unreadable_file(check, photo, tmp_path, monkeypatch):
    from pathlib import Path

    locked, whole = tmp_path / "locked.jpg", Path.open
    locked.write_bytes(photo.read_bytes())

    def refuse(self, *arguments, **options):  # root may read everything: permissions do not bind
        if self.name == locked.name:
            raise PermissionError(13, "Permission denied", str(self))
        return whole(self, *arguments, **options)

    monkeypatch.setattr(Path, "open", refuse)  # of this process: one file alone is read here
    code, (bad,), _ = check(locked)
    assert code == 2 and "Permission denied" in bad["error"] and bad["label"] == "undecided"


@pytest.fixture
def partly_locked(tmp_path, photo, monkeypatch):
    """A folder with the portrait, and one inside it that may not be read."""
    import os

    folder, whole = tmp_path / "shots", os.scandir
    locked = folder / "locked"
    locked.mkdir(parents=True)
    (folder / "a.jpg").write_bytes(photo.read_bytes())

    def scan(path="."):
        if os.fspath(path) == str(locked):
            raise PermissionError(13, "Permission denied", str(locked))
        return whole(path)

    monkeypatch.setattr(os, "scandir", scan)
    return folder, locked


def test_a_locked_folder_is_an_error_and_the_rest_is_done(check, partly_locked, photo):
    folder, locked = partly_locked
    code, (good, bad, after), _ = check(folder, photo)
    assert code == 2 and good["label"] == after["label"] == "live"
    assert (bad["source"], bad["label"]) == (str(locked), "undecided")
    assert bad["error"] == f"Folder {locked} cannot be read: Permission denied."


def test_a_locked_folder_is_one_line_on_stderr(cli, weights, partly_locked):
    folder, locked = partly_locked
    done = cli("check", folder, "--weights", weights)
    assert done.code == 2 and "live" in done.out
    assert done.err == f"despoof: Folder {locked} cannot be read: Permission denied.\n"


def test_a_folder_that_is_locked_itself_is_one_error(check, partly_locked):
    _, locked = partly_locked
    code, (bad,), _ = check(locked)
    assert code == 2 and "Permission denied" in bad["error"]


@pytest.mark.parametrize("options", [[], ["--json"]])
def test_a_pipe_is_a_picture_like_any_other(cli, weights, photo, tmp_path, options):
    import os
    import threading

    pipe = tmp_path / "63"  # as a shell's <(cat portrait.jpg)
    os.mkfifo(pipe)
    writer = threading.Thread(target=lambda: pipe.write_bytes(photo.read_bytes()), daemon=True)
    writer.start()
    done = cli("check", pipe, "--weights", weights, *options)
    writer.join(10)
    assert done.code == 0 and "live" in done.out and not done.err


def test_a_folder_that_is_named_like_a_picture_is_a_folder(check, photo, tmp_path):
    folder = tmp_path / "x.jpg"
    folder.mkdir()
    code, (bad, good), _ = check(folder, photo)
    assert code == 2 and "no pictures or videos" in bad["error"] and good["label"] == "live"


def test_one_pixel(check, tmp_path):
    path = tmp_path / "dot.png"
    Image.new("RGB", (1, 1)).save(path)
    code, (dot,), _ = check(path)
    assert (code, dot["label"], dot["reason"]) == (2, "undecided", "no face found")
    code, (dot,), _ = check(path, "--cropped")
    assert (code, dot["label"]) == (2, "undecided")


@pytest.fixture
def variants(tmp_path, portrait):
    """The portrait in unusual clothes."""
    image = Image.fromarray(portrait)
    deep = np.asarray(image.convert("L")).astype(np.uint16) * 257
    Image.fromarray(deep).save(tmp_path / "sixteen.png")
    image.convert("CMYK").save(tmp_path / "cmyk.jpg")
    exif = Image.Exif()
    exif[0x0112] = 6  # stored lying on its side
    turned = image.transpose(Image.Transpose.ROTATE_90)
    turned.save(tmp_path / "turned.jpg", exif=exif.tobytes())
    image.save(tmp_path / "two.gif", save_all=True, append_images=[Image.new("RGB", image.size)])
    return tmp_path


def test_sixteen_bits_cmyk_rotation_and_animation_are_read(check, variants):
    code, answers, _ = check(variants)
    names = [answer["source"].rpartition("/")[2] for answer in answers]
    assert names == ["cmyk.jpg", "sixteen.png", "turned.jpg", "two.gif"]
    assert code == 0 and {answer["label"] for answer in answers} == {"live"}
    for answer in answers:
        (face,) = answer["faces"]
        x1, y1, x2, y2 = face["box"]
        assert 150 < x1 < 200 and 30 < y1 < 80 and 250 < x2 < 300 and 170 < y2 < 210


def test_no_face(check, tmp_path):
    path = tmp_path / "sky.png"
    Image.new("RGB", (300, 200), (120, 160, 220)).save(path)
    code, (sky,), _ = check(path)
    assert (code, sky["label"], sky["reason"], sky["faces"]) == (
        2,
        "undecided",
        "no face found",
        [],
    )


def test_two_faces(check, tmp_path, portrait):
    path = tmp_path / "two.png"
    Image.fromarray(np.hstack([portrait, portrait])).save(path)
    code, (two,), _ = check(path)
    assert code == 0 and len(two["faces"]) == 2
    assert two["score"] == min(face["score"] for face in two["faces"])


def test_a_face_of_20_pixels(check, tmp_path, portrait):
    small = Image.fromarray(portrait).resize((82, 82), Image.Resampling.LANCZOS)
    canvas = Image.new("RGB", (200, 160), (127, 127, 127))
    canvas.paste(small, (50, 40))
    canvas.save(tmp_path / "far.png")
    code, (far,), _ = check(tmp_path / "far.png")
    assert (code, far["label"]) == (2, "undecided")
    assert far["reason"] in {f"face is {n} px, need 48" for n in range(18, 23)}
    assert far["faces"][0]["score"] is not None


@pytest.fixture
def no_frames(tmp_path):
    """A video track without a single frame."""
    import av

    path = tmp_path / "nothing.mkv"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mpeg4", rate=10)
        stream.width, stream.height, stream.pix_fmt = 64, 64, "yuv420p"
        container.start_encoding()
    return path


def test_video_with_zero_frames(check, no_frames, photo):
    code, (bad, good), _ = check(no_frames, photo)
    assert code == 2 and "video" in bad["error"] and good["label"] == "live"


def test_video_that_is_cut_in_the_middle(check, tmp_path, portrait):
    import av

    whole = tmp_path / "whole.mkv"  # its index is not at the end, as in a recording that broke off
    with av.open(str(whole), "w") as container:
        stream = container.add_stream("mpeg4", rate=10, options={"g": "2"})
        stream.width, stream.height, stream.pix_fmt = 512, 512, "yuv420p"
        stream.bit_rate = 4_000_000
        for _ in range(20):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(portrait, format="rgb24")))
        container.mux(stream.encode(None))
    data = whole.read_bytes()
    cut = tmp_path / "cut.mkv"
    cut.write_bytes(data[: len(data) // 2])
    code, (answer,), _ = check(cut, "--frames", 4)
    assert (code, answer["label"]) == (0, "live") and 1 <= answer["frames"] <= 4


def test_video_whose_index_is_lost(check, face_clip, tmp_path):
    cut = tmp_path / "cut.mp4"
    cut.write_bytes(face_clip.read_bytes()[:20_000])
    code, (answer,), _ = check(cut)
    assert code == 2 and "cannot be read as a video" in answer["error"]


def test_folder_that_mixes_good_and_bad(check, tmp_path, photo):
    folder = tmp_path / "mixed holiday ordner — 写真"
    (folder / "inner").mkdir(parents=True)
    for number, name in enumerate(("a.jpg", "inner/Zoë's face.jpg")):
        (folder / name).write_bytes(photo.read_bytes() + bytes(number))
    (folder / "bad.jpg").write_bytes(b"")
    (folder / "inner" / "worse.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    (folder / "notes.txt").write_text("not asked for")
    code, answers, err = check(folder)
    assert code == 2 and not err
    labels = {a["source"].removeprefix(str(folder) + "/"): a["label"] for a in answers}
    assert labels == {
        "a.jpg": "live",
        "bad.jpg": "undecided",
        "inner/Zoë's face.jpg": "live",
        "inner/worse.png": "undecided",
    }
    assert ["error" in a for a in answers] == [a["label"] == "undecided" for a in answers]


@pytest.mark.parametrize("form", [(), ("--json",)], ids=["table", "json"])
def test_a_name_that_is_not_utf_8(weights, photo, form):
    import os
    import subprocess
    import sys

    name = os.fsencode(photo.parent) + b"/caf\xe9.jpg"
    try:
        with open(name, "wb") as file:
            file.write(photo.read_bytes())
    except OSError:
        pytest.skip("this file system takes no such name")
    ask = [sys.executable, "-m", "despoof", "check", name, "gone\udce9", "--weights", str(weights)]
    done = subprocess.run([*ask, *form], capture_output=True, timeout=300, check=False)
    assert done.returncode == 2 and b"live" in done.stdout and b"Traceback" not in done.stderr
    if form:
        answers = [json.loads(line) for line in done.stdout.decode("utf-8").splitlines()]
        assert os.fsencode(answers[0]["source"]) == name and answers[0]["label"] == "live"


@pytest.mark.parametrize(
    "damage",
    [
        lambda f: (f / "model.safetensors").write_bytes(b"\x00" * 100),
        lambda f: (f / "model.safetensors").write_bytes(b""),
        lambda f: (f / "model.safetensors").write_bytes(
            (f / "model.safetensors").read_bytes()[:-8]
        ),
        lambda f: (f / "model.safetensors").unlink(),
        lambda f: (f / "config.json").write_text("{"),
        lambda f: (f / "config.json").write_text("[]"),
        lambda f: (f / "config.json").write_text("{}"),
        lambda f: (f / "config.json").write_text('{"system": "face-despoofing", "config": 3}'),
        lambda f: (f / "config.json").unlink(),
    ],
    ids=["zeros", "empty", "cut", "gone", "brace", "list", "object", "number", "no config"],
)
@pytest.mark.parametrize("recorded", [True, False])
def test_corrupt_weights(cli, photo, make_weights, damage, recorded):
    folder = make_weights(photo.parent / "w")
    if not recorded:
        (folder / "record.json").unlink()
    damage(folder)
    done = cli("check", photo, "--weights", folder)
    assert done.code == 2 and not done.out
    assert done.err.count("\n") == 1 and str(folder) in done.err and "Traceback" not in done.err


def test_weights_of_another_system(cli, photo, tmp_path, make_weights):
    mine = make_weights(tmp_path / "mine")
    other = make_weights(tmp_path / "other", system="rgb-baseline")
    wrong = (other / "model.safetensors").read_bytes()
    (mine / "model.safetensors").write_bytes(wrong)
    hashed = cli("check", photo, "--weights", mine)
    assert hashed.code == 2 and "SHA-256" in hashed.err and not hashed.out
    (mine / "record.json").unlink()
    plain = cli("check", photo, "--weights", mine)
    assert plain.code == 2 and "different systems or versions" in plain.err and not plain.out
    assert plain.err.count("\n") == 1


def test_unknown_weights(cli, photo):
    done = cli("check", photo, "--weights", "face-despofing")
    assert done.code == 2 and "No weights named 'face-despofing'" in done.err
    done = cli("check", photo, "--weights", "org/name")
    assert done.code == 2 and "nothing is fetched unasked" in done.err
