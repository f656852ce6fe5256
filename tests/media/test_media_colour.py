"""HDR and wide gamuts come out as the same content recorded in SDR; what was done is said."""

import struct
import zlib

import av
import numpy as np
import pytest
from PIL import Image
from pillow_heif import register_heif_opener
from skimage.data import astronaut

from despoof.core.errors import MediaError
from despoof.media import read_frames, read_image, read_video
from despoof.media.transfer import Coding, to_srgb
from media.media_samples import encoded

register_heif_opener()
PQ, HLG = 16, 18
BT2020 = np.array(
    [[0.636958, 0.144617, 0.168881], [0.262700, 0.677998, 0.059302], [0, 0.028073, 1.060985]]
)
BT709 = np.array(
    [[0.412391, 0.357584, 0.180481], [0.212639, 0.715169, 0.072192], [0.019331, 0.119195, 0.950532]]
)
P3 = np.array(
    [[0.486571, 0.265668, 0.198217], [0.228975, 0.691739, 0.079287], [0, 0.045113, 1.043944]]
)


def light(picture):
    """sRGB levels to light, 1 = white (IEC 61966-2-1)."""
    code = picture / 255
    return np.where(code <= 0.04045, code / 12.92, ((code + 0.055) / 1.055) ** 2.4)


def srgb(linear):
    linear = np.clip(linear, 0, 1)
    return np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)


def recorded(picture, transfer, primaries=BT2020):
    """Code an SDR picture as HLG or PQ (the equations of BT.2100, forwards; white = 203 cd/m²)."""
    wide = np.clip(light(picture) @ (np.linalg.inv(primaries) @ BT709).T, 0, None)
    if transfer == PQ:
        y = (wide * 203 / 10000) ** 0.1593017578125
        return ((0.8359375 + 18.8515625 * y) / (1 + 18.6875 * y)) ** 78.84375
    if transfer != HLG:
        return srgb(wide)
    shown = wide * 203 / 1000
    luma = shown @ [0.2627, 0.6780, 0.0593]
    scene = shown * np.maximum(luma, 1e-12)[..., None] ** ((1 - 1.2) / 1.2)
    a = 0.17883277
    high = a * np.log(np.maximum(12 * scene - (1 - 4 * a), 1e-9)) + 0.5 - a * np.log(4 * a)
    return np.where(scene <= 1 / 12, np.sqrt(3 * scene), high)


def ycbcr(codes, kr, kb):
    """R'G'B' in [0, 1] to 10-bit Y'CbCr of limited range."""
    y = codes @ [kr, 1 - kr - kb, kb]
    cb, cr = (codes[..., 2] - y) / (2 - 2 * kb), (codes[..., 0] - y) / (2 - 2 * kr)
    planes = np.stack([64 + 876 * y, 512 + 896 * cb, 512 + 896 * cr])
    return np.rint(planes).astype(np.uint16)


def film(path, planes, codec="libx265", pixels="yuv420p10le", **tags):
    """Write (3, H, W) 10-bit Y'CbCr as a film of four frames, with tags (H.273)."""
    options = {"crf": "4", "x265-params": "log-level=none"} if codec == "libx265" else {}
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=25, options=options)
        stream.width, stream.height, stream.pix_fmt = planes.shape[2], planes.shape[1], pixels
        for name, value in tags.items():
            setattr(stream.codec_context, name, value)
        for _ in range(4):
            high = np.ascontiguousarray(np.moveaxis(planes << 6, 0, -1))
            frame = av.VideoFrame.from_ndarray(high, format="yuv444p16le").reformat(format=pixels)
            for name, value in tags.items():
                setattr(frame, name, value)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


@pytest.fixture(scope="module")
def portrait():
    face = Image.fromarray(astronaut()).resize((256, 256), Image.Resampling.LANCZOS)
    return np.asarray(face)


@pytest.mark.parametrize(("transfer", "word"), [(HLG, "HLG"), (PQ, "PQ")])
@pytest.mark.parametrize("suffix", ["mp4", "mkv"])
def test_hdr_films_come_out_as_the_same_film_in_sdr(portrait, transfer, word, suffix, tmp_path):
    tags = {"color_trc": transfer, "color_primaries": 9, "colorspace": 9, "color_range": 1}
    planes = ycbcr(recorded(portrait, transfer), 0.2627, 0.0593)
    hdr = read_video(film(tmp_path / f"hdr.{suffix}", planes, **tags), count=1)[0]
    tags = {"color_trc": 1, "color_primaries": 1, "colorspace": 1, "color_range": 1}
    planes = ycbcr(portrait / 255, 0.2126, 0.0722)
    sdr = read_video(film(tmp_path / f"sdr.{suffix}", planes, **tags), count=1)[0]
    difference = hdr.image.astype(int) - sdr.image
    assert np.abs(difference).mean() < 3
    assert np.abs(difference.mean(axis=(0, 1))).max() < 2
    assert np.abs(sdr.image.astype(int) - portrait).mean() < 3
    assert hdr.colour == f"{word}, BT.2020 to sRGB"
    assert sdr.colour == ""


def test_the_levels_are_those_of_bt_2408():
    """Its table 1: white at 75 % HLG and 58 % PQ; the 18 % grey card, 26 cd/m², at 38 % of both."""
    for transfer, code, level in (
        (HLG, 0.75, 255),
        (PQ, 0.58, 255),
        (HLG, 0.38, 100),
        (PQ, 0.38, 100),
    ):
        grey = np.full((1, 1, 3), round(code * 65535), np.uint16)
        assert np.abs(to_srgb(grey, Coding(transfer, 9)).astype(int) - level).max() <= 3


@pytest.mark.parametrize("transfer", [HLG, PQ, 13])
@pytest.mark.parametrize(("code", "primaries"), [(9, BT2020), (12, P3), (1, BT709)])
def test_every_colour_of_srgb_comes_back(transfer, code, primaries):
    steps = np.arange(0, 256, 15, dtype=np.uint8)
    cube = np.stack(np.meshgrid(steps, steps, steps), axis=-1).reshape(18 * 18, 18, 3)
    codes = np.rint(recorded(cube, transfer, primaries) * 65535).astype(np.uint16)
    assert np.abs(to_srgb(codes, Coding(transfer, code)).astype(int) - cube).max() <= 1


def test_highlights_are_cut_off_and_do_not_wrap():
    top = np.array([[[65535, 65535, 65535], [65535, 0, 0], [0, 0, 0]]], np.uint16)
    for transfer in (HLG, PQ):
        shown = to_srgb(top, Coding(transfer, 9))[0]
        assert shown[0].tolist() == [255] * 3 and shown[2].tolist() == [0] * 3
        assert shown[1, 0] == 255 and shown[1, 1:].max() == 0


@pytest.mark.parametrize(
    ("size", "kr", "kb", "words"),
    [((128, 96), 0.299, 0.114, "BT.601"), ((1280, 96), 0.2126, 0.0722, "BT.709")],
)
def test_a_film_without_tags_says_what_is_assumed(size, kr, kb, words, tmp_path):
    colours = np.array([(200, 40, 30), (30, 180, 60), (40, 60, 210), (220, 200, 40)], np.uint8)
    width, height = size
    stripes = np.repeat(np.repeat(colours[None], height, 0), width // 4, 1)
    path = film(tmp_path / "bare.mkv", ycbcr(stripes / 255, kr, kb), "ffv1", "yuv444p10le")
    (frame,) = read_video(path, count=1)
    assert frame.colour == f"no colour matrix given: {words} assumed"
    assert np.abs(frame.image.astype(int) - stripes).max() <= 2


def test_tags_go_before_the_size(tmp_path, portrait):
    path = film(
        tmp_path / "t.mkv",
        ycbcr(portrait / 255, 0.2126, 0.0722),
        "ffv1",
        "yuv444p10le",
        colorspace=1,
    )
    (frame,) = read_video(path, count=1)
    assert np.abs(frame.image.astype(int) - portrait).max() <= 2 and frame.colour == ""


def test_a_curve_or_a_matrix_that_is_not_known_is_refused(tmp_path, portrait):
    planes = ycbcr(portrait / 255, 0.2126, 0.0722)
    for tags, words in (
        ({"color_trc": 8}, "transfer characteristic 8"),
        ({"colorspace": 14}, "matrix 14"),
    ):
        path = film(tmp_path / "odd.mkv", planes, "ffv1", "yuv444p10le", **tags)
        with pytest.raises(MediaError, match=words):
            read_video(path)


@pytest.mark.parametrize("transfer", [HLG, PQ])
def test_heic_says_how_it_is_coded(portrait, transfer):
    codes = Image.fromarray(np.rint(recorded(portrait, transfer) * 255).astype(np.uint8))
    data = encoded(
        codes,
        "HEIF",
        quality=100,
        chroma=444,
        color_primaries=9,
        transfer_characteristics=transfer,
        matrix_coefficients=9,
        full_range_flag=1,
    )
    (frame,) = read_frames(data)
    assert np.abs(frame.image.astype(int) - portrait).mean() < 3
    assert frame.colour.endswith("BT.2020 to sRGB")
    plain = read_frames(encoded(Image.fromarray(portrait), "HEIF", quality=100))[0]
    assert plain.colour == "" and np.abs(plain.image.astype(int) - portrait).mean() < 3


def _with_coding(avif, primaries, transfer):
    """Change the nclx box of an AVIF file."""
    at = avif.index(b"colrnclx") + 8
    return avif[:at] + struct.pack(">HH", primaries, transfer) + avif[at + 4 :]


def test_avif_and_png_say_how_they_are_coded(portrait):
    codes = Image.fromarray(np.rint(recorded(portrait, HLG) * 255).astype(np.uint8))
    avif = _with_coding(encoded(codes, "AVIF", quality=100, subsampling="4:4:4"), 9, HLG)
    png = encoded(codes, "PNG")
    body = b"cICP" + bytes([9, HLG, 0, 1])
    at = png.index(b"IDAT") - 4
    chunk = struct.pack(">I", 4) + body + struct.pack(">I", zlib.crc32(body))
    for data in (avif, png[:at] + chunk + png[at:]):
        (frame,) = read_frames(data)
        assert frame.colour == "HLG, BT.2020 to sRGB"
        assert np.abs(frame.image.astype(int) - portrait).mean() < 3
        assert np.array_equal(read_image(data), frame.image)


def test_the_verdict_and_its_json_say_what_was_converted():
    from despoof.cli.judging import Answer
    from despoof.core.types import Frame
    from despoof.core.verdicts import undecided, whole_clip

    frames = [
        Frame(np.zeros((4, 4, 3), np.uint8), "a.mp4", i, i / 2, "HLG, BT.2020 to sRGB")
        for i in (0, 1)
    ]
    whole = whole_clip([undecided(frame, 0.5, "no face found") for frame in frames])
    assert Answer(whole).plain()["colour"] == "HLG, BT.2020 to sRGB"
    assert "colour" not in Answer(undecided(Frame(frames[0].image, "a.png"), 0.5, "none")).plain()
