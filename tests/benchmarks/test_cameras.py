from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.programs import program

cameras = program("cameras")
scores = st.lists(st.floats(-5, 5, allow_nan=False), min_size=1, max_size=90).map(np.array)


@given(st.lists(scores, min_size=1, max_size=4))
def test_no_camera_loses_more_live_faces_than_the_limit_and_a_higher_threshold_would(sets):
    found = cameras.live_only_threshold({str(i): values for i, values in enumerate(sets)}, "own")
    shares = [float(np.mean(values <= found.value)) for values in sets]
    assert max(shares) <= cameras.LIMIT
    higher = np.nextafter(found.value, np.inf)  # a score of some camera
    assert any(np.mean(values <= higher) > cameras.LIMIT for values in sets)


def test_the_words_name_every_camera():
    found = cameras.live_only_threshold({"a dev": np.arange(40.0), "b dev": np.arange(9.0)}, "own")
    assert found.value == pytest.approx(0, abs=1e-9) and found.value < 0
    assert found.chosen == "BPCER at most 5% on the live faces of each of a dev; b dev, own"


def test_other_light_is_the_pictures_own_and_the_same_in_every_look():
    grey = np.full((4, 32, 32, 3), 120, np.uint8)
    samples = [SimpleNamespace(name=f"p{i}.png") for i in range(4)]
    lit = program("other_light").in_other_light({1.2: grey, 1.45: grey[:, :16, :16]}, samples)
    near, wide = (crops.mean(axis=(1, 2)) for crops in (lit[1.2], lit[1.45]))
    assert np.abs(near - wide).max() < 3  # of 255: the noise of a sensor
    assert np.ptp(near, axis=0).min() > 10, "each picture has its own light"
    assert np.ptp(near / near[:, 1:2], axis=0).max() > 0.2, "and its own colour"
