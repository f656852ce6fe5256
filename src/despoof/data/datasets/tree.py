"""Walking a dataset's folder, and saying by count and example what is wrong with it.

An adapter is mostly `index_files` with a function that reads one name. No file is opened here and
none is asked for its size or date: that is what keeps 100,000 files at seconds.
"""

import os
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from despoof.core.errors import DataError
from despoof.data.datasets.contract import Index, Problem
from despoof.data.manifest import Clip
from despoof.media.formats import VIDEO_SUFFIXES


def check_root(root: Path, title: str, layout: str, marks: Sequence[str]) -> None:
    """Refuse a folder that is not the dataset at all.

    Args:
        root: the folder that the user gave.
        title: of the dataset, for the message.
        layout: the tree expected, for the message.
        marks: files or folders relative to the root, of which at least one must be there.

    Raises:
        DataError: there is no such folder, or none of the marks is in it. Where the dataset lies
            one folder up or down, the message says so.
    """
    try:
        if not root.is_dir():
            raise DataError(f"There is no folder {root}. Give the folder that holds {title}.")
        if _has(root, marks):
            return
        hint = _where_else(root, marks)
    except OSError as error:
        raise DataError(
            f"Folder {error.filename or root} cannot be read: {error.strerror}. A dataset must be "
            "readable as a whole; change its permissions."
        ) from error
    raise DataError(
        f"{root} is not {title}: it has none of {', '.join(marks)}. "
        f"Give the folder that holds this:\n{layout.strip()}{hint}"
    )


def file_names(root: Path) -> list[str]:
    """List every file under a folder, as sorted POSIX paths relative to it.

    Hidden files and folders (".name") are passed over. Links to folders are followed, except those
    that lead to a folder which holds the link.

    Raises:
        DataError: a folder may not be read.
    """
    found: list[str] = []
    waiting = [""]
    while waiting:
        inside = waiting.pop()
        try:
            with os.scandir(root / inside) as entries:
                for entry in entries:
                    if entry.name.startswith("."):
                        continue
                    if not entry.is_dir():
                        found.append(inside + entry.name)
                    elif not (entry.is_symlink() and _leads_back(entry.path)):
                        waiting.append(f"{inside}{entry.name}/")
        except OSError as error:
            raise DataError(
                f"Folder {root / inside} cannot be read: {error.strerror}. A dataset must be "
                "readable as a whole; change its permissions."
            ) from error
    return sorted(found)


def stem_of(name: str) -> str:
    """Return a relative POSIX path without the suffix of its last part.

    >>> stem_of("Train_files/1_1_01_1.avi"), stem_of("a.b/c")
    ('Train_files/1_1_01_1', 'a.b/c')
    """
    head, slash, last = name.rpartition("/")
    return head + slash + os.path.splitext(last)[0]


def with_suffix(names: Iterable[str], suffixes: Iterable[str] = VIDEO_SUFFIXES) -> list[str]:
    """Keep the names with one of the suffixes (lower-case, with the dot), of whatever case."""
    kept = frozenset(suffixes)
    return [name for name in names if os.path.splitext(name)[1].lower() in kept]


def index_files(
    names: Iterable[str],
    clip_of: Callable[[str], Clip | None],
    expected: Iterable[str] = (),
    advice: str = "Compare with the original archive; unpack it again.",
) -> Index:
    """Turn file names into clips, and report what does not parse, comes twice or is missing.

    Args:
        names: relative POSIX paths of the files that should be clips.
        clip_of: reads one path; None where it does not follow the dataset's naming.
        expected: the complete dataset, as paths without suffix; nothing is missed without it.
        advice: what to do about missing files.

    Returns:
        Clips sorted by name. Of files that differ by suffix alone only the first is kept.

    Raises:
        DataError: not one path follows the naming: this is another dataset, or an empty copy.
    """
    clips: list[Clip] = []
    misnamed: list[str] = []
    twins: list[str] = []
    seen: set[str] = set()
    for name in sorted(names):
        if (stem := stem_of(name)) in seen:
            twins.append(name)
        elif not _can_be_listed(name) or (clip := clip_of(name)) is None:
            misnamed.append(name)
        else:
            seen.add(stem)
            clips.append(clip)
    if not clips:
        example = f", e.g. {misnamed[0]}" if misnamed else ""
        raise DataError(
            f"None of {len(misnamed)} pictures or videos follows the dataset's naming{example}. "
            "Compare the folder with the layout that `despoof data list` shows."
        )
    return Index(
        tuple(clips),
        problem(
            "files whose path does not follow the dataset's naming",
            misnamed,
            "They are left out. Give them their original names, or take them away.",
        )
        + problem(
            "files that differ from another by their suffix alone",
            twins,
            "They are left out. Keep one file of each clip.",
        )
        + missing(seen, expected, advice),
    )


def missing(found: Iterable[str], expected: Iterable[str], advice: str) -> tuple[Problem, ...]:
    """Report expected paths that were not found; a top folder without any file by itself.

    Args:
        found: what is there, spelled as `expected` is.
        expected: what should be there: relative POSIX paths.
        advice: what to do about them.
    """
    there = set(found)
    tops = {_top(name) for name in there}
    absent: dict[str, list[str]] = {}
    for name in expected:
        if name not in there:
            absent.setdefault("" if _top(name) in tops else _top(name), []).append(name)
    problems: tuple[Problem, ...] = ()
    for top, names in sorted(absent.items()):
        what = f"files of {top}, which holds none" if top else "files that should be there"
        problems += problem(what, names, advice)
    return problems


def problem(what: str, examples: Sequence[str], advice: str) -> tuple[Problem, ...]:
    """Return one problem that counts its examples and shows the first; () where there are none.

    What is not UTF-8 in an example is shown escaped, so that it can be printed.
    """
    if not examples:
        return ()
    shown = examples[0].encode(errors="backslashreplace").decode()
    return (Problem(what, len(examples), shown, advice),)


def _where_else(root: Path, marks: Sequence[str]) -> str:
    above = root.resolve().parent
    if _has(above, marks):
        return f"\nThe folder above it, {above}, looks right: give that."
    below = sorted(str(inner) for inner in root.iterdir() if inner.is_dir() and _has(inner, marks))
    return f"\n{below[0]} looks right: give that." if below else ""


def _can_be_listed(name: str) -> bool:
    """Tell whether a manifest and a score file can hold a name: UTF-8 without line breaks."""
    try:
        return bool(name.encode()) and "\n" not in name and "\r" not in name
    except UnicodeEncodeError:
        return False


def _has(folder: Path, marks: Sequence[str]) -> bool:
    return any((folder / mark).exists() for mark in marks)


def _leads_back(link: str) -> bool:
    target = os.path.realpath(link)
    return os.path.commonpath([target, os.path.realpath(os.path.dirname(link))]) == target


def _top(name: str) -> str:
    return name.partition("/")[0]
