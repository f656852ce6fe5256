"""Dividing clips among train, dev and test: the words in which protocols are written."""

from collections.abc import Callable, Collection, Sequence

from despoof.core.cells import SPLITS
from despoof.core.errors import DataError
from despoof.data.datasets.contract import Division
from despoof.data.manifest import Clip

Wanted = Callable[[Clip], bool]
"""Whether a clip belongs."""


def everything(_: Clip) -> bool:
    """Want every clip."""
    return True


def cell(clip: Clip, column: str) -> str:
    """Return a clip's column as text: subject, session, …, split, or one of its extra columns."""
    if column in ("dataset", "subject", "session", "device", "label", "species", "split"):
        return str(getattr(clip, column))
    return clip.extra.get(column, "")


def need_columns(clips: Sequence[Clip], title: str, *columns: str) -> None:
    """Refuse clips that lack what a protocol divides by.

    Raises:
        DataError: there are no clips, or one has nothing in one of the columns.
    """
    if not clips:
        raise DataError(f"There are no clips of {title} to divide. Index its folder first.")
    for column in columns:
        without = [clip.name for clip in clips if not cell(clip, column)]
        if without:
            raise DataError(
                f"{len(without)} of {len(clips)} clips have no {column}, e.g. {without[0]}; this "
                f"protocol of {title} divides by it. Make the manifest with `despoof data index`."
            )


def divide(
    clips: Sequence[Clip],
    *,
    train: Wanted,
    dev: Wanted,
    test: Wanted,
    notes: tuple[str, ...] = (),
) -> Division:
    """Divide by three conditions, each part in the order of `clips`."""
    return Division(
        train=tuple(filter(train, clips)),
        dev=tuple(filter(dev, clips)),
        test=tuple(filter(test, clips)),
        notes=notes,
    )


def by_split(
    clips: Sequence[Clip],
    title: str,
    *,
    train: Wanted = everything,
    dev: Wanted | None = None,
    test: Wanted | None = None,
    notes: tuple[str, ...] = (),
) -> Division:
    """Divide by the split in which each clip lies, keeping what is wanted of each.

    Args:
        clips: each with a split.
        title: of the dataset, for messages.
        train: wanted of the train split.
        dev: wanted of the dev split; as for train where not given.
        test: wanted of the test split; as for train where not given.
        notes: for readers of figures.

    Raises:
        DataError: there are no clips, or one has no split.
    """
    need_columns(clips, title, "split")
    wanted = (train, dev or train, test or train)
    parts = (
        tuple(clip for clip in clips if clip.split == split and want(clip))
        for split, want in zip(SPLITS, wanted, strict=True)
    )
    return Division(*parts, notes=notes)


def carve_dev(division: Division, subjects: Collection[str], note: str) -> Division:
    """Move the train clips of some subjects to dev, and add a note.

    Raises:
        DataError: none of the subjects has a clip in train.
    """
    kept = tuple(clip for clip in division.train if clip.subject not in subjects)
    moved = tuple(clip for clip in division.train if clip.subject in subjects)
    if division.train and not moved:
        raise DataError(
            f"None of the people meant for dev ({', '.join(sorted(subjects))}) is in train. "
            "Index the complete dataset, or use the protocol without a dev split."
        )
    return Division(kept, division.dev + moved, division.test, (*division.notes, note))


def shared_subjects(division: Division) -> list[str]:
    """Return the subjects, as `dataset/subject`, that more than one part has; sorted."""
    parts = [
        {clip.group for clip in part if clip.subject}
        for part in (division.train, division.dev, division.test)
    ]
    train, dev, test = parts
    return sorted((train & dev) | (train & test) | (dev & test))


def published(sizes: str) -> dict[str, dict[str, int]]:
    """Spell published counts as `Division.counts` does.

    Args:
        sizes: live/attack of train, dev and test, with spaces between; "-" for an unknown part.

    >>> published("20/60 - 30/90")
    {'train': {'live': 20, 'attack': 60}, 'test': {'live': 30, 'attack': 90}}
    """
    pairs = {
        split: pair.split("/")
        for split, pair in zip(SPLITS, sizes.split(), strict=True)
        if pair != "-"
    }
    return live_attack(**{split: (int(pair[0]), int(pair[1])) for split, pair in pairs.items()})


def live_attack(**parts: tuple[int, int]) -> dict[str, dict[str, int]]:
    """Spell counts as `Division.counts` does, of the parts that are given.

    >>> live_attack(test=(120, 480))
    {'test': {'live': 120, 'attack': 480}}
    """
    return {name: {"live": live, "attack": attack} for name, (live, attack) in parts.items()}
