"""Leave one kind of attack out: train on all others, test on it."""

from collections.abc import Collection, Sequence
from functools import partial

from despoof.core.errors import DataError
from despoof.data.datasets.contract import Division, Protocol
from despoof.data.manifest import Clip
from despoof.data.protocols.parts import has_splits, unknown_people, with_splits


def unseen_protocols(clips: Sequence[Clip]) -> dict[str, Protocol]:
    """Return one protocol for each species, and one for each family of several species.

    They are called `unseen-print-a4` and `unseen-print`. A set with one kind of attack has none.
    """
    kinds: dict[str, set[str]] = {}
    for clip in clips:
        if not clip.live and clip.species:
            for name in (clip.species, clip.species.partition("/")[0]):
                slug = "-".join(name.lower().replace("/", " ").replace("_", " ").split())
                kinds.setdefault(f"unseen-{slug}", set()).add(clip.species)
    every = {clip.species for clip in clips if not clip.live}
    found: dict[str, Protocol] = {}
    for name, species in sorted(kinds.items()):
        if species < every:
            divide = partial(_divide, unseen=frozenset(species))
            found[name] = Protocol(name, divide, None, "leave one species out; live by split")
    return found


def _divide(clips: Sequence[Clip], unseen: Collection[str]) -> Division:
    parted = with_splits(clips)
    seen = [clip for clip in parted if clip.live or clip.species not in unseen]
    division = Division(
        train=tuple(clip for clip in seen if clip.split == "train"),
        dev=tuple(clip for clip in seen if clip.split == "dev"),
        test=tuple(c for c in parted if c.split == "test" and (c.live or c.species in unseen)),
        notes=_notes(clips, unseen),
    )
    if not all(any(c.live is live for c in division.test) for live in (True, False)):
        raise DataError(
            f"The test part has no live clips or none of {', '.join(sorted(unseen))}: nothing can "
            "be judged. Use a species of which the test split has clips."
        )
    return division


def _notes(clips: Sequence[Clip], unseen: Collection[str]) -> tuple[str, ...]:
    how = "the manifest's own splits" if has_splits(clips) else "people, 6 to 2 to 2"
    notes = (f"Divided by {how}; {', '.join(sorted(unseen))} only in test, other attacks not.",)
    nameless = sum(not clip.live and not clip.species for clip in clips)
    if nameless:
        notes += (f"{nameless} attacks have no species and count as seen.",)
    return notes if has_splits(clips) else notes + unknown_people(clips)
