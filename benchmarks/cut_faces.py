"""Faces that the border cuts off: how many are still called live, and how many whole ones are lost.

    python benchmarks/cut_faces.py              # prints both tables, some minutes
    python benchmarks/cut_faces.py --share 0.4  # less is missing
    python benchmarks/cut_faces.py --without    # what would be called live without these limits

Live faces of development people, found by CenterFace in the whole picture; then the picture is cut
so that a share of the face's box is gone on the left, right, above or below, and the default
detector checks what is left. A face that is no longer found counts as turned away. Intervals are
over people (Wilson, a person counts who has one such picture), pictures without a name each alone.
The limits of `face.quality` for whole faces were set on these people and on training people.
"""

import argparse
from collections.abc import Iterator

import numpy as np

import despoof
from despoof.core.types import Box, Face, Frame, Image
from despoof.core.verdicts import whole_clip
from despoof.data.samples import Sample, find_data_root, read_samples, select
from despoof.detector import Detector
from despoof.face.detect import CenterFace
from despoof.face.quality import QualityPolicy
from despoof.media.images import read_image
from despoof.metrics.intervals import wilson

SETS = ("celeba-spoof", "nuaa", "casia-mfsd", "replay-attack")
SIDES = ("left", "right", "top", "bottom")
CUT = ("cut off", "not whole", "outside the picture")
"""What the gate's reasons say of a face that is not wholly there."""


def cut_off(image: Image, box: Box, side: str, share: float) -> Image:
    """Return the picture without what lies beyond a share of the face's box on one side."""
    x1, y1, x2, y2 = box
    height, width = image.shape[:2]
    left, top, right, bottom = 0, 0, width, height
    if side == "left":
        left = max(0, round(x1 + share * (x2 - x1)))
    elif side == "right":
        right = min(width, round(x2 - share * (x2 - x1)))
    elif side == "top":
        top = max(0, round(y1 + share * (y2 - y1)))
    else:
        bottom = min(height, round(y2 - share * (y2 - y1)))
    return np.ascontiguousarray(image[top:bottom, left:right])


def faces(name: str, most: int) -> Iterator[tuple[Sample, Image, Face]]:
    """Give live development faces of a set, evenly spread over its table."""
    samples = select(read_samples(find_data_root(), name), "dev", "live")
    finder = CenterFace()
    for sample in samples[:: max(1, len(samples) // most)]:
        image = read_image(sample.path)
        found = finder(image)
        if found:
            yield sample, image, found[0]


def row(name: str, found: list[tuple[str, bool]]) -> str:
    """Count pictures and people of whom something is true, with the interval over people."""
    people = {who: any(yes for other, yes in found if other == who) for who, _ in found}
    k, n = sum(people.values()), len(people)
    low, high = wilson(k, n)
    pictures = sum(yes for _, yes in found)
    share = f"{pictures}/{len(found)} = {100 * pictures / len(found):.2f} %"
    return f"{name:28} {share:22} people {k}/{n}, {100 * low:.2f} to {100 * high:.2f} %"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--share", type=float, default=0.5, help="of the face's box that is gone")
    parser.add_argument("--most", type=int, default=120, help="faces of a set")
    parser.add_argument("--without", action="store_true", help="without the limits for whole faces")
    chosen = parser.parse_args()
    none = QualityPolicy(min_margin=-1e9, min_shape=0, max_shape=1e9)
    detector = despoof.load(quality=none if chosen.without else QualityPolicy())
    live: dict[str, list[tuple[str, bool]]] = {side: [] for side in SIDES}
    lost: dict[str, list[tuple[str, bool]]] = {}
    for name in SETS:
        for sample, image, face in faces(name, chosen.most):
            turned = any(text in reason_of(detector, image) for text in CUT)
            lost.setdefault(name, []).append((sample.group, turned))
            for side in SIDES:
                part = cut_off(image, face.box, side, chosen.share)
                live[side].append((sample.group, part.size > 0 and is_live(detector, part)))
    print(f"{chosen.share:.0%} of the face is gone: called live")
    report(live)
    print("whole faces that are turned away as cut off")
    report(lost)


def reason_of(detector: Detector, image: Image) -> str:
    return whole_clip(detector.check([Frame(image, "")])).reason


def is_live(detector: Detector, image: Image) -> bool:
    return whole_clip(detector.check([Frame(image, "")])).label == "live"


def report(tables: dict[str, list[tuple[str, bool]]]) -> None:
    for name, found in tables.items():
        print(row(name, found))
    print(row("all", [item for found in tables.values() for item in found]))


if __name__ == "__main__":
    main()
