"""EfficientNet-Lite as a backbone: a picture in, feature maps at strides 8, 16 and 32 out.

The mobile variant of EfficientNet without squeeze-and-excitation and with ReLU6, so that it is
fast on a CPU and can be quantised. Source: Tan and Le 2019 (arXiv:1905.11946) and TensorFlow's
`efficientnet/lite/efficientnet_lite_builder.py`; "same" padding as there, which for even sides
and stride 2 adds one pixel more on the right and below than on the left and above.
"""

import math
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

import torch
from pydantic import Field
from torch import Tensor, nn
from torch.nn import functional as F

from despoof.core.config import StrictConfig

Stride = Literal[8, 16, 32]


class EfficientNetLiteConfig(StrictConfig):
    """How wide and deep it is, as multiples of Lite0; stem and first stage never change."""

    width: float = Field(default=1.0, gt=0, allow_inf_nan=False)
    depth: float = Field(default=1.0, gt=0, allow_inf_nan=False)


VARIANTS: dict[str, EfficientNetLiteConfig] = {
    "lite0": EfficientNetLiteConfig(width=1.0, depth=1.0),
    "lite1": EfficientNetLiteConfig(width=1.0, depth=1.1),
    "lite2": EfficientNetLiteConfig(width=1.1, depth=1.2),
}
"""The published sizes that suit two cores."""


@dataclass(frozen=True)
class _Stage:
    """Blocks of one width; the first of them has the stride."""

    repeats: int
    kernel: int
    stride: int
    expand: int
    channels: int


_STEM = 32
_STAGES = (
    _Stage(1, 3, 1, 1, 16),
    _Stage(2, 3, 2, 6, 24),
    _Stage(2, 5, 2, 6, 40),
    _Stage(3, 3, 2, 6, 80),
    _Stage(3, 5, 1, 6, 112),
    _Stage(4, 5, 2, 6, 192),
    _Stage(1, 3, 1, 6, 320),
)
_ENDS: dict[int, Stride] = {2: 8, 4: 16, 6: 32}
"""Stages (from 0) after which the side is divided further, and by how much it is till there."""


class EfficientNetLite(nn.Module):
    """The convolutional part, cut after one of three strides.

    Args:
        config: width and depth.
        stop: the last stride that is wanted; nothing behind it is built.

    Attributes:
        channels: of each feature map, by its stride.
        taps: stride of the map that a block gives, by the block's position.
        ends: position of the last block of each stage.
        frozen_norm: if True, `train()` leaves batch-norm statistics as they are; their scale and
            shift are still learnt. Right for pretrained weights and small batches.
    """

    def __init__(self, config: EfficientNetLiteConfig | None = None, stop: Stride = 32) -> None:
        super().__init__()
        config = config or EfficientNetLiteConfig()
        self.frozen_norm = False
        self.stem = _conv_norm(3, _STEM, 3, stride=2)
        self.channels: dict[Stride, int] = {}
        self.taps: dict[int, Stride] = {}
        self.ends: list[int] = []
        blocks: list[_Block] = []
        before = _STEM
        for index, stage in enumerate(_STAGES):
            channels = scale_channels(stage.channels, config.width)
            fixed = index in (0, len(_STAGES) - 1)
            repeats = stage.repeats if fixed else math.ceil(stage.repeats * config.depth)
            for repeat in range(repeats):
                stride = stage.stride if repeat == 0 else 1
                blocks.append(_Block(before, channels, stage.kernel, stride, stage.expand))
                before = channels
            self.ends.append(len(blocks) - 1)
            if index in _ENDS:
                end = _ENDS[index]
                self.channels[end] = channels
                self.taps[len(blocks) - 1] = end
                if end == stop:
                    break
        self.blocks = nn.ModuleList(blocks)
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                kernel = module.kernel_size[0] * module.kernel_size[1]
                fan_out = kernel * module.out_channels // module.groups
                nn.init.normal_(module.weight, std=math.sqrt(2 / fan_out))

    def forward(
        self, x: Tensor, behind: Mapping[int, Callable[[Tensor], Tensor]] | None = None
    ) -> dict[Stride, Tensor]:
        """Return (B, channels[s], H/s, W/s) for s = 8, 16, 32 up to `stop`; linear, no ReLU.

        Args:
            x: (B, 3, H, W), H and W multiples of 32; (value − 127) / 128 of 8-bit RGB is what
                published weights were trained with.
            behind: by a stage's number, from 0: what is done to its map before the next one.
        """
        behind = {self.ends[stage]: change for stage, change in (behind or {}).items()}
        maps: dict[Stride, Tensor] = {}
        x = F.relu6(self.stem(x), inplace=True)
        for index, block in enumerate(self.blocks):
            x = block(x)
            if index in behind:
                x = behind[index](x)
            if index in self.taps:
                maps[self.taps[index]] = x
        return maps

    def train(self, mode: bool = True) -> "EfficientNetLite":
        """Switch to training, except for the statistics if `frozen_norm`."""
        super().train(mode)
        if self.frozen_norm:
            for module in self.modules():
                if isinstance(module, nn.BatchNorm2d):
                    module.eval()
        return self


def scale_channels(channels: int, width: float) -> int:
    """Return channels · width as a multiple of 8, at least 8 and at least 90 % of the product.

    >>> scale_channels(24, 1.0), scale_channels(24, 1.1), scale_channels(112, 0.1)
    (24, 24, 16)
    """
    wanted = channels * width
    rounded = max(8, int(wanted + 4) // 8 * 8)
    return rounded + 8 if rounded < 0.9 * wanted else rounded


class _ConvNorm(nn.Sequential):
    """A convolution and its batch norm, `conv` and `norm`, behind `pad` where one is needed."""

    conv: nn.Conv2d
    norm: nn.BatchNorm2d

    def forward(self, input: Tensor) -> Tensor:
        norm = self.norm
        if not self.training or norm.training:
            return super().forward(input)
        # Training with frozen statistics: the norm is a fixed factor, so it goes into the kernel.
        # That spares one pass over every map each way; the gradients of kernel, scale and shift
        # are the same.
        conv = self.conv
        mean, variance = norm.running_mean, norm.running_var
        assert mean is not None and variance is not None  # it tracks them: the default
        factor = norm.weight * torch.rsqrt(variance + norm.eps)
        kernel, shift = conv.weight * factor[:, None, None, None], norm.bias
        bias, edge = shift - mean * factor, conv.padding
        padded = self[0](input) if len(self) == 3 else input
        return F.conv2d(padded, kernel, bias, conv.stride, edge, groups=conv.groups)


def _conv_norm(
    channels_in: int, channels_out: int, kernel: int, *, stride: int = 1, groups: int = 1
) -> nn.Sequential:
    """Return a convolution with "same" padding, and batch norm."""
    layers: dict[str, nn.Module] = {}
    centred = kernel // 2 if stride == 1 else 0
    if stride > 1:
        before, after = (kernel - 2) // 2, (kernel - 1) // 2
        layers["pad"] = nn.ZeroPad2d((before, after, before, after))
    layers["conv"] = nn.Conv2d(
        channels_in, channels_out, kernel, stride, centred, groups=groups, bias=False
    )
    layers["norm"] = nn.BatchNorm2d(channels_out, eps=1e-3, momentum=0.01)
    return _ConvNorm(OrderedDict(layers))


class _Block(nn.Module):
    """Inverted bottleneck: widen, filter each channel, narrow; plus the input where it fits."""

    def __init__(
        self, channels_in: int, channels_out: int, kernel: int, stride: int, expand: int
    ) -> None:
        super().__init__()
        inner = channels_in * expand
        self.expand = _conv_norm(channels_in, inner, 1) if expand > 1 else None
        self.depthwise = _conv_norm(inner, inner, kernel, stride=stride, groups=inner)
        self.project = _conv_norm(inner, channels_out, 1)
        self.residual = stride == 1 and channels_in == channels_out

    def forward(self, x: Tensor) -> Tensor:
        y = x if self.expand is None else F.relu6(self.expand(x), inplace=True)
        y = self.project(F.relu6(self.depthwise(y), inplace=True))
        return x + y if self.residual else y
