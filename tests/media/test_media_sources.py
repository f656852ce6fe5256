import base64
import contextlib
import io
import os
import pathlib
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from PIL import Image

from despoof.core.errors import InputError, MediaError
from despoof.media import (
    ImageLimits,
    find_media,
    image_from_array,
    image_from_tensor,
    is_image,
    is_video,
    read_frames,
)
from media.media_samples import encoded, quadrants

PNG = encoded(quadrants(), "PNG")


@pytest.fixture
def folder(tmp_path, clip):
    root = tmp_path / "räume und bilder"
    for name in ("b.PNG", "a.jpg", "notes.txt", ".hidden.png", "sub/c.webp", ".git/d.png"):
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(PNG)
    (root / "sub" / "v.mp4").write_bytes(clip.read_bytes())
    return root


def test_folders_give_their_media_sorted(folder):
    names = [path.relative_to(folder).as_posix() for path in find_media(folder)]
    assert names == ["a.jpg", "b.PNG", "sub/c.webp", "sub/v.mp4"]
    assert [path.name for path in find_media(str(folder), recursive=False)] == ["a.jpg", "b.PNG"]


def test_a_named_file_is_always_tried(folder, clip):
    named = folder / "notes.txt"
    assert find_media(named) == [named]
    assert np.array_equal(read_frames(named)[0].image, quadrants())
    hidden = folder / "video.dat"
    hidden.write_bytes(clip.read_bytes())
    assert len(read_frames(hidden, count=3)) == 3
    assert is_image(named)
    assert not is_video(named)
    assert is_video(hidden)
    assert not is_image(hidden)


def test_suffixes_decide_where_they_are_known(tmp_path):
    assert is_image("a/b.JPG")
    assert not is_video("a/b.JPG")
    assert is_video(tmp_path / "x.MOV")
    assert not is_image(tmp_path / "x.MOV")
    assert not is_image(tmp_path / "none.dat")
    assert not is_video(tmp_path / "none.dat")


def test_missing_and_unreadable_folders(tmp_path, monkeypatch):
    with pytest.raises(MediaError, match="no file or folder"):
        find_media(tmp_path / "none")

    def walk(_top, onerror):
        onerror(PermissionError(13, "Permission denied", str(tmp_path)))

    monkeypatch.setattr("os.walk", walk)
    with pytest.raises(MediaError, match="Permission denied"):
        find_media(tmp_path)


def lock(monkeypatch, *folders):
    """Refuse to list folders; root may read everything, so permissions do not bind."""
    whole = os.scandir

    def scan(path="."):
        if os.fspath(path) in map(str, folders):
            raise PermissionError(13, "Permission denied", str(path))
        return whole(path)

    monkeypatch.setattr(os, "scandir", scan)


def test_a_locked_folder_does_not_hide_the_others(folder, monkeypatch):
    (folder / "locked").mkdir()
    (folder / "locked" / "x.jpg").write_bytes(PNG)
    whole = [path for path in find_media(folder) if path.parent.name != "locked"]
    lock(monkeypatch, folder / "locked")
    refused = []
    assert find_media(folder, refused=refused) == whole
    ((path, error),) = refused
    assert path == folder / "locked"
    assert f"Folder {path} cannot be read: Permission denied" in str(error)
    with pytest.raises(MediaError, match="locked cannot be read"):
        find_media(folder)


def test_a_path_that_cannot_be_looked_at_is_a_media_error(tmp_path):
    with pytest.raises(MediaError, match="cannot be read: File name too long"):
        find_media(tmp_path / ("x" * 300))


@pytest.fixture
def pipe(tmp_path):
    """Make a named pipe that gives some bytes, once, as a shell's <(command) does."""
    writers = []

    def make(data, name="63"):
        path = tmp_path / name
        os.mkfifo(path)

        def write():
            with contextlib.suppress(BrokenPipeError):
                path.write_bytes(data)

        writers.append(threading.Thread(target=write, daemon=True))
        writers[-1].start()
        return path

    yield make
    for writer in writers:
        writer.join(10)
        assert not writer.is_alive(), "nobody read the pipe"


@pytest.mark.parametrize("name", ["63", "p.png", "wrong.mp4"])
def test_a_pipe_is_read_once(pipe, name):
    path = pipe(PNG, name)
    assert find_media(path) == [path]
    if name == "63":
        assert not is_image(path) and not is_video(path)  # asking must not empty it
    (frame,) = read_frames(str(path))
    assert np.array_equal(frame.image, quadrants()) and frame.source == str(path)


def test_a_video_comes_through_a_pipe(pipe, clip):
    frames = read_frames(pipe(clip.read_bytes()), count=3)
    assert [frame.index for frame in frames] == [0, 1, 2]


@pytest.mark.parametrize(
    ("data", "words"),
    [(b"", "is empty"), (b"no picture", "cannot be read as a video"), (b"x" * 2000, "limit")],
)
def test_a_pipe_that_gives_no_picture_is_a_media_error(pipe, data, words):
    path = pipe(data)
    with pytest.raises(MediaError, match=f"{path}.*{words}"):
        read_frames(path, limits=ImageLimits(max_bytes=1000))


def test_one_picture_by_every_way_in(tmp_path):
    path = tmp_path / "p ä.png"
    path.write_bytes(PNG)
    with Image.open(path) as pil, path.open("rb") as file:
        ways = {
            str(path): str(path),
            "<bytes>": PNG,
            "<file>": file,
            "<PIL image>": pil,
            "<array>": quadrants(),
        }
        for name, source in ways.items():
            (frame,) = read_frames(source)
            assert np.array_equal(frame.image, quadrants())
            assert (frame.source, frame.index, frame.time) == (name, 0, None)
    assert read_frames(path)[0].source == str(path)
    assert read_frames(bytearray(PNG))[0].source == "<bytes>"


def test_a_tensor_in_minus_one_to_one():
    tensor = torch.from_numpy(quadrants()).permute(2, 0, 1).float() / 127.5 - 1
    (frame,) = read_frames(tensor.requires_grad_())
    assert frame.source == "<tensor>"
    assert np.array_equal(frame.image, quadrants())
    assert np.array_equal(
        image_from_tensor(torch.from_numpy(quadrants()).permute(2, 0, 1)), quadrants()
    )
    assert np.abs(image_from_tensor(tensor.bfloat16()).astype(int) - quadrants()).max() <= 1


@pytest.mark.parametrize(
    ("tensor", "words"),
    [
        (torch.full((3, 4, 4), float("nan")), "48 NaN or infinite"),
        (torch.full((3, 4, 4), float("inf")), "48 NaN or infinite"),
        (torch.zeros(4, 4, 3), r"shape \(4, 4, 3\)"),
        (torch.zeros(2, 3, 4, 4), "one picture at a time"),
        (torch.zeros(3, 0, 4), "not a picture"),
        (torch.full((3, 4, 4), 255.0), r"span \[255, 255\]. Expected \[-1, 1\]"),
        (torch.zeros(3, 4, 4, dtype=torch.int64), "int64"),
        (torch.rand(3, 9, 9), r"meant for \[0, 1\]. Expected \[-1, 1\]; pass 2 \* tensor - 1"),
        (torch.rand(3, 9, 9).half(), r"Expected \[-1, 1\]"),
    ],
)
def test_tensors_that_are_no_pictures(tensor, words):
    with pytest.raises(InputError, match=words):
        read_frames(tensor)


@pytest.mark.parametrize(
    ("array", "words"),
    [
        (np.full((4, 4, 3), np.nan), "float64, whose values are not finite. Expected uint8"),
        (np.full((4, 4), np.inf, np.float32), "are not finite"),
        (np.linspace(0, 1, 48).reshape(4, 4, 3), r"span \[0, 1\]. Expected uint8 in 0..255"),
        (np.ones((4, 4, 3), np.float16), "float16.* Expected uint8 in 0..255"),
        (np.full((4, 4), 255, np.uint16), "16-bit values reach only 255. Expected 0..65535"),
        (np.full((4, 4), 4095, ">u2"), "reach only 4095"),
        (np.zeros((3, 4, 5)), r"shape \(3, 4, 5\)"),
        (np.zeros(4), "not a picture"),
        (np.zeros((0, 4, 3)), "not a picture"),
        (np.zeros((1, 4, 4, 3)), "one picture at a time"),
        (np.full((4, 4), 200.0), r"span \[200, 200\]. Expected uint8 in"),
        (np.full((4, 4), -1.0), "span"),
        (np.zeros((4, 4), np.int32), "int32"),
        (np.zeros((4, 4), bool), "bool"),
        (np.zeros((4, 4), complex), "complex"),
    ],
)
def test_arrays_that_are_no_pictures(array, words):
    with pytest.raises(InputError, match=words):
        read_frames(array)


def test_array_kinds():
    grey = np.array([[0, 128, 255]], np.uint8)
    expected = np.repeat(grey[..., None], 3, axis=2)
    wide = grey.astype(np.uint16) * 257
    for array in (grey, grey[..., None], wide, wide.astype(">u2"), wide.astype("<u2")):
        assert np.array_equal(image_from_array(array), expected)
    rgba = np.zeros((1, 2, 4), np.uint8)
    rgba[0, 1] = (9, 8, 7, 255)
    assert image_from_array(rgba).tolist() == [[[127] * 3, [9, 8, 7]]]
    same = quadrants()
    assert not np.shares_memory(image_from_array(same), same)


@given(arrays.arrays(np.uint8, (5, 4, 3), elements=st.integers(0, 255)))
def test_an_array_and_its_tensor_are_the_same_picture(array):
    array[0, 0, 0] = 0  # a picture without any dark place is refused
    tensor = torch.from_numpy(array).permute(2, 0, 1).float() / 127.5 - 1
    assert np.array_equal(image_from_tensor(tensor), image_from_array(array))


@given(arrays.arrays(np.float32, (3, 5, 4), elements=st.floats(0, 1, width=32)))
def test_no_tensor_in_zero_to_one_is_a_picture(array):
    with pytest.raises(InputError, match=r"Expected \[-1, 1\]"):
        image_from_tensor(torch.from_numpy(array))


class Place:
    """What any library may hand over for a path."""

    def __init__(self, name):
        self.name = name

    def __fspath__(self):
        return self.name


def test_any_path_like_object_is_a_path(tmp_path):
    path = tmp_path / "p.png"
    path.write_bytes(PNG)
    for source in (Place(str(path)), Place(bytes(path)), pathlib.PurePath(path)):
        (frame,) = read_frames(source)
        assert frame.source == str(path) and np.array_equal(frame.image, quadrants())
    with pytest.raises(MediaError, match="There is no file nowhere"):
        read_frames(Place("nowhere.png"))


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "GIF"])
@pytest.mark.parametrize("form", [str, str.encode, io.StringIO])
def test_base64_by_mistake_is_said(kind, form):
    text = base64.b64encode(encoded(quadrants(), kind)).decode()
    for given_text in (text, f"data:image/{kind.lower()};base64,{text}", text[:200]):
        with pytest.raises(MediaError, match=r"base64|open as text") as caught:
            read_frames(form(given_text))
        assert len(str(caught.value)) < 500


def test_a_file_that_is_named_like_base64_is_a_file(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    name = "iVBORw0KGgo" + "A" * 60
    Path(name).write_bytes(PNG)
    assert read_frames(name)[0].image.shape == quadrants().shape


@pytest.mark.parametrize(
    ("name", "words"),
    [("a\0b.png", "NUL"), ("a\0b.mp4", "NUL"), ("x" * 300 + ".png", "too long"),
     ("x" * 300 + ".mp4", "too long"), ("d/" * 3000 + "x.png", "too long"),
     ("x" * 300, "too long")],
)  # fmt: skip
def test_names_that_no_file_can_have_are_media_errors(name, words):
    for source in (name, Path(name), Place(name)):
        with pytest.raises(MediaError, match=words) as caught:
            read_frames(source)
        assert len(str(caught.value)) < 400
    with pytest.raises(MediaError, match=words):
        find_media(name)
    assert not is_video(f"{name}.png")


def test_a_closed_file_is_a_media_error(tmp_path):
    with (tmp_path / "p.png").open("w+b") as file:
        file.write(PNG)
    with pytest.raises(MediaError, match="closed file"):
        read_frames(file)


def test_pil_images_of_any_mode_and_orientation():
    sideways = Image.fromarray(np.rot90(quadrants()))
    sideways.getexif()[0x0112] = 6
    assert np.array_equal(read_frames(sideways)[0].image, quadrants())
    assert read_frames(Image.new("LA", (2, 2), (9, 0)))[0].image.max() == 127
    with pytest.raises(MediaError, match=r"PIL image.*64x48"):
        read_frames(sideways.rotate(90, expand=True), limits=ImageLimits(max_pixels=9))
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8)
    with pytest.raises(MediaError, match="not a whole JPEG"):
        read_frames(Image.open(io.BytesIO(encoded(noise, "JPEG")[:2000])))


def test_standard_input(monkeypatch, clip):
    def feed(data):
        stdin = type("Stdin", (), {"buffer": io.BytesIO(data)})
        monkeypatch.setattr("sys.stdin", stdin)

    feed(PNG)
    (frame,) = read_frames("-")
    assert (frame.source, frame.time) == ("-", None)
    feed(clip.read_bytes())
    assert [frame.source for frame in read_frames("-", count=2)] == ["-", "-"]
    feed(b"")
    with pytest.raises(MediaError, match="standard input is empty"):
        read_frames("-")
    feed(PNG)
    with pytest.raises(MediaError, match="larger than"):
        read_frames("-", limits=ImageLimits(max_bytes=10))
    feed(b"just words, long enough to be looked at")
    with pytest.raises(MediaError, match="- cannot be read as a video"):
        read_frames("-")


def test_other_things_are_refused(tmp_path):
    with pytest.raises(InputError, match="int is not a picture"):
        read_frames(7)
    with pytest.raises(MediaError, match="is a folder"):
        read_frames(tmp_path)
    with pytest.raises(MediaError, match="There is no file"):
        read_frames("nowhere.png")
    text = tmp_path / "text.jpg"
    text.write_text("not a picture at all")
    with pytest.raises(MediaError, match=r"text\.jpg is not a picture"):
        read_frames(text)


def test_importing_the_room_is_light():
    heavy = ["av", "torch", "pillow_heif", "PIL.PngImagePlugin", "PIL.ImageCms"]
    code = f"import sys, despoof.media; print([m for m in {heavy} if m in sys.modules])"
    assert subprocess.check_output([sys.executable, "-c", code], text=True).strip() == "[]"
