import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from torch.nn import functional as F

from despoof.core.errors import InputError
from despoof.nets.central_difference import (
    CentralDifferenceConv2d,
    central_difference_block,
    fold_centre,
)
from despoof.nets.folding import folded, to_conv2d

SHAPES = st.tuples(*(st.integers(1, 5),) * 3, st.integers(1, 6), st.integers(1, 6))
quick = settings(max_examples=25, deadline=None)


def layer(channels_in, channels_out, theta, kernel=3, *, seed=0, dtype=torch.float64):
    torch.manual_seed(seed)
    return CentralDifferenceConv2d(channels_in, channels_out, theta, kernel).to(dtype)


def published(x, weight, theta):
    """The two convolutions of SPEC §1.4."""
    sums = weight.sum(dim=(2, 3), keepdim=True)
    return F.conv2d(x, weight, padding=weight.shape[-1] // 2) - theta * F.conv2d(x, sums)


def by_definition(x, weight, theta):
    """θ Σ wₙ (xₙ − x₀) + (1 − θ) Σ wₙ xₙ, pixel by pixel; xₙ = 0 outside."""
    out, _, side, _ = weight.shape
    count, _, height, width = x.shape
    padded = F.pad(x, [side // 2] * 4)
    found = x.new_zeros(count, out, height, width)
    for row in range(height):
        for column in range(width):
            window = padded[:, :, row : row + side, column : column + side]
            middle = x[:, :, row, column, None, None]
            seen = theta * (window - middle) + (1 - theta) * window
            found[:, :, row, column] = torch.einsum("oiyx,biyx->bo", weight, seen)
    return found


@quick
@given(SHAPES, st.sampled_from([1, 3, 5]), st.floats(0, 1), st.integers(0, 1000))
def test_one_convolution_is_the_definition_and_the_published_pair(shape, kernel, theta, seed):
    count, channels_in, channels_out, height, width = shape
    conv = layer(channels_in, channels_out, theta, kernel, seed=seed)
    x = torch.randn(count, channels_in, height, width, dtype=torch.float64)
    found = conv(x)
    torch.testing.assert_close(found, published(x, conv.weight, theta), rtol=0, atol=1e-12)
    torch.testing.assert_close(found, by_definition(x, conv.weight, theta), rtol=0, atol=1e-12)


@quick
@given(SHAPES, st.floats(0, 1), st.integers(0, 1000))
def test_the_single_convolution_agrees_to_1e_5_in_single_precision(shape, theta, seed):
    count, channels_in, channels_out, height, width = shape
    conv = layer(channels_in, channels_out, theta, seed=seed, dtype=torch.float32)
    x = torch.randn(count, channels_in, height, width)
    expected = published(x, conv.weight, theta)
    torch.testing.assert_close(conv(x), expected, rtol=0, atol=1e-5)
    torch.testing.assert_close(to_conv2d(conv)(x), expected, rtol=0, atol=1e-5)


@quick
@given(SHAPES, st.integers(0, 1000))
def test_theta_0_is_conv2d_to_the_bit(shape, seed):
    count, channels_in, channels_out, height, width = shape
    conv = layer(channels_in, channels_out, 0.0, seed=seed, dtype=torch.float32)
    torch.manual_seed(seed)
    plain = nn.Conv2d(channels_in, channels_out, 3, padding=1, bias=False)
    assert torch.equal(conv.weight, plain.weight), "not the same start"
    assert torch.equal(fold_centre(conv.weight, 0.0), plain.weight)
    x = torch.randn(count, channels_in, height, width)
    assert torch.equal(conv(x), plain(x))


@quick
@given(st.floats(0, 1), st.integers(0, 1000))
def test_a_level_picture_shows_the_share_that_is_not_differences(theta, seed):
    conv = layer(2, 3, theta, seed=seed)
    inner = conv(torch.full((1, 2, 5, 5), 1.7, dtype=torch.float64))[0, :, 1:-1, 1:-1]
    expected = (1 - theta) * 1.7 * conv.weight.sum(dim=(1, 2, 3))
    torch.testing.assert_close(inner, expected[:, None, None].expand(3, 3, 3))


def test_gradients_are_those_of_the_published_pair():
    conv = layer(3, 4, 0.7)
    x = torch.randn(2, 3, 5, 6, dtype=torch.float64, requires_grad=True)
    probe = torch.randn(2, 4, 5, 6, dtype=torch.float64)
    ours = torch.autograd.grad((conv(x) * probe).sum(), (x, conv.weight))
    theirs = torch.autograd.grad((published(x, conv.weight, 0.7) * probe).sum(), (x, conv.weight))
    for a, b in zip(ours, theirs, strict=True):
        torch.testing.assert_close(a, b, rtol=0, atol=1e-12)
    assert torch.autograd.gradcheck(lambda w: F.conv2d(x, fold_centre(w, 0.7)), (conv.weight,))


def test_it_runs_one_convolution(monkeypatch):
    conv = layer(3, 4, 0.7)
    calls, real = [], F.conv2d
    monkeypatch.setattr(F, "conv2d", lambda *a, **k: calls.append(a) or real(*a, **k))
    conv(torch.zeros(1, 3, 8, 8, dtype=torch.float64))
    assert len(calls) == 1


@pytest.mark.parametrize(
    ("theta", "kernel", "message"),
    [(-0.1, 3, "theta is -0.1"), (1.5, 3, "theta is 1.5"), (0.7, 2, "side is 2"), (0.7, 0, "odd")],
)
def test_what_it_may_not_be_is_named(theta, kernel, message):
    with pytest.raises(InputError, match=message):
        CentralDifferenceConv2d(1, 1, theta, kernel)


def trained_block(theta=0.7):
    """A block whose batch norm has seen something."""
    torch.manual_seed(1)
    block = central_difference_block(3, 6, theta)
    for _ in range(3):
        block(2 + 3 * torch.randn(8, 3, 6, 6))
    with torch.no_grad():
        block[1].weight.uniform_(0.5, 2)
        block[1].bias.uniform_(-1, 1)
    return block.eval()


@pytest.mark.parametrize("theta", [0.0, 0.3, 1.0])
def test_a_folded_block_is_one_plain_convolution_and_answers_alike(theta):
    block = trained_block(theta)
    before = {key: value.clone() for key, value in block.state_dict().items()}
    plain = folded(block)
    assert [type(part) for part in plain] == [nn.Conv2d, nn.ReLU]
    x = torch.randn(2, 3, 9, 7)
    with torch.no_grad():
        torch.testing.assert_close(plain(x), block(x), rtol=0, atol=1e-5)
    assert all(torch.equal(before[key], value) for key, value in block.state_dict().items())


def test_a_network_in_training_is_not_folded():
    with pytest.raises(InputError, match=r"training mode; expected eval mode\. Call \.eval"):
        folded(central_difference_block(3, 4, 0.7))
