import math

import pytest
import torch

from despoof.core.errors import InputError
from despoof.systems.ag_fas.arcface import ArcFaceHead, with_margin


def head(scale=64.0):
    made = ArcFaceHead(3, 2, scale)
    with torch.no_grad():  # three directions: 0, 90 and 180 degrees; lengths must not matter
        made.weight.copy_(torch.tensor([[2.0, 0.0], [0.0, 0.5], [-7.0, 0.0]]))
    return made


def test_the_own_angle_gets_the_margin_and_no_other():
    angle, margin = math.radians(30), 0.5
    embedding = 5 * torch.tensor([[math.cos(angle), math.sin(angle)]])
    logits = head()(embedding, torch.tensor([0]), margin)
    wanted = [math.cos(angle + margin), math.sin(angle), -math.cos(angle)]
    assert (logits[0] / 64).tolist() == pytest.approx(wanted, abs=1e-5)


def test_without_a_margin_it_is_a_softmax_of_cosines():
    embeddings = torch.tensor([[1.0, 1.0], [-3.0, 1.0]])
    logits = head(scale=10)(embeddings, torch.tensor([1, 2]), 0.0)
    unit = torch.nn.functional.normalize(embeddings, dim=1)
    directions = torch.tensor([[1.0, 0.0], [0.0, 1.0], [-1.0, 0.0]])
    assert torch.allclose(logits, 10 * unit @ directions.T, atol=1e-5)


def test_each_face_may_have_its_own_margin():
    embeddings = torch.tensor([[1.0, 0.2], [1.0, 0.2]])
    logits = head(scale=1)(embeddings, torch.tensor([0, 0]), torch.tensor([0.0, 0.4]))
    angle = math.atan2(0.2, 1)
    wanted = [math.cos(angle), math.cos(angle + 0.4)]
    assert logits[:, 0].tolist() == pytest.approx(wanted, abs=1e-5)


def test_the_own_logit_falls_with_the_angle_all_the_way():
    cosine = torch.linspace(1, -1, 400, dtype=torch.float64)
    harder = with_margin(cosine, torch.tensor(0.5, dtype=torch.float64))
    assert (harder.diff() < 0).all(), "also where the two branches meet"
    assert (harder <= cosine).all()
    assert float(harder[-1]) == pytest.approx(-1 - 0.5 * math.sin(0.5))


def test_gradients_are_finite_where_a_face_is_just_right():
    made = head()
    embeddings = torch.tensor([[1.0, 0.0], [-1.0, 0.0]], requires_grad=True)
    made(embeddings, torch.tensor([0, 0]), 0.5).sum().backward()
    assert torch.isfinite(embeddings.grad).all() and torch.isfinite(made.weight.grad).all()


def test_it_stays_in_fp32_under_autocast():
    with torch.autocast("cpu", torch.bfloat16):
        logits = head()(torch.tensor([[1.0, 0.1]]).bfloat16(), torch.tensor([0]), 0.5)
    assert logits.dtype == torch.float32


def test_nobody_cannot_be_told_apart():
    with pytest.raises(InputError, match="0 people"):
        ArcFaceHead(0, 2)
