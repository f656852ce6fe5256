import contextlib
import io
import os
import subprocess
import sys
import threading

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
    ],
)
def test_tensors_that_are_no_pictures(tensor, words):
    with pytest.raises(InputError, match=words):
        read_frames(tensor)


@pytest.mark.parametrize(
    ("array", "words"),
    [
        (np.full((4, 4, 3), np.nan), "48 NaN"),
        (np.full((4, 4), np.inf, np.float32), "infinite"),
        (np.zeros((3, 4, 5)), r"shape \(3, 4, 5\)"),
        (np.zeros(4), "not a picture"),
        (np.zeros((0, 4, 3)), "not a picture"),
        (np.zeros((1, 4, 4, 3)), "one picture at a time"),
        (np.full((4, 4), 200.0), r"span \[200, 200\]. Expected \[0, 1\]"),
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
    for array in (grey, grey[..., None], grey.astype(np.uint16) * 257, grey / 255):
        assert np.array_equal(image_from_array(array), expected)
    rgba = np.zeros((1, 2, 4), np.uint8)
    rgba[0, 1] = (9, 8, 7, 255)
    assert image_from_array(rgba).tolist() == [[[127] * 3, [9, 8, 7]]]
    same = quadrants()
    assert not np.shares_memory(image_from_array(same), same)


@given(arrays.arrays(np.float32, (5, 4, 3), elements=st.floats(0, 1, width=32)))
def test_an_array_and_its_tensor_are_the_same_picture(array):
    tensor = torch.from_numpy(array).permute(2, 0, 1) * 2 - 1
    difference = image_from_array(array).astype(int) - image_from_tensor(tensor)
    assert np.abs(difference).max() <= 1  # halves may round either way


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
