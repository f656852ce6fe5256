"""Look at every clip of a manifest: is it there, does it decode, has it a face, is it a copy?"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from despoof.core.cells import SPLITS
from despoof.core.errors import DespoofError
from despoof.core.files import is_file, sha256
from despoof.core.types import FaceDetector, Frame
from despoof.data.datasets.registry import datasets
from despoof.data.duplicates import near_pairs, picture_hash
from despoof.data.manifest import Clip
from despoof.media.sources import read_frames

FRAMES = 3  # of a video; its hash is that of the middle one


@dataclass(frozen=True, eq=False)
class Look:
    """What a look at one clip gave.

    Attributes:
        trouble: "" or one of "missing", "unreadable", "no face", "box outside".
        reason: what exactly.
        digest: SHA-256 of the file; "" where there is none.
        hash: see `picture_hash`; None where it has none.
    """

    trouble: str = ""
    reason: str = ""
    digest: str = ""
    hash: NDArray[np.uint8] | None = None


@dataclass(frozen=True)
class Finding:
    """One kind of trouble.

    Attributes:
        what: in words.
        clips: the names of those concerned; of pairs, "one = other".
        error: whether figures on this manifest would be wrong or lacking; else a remark.
        advice: what to do.
    """

    what: str
    clips: tuple[str, ...]
    error: bool
    advice: str


def verify(
    clips: Sequence[Clip],
    faces: FaceDetector | None,
    show: Callable[[str], None] = lambda name: None,
) -> list[Finding]:
    """Look at all clips; errors come first, [] means that nothing was found.

    Args:
        clips: of one manifest. Copies within a split are a remark, across splits an error.
        faces: looks for a face in clips without a box; None leaves that out.
        show: called with each clip's name when its turn comes.
    """
    looks: list[Look] = []
    for clip in clips:
        show(clip.name)
        looks.append(look(clip, faces))
    found = [*_troubles(clips, looks), *_copies(clips, looks), *_near(clips, looks)]
    found += [*_people(clips), *compare_counts(clips)]
    return sorted((one for one in found if one.clips), key=lambda one: not one.error)


def look(clip: Clip, faces: FaceDetector | None) -> Look:
    """Look at one clip."""
    if not is_file(clip.path):
        return Look("missing", f"There is no file {clip.path}.")
    try:
        digest = sha256(clip.path)
        frames = read_frames(clip.path, FRAMES)
    except (DespoofError, OSError) as error:
        return Look("unreadable", str(error))
    trouble, reason = _face_trouble(clip, frames, faces)
    return Look(trouble, reason, digest, picture_hash(frames[len(frames) // 2].image))


def compare_counts(clips: Sequence[Clip]) -> list[Finding]:
    """Return where the clips' protocols have other counts than the complete dataset's."""
    found: list[Finding] = []
    for name in sorted({clip.dataset for clip in clips} & {*datasets()}):
        own = [clip for clip in clips if clip.dataset == name]
        for protocol in datasets()[name].protocols.values():
            try:
                counts = protocol.divide(own).counts() if protocol.counts else {}
            except DespoofError:
                continue  # the manifest was not made for this protocol
            differing = tuple(
                f"{protocol.name} {split} {label}: {counts[split][label]} of {number}"
                for split, numbers in (protocol.counts or {}).items()
                for label, number in numbers.items()
                if counts[split][label] != number
            )
            what = f"counts that differ from those published for {name}"
            found.append(Finding(what, differing, False, "An excerpt? Else index it again."))
    return found


def _face_trouble(
    clip: Clip, frames: Sequence[Frame], faces: FaceDetector | None
) -> tuple[str, str]:
    if clip.box is not None:
        height, width = frames[0].image.shape[:2]
        x, y = (clip.box[0] + clip.box[2]) / 2, (clip.box[1] + clip.box[3]) / 2
        if 0 <= x <= width and 0 <= y <= height:
            return "", ""
        return "box outside", f"centred on ({x:g}, {y:g}) of a {width}×{height} picture"
    if faces is None or any(faces(frame.image) for frame in frames):
        return "", ""
    return "no face", f"none found in {len(frames)} frames"


def _troubles(clips: Sequence[Clip], looks: Sequence[Look]) -> list[Finding]:
    words = {
        "missing": ("files that are missing", "Is the manifest beside its files? Index again."),
        "unreadable": ("files that cannot be decoded", "Unpack them again, or drop their rows."),
        "box outside": ("boxes that lie outside their picture", "Was it cut, turned or resized?"),
        "no face": ("clips in which no face is found", "They cannot be scored; see --cropped."),
    }
    return [
        Finding(
            what,
            tuple(
                f"{clip.name}: {one.reason}"
                for clip, one in zip(clips, looks, strict=True)
                if one.trouble == trouble
            ),
            True,
            advice,
        )
        for trouble, (what, advice) in words.items()
    ]


def _copies(clips: Sequence[Clip], looks: Sequence[Look]) -> list[Finding]:
    """Return equal files: across splits, with two labels, and the rest."""
    first: dict[str, Clip] = {}
    across: list[str] = []
    labels: list[str] = []
    within: list[str] = []
    for clip, one in zip(clips, looks, strict=True):
        if not one.digest:
            continue
        other = first.setdefault(one.digest, clip)
        if other is clip:
            continue
        pair = f"{other.name} = {clip.name}"
        if other.label != clip.label:
            labels.append(pair)
        (across if other.split != clip.split else within).append(pair)
    drop = "Drop one of the two, or divide anew."
    return [
        Finding("equal files in two splits: leaks", tuple(across), True, drop),
        Finding("equal files of which one is live, one an attack", tuple(labels), True, drop),
        Finding("equal files in one split", tuple(within), False, "They count twice."),
    ]


def _near(clips: Sequence[Clip], looks: Sequence[Look]) -> list[Finding]:
    """Return pictures of two splits that are all but the same, where their files differ."""
    known = [number for number, one in enumerate(looks) if one.hash is not None]
    if not known:
        return []
    hashes = np.stack([one.hash for number in known if (one := looks[number]).hash is not None])
    order = ("", *SPLITS)
    part = np.array([order.index(clips[number].split) for number in known], np.int64)
    pairs: list[str] = []
    for first, second, bits in near_pairs(hashes, part):
        one, other = known[first], known[second]
        if looks[one].digest != looks[other].digest:
            pairs.append(f"{clips[one].name} = {clips[other].name} ({bits} of 256 bits differ)")
    what = "pictures in two splits that look the same: leaks"
    return [Finding(what, tuple(pairs), True, "Look at both; keep them in one split.")]


def _people(clips: Sequence[Clip]) -> list[Finding]:
    places: dict[str, set[str]] = {}
    for clip in clips:
        if clip.subject and clip.split:
            places.setdefault(clip.group, set()).add(clip.split)
    shared = tuple(
        f"{who} is in {', '.join(split for split in SPLITS if split in where)}"
        for who, where in sorted(places.items())
        if len(where) > 1
    )
    advice = "Say so beside every figure, or use a subject-disjoint protocol."
    return [Finding("people in two splits", shared, False, advice)]
