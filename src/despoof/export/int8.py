"""fp32 ONNX to int8 by calibration: what values each layer sees on real faces sets its scale."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from despoof.core.extras import need
from despoof.export.sessions import INPUT

BATCH = 16


def quantise(path: Path, faces: NDArray[Any]) -> None:
    """Rewrite a file: convolutions in int8, per channel, with scales from these faces.

    Args:
        path: an fp32 ONNX file, replaced in place.
        faces: (N, …) as the model takes them; not the faces of the gate.

    Raises:
        MissingExtraError: onnx is not installed.
    """
    need("onnx", "export")
    from onnxruntime import quantization
    from onnxruntime.quantization.shape_inference import quant_pre_process

    prepared = path.with_suffix(".prepared.onnx")
    try:
        quant_pre_process(str(path), str(prepared), skip_symbolic_shape=True)
        quantization.quantize_static(
            str(prepared),
            str(path),
            _reader(quantization, faces),
            quant_format=quantization.QuantFormat.QDQ,
            op_types_to_quantize=["Conv", "Clip", "Relu", "Add", "MaxPool"],
            per_channel=True,
            # Weights in 7 bits: on processors without VNNI products of 8-bit activations and 8-bit
            # weights are summed in pairs in 16 bits, which overflows; the file must run anywhere.
            reduce_range=True,
            activation_type=quantization.QuantType.QUInt8,
            weight_type=quantization.QuantType.QInt8,
            calibrate_method=quantization.CalibrationMethod.MinMax,
            extra_options={"ActivationSymmetric": False, "WeightSymmetric": True},
        )
    finally:
        prepared.unlink(missing_ok=True)


def _reader(quantization: Any, faces: NDArray[Any]) -> Any:  # noqa: ANN401 - untyped library
    batches: Iterator[NDArray[Any]] = iter(
        np.array_split(faces, max(1, len(faces) // BATCH), axis=0)
    )

    class Reader(quantization.CalibrationDataReader):
        def get_next(self) -> dict[str, NDArray[Any]] | None:
            batch = next(batches, None)
            return None if batch is None else {INPUT: batch}

    return Reader()
