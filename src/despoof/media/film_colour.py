"""The colours of a decoded video frame: what its tags say, what is assumed, and sRGB out of it."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from despoof.core.errors import MediaError
from despoof.core.types import Image
from despoof.media.transfer import BT2020, UNSPECIFIED, Coding, check_coding, to_srgb

if TYPE_CHECKING:
    from av.video.frame import VideoFrame

# H.273 MatrixCoefficients that swscale knows, and its own numbers for those that are assumed.
_MATRICES = (0, 1, 4, 5, 6, 7, 9)
_SWS = {"BT.601": 5, "BT.709": 1, "BT.2020": 9}


@dataclass(frozen=True)
class FilmColour:
    """How a frame's colours are read.

    Attributes:
        coding: transfer and primaries.
        assumed: the matrix from YCbCr to RGB that is taken where none is given; "" = as tagged.
    """

    coding: Coding
    assumed: str

    @property
    def note(self) -> str:
        """What was done and assumed, in words; "" for a tagged SDR film."""
        words = [self.coding.done]
        if self.assumed:
            words.append(f"no colour matrix given: {self.assumed} assumed")
        return "; ".join(filter(None, words))


def colour_of(frame: "VideoFrame", name: str) -> FilmColour:
    """Read a frame's colour tags.

    A film without a matrix is taken for BT.2020 if its transfer or primaries are of HDR, for BT.709
    if it is HD (from 1280 wide or above 576 high, as stored), else for BT.601: as players do.

    Raises:
        MediaError: a matrix (such as ICtCp) or a transfer that cannot be brought to sRGB.
    """
    coding = Coding(frame.color_trc, frame.color_primaries)
    check_coding(coding, name)
    if frame.format.is_rgb or len(frame.format.components) < 3:
        return FilmColour(coding, "")
    if frame.colorspace in UNSPECIFIED[1:]:
        if coding.gamut == BT2020:
            return FilmColour(coding, "BT.2020")
        wide = frame.width >= 1280 or frame.height > 576
        return FilmColour(coding, "BT.709" if wide else "BT.601")
    if frame.colorspace not in _MATRICES:
        raise MediaError(
            f"{name}: its colour matrix {frame.colorspace} (H.273) is not known here. Expected "
            "BT.601, BT.709 or BT.2020; export it as SDR (BT.709)."
        )
    return FilmColour(coding, "")


def rgb_of(frame: "VideoFrame", width: int, colour: FilmColour) -> Image:
    """Convert a frame to sRGB, `width` pixels wide; returns (H, W, 3) uint8."""
    matrix = _SWS.get(colour.assumed)
    kind = "rgb48le" if colour.coding.done else "rgb24"
    codes: Any = frame.to_ndarray(
        format=kind, width=width, height=frame.height, src_colorspace=matrix
    )
    return to_srgb(codes, colour.coding) if colour.coding.done else codes
