"""Somebody else's classifiers as teachers: ONNX files whose answers are soft targets."""

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import torch
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


class TeacherConfig(StrictConfig):
    """Which files teach; the form is that of MiniFASNet (Silent-Face-Anti-Spoofing)."""

    files: tuple[str, ...] = Field(
        min_length=1, description="ONNX: (N, 3, side, side) B, G, R in 0–255 -> (N, 3) logits"
    )
    side: int = Field(default=80, ge=16, description="of what they see, pixels")


def open_teacher(config: TeacherConfig) -> Teacher:
    """Open the files; the teacher's answer is the mean of their softmaxes.

    Raises:
        WeightsError: a file is missing, cannot be read, or takes or gives another shape.
    """
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = usable_cores()
    # It runs beside the training step: threads that wait must not spin.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.log_severity_level = 3
    sessions: list[tuple[onnxruntime.InferenceSession, str]] = []
    for name in config.files:
        if not Path(name).is_file():
            raise WeightsError(f"No teacher at {name}. Name its ONNX file in recipe.teacher.files.")
        try:
            session = onnxruntime.InferenceSession(
                name, options, providers=["CPUExecutionProvider"]
            )
        except Exception as error:  # onnxruntime's errors have no base of their own
            raise WeightsError(f"onnxruntime cannot read {name}: {error}. Get it again.") from error
        taken = [list(one.shape[1:]) for one in session.get_inputs()]
        given = [list(one.shape[1:]) for one in session.get_outputs()]
        if taken != [[3, config.side, config.side]] or given != [[CLASSES]]:
            raise WeightsError(
                f"{name} takes {taken} and gives {given} a picture; a teacher takes one "
                f"[3, {config.side}, {config.side}] and gives one [{CLASSES}]. Name another file."
            )
        sessions.append((session, session.get_inputs()[0].name))

    def answers(views: Tensor) -> Tensor:
        size = (config.side, config.side)
        small = F.interpolate(views, size, mode="bilinear", antialias=True).clamp(0, 1)
        pixels = np.ascontiguousarray(small.flip(1).numpy() * 255, np.float32)
        found = [torch.from_numpy(s.run(None, {name: pixels})[0]) for s, name in sessions]
        return torch.stack(found).softmax(dim=-1).mean(dim=0)

    return answers


def teacher_hash(files: Sequence[str]) -> list[str]:
    """Return the SHA-256 of each file: what taught is part of what was learnt."""
    return [sha256(Path(name)) for name in files]
