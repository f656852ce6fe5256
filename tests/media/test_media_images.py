import io
import struct
import threading
import tracemalloc
import warnings
import zlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageCms
from pillow_heif import register_heif_opener

from despoof.core.errors import MediaError
from despoof.media import ImageLimits, read_image
from media.media_samples import BLUE, GREEN, RED, YELLOW, centres, encoded, quadrants

register_heif_opener()  # so that Pillow can write HEIC here; reading does not need it

UPRIGHT = np.array([RED, GREEN, BLUE, YELLOW])


@pytest.mark.parametrize(
    ("kind", "options", "tolerance"),
    [
        ("JPEG", {"quality": 95, "subsampling": 0}, 4),
        ("PNG", {}, 0),
        ("WebP", {"quality": 95}, 10),
        ("WebP", {"lossless": True}, 0),
        ("BMP", {}, 0),
        ("TIFF", {}, 0),
        ("TIFF", {"compression": "tiff_lzw"}, 0),
        ("GIF", {}, 4),
        ("PPM", {}, 0),
        ("HEIF", {"quality": 95}, 6),
        ("AVIF", {"quality": 95}, 6),
    ],
)
def test_every_format_gives_back_its_colours(kind, options, tolerance):
    picture = read_image(encoded(quadrants(), kind, **options))
    assert picture.shape == (48, 64, 3)
    assert picture.dtype == np.uint8
    assert np.abs(centres(picture).astype(int) - UPRIGHT).max() <= tolerance


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WebP", "TIFF", "HEIF", "AVIF"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_every_exif_orientation_comes_out_upright_once(kind, orientation):
    stored = {
        1: lambda a: a,
        2: np.fliplr,
        3: lambda a: np.rot90(a, 2),
        4: np.flipud,
        5: lambda a: a.transpose(1, 0, 2),
        6: np.rot90,
        7: lambda a: np.rot90(a, 2).transpose(1, 0, 2),
        8: lambda a: np.rot90(a, -1),
    }[orientation](quadrants())
    exif = Image.Exif()
    exif[0x0112] = orientation
    image = Image.fromarray(np.ascontiguousarray(stored))
    image.info["exif"] = exif.tobytes()  # where HEIC's writer looks
    options = {} if kind == "HEIF" else {"exif": exif}
    picture = read_image(encoded(image, kind, quality=95, **options))
    assert picture.shape == (48, 64, 3)
    assert np.abs(centres(picture).astype(int) - UPRIGHT).max() <= 12


def test_heic_obeys_its_rotation_box_and_not_its_exif():
    exif = Image.Exif()
    exif[0x0112] = 6
    data = encoded(quadrants(), "HEIF", exif=exif)  # EXIF alone, no rotation box
    assert read_image(data).shape == (48, 64, 3)


@pytest.mark.parametrize("kind", ["PNG", "TIFF"])
def test_sixteen_bit_grey_is_divided_by_257_and_rounded(kind):
    values = np.arange(65536, dtype=np.uint16).reshape(256, 256)
    picture = read_image(encoded(values, kind))
    expected = np.rint(np.arange(65536) / 257).astype(np.uint8).reshape(256, 256)
    assert np.array_equal(picture, np.repeat(expected[..., None], 3, axis=2))


def test_sixteen_bit_colour_png_is_at_most_a_level_off():
    values = np.arange(0, 65536, 7)[:9000].reshape(60, 50, 3)
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in values)
    picture = read_image(_png(50, 60, rows, depth=16, colour=2))
    assert np.abs(picture - values / 257).max() <= 1


@pytest.mark.parametrize(("dtype", "top"), [("float32", 1.0), ("float32", 255), ("int32", 65535)])
def test_float_and_int32_tiffs_are_scaled_by_their_range(dtype, top):
    values = (np.linspace(0, 1, 256).reshape(16, 16) * top).astype(dtype)
    picture = read_image(encoded(values, "TIFF"))
    assert np.array_equal(picture[..., 0], np.arange(256).reshape(16, 16))


def test_full_range_int32_tiff():
    values = np.array([[0, 2**30, 2**31 - 1, -5]], np.int32)
    assert read_image(encoded(values, "TIFF"))[0, :, 0].tolist() == [0, 128, 255, 0]


@pytest.mark.parametrize(("value", "words"), [(np.nan, "NaN"), (1e6, "reach 1e\\+06")])
def test_float_tiff_without_meaning_is_refused(value, words):
    with pytest.raises(MediaError, match=words):
        read_image(encoded(np.array([[0.5, value]], np.float32), "TIFF"))


@pytest.mark.parametrize("kind", ["JPEG", "TIFF"])
def test_cmyk(kind):
    image = Image.new("CMYK", (16, 16), (0, 255, 255, 0))
    picture = read_image(encoded(image, kind))
    assert np.abs(picture[8, 8].astype(int) - (255, 0, 0)).max() <= 4


@pytest.mark.parametrize(
    ("image", "expected"),
    [
        (Image.new("L", (8, 8), 77), (77, 77, 77)),
        (Image.new("1", (8, 8), 1), (255, 255, 255)),
        (Image.new("LA", (8, 8), (255, 0)), (127, 127, 127)),
        (Image.new("LA", (8, 8), (200, 255)), (200, 200, 200)),
        (Image.new("RGBA", (8, 8), (255, 0, 0, 0)), (127, 127, 127)),
        (Image.new("RGBA", (8, 8), (255, 0, 127, 128)), (191, 63, 127)),
        (Image.new("RGB", (8, 8), RED).quantize(4), RED),
    ],
)
def test_modes(image, expected):
    assert read_image(encoded(image, "PNG"))[4, 4].tolist() == list(expected)


def test_palette_with_transparency_lies_over_grey():
    image = Image.new("P", (4, 1))
    image.putpalette([*RED, *GREEN, *BLUE])
    image.putdata([0, 1, 2, 0])
    picture = read_image(encoded(image, "PNG", transparency=b"\xff\x00\xff"))
    assert picture[0].tolist() == [list(RED), [127] * 3, list(BLUE), list(RED)]


def test_gif_gives_its_first_frame():
    frames = [Image.new("RGB", (16, 16), colour) for colour in (RED, GREEN, BLUE)]
    data = encoded(frames[0], "GIF", save_all=True, append_images=frames[1:], duration=40)
    assert np.abs(read_image(data)[8, 8].astype(int) - RED).max() <= 4


def _swapped_profile():
    """An sRGB profile whose red and green primaries changed places; its name does not say sRGB."""
    data = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    data = data.replace(b"rXYZ", b"tXYZ").replace(b"gXYZ", b"rXYZ").replace(b"tXYZ", b"gXYZ")
    return data.replace("sRGB".encode("utf-16-be"), "test".encode("utf-16-be"))


@pytest.mark.parametrize("mode", ["RGB", "RGBA"])
def test_an_embedded_profile_is_converted_to_srgb(mode):
    image = Image.fromarray(quadrants()).convert(mode)
    picture = read_image(encoded(image, "PNG", icc_profile=_swapped_profile()))
    assert np.abs(picture[2, 2].astype(int) - (RED[1], RED[0], RED[2])).max() <= 2


@pytest.mark.parametrize("profile", [b"not a profile", b"\0" * 200])
def test_a_broken_profile_leaves_the_colours(profile):
    picture = read_image(encoded(quadrants(), "PNG", icc_profile=profile))
    assert np.array_equal(picture, quadrants())


def test_an_srgb_profile_changes_nothing():
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    picture = read_image(encoded(quadrants(), "PNG", icc_profile=profile))
    assert np.array_equal(picture, quadrants())


def test_broken_exif_is_no_reason_to_refuse_a_picture():
    data = encoded(quadrants(), "JPEG", exif=b"Exif\0\0II*\0\x08\0\0\0\xff\xff\x12\x01garbage")
    assert read_image(data).shape == (48, 64, 3)


def _chunk(name, body):
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))


def _png(width, height, rows, depth=8, colour=2):
    header = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)
    body = _chunk(b"IHDR", header) + _chunk(b"IDAT", zlib.compress(rows)) + _chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + body


def test_a_decompression_bomb_is_refused_from_its_header():
    with pytest.raises(MediaError, match="30000x30000 = 900 megapixels; the limit is 80"):
        read_image(_png(30000, 30000, b"\0"))


def test_limits_can_be_moved(tmp_path):
    data = encoded(quadrants(), "PNG")
    with pytest.raises(MediaError, match=r"64x48 = 0 megapixels; the limit is 0\.001"):
        read_image(data, ImageLimits(max_pixels=1000))
    path = tmp_path / "big.png"
    path.write_bytes(data)
    for source in (path, data, io.BytesIO(data)):
        with pytest.raises(MediaError, match="larger than 5e-05 MB"):
            read_image(source, ImageLimits(max_bytes=50))


def test_a_large_picture_within_the_limit_reads_without_a_warning():
    picture = read_image(_png(8_000, 9_001, bytes(9_001 * 1_001), depth=1, colour=0))
    assert picture.shape == (9_001, 8_000, 3)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WebP", "BMP", "TIFF", "GIF", "HEIF", "AVIF"])
def test_truncated_files_are_refused_by_name(kind, tmp_path):
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8)
    data = encoded(noise, kind)
    path = tmp_path / "half.img"
    path.write_bytes(data[: len(data) // 2])
    with pytest.raises(MediaError, match=r"half\.img is not a whole"):
        read_image(path)


@pytest.mark.parametrize(
    ("content", "words"), [(b"", "is empty"), (b"Dear diary, ", "not a picture: it begins with")]
)
def test_empty_and_text_files_are_refused(content, words, tmp_path):
    path = tmp_path / "face.jpg"
    path.write_bytes(content)
    with pytest.raises(MediaError, match=words) as caught:
        read_image(path)
    assert str(path) in str(caught.value)


def test_missing_files_and_folders_are_refused(tmp_path):
    with pytest.raises(MediaError, match="There is no file"):
        read_image(tmp_path / "none.png")
    with pytest.raises(MediaError, match="cannot be read"):
        read_image(tmp_path)


def test_one_pixel_and_odd_names_are_readable(tmp_path):
    path = tmp_path / "Ünï 顔 photo.png"
    path.write_bytes(encoded(np.full((1, 1, 3), 9, np.uint8), "PNG"))
    assert read_image(path).tolist() == [[[9, 9, 9]]]


def test_open_files_are_read_and_text_files_refused(tmp_path):
    assert read_image(io.BytesIO(encoded(quadrants(), "PNG"))).shape == (48, 64, 3)
    with pytest.raises(MediaError, match="open as text"):
        read_image(io.StringIO("text"))


def test_a_stream_that_gives_little_at_a_time_is_read_to_its_end():
    class Pipe(io.RawIOBase):
        rest = encoded(quadrants(), "PNG")

        def readable(self):
            return True

        def readinto(self, room):
            part, self.rest = self.rest[:7], self.rest[7:]
            room[: len(part)] = part
            return len(part)

    assert np.array_equal(read_image(Pipe()), read_image(Pipe.rest))
    with pytest.raises(MediaError, match="larger than 5e-05 MB"):
        read_image(Pipe(), ImageLimits(max_bytes=50))


def test_a_small_picture_takes_little_memory(tmp_path):
    path = tmp_path / "small.png"
    path.write_bytes(encoded(quadrants(), "PNG"))
    read_image(path)
    tracemalloc.start()
    read_image(path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 4 * 2**20, "the limit of 200 MB is not set aside for each file"


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_damaged_files_give_a_picture_or_a_media_error(data):
    """No flipped byte may raise anything else, nor let a warning out."""
    kind = data.draw(st.sampled_from(["JPEG", "PNG", "WebP", "BMP", "TIFF", "GIF", "AVIF"]))
    exif = Image.Exif()
    exif[0x0112] = 6
    content = bytearray(encoded(quadrants(16, 12), kind, exif=exif))
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    try:
        picture = read_image(bytes(content), ImageLimits(max_pixels=10**6))
    except MediaError:
        return
    assert picture.dtype == np.uint8
    assert picture.ndim == 3
    assert picture.shape[2] == 3


def test_warnings_are_silenced_in_the_reading_thread_only():
    from despoof.media.quiet import quiet

    seen, inside, done = [], threading.Event(), threading.Event()

    def reader():
        with quiet():
            inside.set()
            done.wait(5)
            try:
                warnings.warn("from the reader", UserWarning, stacklevel=1)
            except UserWarning as warning:
                seen.append(warning)

    thread = threading.Thread(target=reader)
    thread.start()
    inside.wait(5)
    with pytest.warns(UserWarning, match="from elsewhere"):
        warnings.warn("from elsewhere", UserWarning, stacklevel=1)
    done.set()
    thread.join()
    assert seen == []
    with pytest.raises(UserWarning, match="afterwards"):
        warnings.warn("afterwards", UserWarning, stacklevel=1)
