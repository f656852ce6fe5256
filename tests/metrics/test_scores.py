import numpy as np
import pytest

from despoof.core.errors import InputError
from despoof.metrics.scores import Scores, make_scores, need_both, select


def test_defaults_make_every_presentation_its_own_group():
    scores = make_scores([3, 1, 2], [1, 0, 0])
    assert (scores.n_live, scores.n_attack, len(scores)) == (1, 2, 3)
    assert scores.species.tolist() == ["live", "attack", "attack"]
    assert len(set(scores.group)) == 3


def test_values_are_copied():
    values = np.array([0.1, 0.9])
    scores = make_scores(values, [False, True])
    values[0] = 7
    assert scores.score[0] == 0.1


def test_select_takes_masks_and_repeated_rows():
    scores = make_scores([0.1, 0.5, 0.9], [0, 0, 1], ["print", "replay", "live"], ["a", "b", "a"])
    assert select(scores, scores.group == "a").score.tolist() == [0.1, 0.9]
    assert select(scores, np.array([1, 1])).species.tolist() == ["replay", "replay"]


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_a_score_that_is_not_finite_is_named_with_its_position(bad):
    with pytest.raises(InputError, match=r"position 1 is not a finite"):
        make_scores([0.5, bad], [1, 0])


def test_lengths_types_and_flags_are_checked():
    with pytest.raises(InputError, match="one shape"):
        make_scores([0.5, 0.1], [1, 0], ["live"])
    with pytest.raises(InputError, match="one shape"):
        make_scores([[0.5], [0.1]], [[1], [0]], [["a"], ["b"]], [["a"], ["b"]])
    with pytest.raises(InputError, match="true and false"):
        make_scores([0.5, 0.1], [1, 2])
    text = np.array(["a"])
    with pytest.raises(InputError, match="make_scores"):
        Scores(np.array([1.0], np.float32), np.array([True]), text, text)
    with pytest.raises(InputError, match="make_scores"):
        Scores(np.array([1.0]), np.array([1]), text, text)


def test_a_missing_class_is_named():
    with pytest.raises(InputError, match="AUC needs both classes, got 2 live and 0 attack"):
        need_both(make_scores([0.1, 0.2], [1, 1]), "AUC")
