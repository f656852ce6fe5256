"""SiW-M: live faces and thirteen types of attack; each type is left out once."""

from collections import Counter
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path, PurePosixPath

from despoof.data.datasets.contract import Dataset, Division, Index, Problem, Protocol
from despoof.data.datasets.dividing import divide, need_columns, published
from despoof.data.datasets.siw_types import read_stem
from despoof.data.datasets.tree import check_root, file_names, index_files, with_suffix
from despoof.data.manifest import Clip

TITLE = "SiW-M"
LIVE = 660
TYPES: dict[str, tuple[tuple[str, ...], int]] = {
    "replay": (("replay/screen",), 99),
    "print": (("print/paper",), 118),
    "half-mask": (("mask/half",), 72),
    "silicone-mask": (("mask/silicone",), 27),
    "transparent-mask": (("mask/transparent",), 88),
    "papercraft-mask": (("mask/paper",), 17),
    "mannequin": (("mask/mannequin",), 40),
    "obfuscation": (("makeup/obfuscation",), 23),
    "impersonation": (("makeup/impersonation",), 61),
    "cosmetic": (("makeup/cosmetic",), 50),
    "funny-eye": (("partial/funny-eye",), 160),
    "paper-glasses": (("partial/paper-glasses",), 127),
    "partial-paper": (("partial/paper", "partial/eye", "partial/mouth"), 86),
}
"""Type to its species and the number of its videos; 968 together."""
ATTACKS = sum(size for _, size in TYPES.values())
LAYOUT = """
Live/Train/  Live/Test/        Live_1.mov …
Mask/TransparentMask/ …        Mask_Trans_58.mov …; the names decide the type, not the folders
Makeup/  Partial/  Paper/  Replay/, each with or without Spoof/ above it
"""
_MARKS = ("Live", "Spoof", "Mask", "Makeup", "Partial", "Paper", "Replay")
_NOTES = (
    "no dev split is published: a threshold comes from train, or is an oracle of test",
    "clips carry no subject: whether train and test share people cannot be checked",
    "of the live clips the last fifth by number is in test",
)


def clip_of(root: Path, name: str) -> Clip | None:
    """Read a path such as Live/Test/Live_645.mov; None where it is no video of the set."""
    path = PurePosixPath(name)
    if not (read := read_stem(path.stem)):
        return None
    species, number = read
    if (path.parts[0] == "Live") != (species == "live"):
        return None
    folders = {part.lower() for part in path.parts[:-1]}
    return Clip(
        path=root / name,
        name=name,
        label="live" if species == "live" else "attack",
        dataset="siw-m",
        species=species,
        split=next((split for split in ("train", "test") if split in folders), ""),
        extra={"number": number},
    )


def index(root: Path) -> Index:
    """List the videos of a copy; types with fewer than the published number are problems.

    Raises:
        DataError: the folder is not SiW-M, or cannot be read.
    """
    check_root(root, TITLE, LAYOUT, _MARKS)
    found = index_files(with_suffix(file_names(root)), partial(clip_of, root))
    there = Counter(clip.species for clip in found.clips)
    wanted = {"live": (("live",), LIVE), **TYPES}
    lacking = {
        kind: size - sum(there[name] for name in names) for kind, (names, size) in wanted.items()
    }
    problems = tuple(
        Problem(
            f"videos of {kind} that are not there, of {wanted[kind][1]}",
            count,
            "",
            "The published numbers were remembered. Compare with the original archive.",
        )
        for kind, count in lacking.items()
        if count > 0
    )
    return Index(found.clips, found.problems + problems)


def last_fifth(clips: Sequence[Clip]) -> frozenset[str]:
    """Return the names of the last fifth of live clips, by number, rounded to the nearest."""
    live = sorted((clip for clip in clips if clip.live), key=lambda c: int(c.extra["number"]))
    return frozenset(clip.name for clip in live[len(live) - round(len(live) / 5) :])


def _leave_out(clips: Sequence[Clip], species: tuple[str, ...]) -> Division:
    need_columns(clips, TITLE, "species", "number")
    held = last_fifth(clips)
    return divide(
        clips,
        train=lambda clip: clip.name not in held if clip.live else clip.species not in species,
        dev=lambda _: False,
        test=lambda clip: clip.name in held if clip.live else clip.species in species,
        notes=_NOTES,
    )


def _protocols() -> Iterator[Protocol]:
    test = round(LIVE / 5)
    for kind, (species, size) in TYPES.items():
        yield Protocol(
            f"loo-{kind}",
            partial(_leave_out, species=species),
            published(f"{LIVE - test}/{ATTACKS - size} 0/0 {test}/{size}"),
            "Liu et al., CVPR 2019; numbers unverified",
            disjoint=False,
        )


DATASET = Dataset(
    name="siw-m",
    title=TITLE,
    layout=LAYOUT,
    index=index,
    protocols={protocol.name: protocol for protocol in _protocols()},
    reference="Liu et al., Deep tree learning for zero-shot face anti-spoofing, CVPR 2019",
    terms="research only, by a signed agreement with Michigan State University",
    unverified=(
        "the number of videos of each type (they add up to the published 968)",
        "the folders: two paths were seen, the others are guessed from SiW-Mv2",
        "which 20 % of the live videos are tested: the last fifth by number is our choice, in one "
        "block because neighbours may be one person",
        "that partial-paper is the files Partial_Eye and Partial_Mouth (57 + 29 = 86 in SiW-Mv2)",
    ),
)
