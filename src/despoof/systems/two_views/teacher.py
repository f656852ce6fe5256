"""Somebody else's classifiers as teachers: ONNX files whose answers are soft targets."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import Field
from torch import Tensor
from torch.nn import functional as F

from despoof.core.config import StrictConfig
from despoof.core.device import usable_cores
from despoof.core.errors import WeightsError
from despoof.core.files import sha256

CLASSES = 3

Teacher = Callable[[Tensor], Tensor]
"""(B, 3, S, S) views in [0, 1] -> (B, 3) probabilities, on the CPU."""
_Opened = tuple[list[list[int]], list[list[int]], Callable[[NDArray[np.float32]], NDArray[Any]]]
"""What a file takes and gives a picture, and how it is run: (B, 3, side, side) to (B, 3) logits."""


class TeacherConfig(StrictConfig):
    """Which files teach; the form is that of MiniFASNet (Silent-Face-Anti-Spoofing)."""

    files: tuple[str, ...] = Field(
        min_length=1, description="ONNX: (N, 3, side, side) B, G, R in 0–255 -> (N, 3) logits"
    )
    side: int = Field(default=80, ge=16, description="of what they see, pixels")
    runtime: Literal["onnxruntime", "openvino"] = Field(
        default="onnxruntime",
        description="openvino is several times as fast here; `[export]` brings it",
    )


def open_teacher(config: TeacherConfig) -> Teacher:
    """Open the files; the teacher's answer is the mean of their softmaxes.

    Raises:
        WeightsError: a file is missing, cannot be read, or takes or gives another shape.
    """
    runs = [_opened(name, config) for name in config.files]

    def answers(views: Tensor) -> Tensor:
        size = (config.side, config.side)
        small = F.interpolate(views, size, mode="bilinear", antialias=True).clamp(0, 1)
        pixels = np.ascontiguousarray(small.flip(1).numpy() * 255, np.float32)
        logits = [torch.from_numpy(run(pixels)) for run in runs]
        return torch.stack(logits).softmax(dim=-1).mean(dim=0)

    return answers


def _opened(name: str, config: TeacherConfig) -> Callable[[NDArray[np.float32]], NDArray[Any]]:
    """Open one file with the runtime that was asked for, and check what it takes and gives."""
    if not Path(name).is_file():
        raise WeightsError(f"No teacher at {name}. Name its ONNX file in recipe.teacher.files.")
    try:
        taken, given, run = _RUNTIMES[config.runtime](name)
    except ImportError as error:
        raise WeightsError(
            f"recipe.teacher.runtime is {config.runtime}, which is not installed. Install "
            "the extra `export`, or set it to onnxruntime."
        ) from error
    except Exception as error:  # the runtimes' errors have no base of their own
        raise WeightsError(
            f"{config.runtime} cannot read {name}: {error}. Get it again."
        ) from error
    if taken != [[3, config.side, config.side]] or given != [[CLASSES]]:
        raise WeightsError(
            f"{name} takes {taken} and gives {given} a picture; a teacher takes one "
            f"[3, {config.side}, {config.side}] and gives one [{CLASSES}]. Name another file."
        )
    return run


def _onnxruntime(name: str) -> _Opened:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = usable_cores()
    # It runs beside the training step: threads that wait must not spin.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(name, options, providers=["CPUExecutionProvider"])
    taken = [list(one.shape[1:]) for one in session.get_inputs()]
    given = [list(one.shape[1:]) for one in session.get_outputs()]
    first = session.get_inputs()[0].name

    def run(pixels: NDArray[np.float32]) -> NDArray[Any]:
        return np.asarray(session.run(None, {first: pixels})[0])

    return taken, given, run


def _openvino(name: str) -> _Opened:
    import openvino

    core = openvino.Core()
    model = core.read_model(name)
    taken = [[side.get_length() for side in list(one.partial_shape)[1:]] for one in model.inputs]
    given = [[side.get_length() for side in list(one.partial_shape)[1:]] for one in model.outputs]
    compiled = core.compile_model(
        model, "CPU", {"INFERENCE_NUM_THREADS": usable_cores(), "INFERENCE_PRECISION_HINT": "f32"}
    )

    def run(pixels: NDArray[np.float32]) -> NDArray[Any]:
        return np.asarray(compiled(pixels)[0])

    return taken, given, run


_RUNTIMES: dict[str, Callable[[str], _Opened]] = {
    "onnxruntime": _onnxruntime,
    "openvino": _openvino,
}


def teacher_hash(files: Sequence[str]) -> list[str]:
    """Return the SHA-256 of each file: what taught is part of what was learnt."""
    return [sha256(Path(name)) for name in files]
