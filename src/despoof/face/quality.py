"""Is the picture of this face good enough to be judged? If not, why not, with the value.

A gate, not a detector: it must neither turn real users away nor hide attacks behind "undecided".
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from despoof.core.config import StrictConfig
from despoof.core.types import Face, FaceCrop, Image
from despoof.face.camera import fit_camera
from despoof.face.crop import CropConfig, crop_face, to_picture
from despoof.face.pose import roll

_LOOK = CropConfig(size=64, scale=1.0)  # every face is measured at this size
_BLACK, _WHITE = 5, 250


class QualityPolicy(StrictConfig):
    """Thresholds, set so that they catch what cannot be judged and little else.

    Shares of faces that the defaults gate, measured on the boxes and landmarks of the development
    sets (every second picture, every fourth of LFW): LFW live 0.06 % of 1,683; CelebA-Spoof live
    0.41 % of 1,219, attacks 1.45 % of 1,171 (ten of the seventeen too dark); NUAA live 0 % of 504,
    attacks 0 % of 704. None was gated for blur.

    Attributes:
        min_face: px, longer side of the face's box.
        max_outside: share of the face's box that lies outside the picture.
        min_luma, max_luma: mean luma of the face, 0 to 255.
        max_clipped: share of the face's pixels that are all but black or white (luma up to 5 or
            from 250). High, because a webcam's overexposed face is still a face.
        min_sharpness: see `sharpness`.
        max_yaw, max_pitch, max_roll: degrees. Pitch from five landmarks is a weak proxy that
            shrinks large angles to a fourth, hence the small number.
    """

    min_face: float = Field(default=48, ge=0)
    max_outside: float = Field(default=0.2, ge=0, le=1)
    min_luma: float = Field(default=30, ge=0, le=255)
    max_luma: float = Field(default=235, ge=0, le=255)
    max_clipped: float = Field(default=0.5, ge=0, le=1)
    min_sharpness: float = Field(default=0.65, ge=0)
    max_yaw: float = Field(default=50, ge=0)
    max_pitch: float = Field(default=25, ge=0)
    max_roll: float = Field(default=60, ge=0)


@dataclass(frozen=True)
class QualityReport:
    """What was measured, and the first thing that was not good enough.

    Attributes:
        values: finite numbers: face (px), outside (share), luma (0-255), clipped (share),
            sharpness, and, where landmarks are known, yaw, pitch, roll (degrees, signed).
        reason: empty when the face can be judged, else e.g. "face is 31 px, need 48".
    """

    values: dict[str, float]
    reason: str


def assess(
    image: Image, face: Face, crop: FaceCrop, policy: QualityPolicy | None = None
) -> QualityReport:
    """Measure a face in its picture and hold it against a policy.

    Args:
        image: (H, W, 3) uint8 RGB, the picture.
        face: where the face is in it.
        crop: what a network will see of it. Padding wins over everything: a crop with no pixel of
            the picture cannot be judged.
        policy: thresholds; None takes the defaults.

    Raises:
        InputError: the face's box is empty or not finite.
    """
    policy = policy or QualityPolicy()
    values = _measure(image, face)
    if not crop.valid.any():
        return QualityReport(values, "face lies outside the picture")
    return QualityReport(values, _reason(values, policy))


def sharpness(luma: NDArray[np.floating], inside: NDArray[np.bool_]) -> float:
    """Return how fine the finest detail of a picture is; 0 for a flat one.

    The ratio of second to first differences (root mean squares): contrast cancels out, and a blur
    lowers it. Medians of faces at 64 px: 1.3 to 1.6 live, 1.3 to 1.4 attacks; live ones blurred
    with a standard deviation of 1/64 of the face's size 0.71, of 1/45 0.54, of 1/32 0.40.

    Args:
        luma: (S, S), 0 to 255.
        inside: (S, S) bool, which pixels count.
    """
    core = luma[1:-1, 1:-1]
    counts = inside[1:-1, 1:-1] & inside[:-2, 1:-1] & inside[2:, 1:-1]
    counts &= inside[1:-1, :-2] & inside[1:-1, 2:]
    if not counts.any():
        return 0.0
    right, below = luma[1:-1, 2:], luma[2:, 1:-1]
    left, above = luma[1:-1, :-2], luma[:-2, 1:-1]
    bend = 4 * core - left - right - above - below
    slope = ((right - left) ** 2 + (below - above) ** 2) / 4
    # One grey level beneath, so that the noise of a flat picture does not look sharp.
    return float(_rms(bend[counts]) / (math.sqrt(slope[counts].mean()) + 1))


def _rms(values: NDArray[np.floating]) -> float:
    return math.sqrt((values**2).mean())


def _measure(image: Image, face: Face) -> dict[str, float]:
    x1, y1, x2, y2 = face.box
    height, width = image.shape[:2]
    look = crop_face(image, face, _LOOK)
    shown = max(0.0, min(x2, width) - max(x1, 0)) * max(0.0, min(y2, height) - max(y1, 0))
    luma = look.image.astype(np.float64) @ np.array([0.299, 0.587, 0.114])
    inside = look.valid & _ellipse(face, look)
    seen = luma[inside]
    values = {
        "face": max(x2 - x1, y2 - y1),
        "outside": 1 - shown / ((x2 - x1) * (y2 - y1)),
        "luma": float(seen.mean()) if seen.size else 0.0,
        "clipped": float(((seen <= _BLACK) | (seen >= _WHITE)).mean()) if seen.size else 1.0,
        "sharpness": sharpness(luma, inside),
    }
    camera = None if face.landmarks is None else fit_camera(face.landmarks)
    if face.landmarks is not None and camera is not None:
        values["yaw"], values["pitch"] = camera.angles()
        values["roll"] = math.degrees(roll(face.landmarks))
    return values


def _ellipse(face: Face, look: FaceCrop) -> NDArray[np.bool_]:
    # The ellipse in the face's box leaves hair and background out. The look may be turned.
    side = np.arange(float(_LOOK.size))
    grid = np.stack(np.meshgrid(side, side), axis=-1)
    low, high = np.array(face.box[:2]), np.array(face.box[2:])
    place = to_picture(grid, look.matrix) + 0.5
    return ((place - (low + high) / 2) ** 2 / ((high - low) / 2) ** 2).sum(axis=-1) < 1


def _reason(values: dict[str, float], policy: QualityPolicy) -> str:
    def off(name: str) -> float:
        return abs(values.get(name, 0.0))

    v = values
    checks = [
        (v["face"] < policy.min_face, f"face is {v['face']:.0f} px, need {policy.min_face:g}"),
        (
            v["outside"] > policy.max_outside,
            f"{v['outside']:.0%} of the face is outside the picture, "
            f"at most {policy.max_outside:.0%} may be",
        ),
        (
            v["luma"] < policy.min_luma,
            f"face is too dark: mean luma {v['luma']:.0f}, need {policy.min_luma:g}",
        ),
        (
            v["luma"] > policy.max_luma,
            f"face is too bright: mean luma {v['luma']:.0f}, need at most {policy.max_luma:g}",
        ),
        (
            v["clipped"] > policy.max_clipped,
            f"{v['clipped']:.0%} of the face is black or white, "
            f"at most {policy.max_clipped:.0%} may be",
        ),
        (
            v["sharpness"] < policy.min_sharpness,
            f"face is blurred: sharpness {v['sharpness']:.2f}, need {policy.min_sharpness:g}",
        ),
    ]
    for name, limit in (
        ("yaw", policy.max_yaw),
        ("pitch", policy.max_pitch),
        ("roll", policy.max_roll),
    ):
        text = f"face is turned away: {name} {off(name):.0f}°, at most {limit:g}° may be"
        checks.append((off(name) > limit, text))
    return next((reason for failed, reason in checks if failed), "")
