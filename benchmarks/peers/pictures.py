"""The pictures that all candidates see, and what each says of them, kept for the next run."""

from collections.abc import Sequence
from pathlib import Path

from despoof.data.samples import Sample
from despoof.data.store import face_of
from despoof.media.images import read_image
from peers.contract import Candidate, Judge, Judged
from peers.kept import add, kept_file, key_of, read_kept
from peers.stressing import stressed_picture


def with_faces(samples: Sequence[Sample]) -> list[Sample]:
    """Keep the samples whose face is known (`data.store.face_of`)."""
    return [s for s in samples if s.box is not None or "/crops/" in s.name]


def judge_picture(judges: dict[str, Judge], sample: Sample, *, stressed: bool) -> dict[str, Judged]:
    """Show one picture, read once and maybe stressed, to every judge; answers by name."""
    image = read_image(sample.path)
    face = face_of(sample, image)
    assert face is not None, sample.name
    if stressed:
        image = stressed_picture(image, face, sample.name)
    return {name: judge(image, face) for name, judge in judges.items()}


def judged(
    candidates: Sequence[Candidate], samples: Sequence[Sample], cache: Path, *, stressed: bool
) -> dict[str, list[Judged]]:
    """Let every candidate with weights judge every picture; what was judged before is not again.

    Every answer is kept as soon as it is there, so that a run that is stopped goes on.

    Args:
        candidates: those without weights are left out.
        samples: from `with_faces`.
        cache: folder of what was judged before; made where it is not there.
        stressed: show the stressed twins.

    Returns:
        By candidate's name, one answer a sample, in order.
    """
    cache.mkdir(parents=True, exist_ok=True)
    openers = {c.name: c.open for c in candidates if c.open is not None}
    files = {c.name: kept_file(cache, c, stressed=stressed) for c in candidates}
    known = {name: read_kept(files[name]) for name in openers}
    judges: dict[str, Judge] = {}
    for sample in samples:
        key = key_of(sample)
        new = [name for name in openers if key not in known[name]]
        judges |= {name: openers[name](1) for name in new if name not in judges}
        asked = {name: judges[name] for name in new}
        for name, answer in (
            judge_picture(asked, sample, stressed=stressed) if new else {}
        ).items():
            add(files[name], key, answer)
            known[name][key] = answer
    return {name: [known[name][key_of(s)] for s in samples] for name in openers}
