"""An exported folder as a system that scores: pixels by numpy alone, tensors where torch is."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from despoof.core.errors import InputError
from despoof.export.record import ExportRecord, read_export
from despoof.export.sessions import Run, open_model

if TYPE_CHECKING:
    from torch import Tensor

    from despoof.core.types import Decomposition


@dataclass(frozen=True)
class ExportedScorer:
    """Scores faces with a model file. A `core.types.System` as far as scores go.

    Attributes:
        config: the export's record; its `crop` is the preprocessing.
        run: calls the model.
    """

    config: ExportRecord
    run: Run

    def score_crops(self, crops: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Score (B, S, S, 3) uint8 RGB crops; return (B,) scores.

        Raises:
            InputError: another shape or type, or no crop.
        """
        side = self.config.crop.size
        if crops.dtype != np.uint8 or crops.shape[1:] != (side, side, 3) or len(crops) == 0:
            raise InputError(
                f"crops are {crops.dtype} of shape {crops.shape}; expected uint8 "
                f"(B, {side}, {side}, 3) with B ≥ 1. Cut them out with despoof.face.crop_face."
            )
        if self.config.input == "float32":
            planes = crops.transpose(0, 3, 1, 2).astype(np.float32) / np.float32(127.5) - 1
            return self.run(np.ascontiguousarray(planes))[0]
        return self.run(np.ascontiguousarray(crops))[0]

    def score(self, faces: "Tensor") -> "Tensor":
        """Score (B, 3, S, S) faces in [-1, 1] (needs torch); a model of pixels rounds to 8 bits."""
        import torch

        from despoof.systems.inputs import check_faces

        check_faces(faces, self.config.crop.size)
        planes = faces.detach().cpu().float()
        if self.config.input == "float32":
            found = self.run(np.ascontiguousarray(planes.numpy()))[0]
        else:
            pixels = ((planes + 1) * 127.5).round().clamp(0, 255).to(torch.uint8)
            found = self.score_crops(pixels.permute(0, 2, 3, 1).numpy())
        return torch.from_numpy(np.array(found))

    def decompose(self, faces: "Tensor") -> "Decomposition":
        """Refuse: the file holds the scorer alone.

        Raises:
            InputError: always.
        """
        raise InputError(
            f"The export of {self.config.name} gives scores, no genuine face and no evidence. "
            "Load the weights that it was made from for those."
        )


def open_export(folder: str | Path, threads: int = 0) -> ExportedScorer:
    """Open an exported folder.

    Args:
        folder: that `despoof export` wrote.
        threads: for one call; 0 lets the program choose.

    Raises:
        WeightsError: the record or a model file is missing, damaged or another one.
        MissingExtraError: what runs it is not installed.
    """
    folder = Path(folder).expanduser()
    record = read_export(folder)
    return ExportedScorer(record, open_model(folder, record.format, record.precision, threads))
