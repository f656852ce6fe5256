import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from despoof.core.errors import InputError
from despoof.export.parity import BOUNDS, Bounds, measure

ASKED = Bounds(difference=0.1, agreement=0.99)
SCORES = np.random.default_rng(0).normal(0, 2, 300)


def test_equal_scores_pass_at_every_precision():
    for bounds in BOUNDS.values():
        found = measure(SCORES, SCORES.astype(np.float32), 0.3, bounds, "a test")
        assert found.passed and found.agreement == 1 and found.correlation == pytest.approx(1)


def test_coarser_numbers_are_given_more_room():
    order = [BOUNDS[name] for name in ("fp32", "fp16", "bf16", "int8")]
    assert sorted(order, key=lambda b: b.difference) == order
    assert sorted(order, key=lambda b: -b.agreement) == order


def test_one_face_that_differs_too_much_fails():
    theirs = SCORES.copy()
    theirs[17] += 0.11 * np.diff(np.quantile(SCORES, (0.05, 0.95)))[0]
    found = measure(SCORES, theirs, 50.0, ASKED, "a test")
    assert found.agreement == 1 and not found.passed


def test_verdicts_that_change_are_counted_by_side():
    theirs = np.where(np.abs(SCORES) < 0.15, -SCORES, SCORES)
    found = measure(SCORES, theirs, 0.0, ASKED, "a test")
    near = np.abs(SCORES) < 0.15
    assert found.to_live == np.sum(near & (SCORES < 0)) > 0
    assert found.to_spoof == np.sum(near & (SCORES > 0)) > 0
    assert found.agreement == pytest.approx(1 - near.mean())
    assert found.max_difference < found.max_allowed and not found.passed


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_a_score_that_is_no_number_fails(bad):
    theirs = SCORES.copy()
    theirs[3] = bad
    found = measure(SCORES, theirs, None, Bounds(1e6, 0), "a test")
    assert not found.passed
    assert type(found).parse(found.plain()) == found  # JSON can hold it


@settings(deadline=None)
@given(scale=st.floats(1e-2, 1e3), shift=st.floats(-100, 100))
def test_the_gate_does_not_depend_on_the_scores_unit(scale, shift):
    theirs = SCORES + 0.05 * np.sin(np.arange(300))
    one = measure(SCORES, theirs, None, ASKED, "a test")
    other = measure(scale * SCORES + shift, scale * theirs + shift, None, ASKED, "a test")
    assert other.passed == one.passed and other.agreement == one.agreement
    assert other.max_difference / other.spread == pytest.approx(one.max_difference / one.spread)


@pytest.mark.parametrize("ours, theirs", [(SCORES[:199], SCORES[:199]), (SCORES, SCORES[:250])])
def test_too_few_or_other_faces_are_refused(ours, theirs):
    with pytest.raises(InputError, match="200"):
        measure(ours, theirs, 0.0, ASKED, "a test")


def test_broken_weights_are_named():
    with pytest.raises(InputError, match="broken"):
        measure(SCORES * np.nan, SCORES, 0.0, ASKED, "a test")
