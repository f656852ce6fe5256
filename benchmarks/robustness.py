"""How the shipped default bears bad pictures: curves of AUC, error rates and `undecided`.

    python benchmarks/robustness.py --every 8      # measure each 8th picture, write all
    python benchmarks/robustness.py --page         # the page and the figure from kept figures

The product as it is, `despoof.load()`: the face is found, the quality gate has its say, the shipped
threshold decides. Whole pictures of NUAA's test part and of CelebA-Spoof's development people.
About 4 s of processor time a picture; --every 40 takes some minutes. Writes
benchmarks/results/robustness.json, docs/robustness.md and docs/figures/robustness.png.
"""

import argparse
import json
import re
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from recording import OUT, conditions
from robustness_curves import CURVES, Curve, Disturbed
from robustness_page import write_page

import despoof
from despoof.core.device import seed_of
from despoof.core.errors import InputError
from despoof.core.files import atomic_path
from despoof.core.types import Image, Verdict
from despoof.data.samples import Sample, find_data_root, read_samples, select
from despoof.data.store import face_of
from despoof.detector import Detector
from despoof.media.images import read_image
from despoof.metrics.curves import auc
from despoof.metrics.delong import auc_interval
from despoof.metrics.intervals import wilson
from despoof.metrics.scores import Scores, make_scores

RESULT = OUT / "robustness.json"
SETS = {"nuaa test": ("nuaa", "test"), "celeba-spoof dev": ("celeba-spoof", "dev")}
PLAIN, PLAIN_BOXED = "undisturbed", "undisturbed, box given"


@dataclass(frozen=True)
class Seen:
    """What the product said of one picture."""

    live: bool
    group: str
    label: str
    score: float | None
    reason: str


def seen_of(sample: Sample, verdict: Verdict) -> Seen:
    """Keep what is counted; numbers are taken out of the reason."""
    words = re.split("[:,]", verdict.reason)[0] if verdict.label == "undecided" else ""
    reason = re.sub(r"[\d.]+", "…", words)
    return Seen(sample.live, sample.group, verdict.label, verdict.score, reason)


def places() -> Iterator[tuple[str, float | None, Curve | None]]:
    """Give every place on every curve, the two undisturbed ones first."""
    yield PLAIN, None, None
    yield PLAIN_BOXED, None, None
    for curve in CURVES:
        for level in curve.levels:
            yield curve.name, level, curve


def disturbed(
    image: Image, sample: Sample, place: tuple[str, float | None, Curve | None], seed: int
) -> Disturbed:
    """Return what is checked; a function of the picture's name and the place alone.

    Raises:
        InputError: the table has no face for this picture.
    """
    name, level, curve = place
    face = face_of(sample, image)
    if face is None:
        raise InputError(f"{sample.name} has no face in the table.")
    if curve is None or level is None:
        return Disturbed(image, face.box if name == PLAIN_BOXED else None)
    rng = np.random.default_rng(seed_of(seed, "robustness", name, str(level), sample.name))
    return curve.disturb(image, face.box, level, rng)


def judged(detector: Detector, sample: Sample, image: Image, seed: int) -> list[Seen]:
    """Check one picture at every place."""
    found: list[Seen] = []
    for place in places():
        what = disturbed(image, sample, place, seed)
        boxes = None if what.box is None else [what.box]
        found.append(seen_of(sample, detector.judge(what.image, boxes=boxes)))
    return found


def rate(k: int, n: int) -> dict[str, Any]:
    """Return a rate with its counts and Wilson's 95 % interval; null where n is 0."""
    if n == 0:
        return {"value": None, "k": k, "n": n, "ci95": None}
    return {"value": k / n, "k": k, "n": n, "ci95": list(wilson(k, n))}


def figures(seen: Sequence[Seen]) -> dict[str, Any]:
    """Sum up one set at one place.

    `auc` is of all pictures whose face was found and scored, whatever the gate said; `bpcer` and
    `apcer` of those that were decided; `undecided_live` and `_attack` of all.
    """
    live, attacks = ([s for s in seen if s.live == flag] for flag in (True, False))
    known = [s for s in seen if s.score is not None]
    decided = [[s for s in of if s.label != "undecided"] for of in (live, attacks)]
    reasons = Counter(s.reason for s in seen if s.label == "undecided")
    both = {s.live for s in known} == {True, False}
    scores = (
        make_scores(
            np.array([s.score for s in known]), [s.live for s in known],
            group=[s.group for s in known],
        )
        if both
        else None
    )  # fmt: skip
    return {
        "auc": None if scores is None else auc(scores),
        "auc_ci95": None if scores is None else _interval(scores),
        "n_scored": len(known),
        "bpcer": rate(sum(s.label == "spoof" for s in decided[0]), len(decided[0])),
        "apcer": rate(sum(s.label == "live" for s in decided[1]), len(decided[1])),
        "undecided_live": rate(len(live) - len(decided[0]), len(live)),
        "undecided_attack": rate(len(attacks) - len(decided[1]), len(attacks)),
        "reasons": dict(reasons.most_common()),
    }


def _interval(scores: Scores) -> list[float] | None:
    try:
        found = auc_interval(scores)
    except InputError:  # one person a class
        return None
    return [found.low, found.high]


def measure(every: int, seed: int) -> dict[str, Any]:
    """Check each `every`-th picture with a known face of both sets at every place."""
    detector, root, start = despoof.load(), find_data_root(), time.perf_counter()
    spots = list(places())
    rows: list[dict[str, Any]] = [{"curve": name, "level": level} for name, level, _ in spots]
    counts: dict[str, dict[str, int]] = {}
    for title, (dataset, split) in SETS.items():
        chosen = select(read_samples(root, dataset), split)[::every]
        images = [(sample, read_image(sample.path)) for sample in chosen]
        images = [(sample, image) for sample, image in images if face_of(sample, image)]
        found = [judged(detector, sample, image, seed) for sample, image in images]
        for number, row in enumerate(rows):
            row[title] = figures([seen[number] for seen in found])
        live = sum(sample.live for sample, _ in images)
        counts[title] = {
            "n_live": live,
            "n_attack": len(images) - live,
            "n_people": len({sample.group for sample, _ in images}),
            "without_face": len(chosen) - len(images),
        }
        print(f"{title}: {counts[title]}, {time.perf_counter() - start:.0f} s")
    record = detector.record
    return {
        "weights": detector.name,
        "sha256": None if record is None else record.sha256,
        "threshold": detector.threshold,
        "every": every,
        "seed": seed,
        "sets": counts,
        "rows": rows,
        **conditions(),
    }


def main() -> None:
    """Measure, keep, draw."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--every", type=int, default=8, metavar="K", help="each K-th picture")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--page", action="store_true", help="do not measure")
    asked = parser.parse_args()
    if not asked.page:
        text = json.dumps(measure(asked.every, asked.seed), indent=1)
        with atomic_path(RESULT) as path:
            path.write_text(text + "\n", encoding="utf-8")
    write_page(json.loads(RESULT.read_text(encoding="utf-8")))


if __name__ == "__main__":
    main()
