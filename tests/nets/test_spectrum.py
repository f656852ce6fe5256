import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from despoof.nets.spectrum import band_energy, octave_count, octaves, whitened_error


def wave(side, fx, fy, channels=3):
    """A unit-amplitude wave of whole cycles per picture."""
    y, x = np.mgrid[0:side, 0:side] / side
    one = np.cos(2 * np.pi * (fx * x + fy * y))
    return torch.from_numpy(np.repeat(one[None, None], channels, axis=1)).float()


@pytest.mark.parametrize(
    ("fx", "fy", "band"),
    [(0, 0, 0), (3, 0, 0), (2, 3, 0), (4, 0, 1), (0, 7, 1), (3, 3, 1), (8, 0, 2), (15, 2, 2),
     (16, 0, 3), (20, -20, 3), (32, 0, 4), (0, 55, 4), (50, 50, 4)],
)  # fmt: skip
def test_a_wave_falls_into_the_octave_of_its_frequency(fx, fy, band):
    energy = band_energy(wave(112, fx, fy))[0]
    assert energy.argmax() == band
    assert energy[band] > 1e6 * (energy.sum() - energy[band]).clamp(min=1e-12)


@given(side=st.integers(16, 200))
@settings(max_examples=30, deadline=None)
def test_every_coefficient_has_one_octave_and_every_octave_a_coefficient(side):
    band = octaves(side)
    assert band.shape == (side, side // 2 + 1)
    assert set(np.unique(band)) == set(range(octave_count(side)))
    # The lowest edge of the last band lies below Nyquist, that of the next would not.
    assert 4 * 2 ** (octave_count(side) - 2) < side / 2 <= 4 * 2 ** (octave_count(side) - 1)


def test_the_error_of_an_answer_of_zero_is_one():
    reference = torch.randn(4, 3, 64, 64, generator=torch.Generator().manual_seed(0))
    same = reference[:1].expand(4, -1, -1, -1)
    torch.testing.assert_close(whitened_error(-same, same), torch.ones(4), rtol=0, atol=1e-5)


def test_each_octave_counts_the_same_however_little_energy_it_has():
    side = 112
    waves = [wave(side, f, 0) for f in (2, 6, 12, 24, 48)]
    truth = sum(amplitude * w for amplitude, w in zip((1, 0.5, 0.2, 0.1, 0.05), waves, strict=True))
    losses = []
    for amplitude, w in zip((1, 0.5, 0.2, 0.1, 0.05), waves, strict=True):
        losses.append(whitened_error(amplitude * w, truth, floor=1e-9).item())
    assert max(losses) - min(losses) < 0.01 * max(losses)
    plain = [(a * w).abs().mean() for a, w in zip((1, 0.05), (waves[0], waves[-1]), strict=True)]
    assert plain[0] > 15 * plain[1], "a plain loss hardly sees the finest octave"


def test_no_error_has_a_finite_gradient_and_a_loss_near_zero():
    error = torch.zeros(2, 3, 32, 32, requires_grad=True)
    reference = torch.randn(3, 3, 32, 32, generator=torch.Generator().manual_seed(1))
    loss = whitened_error(error, reference).mean()
    loss.backward()
    assert loss < 0.01 and error.grad.isfinite().all()
