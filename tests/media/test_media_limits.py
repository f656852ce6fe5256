"""What is too much is refused in words, at once, and before it is held."""

import io
import json
import re
import struct
import subprocess
import sys
import time
import zipfile
import zlib
from fractions import Fraction

import av
import numpy as np
import pytest
import torch
from PIL import Image

from despoof.core.errors import MediaError
from despoof.data.frames import read_numbered
from despoof.media import (
    ImageLimits,
    image_from_array,
    image_from_tensor,
    limits,
    read_frames,
    read_image,
    read_video,
)
from despoof.media.images import read_pillow
from media.media_samples import encoded, quadrants, write_video

MEASURED = """
import json, resource, sys, time
from despoof.core.errors import MediaError
from despoof.data.frames import read_numbered
from despoof.media import read_frames
import av, av.error, PIL.PngImagePlugin
begin = time.process_time()
try:
    words = str([frame.image.shape for frame in read_frames(sys.argv[1])])
except MediaError as error:
    words = str(error)
try:  # Linux: what getrusage says of a child begins with what its parent held when it forked
    line = next(one for one in open("/proc/self/status") if one.startswith("VmHWM"))
    peak = int(line.split()[1]) / 2**10
except OSError:
    unit = 2**20 if sys.platform == "darwin" else 2**10
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit
print(json.dumps([words, time.process_time() - begin, peak]))
"""


def png(width, height, data, *, depth=8, colour=2, chunks=b""):
    head = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunks + data + chunk(b"IEND", b"")


def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def blank(width, height, each, **more):
    """Return a PNG of zeros, `each` bits a pixel; small, however large the picture."""
    packer = zlib.compressobj(1)
    row = bytes(1 + (width * each + 7) // 8)
    rows = 1 + 2**20 // len(row)
    packed = [packer.compress(row * min(rows, height - top)) for top in range(0, height, rows)]
    return png(width, height, chunk(b"IDAT", b"".join([*packed, packer.flush()])), **more)


def film(path, picture, width, height, count=8):
    """Put a PNG into QuickTime, `count` times, under a header of any size."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("png", rate=25)
        stream.width, stream.height, stream.pix_fmt = width, height, "rgb24"
        for index in range(count):
            packet = av.Packet(picture)
            packet.stream, packet.time_base = stream, Fraction(1, 25)
            packet.pts = packet.dts = index
            packet.is_keyframe = True
            container.mux(packet)
    return path


def measured(path):
    """Read a file in a process of its own: words, seconds of work, MB at the peak."""
    done = subprocess.run(
        [sys.executable, "-c", MEASURED, str(path)], capture_output=True, text=True, check=True
    )
    return json.loads(done.stdout)


def large(tmp_path, kind):
    path = tmp_path / "large"
    if kind == "thin":
        path.write_bytes(blank(1, 99_000_000, 1, depth=1, colour=0))
    elif kind == "less thin":
        path.write_bytes(blank(1, 79_000_000, 1, depth=1, colour=0))
    elif kind == "rgba":
        path.write_bytes(blank(9900, 9900, 32, colour=6))
    elif kind == "film":
        return film(tmp_path / "f.mov", blank(9000, 9000, 1, depth=1, colour=0), 9000, 9000)
    elif kind == "film within":
        return film(tmp_path / "f.mov", blank(8900, 8900, 1, depth=1, colour=0), 8900, 8900)
    elif kind == "film that lies":
        return film(tmp_path / "f.mov", blank(9900, 9900, 1, depth=1, colour=0), 640, 480)
    elif kind == "wide pixels":
        size = (1280, 720)
        return write_video(tmp_path / "v.mp4", [0, 0.04], 0.08, size=size, sar=Fraction(60, 1))
    return path


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("thin", "1x99000000 = 99 megapixels; the limit is 80"),
        ("less thin", "1x79000000 pixels; the limit is 65535 a side"),
        pytest.param("rgba", "9900x9900 = 98 megapixels", marks=pytest.mark.slow),
        ("film", "9000x9000 = 81 megapixels"),
        ("film within", "8 frames of 8900x8900 pixels take more than 1 GB"),
        ("film that lies", "no frame of it decodes|no frame decodes"),
        ("wide pixels", "60 times as wide as high; the limit is 8"),
    ],
)
def test_what_is_too_large_is_refused_at_once_and_in_little_memory(kind, words, tmp_path):
    said, seconds, peak = measured(large(tmp_path, kind))
    assert re.search(words, said), said
    assert seconds < 2
    assert peak < 600


@pytest.mark.slow
def test_what_is_within_the_limit_takes_ten_bytes_a_pixel(tmp_path):
    few, many = tmp_path / "few.png", tmp_path / "many.png"
    few.write_bytes(encoded(quadrants(), "PNG"))
    many.write_bytes(blank(5000, 4000, 32, colour=6))
    said, _, peak = measured(many)
    assert said == "[(4000, 5000, 3)]"
    # Four of Pillow, three of the result, the file; one strip of 4 megapixels with its copies.
    assert peak - measured(few)[2] < 20 * 10 + 4 * 40


def test_sides_and_pixel_aspects_have_limits_that_move(tmp_path):
    data = encoded(quadrants(), "PNG")
    with pytest.raises(MediaError, match="64x48 pixels; the limit is 63 a side"):
        read_image(data, ImageLimits(max_side=63))
    assert read_image(data, ImageLimits(max_side=64)).shape == (48, 64, 3)
    path = write_video(tmp_path / "v.mp4", [0, 0.04], 0.08, sar=Fraction(1, 10))
    with pytest.raises(MediaError, match=r"0\.1 times as wide as high; the limit is 8 either way"):
        read_video(path)
    moved = ImageLimits(max_aspect=10.5)
    assert read_video(path, limits=moved)[0].image.shape == (48, 6, 3)
    assert [image.shape for _, image in read_numbered(path, [0, 1], moved)] == [(48, 6, 3)] * 2


def test_room_for_one_picture_has_a_limit_that_moves():
    data = encoded(quadrants(), "PNG")
    with pytest.raises(MediaError, match=r"64x48 pixels, which take .* GB decoded; the limit"):
        read_image(data, ImageLimits(max_held=64 * 48 * 9))
    assert read_image(data, ImageLimits(max_held=64 * 48 * 10)).shape == (48, 64, 3)


def test_arrays_tensors_and_pil_images_have_the_same_limits():
    few = ImageLimits(max_pixels=64 * 48 - 1)
    array = quadrants()
    tensor = torch.from_numpy(array).permute(2, 0, 1)
    for source in (array, tensor, Image.fromarray(array)):
        with pytest.raises(MediaError, match="64x48"):
            read_frames(source, limits=few)
        assert np.array_equal(read_frames(source)[0].image, array)
    for size in ((81_000_000, 1), (9000, 9000)):
        spread = np.broadcast_to(np.zeros((1, 1, 3), np.uint8), (*size, 3))  # three bytes
        with pytest.raises(MediaError, match="81 megapixels"):
            image_from_array(spread)
        with pytest.raises(MediaError, match="81 megapixels"):
            image_from_tensor(torch.zeros(1).expand(3, *size))


# ---- strips


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("mode", ["RGB", "RGBA", "L", "P", "CMYK", "LA", "I;16", "I", "F"])
def test_a_picture_in_strips_is_the_picture_in_one(mode, orientation, monkeypatch):
    rng = np.random.default_rng(orientation)
    if mode in ("I;16", "I", "F"):
        kind = {"I;16": np.uint16, "I": np.int32, "F": np.float32}[mode]
        picture = Image.fromarray(rng.integers(0, 60_000, (37, 23)).astype(kind))
    elif mode == "P":
        picture = Image.fromarray(quadrants(23, 37)).quantize(4)
        picture.info["transparency"] = 2
    else:
        bands = len(mode)
        values = rng.integers(0, 256, (37, 23, bands), np.uint8)
        picture = Image.fromarray(values[..., 0] if bands == 1 else values, mode)
    picture.getexif()[0x0112] = orientation
    whole = read_pillow(picture)
    monkeypatch.setattr(limits, "STRIP", 23 * 5)
    assert np.array_equal(read_pillow(picture), whole)
    assert whole.shape == ((23, 37, 3) if orientation > 4 else (37, 23, 3))


def test_tensors_in_strips_are_tensors_in_one(monkeypatch):
    tensor = torch.rand(3, 31, 17, generator=torch.Generator().manual_seed(0)) * 2 - 1
    whole = image_from_tensor(tensor)
    deep = np.random.default_rng(0).integers(0, 65536, (31, 17, 4)).astype(np.uint16)
    deep_whole = image_from_array(deep)
    monkeypatch.setattr(limits, "STRIP", 17 * 4)
    assert np.array_equal(image_from_tensor(tensor), whole)
    assert np.array_equal(image_from_array(deep), deep_whole)


# ---- metadata


def jpeg_with(*segments):
    data = encoded(quadrants(), "JPEG")
    parts = [bytes([0xFF, mark]) + struct.pack(">H", len(s) + 2) + s for mark, s in segments]
    return data[:2] + b"".join(parts) + data[2:]


def test_segments_of_a_jpeg_have_a_limit():
    assert read_image(jpeg_with(*[(0xFE, bytes(60_000))] * 200)).shape == (48, 64, 3)
    begin = time.process_time()
    for segments in ([(0xE1, b"Exif\0\0" + bytes(65_000))] * 300, [(0xE5, b"")] * 5000):
        with pytest.raises(MediaError, match="more than 16 MB or 4096 segments beside its pixels"):
            read_image(jpeg_with(*segments))
    assert time.process_time() - begin < 2
    with pytest.raises(MediaError, match=r"more than 0\.001 MB"):
        read_image(jpeg_with((0xFE, bytes(1001))), ImageLimits(max_metadata=1000))


def test_chunks_of_a_png_have_a_limit():
    pixels = chunk(b"IDAT", zlib.compress(bytes(4 * 4 * 3 + 4)))
    assert read_image(png(4, 4, pixels, chunks=chunk(b"teXt", b"") * 4000)).shape == (4, 4, 3)
    for chunks in (chunk(b"teXt", b"") * 5000, chunk(b"teXt", bytes(16_000_001))):
        with pytest.raises(MediaError, match="beside its pixels"):
            read_image(png(4, 4, pixels, chunks=chunks))
    with pytest.raises(MediaError, match="more than 500000 PNG chunks"):
        read_image(png(4, 4, chunk(b"IDAT", b"") * 500_001 + pixels))


def directory(count, size, order="<"):
    """A TIFF directory of `count` entries which all name the same bytes."""
    entries = [struct.pack(order + "HHII", 40_000 + i, 1, size, 8) for i in range(count)]
    head = (b"II" if order == "<" else b"MM") + struct.pack(order + "HI", 42, 8 + size)
    return head + bytes(size) + struct.pack(order + "H", count) + b"".join(entries) + bytes(4)


@pytest.mark.parametrize("order", "<>")
def test_a_directory_that_names_bytes_many_times_is_refused(order):
    exif = directory(20, 30_000, order)
    pixels = chunk(b"IDAT", zlib.compress(bytes(4 * 4 * 3 + 4)))
    for data in (
        jpeg_with((0xE1, b"Exif\0\0" + exif)),
        jpeg_with((0xE2, b"MPF\0" + exif)),
        png(4, 4, pixels, chunks=chunk(b"eXIf", exif)),
        encoded(quadrants(), "WebP", exif=exif),
        exif,
    ):
        with pytest.raises(MediaError, match="entries of its TIFF or EXIF directory are 600000"):
            read_image(data)
    assert read_image(jpeg_with((0xE1, b"Exif\0\0" + directory(1, 30_000)))).shape == (48, 64, 3)


def test_tiles_of_a_tiff_have_a_limit():
    def tiled(side):
        plain = encoded(quadrants(), "TIFF")
        at = struct.unpack_from("<I", plain, 4)[0]
        count = struct.unpack_from("<H", plain, at)[0]
        entries = [plain[at + 2 + 12 * i :][:12] for i in range(count)]
        entries += [struct.pack("<HHII", tag, 4, 1, side) for tag in (322, 323)]
        moved = plain[:4] + struct.pack("<I", len(plain)) + plain[8:]
        return moved + struct.pack("<H", count + 2) + b"".join(sorted(entries)) + bytes(4)

    with pytest.raises(MediaError, match="tiles of 65535x65535 pixels"):
        read_image(tiled(65535))


# ---- time


def test_reading_ends_at_its_deadline(clip, monkeypatch):
    late = ImageLimits(max_seconds=-1.0)
    for source in (encoded(quadrants(), "PNG"), Image.fromarray(quadrants()), clip):
        with pytest.raises(MediaError, match="takes more than -1 s to read, the limit"):
            read_frames(source, limits=late)


def test_the_deadline_is_looked_at_between_frames_and_strips(clip, monkeypatch):
    clock = [0.0]

    def tick():
        clock[0] += 1
        return clock[0]

    monkeypatch.setattr(limits.time, "monotonic", tick)
    with pytest.raises(MediaError, match="more than 30 s"):
        read_video(clip, limits=ImageLimits(max_seconds=30))
    assert len(read_video(clip, limits=ImageLimits(max_seconds=1000))) == 8
    picture = Image.fromarray(quadrants())
    assert read_pillow(picture, ImageLimits(max_seconds=30)).shape == (48, 64, 3)
    monkeypatch.setattr(limits, "STRIP", 64)
    with pytest.raises(MediaError, match="more than 30 s"):
        read_pillow(picture, ImageLimits(max_seconds=30))


# ---- what only holds pictures


def holders():
    jpeg = encoded(quadrants(), "JPEG")
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("a.jpg", jpeg)
    icon = struct.pack("<HHHBBBBHHII", 0, 1, 1, 64, 48, 0, 0, 1, 24, len(jpeg), 22) + jpeg
    pdf = b"%PDF-1.4\n1 0 obj <</Filter /DCTDecode>> stream\n" + jpeg + b"\nendstream endobj\n"
    return {"ZIP": archive.getvalue(), "PDF": pdf, "icon": icon, "else": b"a note " * 9 + jpeg * 5}


@pytest.mark.parametrize("kind", ["ZIP", "PDF", "icon", "else"])
def test_what_holds_a_jpeg_is_no_film(kind, tmp_path):
    path = tmp_path / "held.bin"
    path.write_bytes(holders()[kind])
    words = "not a video|cannot be read as a video" if kind == "else" else f"another kind .{kind}"
    for source in (path, path.read_bytes()):
        with pytest.raises(MediaError, match=words):
            read_frames(source)
    with pytest.raises(MediaError, match=words):
        read_video(path)
