import math

import numpy as np
import pytest
import torch

from despoof.core.errors import InputError
from despoof.systems.ag_fas.cue_losses import (
    CueLossConfig,
    CueLosses,
    critic_loss,
    reverse_gradient,
    triplet_labels,
    triplet_loss,
)
from despoof.systems.ag_fas.cue_schedule import published_training, reversal
from despoof.training.schedule import learning_rate_factor


def test_all_live_faces_are_one_class_and_attacks_one_a_domain():
    live = torch.tensor([True, True, False, False, False])
    domain = torch.tensor([0, 2, 0, 1, 2])
    assert triplet_labels(live, domain).tolist() == [0, 0, 1, 2, 3]


def test_triplets_by_hand():
    """On a line: live at 0 and 1, an attack at 1.5; margin 0.1."""
    features = torch.tensor([[0.0], [1.0], [1.5]])
    labels = torch.tensor([0, 0, 1])
    # anchor 0: 1 − 1.5 + 0.1 < 0, does not count; anchor 1: 1 − 0.5 + 0.1 = 0.6
    assert float(triplet_loss(features, labels, 0.1)) == pytest.approx(0.6)
    # with margin 1 both count: (1 − 1.5 + 1 + 1 − 0.5 + 1) / 2
    assert float(triplet_loss(features, labels, 1.0)) == pytest.approx(1.0)


def test_triplets_equal_three_loops():
    rng = np.random.default_rng(0)
    x, labels, margin = rng.normal(size=(9, 4)), rng.integers(0, 3, 9), 0.1
    terms = []
    for a in range(9):
        for p in range(9):
            for n in range(9):
                if a != p and labels[a] == labels[p] and labels[a] != labels[n]:
                    far = np.linalg.norm(x[a] - x[p]) - np.linalg.norm(x[a] - x[n]) + margin
                    if far > 0:
                        terms.append(far)
    found = triplet_loss(torch.tensor(x), torch.tensor(labels), margin)
    assert float(found) == pytest.approx(np.mean(terms), rel=1e-5)


@pytest.mark.parametrize("labels", [[0, 0, 0], [0, 1, 2]])
def test_without_a_triplet_there_is_no_loss_and_no_nan(labels):
    features = torch.zeros(3, 2, requires_grad=True)
    loss = triplet_loss(features, torch.tensor(labels), 0.1)
    loss.backward()
    assert float(loss.detach()) == 0 and not features.grad.any()


def test_equal_features_have_a_finite_gradient():
    features = torch.ones(4, 2, requires_grad=True)
    triplet_loss(features, torch.tensor([0, 0, 1, 1]), 0.1).backward()
    assert features.grad.isfinite().all()


def test_the_critic_looks_at_live_faces_alone():
    logits = torch.tensor([[0.0, math.log(3)], [5.0, -5.0], [math.log(3), 0.0]])
    live, domain = torch.tensor([True, False, True]), torch.tensor([1, 1, 1])
    # P = 3/4 for the first, 1/4 for the last
    expected = -(math.log(3 / 4) + math.log(1 / 4)) / 2
    assert float(critic_loss(logits, live, domain)) == pytest.approx(expected)
    logits[1] = 100
    assert float(critic_loss(logits, live, domain)) == pytest.approx(expected)
    none = torch.tensor([False] * 3)
    assert float(critic_loss(logits, none, domain)) == 0


@pytest.mark.parametrize("coefficient", [0.0, 0.25, 1.0])
def test_the_gradient_is_reversed_and_the_value_is_not(coefficient):
    x = torch.tensor([1.3, -2.7], requires_grad=True)
    weight = torch.tensor([3.0, 5.0], requires_grad=True)
    seen = reverse_gradient(x, coefficient)
    assert torch.equal(seen, x)
    (seen * weight).sum().backward()
    torch.testing.assert_close(weight.grad, x.detach())  # the critic learns at full strength
    found = torch.zeros(2) if x.grad is None else x.grad
    torch.testing.assert_close(found, -coefficient * weight.detach())


def test_the_terms_are_weighted_as_published():
    parts = CueLosses(torch.tensor(1.0), torch.tensor(10.0), torch.tensor(100.0))
    assert float(parts.total(CueLossConfig())) == 1 + 10 + 50


@pytest.mark.parametrize(
    ("step", "value"), [(0, 0.0), (400, 0.46211716), (1000, 0.84828364), (2000, 0.98661430)]
)
def test_the_reversal_rises_as_published(step, value):
    """tanh(5 i / 4000), which is the same."""
    assert reversal(step) == pytest.approx(value, abs=1e-7)
    assert reversal(step) == pytest.approx(math.tanh(5 * step / 4000))
    assert reversal(step / 10, 400) == pytest.approx(reversal(step))


def test_the_learning_rate_rises_for_a_tenth_and_falls_as_a_cosine():
    config = published_training()
    factors = [learning_rate_factor(config, step) for step in (0, 199, 399, 2200, 3999)]
    assert factors == pytest.approx([1 / 400, 0.5, 1.0, 0.5, 0.0], abs=1e-6)
    with pytest.raises(InputError, match="steps is 0"):
        published_training(0)
