import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from despoof.diffusion.group_norm import QuickGroupNorm, quick_norms


def pair(channels, groups, seed=0):
    generator = torch.Generator().manual_seed(seed)
    own = nn.GroupNorm(groups, channels)
    with torch.no_grad():
        own.weight.copy_(torch.randn(channels, generator=generator))
        own.bias.copy_(torch.randn(channels, generator=generator))
    quick = QuickGroupNorm(groups, channels)
    quick.load_state_dict(own.state_dict())
    return own, quick


def gradients(norm, x, weights):
    x = x.clone().requires_grad_()
    y = norm(x)
    (y * weights).sum().backward()
    return y.detach(), x.grad, norm.weight.grad, norm.bias.grad


@given(
    groups=st.integers(1, 4),
    each=st.integers(1, 5),
    side=st.sampled_from([1, 3, 4, 8]),
    shift=st.floats(-3, 3),
    seed=st.integers(0, 99),
)
@settings(deadline=None, max_examples=30)
def test_values_and_all_three_gradients_are_torch_s(groups, each, side, shift, seed):
    own, quick = pair(groups * each, groups, seed)
    generator = torch.Generator().manual_seed(seed)
    x = torch.randn(3, groups * each, side, side, generator=generator) + shift
    weights = torch.randn(x.shape, generator=generator)
    for mine, theirs in zip(gradients(quick, x, weights), gradients(own, x, weights), strict=True):
        torch.testing.assert_close(mine, theirs, rtol=1e-3, atol=1e-3)


def test_under_bf16_it_answers_in_bf16_and_its_gradients_stay_close():
    own, quick = pair(32, 8)
    x = 2 + torch.randn(4, 32, 16, 16, generator=torch.Generator().manual_seed(1))
    weights = torch.randn(x.shape, generator=torch.Generator().manual_seed(2))
    exact = gradients(own, x, weights)
    with torch.autocast("cpu", torch.bfloat16):
        assert quick(x).dtype == torch.bfloat16
        found = gradients(quick, x, weights)
    for mine, theirs in zip(found, exact, strict=True):
        gap = (mine.float() - theirs).norm() / theirs.norm()
        assert gap < 0.02, gap


def test_a_sequence_of_tokens_is_left_to_torch():
    own, quick = pair(8, 2)
    x = torch.randn(2, 8, 5)
    assert torch.equal(quick(x), own(x))


def test_every_norm_inside_is_replaced_and_no_weight_is_lost():
    net = nn.Sequential(nn.Conv2d(3, 8, 1), nn.Sequential(nn.GroupNorm(2, 8), nn.SiLU()))
    nn.init.normal_(net[1][0].weight)
    before, state = net(torch.ones(1, 3, 4, 4)).detach(), net.state_dict()
    quick_norms(net)
    assert type(net[1][0]) is QuickGroupNorm
    assert {k: v.tolist() for k, v in net.state_dict().items()} == {
        k: v.tolist() for k, v in state.items()
    }
    torch.testing.assert_close(net(torch.ones(1, 3, 4, 4)).detach(), before)


@pytest.mark.parametrize("shape", [(2, 6, 4, 4)])
def test_numbers_of_channels_that_do_not_fit_are_refused_as_by_torch(shape):
    with pytest.raises(RuntimeError, match="channels"):
        QuickGroupNorm(2, 4)(torch.randn(shape))


def test_one_picture_as_attention_leaves_it_is_normalised_too():
    """A batch of one may have any stride there, which torch's kernel takes for another layout."""
    own, quick = pair(16, 4)
    x = torch.randn(1, 64, 16, generator=torch.Generator().manual_seed(0))
    x = x.transpose(-1, -2).reshape(1, 16, 8, 8)
    assert x.stride() == (16, 1, 128, 16), "not what a channels-last picture of its own has"
    found, expected = (gradients(norm, x, x) for norm in (quick, own))
    for one, other in zip(found, expected, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-5)


def test_a_graph_that_is_traced_holds_torch_s_own_norm(monkeypatch):
    _, quick = pair(8, 2)
    x = torch.randn(2, 8, 4, 4, generator=torch.Generator().manual_seed(3))
    own = quick(x)
    assert "_Normalise" in type(own.grad_fn).__name__
    monkeypatch.setattr(torch.jit, "is_tracing", lambda: True)
    traced = quick(x)
    assert "NativeGroupNorm" in type(traced.grad_fn).__name__
    torch.testing.assert_close(traced, own)
