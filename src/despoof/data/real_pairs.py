"""Real pairs: attack photographs of CelebA-Spoof whose very portrait is there as live.

A person's live portraits are laid onto each of the person's attack photographs; the one that fits
best is its source, if any fits. The list holds names and numbers, never pictures.
"""

import json
import math
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from despoof.core.errors import DataError
from despoof.core.files import atomic_path
from despoof.core.types import Image
from despoof.data.samples import Sample, Split, read_samples
from despoof.media.images import read_image
from despoof.recapture.features import Features, find_features
from despoof.recapture.plane import warp_plane
from despoof.recapture.register import Registration, is_pair, try_register

CACHE = Path("cache") / "real_pairs.json"
CROPS = "celeba-spoof/crops/"
VERSION = "pairs-1"
"""Changes whenever the same pictures give other pairs or other matrices."""


@dataclass(frozen=True)
class RealPair:
    """A live portrait and the photograph of its print or screen.

    Attributes:
        live: name of the portrait, relative to the data folder.
        attack: name of the attack photograph.
        subject: who is seen.
        split: train, dev or test, by person.
        registration: where the portrait lies in the attack photograph.
    """

    live: str
    attack: str
    subject: str
    split: Split
    registration: Registration


def real_pairs(root: Path, cache: Path = CACHE) -> list[RealPair]:
    """Return the pairs of CelebA-Spoof's crops, one an attack photograph at most.

    They are read from `cache` where it holds them, else found (about ten minutes of one core) and
    written there.

    Raises:
        DataError: the table is missing or malformed, or the cache is not a list of pairs.
    """
    if not cache.exists():
        write_pairs(list(find_pairs(read_samples(root, "celeba-spoof"))), cache)
    return read_pairs(cache)


def find_pairs(samples: Iterable[Sample]) -> Iterator[RealPair]:
    """Yield the best portrait of every attack photograph that has one, person by person."""
    for _, tries in candidates(samples):
        pairs = [pair for pair in tries if is_pair(pair.registration)]
        if pairs:
            yield max(pairs, key=lambda pair: pair.registration.agreement)


def candidates(
    samples: Iterable[Sample], other: bool = False
) -> Iterator[tuple[Sample, list[RealPair]]]:
    """Lay every portrait of a person on every attack photograph of the same person.

    Args:
        samples: of CelebA-Spoof; those with surroundings name nobody and are left out.
        other: take another person's portraits instead, the next but 36 in the order of names:
            what then fits is false.

    Yields:
        Each attack photograph, and its registrations, good or not.
    """
    people: dict[str, list[Sample]] = {}
    for sample in samples:
        if sample.name.startswith(CROPS):
            people.setdefault(sample.subject, []).append(sample)
    names = sorted(people)
    for number, name in enumerate(names):
        shown = people[names[(number + 37) % len(names)]] if other else people[name]
        portraits = [(s, *_load(s)) for s in shown if s.live]
        for attack in (s for s in people[name] if not s.live):
            fixed, fixed_features = _load(attack)
            tries: list[RealPair] = []
            for live, moving, features in portraits:
                found = try_register(moving, fixed, features, fixed_features)
                if found is not None:
                    tries.append(RealPair(live.name, attack.name, name, attack.split, found))
            yield attack, tries


def load_pair(root: Path, pair: RealPair) -> tuple[Image, Image, NDArray[np.bool_]]:
    """Read a pair.

    Returns:
        (H, W, 3) uint8 portrait, registered to the attack with its light untouched; (H, W, 3)
        uint8 attack photograph; (H, W) bool, True where the portrait is known.
    """
    attack = read_image(root / pair.attack)
    shape = (attack.shape[0], attack.shape[1])
    genuine, inside = warp_plane(read_image(root / pair.live), pair.registration.matrix, shape)
    return genuine, attack, inside


def write_pairs(pairs: Iterable[RealPair], path: Path) -> None:
    """Write pairs as JSON, whole or not at all; NaN becomes null."""
    rows = [_plain(pair) for pair in pairs]
    path.parent.mkdir(parents=True, exist_ok=True)
    with atomic_path(path) as temporary:
        text = json.dumps({"version": VERSION, "pairs": rows}, allow_nan=False)
        temporary.write_text(text, encoding="utf-8")


def read_pairs(path: Path) -> list[RealPair]:
    """Read what `write_pairs` wrote.

    Raises:
        DataError: the file is missing, of another version, or not a list of pairs.
    """
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        if found["version"] != VERSION:
            raise ValueError(f"version {found['version']!r}")
        return [_pair(row) for row in found["pairs"]]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DataError(
            f"{path} is no list of real pairs of {VERSION} ({error}). Delete it; it is made again."
        ) from error


def _plain(pair: RealPair) -> dict[str, object]:
    row = asdict(pair)
    registration = row["registration"]
    registration["matrix"] = pair.registration.matrix.tolist()
    for key, value in registration.items():
        if isinstance(value, float) and math.isnan(value):
            registration[key] = None
    return row


def _pair(row: dict[str, Any]) -> RealPair:
    values: dict[str, Any] = {
        key: math.nan if value is None else value for key, value in row["registration"].items()
    }
    values["matrix"] = np.array(values["matrix"], np.float64).reshape(3, 3)
    rest: dict[str, Any] = {**row, "registration": Registration(**values)}
    return RealPair(**rest)


def _load(sample: Sample) -> tuple[Image, Features]:
    image = read_image(sample.path)
    return image, find_features(image)
