import numpy as np
import onnx
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import TensorProto, helper, numpy_helper
from PIL import Image

from despoof.core.errors import InputError, WeightsError
from despoof.evaluation.bridge_checks.embedder import (
    TEMPLATE,
    aligned_face,
    alignment,
    load_embedder,
)
from despoof.evaluation.bridge_checks.identity import identity_check
from despoof.evaluation.bridge_checks.subject import Crossed, make_subject


def write_recogniser(path, side=112, dtype=TensorProto.FLOAT, zero=False):
    """A picture's 7 × 7 mean colours: what a recogniser of colours would answer."""
    kind = helper.make_tensor_value_info("data", dtype, ["batch", 3, side, side])
    nodes = [
        helper.make_node(
            "AveragePool", ["data"], ["small"], kernel_shape=[16, 16], strides=[16, 16]
        ),
        helper.make_node("Mul", ["small", "factor"], ["scaled"]),
        helper.make_node("Flatten", ["scaled"], ["answer"]),
    ]
    answer = helper.make_tensor_value_info("answer", dtype, ["batch", None])
    factor = numpy_helper.from_array(np.float32(0 if zero else 1), "factor")
    graph = helper.make_graph(nodes, "recogniser", [kind], [answer], [factor])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    onnx.save(model, path)
    return path


@pytest.fixture
def recogniser(tmp_path):
    return load_embedder(write_recogniser(tmp_path / "tiny.onnx"))


def test_the_file_is_asked_as_arcface_is(recogniser):
    face = np.random.default_rng(0).integers(0, 256, (112, 112, 3)).astype(np.uint8)
    planes = (face.astype(np.float64) - 127.5) / 127.5
    means = planes.reshape(7, 16, 7, 16, 3).mean(axis=(1, 3)).transpose(2, 0, 1).ravel()
    np.testing.assert_allclose(recogniser(face), means / np.linalg.norm(means), atol=1e-6)
    with pytest.raises(InputError, match="expected uint8"):
        recogniser(face[:100])


def test_files_that_are_no_recogniser_are_refused(tmp_path):
    with pytest.raises(WeightsError, match="No face recogniser"):
        load_embedder(tmp_path / "none.onnx")
    (tmp_path / "text.onnx").write_text("no network")
    with pytest.raises(WeightsError, match="not a readable ONNX"):
        load_embedder(tmp_path / "text.onnx")
    with pytest.raises(WeightsError, match=r"expected one float input \(1, 3, 112, 112\)"):
        load_embedder(write_recogniser(tmp_path / "large.onnx", side=128))
    mute = load_embedder(write_recogniser(tmp_path / "mute.onnx", zero=True))
    with pytest.raises(WeightsError, match="a vector that is not 0"):
        mute(np.zeros((112, 112, 3), np.uint8))


@settings(deadline=None, max_examples=50)
@given(
    angle=st.floats(-3.1, 3.1),
    size=st.floats(0.1, 10),
    shift=st.tuples(st.floats(-200, 200), st.floats(-200, 200)),
)
def test_the_alignment_is_the_similarity_that_moved_the_template(angle, size, shift):
    turn = size * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    found = alignment(TEMPLATE @ turn.T + shift)
    np.testing.assert_allclose(found, np.column_stack([turn, shift]), atol=1e-6)


def test_a_face_is_aligned_by_its_landmarks(portrait):
    points = np.array([[202, 102], [249, 103], [224, 126], [204, 146], [244, 147]], np.float64)
    face = aligned_face(portrait, points)
    assert face.shape == (112, 112, 3)
    turned = np.asarray(Image.fromarray(portrait).transpose(Image.Transpose.ROTATE_90))
    moved = np.column_stack([points[:, 1], portrait.shape[1] - 1 - points[:, 0]])
    difference = aligned_face(turned, moved).astype(float) - face
    assert np.abs(difference).mean() < 3


def test_the_same_face_is_the_same_person_and_another_is_not(make_system, make_faces, recogniser):
    made = make_subject(make_system(), make_faces(6))
    nothing = Crossed(torch.zeros_like(made.pixels), made.pixels, 1)
    found = identity_check(made, nothing, recogniser)
    assert found.passed and found.figures["live_5th"] == pytest.approx(1)
    negative = Crossed(2 * made.pixels, made.pixels, 1)  # the genuine face is the negative
    found = identity_check(made, negative, recogniser)
    assert found.passed is False and found.figures["attack_median"] == pytest.approx(-1, abs=1e-2)
    # One class alone is enough to fail.
    half = torch.where(made.live.view(-1, 1, 1, 1), 0 * made.pixels, 2 * made.pixels)
    assert identity_check(made, Crossed(half, made.pixels, 1), recogniser).passed is False


def test_without_a_recogniser_or_landmarks_nothing_is_measured(make_system, make_faces, recogniser):
    made = make_subject(make_system(), make_faces(4, landmarks=False))
    own = made.cross()
    for embed, reason in ((None, "--embedder"), (recogniser, "landmarks of 0 live faces")):
        found = identity_check(made, own, embed)
        assert found.passed is None and reason in found.words and not found.figures
