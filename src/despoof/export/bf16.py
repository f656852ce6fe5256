"""Weights in bf16, arithmetic in fp32: half the file for every program that runs ONNX."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from despoof.core.extras import need

SMALLEST = 256
"""Values; a smaller tensor (a bias) stays fp32: it would save nothing."""


def store_in_bf16(path: Path) -> None:
    """Rewrite a file: each large fp32 constant becomes bf16 and a cast back to fp32.

    Programs do the cast once, when they open the file; few of them could convolve in bf16.

    Raises:
        MissingExtraError: onnx is not installed.
    """
    onnx = need("onnx", "export")
    kinds, helper = onnx.TensorProto, onnx.helper
    model = onnx.load(str(path))
    casts = []
    for tensor in model.graph.initializer:
        if tensor.data_type != kinds.FLOAT or np.prod(tensor.dims) < SMALLEST:
            continue
        name, stored = tensor.name, f"{tensor.name}.bf16"
        bits = bf16_bits(onnx.numpy_helper.to_array(tensor))
        raw = bits.astype("<u2").tobytes()
        tensor.CopyFrom(helper.make_tensor(stored, kinds.BFLOAT16, bits.shape, raw, raw=True))
        casts.append(
            helper.make_node("Cast", [stored], [name], name=f"{name}.fp32", to=kinds.FLOAT)
        )
    nodes = [*casts, *model.graph.node]
    del model.graph.node[:]
    model.graph.node.extend(nodes)
    onnx.save_model(model, str(path))


def bf16_bits(values: NDArray[np.float32]) -> NDArray[np.uint16]:
    """Round finite float32 to the nearest bfloat16, ties to even; return its 16 bits.

    >>> [hex(bits) for bits in bf16_bits(np.array([1.0, -2.0, 1.00390625], np.float32))]
    ['0x3f80', '0xc000', '0x3f80']
    """
    bits = np.ascontiguousarray(values, np.float32).view(np.uint32)
    tie = (bits >> np.uint32(16)) & np.uint32(1)
    return ((bits + np.uint32(0x7FFF) + tie) >> np.uint32(16)).astype(np.uint16)
