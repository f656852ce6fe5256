"""The stored source: sizes, quality, and registration."""

import numpy as np
import pytest
from skimage import data

from despoof.recapture.draw_media import draw_source
from despoof.recapture.source import SourceParams, reencode
from recapture.spectra import shift_of

FACE = np.ascontiguousarray(data.astronaut()[30:191, 140:293])  # odd sides on purpose


def stored(**params):
    return reencode(FACE, SourceParams(**params), np.random.default_rng(0))


def error(image):
    return np.abs(image.astype(int) - FACE).mean()


def test_nothing_happens_to_an_original():
    assert np.array_equal(stored(), FACE)


@pytest.mark.parametrize("shrink", [1.0, 0.6])
@pytest.mark.parametrize("codec", ["jpeg", "h264"])
def test_codecs_keep_shape_place_and_most_of_the_picture(codec, shrink):
    image = stored(codec=codec, shrink=shrink)
    assert image.shape == FACE.shape and image.dtype == np.uint8
    assert 0.5 < error(image) < 8
    moved = shift_of(image.mean(axis=2)[8:-8, 8:-8], FACE.mean(axis=2)[8:-8, 8:-8])
    assert np.abs(moved).max() < 0.1
    assert np.array_equal(image, stored(codec=codec, shrink=shrink))
    assert np.abs(image.mean(axis=(0, 1)) - FACE.mean(axis=(0, 1))).max() < 2  # colours stay


def test_worse_quality_is_worse():
    assert error(stored(codec="jpeg", quality=95)) < error(stored(codec="jpeg", quality=60))
    assert error(stored(codec="h264", crf=15)) < error(stored(codec="h264", crf=35))
    assert error(stored(shrink=0.9)) < error(stored(shrink=0.4))


def test_drawn_sources_survive_json():
    rng = np.random.default_rng(1)
    codecs = set()
    for _ in range(60):
        params = draw_source("replay", rng)
        codecs.add(params.codec)
        assert SourceParams.model_validate_json(params.model_dump_json()) == params
        assert draw_source("print", rng).codec != "h264"
    assert codecs == {"none", "jpeg", "h264"}
