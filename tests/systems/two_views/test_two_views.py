"""Windows in tensors against windows in numbers; fusion; the teacher; what the loss counts."""

import json
from pathlib import Path

import cv2
import numpy as np
import onnx
import pytest
import torch
import yaml
from onnx import TensorProto, helper
from safetensors.torch import save_file

from despoof.core.errors import ConfigError, WeightsError
from despoof.core.types import Face
from despoof.face.crop import CropConfig, crop_face
from despoof.face.window import window_of
from despoof.systems.experiment import read_experiment
from despoof.systems.records import system_record
from despoof.systems.saving import load_system
from despoof.systems.two_views.config import FusionConfig, TwoViewsConfig
from despoof.systems.two_views.network import Answers, cut_windows, windows_in
from despoof.systems.two_views.stage import SURE, _mixtures, log_odds
from despoof.systems.two_views.system import fused
from despoof.systems.two_views.teacher import TeacherConfig, open_teacher

ASPECT = 0.75
CROP = CropConfig(size=270, scale=2.7, align=False)


def as_faces(crop):
    return torch.from_numpy(crop.copy()).permute(2, 0, 1)[None].float() / 127.5 - 1


@pytest.mark.parametrize(
    ("shape", "box"),
    [
        ((400, 500), (200, 150, 275, 250)),  # room on all sides
        ((400, 500), (5, 150, 80, 250)),  # at the left edge
        ((140, 500), (200, 20, 275, 120)),  # high as the picture
        ((115, 90), (8, 8, 83, 108)),  # a tight crop
        ((300, 200), (60, 190, 135, 290)),  # at the bottom
    ],
)
def test_windows_in_a_crop_are_those_of_the_picture(shape, box):
    rng = np.random.default_rng(0)
    picture = rng.integers(0, 120, (*shape, 3)).astype(np.uint8)
    crop = crop_face(picture, Face(box=box), CROP)
    found, reach = windows_in(as_faces(crop.image), CROP.scale, ASPECT)
    step = crop.matrix[0, 0]  # picture pixels per crop pixel; both count from pixel centres
    corners = (found[0].numpy().reshape(2, 2) - 0.5) * step + crop.matrix[:, 2] + 0.5
    # What the square crop left out is no frame to the window either.
    half, x, y = 135 * step, (box[0] + box[2]) / 2, (box[1] + box[3]) / 2
    frame = (
        max(0, x - half),
        max(0, y - half),
        min(shape[1], x + half),
        min(shape[0], y + half),
    )
    wanted = window_of(box, CROP.scale, frame)
    assert corners.ravel() == pytest.approx(wanted[:4], abs=2.5 * step)
    assert float(reach[0]) == pytest.approx(wanted.reach, abs=0.06)


def test_a_crop_without_any_picture_is_its_own_window():
    found, reach = windows_in(torch.full((1, 3, 64, 64), 127 / 127.5 - 1), 2.5, 1.0)
    assert found.tolist() == [[0, 0, 64, 64]] and reach.tolist() == [2.5]


def test_cut_windows_averages_and_places():
    crops = torch.zeros(1, 3, 64, 64)
    crops[..., 32:] = 1.0  # the right half
    view = cut_windows(crops, torch.tensor([[16.0, 0.0, 48.0, 64.0]]), 16)
    assert view.shape == (1, 3, 16, 16)
    assert view[..., :7].abs().max() < 1e-6 and (view[..., 9:] - 1).abs().max() < 1e-6
    whole = cut_windows(crops, torch.tensor([[0.0, 0.0, 64.0, 64.0]]), 32)
    torch.testing.assert_close(whole, torch.nn.functional.avg_pool2d(crops, 2))


def test_without_an_average_a_window_is_what_opencv_resizes():
    rng = np.random.default_rng(3)
    picture = rng.integers(0, 256, (90, 90, 3), np.uint8)
    crop = torch.from_numpy(picture).permute(2, 0, 1)[None].float() / 127.5 - 1
    windows = torch.tensor([[10.0, 20.0, 70.0, 88.0]])
    view = cut_windows(crop, windows, 32, antialias=False)
    wanted = cv2.resize(picture[20:88, 10:70], (32, 32)).astype(np.float32) / 127.5 - 1
    # OpenCV rounds to whole levels, and clamps at the window's edge instead of the crop's.
    inner = (view[0].permute(1, 2, 0).numpy() - wanted)[1:-1, 1:-1]
    assert np.abs(inner).max() <= 1.01 / 127.5


def test_a_canvas_must_be_a_multiple_of_a_view_without_average(made_up_root, tmp_path):
    stage = wide_stage(made_up_root, tmp_path, canvas=128, wide={"antialias": False})
    ramp = torch.arange(128.0).expand(1, 3, 128, 128) / 128
    side = stage.config.wide.side
    every = 128 // side
    assert torch.equal(stage._small(ramp)[0, 0, 0], ramp[0, 0, 0, every // 2 :: every])
    with pytest.raises(ConfigError, match=f"multiple of model.wide.side, {side}"):
        wide_stage(made_up_root, tmp_path, canvas=side + 1, wide={"antialias": False})


def test_fusion_goes_from_one_end_to_the_other():
    config = FusionConfig(
        near=(1.0, 0.0), taught=(0.0, 1.0), labelled=(0.0, 2.0), bias=(-1.0, 1.0), reach=(1.0, 3.0)
    )
    near = torch.tensor([5.0, 5.0, 5.0])
    answers = Answers(torch.tensor([[0.0, 4.0, -1e4]]).repeat(3, 1), torch.tensor([3.0, 3.0, 3.0]))
    assert answers.taught.tolist() == pytest.approx([4.0, 4.0, 4.0])
    found = fused(near, answers, torch.tensor([0.5, 2.0, 9.0]), config)
    assert found.tolist() == pytest.approx([4.0, 7.5, 11.0])


def test_a_tight_crop_can_be_the_near_view_alone():
    """With weights that say so, what is around a face has no say where nothing is around it."""
    record = system_record("two-views")
    fusion = {"near": (1, 0.5), "taught": (0, 1), "labelled": (0, 1), "reach": (1.2, 2.2)}
    values = {**record.tiny, "fusion": fusion}
    torch.manual_seed(0)
    system = record.make(values)
    faces = torch.full((2, 3, 64, 64), 127 / 127.5 - 1)
    faces[:, :, 17:47, 17:47] = torch.rand(2, 3, 30, 30) - 0.9
    edge = 16
    near = system.near.score(faces[..., edge:-edge, edge:-edge].contiguous())
    torch.testing.assert_close(system.score(faces), near)


def test_evidence_noise_and_genuine_are_the_near_views_in_the_middle():
    system = system_record("two-views").make(system_record("two-views").tiny)
    faces = torch.rand(1, 3, 64, 64) * 2 - 1
    out = system.decompose(faces)
    assert (out.noise[..., :16, :] == 0).all() and out.evidence.shape == (1, 32, 32)
    rim = out.evidence[0, 0]
    assert rim.unique().numel() == 1, "around the near view one answer stands for all"


def test_near_must_be_the_middle_of_the_crop():
    with pytest.raises(ConfigError, match="must be the middle of crop"):
        TwoViewsConfig.parse({"crop": {"size": 400, "scale": 2.7, "align": False}})
    with pytest.raises(ConfigError, match="not turned"):
        TwoViewsConfig.parse({"crop": {"size": 256, "scale": 1.66, "align": True}})


def write_teacher(path, classes=3, side=16, bias=(0.0, 1.0, 2.0)):
    """Logits = mean of the blue channel, over 255, times one, plus a bias."""
    nodes = [
        helper.make_node("GlobalAveragePool", ["x"], ["mean"]),
        helper.make_node("Flatten", ["mean"], ["flat"]),
        helper.make_node("MatMul", ["flat", "w"], ["y0"]),
        helper.make_node("Add", ["y0", "b"], ["y"]),
    ]
    weight = np.zeros((3, classes), np.float32)
    weight[0] = 1 / 255  # blue comes first
    start = [
        helper.make_tensor("w", TensorProto.FLOAT, [3, classes], weight.ravel()),
        helper.make_tensor("b", TensorProto.FLOAT, [classes], np.resize(bias, classes)),
    ]
    graph = helper.make_graph(
        nodes,
        "teacher",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", 3, side, side])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["n", classes])],
        start,
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])
    model.ir_version = 9
    onnx.save(model, path)
    return str(path)


RUNTIMES = pytest.mark.parametrize("runtime", ["onnxruntime", "openvino"])


@RUNTIMES
def test_the_teacher_sees_bgr_in_0_to_255_and_is_the_mean_of_its_networks(tmp_path, runtime):
    one = write_teacher(tmp_path / "one.onnx")
    two = write_teacher(tmp_path / "two.onnx", bias=(3.0, 0.0, 0.0))
    views = torch.zeros(2, 3, 40, 40)
    views[1, 2] = 1.0  # blue: every logit rises alike, no probability changes
    said = open_teacher(TeacherConfig(files=(one, two), side=16, runtime=runtime))(views)
    soft = [torch.softmax(torch.tensor(b), 0) for b in ([0.0, 1.0, 2.0], [3.0, 0.0, 0.0])]
    torch.testing.assert_close(said, ((soft[0] + soft[1]) / 2).repeat(2, 1))


@RUNTIMES
def test_teachers_of_another_form_are_one_line(tmp_path, runtime):
    with pytest.raises(WeightsError, match="No teacher at"):
        open_teacher(TeacherConfig(files=(str(tmp_path / "none.onnx"),), runtime=runtime))
    (tmp_path / "bad.onnx").write_bytes(b"not onnx")
    with pytest.raises(WeightsError, match=f"{runtime} cannot read"):
        open_teacher(TeacherConfig(files=(str(tmp_path / "bad.onnx"),), runtime=runtime))
    for name, form in (("two", {"classes": 2}), ("large", {"side": 32})):
        path = write_teacher(tmp_path / f"{name}.onnx", **form)
        with pytest.raises(WeightsError, match="a teacher takes one"):
            open_teacher(TeacherConfig(files=(path,), side=16, runtime=runtime))


def test_log_odds_are_of_live_and_end_where_the_teacher_is_sure():
    odds = torch.tensor([-3.0, 0.0, 2.5, 30.0])
    live = torch.sigmoid(odds)
    others = (1 - live) / 2
    found = log_odds(torch.stack([others, live, others], dim=1))
    torch.testing.assert_close(found, torch.tensor([-3.0, 0.0, 2.5, SURE]))


def test_mixtures_are_marked_and_mix_neighbours():
    views = torch.arange(8.0).view(8, 1, 1, 1).expand(8, 3, 2, 2)
    mixed, marks = _mixtures(views, 0.5, seed=1)
    assert 0 < int(marks.sum()) < 8
    assert torch.equal(mixed[~marks], views[~marks])
    for i in torch.nonzero(marks).ravel().tolist():
        low, high = sorted((float(views[i, 0, 0, 0]), float(views[i - 1, 0, 0, 0])))
        assert low < float(mixed[i, 0, 0, 0]) < high


def test_labels_of_mixtures_do_not_count(made_up_root, tmp_path):
    from despoof.data.views import DataConfig
    from despoof.systems.two_views.stage import RecipeConfig, WideStage

    record = system_record("two-views")
    teacher = write_teacher(tmp_path / "t.onnx")
    sources = [
        {"dataset": "celeba-spoof", "label": label, "weight": 1} for label in ("live", "attack")
    ]
    data = {"root": str(made_up_root), "cache": str(tmp_path), "sources": sources}
    stage = WideStage(
        record.config.parse(record.tiny),
        RecipeConfig.parse({"teacher": {"files": [teacher], "side": 16}, "mixtures": 1.0}),
        DataConfig.parse({**data, "dev": ["celeba-spoof"], "batch_size": 8}),
        0,
    )
    batch = stage.batch(0)
    assert batch["mixed"].all() and batch["taught"].shape == (8, 3)
    torch.testing.assert_close(batch["taught"].sum(dim=1), torch.ones(8))
    stage.module.eval()  # no dropout: the same loss twice
    with torch.no_grad():
        loss, logs = stage.loss(batch)
        flipped, _ = stage.loss({**batch, "live": ~batch["live"]})
    assert float(loss) == float(flipped) and float(logs["labelled"]) == 0


BEGUN = json.loads(Path(__file__).with_name("begun_before.json").read_text(encoding="utf-8"))


def within(part, whole):
    """Whether every value of `part` is in `whole`, at every depth."""
    if not isinstance(part, dict):
        return part == whole
    return all(key in whole and within(value, whole[key]) for key, value in part.items())


@pytest.mark.parametrize("name", ["texture", "two-views"])
def test_a_run_that_was_begun_before_still_loads(name, tmp_path):
    """Configuration and tensors as they were written when two views began."""
    begun = BEGUN[name]
    values = {"system": name, "config": begun["config"]}
    (tmp_path / "config.json").write_text(json.dumps(values), encoding="utf-8")
    tensors = {key: torch.zeros(shape) for key, shape in begun["tensors"].items()}
    save_file(tensors, tmp_path / "model.safetensors")
    found, system = load_system(tmp_path)
    assert found == name and system.config == type(system.config).parse(begun["config"])
    # What was added since is as it was before: a view that is averaged.
    assert within(begun["config"], system.config.plain())
    assert name != "two-views" or system.config.wide.antialias


def test_an_experiment_that_was_begun_before_is_still_read(tmp_path):
    path = tmp_path / "experiment.yaml"
    path.write_text(yaml.safe_dump(BEGUN["experiment"]), encoding="utf-8")
    assert read_experiment(path).plain() == BEGUN["experiment"]


def wide_stage(root, tmp_path, wide=None, **recipe):
    from despoof.data.views import DataConfig
    from despoof.systems.two_views.stage import RecipeConfig, WideStage

    record = system_record("two-views")
    sources = [
        {"dataset": "celeba-spoof", "label": label, "weight": 1} for label in ("live", "attack")
    ]
    data = {"root": str(root), "cache": str(tmp_path), "sources": sources, "dev": ["nuaa"]}
    config = record.config.parse(record.tiny | {"wide": record.tiny["wide"] | (wide or {})})
    return WideStage(config, RecipeConfig.parse(recipe), DataConfig.parse(data), 0)


def test_norms_stand_still_only_where_the_wide_expert_has_learnt(made_up_root, tmp_path):
    """A near expert that has learnt says nothing of the wide one's statistics."""
    texture = system_record("texture")
    near = texture.make({**texture.tiny})
    save_file(near.state_dict(), tmp_path / "model.safetensors")
    fresh = wide_stage(made_up_root, tmp_path, near=str(tmp_path))
    assert not fresh.system.wide.backbone.frozen_norm
    again = tmp_path / "again"
    again.mkdir()
    save_file(fresh.system.state_dict(), again / "model.safetensors")
    assert wide_stage(made_up_root, tmp_path, begin=str(again)).system.wide.backbone.frozen_norm


def test_two_beginnings_are_refused(tmp_path, made_up_root):
    stage = wide_stage(made_up_root, tmp_path)
    save_file(stage.system.wide.backbone.state_dict(), tmp_path / "backbone.safetensors")
    with pytest.raises(ConfigError, match="both given"):
        wide_stage(
            made_up_root,
            tmp_path,
            pretrained=str(tmp_path / "backbone.safetensors"),
            begin=str(tmp_path),
        )
