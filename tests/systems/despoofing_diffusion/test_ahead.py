import threading

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from despoof.systems.despoofing_diffusion.ahead import Ahead, helpers


@settings(deadline=None)
@given(st.lists(st.integers(0, 9), min_size=1, max_size=12), st.integers(0, 3))
def test_any_order_of_steps_gives_the_values_of_the_function(steps, workers):
    ahead = Ahead(lambda step: step * 7, workers)
    assert [ahead(step) for step in steps] == [step * 7 for step in steps]


def test_the_next_steps_are_made_meanwhile_each_once():
    made, begun = [], threading.Event()

    def make(step):
        made.append(step)
        if step == 2:
            begun.set()
        return threading.current_thread().name

    ahead = Ahead(make, 2)
    assert ahead(0).startswith("despoof-ahead")
    assert begun.wait(20), "steps 1 and 2 are made without being asked for"
    ahead(1)
    ahead(2)
    assert sorted(made)[:3] == [0, 1, 2] and len(made) == len(set(made))
    assert max(made) <= 4, "and no further"


def test_a_mistake_is_raised_where_its_step_is_asked_for():
    ahead = Ahead(lambda step: 1 / (step - 2), 2)
    assert ahead(0) == -0.5 and ahead(1) == -1
    with pytest.raises(ZeroDivisionError):
        ahead(2)
    assert ahead(3) == 1


def test_without_helpers_nothing_is_made_unasked():
    made = []
    ahead = Ahead(made.append, 0)
    ahead(5)
    assert made == [5]


@pytest.mark.parametrize(("cores", "threads"), [(1, 0), (2, 0), (4, 2), (16, 8), (64, 8)])
def test_few_cores_are_left_alone(cores, threads, monkeypatch):
    from despoof.systems.despoofing_diffusion import ahead

    monkeypatch.setattr(ahead, "usable_cores", lambda: cores)
    assert helpers() == threads
