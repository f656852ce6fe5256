"""What each shipped set of weights says of five public pictures, pinned by the weights' hash.

    python benchmarks/pin_scores.py        # add what is not pinned yet; nothing pinned is changed

A move of code must not move a score: tests/test_pinned_scores.py compares. New weights get a new
entry; entries of weights that no longer ship are dropped. The pictures are made from scikit-image's
portrait of Eileen Collins (NASA, public domain).
"""

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image as Pillow
from skimage import data

from despoof.cli.judging import Answer
from despoof.core.types import Frame, Image
from despoof.core.verdicts import whole_clip
from despoof.detector import Detector, load
from despoof.weights.registry import FILES, records

PINNED = Path(__file__).parents[1] / "tests" / "pinned_scores.json"


def pictures() -> list[tuple[str, Image, bool]]:
    """Name, picture, and whether it is to be taken for a crop."""
    portrait: Image = np.asarray(data.astronaut())
    half = np.asarray(Pillow.fromarray(portrait).resize((300, 300), Pillow.Resampling.BOX))
    striped = portrait.copy()
    striped[::3] = (striped[::3] * 0.7).astype(np.uint8)
    tight = np.ascontiguousarray(portrait[50:230, 135:315])
    return [
        ("portrait", portrait, False),
        ("half", half, False),
        ("striped", striped, False),
        ("left part", np.ascontiguousarray(portrait[:330, :300]), False),
        ("crop", tight, True),
    ]


def said(detector: Detector) -> list[dict[str, Any]]:
    """The JSON of `despoof check` for each picture."""
    rows: list[dict[str, Any]] = []
    for name, picture, cropped in pictures():
        faces = detector.check([Frame(picture, name)], cropped=cropped)
        rows.append(Answer(whole_clip(faces), faces, (), 1).plain())
    return json.loads(json.dumps(rows))  # as a reader of the JSON has it: lists, no tuples


def identity(name: str) -> str:
    """SHA-256 over every file of a shipped set that decides a score."""
    folder = FILES / name
    digest = hashlib.sha256()
    for path in sorted([*folder.glob("*.safetensors"), folder / "config.json"]):
        digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


def main() -> None:
    """Pin what is not pinned."""
    old = json.loads(PINNED.read_text(encoding="utf-8")) if PINNED.exists() else {}
    kept: dict[str, Any] = {}
    for name in records():
        key = f"{name} {identity(name)}"
        kept[key] = old[key] if key in old else said(load(name))
        print(key, [row["score"] for row in kept[key]])
    PINNED.write_text(json.dumps(kept, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
