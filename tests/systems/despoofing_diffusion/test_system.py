import pytest
import torch

from despoof.core.errors import InputError
from despoof.diffusion.bridge import PAPER, BridgeConfig
from despoof.systems.despoofing_diffusion.system import DespoofingDiffusion, as_cached
from despoof.systems.despoofing_diffusion.system_config import DespoofingDiffusionConfig
from despoof.systems.records import RECORDS

pytest.importorskip("diffusers")
TINY = RECORDS["despoofing-diffusion"].tiny


def make(**detector):
    torch.manual_seed(0)
    values = TINY | {"detector": TINY["detector"] | detector}
    return DespoofingDiffusion(DespoofingDiffusionConfig.parse(values)).eval()


def faces(n=3):
    return torch.rand(n, 3, 32, 32, generator=torch.Generator().manual_seed(2)) * 2 - 1


def test_the_default_is_the_safe_solver_and_the_published_detector():
    config = DespoofingDiffusionConfig()
    assert (config.bridge.solver, config.bridge.grid, config.bridge.steps) == (
        "dpm-solver", "log-snr", 20,
    )  # fmt: skip
    assert config.detector.inputs == "rgb+noise" and config.precision == "fp32"
    assert DespoofingDiffusionConfig.parse(config.plain()) == config


def test_the_detector_reads_the_noise_of_the_bridge():
    system, x = make(), faces()
    made = system.bridged(x)
    torch.testing.assert_close(made.genuine + made.noise, x)
    expected = system.detector(x, made.noise.half().float()).float()
    out = system.decompose(x)
    assert torch.equal(out.score, expected.mean(dim=(1, 2)))
    assert torch.equal(out.evidence, expected.clamp(0, 1))
    assert torch.equal(out.genuine, made.genuine.clamp(-1, 1))


def test_another_bridge_is_a_copy_on_the_same_weights():
    system, x = make(), faces()
    before = system.decompose(x)
    other = system.with_bridge(BridgeConfig(solver="ddim", steps=4, t_max=200))
    assert other is not system and other.config.bridge.steps == 4
    assert system.config.bridge == DespoofingDiffusionConfig.parse(TINY).bridge
    assert all(a is b for a, b in zip(system.parameters(), other.parameters(), strict=True))
    assert not torch.equal(other.decompose(x).noise, before.noise)
    assert torch.equal(system.decompose(x).noise, before.noise)
    assert other.bridged(x).nfe == 8


def test_no_bridge_is_crossed_for_a_score_that_sees_no_noise(monkeypatch):
    system, x = make(inputs="rgb"), faces()
    expected = system.decompose(x).score
    monkeypatch.setattr(system.fields, "forward", None)
    assert torch.equal(system.score(x), expected)


def test_twin_fields_find_no_noise_beyond_the_solvers():
    """Both fields the same: the bridge is a round trip, and an invertible solver comes back."""
    system, x = make(), faces()
    with torch.no_grad():
        weight = system.fields.nets[0].class_embedding.weight
        weight[1] = weight[0]
    exact = system.with_bridge(BridgeConfig(solver="o-belm", steps=5, t_max=400))
    assert exact.bridged(x).noise.abs().max() < 1e-4
    assert system.with_bridge(PAPER.model_copy(update={"steps": 3})).bridged(x).noise.std() > 1e-3


def test_a_scale_that_was_not_measured_is_said():
    with pytest.raises(InputError, match="noise_scale is not measured"):
        make(noise_scale=None).decompose(faces())


def test_noise_is_rounded_as_the_cache_rounds_it():
    noise = torch.tensor([1e-9, 0.1, 1.0, 3.14159])
    assert torch.equal(as_cached(noise), noise.to(torch.float16).to(torch.float32))
    assert as_cached(noise).dtype == torch.float32
