"""From coded colour (HLG, PQ; BT.2020, Display P3) to sRGB: transfer, primaries, then sRGB.

Codes are those of ITU-T H.273, which films, HEIC, AVIF and PNG share. What lies within the gamut
and the brightness of SDR comes out as if it had been recorded so; what lies beyond is cut off. Both
curves are brought to SDR by ITU-R BT.2408: diffuse white is 203 cd/m², and HLG is shown on a
display of 1000 cd/m², for which its system gamma is 1.2 (BT.2100).
"""

from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from despoof.core.errors import MediaError
from despoof.core.types import Image
from despoof.media.limits import strips

UNSPECIFIED = (0, 2, 3)  # "reserved", too
PQ, HLG = 16, 18
BT709, BT2020, P3 = 1, 9, 12

WHITE = 203.0
"""cd/m² of a white sheet in HDR (BT.2408); SDR's white."""
_HLG_PEAK, _HLG_GAMMA, _PQ_PEAK = 1000.0, 1.2, 10_000.0

# Curves that SDR is recorded with. They differ by little, and players show them all alike.
_SDR = {1: "BT.709", 4: "gamma 2.2", 5: "gamma 2.8", 6: "BT.601", 7: "SMPTE 240M"} | {
    11: "xvYCC",
    12: "BT.1361",
    13: "sRGB",
    14: "BT.2020",
    15: "BT.2020",
}
_NAMES = {PQ: "PQ", HLG: "HLG"}
_PRIMARIES = {BT2020: "BT.2020", P3: "Display P3"}

# Chromaticities of red, green, blue (CIE x, y); the white of all is D65.
_RGB = {
    BT709: ((0.64, 0.33), (0.30, 0.60), (0.15, 0.06)),
    BT2020: ((0.708, 0.292), (0.170, 0.797), (0.131, 0.046)),
    P3: ((0.680, 0.320), (0.265, 0.690), (0.150, 0.060)),
}
_D65 = (0.3127, 0.3290)


@dataclass(frozen=True)
class Coding:
    """How a picture's colours are coded.

    Attributes:
        transfer: H.273 TransferCharacteristics; 2 = not said.
        primaries: H.273 ColourPrimaries; 2 = not said.
    """

    transfer: int = 2
    primaries: int = 2

    @property
    def hdr(self) -> bool:
        """Whether its curve reaches beyond SDR."""
        return self.transfer in (PQ, HLG)

    @property
    def gamut(self) -> int:
        """The primaries that are taken: BT.2020's, where HDR does not say; else BT.709's."""
        if self.primaries in _RGB:
            return self.primaries
        return BT2020 if self.hdr and self.primaries in UNSPECIFIED else BT709

    @property
    def done(self) -> str:
        """What `to_srgb` does, in words; "" for nothing.

        >>> Coding(HLG, BT2020).done, Coding(1, 1).done
        ('HLG, BT.2020 to sRGB', '')
        """
        names = [_NAMES.get(self.transfer, ""), _PRIMARIES.get(self.gamut, "")]
        if self.hdr and self.primaries in UNSPECIFIED:
            names[1] += " (assumed)"
        words = ", ".join(filter(None, names))
        return f"{words} to sRGB" if words else ""


def check_coding(coding: Coding, name: str) -> None:
    """Refuse a curve that cannot be brought to SDR.

    Raises:
        MediaError: linear, logarithmic or digital cinema.
    """
    if coding.transfer not in (*_SDR, *_NAMES, *UNSPECIFIED):
        raise MediaError(
            f"{name}: its transfer characteristic {coding.transfer} (H.273) is not known here. "
            "Expected SDR, HLG or PQ; export it as SDR (BT.709)."
        )


def to_srgb(codes: NDArray[np.uint8] | NDArray[np.uint16], coding: Coding) -> Image:
    """Bring a coded picture to sRGB.

    Args:
        codes: (H, W, 3) R'G'B' over the full range of its type.
        coding: how they are coded.

    Returns:
        (H, W, 3) uint8.
    """
    pixels = np.empty(codes.shape, np.uint8)
    for top, end in strips(*codes.shape[:2]):
        pixels[top:end] = _levels(codes[top:end], coding)
    return pixels


def _levels(codes: NDArray[np.uint8] | NDArray[np.uint16], coding: Coding) -> Image:
    light = _curve(coding.transfer, codes.dtype.itemsize)[codes]
    if coding.transfer == HLG:
        # The display's gamma acts on the luminance alone, so that hues stay.
        luma = light @ np.array([0.2627, 0.6780, 0.0593], np.float32)
        light *= (np.maximum(luma, 1e-9) ** (_HLG_GAMMA - 1))[..., None] * (_HLG_PEAK / WHITE)
    if coding.gamut != BT709:
        light = light @ _to_bt709(coding.gamut).T
    steps = np.clip(light * 65535 + 0.5, 0, 65535).astype(np.uint16)
    return _srgb_levels()[steps]


@cache
def _curve(transfer: int, size: int) -> NDArray[np.float32]:
    """Return light for each code: 1 is SDR's white; of HLG the scene's, 1 at its peak."""
    top = 256**size - 1
    code = np.arange(top + 1) / top
    if transfer == HLG:
        a, b, c = 0.17883277, 0.28466892, 0.55991073
        light: NDArray[Any] = np.where(code <= 0.5, code**2 / 3, (np.exp((code - c) / a) + b) / 12)
    elif transfer == PQ:
        m1, m2 = 2610 / 16384, 2523 / 32
        c1, c2, c3 = 3424 / 4096, 2413 / 128, 2392 / 128
        root = code ** (1 / m2)
        light = (np.maximum(root - c1, 0) / (c2 - c3 * root)) ** (1 / m1) * (_PQ_PEAK / WHITE)
    else:
        light = np.where(code <= 0.04045, code / 12.92, ((code + 0.055) / 1.055) ** 2.4)
    return light.astype(np.float32)


@cache
def _srgb_levels() -> NDArray[np.uint8]:
    light = np.arange(65536) / 65535
    code = np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055)
    return np.rint(code * 255).astype(np.uint8)


@cache
def _to_bt709(primaries: int) -> NDArray[np.float32]:
    return (np.linalg.inv(_to_xyz(BT709)) @ _to_xyz(primaries)).astype(np.float32)


def _to_xyz(primaries: int) -> NDArray[np.float64]:
    columns = np.array([(x / y, 1, (1 - x - y) / y) for x, y in _RGB[primaries]]).T
    x, y = _D65
    return columns * np.linalg.solve(columns, np.array([x / y, 1, (1 - x - y) / y]))
