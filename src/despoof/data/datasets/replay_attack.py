"""Replay-Attack: 50 people, two lights, attacks by print, phone and tablet, fixed or in a hand."""

import re
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path

from despoof.data.datasets.contract import Dataset, Division, Index, Problem, Protocol
from despoof.data.datasets.dividing import Wanted, by_split, need_columns, published
from despoof.data.datasets.tree import (
    check_root,
    file_names,
    index_files,
    missing,
    problem,
    stem_of,
    with_suffix,
)
from despoof.data.manifest import Clip

TITLE = "Replay-Attack"
FOLDERS = {"train": "train", "devel": "dev", "test": "test"}
PEOPLE = {"train": 15, "dev": 15, "test": 20}
MEDIA = ("print_photo", "mobile_photo", "mobile_video", "highdef_photo", "highdef_video")
"""Instrument and what it shows; a print shows a photograph of the highdef camera."""
SPECIES = {"print": "print/a4", "mobile": "replay/mobile", "highdef": "replay/highdef"}
LIGHTS = ("controlled", "adverse")
SUPPORTS = ("fixed", "hand")
LAYOUT = """
train/  devel/  test/     each with
  real/                   client001_session01_webcam_authenticate_controlled_1.mov
  attack/fixed/  hand/    attack_highdef_client001_session01_highdef_photo_adverse.mov
enroll/                   enrolment videos for face recognition: left out, no attack goes with them
"""
_REAL = re.compile(
    r"(train|devel|test)/real/client(\d{3})_session(\d\d)_webcam_authenticate_"
    r"(controlled|adverse)_([12])\.\w+",
    re.ASCII,
)
_ATTACK = re.compile(
    r"(train|devel|test)/attack/(fixed|hand)/attack_(print|mobile|highdef)_client(\d{3})_"
    r"session(\d\d)_(highdef|mobile)_(photo|video)_(controlled|adverse)\.\w+",
    re.ASCII,
)


def real_path(folder: str, client: str, light: str, take: int) -> str:
    """Return a live video's path without suffix.

    >>> real_path("test", "117", "controlled", 2)
    'test/real/client117_session01_webcam_authenticate_controlled_2'
    """
    return f"{folder}/real/client{client}_session01_webcam_authenticate_{light}_{take}"


def attack_path(folder: str, support: str, client: str, medium: str, light: str) -> str:
    """Return an attack's path without suffix.

    >>> attack_path("devel", "hand", "003", "print_photo", "adverse")
    'devel/attack/hand/attack_print_client003_session01_highdef_photo_adverse'
    """
    instrument, _, shown = medium.partition("_")
    camera = "mobile" if instrument == "mobile" else "highdef"
    name = f"attack_{instrument}_client{client}_session01_{camera}_{shown}_{light}"
    return f"{folder}/attack/{support}/{name}"


def clip_of(root: Path, name: str) -> Clip | None:
    """Read a path as in `LAYOUT`; None where it is no live video or attack of the set."""
    if match := _REAL.fullmatch(name):
        folder, client, session, light, take = match.groups()
        extra = {"light": light, "take": take, "support": "", "instrument": "", "shown": ""}
        species = "live"
    elif match := _ATTACK.fullmatch(name):
        folder, support, instrument, client, session, camera, shown, light = match.groups()
        if (camera == "mobile") != (instrument == "mobile") or instrument + shown == "printvideo":
            return None
        extra = {"light": light, "take": "", "support": support, "instrument": instrument}
        extra |= {"shown": shown}
        species = SPECIES[instrument]
    else:
        return None
    return Clip(
        path=root / name,
        name=name,
        label="live" if species == "live" else "attack",
        dataset="replay-attack",
        subject=client,
        session=session,
        device="webcam",
        species=species,
        split=FOLDERS[folder],
        extra=extra,
    )


def index(root: Path) -> Index:
    """List live videos and attacks of a copy, without enrolment videos.

    Every person should have 4 live videos and 20 attacks; what lacks, and people that lack or come
    in two splits, are problems.

    Raises:
        DataError: the folder is not Replay-Attack, or cannot be read.
    """
    check_root(root, TITLE, LAYOUT, tuple(FOLDERS))
    names = file_names(root)
    ours = [name for name in with_suffix(names) if not name.startswith("enroll/")]
    found = index_files(ours, partial(clip_of, root))
    people = {split: {c.subject for c in found.clips if c.split == split} for split in PEOPLE}
    complete = [
        stem
        for folder, split in FOLDERS.items()
        for client in sorted(people[split])
        for stem in person_paths(folder, client)
    ]
    stems = (stem_of(clip.name) for clip in found.clips)
    lacking = missing(stems, complete, "Each person has 4 live videos and 20 attacks.")
    return Index(found.clips, found.problems + lacking + _people_problems(people))


def person_paths(folder: str, client: str) -> Iterator[str]:
    """Yield the paths without suffix of one person's 4 live videos and 20 attacks."""
    for light in LIGHTS:
        for take in (1, 2):
            yield real_path(folder, client, light, take)
        for support in SUPPORTS:
            for medium in MEDIA:
                yield attack_path(folder, support, client, medium, light)


def _people_problems(people: dict[str, set[str]]) -> tuple[Problem, ...]:
    lacking = tuple(
        Problem(
            f"people that {split} lacks, of {PEOPLE[split]}",
            PEOPLE[split] - len(there),
            "",
            "Compare with the original archive; unpack it again.",
        )
        for split, there in people.items()
        if len(there) < PEOPLE[split]
    )
    train, dev, test = people.values()
    shared = sorted((train & dev) | (train & test) | (dev & test))
    return lacking + problem("people in two splits", shared, "Restore the original folders.")


def _all_of(**wanted: tuple[str, ...]) -> Wanted:
    return lambda clip: (
        clip.live or all(clip.extra.get(key) in values for key, values in wanted.items())
    )


def _divide(clips: Sequence[Clip], wanted: Wanted) -> Division:
    need_columns(clips, TITLE, "split", "species")
    attacks = [clip for clip in clips if not clip.live]
    if attacks:
        need_columns(attacks, TITLE, "support", "instrument", "shown")
    return by_split(clips, TITLE, train=wanted)


def _protocols() -> Iterator[Protocol]:
    kinds: tuple[tuple[str, int, dict[str, tuple[str, ...]]], ...] = (
        ("grandtest", 20, {}),
        ("print", 4, {"instrument": ("print",)}),
        ("mobile", 8, {"instrument": ("mobile",)}),
        ("highdef", 8, {"instrument": ("highdef",)}),
        ("photo", 12, {"shown": ("photo",)}),
        ("video", 8, {"shown": ("video",)}),
        ("digitalphoto", 8, {"shown": ("photo",), "instrument": ("mobile", "highdef")}),
    )
    source = "Chingovska et al., BIOSIG 2012, and bob.db.replay"
    for kind, each, wanted in kinds:
        for support in ("", *SUPPORTS):
            name = "-".join(part for part in (kind, support) if part)
            name = name.removeprefix("grandtest-")
            only = wanted | ({"support": (support,)} if support else {})
            n = each // 2 if support else each
            sizes = f"60/{15 * n} 60/{15 * n} 80/{20 * n}"
            divide = partial(_divide, wanted=_all_of(**only))
            yield Protocol(name, divide, published(sizes), source)


DATASET = Dataset(
    name="replay-attack",
    title=TITLE,
    layout=LAYOUT,
    index=index,
    protocols={protocol.name: protocol for protocol in _protocols()},
    reference="Chingovska et al., On the effectiveness of LBP in face anti-spoofing, BIOSIG 2012",
    terms="research only, by a signed agreement with Idiap",
    unverified=("which client numbers belong to which split: the folders decide",),
)
