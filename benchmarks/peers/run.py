"""Measure public peers and our weights side by side; write results/peers.json and docs/peers.md.

    python benchmarks/peers/run.py                                # all weights that are here
    python benchmarks/peers/run.py --peers DIR --weights a=runs/a/weights --csv b=scores.csv
    python benchmarks/peers/run.py --page                         # the page again, from the JSON

Peers are ONNX files that are not part of this repository; one that is not there is skipped, and
said to be. Run it from the repository's root; what was scored before is kept in cache/peers.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from skimage import data

sys.path.append(str(Path(__file__).parents[1]))

from cut_sets import samples_of
from recording import write

from despoof.core.errors import DespoofError
from despoof.core.files import sha256
from despoof.core.types import Face
from despoof.data.samples import Sample
from despoof.data.store import face_of
from despoof.media.images import read_image
from peers.candidates import PEERS, default_weights, gather, named
from peers.comparing import comparisons
from peers.contract import Candidate
from peers.figures import row_of, threshold_of
from peers.latency import latencies
from peers.minifasnet import reachable
from peers.page import write_page
from peers.pictures import with_faces
from peers.protocol import NEW_PEOPLE, SETS, answers_of, dev_scores, tables_of

CACHE = Path("cache") / "peers"
FACE = Face(box=(170, 70, 280, 200))  # of scikit-image's astronaut: what latency is measured on


def room_of(samples: Sequence[Sample]) -> float:
    """Median scale that the pictures leave a box to grow to (MiniFASNet wants 2.7 and 4)."""
    found: list[float] = []
    for sample in samples:
        image = read_image(sample.path)
        face = face_of(sample, image)
        assert face is not None, sample.name
        found.append(reachable(image.shape[:2], face.box, np.inf))
    return float(np.median(found))


def facts_of(
    candidate: Candidate, threshold: float | None, times: dict[str, dict[str, Any]]
) -> dict[str, Any]:
    """What is known about a candidate, as JSON values."""
    return {
        "name": candidate.name,
        "kind": candidate.kind,
        "trained_on": candidate.trained_on,
        "datasets": None if candidate.datasets is None else sorted(candidate.datasets),
        "rule": candidate.rule,
        "threshold": threshold,
        "bytes": sum(p.stat().st_size for p in candidate.files) if candidate.open else None,
        "sha256": [sha256(path) for path in candidate.files],
        "parameters": candidate.parameters,
        **times.get(candidate.name, {}),
    }


def measure(
    candidates: Sequence[Candidate],
    skipped: Sequence[str],
    *,
    draws: int,
    every: int = 1,
    rounds: int = 30,
) -> None:
    """Judge, compare, time, and write; of every set only each `every`-th picture."""
    names = dict.fromkeys((*SETS, *(n for c in candidates if c.threshold is None for n in c.dev)))
    samples = {name: samples_of(name)[::every] for name in names}
    pictures = {name: with_faces(part) for name, part in samples.items()}
    answers = answers_of(candidates, pictures, CACHE)
    thresholds = {c.name: threshold_of(c, dev_scores(c, pictures, answers)) for c in candidates}
    new_people = {sample.name for sample in samples_of(NEW_PEOPLE)}
    tables = tables_of(candidates, pictures, answers, thresholds, new_people)
    kinds = {candidate.name: candidate.kind for candidate in candidates}
    tests = comparisons(
        [table for table in tables if kinds[table.candidate] == "ours"],
        [table for table in tables if kinds[table.candidate] != "ours"],
        draws=draws,
    )
    times = latencies(candidates, data.astronaut(), FACE, rounds)
    write(
        "peers",
        {
            "candidates": [facts_of(c, thresholds[c.name], times) for c in candidates],
            "skipped": list(skipped),
            "rows": [row_of(table) for table in tables],
            "tests": tests,
            "room": {name: room_of(pictures[name]) for name in SETS},
            "without_face": {n: len(samples[n]) - len(pictures[n]) for n in SETS},
            "load": times[""]["load"],
            "draws": draws,
            "every": every,
            "rounds": rounds,
        },
    )


def main(arguments: Sequence[str] | None = None) -> None:
    """Parse the command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--peers", type=Path, default=PEERS, help="folder of the ONNX files")
    parser.add_argument("--weights", action="append", metavar="name=DIR", help="ours, repeatable")
    parser.add_argument("--csv", action="append", default=[], metavar="name=FILE")
    parser.add_argument("--draws", type=int, default=2000)
    parser.add_argument("--every", type=int, default=1, help="each N-th picture only")
    parser.add_argument("--rounds", type=int, default=30, help="of timing; 0: no timing")
    parser.add_argument("--page", action="store_true", help="write the page from the JSON only")
    given = parser.parse_args(arguments)
    try:
        if not given.page:
            weights = named(given.weights, "--weights") if given.weights else default_weights()
            candidates, skipped = gather(given.peers, weights, named(given.csv, "--csv"))
            for line in skipped:
                print(f"skipped: {line}")
            measure(
                candidates,
                skipped,
                draws=given.draws,
                every=given.every,
                rounds=given.rounds,
            )
    except DespoofError as error:
        sys.exit(str(error))
    write_page()


if __name__ == "__main__":
    main()
