"""SiW-Mv2: live faces and fourteen types of attack; lists decide protocols I and III."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path, PurePosixPath

from despoof.core.errors import DataError
from despoof.data.datasets.contract import Dataset, Division, Index, Problem, Protocol
from despoof.data.datasets.dividing import Wanted, divide, need_columns, published
from despoof.data.datasets.siw_mv2_lists import LIST_NAMES, find_lists, list_problems
from despoof.data.datasets.siw_types import read_stem
from despoof.data.datasets.tree import check_root, file_names, index_files, with_suffix
from despoof.data.manifest import Clip

TITLE = "SiW-Mv2"
LIVE = 785
TYPES: dict[str, tuple[str, int]] = {
    "cosmetic": ("makeup/cosmetic", 52),
    "impersonation": ("makeup/impersonation", 61),
    "obfuscation": ("makeup/obfuscation", 22),
    "mannequin": ("mask/mannequin", 40),
    "silicone-mask": ("mask/silicone", 17),
    "print": ("print/paper", 135),
    "replay": ("replay/screen", 98),
    "funny-eye": ("partial/funny-eye", 179),
    "paper-glasses": ("partial/paper-glasses", 76),
    "partial-eye": ("partial/eye", 57),
    "partial-mouth": ("partial/mouth", 29),
    "half-mask": ("mask/half", 72),
    "paper-mask": ("mask/paper", 17),
    "transparent-mask": ("mask/transparent", 60),
}
"""Type to its species and the number of its videos; 915 together."""
ATTACKS = sum(size for _, size in TYPES.values())
DOMAINS = {"a": "A_pretrain", "b": "B_spoof", "c": "C_race", "d": "D_age", "e": "E_ill"}
LAYOUT = """
Live/                          Live_1.mov …
Spoof/Makeup_Cosmetic/ …       Makeup_Co_5.mov …; the names decide the type, not the folders
trainlist_all.txt …            the authors' lists, anywhere below the root (pro_3_text/)
"""
_NOTES = (
    "no dev split is published: a threshold comes from train, or is an oracle of test",
    "clips carry no subject: whether train and test share people cannot be checked",
)


def clip_of(root: Path, name: str) -> Clip | None:
    """Read a path such as Spoof/Replay/Replay_9.mov; None where it is no video of the set."""
    path = PurePosixPath(name)
    if not (read := read_stem(path.stem)) or path.parts[0] not in ("Live", "Spoof"):
        return None
    species, number = read
    if (path.parts[0] == "Live") != (species == "live"):
        return None
    return Clip(
        path=root / name,
        name=name,
        label="live" if species == "live" else "attack",
        dataset="siw-mv2",
        species=species,
        extra={"number": number, "lists": ""},
    )


def index(root: Path) -> Index:
    """List the videos of a copy, each with the names of the protocol lists that hold it.

    Raises:
        DataError: the folder is not SiW-Mv2, or it or a list cannot be read.
    """
    check_root(root, TITLE, LAYOUT, ("Live", "Spoof"))
    names = file_names(root)
    found = index_files(with_suffix(names), partial(clip_of, root))
    lists = find_lists(root, names)
    clips = tuple(_with_lists(clip, lists) for clip in found.clips)
    there = Counter(clip.species for clip in clips)
    wanted = {"live": ("live", LIVE), **TYPES}
    lacking = tuple(
        Problem(
            f"videos of {kind} that are not there, of {size}",
            size - there[species],
            "",
            "Compare with the original archive; unpack it again.",
        )
        for kind, (species, size) in wanted.items()
        if there[species] < size
    )
    return Index(clips, found.problems + lacking + list_problems(lists, clips))


def _with_lists(clip: Clip, lists: Mapping[str, frozenset[str]]) -> Clip:
    held = " ".join(name for name, stems in lists.items() if clip.path.stem in stems)
    return replace(clip, extra={**clip.extra, "lists": held})


def _in(*names: str) -> Wanted:
    return lambda clip: not set(names).isdisjoint(clip.extra.get("lists", "").split())


def _divide(clips: Sequence[Clip], needs: tuple[str, ...], train: Wanted, test: Wanted) -> Division:
    need_columns(clips, TITLE, "species")
    there = {name for clip in clips for name in clip.extra.get("lists", "").split()}
    if missing := [name for name in needs if name not in there]:
        raise DataError(
            f"This protocol of {TITLE} needs the authors' lists {', '.join(missing)} (.txt), which "
            "named no clip. Copy them (source_SiW_Mv2/pro_3_text of their code) below the root "
            f"and index again. Known lists: {', '.join(LIST_NAMES)}."
        )
    return divide(clips, train=train, dev=lambda _: False, test=test, notes=_NOTES)


def _unseen(species: str, inside: bool) -> Wanted:
    lives = _in("testlist_live" if inside else "trainlist_live")
    return lambda clip: lives(clip) if clip.live else (clip.species == species) == inside


def _protocols() -> Iterator[Protocol]:
    source = "Guo et al., ECCV 2022; counts of the lists in its code"
    live = ("trainlist_live", "testlist_live")
    needs = ("trainlist_all", "testlist_all", *live)
    seen, tested = _in("trainlist_all", "trainlist_live"), _in("testlist_all", "testlist_live")
    split = partial(_divide, needs=needs, train=seen, test=tested)
    yield Protocol("p1", split, published("531/533 0/0 265/362"), source, disjoint=False)
    for kind, (species, size) in TYPES.items():
        yield Protocol(
            f"p2-{kind}",
            partial(
                _divide, needs=live, train=_unseen(species, False), test=_unseen(species, True)
            ),
            published(f"531/{ATTACKS - size} 0/0 265/{size}"),
            source,
            disjoint=False,
        )
    for letter, domain in DOMAINS.items():
        pair = ("train_A_pretrain", f"test_{domain}")
        split = partial(_divide, needs=pair, train=_in(pair[0]), test=_in(pair[1]))
        yield Protocol(f"p3-{letter}", split, None, source, disjoint=False)


DATASET = Dataset(
    name="siw-mv2",
    title=TITLE,
    layout=LAYOUT,
    index=index,
    protocols={protocol.name: protocol for protocol in _protocols()},
    reference="Guo et al., Multi-domain learning for updating face anti-spoofing models, ECCV 2022",
    terms="research only, by a signed agreement with Michigan State University",
    unverified=(
        "the number of live videos: the release is said to hold 785, the lists name 796 (531 train "
        "and 265 test, 67 to 33 where the text says 80 to 20); counts are those of the lists",
        "20 attacks (19 funny-eye, 1 transparent) are in no list of protocol I: it has 533 and 362",
        "that protocol II trains on all videos of the other thirteen types, listed or not",
        "protocol III: trained on domain A, tested on each of A to E; sizes not recorded",
    ),
)
