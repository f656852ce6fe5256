"""Run a model file with onnxruntime or openvino. No torch here."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from despoof.core.errors import WeightsError
from despoof.core.extras import need
from despoof.export.record import MODEL_FILES, Format, Precision

INPUT = "faces"
Run = Callable[[NDArray[Any]], list[NDArray[np.float32]]]
"""Faces as the model takes them -> its outputs, in order. May be called from several threads."""


def open_model(folder: Path, kind: Format, precision: Precision, threads: int = 0) -> Run:
    """Open the model of a folder.

    Args:
        folder: holds the files of `MODEL_FILES[kind]`.
        kind: which program runs it.
        precision: that it was written with.
        threads: for one call; 0 lets the program choose.

    Raises:
        MissingExtraError: that program is not installed.
        WeightsError: the file is damaged.
    """
    path = folder / MODEL_FILES[kind][0]
    try:
        return (_onnx if kind == "onnx" else _openvino)(path, precision, threads)
    except (RuntimeError, ValueError, OSError) as error:
        raise WeightsError(
            f"{path} cannot be opened: {error} Restore the file, or export it again."
        ) from error


def _onnx(path: Path, precision: Precision, threads: int) -> Run:
    import onnxruntime as runtime

    options = runtime.SessionOptions()
    options.intra_op_num_threads = threads
    options.log_severity_level = 3
    # A spinning pool would take the cores from whatever runs next.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    try:
        session = runtime.InferenceSession(
            path.read_bytes(), options, providers=["CPUExecutionProvider"]
        )
    except Exception as error:  # onnxruntime's own tree starts at Exception
        raise ValueError(str(error).splitlines()[0]) from error

    def run(faces: NDArray[Any]) -> list[NDArray[np.float32]]:
        return [np.asarray(out) for out in session.run(None, {INPUT: faces})]

    return run


def _openvino(path: Path, precision: Precision, threads: int) -> Run:
    openvino = need("openvino", "export")
    # Without the hint it takes bf16 for fp32 on processors that are faster so.
    hints: dict[str, Any] = {"INFERENCE_PRECISION_HINT": "bf16" if precision == "bf16" else "f32"}
    if threads:
        hints["INFERENCE_NUM_THREADS"] = threads
    compiled = openvino.Core().compile_model(str(path), "CPU", hints)

    def run(faces: NDArray[Any]) -> list[NDArray[np.float32]]:
        # A request of its own for each call: they hold the outputs.
        found = compiled.create_infer_request().infer([faces])
        return [np.array(found[output]) for output in compiled.outputs]

    return run
