"""OULU-NPU's own protocol lists, compared with the rules by which we divide."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from despoof.core.errors import DataError
from despoof.data.datasets.contract import Problem, Protocol
from despoof.data.datasets.tree import problem
from despoof.data.manifest import Clip

_PARTS = {"Train": "train", "Dev": "dev", "Test": "test"}


def list_problems(
    root: Path, protocols: Mapping[str, Protocol], complete: Sequence[Clip]
) -> tuple[Problem, ...]:
    """Compare each list that a copy holds with our division of the complete set.

    Args:
        root: of the copy; lists are optional.
        protocols: ours, p1 to p4_6.
        complete: a clip for every video of the published set, there or not.

    Returns:
        Lines that our rules do not give, and lines that a list lacks; () where all agree.

    Raises:
        DataError: a list cannot be read.
    """
    extra: list[str] = []
    lacking: list[str] = []
    for name, protocol in protocols.items():
        files = {part: root / "Protocols" / list_path(name, part) for part in _PARTS}
        if not any(file.is_file() for file in files.values()):
            continue
        division = protocol.divide(complete)
        for part, file in files.items():
            if not file.is_file():
                continue
            ours = {list_line(clip) for clip in getattr(division, _PARTS[part])}
            theirs = _lines(file)
            where = file.relative_to(root).as_posix()
            extra += [f"{where}: {line}" for line in sorted(theirs - ours)]
            lacking += [f"{where}: {line}" for line in sorted(ours - theirs)]
    advice = "The published rule is used. Restore the list from the original archive."
    return problem("lines of protocol lists against the published rule", extra, advice) + problem(
        "lines that protocol lists lack by the published rule", lacking, advice
    )


def list_path(protocol: str, part: str) -> str:
    """Return where the set keeps a list, below Protocols.

    >>> list_path("p1", "Train"), list_path("p3_2", "Dev")
    ('Protocol_1/Train.txt', 'Protocol_3/Dev_2.txt')
    """
    number, _, fold = protocol.removeprefix("p").partition("_")
    return f"Protocol_{number}/{part}{'_' if fold else ''}{fold}.txt"


def list_line(clip: Clip) -> str:
    """Return the line of a list that stands for a clip, e.g. "-1,1_1_01_2" for a print."""
    sign = {"live": "+1", "print": "-1", "replay": "-2"}[clip.species.partition("/")[0]]
    return f"{sign},{clip.path.stem}"


def _lines(file: Path) -> set[str]:
    try:
        text = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(
            f"The protocol list {file} cannot be read: {error}. Restore it, or delete it: the "
            "published rules are used without it."
        ) from error
    return {line.replace(" ", "") for line in text.splitlines() if line.strip()}
