"""Octaves get their energy back: against Fourier's own arithmetic, and what no filter can mend."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from despoof.core.errors import ConfigError, InputError
from despoof.nets.spectrum import band_energy, octave_count, octaves
from despoof.systems.records import RECORDS
from despoof.systems.student.config import StudentConfig
from despoof.systems.student.equaliser import Equaliser, fit_gains, kernel_of
from despoof.systems.student.system import Student

TINY = RECORDS["student"].tiny  # 32 px: three octaves


def noise(n=6, side=64, seed=0):
    """Noise that falls off towards fine octaves, as a face's does."""
    white = torch.randn(n, 3, side, side, generator=torch.Generator().manual_seed(seed))
    weight = torch.from_numpy(octaves(side)).float().neg().exp2()
    return torch.fft.irfft2(torch.fft.rfft2(white) * weight, s=(side, side))


def weakened(pictures, factors):
    side = pictures.shape[-1]
    weight = torch.tensor(factors)[torch.from_numpy(octaves(side))]
    return torch.fft.irfft2(torch.fft.rfft2(pictures) * weight, s=(side, side))


def test_equal_gains_are_a_factor_and_ones_are_nothing():
    x = noise()
    assert torch.allclose(Equaliser([1.0] * 4, 64)(x), x, atol=1e-6)
    assert torch.allclose(Equaliser([1.7] * 4, 64)(x), 1.7 * x, atol=1e-6)


def test_the_filter_is_symmetric_and_answers_a_wave_with_its_octaves_gain():
    kernel = kernel_of([1.0, 1.0, 1.0, 2.0], 64)
    assert kernel.shape == (17, 17)
    assert torch.allclose(kernel, kernel.flip(0), atol=1e-7)
    assert torch.allclose(kernel, kernel.T, atol=1e-7)
    x = torch.arange(64.0)
    wave = torch.cos(2 * torch.pi * 24 * x / 64).expand(1, 3, 64, 64)  # in octave 16–32
    inner = (..., slice(16, 48), slice(16, 48))
    assert torch.allclose(Equaliser([1, 1, 1, 2], 64)(wave)[inner], 2 * wave[inner], atol=0.15)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.floats(0.5, 1.3), min_size=4, max_size=4), st.integers(0, 99))
def test_what_was_weakened_is_refused_or_has_its_energy_again_and_stays_what_it_was(factors, seed):
    truth = noise(seed=seed)
    weak = weakened(truth, factors)
    try:
        gains = fit_gains(weak, truth)
    except InputError as error:
        assert "from one octave to the next" in str(error)
        assert max(factors) > 1.1 * min(factors), "mild differences are mended"
        return
    mended = Equaliser(gains, 64)(weak)
    ratio = band_energy(mended).mean(dim=0) / band_energy(truth).mean(dim=0)
    assert torch.allclose(ratio, torch.ones(4), atol=0.02)
    before, after = (
        torch.corrcoef(torch.stack([x.flatten(), truth.flatten()]))[0, 1] for x in (weak, mended)
    )
    assert after > before - 1e-3


@pytest.mark.parametrize(
    ("own", "wanted", "message"),
    [
        (torch.zeros(1, 3, 64, 64), noise(1), "octave of the noise is empty"),
        (noise(2), noise(1), "differ in shape"),
        (noise() / 9, noise(), "nearly nothing in some octave"),
        # Octave 4–8 alone at half its amplitude: mended, it would be less like the truth.
        (weakened(noise(), [1.0, 0.5, 1.0, 1.0]), noise(), "from one octave to the next"),
    ],
)
def test_what_no_filter_mends_is_refused(own, wanted, message):
    with pytest.raises(InputError, match=message):
        fit_gains(own, wanted)


def test_a_gain_is_needed_for_each_octave():
    with pytest.raises(InputError, match="expected 4"):
        kernel_of([1.0], 64)
    with pytest.raises(ConfigError, match="2 numbers; 32 px have 3 octaves"):
        StudentConfig.parse(TINY | {"octave_gains": [1.0, 1.0]})


def test_the_student_reads_and_shows_the_equalised_noise_and_keeps_its_tensors():
    torch.manual_seed(0)
    plain = Student(StudentConfig.parse(TINY)).eval()
    loud = Student(StudentConfig.parse(TINY | {"octave_gains": [2.0] * octave_count(32)})).eval()
    loud.load_state_dict(plain.state_dict())  # as many tensors: gains are configuration
    faces = torch.rand(2, 3, 32, 32) * 2 - 1
    assert torch.allclose(loud.noise(faces), 2 * plain.noise(faces), atol=1e-6)
    with torch.no_grad():
        seen = loud(faces)
        assert torch.equal(seen.map, loud.detector(faces, seen.noise))
    assert torch.equal(loud.for_inference().noise(faces), seen.noise)
    assert torch.allclose(loud.score(faces), seen.map.mean(dim=(1, 2)))
