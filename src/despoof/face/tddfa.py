"""Relief labels from 3DDFA-V2, for users who bring its network and its basis.

Neither is shipped: the basis derives from the Basel Face Model, whose terms forbid it.
"""

import functools
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from despoof.core.errors import WeightsError
from despoof.core.types import FaceCrop
from despoof.face.crop import to_crop, to_picture
from despoof.face.relief import SIDE, sample_triangles, splat
from despoof.face.warp import warp

if TYPE_CHECKING:
    from onnxruntime import InferenceSession

_INPUT = 120  # px
_POSE, _SHAPE, _EXPRESSION = 12, 40, 10
_PARAMETERS = _POSE + _SHAPE + _EXPRESSION


class TddfaDepth:
    """Fits 3DDFA-V2's morphable model to a face crop and renders it; a `DepthLabeller`.

    Source: Guo et al. 2020, arXiv:2009.09960; conventions as in the authors' release (square
    region of 1.58 times the box's mean side, 0.14 of it lower; BGR, (x - 127.5) / 128; y up).
    """

    def __init__(self, network: str | Path, basis: str | Path, threads: int = 1) -> None:
        """Read the basis; the network is loaded at the first call.

        Args:
            network: ONNX file, (1, 3, 120, 120) to (1, 62): pose 12, shape 40, expression 10.
            basis: .npz with `u` (3N,), `w_shp` (3N, 40), `w_exp` (3N, 10), as x, y, z of vertex
                after vertex; `mean` and `std` (62,) of the parameters; `triangles` (T, 3) from 0.
            threads: threads that onnxruntime may use.

        Raises:
            WeightsError: a file is missing, or the basis lacks an array or has one of another
                shape.
        """
        self.network = Path(network)
        if not self.network.is_file():
            raise WeightsError(f"No 3DDFA-V2 network at {network}. Pass the path of its ONNX file.")
        arrays = _read_basis(Path(basis))
        self._mean_shape = arrays["u"].reshape(-1)
        self._directions = np.concatenate([arrays["w_shp"], arrays["w_exp"]], axis=1)
        self._mean, self._std = arrays["mean"], arrays["std"]
        self._triangles = arrays["triangles"].astype(np.int64)
        self._threads = threads

    def __call__(self, crop: FaceCrop) -> NDArray[np.float32]:
        """Return the (32, 32) float32 relief of a crop: nearest 1, outside the face 0.

        Raises:
            WeightsError: the network does not give 62 numbers.
        """
        session = _session(self.network, self._threads)
        region = _region(crop)
        pixels, _ = warp(crop.image, region, _INPUT)
        bgr = (pixels[..., ::-1].astype(np.float32) - 127.5) / 128
        name = session.get_inputs()[0].name
        output = np.asarray(session.run(None, {name: bgr.transpose(2, 0, 1)[None]})[0]).ravel()
        if output.size != _PARAMETERS:
            raise WeightsError(
                f"{self.network} gives {output.size} numbers, expected {_PARAMETERS}: pose 12, "
                "shape 40, expression 10. Use 3DDFA-V2's own ONNX export."
            )
        vertices = self._vertices(output * self._std + self._mean)
        size = len(crop.image)
        vertices[:, :2] = to_picture(vertices[:, :2], region) + 0.5
        return splat(sample_triangles(vertices, self._triangles, size / SIDE / 2), size)

    def _vertices(self, parameters: NDArray[np.floating]) -> NDArray[np.float64]:
        # In the 120-px region, from pixel centres; z is nearness in its pixels.
        pose = parameters[:_POSE].astype(np.float64).reshape(3, 4)
        shape = (self._mean_shape + self._directions @ parameters[_POSE:]).reshape(-1, 3)
        x, y, z = pose[:, :3] @ shape.T + pose[:, 3:]
        return np.stack([x - 1, _INPUT - y, z], axis=1)


def _region(crop: FaceCrop) -> NDArray[np.float64]:
    # In the crop, so the face is upright there whatever its roll was in the picture.
    x1, y1, x2, y2 = crop.face.box
    step = float(np.hypot(*crop.matrix[:, 0]))
    mean = (x2 - x1 + y2 - y1) / 2 / step
    middle = to_crop(np.array([(x1 + x2 - 1) / 2, (y1 + y2 - 1) / 2]), crop.matrix)
    zoom = 1.58 * mean / _INPUT
    lower = np.array([0, 0.14 * mean])
    corner = middle + lower - zoom * (_INPUT - 1) / 2
    return np.column_stack([zoom * np.eye(2), corner])


def _read_basis(path: Path) -> dict[str, NDArray[np.floating]]:
    try:
        with np.load(path, allow_pickle=False) as file:
            arrays = {name: np.asarray(file[name]) for name in file.files}
    except (OSError, ValueError) as error:
        raise WeightsError(f"{path} is not a readable .npz basis: {error}.") from error
    count = arrays["u"].size if "u" in arrays else 0
    shapes: dict[str, tuple[int, ...]] = {
        "u": (count,),
        "w_shp": (count, _SHAPE),
        "w_exp": (count, _EXPRESSION),
        "mean": (_PARAMETERS,),
        "std": (_PARAMETERS,),
        "triangles": (len(arrays.get("triangles", ())), 3),
    }
    for name, shape in shapes.items():
        found = arrays[name].shape if name in arrays else "missing"
        if found != shape and not (name == "u" and found == (count, 1)):
            raise WeightsError(
                f"{path}: {name} is {found}, expected shape {shape}. "
                "Write the basis with numpy.savez from 3DDFA-V2's own files."
            )
    return arrays


@functools.lru_cache(maxsize=2)
def _session(path: Path, threads: int) -> "InferenceSession":
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(
        path.read_bytes(), options, providers=["CPUExecutionProvider"]
    )
