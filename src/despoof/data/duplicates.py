"""Same and all but same pictures: a perceptual hash, and pairs of near hashes in any number.

The hash is the sign pattern of the 255 lowest spatial frequencies against their median, so it
stands re-encoding, resizing and a change of brightness or contrast, and tells pictures of the same
person in the same place apart. Cutting and turning change it.
"""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from despoof.core.errors import InputError
from despoof.core.types import Image

BITS = 256
NEAR = 31
"""Bits in which hashes of one picture may differ. Half the size, JPEG at quality 50 and a change of
contrast made at most 16 (600 pictures); unrelated pictures of LFW differ in 62 or more (8 million
pairs), NUAA's train and test in 50."""
_SIDE = 64  # pixels; 16 frequencies of 64 reach a quarter of what it can hold
_LOW = 16
_CHUNKS = 16  # hashes that differ in 31 bits differ in one bit at most in one of them: pigeonhole
_BATCH = 1_000_000  # pairs that are compared at once
_FLAT = 2.0  # grey levels: a picture that varies less has no pattern to hash

Hashes = NDArray[np.uint8]
"""(N, 32): the bits of `BITS`, packed."""


def picture_hash(image: Image) -> NDArray[np.uint8] | None:
    """Return the (32,) uint8 hash of an (H, W, 3) uint8 RGB picture; None for a flat one."""
    import cv2

    grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
    small = cv2.resize(grey, (_SIDE, _SIDE), interpolation=cv2.INTER_AREA).astype(np.float32)
    if float(small.std()) < _FLAT:
        return None
    low = np.asarray(cv2.dct(small))[:_LOW, :_LOW].ravel()
    low[0] = np.median(low[1:])  # the mean brightness is no pattern
    return np.packbits(low > low[0])


def distances(one: NDArray[np.uint64], others: NDArray[np.uint64]) -> NDArray[np.uint16]:
    """Return in how many bits hashes differ, given as (…, 4) words of 64 bits that broadcast."""
    return np.bitwise_count(one ^ others).sum(axis=-1).astype(np.uint16)


def near_pairs(
    hashes: Hashes, part: NDArray[np.int64], limit: int = NEAR
) -> list[tuple[int, int, int]]:
    """Find all pairs in different parts whose hashes differ in at most `limit` bits.

    Nothing is missed, and far from all pairs are compared: 100,000 pictures take seconds.

    Args:
        hashes: (N, 32).
        part: (N,) the part (split) of each.
        limit: at most `NEAR`.

    Returns:
        (first, second, bits), first < second, sorted by bits.

    Raises:
        InputError: shapes do not match, or the limit is beyond `NEAR`.
    """
    if hashes.ndim != 2 or hashes.shape[1] * 8 != BITS or part.shape != hashes.shape[:1]:
        raise InputError(f"hashes {hashes.shape} and parts {part.shape}; expected (N, 32), (N,).")
    if not 0 <= limit <= NEAR:
        raise InputError(f"limit is {limit}; expected 0 to {NEAR}.")
    words = np.ascontiguousarray(hashes).view(np.uint64)
    found: dict[tuple[int, int], int] = {}
    for keys in _chunks(hashes):
        for first, second in _candidates(keys):
            apart = (first < second) & (part[first] != part[second])
            rows, others = first[apart], second[apart]
            bits = distances(words[rows], words[others])
            near = bits <= limit
            pairs = zip(rows[near].tolist(), others[near].tolist(), strict=True)
            found |= dict(zip(pairs, bits[near].tolist(), strict=True))
    return sorted(((*pair, bits) for pair, bits in found.items()), key=lambda row: row[::-1])


def _chunks(hashes: Hashes) -> Iterator[NDArray[np.uint16]]:
    """Yield sixteen numbers of 16 bits a hash, each of bits far apart: neighbours are alike."""
    bits = np.unpackbits(hashes, axis=1)
    weights = 1 << np.arange(BITS // _CHUNKS, dtype=np.uint16)
    for start in range(_CHUNKS):
        yield (bits[:, start::_CHUNKS] @ weights).astype(np.uint16)


def _candidates(keys: NDArray[np.uint16]) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    """Yield places of keys that differ in one bit at most, some ten megabytes at a time."""
    order = np.argsort(keys, kind="stable")
    sizes = np.bincount(keys, minlength=1 << 16)
    starts = np.cumsum(sizes) - sizes
    for flip in (0, *(1 << bit for bit in range(16))):
        wanted = keys ^ np.uint16(flip)
        first, count = starts[wanted], sizes[wanted]
        batch = np.cumsum(count) // _BATCH
        for rows in np.split(np.arange(len(keys)), np.flatnonzero(np.diff(batch)) + 1):
            each = count[rows]
            ends = np.cumsum(each)
            within = np.arange(ends[-1] if len(ends) else 0) - np.repeat(ends - each, each)
            yield np.repeat(rows, each), order[np.repeat(first[rows], each) + within]
