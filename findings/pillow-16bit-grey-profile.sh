#!/usr/bin/env bash
# Pillow's ImageCms: a 16-bit grey picture with a linear profile loses its dark, unless the transform is told not to optimise.
#
# Seen with: pillow 13.0.0 (its wheel's LittleCMS), numpy 2.4.6, CPython 3.11, Linux.
# Expected:  a transform from a linear 16-bit grey profile to sRGB is within about a level of the sRGB curve everywhere; a 16-bit picture is chosen for that.
# Happens:   with the default flags the engine replaces the curve by a few interpolated points, and values of 0 to 2000 (of 65535) come out up to 10 levels
#            of 255 off. With Flags.NOOPTIMIZE they are within 1 level. No warning, no error. A face in the dark then has another texture.
# Exits 0 while this is so; 1 if it has changed.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check pillow==13.0.0 numpy==2.4.6
"$folder/venv/bin/python" - <<'PYTHON'
import io
import struct
import sys

import numpy as np
import PIL
from PIL import Image, ImageCms

D50 = (0.9642, 1.0, 0.8249)


def fixed(values):
    return b"XYZ \0\0\0\0" + struct.pack(">3i", *(round(v * 65536) for v in values))


def linear_grey():
    """An ICC version 2 profile: grey, gamma 1."""
    name = b"linear grey\0"
    tags = {
        b"desc": b"desc\0\0\0\0" + struct.pack(">I", len(name)) + name + bytes(79),
        b"cprt": b"text\0\0\0\0none\0",
        b"wtpt": fixed(D50),
        b"kTRC": b"curv\0\0\0\0" + struct.pack(">I", 0),  # no points: the identity
    }
    at, index, body = 132 + 12 * len(tags), b"", b""
    for key, value in tags.items():
        index += key + struct.pack(">II", at + len(body), len(value))
        body += value + bytes(-len(value) % 4)
    head = struct.pack(">I4sI4s4s4s", at + len(body), b"lcms", 0x02400000, b"mntr", b"GRAY", b"XYZ ")
    head += bytes(12) + b"acsp" + bytes(28) + struct.pack(">3i", *(round(v * 65536) for v in D50))
    return head + bytes(128 - len(head)) + struct.pack(">I", len(tags)) + index + body


codes = np.arange(0, 2000, dtype=np.uint16).reshape(20, 100)
light = codes / 65535
truth = 255 * np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055)


def error(**more):
    transform = ImageCms.buildTransform(
        ImageCms.ImageCmsProfile(io.BytesIO(linear_grey())), ImageCms.createProfile("sRGB"), "I;16", "RGB", **more
    )
    return float(np.abs(np.asarray(transform.apply(Image.fromarray(codes)))[..., 1] - truth).max())


plain, exact = error(), error(flags=ImageCms.Flags.NOOPTIMIZE)
print(f"pillow {PIL.__version__}, LittleCMS {ImageCms.core.littlecms_version}: largest error in the dark")
print(f"  default flags: {plain:.1f} of 255 levels; NOOPTIMIZE: {exact:.1f}")
sys.exit(0 if plain > 5 and exact < 1.5 else 1)
PYTHON
