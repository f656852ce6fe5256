"""How the default is chosen: the figures of one choice, from scores whose answers are known."""

import numpy as np
import pytest
import torch
from torch import nn

from benchmarks.programs import program


@pytest.fixture
def choice():
    return program("default_choice")


def one(choice, name, live):
    people = [str(i) for i in range(len(live))]
    return choice.Set(name, {}, np.array(live), ["live" if x else "print" for x in live], people)


def test_the_row_of_a_choice_is_that_of_the_mean_of_its_looks(choice):
    both = [True] * 20 + [False] * 20
    names = [*choice.REAL, choice.SIMULATED]
    sets = [one(choice, name, both) for name in names] + [one(choice, choice.PLAIN, [True] * 20)]
    near = np.r_[np.arange(20) + 20.0, np.arange(20.0)]  # live is higher throughout
    scores = {name: {1.2: near, 1.75: -near} for name in names}
    scores[choice.PLAIN] = {1.2: np.arange(20.0), 1.75: np.zeros(20)}
    row = choice.row_of("new", (1.2,), sets, scores)
    assert row["mean_auc"] == 1 and 19 <= row["threshold"] <= 20
    assert row["bpcer"][choice.PLAIN]["k"] == 20, "all below the threshold of the real sets"
    # Of the twenty live faces 0 … 19 one may be turned away; attacks 1 … 19 then pass.
    strict = row["at_5_percent"][choice.PLAIN]
    assert 0 < strict["threshold"] < 1 and np.sum(np.arange(20) <= strict["threshold"]) == 1
    assert strict["apcer"][choice.REAL[0]]["k"] == 19
    together = choice.row_of("new", (1.2, 1.75), sets, scores)
    assert together["mean_auc"] == pytest.approx(0.5), "one look says what the other denies"


def test_the_mean_of_two_networks_is_that_of_their_tensors(choice):
    first, second = nn.BatchNorm1d(2), nn.BatchNorm1d(2)
    nn.init.constant_(first.weight, 3.0)
    first.num_batches_tracked += 7
    mixed = choice.mean_of(first, second)
    assert mixed.weight.tolist() == [2.0, 2.0] and mixed.num_batches_tracked == 0
    assert torch.equal(first.weight, torch.full((2,), 3.0)), "the first one stays"
