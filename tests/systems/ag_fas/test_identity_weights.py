import onnx
import pytest
import torch
from safetensors.torch import load_file
from torch import nn

from despoof.core.errors import InputError, WeightsError
from despoof.systems.ag_fas.generator_config import IdentityConfig
from despoof.systems.ag_fas.identity import IdentityNet
from despoof.systems.ag_fas.identity_weights import (
    OnnxIdentity,
    fitted_state,
    load_identity,
    save_identity,
)

CONFIG = IdentityConfig(size=32, width=0.125, embedding=6)


def rand(*shape, seed=0):
    return torch.rand(*shape, generator=torch.Generator().manual_seed(seed)) * 2 - 1


def checkpoint(seed=0):
    """A made-up checkpoint: names of insightface's iresnet18, every value its own."""
    generator = torch.Generator().manual_seed(seed)
    return {
        name: torch.rand(value.shape, generator=generator) + 0.5
        if value.is_floating_point()
        else torch.tensor(77)
        for name, value in IdentityNet(CONFIG).state_dict().items()
    }


def onnx_model(path, *, batch=None, side=32, channels=3, length=6):
    """An encoder by hand: the picture's pixels times a fixed matrix."""
    numbers = channels * side * side
    matrix = rand(numbers, length, seed=3).numpy()
    rows = "N" if batch is None else batch
    helper = onnx.helper
    nodes = [
        helper.make_node("Flatten", ["faces"], ["flat"]),
        helper.make_node("MatMul", ["flat", "matrix"], ["embedding"]),
    ]
    kind = onnx.TensorProto.FLOAT
    graph = helper.make_graph(
        nodes,
        "encoder",
        [helper.make_tensor_value_info("faces", kind, [rows, channels, side, side])],
        [helper.make_tensor_value_info("embedding", kind, [rows, length])],
        [onnx.numpy_helper.from_array(matrix, "matrix")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.save(model, path)
    return path, torch.from_numpy(matrix)


def test_names_of_the_community_are_ours():
    names = set(IdentityNet(CONFIG).state_dict())
    for name in (
        "conv1.weight", "bn1.running_var", "prelu.weight", "layer1.0.bn1.weight",
        "layer1.0.conv1.weight", "layer1.0.bn2.bias", "layer1.0.prelu.weight",
        "layer1.0.conv2.weight", "layer1.0.bn3.running_mean", "layer1.0.downsample.0.weight",
        "layer1.0.downsample.1.weight", "layer4.1.conv2.weight", "bn2.weight", "fc.weight",
        "fc.bias", "features.running_mean", "features.num_batches_tracked",
    ):  # fmt: skip
        assert name in names
    assert not any(name.startswith("layer1.1.downsample") for name in names)


@pytest.mark.parametrize("prefix", ["", "module.", "backbone.", "module.backbone."])
def test_a_checkpoint_goes_to_safetensors_and_into_the_network(tmp_path, prefix):
    state = {prefix + name: value for name, value in checkpoint().items()}
    path = tmp_path / "identity.safetensors"
    save_identity(path, fitted_state(state, CONFIG, "made up"), {"source": "a test"})
    net = load_identity(path, CONFIG)
    assert not net.training
    for name, value in net.state_dict().items():
        assert torch.equal(value, state[prefix + name]), name
    with torch.no_grad():
        assert torch.isfinite(net(rand(2, 3, 32, 32)).embedding).all()


def test_half_precision_becomes_fp32_and_missing_counts_0():
    state = {
        name: value.half() for name, value in checkpoint().items() if "num_batches" not in name
    }
    found = fitted_state(state, CONFIG, "made up")
    assert found["fc.weight"].dtype == torch.float32
    assert int(found["bn1.num_batches_tracked"]) == 0
    IdentityNet(CONFIG).load_state_dict(found)


def without(name):
    state = checkpoint()
    del state[name]
    return state


@pytest.mark.parametrize(
    "state, words",
    [
        (without("layer3.1.bn2.running_var"), r"1 missing \(layer3.1.bn2.running_var\), 0 unknown"),
        (checkpoint() | {"classifier.weight": torch.zeros(3)}, r"1 unknown \(classifier.weight\)"),
        (checkpoint() | {"fc.weight": torch.zeros(9, 256)}, "length 9, expected 6.*embedding to 9"),
        (checkpoint() | {"fc.weight": torch.zeros(6, 99)}, "reads 99 numbers .* expected 256"),
        (checkpoint() | {"prelu.weight": torch.zeros(64)}, r"'prelu.weight' is \(64,\)"),
        ({}, "missing"),
    ],
)
def test_what_does_not_fit_is_named(state, words):
    with pytest.raises(WeightsError, match=words):
        fitted_state(state, CONFIG, "made up")


def test_files_that_are_none_are_refused(tmp_path):
    with pytest.raises(WeightsError, match="convert_identity"):
        load_identity(tmp_path / "absent.safetensors", CONFIG)
    (tmp_path / "torn.safetensors").write_bytes(b"no tensors")
    with pytest.raises(WeightsError, match="not a readable safetensors"):
        load_identity(tmp_path / "torn.safetensors", CONFIG)
    (tmp_path / "torn.onnx").write_bytes(b"no model")
    for name in ("torn.onnx", "absent.onnx"):
        with pytest.raises(WeightsError, match="not a readable ONNX"):
            OnnxIdentity(tmp_path / name)


@pytest.mark.parametrize("batch", [None, 1, 4])
def test_an_onnx_encoder_takes_any_number_of_faces(tmp_path, batch):
    path, matrix = onnx_model(tmp_path / "encoder.onnx", batch=batch)
    encoder = OnnxIdentity(path, embedding=6)
    faces = rand(5, 3, 32, 32)
    assert torch.allclose(encoder(faces), faces.flatten(1) @ matrix, rtol=1e-4, atol=1e-4)


def test_an_onnx_encoder_resizes_as_ours_does(tmp_path):
    path, matrix = onnx_model(tmp_path / "encoder.onnx")
    faces = rand(2, 3, 48, 48)
    small = nn.functional.interpolate(faces, (32, 32), mode="bilinear", align_corners=False)
    wanted = small.flatten(1) @ matrix
    assert torch.allclose(OnnxIdentity(path)(faces), wanted, rtol=1e-4, atol=1e-4)


def test_onnx_files_of_another_kind_are_refused(tmp_path):
    grey, _ = onnx_model(tmp_path / "grey.onnx", channels=1)
    with pytest.raises(WeightsError, match=r"expected an encoder"):
        OnnxIdentity(grey)
    path, _ = onnx_model(tmp_path / "encoder.onnx")
    with pytest.raises(WeightsError, match="length 6, expected 512"):
        OnnxIdentity(path, embedding=512)
    with pytest.raises(InputError, match=r"\(3, 32, 32\)"):
        OnnxIdentity(path)(torch.zeros(3, 32, 32))


def test_facts_travel_with_the_file(tmp_path):
    from safetensors import safe_open

    path = tmp_path / "identity.safetensors"
    save_identity(path, checkpoint(), {"source": "a test"})
    assert set(load_file(path)) == set(checkpoint())
    with safe_open(path, framework="pt") as file:
        assert file.metadata()["source"] == "a test"
