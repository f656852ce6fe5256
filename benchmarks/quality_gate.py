"""Whom the quality gate turns away: faces as they are, and disturbed ones of development people.

    python benchmarks/quality_gate.py      # measure; the page is written by robustness.py --page

The gate alone, no network: boxes and landmarks of the tables. Its thresholds were set on the
development people, so that all but a few live faces pass and what spoils a picture is caught.
Writes benchmarks/results/quality_gate.json, some minutes.
"""

import json
import re
from collections import Counter
from collections.abc import Callable
from typing import Any

import numpy as np
from results import OUT, conditions
from robustness import rate
from robustness_curves import CURVES, Curve

from despoof.core.device import seed_of
from despoof.core.files import atomic_path
from despoof.core.types import Face, Image
from despoof.data.samples import Sample, find_data_root, read_samples, select
from despoof.data.store import face_of
from despoof.face import CropConfig, QualityPolicy, assess, crop_face
from despoof.media.images import read_image

RESULT = OUT / "quality_gate.json"
PLAIN = {
    ("lfw", "dev"): 3,
    ("celeba-spoof", "dev"): 2,
    ("nuaa", "dev"): 2,
    ("lfw", "test"): 3,
    ("nuaa", "test"): 4,
}
"""Each so many-th picture of a part. Nothing was set by the test parts."""
DISTURBED = 6
"""Each so many-th of these is disturbed."""
GATED = ("JPEG quality", "resolution", "blur", "sensor noise", "low light", "occlusion")
CROP = CropConfig(size=192, scale=1.2)
SEED = 0

Reason = Callable[[Image, Face], str]


def reason_of(image: Image, face: Face) -> str:
    """Return the gate's reason without its numbers; empty: the face passes."""
    found = assess(image, face, crop_face(image, face, CROP), QualityPolicy()).reason
    return re.sub(r"[\d.]+", "…", re.split("[:,]", found)[0])


def disturbed_reasons(image: Image, sample: Sample, face: Face, curve: Curve) -> list[str]:
    """Return the gate's reasons at all levels of a curve."""
    found: list[str] = []
    for level in curve.levels:
        rng = np.random.default_rng(seed_of(SEED, "gate", curve.name, str(level), sample.name))
        found.append(reason_of(curve.disturb(image, face.box, level, rng).image, face))
    return found


def measure() -> dict[str, Any]:
    """Return shares of faces that are turned away: per set as it is, per curve and level."""
    root, curves = find_data_root(), [curve for curve in CURVES if curve.name in GATED]
    plain: list[dict[str, Any]] = []
    spoiled: dict[tuple[str, float], list[bool]] = {}
    for (dataset, split), every in PLAIN.items():
        for label in ("live", "attack"):
            reasons: list[str] = []
            for number, sample in enumerate(
                select(read_samples(root, dataset), split, label)[::every]
            ):
                image = read_image(sample.path)
                face = face_of(sample, image)
                if face is None:
                    continue
                reasons.append(reason_of(image, face))
                if label == "attack" or split == "test" or number % DISTURBED:
                    continue
                for curve in curves:
                    found = disturbed_reasons(image, sample, face, curve)
                    for level, reason in zip(curve.levels, found, strict=True):
                        spoiled.setdefault((curve.name, level), []).append(bool(reason))
            gated = [reason for reason in reasons if reason]
            row = {"set": f"{dataset} {split}", "label": label, **rate(len(gated), len(reasons))}
            plain.append(row | {"reasons": dict(Counter(gated).most_common())})
            print(row, flush=True)
    curve_rows = [
        {"curve": name, "level": level, **rate(sum(found), len(found))}
        for (name, level), found in spoiled.items()
    ]
    return {"plain": plain, "disturbed_live": curve_rows, "seed": SEED, **conditions()}


def main() -> None:
    """Measure and keep."""
    text = json.dumps(measure(), indent=1)
    with atomic_path(RESULT) as path:
        path.write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
