"""Whom it turns away: live faces refused, by skin tone, glasses, light and sharpness.

    python benchmarks/left_out_people.py fold-fused

Live pictures of every left-out source, at the threshold that the other sources chose, so nobody
was seen in training. Skin tone is the individual typology angle (ITA, degrees; Chardon et al. 1991)
of both cheeks in CIELAB: above 41 light, 28 to 41 intermediate, 10 to 28 tan, below 10 dark. It is
measured in the picture, so light and white balance move it: a group is what a camera showed, not
what a person is. Writes results/left_out_people.json.
"""

import argparse
from collections import defaultdict
from typing import Any

import numpy as np
from left_out_table import FOLDS, chosen_threshold, read_table
from recording import write
from skimage.color import rgb2lab

from despoof.core.types import Image
from despoof.data.samples import Sample, find_data_root, read_samples
from despoof.data.store import face_of
from despoof.face.crop import CropConfig, crop_face
from despoof.face.quality import assess
from despoof.media.images import read_image
from despoof.metrics.intervals import wilson

BINS = {
    "skin tone (ITA)": ((10, 28, 41), ("dark", "tan", "intermediate", "light")),
    "light (mean luma)": ((80, 130, 170), ("below 80", "80 to 130", "130 to 170", "above 170")),
    "sharpness": ((1.0, 1.2, 1.4), ("below 1", "1 to 1.2", "1.2 to 1.4", "above 1.4")),
}


def cheek_angle(image: Image, sample: Sample) -> float | None:
    """ITA in degrees of the skin between each eye and the mouth corner below it; None: unknown."""
    if sample.landmarks is None:
        return None
    left_eye, right_eye, _, left_mouth, right_mouth = sample.landmarks
    reach = 0.12 * float(np.linalg.norm(right_eye - left_eye))
    found = []
    for eye, mouth in ((left_eye, left_mouth), (right_eye, right_mouth)):
        x, y = 0.4 * eye + 0.6 * mouth
        rows = slice(max(0, int(y - reach)), max(1, int(y + reach)))
        columns = slice(max(0, int(x - reach)), max(1, int(x + reach)))
        patch = image[rows, columns]
        if patch.size:
            found.append(np.median(patch.reshape(-1, 3), axis=0))
    if not found:
        return None
    light, _, yellow = rgb2lab(np.mean(found, axis=0)[None, None] / 255)[0, 0]
    return float(np.degrees(np.arctan2(light - 50, yellow)))


def facts(sample: Sample) -> dict[str, str]:
    """Return the groups that a live picture falls into."""
    image = read_image(sample.path)
    face = face_of(sample, image)
    assert face is not None, "only pictures with a face were scored"
    crop = crop_face(image, face, CropConfig(size=64, scale=1.25))
    values = assess(image, face, crop).values
    numbers = {"light (mean luma)": values["luma"], "sharpness": values["sharpness"]}
    angle = cheek_angle(image, sample)
    if angle is not None:
        numbers["skin tone (ITA)"] = angle
    groups = {
        kind: BINS[kind][1][int(np.searchsorted(BINS[kind][0], value))]
        for kind, value in numbers.items()
    }
    glasses = sample.columns.get("glasses", "").strip()
    return groups | ({"glasses": glasses} if glasses else {})


def main() -> None:
    """Count the refused by group, print and keep the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("name")
    asked = parser.parse_args()
    tables = {fold: read_table(asked.name, fold) for fold in FOLDS}
    plain = {fold: table.scores() for fold, table in tables.items()}
    counts: dict[tuple[str, str], list[bool]] = defaultdict(list)
    for fold, table in tables.items():
        threshold = chosen_threshold([plain[other] for other in FOLDS if other != fold])
        samples = {sample.name: sample for sample in read_samples(find_data_root(), fold)}
        shown = table.live & (table.shown == "plain")
        for row, score in zip(
            np.array(table.rows)[shown], table.columns["score"][shown], strict=True
        ):
            for group in {"all": fold, **facts(samples[row["path"]])}.items():
                counts[group].append(bool(score <= threshold))
    rows: list[dict[str, Any]] = []
    for (kind, group), refused in sorted(counts.items()):
        low, high = wilson(sum(refused), len(refused))
        rows.append(
            {"by": kind, "group": group, "k": sum(refused), "n": len(refused), "ci95": [low, high]}
        )
        print(f"{kind:20} {group:14} {sum(refused)}/{len(refused)} [{low:.3f}, {high:.3f}]")
    write("left_out_people", {"name": asked.name, "rows": rows})


if __name__ == "__main__":
    main()
