"""How true to life is the simulator? Writes results/realism.json and docs/realism.md.

    python benchmarks/realism.py nuaa [--split train]  # simulated against NUAA's real prints
    python benchmarks/realism.py celeba  # every species against CelebA-Spoof's attacks
    python benchmarks/realism.py pairs   # the same portrait, really and simulated
    python benchmarks/realism.py page

Both sides go through the same cutting. Recipes are tuned on NUAA's training people; the figure is
of its development people. CelebA-Spoof: train people for tuning, dev people for the figure.
"""

import argparse
import json
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from realism_page import write_page
from two_samples import Sample, by_statistic, classifier, sample_of

from despoof.core.device import seed_of
from despoof.core.errors import InputError
from despoof.core.types import Box, Image
from despoof.data import samples as tables
from despoof.data.real_pairs import CACHE, load_pair, read_pairs
from despoof.data.samples import find_data_root, read_samples, select
from despoof.media.images import read_image
from despoof.recapture.match_statistics import pair_statistics
from despoof.recapture.pipeline import recapture
from despoof.recapture.plane import move_points
from despoof.recapture.species import SPECIES, sample_recipe
from despoof.recapture.statistics import statistics

OUT = Path(__file__).parent / "results" / "realism.json"
SIDE = 128  # px of every measured face
WIDE_SIDE = 288  # px of NUAA's pictures, 1.8 × the face, before they are simulated or cut
CLEAN = 0.8  # agreement of a pair whose medium is flat and hidden by nothing
PRINTS = tuple(name for name in SPECIES if name.startswith("print/"))


@dataclass(frozen=True)
class Shown:
    """A simulated attack and where its face is."""

    image: Image
    box: Box
    genuine: Image
    inside: np.ndarray
    species: str


def simulate(image: Image, box: Box, species: str, seed: int) -> Shown:
    """Recapture a picture; its box moves along."""
    rng = np.random.default_rng(seed)
    height, width = image.shape[:2]
    taken = recapture(image, sample_recipe(species, rng, size=(height, width), framing="tight"))
    x1, y1, x2, y2 = box
    corners = np.array([[x1, y1], [x2, y1], [x2, y2], [x1, y2]]) - 0.5
    moved = move_points(taken.matrix, corners) + 0.5
    low, high = moved.min(axis=0), moved.max(axis=0)
    return Shown(
        taken.image,
        (float(low[0]), float(low[1]), float(high[0]), float(high[1])),
        taken.genuine,
        taken.inside > 0.999,
        species,
    )


def cut(image: Image, box: Box, scale: float) -> Image | None:
    """Cut a square of `scale` × the box, SIDE px; None where it leaves the picture by a tenth."""
    x1, y1, x2, y2 = box
    side = round(scale * max(x2 - x1, y2 - y1))
    left, top = round((x1 + x2 - side) / 2), round((y1 + y2 - side) / 2)
    height, width = image.shape[:2]
    over = max(-left, -top, left + side - width, top + side - height)
    if over > 0.1 * side or side < 64:
        return None
    side = min(side, height, width)
    left, top = min(max(left, 0), width - side), min(max(top, 0), height - side)
    return cv2.resize(
        image[top : top + side, left : left + side], (SIDE, SIDE), interpolation=cv2.INTER_AREA
    )


def compare(real: Sample, simulated: dict[str, Sample]) -> dict[str, Any]:
    """Each species, and all together, against the real pictures."""
    found: dict[str, Any] = {}
    parts = dict(simulated)
    if len(simulated) > 1:
        parts["all"] = joined(list(simulated.values()), len(real))
    for name, part in parts.items():
        found[name] = {
            "classifier": classifier(real, part),
            "statistics": by_statistic(real, part),
        }
        print(name, json.dumps(found[name]["classifier"]))
        for row in found[name]["statistics"][:8]:
            print("   ", line(row))
    return found


def line(row: dict[str, Any]) -> str:
    """One statistic, readable."""
    real, simulated = (
        f"{row[k][1]:.3g} [{row[k][0]:.3g}, {row[k][2]:.3g}]" for k in ("real", "simulated")
    )
    return (
        f"{row['statistic']}: real {real}, simulated {simulated}, KS {row['ks']:.2f} "
        f"p {row['p']:.1g} (people {row['p_people']:.2g}), AUC {row['auc']:.3f}, "
        f"effect {row['effect']:+.2f}"
    )


def joined(parts: list[Sample], most: int) -> Sample:
    """Every species' pictures in equal shares, at most `most`."""
    rng = np.random.default_rng(0)
    share = max(1, most // len(parts))
    kept = [part.at(rng.permutation(len(part))[:share]) for part in parts if len(part)]
    return Sample(
        {n: np.concatenate([part.table[n] for part in kept]) for n in kept[0].table},
        np.concatenate([part.people for part in kept]),
    )


def nuaa(split: tables.Split, limit: int) -> None:
    """Simulated prints of live frames against real prints of the same people, tight crops."""
    samples = select(read_samples(find_data_root(), "nuaa"), split)

    def load(sample: tables.Sample) -> Iterator[tuple[Image, Box]]:
        image = read_image(sample.path)
        scale = WIDE_SIDE / max(image.shape[:2])
        small = cv2.resize(image, (WIDE_SIDE, WIDE_SIDE), interpolation=cv2.INTER_AREA)
        if sample.box is not None:
            x1, y1, x2, y2 = (scale * edge for edge in sample.box)
            yield small, (x1, y1, x2, y2)

    save({f"nuaa {split}": against(samples, PRINTS, load, 1.25, limit)})


def celeba(split: tables.Split, limit: int) -> None:
    """Every species, made from live portraits, against the same people's real attacks."""
    samples = select(read_samples(find_data_root(), "celeba-spoof"), split, contains="/crops/")

    def load(sample: tables.Sample) -> Iterator[tuple[Image, Box]]:
        yield read_image(sample.path), (20.0, 20.0, 204.0, 204.0)  # 20 px of margin, by the README

    save({f"celeba-spoof {split}": against(samples, tuple(SPECIES), load, 1.0, limit)})


def against(
    samples: list[tables.Sample],
    species: tuple[str, ...],
    load: Callable[[tables.Sample], Iterator[tuple[Image, Box]]],
    scale: float,
    limit: int,
) -> dict[str, Any]:
    """Measure both sides and compare."""
    both = {s.subject for s in samples if s.live} & {s.subject for s in samples if not s.live}
    rows: dict[str, tuple[list[dict[str, float]], list[str]]] = {n: ([], []) for n in species}
    rows["real"] = ([], [])
    rng = np.random.default_rng(0)
    lost = dict.fromkeys(rows, 0)
    for name in rows:
        wanted = [s for s in samples if s.subject in both and s.live == (name != "real")]
        for k in rng.permutation(len(wanted))[: limit if name != "real" else 3 * limit]:
            sample = wanted[k]
            for image, box in load(sample):
                seen, place = image, box
                if name != "real":
                    shown = simulate(image, box, name, seed_of(name, sample.name))
                    seen, place = shown.image, shown.box
                face = cut(seen, place, scale)
                if face is None:
                    lost[name] += 1
                    continue
                rows[name][0].append(statistics(face))
                rows[name][1].append(sample.subject)
        print(name, len(rows[name][0]), "lost", lost[name], flush=True)
    made = {name: sample_of(*rows[name]) for name in species if rows[name][0]}
    return {"lost": lost, **compare(sample_of(*rows["real"]), made)}


def pairs(split: tables.Split, limit: int) -> None:
    """Real noise against simulated noise of the same portrait."""
    from real_pairs import flat

    root = find_data_root()
    listed = [
        pair
        for pair in read_pairs(CACHE)
        if pair.split == split and pair.registration.agreement >= CLEAN
    ]
    order = np.random.default_rng(0).permutation(len(listed))[: 3 * limit]
    rows: dict[str, tuple[list[dict[str, float]], list[str]]] = {n: ([], []) for n in SPECIES}
    rows["real"] = ([], [])
    for number, pair in enumerate(listed[k] for k in order):
        portrait = read_image(root / pair.live)
        parts = {"real": load_pair(root, pair)}
        for name in list(SPECIES)[number % 3 :: 3]:  # a third of the species each, for time
            shown = simulate(portrait, (20, 20, 204, 204), name, seed_of(name, pair.attack))
            parts[name] = (shown.genuine, shown.image, shown.inside)
        for name, (genuine, image, inside) in parts.items():
            try:
                found = flat(pair_statistics(genuine, image, inside))
            except InputError:
                continue
            rows[name][0].append({k: v for k, v in found.items() if not k.startswith("genuine")})
            rows[name][1].append(pair.subject)
    made = {name: sample_of(*rows[name]) for name in SPECIES if rows[name][0]}
    save({f"pairs {split}": compare(sample_of(*rows["real"]), made)})


def save(part: dict[str, Any]) -> None:
    """Put a part into the result file, with the commit that made it; keep the others."""
    asked = subprocess.run(
        ["git", "log", "-1", "--format=%h", "--", "src/despoof/recapture"],
        capture_output=True,
        text=True,
        check=False,
    )
    part = {key: {"simulator": asked.stdout.strip(), **value} for key, value in part.items()}
    old = json.loads(OUT.read_text(encoding="utf-8")) if OUT.exists() else {}
    OUT.write_text(json.dumps({**old, **part}, indent=1) + "\n", encoding="utf-8")


def main() -> None:
    """Parse the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("command", choices=("nuaa", "celeba", "pairs", "page"))
    parser.add_argument("--split", choices=("train", "dev"), default="dev")
    parser.add_argument("--limit", type=int, default=100, help="simulated pictures a species")
    arguments = parser.parse_args()
    if arguments.command == "page":
        write_page(json.loads(OUT.read_text(encoding="utf-8")))
    else:
        {"nuaa": nuaa, "celeba": celeba, "pairs": pairs}[arguments.command](
            arguments.split, arguments.limit
        )


if __name__ == "__main__":
    main()
