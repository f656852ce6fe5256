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
