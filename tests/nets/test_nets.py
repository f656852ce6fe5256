import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn
from torch.nn import functional as F

from despoof.nets.blocks import conv_block, conv_chain, resize_to, widen
from despoof.nets.depth_net import DepthNet


def test_a_block_is_convolution_batch_norm_elu():
    torch.manual_seed(0)
    block = conv_block(3, 5)
    conv, norm, unit = block
    assert conv.bias is None and conv.kernel_size == (3, 3) and conv.padding == (1, 1)
    assert (norm.eps, norm.momentum) == (1e-5, 0.1) and isinstance(unit, nn.ELU)
    x = torch.randn(4, 3, 6, 7)
    raw = F.conv2d(x, conv.weight, padding=1)
    mean = raw.mean((0, 2, 3), keepdim=True)
    var = raw.var((0, 2, 3), unbiased=False, keepdim=True)
    normal = (raw - mean) / torch.sqrt(var + 1e-5)
    expected = torch.where(normal > 0, normal, normal.exp() - 1)
    torch.testing.assert_close(block(x), expected, rtol=1e-4, atol=1e-5)
    # Decay .9: a tenth of the batch's mean is taken over.
    torch.testing.assert_close(norm.running_mean, 0.1 * mean.flatten(), rtol=1e-4, atol=1e-6)


def test_a_chain_links_its_widths():
    chain = conv_chain((6, 24, 20, 25))
    assert [(b[0].in_channels, b[0].out_channels) for b in chain] == [(6, 24), (24, 20), (20, 25)]


@given(st.integers(1, 400), st.floats(0.01, 4))
def test_widths_are_even_and_near(channels, multiplier):
    wide = widen(channels, multiplier)
    assert wide >= 4
    assert widen(channels, 1.0) == channels
    if multiplier != 1.0:
        assert wide % 2 == 0
        assert wide == 4 or abs(wide - channels * multiplier) <= 1


def test_resize_keeps_what_fits_and_is_bilinear_else():
    x = torch.rand(2, 3, 8, 8)
    assert resize_to(x, 8) is x
    # Halving with pixel centres between pixels: the mean of 2×2.
    torch.testing.assert_close(resize_to(x, 4), F.avg_pool2d(x, 2))
    ramp = torch.arange(8.0).repeat(8, 1)[None, None]
    inner = resize_to(ramp, 16)[0, 0, 0, 1:-1]
    torch.testing.assert_close(inner, torch.arange(0.25, 7, 0.5))


@pytest.mark.parametrize(("size", "width"), [(32, 0.1), (48, 0.1), (112, 0.1), (64, 0.25)])
def test_depth_has_one_size_for_every_picture(size, width):
    torch.manual_seed(0)
    net = DepthNet(6, width).eval()
    out = net(torch.rand(2, 6, size, size))
    assert out.shape == (2, 32, 32) and out.isfinite().all()


def test_average_pool_does_not_count_the_padding():
    net = DepthNet(3, 0.1)
    flat = torch.full((1, 2, 8, 8), 3.0)
    torch.testing.assert_close(net.average_pool(flat), torch.full((1, 2, 4, 4), 3.0))


def test_the_three_taps_are_at_half_a_quarter_and_an_eighth():
    net = DepthNet(3, 0.1).eval()
    seen = []
    for pool in (net.max_pool, net.average_pool):
        pool.register_forward_hook(lambda _m, _i, out: seen.append(tuple(out.shape[-2:])))
    net(torch.rand(1, 3, 64, 64))
    assert seen == [(32, 32), (16, 16), (8, 8)]
    assert net.head[0][0].in_channels == 3 * widen(128, 0.1)
