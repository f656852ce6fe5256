import numpy as np
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from despoof.export.bf16 import bf16_bits, store_in_bf16
from export.hand_made import graph

FINITE = st.floats(-(2.0**100), 2.0**100, width=32)


@settings(deadline=None)
@given(arrays(np.float32, 20, elements=FINITE))
def test_rounding_is_that_of_torch(values):
    truth = torch.from_numpy(values).to(torch.bfloat16).view(torch.int16).numpy()
    np.testing.assert_array_equal(bf16_bits(values).view(np.int16), truth)


def test_only_large_constants_are_rounded_and_the_file_still_runs(tmp_path):
    import onnx
    import onnxruntime

    rng = np.random.default_rng(0)
    weights = rng.normal(size=(32, 32)).astype(np.float32)
    model, path = graph(), tmp_path / "m.onnx"
    model.graph.initializer.append(onnx.numpy_helper.from_array(weights, "large"))
    model.graph.node.append(onnx.helper.make_node("Identity", ["large"], ["seen"]))
    model.graph.output.append(
        onnx.helper.make_tensor_value_info("seen", onnx.TensorProto.FLOAT, [32, 32])
    )
    onnx.save_model(model, str(path))
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    faces = rng.integers(0, 256, (3, 32, 32, 3), dtype=np.uint8)
    before, size = session.run(None, {"faces": faces}), path.stat().st_size
    store_in_bf16(path)
    after = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    score, seen = after.run(None, {"faces": faces})
    np.testing.assert_array_equal(score, before[0])  # 127.5 and -1 were left alone
    truth = torch.from_numpy(weights).to(torch.bfloat16).float().numpy()
    np.testing.assert_array_equal(seen, truth)
    assert not np.array_equal(seen, weights) and path.stat().st_size < size - 1500
