"""The peers' adapters: crop geometry by hand, published outputs, made-up networks, absent files."""

import os
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.programs import program
from despoof.core.errors import InputError, WeightsError

candidates, face_antispoof, minifasnet, onnx_file = (
    program(f"peers.{name}") for name in ("candidates", "face_antispoof", "minifasnet", "onnx_file")
)

PEERS = Path(os.environ.get("DESPOOF_PEERS", candidates.PEERS))
ASTRONAUT = (170, 70, 280, 200)


@pytest.mark.parametrize(
    ("shape", "box", "scale", "expected"),
    [
        ((100, 100), (40, 40, 60, 60), 2.0, (30, 30, 70, 70)),  # room on all sides
        ((512, 512), ASTRONAUT, 2.7, (76, 0, 373, 351)),  # 40.5 px over the top: shifted down
        ((100, 100), (80, 80, 100, 100), 2.0, (59, 59, 99, 99)),  # 11 px over: shifted back
        ((100, 200), (50, 0, 150, 50), 2.7, (1, 0, 199, 99)),  # capped at 99 / 50 = 1.98
        ((101, 101), (0, 0, 101, 101), 4.0, (0, 0, 100, 100)),  # the whole picture
    ],
)
def test_minifasnets_window_by_hand(shape, box, scale, expected):
    assert minifasnet.window(shape, box, scale) == expected


sides = st.integers(40, 300)


@given(sides, sides, st.tuples(*[st.floats(0, 1)] * 4), st.floats(1, 6))
def test_minifasnets_window_stays_in_the_picture_and_keeps_its_extent(high, wide, part, scale):
    left, top = part[0] * (wide - 20), part[1] * (high - 20)
    box = (left, top, left + 8 + part[2] * (wide - left - 8), top + 8 + part[3] * (high - top - 8))
    x1, y1, x2, y2 = minifasnet.window((high, wide), box, scale)
    assert 0 <= x1 <= x2 <= wide - 1 and 0 <= y1 <= y2 <= high - 1
    grown = min(scale, (high - 1) / (box[3] - box[1]), (wide - 1) / (box[2] - box[0]))
    assert abs((x2 - x1) - grown * (box[2] - box[0])) <= 1 + 1e-6
    assert abs((y2 - y1) - grown * (box[3] - box[1])) <= 1 + 1e-6


def test_minifasnet_sees_blue_first_and_bytes():
    image = np.full((60, 90, 3), (10, 20, 30), np.uint8)
    found = minifasnet.pixels(image, (20, 20, 50, 50), 2.7)
    assert found.shape == (1, 3, 80, 80) and found.dtype == np.float32
    assert [set(plane.ravel().tolist()) for plane in found[0]] == [{30}, {20}, {10}]


def test_the_square_inside_the_picture_is_that_part():
    image = np.random.default_rng(0).integers(0, 256, (100, 100, 3), np.uint8)
    # The longer side is 40, so 60 px about (50, 50).
    assert np.array_equal(face_antispoof.square(image, (40, 30, 60, 70)), image[20:80, 20:80])


@pytest.mark.parametrize(
    ("box", "left", "top", "side"),
    [
        ((0, 0, 20, 20), -5, -5, 30),
        ((1, 0, 21, 20), -4, -5, 30),
        ((60, 70, 100, 110), 50, 60, 60),  # over the right and the lower border
        ((-10, 30, 111, 60), -40, -45, 181),  # wider than the picture; int() cuts towards 0
    ],
)
def test_the_square_is_mirrored_at_the_border_without_repeating_the_edge(box, left, top, side):
    image = np.random.default_rng(0).integers(0, 256, (100, 100, 3), np.uint8)

    def mirrored(start):
        place = np.abs(np.arange(start, start + side))
        return np.where(place > 99, 198 - place, place)

    expected = image[mirrored(top)][:, mirrored(left)]
    assert np.array_equal(face_antispoof.square(image, box), expected)


def test_face_antispoof_sees_red_first_from_0_to_1():
    image = np.full((60, 90, 3), (0, 51, 255), np.uint8)
    found = face_antispoof.pixels(image, (20, 20, 50, 50))
    assert found.shape == (1, 3, 128, 128) and found.dtype == np.float32
    assert np.allclose(found[0].mean(axis=(1, 2)), (0, 0.2, 1), atol=1e-6)
    assert found.max() <= 1


@pytest.mark.parametrize("box", [(5, 5, 5, 9), (5, 9, 9, 5)])
def test_an_empty_box_is_refused(box):
    image = np.zeros((20, 20, 3), np.uint8)
    with pytest.raises(InputError, match="is empty"):
        minifasnet.pixels(image, box, 2.7)
    with pytest.raises(InputError, match="is empty"):
        face_antispoof.square(image, box)
    with pytest.raises(InputError, match="lies outside"):
        face_antispoof.square(image, (100, 100, 110, 110))


def needed(name):
    path = PEERS / name
    if not path.is_file():
        pytest.skip(f"no {path}")
    return path


@pytest.mark.parametrize(
    ("name", "scale", "expected"),
    [
        ("minifasnet-v2-2.7.onnx", 2.7, (0.00107, 0.49610, 0.50283)),
        ("minifasnet-v1se-4.0.onnx", 4.0, (0.09053, 0.87236, 0.03712)),
    ],
)
def test_minifasnet_gives_its_published_softmax(portrait, name, scale, expected):
    run = onnx_file.open_network(needed(name), 1)
    found = minifasnet.probabilities(run(minifasnet.pixels(portrait, ASTRONAUT, scale)))[0]
    assert np.allclose(found, expected, atol=2e-5)


def test_both_minifasnets_are_joined_by_their_mean(portrait):
    for name, _ in minifasnet.NETWORKS:
        needed(name)
    found = minifasnet.open_score(PEERS)(portrait, ASTRONAUT)
    assert found.score == pytest.approx((0.49610 + 0.87236) / 2, abs=2e-5) and found.live is True


def test_face_antispoof_gives_its_published_logits(portrait):
    needed(face_antispoof.FILE)
    found = face_antispoof.open_score(PEERS)(portrait, ASTRONAUT)
    assert found.score == pytest.approx(2.31002 + 2.31034, abs=1e-3) and found.live is True


def make_network(path, side, matrix, bias):
    """ONNX: mean of each channel, then matrix (K, 3) and bias (K,)."""
    onnx = pytest.importorskip("onnx")
    from onnx import TensorProto, helper, numpy_helper

    nodes = [
        helper.make_node("GlobalAveragePool", ["x"], ["mean"]),
        helper.make_node("Flatten", ["mean"], ["flat"]),
        helper.make_node("Gemm", ["flat", "w", "b"], ["y"], transB=1),
    ]
    tensors = {"w": np.array(matrix, np.float32), "b": np.array(bias, np.float32)}
    graph = helper.make_graph(
        nodes,
        "tiny",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", 3, side, side])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["n", len(bias)])],
        [numpy_helper.from_array(value, name) for name, value in tensors.items()],
    )
    opset = helper.make_opsetid("", 13)
    onnx.save(helper.make_model(graph, opset_imports=[opset], ir_version=8), path)


def test_minifasnets_rule_is_the_largest_sum_not_a_half(tmp_path):
    zero = np.zeros((3, 3))
    (first, _), (second, _) = minifasnet.NETWORKS
    make_network(tmp_path / first, 80, zero, np.log([0.3, 0.4, 0.3]))
    make_network(tmp_path / second, 80, zero, np.log([0.3, 0.35, 0.35]))
    image = np.zeros((90, 90, 3), np.uint8)
    found = minifasnet.open_score(tmp_path)(image, (30, 30, 60, 60))
    assert found.score == pytest.approx(0.375, abs=1e-6) and found.live is True
    # One network sure of a replay outvotes another's print: 0.45 + 0.4 of 2 < 0.1 + 0.9.
    make_network(tmp_path / first, 80, zero, np.log([0.45, 0.45, 0.1]))
    make_network(tmp_path / second, 80, zero, np.log([0.05, 0.05, 0.9]))
    found = minifasnet.open_score(tmp_path)(image, (30, 30, 60, 60))
    assert found.score == pytest.approx(0.25, abs=1e-6) and found.live is False


def test_a_network_gets_what_the_adapter_cut(tmp_path):
    make_network(tmp_path / face_antispoof.FILE, 128, [[1, 0, 0], [0, 0, 1]], [0, 0])
    image = np.zeros((90, 90, 3), np.uint8)
    image[..., 0], image[..., 2] = 51, 102  # red 0.2, blue 0.4
    found = face_antispoof.open_score(tmp_path)(image, (30, 30, 60, 60))
    assert found.score == pytest.approx(-0.2, abs=1e-5) and found.live is False
    image[..., 2] = 51
    assert face_antispoof.open_score(tmp_path)(image, (30, 30, 60, 60)).live is True, "0 is live"
    there, skipped = candidates.public(tmp_path)
    assert [c.name for c in there] == ["face-antispoof-onnx 98.20"] and there[0].parameters == 8
    assert len(skipped) == 1 and str(tmp_path / minifasnet.NETWORKS[0][0]) in skipped[0]


def test_absent_and_damaged_files_are_told(tmp_path):
    there, skipped = candidates.public(tmp_path / "nothing")
    assert there == [] and len(skipped) == 2
    assert all("nothing" in line and "--peers" in line for line in skipped)
    (tmp_path / face_antispoof.FILE).write_bytes(b"no network")
    with pytest.raises(WeightsError, match=r"cannot read .*98\.20\.onnx.*Get it again"):
        face_antispoof.open_score(tmp_path)
