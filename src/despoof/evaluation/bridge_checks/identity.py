"""Check 8: the genuine face must be the same person."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from despoof.core.types import Image
from despoof.evaluation.bridge_checks.check import Check, not_finite
from despoof.evaluation.bridge_checks.embedder import aligned_face
from despoof.evaluation.bridge_checks.subject import Crossed, Subject

LIMIT = 0.8
TARGET = "cosine of the face and its genuine face: median ≥ 0.8, live and attacks"

Embed = Callable[[Image], NDArray[np.float64]]
"""An aligned (112, 112, 3) uint8 face → a unit vector (D,)."""


def identity_check(subject: Subject, own: Crossed, embed: Embed | None) -> Check:
    """Ask a face recogniser whether de-spoofing changed the person.

    Both pictures are aligned by the landmarks of the first.

    Args:
        subject: what is checked.
        own: the system's own bridge.
        embed: the recogniser; None = there is none, and nothing is measured.
    """
    if embed is None:
        words = "Not measured: no face recogniser comes with despoof; name one with --embedder."
        return Check("identity", None, TARGET, {}, words)
    if (broken := not_finite("identity", TARGET, own.noise)) is not None:
        return broken
    genuine = (subject.pixels - own.noise).clamp(-1, 1)
    pictures = ((genuine + 1) * 127.5).round().byte().permute(0, 2, 3, 1).numpy()
    faces = subject.faces
    found: dict[bool, list[float]] = {True: [], False: []}
    for before, after, live, points in zip(
        faces.images, pictures, faces.live.tolist(), faces.landmarks, strict=True
    ):
        if points is not None:
            a, b = (embed(aligned_face(image, points)) for image in (before, after))
            found[live].append(float(a @ b))
    if not (found[True] and found[False]):
        words = (
            f"Not measured: landmarks of {len(found[True])} live faces and {len(found[False])} "
            "attacks are known; expected some of each."
        )
        return Check("identity", None, TARGET, {}, words)
    figures: dict[str, float] = {}
    for name, live in (("live", True), ("attack", False)):
        figures[f"{name}_median"] = float(np.median(found[live]))
        figures[f"{name}_5th"] = float(np.quantile(found[live], 0.05))
    passed = min(figures["live_median"], figures["attack_median"]) >= LIMIT
    side = faces.images.shape[1]
    words = f"{len(found[True])} live faces and {len(found[False])} attacks, crops of {side} px."
    return Check("identity", passed, TARGET, figures, words)
