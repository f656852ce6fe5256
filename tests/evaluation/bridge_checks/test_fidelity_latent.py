import numpy as np
import pytest
import torch

from despoof.diffusion.bridge import BridgeConfig
from despoof.evaluation.bridge_checks.fidelity import fidelity_check, noise_fidelity
from despoof.evaluation.bridge_checks.latent import latent_check, latent_figures

BANDS = ("band_0_4", "band_4_8", "band_8_16")


def noise(n=5, side=32, seed=0):
    return torch.randn(n, 3, side, side, generator=torch.Generator().manual_seed(seed))


def test_fidelity_by_hand():
    x = noise()
    found = noise_fidelity(0.5 * x, x)
    assert found["correlation_median"] == pytest.approx(1) and found["sign_agreement"] == 1
    assert found["relative_l2"] == pytest.approx(0.5)
    assert [name for name in found if name.startswith("band")] == list(BANDS)
    assert all(found[name] == pytest.approx(0.25) for name in BANDS)
    other = x.roll(1, 0)
    expected = [np.corrcoef(a.ravel(), b.ravel())[0, 1] for a, b in zip(x, other, strict=True)]
    assert noise_fidelity(other, x)["correlation_median"] == pytest.approx(
        float(np.median(expected)), abs=1e-6
    )
    assert noise_fidelity(-x, x)["sign_agreement"] == 0


def test_a_band_that_is_lost_is_seen_in_its_own_figure():
    x = torch.arange(32.0)
    waves = [torch.cos(2 * torch.pi * f * x / 32).expand(1, 3, 32, 32) for f in (2, 6, 12)]
    found = noise_fidelity(waves[0] + waves[2], sum(waves))
    assert [found[name] for name in BANDS] == pytest.approx([1, 0, 1], abs=1e-6)


def test_noise_that_is_nothing_is_not_like_anything():
    found = noise_fidelity(torch.zeros(2, 3, 32, 32), noise(2))
    assert found["correlation_median"] == 0 and found["relative_l2"] == pytest.approx(1)


def test_a_bridge_is_its_own_reference_and_a_coarse_one_is_not(subject_of):
    config = {"solver": "dpm-solver", "steps": 8, "t_max": 300.0}
    made = subject_of(config)
    reference = BridgeConfig.parse(config)
    own = made.cross()
    found = fidelity_check(made, own, own, reference)
    assert found.passed and found.figures["relative_l2"] == 0
    assert 0 < found.figures["reference_doubt"] < 1
    assert "no spectral peak" in found.words and "peak_kept_db" not in found.figures
    rough = made.cross(config=reference.model_copy(update={"solver": "ddim", "steps": 1}))
    assert fidelity_check(made, rough, own, reference).passed is False


def test_moire_in_the_reference_is_looked_for(subject_of):
    made = subject_of(n=4)
    own = made.cross()
    x = torch.arange(32.0)
    wave = 3 * torch.cos(2 * torch.pi * 9 * x / 32).expand(4, 3, 32, 32)
    striped = type(own)(own.noise + wave, own.latent, own.nfe)
    found = fidelity_check(made, own, striped, BridgeConfig(steps=4, t_max=300))
    assert found.figures["peak_kept_db"] < -10 and "4 with a spectral peak" in found.words


def test_noise_that_is_not_finite_fails(subject_of):
    made = subject_of(n=4)
    own = made.cross()
    broken = own.noise.clone()
    broken[1, 0, 0, 0] = torch.nan
    found = fidelity_check(made, type(own)(broken, own.latent, 1), own, BridgeConfig())
    assert found.passed is False and "1 of 4 answers are not finite" in found.words


def test_latents_by_hand():
    white = noise(40)
    assert all(abs(value) < 0.02 for value in latent_figures(white).values())
    smooth = (white + white.roll(1, -1)) / 2**0.5  # neighbours across share half their variance
    found = latent_figures(2 * smooth + 3)
    assert found["mean"] == pytest.approx(3, abs=0.02)
    assert found["variance_excess"] == pytest.approx(3, abs=0.1)
    assert found["across"] == pytest.approx(0.5, abs=0.02) and abs(found["down"]) < 0.02
    grey = white[:, :1].expand(-1, 3, -1, -1)
    assert latent_figures(grey)["colours"] == pytest.approx(1)
    assert latent_figures(white.mT)["down"] == pytest.approx(latent_figures(white)["across"])


def test_the_latent_of_a_truncated_bridge_is_not_judged(subject_of):
    made = subject_of(n=4)
    found = latent_check(made, made.cross())
    assert found.passed is None and not found.figures and "t = 300" in found.words


def test_white_latents_pass_and_others_do_not(subject_of):
    made = subject_of({"solver": "ddim", "steps": 2, "grid": "uniform"}, n=4)
    own = made.cross()
    assert latent_check(made, type(own)(own.noise, noise(40), 4)).passed is True
    assert latent_check(made, type(own)(own.noise, 1.1 * noise(40), 4)).passed is False
