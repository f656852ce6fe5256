import pytest
import torch

pytest.importorskip("transformers")
pytest.importorskip("diffusers")

from despoof.core.errors import ConfigError
from despoof.systems.ag_fas.config import AgFasConfig
from despoof.systems.ag_fas.cue import anomalous_cue
from despoof.systems.ag_fas.system import AgFas, changed
from despoof.systems.records import RECORDS

RECORD = RECORDS["ag-fas"]


def system(**cue):
    torch.manual_seed(1)
    return RECORD.make(RECORD.tiny | {"cue": RECORD.tiny["cue"] | cue})


def some_faces(n=2):
    return torch.rand(n, 3, 32, 32, generator=torch.Generator().manual_seed(2)) * 2 - 1


@torch.no_grad()
@pytest.mark.parametrize("kind", ["reconstruction", "vae"])
def test_the_score_is_the_cue_networks_and_genuine_what_is_subtracted(kind):
    net, faces = system(kind=kind), some_faces()
    made = net.generator.autoencoded if kind == "vae" else net.generator.reconstruct
    genuine = made(faces)
    out = net.decompose(faces)
    torch.testing.assert_close(out.genuine, genuine)
    expected = net.network(faces, anomalous_cue(faces, genuine)).score
    torch.testing.assert_close(out.score, expected)


def test_without_a_cue_the_score_costs_no_reconstruction(monkeypatch):
    net, faces = system(fusion="none"), some_faces()
    expected = net.decompose(faces).score

    def refuse(*_):
        raise AssertionError("the generator was asked")

    monkeypatch.setattr(net.generator, "reconstruct", refuse)
    torch.testing.assert_close(net.score(faces), expected)


def test_it_may_walk_in_another_way_with_the_same_weights():
    net, faces = system(), some_faces()
    other = net.with_reconstruction(
        net.config.generator.reconstruct.model_copy(update={"start": 101, "steps": 1})
    )
    assert isinstance(other, AgFas) and other.network is net.network
    assert net.config.generator.reconstruct.start == 401
    assert not torch.equal(other.decompose(faces).genuine, net.decompose(faces).genuine)


def test_evidence_is_one_half_where_the_scale_had_to_change():
    noise = torch.zeros(1, 3, 64, 64)
    noise[:, :, :2, :2] = -0.1
    noise[:, :, 2:4, :2] = torch.tensor([0.3, -0.3, 0.3]).view(3, 1, 1)
    found = changed(noise, 0.1)[0]
    assert found.shape == (32, 32)
    assert float(found[0, 0]) == pytest.approx(0.5) and float(found[1, 0]) == pytest.approx(0.75)
    assert not found[0, 1:].any() and not found[2:].any()


def test_all_of_the_small_rung_has_four_million_parameters_at_most():
    net = AgFas(AgFasConfig())
    assert sum(value.numel() for value in net.state_dict().values()) < 4_000_000


def test_a_crop_that_the_generator_cannot_halve_is_refused():
    with pytest.raises(ConfigError, match=r"crop\.size 50 must be a multiple of"):
        AgFasConfig.parse({"crop": {"size": 50, "scale": 1.1}})
