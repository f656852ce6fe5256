import math

import pytest
import torch

from despoof.nets.spectrum import band_energy, octave_count, octave_error, whitened_error
from despoof.systems.student.losses import (
    FLOOR,
    NoiseLossConfig,
    correlations,
    energy_error,
    noise_loss,
)

SIDE = 32


def wave(cycles, amplitude=1.0):
    """(1, 3, 32, 32) cosine across: one band alone holds it."""
    row = amplitude * torch.cos(2 * math.pi * cycles * torch.arange(SIDE) / SIDE)
    return row.expand(1, 3, SIDE, SIDE).clone()


def noise(n=3):
    return 0.1 * torch.randn(n, 3, SIDE, SIDE, generator=torch.Generator().manual_seed(1))


def test_huber_is_square_near_zero_and_straight_beyond():
    config = NoiseLossConfig(huber=1, spectrum=0, delta=0.1)
    unit, zero = torch.ones(octave_count(SIDE)), torch.zeros(1, 3, SIDE, SIDE)
    for error, expected in ((0.05, 0.05**2 / 0.2), (0.4, 0.4 - 0.05)):
        loss, logs = noise_loss(zero + error, zero, unit, config)
        assert loss.item() == pytest.approx(expected, rel=1e-5)
        assert logs["huber"] == loss


def test_every_octave_counts_alike_however_weak_it_is():
    strong, weak = wave(2, 0.8), wave(14, 0.05)
    unit = band_energy(strong + weak).mean(dim=0)
    config = NoiseLossConfig(huber=0, spectrum=1)
    without_weak, _ = noise_loss(strong, strong + weak, unit, config)
    without_strong, _ = noise_loss(weak, strong + weak, unit, config)
    assert without_weak.item() == pytest.approx(without_strong.item(), rel=0.05)
    pixels = NoiseLossConfig(huber=1, spectrum=0)
    lost = [noise_loss(x, strong + weak, unit, pixels)[0].item() for x in (strong, weak)]
    assert lost[1] > 20 * lost[0], "to the pixels the weak octave is next to nothing"


def test_the_unit_may_be_measured_before():
    error, truth = noise(4), 3 * noise(2)
    unit = band_energy(truth).mean(dim=0)
    torch.testing.assert_close(octave_error(error, unit), whitened_error(error, truth))


def test_the_energy_term_asks_for_the_right_amount_and_nothing_else():
    truth = noise()
    assert energy_error(truth, truth) == 0
    shuffled = truth.roll((5, 3), (2, 3))
    assert energy_error(shuffled, truth) < 1e-6, "it does not say where"
    energies = band_energy(truth).mean(dim=0)
    expected = torch.log((energies / 4 + FLOOR) / (energies + FLOOR)).square().mean()
    torch.testing.assert_close(energy_error(truth / 2, truth), expected)
    unit = energies
    base, _ = noise_loss(truth / 2, truth, unit, NoiseLossConfig())
    more, logs = noise_loss(truth / 2, truth, unit, NoiseLossConfig(energy=2.0))
    assert (more - base).item() == pytest.approx(2 * logs["energy"].item(), rel=1e-4)


def test_the_loss_is_least_for_the_truth_and_has_a_gradient_everywhere():
    truth = noise()
    unit = band_energy(truth).mean(dim=0)
    config = NoiseLossConfig(energy=0.1)
    found = [noise_loss(k * truth, truth, unit, config)[0].item() for k in (1, 0.5, 0)]
    assert found[0] < found[1] < found[2] and found[0] < 0.2
    start = torch.zeros_like(truth, requires_grad=True)
    noise_loss(start, truth, unit, config)[0].backward()
    assert start.grad.isfinite().all() and start.grad.any()


def test_correlation_by_hand():
    a = noise(3)
    b = torch.stack([2 * a[0] + 1, -a[1], torch.zeros_like(a[2])])
    torch.testing.assert_close(
        correlations(b, a), torch.tensor([1.0, -1.0, 0.0], dtype=torch.float64)
    )


def test_the_correlation_term_counts_faces_alike_and_no_amount():
    truth = noise()
    truth[1] *= 0.01  # a face with hardly any noise
    config = NoiseLossConfig(huber=0, spectrum=0, correlation=2.0)
    unit = torch.ones(octave_count(SIDE))
    assert noise_loss(3 * truth, truth, unit, config)[0].item() == pytest.approx(0, abs=1e-6)
    for face in range(3):  # one face of three is found upside down
        turned = truth.clone()
        turned[face] *= -1
        loss, logs = noise_loss(turned, truth, unit, config)
        assert loss.item() == pytest.approx(2 * 2 / 3, rel=1e-5)
        assert float(logs["away"]) == pytest.approx(2 / 3, rel=1e-5)


def test_faces_without_noise_leave_the_correlation_finite():
    still = torch.zeros(2, 3, SIDE, SIDE, requires_grad=True)
    config = NoiseLossConfig(huber=0, spectrum=0, correlation=1.0)
    loss, _ = noise_loss(still, noise(2), torch.ones(octave_count(SIDE)), config)
    loss.backward()
    assert loss.item() == pytest.approx(1)
    assert still.grad is not None
    assert still.grad.isfinite().all()
