"""A trained network, rewritten for use: central differences and batch norm become plain kernels."""

import copy
from typing import cast

from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from despoof.core.errors import InputError
from despoof.nets.central_difference import CentralDifferenceConv2d, fold_centre


def to_conv2d(layer: CentralDifferenceConv2d) -> nn.Conv2d:
    """Return the plain convolution, without bias, that answers as the layer does."""
    out, channels_in, side, _ = layer.weight.shape
    plain = nn.Conv2d(channels_in, out, side, padding=side // 2, bias=False)
    plain.weight = nn.Parameter(fold_centre(layer.weight.detach(), layer.theta))
    return plain.train(layer.training)


def folded(module: nn.Module) -> nn.Module:
    """Return a copy in which every central-difference layer is one plain convolution.

    A batch norm that follows a convolution in an `nn.Sequential` is folded into it. The original is
    left alone; the copy has other parameter names and is for inference and export only.

    Raises:
        InputError: the module is in training mode, where batch norm is no fixed factor.
    """
    if module.training:
        raise InputError("The network is in training mode; expected eval mode. Call .eval() first.")
    return _folded(copy.deepcopy(module))


def _folded(module: nn.Module) -> nn.Module:
    if isinstance(module, CentralDifferenceConv2d):
        return to_conv2d(module)
    if isinstance(module, nn.Sequential):
        return nn.Sequential(*_merged([_folded(child) for child in module])).eval()
    for name, child in module.named_children():
        setattr(module, name, _folded(child))
    return module


def _merged(layers: list[nn.Module]) -> list[nn.Module]:
    """Fold each batch norm into the convolution right before it."""
    kept: list[nn.Module] = []
    for layer in layers:
        before = kept[-1] if kept else None
        if isinstance(layer, nn.BatchNorm2d) and isinstance(before, nn.Conv2d):
            kept[-1] = cast("nn.Module", fuse_conv_bn_eval(before, layer))
        else:
            kept.append(layer)
    return kept
