"""ONNX files of peers: found, opened with onnxruntime, counted."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from despoof.core.errors import WeightsError

Network = Callable[[NDArray[np.float32]], NDArray[np.float32]]


def need(path: Path) -> Path:
    """Return the path of a peer's file.

    Raises:
        WeightsError: it is not there.
    """
    if not path.is_file():
        raise WeightsError(
            f"No file {path}. Public peers do not come with this repository: put their ONNX files "
            "into one folder and name it with --peers."
        )
    return path


def open_network(path: Path, threads: int) -> Network:
    """Open a network of one input and one output.

    Args:
        path: of the ONNX file.
        threads: within one call.

    Returns:
        (N, 3, S, S) float32 -> (N, K) float32.

    Raises:
        WeightsError: it is not there, or onnxruntime cannot read it.
    """
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    try:
        session = onnxruntime.InferenceSession(
            str(need(path)), options, providers=["CPUExecutionProvider"]
        )
    except WeightsError:
        raise
    except Exception as error:  # onnxruntime's exceptions have no common base of their own
        raise WeightsError(f"onnxruntime cannot read {path}: {error}. Get it again.") from error
    name = session.get_inputs()[0].name
    return lambda pixels: np.asarray(session.run(None, {name: pixels})[0], np.float32)


def parameters_of(*paths: Path) -> int | None:
    """Count the numbers in the files' initialisers; None without the onnx package."""
    try:
        import onnx
    except ImportError:
        return None
    return sum(
        int(np.prod(tensor.dims)) for path in paths for tensor in onnx.load(path).graph.initializer
    )
