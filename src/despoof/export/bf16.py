"""Weights in bf16, arithmetic in fp32: half the file for every program that runs ONNX."""

from pathlib import Path

import numpy as np

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
    need("ml_dtypes", "export")
    import ml_dtypes

    model = onnx.load(str(path))
    casts = []
    for tensor in model.graph.initializer:
        if tensor.data_type != onnx.TensorProto.FLOAT or np.prod(tensor.dims) < SMALLEST:
            continue
        name, values = tensor.name, onnx.numpy_helper.to_array(tensor)
        stored = onnx.numpy_helper.from_array(values.astype(ml_dtypes.bfloat16), f"{name}.bf16")
        tensor.CopyFrom(stored)
        cast = onnx.helper.make_node(
            "Cast", [stored.name], [name], name=f"{name}.fp32", to=onnx.TensorProto.FLOAT
        )
        casts.append(cast)
    nodes = [*casts, *model.graph.node]
    del model.graph.node[:]
    model.graph.node.extend(nodes)
    onnx.save_model(model, str(path))
