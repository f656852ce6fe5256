"""The perceptual hash, and all near pairs against brute force."""

import io

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as some
from PIL import Image as Pillow

from despoof.core.errors import InputError
from despoof.data.duplicates import NEAR, distances, near_pairs, picture_hash


def bits_between(one, other):
    return int(np.unpackbits(one ^ other).sum())


def changed(image, scale=1.0, quality=None, gain=1.0, offset=0):
    picture = Pillow.fromarray(image)
    picture = picture.resize([round(side * scale) for side in picture.size])
    if quality:
        stream = io.BytesIO()
        picture.save(stream, "JPEG", quality=quality)
        picture = Pillow.open(stream).convert("RGB")
    return np.clip(np.asarray(picture) * gain + offset, 0, 255).astype(np.uint8)


@pytest.mark.parametrize(
    "how",
    [
        {"scale": 0.5},
        {"scale": 0.3, "quality": 50},
        {"quality": 20},
        {"gain": 0.8, "offset": 20},
        {"scale": 1.7, "quality": 70, "gain": 0.9},
    ],
    ids=str,
)
def test_a_copy_stays_near_however_it_was_stored(portrait, how):
    assert bits_between(picture_hash(portrait), picture_hash(changed(portrait, **how))) <= NEAR


def test_other_pictures_are_far(portrait):
    from skimage import data

    others = (data.chelsea(), data.coffee(), portrait[:, ::-1], portrait[::-1], 255 - portrait)
    far = [bits_between(picture_hash(portrait), picture_hash(one)) for one in others]
    assert min(far) > 2 * NEAR


def test_a_flat_picture_has_no_hash():
    assert picture_hash(np.full((9, 9, 3), 120, np.uint8)) is None


def brute(hashes, part, limit):
    found = []
    for first in range(len(hashes)):
        for second in range(first + 1, len(hashes)):
            bits = bits_between(hashes[first], hashes[second])
            if part[first] != part[second] and bits <= limit:
                found.append((first, second, bits))
    return sorted(found, key=lambda row: row[::-1])


@settings(deadline=None, max_examples=30)
@given(some.integers(0, 2**32), some.integers(0, NEAR))
def test_no_near_pair_is_missed(seed, limit):
    rng = np.random.default_rng(seed)
    bits = rng.integers(0, 2, (12, 256), np.uint8)
    for row in range(1, 12, 2):  # every other one is its neighbour with some bits turned
        bits[row] = bits[row - 1]
        bits[row, rng.choice(256, rng.integers(0, NEAR + 3), replace=False)] ^= 1
    hashes, part = np.packbits(bits, axis=1), rng.integers(0, 3, 12)
    assert near_pairs(hashes, part, limit) == brute(hashes, part, limit)


def test_many_equal_hashes_do_not_fill_memory(monkeypatch):
    import despoof.data.duplicates as module

    monkeypatch.setattr(module, "_BATCH", 100)
    hashes = np.zeros((60, 32), np.uint8)
    assert len(near_pairs(hashes, np.arange(60) % 2)) == 900
    words = hashes.view(np.uint64)
    assert distances(words[0], words[1] ^ np.uint64(7)).tolist() == 12


@pytest.mark.parametrize(
    ("hashes", "part", "limit"),
    [((3, 31), (3,), 1), ((3, 32), (2,), 1), ((3, 32), (3,), NEAR + 1), ((3, 32), (3,), -1)],
)
def test_wrong_shapes_and_limits_are_refused(hashes, part, limit):
    with pytest.raises(InputError, match="expected"):
        near_pairs(np.zeros(hashes, np.uint8), np.zeros(part, np.int64), limit)
