import math

import numpy as np
import pytest
import torch
from scipy.stats import norm

from despoof.core.errors import ConfigError, InputError
from despoof.diffusion.analytic import analytic_eps, exact_bridge, exact_encoding, toy_spectra
from despoof.diffusion.bridge import PAPER, REFERENCE, BridgeConfig, bridge
from despoof.diffusion.schedule import NoiseSchedule
from despoof.diffusion.score_difference import score_difference
from despoof.diffusion.sdedit import sdedit
from despoof.diffusion.solvers.registry import SOLVERS


def mixture_eps(schedule, parts):
    """The exact field of a 1-D mixture of unit Gaussians: parts = [(share, mean), …]."""

    def eps(x, t):
        alpha, sigma = schedule.at(t, x)
        variance = alpha**2 + sigma**2
        logs = torch.stack([math.log(w) - (x - alpha * m) ** 2 / (2 * variance) for w, m in parts])
        weights = logs.softmax(dim=0)
        means = torch.tensor([m for _, m in parts], dtype=x.dtype).reshape(-1, 1, 1)
        return sigma * (x - alpha * (weights * means).sum(0)) / variance

    return eps


def transported(x, live_share, gap):
    """What a monotone map of the mixture onto the live does to x: quantile to quantile."""

    return norm.ppf(live_share * norm.cdf(x) + (1 - live_share) * norm.cdf(x - gap))


@pytest.mark.parametrize("gap", [1.0, 2.0])
def test_in_one_dimension_the_bridge_matches_quantiles(schedule, gap):
    """No ODE in the truth: in 1-D only one increasing map carries all faces onto the live ones."""
    x = torch.linspace(-2.5, 4, 27, dtype=torch.float64)[:, None]
    source = mixture_eps(schedule, [(0.25, 0.0), (0.75, gap)])
    target = mixture_eps(schedule, [(1.0, 0.0)])
    config = BridgeConfig(solver="dpm-solver", steps=200, precision="fp64")
    found = bridge(x, source, target, schedule, config).genuine[:, 0].numpy()
    np.testing.assert_allclose(found, transported(x[:, 0].numpy(), 0.25, gap), atol=0.02)


@pytest.mark.parametrize(("gap", "live", "spoof"), [(1, 0.69, 0.78), (2, 1.13, 1.65)])
def test_the_map_cannot_leave_live_faces_alone(gap, live, spoof):
    """SPEC §1.7 item 4: RMS residuals of a quarter live, three quarters spoof."""
    x = norm.ppf((np.arange(200) + 0.5) / 200)
    for start, expected in ((x, live), (x + gap, spoof)):
        moved = start - transported(start, 0.25, gap)
        assert np.sqrt(np.mean(moved**2)) == pytest.approx(expected, abs=0.02)


def test_a_bridge_between_gaussians_is_the_filter_of_their_spectra():
    spectra, schedule = toy_spectra(16), NoiseSchedule()
    gain = exact_bridge(spectra.all, spectra.live, schedule)
    np.testing.assert_allclose(gain, np.sqrt(spectra.live / spectra.all), rtol=0.02)
    up = exact_encoding(spectra.all, schedule)
    halves = [
        exact_encoding(spectra.all, schedule, t_max=300),
        exact_encoding(spectra.all, schedule, t_min=300),
    ]
    np.testing.assert_allclose(up, halves[0] * halves[1], rtol=1e-12)
    # The latent is standard normal whatever the picture was (alpha² of it is left).
    np.testing.assert_allclose(up * np.sqrt(spectra.all), 1, atol=0.01)


@pytest.mark.parametrize("name", SOLVERS)
def test_every_solver_finds_the_exact_truncated_bridge(small_toy, name):
    toy = small_toy
    config = BridgeConfig(solver=name, steps=100, t_max=400, precision="fp64")
    made = bridge(toy.picture, toy.source, toy.target, toy.schedule, config)
    gain = exact_bridge(toy.spectra.all, toy.spectra.live, toy.schedule, t_min=1, t_max=400)
    noise = toy.picture.numpy() * (1 - gain)
    error = np.linalg.norm(made.noise.numpy() - noise) / np.linalg.norm(noise)
    assert error < (0.4 if name == "ddim" else 0.05)
    torch.testing.assert_close(made.genuine + made.noise, toy.picture)


@pytest.mark.parametrize("against", ["input", "round-trip"])
def test_fields_that_agree_leave_nothing(small_toy, against):
    toy = small_toy
    for name in ("inverse-ddim", "o-belm") if against == "input" else SOLVERS:
        made = bridge(
            toy.picture,
            toy.source,
            toy.source,
            toy.schedule,
            BridgeConfig(solver=name, against=against),
        )
        assert made.noise.abs().max() <= 1e-4, name


def test_the_state_keeps_its_precision_and_the_figures_are_returned(schedule, curved, faces):
    single, double = (
        bridge(faces, curved, curved, schedule, BridgeConfig(precision=p)) for p in ("fp32", "fp64")
    )
    assert single.genuine.dtype == torch.float32 and double.genuine.dtype == torch.float64
    assert single.nfe == 19 and len(single.latent) == 2
    paper = bridge(faces.half(), curved, curved, schedule, PAPER)
    assert paper.nfe == 100 and paper.genuine.dtype == torch.float32 and len(paper.latent) == 1
    assert PAPER.times(schedule)[[0, -1]].tolist() == [1, 1000] and len(PAPER.times(schedule)) == 51


def test_the_reference_is_near_the_truth(toy):
    made = bridge(toy.picture, toy.source, toy.target, toy.schedule, REFERENCE)
    error = np.linalg.norm(made.noise.double().numpy() - toy.noise()) / np.linalg.norm(toy.noise())
    assert made.nfe == 200 and error < 0.01


def test_score_difference_is_zero_where_fields_agree_and_right_to_first_order(toy):
    none = score_difference(toy.picture, toy.source, toy.source, toy.schedule)
    assert none.noise.abs().max() == 0 and none.nfe == 8 and none.latent == ()
    near = analytic_eps(toy.spectra.all * 1.001, toy.schedule)
    for x in (toy.picture, toy.picture.float()):
        made = score_difference(
            x, toy.source, near, toy.schedule, count=200, sigmas=(0.0101, 150.0)
        )
        gain = exact_bridge(toy.spectra.all, toy.spectra.all * 1.001, toy.schedule)
        exact = x.numpy() * (1 - gain)
        # First order: asked along x itself, not along the ODE's path. The sign and the size hold.
        assert (made.noise.numpy() * exact).sum() > 0 and made.noise.dtype == x.dtype
        assert 0.3 < np.linalg.norm(made.noise.numpy()) / np.linalg.norm(exact) < 3


def test_score_difference_takes_the_same_noise_for_both(toy):
    noise = torch.randn(toy.picture.shape, generator=torch.Generator().manual_seed(0)).double()
    one, two = (
        score_difference(toy.picture, toy.source, toy.target, toy.schedule, noise=noise)
        for _ in range(2)
    )
    assert torch.equal(one.noise, two.noise)
    none = score_difference(toy.picture, toy.source, toy.source, toy.schedule, noise=noise)
    assert none.noise.abs().max() == 0


def test_sdedit_of_no_noise_is_the_picture_and_of_much_noise_a_draw(small_toy):
    toy, generator = small_toy, torch.Generator().manual_seed(0)
    x = toy.picture.float()
    noise = torch.randn(x.shape, generator=generator)
    little = sdedit(x, toy.target, toy.schedule, noise, BridgeConfig(t_max=2.0, steps=2))
    assert (little.genuine - x).abs().max() < 0.1
    much = sdedit(x, toy.target, toy.schedule, noise, BridgeConfig(solver="dpm-solver", steps=60))
    variance = (much.genuine.double().numpy() ** 2 / toy.spectra.live).mean()
    assert variance == pytest.approx(1, abs=0.15)
    again = sdedit(x, toy.target, toy.schedule, noise, BridgeConfig(solver="dpm-solver", steps=60))
    assert torch.equal(much.genuine, again.genuine) and much.nfe == 60


def test_bad_input(schedule, curved, faces):
    for bad in (faces[:0], faces.byte(), faces[0, 0, 0]):
        with pytest.raises(InputError, match="expected a batch"):
            bridge(bad, curved, curved, schedule)
    with pytest.raises(InputError, match="grid"):
        bridge(faces, curved, curved, schedule, BridgeConfig(t_max=2000))
    with pytest.raises(InputError, match="randn_like"):
        sdedit(faces, curved, schedule, faces[:1])
    with pytest.raises(InputError, match="at least 2"):
        score_difference(faces, curved, curved, schedule, count=1)
    with pytest.raises(InputError, match="above 0"):
        analytic_eps(np.zeros(3), schedule)
    with pytest.raises(InputError):
        toy_spectra(4)
    with pytest.raises(ConfigError, match="solver"):
        BridgeConfig.parse({"solver": "euler"})
