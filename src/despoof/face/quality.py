"""Is the picture of this face good enough to be judged? If not, why not, with the value.

A gate, not a detector: it must neither turn real users away nor hide attacks behind "undecided".
"""

import math
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from despoof.core.config import StrictConfig
from despoof.core.types import Face, FaceCrop, Image
from despoof.face.camera import fit_camera
from despoof.face.crop import CropConfig, crop_face, to_picture
from despoof.face.pose import roll
from despoof.face.spoiled import (
    LUMA,
    blockiness,
    chin_gap,
    chin_texture,
    face_luma,
    noise_level,
    sharpness,
)
from despoof.face.whole import whole_measures

_LOOK = CropConfig(size=64, scale=1.0)  # every face is measured at this size
_BLACK, _WHITE = 5, 250


class QualityPolicy(StrictConfig):
    """Thresholds, set so that they catch what cannot be judged and little else.

    Whom the defaults turn away, of development faces by the tables' boxes and landmarks: 0 of 521
    live ones of three sets, 11 of 218 attacks of CelebA-Spoof (`benchmarks/quality_gate.py`, with
    test parts and disturbed faces: docs/robustness.md). What is cut off by the border is measured
    by `benchmarks/cut_faces.py`.

    Attributes:
        min_face: px, longer side of the face's box.
        max_outside: share of the face's box that lies outside the picture.
        min_margin, min_shape, max_shape: see `whole.py`. A detector's box hugs what is left of a
            face that the border cuts, so nothing of the box is outside.
        min_luma, max_luma: mean luma of the face, 0 to 255.
        max_clipped: share of the face's pixels that are all but black or white (luma up to 5 or
            from 250). High, because a webcam's overexposed face is still a face.
        min_sharpness: see `spoiled.sharpness`.
        max_noise: standard deviation of the luma's noise, 0 to 255.
        max_blocks: see `spoiled.blockiness`.
        max_chin_gap, min_chin_texture: levels of chroma and of luma, see `spoiled`. A mask whose
            colour is skin's passes.
        max_yaw, max_pitch, max_roll: degrees. Pitch from five landmarks is a weak proxy that
            shrinks large angles to a fourth, hence the small number.
    """

    min_face: float = Field(default=48, ge=0)
    max_outside: float = Field(default=0.2, ge=0, le=1)
    min_margin: float = Field(default=0.12)
    min_shape: float = Field(default=0.72, ge=0)
    max_shape: float = Field(default=1.35, ge=0)
    min_luma: float = Field(default=40, ge=0, le=255)
    max_luma: float = Field(default=235, ge=0, le=255)
    max_clipped: float = Field(default=0.5, ge=0, le=1)
    min_sharpness: float = Field(default=0.8, ge=0)
    max_noise: float = Field(default=12, ge=0)
    max_blocks: float = Field(default=0.8, ge=0)
    max_chin_gap: float = Field(default=26, ge=0)
    min_chin_texture: float = Field(default=1, ge=0)
    max_yaw: float = Field(default=50, ge=0)
    max_pitch: float = Field(default=25, ge=0)
    max_roll: float = Field(default=60, ge=0)


@dataclass(frozen=True)
class QualityReport:
    """What was measured, and the first thing that was not good enough.

    Attributes:
        values: finite numbers: face (px), outside (share), luma (0-255), clipped (share),
            sharpness, noise (levels), blocks, chin_gap and chin_texture (levels), and, where
            landmarks are known, margin and shape (shares), yaw, pitch, roll (degrees, signed);
            shape also of a box alone that touches the border.
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


def _measure(image: Image, face: Face) -> dict[str, float]:
    x1, y1, x2, y2 = face.box
    height, width = image.shape[:2]
    look = crop_face(image, face, _LOOK)
    shown = max(0.0, min(x2, width) - max(x1, 0)) * max(0.0, min(y2, height) - max(y1, 0))
    luma, native = look.image.astype(np.float64) @ LUMA, face_luma(image, face.box)
    inside = look.valid & _ellipse(face, look)
    seen = luma[inside]
    values = {
        "face": max(x2 - x1, y2 - y1),
        "outside": 1 - shown / ((x2 - x1) * (y2 - y1)),
        "luma": float(seen.mean()) if seen.size else 0.0,
        "clipped": float(((seen <= _BLACK) | (seen >= _WHITE)).mean()) if seen.size else 1.0,
        "sharpness": sharpness(luma, inside),
        "noise": noise_level(native),
        "blocks": blockiness(native),
        "chin_gap": chin_gap(look.image),
        "chin_texture": chin_texture(look.image),
    }
    camera = None if face.landmarks is None else fit_camera(face.landmarks)
    known = face if camera is not None else replace(face, landmarks=None)
    values |= whole_measures(known, width, height)
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
            v.get("margin", math.inf) < policy.min_margin,
            "face is cut off by the picture's border: eyes or mouth are "
            f"{v.get('margin', 0):.2f} of its size from it, need {policy.min_margin:g}",
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
        (
            v["noise"] > policy.max_noise,
            f"face is noisy: standard deviation {v['noise']:.0f}, at most {policy.max_noise:g} "
            "may be",
        ),
        (
            v["blocks"] > policy.max_blocks,
            f"picture is compressed too much: blocks {v['blocks']:.2f}, "
            f"at most {policy.max_blocks:g} may be",
        ),
        (
            v["chin_gap"] > policy.max_chin_gap or v["chin_texture"] < policy.min_chin_texture,
            "lower part of the face is covered or has no skin's colour: "
            f"{v['chin_gap']:.0f} levels of chroma from the cheeks "
            f"(at most {policy.max_chin_gap:g}), texture {v['chin_texture']:.1f} "
            f"(need {policy.min_chin_texture:g})",
        ),
    ]
    for name, limit in (
        ("yaw", policy.max_yaw),
        ("pitch", policy.max_pitch),
        ("roll", policy.max_roll),
    ):
        text = f"face is turned away: {name} {off(name):.0f}°, at most {limit:g}° may be"
        checks.append((off(name) > limit, text))
    shape = v.get("shape", 1.0)
    text = f"face is not whole: its box is {shape:.2f} times as wide as a whole face's"
    limits = f"expected {policy.min_shape:g} to {policy.max_shape:g}"
    checks.append((not policy.min_shape <= shape <= policy.max_shape, f"{text}, {limits}"))
    return next((reason for failed, reason in checks if failed), "")
