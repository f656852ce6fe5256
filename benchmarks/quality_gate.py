"""Whom the quality gate turns away: faces as they are, and disturbed ones of development people.

    python benchmarks/quality_gate.py      # measure; the page is written by robustness.py --page

The gate alone, no network: boxes and landmarks of the tables. Its thresholds were set on the
development people, so that all but a few live faces pass and what spoils a picture is caught.
Writes benchmarks/results/quality_gate.json, some minutes.
"""

import json
import re
from collections import Counter
from collections.abc import Iterator
from typing import Any

import numpy as np
from recording import OUT, conditions
from robustness import rate
from robustness_curves import CURVES, Curve

from despoof.core.device import seed_of
from despoof.core.files import atomic_path
from despoof.core.types import Face, Image, Label
from despoof.data.samples import Sample, Split, find_data_root, read_samples, select
from despoof.data.store import face_of
from despoof.face import CropConfig, QualityPolicy, assess, crop_face
from despoof.media.images import read_image

RESULT = OUT / "quality_gate.json"
PLAIN: dict[tuple[str, Split], int] = {
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
LABELS: tuple[Label, ...] = ("live", "attack")
MEASURES = ("luma", "sharpness", "noise", "blocks", "chin_gap", "chin_texture")


def look(image: Image, face: Face) -> tuple[str, dict[str, float]]:
    """Return the gate's reason without its numbers, empty for a pass, and what it measured."""
    report = assess(image, face, crop_face(image, face, CROP), QualityPolicy())
    return re.sub(r"[\d.]+", "…", re.split("[:,]", report.reason)[0]), report.values


def pictures(dataset: str, split: Split, label: Label) -> Iterator[tuple[Sample, Image, Face]]:
    """Give every `PLAIN`-th picture of a part that has a face in the table."""
    samples = select(read_samples(find_data_root(), dataset), split, label)
    for sample in samples[:: PLAIN[dataset, split]]:
        image = read_image(sample.path)
        face = face_of(sample, image)
        if face is not None:
            yield sample, image, face


def disturbed(sample: Sample, image: Image, face: Face, curve: Curve, level: float) -> Image:
    """Return a picture at one place of a curve."""
    rng = np.random.default_rng(seed_of(SEED, "gate", curve.name, str(level), sample.name))
    return curve.disturb(image, face.box, level, rng).image


def row_of(looks: list[tuple[str, dict[str, float]]]) -> dict[str, Any]:
    """Count who is turned away and why; medians and extremes of what was measured."""
    gated = [reason for reason, _ in looks if reason]
    spread = {
        name: np.percentile([values[name] for _, values in looks], [0, 50, 100]).tolist()
        for name in (MEASURES if looks else ())
    }
    reasons = dict(Counter(gated).most_common())
    return {**rate(len(gated), len(looks)), "reasons": reasons, "min_median_max": spread}


def measure() -> dict[str, Any]:
    """Return who is turned away: of all parts, and of live development faces disturbed."""
    plain: list[dict[str, Any]] = []
    for dataset, split in PLAIN:
        for label in LABELS:
            looks = [look(image, face) for _, image, face in pictures(dataset, split, label)]
            plain.append({"set": f"{dataset} {split}", "label": label, **row_of(looks)})
            print(plain[-1]["set"], label, plain[-1]["k"], plain[-1]["n"], flush=True)
    chosen = [
        found
        for dataset, split in PLAIN
        if split == "dev"
        for found in list(pictures(dataset, split, "live"))[::DISTURBED]
    ]
    places = [(c, level) for c in CURVES if c.name in GATED for level in c.levels]
    curves = [
        {
            "curve": curve.name,
            "level": level,
            **row_of([look(disturbed(*one, curve, level), one[2]) for one in chosen]),
        }
        for curve, level in places
    ]
    return {"plain": plain, "disturbed_live": curves, "seed": SEED, **conditions()}


def main() -> None:
    """Measure and keep."""
    text = json.dumps(measure(), indent=1)
    with atomic_path(RESULT) as path:
        path.write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
