"""A colour profile is judged by what it does, for every kind of picture that can carry one."""

import struct

import numpy as np
import pytest
from PIL import Image

from despoof.media import read_frames, read_image
from media.media_samples import encoded, quadrants

SRGB_XYZ = {  # adapted to D50 (ICC's sRGB profile)
    b"rXYZ": (0.4361, 0.2225, 0.0139),
    b"gXYZ": (0.3851, 0.7169, 0.0971),
    b"bXYZ": (0.1431, 0.0606, 0.7141),
}
D50 = (0.9642, 1.0, 0.8249)


def _xyz(values):
    return b"XYZ \0\0\0\0" + struct.pack(">3i", *(round(v * 65536) for v in values))


def _curve(gamma):
    """A gamma; with None the curve of sRGB as a table."""
    if gamma is not None:
        return b"curv\0\0\0\0" + struct.pack(">IHH", 1, round(gamma * 256), 0)
    code = np.arange(1024) / 1023
    light = np.where(code <= 0.04045, code / 12.92, ((code + 0.055) / 1.055) ** 2.4)
    return b"curv\0\0\0\0" + struct.pack(">I1024H", 1024, *np.rint(light * 65535).astype(int))


def profile(gamma, name, grey=False):
    """A version 2 profile of sRGB's primaries (or grey) and a gamma, under any name."""
    text = name.encode() + b"\0"
    about = b"desc\0\0\0\0" + struct.pack(">I", len(text)) + text + bytes(79)
    tags = {b"desc": about, b"cprt": b"text\0\0\0\0none\0", b"wtpt": _xyz(D50)}
    if grey:
        tags[b"kTRC"] = _curve(gamma)
    else:
        tags |= {key: _xyz(values) for key, values in SRGB_XYZ.items()}
        tags |= {key: _curve(gamma) for key in (b"rTRC", b"gTRC", b"bTRC")}
    at, index, body = 132 + 12 * len(tags), b"", b""
    for key, value in tags.items():
        index += key + struct.pack(">II", at + len(body), len(value))
        body += value + bytes(-len(value) % 4)
    kind = b"GRAY" if grey else b"RGB "
    head = struct.pack(">I4sI4s4s4s", at + len(body), b"lcms", 0x02400000, b"mntr", kind, b"XYZ ")
    head += bytes(12) + b"acsp" + bytes(28) + struct.pack(">3i", *(round(v * 65536) for v in D50))
    return head + bytes(128 - len(head)) + struct.pack(">I", len(tags)) + index + body


def shown(codes, gamma, top):
    """What codes of a gamma are in sRGB (IEC 61966-2-1), levels."""
    light = (np.asarray(codes) / top) ** gamma
    return 255 * np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055)


@pytest.mark.parametrize("gamma", [1.0, 1.8, 2.6])
def test_the_name_of_a_profile_decides_nothing(gamma):
    found = [
        read_image(encoded(quadrants(), "PNG", icc_profile=profile(gamma, name)))
        for name in ("Linear RGB", "sRGB", "sRGB IEC61966-2.1", "Display P3")
    ]
    assert all(np.array_equal(one, found[0]) for one in found)
    assert np.abs(found[0] - shown(quadrants(), gamma, 255)).max() <= 1.5


def test_what_does_as_srgb_does_changes_nothing_whatever_it_is_called():
    data = encoded(quadrants(), "PNG", icc_profile=profile(None, "Linear RGB"))
    assert np.array_equal(read_image(data), quadrants())


RAMP = np.tile(np.arange(256, dtype=np.uint8), (4, 1))


def _grey(kind):
    if kind == "L":
        return Image.fromarray(RAMP), {}
    if kind == "LA":
        return Image.merge("LA", [Image.fromarray(RAMP), Image.new("L", (256, 4), 255)]), {}
    if kind == "L with a transparent level":
        return Image.fromarray(RAMP), {"transparency": 0}
    return Image.fromarray(RAMP.astype(np.uint16) * 257), {}


@pytest.mark.parametrize("gamma", [1.0, 1.8])
@pytest.mark.parametrize("kind", ["L", "LA", "L with a transparent level", "16 bits"])
def test_grey_profiles_are_applied_to_every_kind_of_grey(kind, gamma):
    image, options = _grey(kind)
    data = encoded(image, "PNG", icc_profile=profile(gamma, "Gray", grey=True), **options)
    expected = shown(np.arange(256), gamma, 255)
    for picture in (read_image(data), read_frames(data)[0].image):
        row = picture[1].astype(float)
        assert np.abs(row[1:] - expected[1:, None]).max() <= 1
        assert row[0].max() == (127 if "transparent" in kind else 0)


def test_16_bits_keep_the_dark_of_a_linear_profile():
    values = np.arange(0, 2000, 2, dtype=np.uint16).reshape(10, 100)
    data = encoded(values, "PNG", icc_profile=profile(1.0, "Gray", grey=True))
    assert np.abs(read_image(data)[..., 0] - shown(values, 1.0, 65535)).max() <= 1
    tiff = encoded(Image.fromarray(values), "TIFF", icc_profile=profile(1.0, "G", grey=True))
    assert np.array_equal(read_image(tiff), read_image(data))


def test_transparent_colours_are_converted_and_laid_over_grey():
    image = Image.fromarray(quadrants()).convert("RGBA")
    image.putalpha(
        Image.fromarray(np.where(np.arange(64) < 32, 255, 0).astype(np.uint8)[None].repeat(48, 0))
    )
    picture = read_image(encoded(image, "PNG", icc_profile=profile(1.0, "x")))
    assert np.abs(picture[:, :32] - shown(quadrants()[:, :32], 1.0, 255)).max() <= 1.5
    assert (picture[:, 32:] == 127).all()


def test_a_profile_for_another_kind_of_picture_is_passed_over():
    data = encoded(quadrants(), "PNG", icc_profile=profile(1.0, "Gray", grey=True))
    assert np.array_equal(read_image(data), quadrants())
    data = encoded(Image.fromarray(RAMP), "PNG", icc_profile=profile(1.0, "RGB"))
    assert np.array_equal(read_image(data)[..., 0], RAMP)
