"""Which frames of a clip are looked at, and the way to them by number.

Numbers count the frames that decode, from 0. That is what the box files of the datasets count.
Everything here is a pure function of its arguments: no sampler state, nothing to save on a kill.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Literal

from despoof.core.device import seed_of
from despoof.core.errors import InputError
from despoof.core.types import Image
from despoof.media.containers import opened
from despoof.media.files import is_image
from despoof.media.images import read_image
from despoof.media.limits import DEFAULT_LIMITS, ImageLimits
from despoof.media.names import check_name
from despoof.media.picking import decode
from despoof.media.timeline import film_track, survey
from despoof.media.videos import square

FrameRule = Literal["uniform", "ssdg"]
"""`uniform`: the middles of equal parts. `ssdg`: the 7th frame, and the one half a clip later."""


def pick_frames(total: int, count: int | None, rule: FrameRule = "uniform") -> list[int]:
    """Return the numbers of the frames that a rule takes, ascending and distinct.

    `uniform` is what CDCN, STDN and our own reports use (8 a clip); None takes all, as Face
    De-Spoofing does. `ssdg` is the convention of SSDG and AG-FAS: frame 6 in training (count 1),
    frames 6 and 6 + total // 2 in testing (count 2). A clip that is too short gives its last frame.

    >>> pick_frames(80, 8), pick_frames(3, 8), pick_frames(100, 2, "ssdg")
    ([5, 15, 25, 35, 45, 55, 65, 75], [0, 1, 2], [6, 56])

    Args:
        total: how many frames there are, at least 1.
        count: how many are wanted; None = all.
        rule: see above.

    Raises:
        InputError: total or count is below 1, or `ssdg` is asked for other than 1 or 2 frames.
    """
    if total < 1 or (count is not None and count < 1):
        raise InputError(f"{count} of {total} frames were asked for; expected at least 1 of 1.")
    if rule == "ssdg":
        if count not in (1, 2):
            raise InputError(f"The rule ssdg takes 1 or 2 frames of a clip, not {count}.")
        return sorted({min(number, total - 1) for number in (6, 6 + total // 2)[:count]})
    if count is None or count >= total:
        return list(range(total))
    return [(2 * i + 1) * total // (2 * count) for i in range(count)]


def pick_one(total: int, seed: int, epoch: int, name: str) -> int:
    """Return the number of one random frame of a clip: another each epoch, the same each run.

    Args:
        total: how many frames to choose from, at least 1.
        seed: the run's.
        epoch: how often the clip was seen before.
        name: the clip's, so that clips of equal length do not move in step.
    """
    if total < 1:
        raise InputError(f"{name} has {total} frames to choose from; expected at least 1.")
    return seed_of(seed, "frame", epoch, name) % total


def count_frames(path: Path) -> int:
    """Return how many frames a clip has: 1 for a picture; the packets of a video, not decoded.

    The header is not asked: it keeps its promise even where the file was cut. The film is the track
    that `media.timeline.survey` chooses, as everywhere.

    Raises:
        MediaError: missing, neither picture nor video, or empty.
    """
    check_name(str(path))
    return 1 if is_image(path) else len(survey(path, str(path)))


def read_numbered(
    path: Path, numbers: Sequence[int], limits: ImageLimits = DEFAULT_LIMITS
) -> Iterator[tuple[int, Image]]:
    """Decode a clip up to the last wanted frame; give each wanted one as it comes.

    One picture is held at a time, so a clip may be of any length. Rotation and pixel aspect are
    applied. A damaged frame is passed over and not counted.

    Args:
        path: a picture (its only number is 0) or a video.
        numbers: of the wanted frames, ascending, distinct, from 0.
        limits: larger pictures are refused.

    Yields:
        (number, (H, W, 3) uint8 RGB); fewer than asked for where the clip ends early.

    Raises:
        InputError: the numbers do not ascend.
        MediaError: the file cannot be read, or is too large.
    """
    if any(a >= b for a, b in zip([-1, *numbers], numbers, strict=False)):
        raise InputError(f"Frames {list(numbers)} were asked for; expected ascending, from 0.")
    if is_image(path):
        if 0 in numbers:
            yield 0, read_image(path, limits)
        return
    if not numbers:
        return
    wanted = set(numbers)
    name = str(path)
    with opened(path, name, film_track(path, name, limits), limits) as (container, stream):
        good = (frame for frame in decode(container, stream) if not frame.is_corrupt)
        for number, frame in enumerate(good):
            if number in wanted:
                yield number, square(frame, stream, limits, name)
            if number >= numbers[-1]:
                return
