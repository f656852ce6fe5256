import json
import pickle

import pytest
import torch
from safetensors.torch import save_file
from systems.ag_fas.test_identity_weights import onnx_model

from benchmarks.programs import program
from despoof.core.errors import WeightsError
from despoof.systems.ag_fas.generator_config import IdentityConfig
from despoof.systems.ag_fas.identity_weights import load_identity

convert_identity = program("convert_identity")
CONFIG = IdentityConfig(width=0.0625, embedding=4)


def state():
    from despoof.systems.ag_fas.identity import IdentityNet

    with torch.random.fork_rng():
        torch.manual_seed(0)
        return IdentityNet(CONFIG).state_dict()


@pytest.mark.parametrize("wrap", [lambda s: s, lambda s: {"state_dict": s, "epoch": 3}])
def test_a_pickled_checkpoint_becomes_safetensors(tmp_path, capsys, wrap):
    torch.save(wrap(state()), tmp_path / "backbone.pth")
    out = tmp_path / "new" / "identity.safetensors"
    arguments = [str(tmp_path / "backbone.pth"), "-o", str(out), "--width", "0.0625"]
    convert_identity.main([*arguments, "--embedding", "4"])
    said = json.loads(capsys.readouterr().out)
    assert said["source"] == "backbone.pth" and said["embedding"] == "4"
    wanted = state()
    found = load_identity(out, CONFIG).state_dict()
    assert all(torch.equal(value, wanted[name]) for name, value in found.items())


def test_safetensors_go_in_as_well(tmp_path):
    save_file(dict(state()), tmp_path / "backbone.safetensors")
    found = convert_identity.read_checkpoint(tmp_path / "backbone.safetensors")
    assert set(found) == set(state())


class Trap:
    def __reduce__(self):
        return print, ("this must not run",)


def test_code_in_a_pickle_does_not_run(tmp_path, capsys):
    torch.save({"conv1.weight": Trap()}, tmp_path / "trap.pth")
    with pytest.raises(pickle.UnpicklingError):
        convert_identity.read_checkpoint(tmp_path / "trap.pth")
    assert "must not run" not in capsys.readouterr().out


def test_what_is_no_state_dict_is_refused(tmp_path):
    torch.save([torch.zeros(2)], tmp_path / "list.pth")
    with pytest.raises(WeightsError, match="list, expected a state dict"):
        convert_identity.read_checkpoint(tmp_path / "list.pth")


def test_the_comparison_tells_another_encoder_from_the_same(tmp_path, monkeypatch):
    out = tmp_path / "identity.safetensors"
    save_file(dict(state()), out)
    path, matrix = onnx_model(tmp_path / "encoder.onnx", side=112, length=4)
    assert convert_identity.compared(out, CONFIG, path) < 0.999

    class Same(torch.nn.Module):
        def forward(self, faces):
            return type("Features", (), {"embedding": faces.flatten(1) @ matrix})

    monkeypatch.setattr(convert_identity, "load_identity", lambda *_: Same())
    assert convert_identity.compared(out, CONFIG, path) > 0.9999
