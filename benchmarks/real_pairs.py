"""Find CelebA-Spoof's real pairs and measure them; writes results/real_pairs.json.

    python benchmarks/real_pairs.py find      # ~20 min of one core: pairs, errors, false matches
    python benchmarks/real_pairs.py measure   # what became of light, detail and colour

The list of pairs (names and matrices) goes to cache/real_pairs.json, which
`despoof.data.real_pairs` reads. No picture is written.
"""

import argparse
import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from despoof.core.errors import InputError
from despoof.data.real_pairs import (
    CACHE,
    RealPair,
    candidates,
    load_pair,
    read_pairs,
    write_pairs,
)
from despoof.data.samples import find_data_root, read_samples
from despoof.recapture.match_statistics import PairStatistics, pair_statistics, tone_curve
from despoof.recapture.register import MIN_AGREEMENT, MIN_INLIERS, is_pair

OUT = Path(__file__).parent / "results" / "real_pairs.json"
PERCENTILES = (5, 25, 50, 75, 95)


def find() -> None:
    """Search the pairs, and the same with other people's portraits."""
    samples = read_samples(find_data_root(), "celeba-spoof")
    counts: dict[str, dict[str, Any]] = {}
    pairs: list[RealPair] = []
    for kind, other in (("same person", False), ("another person", True)):
        attacks = matched = 0
        best: list[RealPair] = []
        for attacks, (_, tries) in enumerate(candidates(samples, other), start=1):
            good = [pair for pair in tries if is_pair(pair.registration)]
            matched += bool(tries)
            if good:
                best.append(max(good, key=lambda pair: pair.registration.agreement))
            if attacks % 100 == 0:
                print(kind, attacks, len(best), flush=True)
        counts[kind] = {"attacks": attacks, "with_a_plane": matched, "accepted": len(best)}
        if not other:
            pairs = best
    write_pairs(pairs, CACHE)
    fits = [pair.registration for pair in pairs]
    errors = {
        name: spread([float(getattr(fit, name)) for fit in fits])
        for name in ("error_px", "residual_px", "agreement", "overlap", "inliers")
    }
    save(
        {
            "found": counts,
            "people": len({pair.subject for pair in pairs}),
            "rule": {"min_inliers": MIN_INLIERS, "min_agreement": MIN_AGREEMENT},
            "registration": errors,
            "splits": {s: sum(p.split == s for p in pairs) for s in ("train", "dev", "test")},
        }
    )


def measure() -> None:
    """Measure every pair; the distribution over pairs of every figure."""
    root = find_data_root()
    rows = [row for _, row in measured(root, read_pairs(CACHE))]
    curves = []
    for pair in read_pairs(CACHE):
        genuine, attack, inside = load_pair(root, pair)
        try:
            curves.append(tone_curve(genuine, attack, inside))
        except InputError:
            continue
    tone = np.array(curves)
    save(
        {
            "measured": len(rows),
            "statistics": {
                name: spread([row[name] for row in rows]) for name in (rows[0] if rows else ())
            },
            "tone_curve": [spread(tone[:, k].tolist()) for k in range(tone.shape[1])],
        }
    )


def measured(root: Path, pairs: list[RealPair]) -> list[tuple[RealPair, dict[str, float]]]:
    """Statistics of each pair that overlaps enough, flattened to one number a name."""
    found: list[tuple[RealPair, dict[str, float]]] = []
    for pair in pairs:
        try:
            found.append((pair, flat(pair_statistics(*load_pair(root, pair)))))
        except InputError:  # less than a tile of the picture is seen
            continue
    return found


def flat(statistics: PairStatistics) -> dict[str, float]:
    """Turn the octaves' tuples into names with a number."""
    found: dict[str, float] = {}
    for name, value in asdict(statistics).items():
        if isinstance(value, tuple):
            found |= {f"{name}_octave_{k}": float(v) for k, v in enumerate(value)}
        else:
            found[name] = float(value)
    return found


def spread(values: list[float]) -> dict[str, Any]:
    """Percentiles of the finite values, and their number."""
    array = np.asarray(values, np.float64)
    array = array[np.isfinite(array)]
    if not array.size:
        return {"n": 0}
    found = np.percentile(array, PERCENTILES)
    return {"n": array.size, **{f"p{p}": float(v) for p, v in zip(PERCENTILES, found, strict=True)}}


def save(part: dict[str, Any]) -> None:
    """Put a part into the result file, keep the others."""
    old = json.loads(OUT.read_text(encoding="utf-8")) if OUT.exists() else {}
    OUT.write_text(json.dumps({**old, **part}, indent=1) + "\n", encoding="utf-8")
    print(json.dumps(part, indent=1))


def main() -> None:
    """Parse the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("command", choices=("find", "measure"))
    {"find": find, "measure": measure}[parser.parse_args().command]()


if __name__ == "__main__":
    main()
