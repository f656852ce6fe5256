import pytest
import torch

from despoof.nets.central_difference import CentralDifferenceConv2d
from despoof.nets.depth_trunk import DepthTrunk, trunk_widths


def test_the_layers_are_the_published_ones():
    trunk = DepthTrunk(3, trunk_widths())
    convolutions = [m for m in trunk.modules() if isinstance(m, CentralDifferenceConv2d)]
    assert [tuple(m.weight.shape[:2]) for m in convolutions] == [
        (64, 3),
        (128, 64), (196, 128), (128, 196),
        (128, 128), (196, 128), (128, 196),
        (128, 128), (196, 128), (128, 196),
    ]  # fmt: skip
    assert all(m.weight.shape[2:] == (3, 3) and m.theta == 0.7 for m in convolutions)
    # 9 in·out a convolution, 2 a channel of batch norm, no bias anywhere.
    convolved = 9 * (3 * 64 + 64 * 128 + 2 * 128 * 128 + 6 * 128 * 196)
    assert sum(p.numel() for p in trunk.parameters()) == convolved + 2 * (64 + 3 * 452) == 1_727_960


@pytest.mark.parametrize("fold", [1, 2])
def test_the_taps_halve_three_times(fold):
    with torch.device("meta"):
        taps = DepthTrunk(3, trunk_widths(), fold=fold)(torch.empty(1, 3, 256, 256))
    assert [tuple(t.shape) for t in taps] == [
        (1, 128, 256 // fold // d, 256 // fold // d) for d in (2, 4, 8)
    ]


def test_folding_loses_nothing():
    # A checkerboard at the Nyquist frequency is a level picture to a 2×2 mean; here it is seen.
    trunk = DepthTrunk(1, trunk_widths(0.1), fold=2).eval()
    board = ((torch.arange(16)[:, None] + torch.arange(16)) % 2).float()[None, None] - 0.5
    taps, none = trunk(board), trunk(torch.zeros_like(board))
    assert (taps[0] - none[0]).abs().max() > 1e-3


def test_a_tap_is_positive_and_learns():
    torch.manual_seed(0)
    trunk = DepthTrunk(3, trunk_widths(0.1))
    taps = trunk(torch.randn(4, 3, 32, 32))
    assert all((tap >= 0).all() for tap in taps)
    taps[-1].sum().backward()
    assert all(p.grad is not None and p.grad.isfinite().all() for p in trunk.parameters())
