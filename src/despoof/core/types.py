"""The words that every room uses. Nothing here imports torch when it runs."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from torch import Tensor

Image = NDArray[np.uint8]
"""A picture: (H, W, 3) uint8, RGB, row-major, sRGB-encoded."""

Box = tuple[float, float, float, float]
"""x1, y1, x2, y2 in pixels of the picture; x2 and y2 are exclusive; may reach over the border."""

Label = Literal["live", "attack"]
VerdictLabel = Literal["live", "spoof", "undecided"]


@dataclass(frozen=True)
class Frame:
    """One picture out of a file, video, folder, stream or camera.

    Attributes:
        image: (H, W, 3) uint8 RGB, upright (EXIF and rotation metadata are already applied).
        source: the path or name it came from, as the user gave it.
        index: 0 for a photograph, else the frame's position among those that were taken.
        time: seconds from the start of the video; None for a photograph.
        colour: what was converted or assumed to make its colours sRGB, in words; "" for nothing.
    """

    image: Image
    source: str
    index: int = 0
    time: float | None = None
    colour: str = ""


@dataclass(frozen=True)
class Face:
    """One face in a picture.

    Attributes:
        box: the face from brow to chin and ear to ear, pixels of the picture.
        landmarks: (5, 2) float32, x and y in pixels: the eye that is left in the picture, the
            right one, nose tip, left and right mouth corner. None where only a box is known.
        confidence: the detector's own score in [0, 1]; 1 for a box that a user gave.
    """

    box: Box
    landmarks: NDArray[np.float32] | None = None
    confidence: float = 1.0


@dataclass(frozen=True)
class FaceCrop:
    """A face, cut out upright for a network.

    Attributes:
        image: (S, S, 3) uint8 RGB; pixels outside the picture are mid grey (127), never mirrored.
        valid: (S, S) bool, True where the crop shows the picture, False where it was padded.
        matrix: (2, 3) float64, takes a crop pixel centre (x, y, 1) to the picture's pixels; so what
            a network says about the crop can be drawn over the original.
        face: the face it was made from.
    """

    image: Image
    valid: NDArray[np.bool_]
    matrix: NDArray[np.float64]
    face: Face


@dataclass(frozen=True)
class Decomposition:
    """What a system says about B faces.

    Attributes:
        genuine: (B, 3, H, W) float32 RGB in [-1, 1], the nearest genuine face.
        noise: (B, 3, H, W) float32, signed, `faces - genuine`.
        evidence: (B, 32, 32) float32 in [0, 1]; what it means is the system's own (see its README).
        score: (B,) float32, higher = more live.
    """

    genuine: "Tensor"
    noise: "Tensor"
    evidence: "Tensor"
    score: "Tensor"


@dataclass(frozen=True)
class Verdict:
    """The answer for one face (or for one picture in which none could be judged).

    Attributes:
        label: live, spoof or undecided. Anything that goes wrong is undecided.
        score: higher = more live; None when nothing was computed.
        threshold: live iff score > threshold; None when there is none.
        reason: why it is undecided, in words; empty for live and spoof.
        box: the face in the picture, pixels; None without a face.
        source: the path or name of the picture.
        index: frame index in a video, 0 for a photograph.
        time: seconds from the start of a video, None for a photograph.
        quality: what the quality gate measured, by name (SI or pixel units, see face/quality.py).
        colour: of the picture, see `Frame`.
        aside: why it has no say in its picture's verdict (see face/aside.py); empty if it has.
        sealed: False where nobody vouches for the weights' folder: it has no record, or one that
            does not cover all that decides a verdict.
    """

    label: VerdictLabel
    score: float | None
    threshold: float | None
    reason: str = ""
    box: Box | None = None
    source: str = ""
    index: int = 0
    time: float | None = None
    quality: dict[str, float] = field(default_factory=dict[str, float])
    colour: str = ""
    aside: str = ""
    sealed: bool = True


@dataclass(frozen=True)
class FaceParts:
    """One face, its verdict and the evidence.

    Attributes:
        frame: the picture it is in.
        crop: what the network saw, with the matrix back to the picture.
        verdict: the answer.
        genuine: (S, S, 3) uint8 RGB, the nearest genuine face.
        noise: (S, S, 3) float32 in [-2, 2], signed, crop − genuine with both in [-1, 1].
        evidence: (32, 32) float32 in [0, 1].
    """

    frame: Frame
    crop: FaceCrop
    verdict: Verdict
    genuine: Image
    noise: NDArray[np.float32]
    evidence: NDArray[np.float32]


@runtime_checkable
class FaceDetector(Protocol):
    """Anything that finds faces. Pass your own to `Detector(face_detector=…)`."""

    def __call__(self, image: Image) -> list[Face]:
        """Return the faces of an (H, W, 3) uint8 RGB picture, largest first; [] when none."""
        ...


class System(Protocol):
    """A published method: faces in, decomposition out. Implemented under `systems/`."""

    config: Any

    def decompose(self, faces: "Tensor") -> Decomposition:
        """Decompose (B, 3, S, S) float32 RGB faces in [-1, 1]; deterministic, no global RNG."""
        ...

    def score(self, faces: "Tensor") -> "Tensor":
        """Return `decompose(faces).score`, (B,), at less cost where the score needs less."""
        ...
