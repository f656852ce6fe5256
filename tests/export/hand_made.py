"""An export made by hand: its score is the mean brightness, so that anybody can check it."""

import numpy as np

from despoof.core.files import sha256
from despoof.export.record import ExportRecord, Parity, write_export
from despoof.face.crop import CropConfig

SIDE = 32


def graph(offset=0.0, nan=False):
    """uint8 (B, S, S, 3) -> mean / 127.5 − 1 + offset; or NaN for every face."""
    from onnx import TensorProto, helper, numpy_helper

    constants = {
        "half": np.float32(np.nan if nan else 127.5),
        "shift": np.float32(offset - 1),
        "axes": np.array([1, 2, 3], np.int64),
    }
    nodes = [
        helper.make_node("Cast", ["faces"], ["pixels"], to=TensorProto.FLOAT),
        helper.make_node("ReduceMean", ["pixels", "axes"], ["mean"], keepdims=0),
        helper.make_node("Div", ["mean", "half"], ["scaled"]),
        helper.make_node("Add", ["scaled", "shift"], ["score"]),
    ]
    made = helper.make_graph(
        nodes,
        "brightness",
        [helper.make_tensor_value_info("faces", TensorProto.UINT8, ["batch", SIDE, SIDE, 3])],
        [helper.make_tensor_value_info("score", TensorProto.FLOAT, ["batch"])],
        [numpy_helper.from_array(np.asarray(value), name) for name, value in constants.items()],
    )
    return helper.make_model(made, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)


def brightness(faces):
    return faces.astype(np.float64).mean(axis=(1, 2, 3)) / 127.5 - 1


def facts(**changes):
    crop = CropConfig(size=SIDE, scale=1.2)
    values = {
        "name": "brightness",
        "system": "texture",
        "format": "onnx",
        "precision": "fp32",
        "input": "uint8",
        "outputs": ("score",),
        "crop": crop,
        "threshold": -0.25,
        "preprocessing_hash": crop.digest(),
        "source": {"model.safetensors": "0" * 64},
    }
    return ExportRecord(**values | changes)


PARITY = Parity(
    faces="a test", count=200, spread=1, max_difference=0, mean_difference=0, correlation=1,
    compared_at=0, agreement=1, to_live=0, to_spoof=0, max_allowed=1, min_agreement=1,
)  # fmt: skip


def write_folder(folder, **changes):
    """Write the whole export of the brightness; `changes` are of its record."""
    import onnx

    folder.mkdir(parents=True, exist_ok=True)
    onnx.save_model(graph(), str(folder / "model.onnx"))
    record = facts(files={"model.onnx": sha256(folder / "model.onnx")}, parity=PARITY, **changes)
    write_export(folder, record)
    return folder
