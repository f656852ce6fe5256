"""The text lists of SiW-Mv2's authors: one stem a line, repeated where they balance types."""

from collections.abc import Mapping, Sequence
from pathlib import Path, PurePosixPath

from despoof.core.errors import DataError
from despoof.data.datasets.contract import Problem
from despoof.data.datasets.siw_types import read_stem
from despoof.data.datasets.tree import problem
from despoof.data.manifest import Clip

LIST_NAMES = (
    "trainlist_all",
    "trainlist_live",
    "testlist_all",
    "testlist_live",
    *(
        f"{part}_{domain}"
        for domain in ("A_pretrain", "B_spoof", "C_race", "D_age", "E_ill")
        for part in ("train", "test")
    ),
)


def find_lists(root: Path, names: Sequence[str]) -> dict[str, frozenset[str]]:
    """Read the lists of a copy.

    Args:
        root: of the copy.
        names: its files, relative to the root.

    Returns:
        Name without suffix to the stems that it holds, for each list that is there, in the order
        of `LIST_NAMES`.

    Raises:
        DataError: a list cannot be read, comes twice with different stems, or has a line that is
            no stem of the dataset.
    """
    found: dict[str, frozenset[str]] = {}
    for name in names:
        path = PurePosixPath(name)
        if path.suffix != ".txt" or path.stem not in LIST_NAMES:
            continue
        stems = _stems(root / name)
        if found.get(path.stem, stems) != stems:
            raise DataError(f"{root / name} differs from another {path.name}. Keep one of them.")
        found[path.stem] = stems
    return {name: found[name] for name in LIST_NAMES if name in found}


def list_problems(
    lists: Mapping[str, frozenset[str]], clips: Sequence[Clip]
) -> tuple[Problem, ...]:
    """Report stems that lists name and no clip has."""
    there = {clip.path.stem for clip in clips}
    absent = [
        f"{name}.txt: {stem}" for name, stems in lists.items() for stem in sorted(stems - there)
    ]
    return problem(
        "clips that a list names and that are not there",
        absent,
        "They are missing in the protocols. The lists are known to name 11 live clips too many.",
    )


def _stems(file: Path) -> frozenset[str]:
    try:
        words = file.read_text(encoding="utf-8").split()
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(
            f"The list {file} cannot be read: {error}. Restore it, or delete it."
        ) from error
    if strange := [word for word in words if not read_stem(word)]:
        raise DataError(
            f"{file}: {strange[0]!r} is no name of a clip (and {len(strange) - 1} more). A list "
            "has one name a line, such as Makeup_Co_5. Restore it, or delete it."
        )
    return frozenset(words)
