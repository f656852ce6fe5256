import pytest
import torch

pytest.importorskip("transformers")

from despoof.core.errors import WeightsError
from despoof.systems.ag_fas.cue_network import CueNetwork
from despoof.systems.ag_fas.cue_weights import load_cue_encoder, load_vit
from systems.ag_fas.test_cross_attention import TINY, inputs


def network(seed, **changes):
    torch.manual_seed(seed)
    return CueNetwork(TINY.model_copy(update=changes)).eval()


@torch.no_grad()
def test_a_plain_vit_is_loaded_by_name_of_its_tensors(tmp_path):
    other, net = network(1), network(2)
    other.vit.save_pretrained(tmp_path)
    kept = net.crossings[0].query.weight.clone()
    load_vit(net, str(tmp_path))
    faces, _ = inputs()
    assert torch.equal(net.vit(faces).last_hidden_state, other.vit(faces).last_hidden_state)
    assert torch.equal(net.crossings[0].query.weight, kept)


@torch.no_grad()
def test_the_cue_encoder_takes_all_but_the_last_stage(tmp_path):
    other, net = network(1), network(2)
    other.encoder.save_pretrained(tmp_path)
    before = {name: value.clone() for name, value in net.encoder.state_dict().items()}
    load_cue_encoder(net, str(tmp_path))
    for name, value in net.encoder.state_dict().items():
        source = before if name.startswith("encoder.stages.3.") else other.encoder.state_dict()
        assert torch.equal(value, source[name]), name
    moved = "embedder.embedder.convolution.weight"
    assert not torch.equal(before[moved], net.encoder.state_dict()[moved])


def test_weights_that_are_not_there_are_an_error_in_words(tmp_path):
    with pytest.raises(WeightsError, match=r"gave no ViTModel.*recipe\.allow_download"):
        load_vit(network(0), str(tmp_path / "nothing"))


def test_weights_of_another_geometry_are_refused(tmp_path):
    network(1, depth=1).vit.save_pretrained(tmp_path / "vit")
    with pytest.raises(WeightsError, match=r"does not fit|gave no ViTModel"):
        load_vit(network(0), str(tmp_path / "vit"))
    with pytest.raises(WeightsError, match="fusion is none"):
        load_cue_encoder(network(0, fusion="none"), str(tmp_path))
