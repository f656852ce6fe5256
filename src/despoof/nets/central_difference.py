"""Central-difference convolution: a convolution that answers to differences, not to levels.

y = θ · Σ wₙ (xₙ − x₀) + (1 − θ) · Σ wₙ xₙ, x₀ the pixel in the middle of the window. That is
conv(x; w) − θ · conv1×1(x; Σₙ wₙ), and that in turn is one convolution with the kernel whose middle
is w₀ − θ · Σₙ wₙ (`fold_centre`). Because the middle of a window never lies in the padding, the
three are equal at the border too. So only the last form is ever run, in training as in use.

Source: SPEC §1.4 (CDCN; θ = 0.7 there, θ = 0 is the vanilla convolution).
"""

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from despoof.core.errors import InputError


def fold_centre(weight: Tensor, theta: float) -> Tensor:
    """Return the plain kernel that convolves as the central difference does; differentiable.

    Args:
        weight: (out, in, k, k), k odd.
        theta: 0 = the plain convolution, unchanged to the bit; 1 = differences alone, so that the
            answer to a level picture is 0 (off the border).

    Returns:
        The shape of `weight`.
    """
    middle = weight.shape[-1] // 2
    return weight - F.pad(theta * weight.sum(dim=(2, 3), keepdim=True), [middle] * 4)


class CentralDifferenceConv2d(nn.Module):
    """(B, in, H, W) -> (B, out, H, W): stride 1, zero padding that keeps the size, no bias.

    Starts as `nn.Conv2d` of the same shape does.

    Args:
        channels_in: channels of the input.
        channels_out: channels of the output.
        theta: share of the differences, in [0, 1].
        kernel: side of the kernel, odd.

    Raises:
        InputError: theta is not in [0, 1], or the kernel's side is even.
    """

    def __init__(
        self, channels_in: int, channels_out: int, theta: float = 0.7, kernel: int = 3
    ) -> None:
        super().__init__()
        if not 0 <= theta <= 1:
            raise InputError(f"theta is {theta}; expected a share in [0, 1]. CDCN uses 0.7.")
        if kernel < 1 or kernel % 2 == 0:
            raise InputError(
                f"The kernel's side is {kernel}; expected an odd number: it has a middle."
            )
        self.theta = theta
        self.weight = nn.Parameter(torch.empty(channels_out, channels_in, kernel, kernel))
        nn.init.kaiming_uniform_(self.weight, a=math.sqrt(5))

    def forward(self, x: Tensor) -> Tensor:
        """Convolve once, with the folded kernel."""
        kernel = fold_centre(self.weight, self.theta)
        return F.conv2d(x, kernel, padding=self.weight.shape[-1] // 2)

    def extra_repr(self) -> str:
        """Name shape and theta where the module is printed."""
        out, channels_in, side, _ = self.weight.shape
        return f"{channels_in}, {out}, theta={self.theta}, kernel={side}"


def central_difference_block(channels_in: int, channels_out: int, theta: float) -> nn.Sequential:
    """3×3 central-difference convolution, batch norm, ReLU: all layers but the last (SPEC §1.4)."""
    return nn.Sequential(
        CentralDifferenceConv2d(channels_in, channels_out, theta),
        nn.BatchNorm2d(channels_out),
        nn.ReLU(inplace=True),
    )
