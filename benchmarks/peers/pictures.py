"""The pictures that all candidates see, and what each says of them, kept for the next run."""

import csv
import hashlib
import json
from collections.abc import Sequence
from pathlib import Path

from despoof.core.files import atomic_path, sha256
from despoof.data.samples import Sample
from despoof.data.store import face_of
from despoof.media.images import read_image
from peers.contract import Candidate, Judge, Judged
from peers.stressing import stressed_picture

LAYOUT = 1  # raise it when an adapter's or the stress's pixels change: old scores are read no more


def with_faces(samples: Sequence[Sample]) -> list[Sample]:
    """Keep the samples whose face is known (`data.store.face_of`)."""
    return [s for s in samples if s.box is not None or "/crops/" in s.name]


def judge_all(
    judges: dict[str, Judge], samples: Sequence[Sample], *, stressed: bool
) -> dict[str, list[Judged]]:
    """Show every picture, once read and maybe stressed, to every judge.

    Args:
        judges: by the candidate's name.
        samples: from `with_faces`.
        stressed: show the stressed twins.

    Returns:
        By name, one answer a sample, in order.
    """
    found: dict[str, list[Judged]] = {name: [] for name in judges}
    for sample in samples:
        image = read_image(sample.path)
        face = face_of(sample, image)
        assert face is not None, sample.name
        if stressed:
            image = stressed_picture(image, face, sample.name)
        for name, judge in judges.items():
            found[name].append(judge(image, face))
    return found


def judged(
    candidates: Sequence[Candidate], samples: Sequence[Sample], cache: Path, *, stressed: bool
) -> dict[str, list[Judged]]:
    """Return `judge_all` of all candidates with weights; what the cache holds is not run again."""
    with_weights = [c for c in candidates if c.open is not None]
    paths = {c.name: cache / f"{_key(c, samples, stressed)}.csv" for c in with_weights}
    new = [c for c in with_weights if not paths[c.name].exists()]
    judges = {c.name: c.open(1) for c in new if c.open is not None}
    cache.mkdir(parents=True, exist_ok=True)
    for name, answers in (judge_all(judges, samples, stressed=stressed) if new else {}).items():
        _write(paths[name], answers)
    return {name: _read(path) for name, path in paths.items()}


def _key(candidate: Candidate, samples: Sequence[Sample], stressed: bool) -> str:
    files = [sha256(path) for path in candidate.files]
    # A system's configuration lies beside its weights and decides crop and score too.
    files += [
        sha256(path.with_name("config.json"))
        for path in candidate.files
        if candidate.kind == "ours"
    ]
    rows = [(s.name, s.box, str(s.landmarks)) for s in samples]
    text = json.dumps([LAYOUT, candidate.kind, files, rows, stressed])
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _write(path: Path, answers: Sequence[Judged]) -> None:
    with atomic_path(path) as temporary, temporary.open("w", newline="") as stream:
        csv.writer(stream).writerows(
            (repr(a.score), "" if a.live is None else int(a.live)) for a in answers
        )


def _read(path: Path) -> list[Judged]:
    with path.open(newline="") as stream:
        return [
            Judged(float(score), None if live == "" else live == "1")
            for score, live in csv.reader(stream)
        ]
