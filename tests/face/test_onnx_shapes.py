import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper, numpy_helper

from despoof.core.errors import WeightsError
from despoof.face.detect import default_model
from despoof.face.onnx_shapes import free_shapes


def test_a_fixed_model_takes_any_shape_and_computes_the_same():
    weight = numpy_helper.from_array(np.full((1, 3, 1, 1), 0.5, np.float32), "w")
    graph = helper.make_graph(
        [helper.make_node("Conv", ["x", "w"], ["y"])],
        "g" * 200,  # longer than one length byte
        [
            helper.make_tensor_value_info("x", TensorProto.FLOAT, [10, 3, 32, 32]),
            helper.make_tensor_value_info("w", TensorProto.FLOAT, [1, 3, 1, 1]),
        ],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [10, 1, 32, 32])],
        [weight],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 9)], ir_version=4)
    freed = free_shapes(model.SerializeToString())
    assert [v.name for v in onnx.load_from_string(freed).graph.input] == ["x"]
    session = onnxruntime.InferenceSession(freed, providers=["CPUExecutionProvider"])
    (y,) = session.run(None, {"x": np.ones((2, 3, 5, 7), np.float32)})
    np.testing.assert_allclose(y, np.full((2, 1, 5, 7), 1.5))


def test_only_shapes_and_listed_weights_change_in_the_shipped_file():
    raw = default_model().read_bytes()
    before, after = onnx.load_from_string(raw), onnx.load_from_string(free_shapes(raw))
    assert [v.name for v in after.graph.input] == ["input.1"]
    assert not after.graph.input[0].type.tensor_type.HasField("shape")
    assert list(before.graph.node) == list(after.graph.node)
    assert list(before.graph.initializer) == list(after.graph.initializer)
    assert before.opset_import == after.opset_import


@pytest.mark.parametrize("junk", [b"", b"\x3a\x7f", b"\xff" * 9, b"not onnx at all", b"\x3b"])
def test_other_bytes_are_refused(junk):
    with pytest.raises(WeightsError, match="Install or download it again"):
        free_shapes(junk)
