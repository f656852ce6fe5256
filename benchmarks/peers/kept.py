"""Answers on disk: one file for each candidate and view, one line for each picture."""

import hashlib
import json
from pathlib import Path

from despoof.core.files import sha256
from despoof.data.samples import Sample
from peers.contract import Candidate, Judged

LAYOUT = 1  # raise it when an adapter's or the stress's pixels change: old answers are not read


def kept_file(cache: Path, candidate: Candidate, *, stressed: bool) -> Path:
    """Return where a candidate's answers are; the name follows from its files' contents."""
    files = list(candidate.files)
    if candidate.kind == "ours":  # the configuration decides crop and score too
        files += [path.with_name("config.json") for path in candidate.files]
    text = json.dumps([LAYOUT, candidate.kind, [sha256(path) for path in files], stressed])
    return cache / f"{hashlib.sha256(text.encode()).hexdigest()[:16]}.csv"


def key_of(sample: Sample) -> str:
    """Return 16 hex digits that name a picture and the face in it."""
    points = None if sample.landmarks is None else sample.landmarks.tolist()
    text = json.dumps([sample.name, sample.box, points])
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def read_kept(path: Path) -> dict[str, Judged]:
    """Return what is kept, by `key_of`; a line that a stopped run left half written is cut off."""
    if not path.exists():
        return {}
    text = path.read_text(encoding="ascii")
    whole = text[: text.rfind("\n") + 1]
    if whole != text:
        path.write_text(whole, encoding="ascii")
    rule = {"": None, "0": False, "1": True}
    cells = [line.split(",") for line in whole.splitlines()]
    return {key: Judged(float(score), rule[live]) for key, score, live in cells}


def add(path: Path, key: str, answer: Judged) -> None:
    """Keep one answer, bit for bit."""
    live = "" if answer.live is None else str(int(answer.live))
    with path.open("a", encoding="ascii") as stream:
        stream.write(f"{key},{answer.score!r},{live}\n")
