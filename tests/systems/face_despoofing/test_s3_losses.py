import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from despoof.core.errors import ConfigError
from despoof.systems.face_despoofing import losses
from despoof.systems.face_despoofing.losses import CODE, PAPER, LossWeights
from despoof.systems.face_despoofing.stages import RecipeConfig

LIVE = torch.tensor([True, False, True, False])
NONE, ALL = torch.zeros(4, dtype=torch.bool), torch.ones(4, dtype=torch.bool)


def draw(*shape, seed=0):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def near(value, expected):
    assert float(value) == pytest.approx(expected, rel=1e-5, abs=1e-7)


def test_map_loss_by_hand():
    spoof_map = torch.tensor([[[0.25]], [[0.25]]])
    near(losses.map_loss(spoof_map, torch.tensor([True, False])), (0.25 + 0.75) / 2)
    near(losses.map_loss(torch.zeros(4, 2, 2), ALL), 0)
    near(losses.map_loss(torch.zeros(4, 2, 2), NONE), 1)


def test_magnitude_of_live_faces():
    noise = draw(4, 6, 5, 5)
    near(losses.live_magnitude_loss(noise, LIVE), np.abs(noise.numpy()[[0, 2]]).mean())


def test_magnitude_asked_of_attacks_is_per_channel():
    noise = torch.zeros(2, 6, 4, 4)
    noise[1, 0] = 0.5  # off by .3; the five silent channels are off by .2
    expected = (0.3 + 5 * 0.2) / 6
    near(losses.spoof_magnitude_loss(noise, torch.tensor([True, False])), expected)
    noise = draw(4, 6, 5, 5)
    channel = np.abs(noise.numpy()[[1, 3]]).mean(axis=(2, 3))
    near(losses.spoof_magnitude_loss(noise, LIVE, 0.7), np.abs(channel - 0.7).mean())


def test_identity_of_live_faces():
    genuine, faces = draw(4, 6, 5, 5), draw(4, 6, 5, 5, seed=1)
    expected = np.abs((genuine - faces).numpy()[[0, 2]]).mean()
    near(losses.live_identity_loss(genuine, faces, LIVE), expected)


def test_a_batch_of_one_class_gives_zero_not_nan():
    noise = draw(4, 6, 8, 8).requires_grad_()
    found = [
        losses.live_magnitude_loss(noise, NONE),
        losses.live_identity_loss(noise, noise + 1, NONE),
        losses.spoof_magnitude_loss(noise, ALL),
        losses.repetitive_losses(noise, NONE, 4, "square", 8.0)[0],
        losses.repetitive_losses(noise, ALL, 4, "square", 8.0)[1],
        losses.class_loss(noise[:0, 0, 0, :2], 1),
    ]
    for loss in found:
        near(loss.detach(), 0)
    torch.stack(found).sum().backward()
    assert not noise.grad.any()


def test_critic_is_cross_entropy_of_both_sides():
    real, fake = draw(3, 2), draw(5, 2, seed=1)

    def minus_log(logits, label):
        logits = logits.numpy().astype(float)
        return (np.log(np.exp(logits).sum(1)) - logits[:, label]).mean()

    near(losses.critic_loss(real, fake), minus_log(real, 1) + minus_log(fake, 0))
    near(losses.class_loss(fake, 1), minus_log(fake, 1))
    near(losses.critic_loss(real, fake[:0]), minus_log(real, 1))
    # A critic that knows nothing pays log 2 on each side.
    near(losses.critic_loss(torch.zeros(3, 2), torch.zeros(2, 2)), 2 * np.log(2))


def test_depth_loss_is_the_mean_difference():
    a, b = draw(2, 32, 32), draw(2, 32, 32, seed=1)
    near(losses.depth_loss(a, b), np.abs((a - b).numpy()).mean())


def grating(fx, fy, side=64, amplitude=1.0):
    y, x = np.mgrid[0:side, 0:side]
    wave = amplitude * np.cos(2 * np.pi * (fx * x + fy * y) / side)
    return torch.tensor(wave, dtype=torch.float32).expand(1, 6, side, side)


@pytest.mark.parametrize("shape", ["square", "cross"])
@pytest.mark.parametrize(("height", "width", "k"), [(16, 16, 4), (16, 12, 5), (9, 16, 1)])
def test_the_mask_is_a_block_or_a_cross_around_zero_frequency(shape, height, width, k):
    found = losses.peak_mask(height, width, k, shape, torch.device("cpu")).numpy()
    for row in range(height):
        for column in range(width):
            fy = row if row <= (height - 1) // 2 else row - height
            fx = column if column <= (width - 1) // 2 else column - width
            low = (abs(fy) < k / 2, abs(fx) < k / 2)
            assert found[row, column] == (not (all(low) if shape == "square" else any(low)))
    assert not found[0, 0], "the mean is no pattern"


def test_the_cross_is_the_released_slice():
    # 32..223 of 256 (SPEC §3.4), but for f = ±32: the slice keeps +32 only, here both stay, which
    # is the same for real noise, whose spectrum is symmetric.
    found = losses.peak_mask(256, 256, 64, "cross", torch.device("cpu"))
    kept = torch.zeros(256, 256, dtype=torch.bool)
    kept[32:224, 32:224] = True
    kept[224, :] = kept[32, :]
    kept[:, 224] = kept[:, 32]
    assert torch.equal(found, kept)


@pytest.mark.parametrize(
    ("fx", "fy", "square", "cross"),
    [
        (20, 0, True, False),  # vertical stripes: the code's mask cannot see them
        (0, 20, True, False),
        (20, 20, True, True),
        (20, -20, True, True),
        (20, 3, True, False),
        (3, 3, False, False),  # the face itself
        (0, 0, False, False),
    ],
)
def test_a_grating_peaks_where_the_mask_lets_it(fx, fy, square, cross):
    noise = grating(fx, fy, amplitude=0.3)
    # |FFT| of a cosine: half its amplitude times the number of pixels.
    peak = np.log1p(0.3 * 64 * 64 / 2)
    for shape, seen in (("square", square), ("cross", cross)):
        found = losses.spectral_peaks(noise, 16, shape)
        assert found.shape == (1, 6)
        assert found.numpy() == pytest.approx(peak if seen else 0, abs=2e-3)


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 10_000), st.sampled_from(["square", "cross"]))
def test_peaks_are_those_of_numpy(seed, shape):
    noise = draw(2, 3, 12, 10, seed=seed)
    spectrum = np.log1p(np.abs(np.fft.fft2(noise.numpy().astype(float))))
    fy, fx = np.abs(np.fft.fftfreq(12, 1 / 12)) < 2, np.abs(np.fft.fftfreq(10, 1 / 10)) < 2
    low = np.outer(fy, fx) if shape == "square" else fy[:, None] | fx[None]
    expected = np.where(low, 0, spectrum).max(axis=(2, 3))
    assert losses.spectral_peaks(noise, 4, shape).numpy() == pytest.approx(expected, rel=1e-5)


def test_repetition_is_punished_in_live_and_paid_in_attacks_up_to_the_cap():
    noise = torch.cat([grating(20, 5, amplitude=a) for a in (0.1, 0.1, 0.4, 40.0)])
    peaks = np.log1p(np.array([0.1, 0.1, 0.4, 40]) * 64 * 64 / 2)
    live, spoof = losses.repetitive_losses(noise, LIVE, 16, "square", np.inf)
    near(live, (peaks[0] + peaks[2]) / 2)
    near(spoof, -(peaks[1] + peaks[3]) / 2)
    _, capped = losses.repetitive_losses(noise, LIVE, 16, "square", 8.0)
    near(capped, -(peaks[1] + 8.0) / 2)


def test_above_the_cap_there_is_no_gradient():
    noise = grating(20, 5, amplitude=40.0).clone().requires_grad_()
    spoof = torch.tensor([False])
    losses.repetitive_losses(noise, spoof, 16, "square", 8.0)[1].backward()
    assert not noise.grad.any()
    losses.repetitive_losses(noise, spoof, 16, "square", float("inf"))[1].backward()
    assert noise.grad.any()


def test_the_two_published_weightings():
    assert PAPER.plain() == {
        "map": 1, "magnitude_live": 3, "magnitude_spoof": 0, "identity_live": 0,
        "peak_live": 0.005, "peak_spoof": 0.005, "depth_quality": 0.1, "visual_quality": 0.016,
    }  # fmt: skip
    published = {  # SPEC §3.4's table
        "map": 6000, "magnitude_live": 500, "magnitude_spoof": 30, "identity_live": 45000,
        "peak_live": 1, "peak_spoof": 2, "depth_quality": 600, "visual_quality": 100,
    }  # fmt: skip
    assert {k: v * 6000 for k, v in CODE.plain().items()} == pytest.approx(published)


def test_a_recipe_takes_weights_by_name_or_as_given():
    assert RecipeConfig.parse({"weighting": "paper"}).weights() is PAPER
    assert RecipeConfig.parse({}).weights() is CODE
    own = RecipeConfig.parse({"weighting": CODE.plain() | {"map": 2}})
    assert own.weights() == LossWeights.parse(CODE.plain() | {"map": 2})
    with pytest.raises(ConfigError, match="weighting"):
        RecipeConfig.parse({"weighting": "papre"})


def test_an_infinite_cap_survives_being_written():
    recipe = RecipeConfig.parse({"peak_cap": float("inf")})
    assert RecipeConfig.parse(recipe.plain()) == recipe
    assert recipe.digest() != RecipeConfig.parse({}).digest()
