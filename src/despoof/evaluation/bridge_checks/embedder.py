"""A face recogniser from the user's ONNX file: an aligned face in, a direction out.

None comes with despoof: the usual weights are for research alone.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from despoof.core.errors import InputError, WeightsError
from despoof.core.types import Image
from despoof.face.warp import warp

if TYPE_CHECKING:
    from onnxruntime import InferenceSession

SIDE = 112
TEMPLATE = np.array(
    [[38.2946, 51.6963], [73.5318, 51.5014], [56.0252, 71.7366], [41.5493, 92.3655],
     [70.7299, 92.2041]]
)  # fmt: skip
"""Where ArcFace wants eyes, nose and mouth corners, pixels of 112 × 112 (arXiv:1801.07698)."""


@dataclass(frozen=True)
class Embedder:
    """An ArcFace-like network; build it with `load_embedder`."""

    session: "InferenceSession"
    name: str

    def __call__(self, face: Image) -> NDArray[np.float64]:
        """Return the unit vector (D,) of an aligned (112, 112, 3) uint8 RGB face.

        Raises:
            InputError: the face is of another shape or type.
            WeightsError: the answer is no direction.
        """
        if face.shape != (SIDE, SIDE, 3) or face.dtype != np.uint8:
            raise InputError(
                f"The face is {face.dtype} of shape {face.shape}; expected uint8 (112, 112, 3). "
                "Align it with aligned_face."
            )
        planes = ((face.astype(np.float32) - 127.5) / 127.5).transpose(2, 0, 1)[None]
        answer = self.session.run(None, {self.session.get_inputs()[0].name: planes})[0]
        vector = np.asarray(answer, np.float64).ravel()
        size = float(np.linalg.norm(vector))
        if vector.size < 2 or not np.isfinite(size) or size == 0:
            raise WeightsError(
                f"{self.name} answered {vector.size} numbers of length {size}; expected a vector "
                "that is not 0. Is it a face recogniser?"
            )
        return vector / size


def load_embedder(path: str | Path) -> Embedder:
    """Read a face recogniser: RGB planes (1, 3, 112, 112), (x − 127.5) / 127.5, to (1, D).

    Raises:
        WeightsError: the file is missing, no ONNX, or takes something else.
    """
    import onnxruntime

    path = Path(path)
    if not path.is_file():
        raise WeightsError(f"No face recogniser at {path}. Give the path of its ONNX file.")
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 4  # a file that is no ONNX is said by the error below
    try:
        session = onnxruntime.InferenceSession(
            path.read_bytes(), options, providers=["CPUExecutionProvider"]
        )
    except Exception as error:  # onnxruntime's own errors have no common root
        raise WeightsError(f"{path} is not a readable ONNX file: {error}.") from error
    inputs = [(one.type, list(one.shape)) for one in session.get_inputs()]
    fits = len(inputs) == 1 and inputs[0][0] == "tensor(float)" and _fits(inputs[0][1])
    if not fits:
        raise WeightsError(
            f"{path} takes {inputs}; expected one float input (1, 3, 112, 112). Export the "
            "recogniser so."
        )
    return Embedder(session, path.name)


def aligned_face(image: Image, landmarks: NDArray[np.floating]) -> Image:
    """Cut a face out as ArcFace wants it.

    Args:
        image: (H, W, 3) uint8 RGB.
        landmarks: (5, 2) in its pixels, counted from pixel centres, in the order of `Face`.
    """
    return warp(image, alignment(landmarks), SIDE)[0]


def alignment(landmarks: NDArray[np.floating]) -> NDArray[np.float64]:
    """Return the (2, 3) similarity from the aligned face's pixels to the picture's.

    Least squares over the five points, and never a mirror image.
    """
    x, y = TEMPLATE.T
    one, none = np.ones(5), np.zeros(5)
    rows = np.concatenate([np.column_stack([x, -y, one, none]), np.column_stack([y, x, none, one])])
    wanted = np.asarray(landmarks, np.float64).T.ravel()
    (a, b, right, down), *_ = np.linalg.lstsq(rows, wanted, rcond=None)
    return np.array([[a, -b, right], [b, a, down]])


def _fits(shape: list[object]) -> bool:
    """Whether (1, 3, 112, 112) goes in; free dimensions are names or None."""
    wanted = (1, 3, SIDE, SIDE)
    return len(shape) == 4 and all(
        not isinstance(size, int) or size == want for size, want in zip(shape, wanted, strict=True)
    )
