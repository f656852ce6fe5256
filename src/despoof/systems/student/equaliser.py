"""A fixed filter behind the noise network that gives each octave its energy back.

A regressor says too little of what it is unsure of: the finer the octave, the weaker it comes out.
So does a bridge of few steps, which it learnt from. The right amount is known on training people,
and one gain an octave mends it; what is right or wrong in a face's noise stays as it was.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from despoof.core.errors import InputError
from despoof.nets.spectrum import band_energy, octave_count, octaves

REACH = 8
"""Taps of the filter on each side of its middle: half a wave of what band 0 ends with at 64 px."""
LIMITS = (0.25, 4.0)
"""A gain outside says that the network has not learnt that octave: no filter mends that."""
NEIGHBOURS = 1.5
"""Largest ratio of two neighbouring gains. So few taps cannot hold octaves apart: beyond, the one
that is raised leaks into the other, and what was like the truth becomes less so."""
ROUNDS = 40


class Equaliser(nn.Module):
    """(B, 3, S, S) noise to the same, each octave times its gain as far as the taps allow.

    Args:
        gains: of amplitudes, one for each of the `octave_count(side)` octaves.
        side: S, pixels.
    """

    def __init__(self, gains: Sequence[float], side: int) -> None:
        super().__init__()
        self.register_buffer("kernel", kernel_of(gains, side), persistent=False)

    def forward(self, noise: Tensor) -> Tensor:
        """Filter each channel alike; the picture is mirrored at its border."""
        kernel = self.get_buffer("kernel")[None, None]
        reach = kernel.shape[-1] // 2
        padded = F.pad(noise.float(), (reach, reach, reach, reach), mode="reflect")
        # As pictures of one channel: oneDNN has no quick grouped filter of so many taps in bf16.
        planes = padded.reshape(-1, 1, *padded.shape[-2:])
        return F.conv2d(planes, kernel).reshape(noise.shape)


def kernel_of(gains: Sequence[float], side: int) -> Tensor:
    """Return the (2r + 1, 2r + 1) filter whose response comes nearest to the gains, least squares.

    Raises:
        InputError: not one gain for each octave of the side.
    """
    if len(gains) != octave_count(side):
        raise InputError(
            f"{len(gains)} gains for pictures of {side} px; expected {octave_count(side)}, one for "
            "each octave (nets/spectrum.py)."
        )
    wanted = torch.tensor(list(gains), dtype=torch.float64)[torch.from_numpy(octaves(side))]
    whole = torch.fft.fftshift(torch.fft.irfft2(wanted, s=(side, side)))
    # Sines are orthogonal: the nearest filter of fewer taps is the whole one, cut off.
    reach, middle = min(REACH, side // 2 - 1), side // 2
    part = slice(middle - reach, middle + reach + 1)
    return whole[part, part].float()


def fit_gains(noise: Tensor, truth: Tensor) -> tuple[float, ...]:
    """Return gains after which the noise has the truth's energy in each octave, over all faces.

    Args:
        noise: (N, 3, S, S) as a network predicts it, of training people.
        truth: the same shape; what it should be.

    Raises:
        InputError: shapes differ, an octave is empty, one would need a gain outside LIMITS, or two
            neighbours gains that differ by more than NEIGHBOURS.
    """
    if noise.shape != truth.shape:
        raise InputError(
            f"Noise {tuple(noise.shape)} and truth {tuple(truth.shape)} differ in shape."
        )
    side = noise.shape[-1]
    wanted = band_energy(truth).double().mean(dim=0)
    own = band_energy(noise).double().mean(dim=0)
    if not bool((own > 0).all() and (wanted > 0).all()):
        raise InputError("An octave of the noise is empty; gains cannot be found. Train first.")
    gains = (wanted / own).sqrt()
    for _ in range(ROUNDS):  # neighbouring octaves leak into each other through so few taps
        found = band_energy(Equaliser(gains.tolist(), side)(noise)).double().mean(dim=0)
        gains = gains * (wanted / found) ** 0.35
    if not bool(((gains >= LIMITS[0]) & (gains <= LIMITS[1])).all()):
        raise InputError(
            f"Gains {[round(g, 3) for g in gains.tolist()]} leave {LIMITS}: the network says "
            "nearly nothing in some octave, or far too much. Train it longer."
        )
    steps = (gains[1:] / gains[:-1]).log().abs().exp()
    if bool((steps > NEIGHBOURS).any()):
        raise InputError(
            f"Gains {[round(g, 3) for g in gains.tolist()]} differ by more than {NEIGHBOURS} times "
            "from one octave to the next; so short a filter would spoil both. Train it longer."
        )
    return tuple(gains.tolist())
