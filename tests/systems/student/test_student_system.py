import pytest
import torch

from despoof.core.errors import ConfigError, InputError
from despoof.systems.records import RECORDS
from despoof.systems.student.config import NetworkConfig, StudentConfig
from despoof.systems.student.network import NoiseNetwork
from despoof.systems.student.system import Student

TINY = RECORDS["student"].tiny


def make(network=None, **detector):
    torch.manual_seed(0)
    values = TINY | {"detector": TINY["detector"] | detector}
    values["network"] = TINY["network"] | (network or {})
    return Student(StudentConfig.parse(values)).eval()


def faces(n=3):
    return torch.rand(n, 3, 32, 32, generator=torch.Generator().manual_seed(2)) * 2 - 1


def stirred(system):
    """Weights that are not the initial ones: there is noise to be seen."""
    generator = torch.Generator().manual_seed(4)
    with torch.no_grad():
        for parameter in system.parameters():
            parameter.add_(0.1 * torch.randn(parameter.shape, generator=generator))
    return system


def test_the_default_has_two_million_parameters_for_the_noise():
    assert 1.9e6 < sum(p.numel() for p in NoiseNetwork(NetworkConfig()).parameters()) < 2.3e6


def test_it_starts_with_almost_no_noise_and_every_layer_learns():
    system = make()
    assert system.noise(faces()).abs().max() < 0.05
    system.network(faces()).square().sum().backward()
    assert all(p.grad is not None and p.grad.any() for p in system.network.parameters())


def test_one_graph_gives_what_the_parts_give():
    system, x = stirred(make()), faces()
    with torch.no_grad():
        noise, found = system(x)
    assert torch.equal(system.noise(x), noise)
    assert torch.equal(system.detector(x, noise), found)
    out = system.decompose(x)
    assert torch.equal(out.genuine, (x - noise).clamp(-1, 1))
    assert torch.equal(out.score, found.mean(dim=(1, 2)))
    assert torch.equal(out.evidence, found.clamp(0, 1))
    quiet = system.detector(x, torch.zeros_like(x)).mean(dim=(1, 2))
    assert not torch.allclose(out.score, quiet), "the detector reads the noise"


def test_the_noise_network_does_not_run_where_no_stream_sees_it(monkeypatch):
    system = make(inputs="rgb", noise_scale=None)

    def never(*_):
        raise AssertionError("the noise was asked for")

    monkeypatch.setattr(system.network, "forward", never)
    assert system.score(faces()).shape == (3,)


def test_the_folded_student_answers_as_before():
    system, x = stirred(make()), faces()
    quick = system.for_inference()
    torch.testing.assert_close(quick.score(x), system.score(x), rtol=1e-4, atol=1e-5)
    assert torch.equal(quick.noise(x), system.noise(x)) and quick.network is system.network
    with pytest.raises(InputError, match="training mode"):
        make().train().for_inference()


def test_a_second_call_corrects_the_first():
    system, x = stirred(make({"calls": 2})), faces()
    net = system.network
    with torch.no_grad():
        first = net.decoder(net.encoder(torch.cat([x, torch.zeros_like(x)], dim=1)))
        second = net.decoder(net.encoder(torch.cat([x, first], dim=1)))
    torch.testing.assert_close(system.noise(x), first + second)
    assert second.abs().max() > 1e-3


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"crop": {"size": 40, "scale": 1.25}}, "crop.size 40 must be a multiple of 16 for 4 lev"),
        ({"network": {"widths": [12, 24]}}, r"widths \(12, 24\) must be multiples of 8"),
        ({"network": {"calls": 3}}, r"network\.calls"),
    ],
)
def test_a_student_that_cannot_be_is_refused_in_words(values, message):
    with pytest.raises(ConfigError, match=message):
        StudentConfig.parse(values)
