import csv
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper
from PIL import Image

from despoof.core.errors import WeightsError
from despoof.core.types import Face, FaceCrop
from despoof.face import CropConfig, LandmarkDepth, TddfaDepth, crop_face
from despoof.face.camera import CANONICAL, fit_camera
from despoof.face.relief import sample_triangles, splat

DATA = Path(os.environ.get("DESPOOF_DATA", Path(__file__).parents[3] / "shared" / "data"))
MARKS = np.float32([[202, 102], [249, 103], [224, 126], [204, 146], [244, 147]])
BOX = (179.4, 57.4, 272.8, 184.3)


def crop_of(image, landmarks=MARKS, box=BOX, scale=1.3):
    return crop_face(image, Face(box, landmarks), CropConfig(size=64, scale=scale))


def test_the_relief_of_a_portrait(portrait):
    relief = LandmarkDepth()(crop_of(portrait))
    assert relief.shape == (32, 32)
    assert relief.dtype == np.float32
    assert relief.max() == 1
    assert 0.3 < (relief > 0).mean() < 0.8
    assert relief[relief > 0].min() >= 0.1 - 1e-6
    assert not relief[[0, 0, -1, -1], [0, -1, 0, -1]].any()
    row, column = np.unravel_index(relief.argmax(), relief.shape)
    nose = crop_of(portrait).matrix
    x, y = np.linalg.solve(nose[:, :2], MARKS[2] - 0.5 - nose[:, 2]) / 2
    assert abs(column - x) < 2.5
    assert abs(row - y) < 2.5
    filled = relief[8:24, 12:20]
    assert (filled > 0).all(), "the face has no holes"


@pytest.mark.parametrize("scale", [0.5, 1.0, 2.7])
def test_the_relief_has_no_holes_at_any_scale(portrait, scale):
    from scipy import ndimage

    face = LandmarkDepth()(crop_of(portrait, scale=scale)) > 0
    np.testing.assert_array_equal(ndimage.binary_fill_holes(face), face)


def test_without_usable_landmarks_the_box_decides(portrait):
    plain = LandmarkDepth()(crop_of(portrait, None))
    assert np.corrcoef(plain.ravel(), LandmarkDepth()(crop_of(portrait)).ravel())[0, 1] > 0.85
    for marks in (np.full((5, 2), np.nan), np.ones((5, 2))):
        crop = crop_of(portrait, None)
        broken = FaceCrop(crop.image, crop.valid, crop.matrix, Face(BOX, np.float32(marks)))
        np.testing.assert_array_equal(LandmarkDepth()(broken), plain)
    empty = FaceCrop(crop.image, crop.valid, crop.matrix, Face((5, 5, 5, 5)))
    assert not LandmarkDepth()(empty).any()


@pytest.mark.parametrize(("yaw", "pitch"), [(0, 0), (25, 0), (-25, 0), (0, 15), (20, -10)])
def test_the_camera_of_a_generic_head_is_found(yaw, pitch):
    a, b = np.radians([yaw, pitch])
    gaze = np.array([np.sin(a) * np.cos(b), np.sin(b), np.cos(a) * np.cos(b)])
    right = np.cross([0, 1, 0], gaze)
    right /= np.linalg.norm(right)
    view = np.stack([right, np.cross(gaze, right), gaze], axis=1)
    camera = fit_camera(60 * CANONICAL @ view.T[:, :2] + [300, 200])
    assert camera.angles() == pytest.approx((yaw, pitch), abs=6)
    np.testing.assert_allclose(camera.project(np.zeros((1, 3)))[0, :2], [300, 200], atol=3)
    np.testing.assert_allclose(camera.rotation @ camera.rotation.T, np.eye(3), atol=1e-9)


def test_splat_keeps_the_nearest():
    points = np.array([[1.0, 1, 5], [1.2, 1.3, 9], [63.9, 63.9, 0], [70, 1, 3], [-1, 2, 4]])
    relief = splat(points, 64)
    assert relief[0, 0] == 1
    assert relief[31, 31] == pytest.approx(0.1)
    assert np.count_nonzero(relief) == 2
    assert splat(points[:1], 64)[0, 0] == 1
    assert not splat(points[:0], 64).any()
    assert not splat(np.full((3, 3), np.nan), 64).any()


def test_triangles_are_covered():
    corners = np.array([[0.0, 0, 0], [64, 0, 0], [0, 64, 0], [64, 64, 9]])
    points = sample_triangles(corners, np.array([[0, 1, 2], [1, 2, 3]]), 1)
    assert (splat(points, 64) > 0).all()
    assert len(sample_triangles(corners, np.zeros((0, 3), int), 1)) == 0


@pytest.mark.parametrize("table", ["lfw", "nuaa"])
def test_relief_agrees_with_a_fitted_morphable_model(table):
    if not (DATA / f"{table}.depth.npz").is_file():
        pytest.skip(f"no development data at {DATA}; set DESPOOF_DATA")
    with (DATA / f"{table}.csv").open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    labels = np.load(DATA / f"{table}.depth.npz")["depth"]
    same = []
    for index in range(0, len(rows), len(rows) // 30):
        with Image.open(DATA / rows[index]["path"]) as file:
            width, height = file.size
        marks = np.array(rows[index]["landmarks"].split(), np.float32).reshape(5, 2)
        face = Face(tuple(map(float, rows[index]["box"].split())), marks)
        matrix = np.array(
            [[width / 64, 0, width / 128 - 0.5], [0, height / 64, height / 128 - 0.5]]
        )
        crop = FaceCrop(np.zeros((64, 64, 3), np.uint8), np.ones((64, 64), bool), matrix, face)
        same.append(np.corrcoef(LandmarkDepth()(crop).ravel(), labels[index].ravel())[0, 1])
    assert np.median(same) > 0.85


@pytest.fixture
def tddfa_files(tmp_path):
    """A network that always says "upright, 60 px, middle" and a pyramid for a head."""
    answer = np.zeros(62, np.float32)
    answer[[0, 5, 10]] = 30  # half a width of 30 px
    answer[[3, 7]] = [61, 60]  # 3DDFA's y points up, and its x counts from 1
    graph = helper.make_graph(
        [
            helper.make_node("ReduceMean", ["image"], ["mean"], keepdims=0),
            helper.make_node("Mul", ["mean", "zero"], ["nothing"]),
            helper.make_node("Add", ["answer", "nothing"], ["parameters"]),
        ],
        "tiny",
        [helper.make_tensor_value_info("image", TensorProto.FLOAT, [1, 3, 120, 120])],
        [helper.make_tensor_value_info("parameters", TensorProto.FLOAT, [1, 62])],
        [
            numpy_helper.from_array(answer[None], "answer"),
            numpy_helper.from_array(np.float32(0), "zero"),
        ],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    onnx.save(model, tmp_path / "tddfa.onnx")
    head = np.array([[-1, -1, 0], [1, -1, 0], [1, 1, 0], [-1, 1, 0], [0, 0.5, 1.0]])
    basis = {
        "u": head.reshape(-1, 1),
        "w_shp": np.zeros((15, 40)),
        "w_exp": np.zeros((15, 10)),
        "mean": np.zeros(62),
        "std": np.ones(62),
        "triangles": np.array([[0, 1, 4], [1, 2, 4], [2, 3, 4], [3, 0, 4]]),
    }
    np.savez(tmp_path / "basis.npz", **basis)
    return tmp_path, basis


def test_tddfa_renders_where_the_network_says(tddfa_files):
    folder, _ = tddfa_files
    crop = crop_face(
        np.full((200, 200, 3), 90, np.uint8), Face((50, 50, 150, 150)), CropConfig(size=64, scale=2)
    )
    relief = TddfaDepth(folder / "tddfa.onnx", folder / "basis.npz")(crop)
    # The region is 158 px wide and 14 px low of the middle; the head is half as wide.
    rows, columns = np.nonzero(relief > 0)
    centre = np.array([100, 114]) * 32 / 200
    np.testing.assert_allclose([columns.mean() + 0.5, rows.mean() + 0.5], centre, atol=0.7)
    assert np.ptp(columns) + 1 == pytest.approx(79 * 32 / 200, abs=1.5)
    peak = np.unravel_index(relief.argmax(), relief.shape)
    assert peak[0] + 0.5 == pytest.approx(centre[1] - 0.25 * 79 * 32 / 200, abs=1.5), "y points up"


def test_tddfa_names_what_is_wrong(tddfa_files):
    folder, basis = tddfa_files
    with pytest.raises(WeightsError, match="No 3DDFA-V2 network"):
        TddfaDepth(folder / "none.onnx", folder / "basis.npz")
    (folder / "text.npz").write_text("no arrays")
    for name in ("none.npz", "text.npz"):
        with pytest.raises(WeightsError, match="not a readable"):
            TddfaDepth(folder / "tddfa.onnx", folder / name)
    for name in basis:
        np.savez(folder / "less.npz", **{k: v for k, v in basis.items() if k != name})
        with pytest.raises(WeightsError, match="expected shape"):
            TddfaDepth(folder / "tddfa.onnx", folder / "less.npz")
    np.savez(folder / "bad.npz", **(basis | {"std": np.ones(61)}))
    with pytest.raises(WeightsError, match=r"std is \(61,\), expected shape \(62,\)"):
        TddfaDepth(folder / "tddfa.onnx", folder / "bad.npz")
    model = onnx.load(folder / "tddfa.onnx")
    del model.graph.output[0].type.tensor_type.shape.dim[1]
    kept = [t for t in model.graph.initializer if t.name != "answer"]
    del model.graph.initializer[:]
    model.graph.initializer.extend([*kept, numpy_helper.from_array(np.ones(7, "f4"), "answer")])
    onnx.save(model, folder / "short.onnx")
    crop = crop_face(
        np.zeros((20, 20, 3), np.uint8), Face((0, 0, 20, 20)), CropConfig(size=16, scale=1)
    )
    with pytest.raises(WeightsError, match="gives 7 numbers, expected 62"):
        TddfaDepth(folder / "short.onnx", folder / "basis.npz")(crop)


def test_importing_the_room_is_light():
    code = "import sys, despoof.face; print({'torch', 'onnxruntime', 'cv2'} & set(sys.modules))"
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert shown.stdout.strip() == "set()"
