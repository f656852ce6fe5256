import itertools

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from despoof.systems.despoofing_diffusion.config import DetectorConfig
from despoof.systems.despoofing_diffusion.losses import (
    CDCN,
    SGTD,
    LossConfig,
    contrastive_depth_loss,
    depth_map_loss,
    detector_loss,
)
from despoof.systems.despoofing_diffusion.networks import TwoStreamNet
from despoof.systems.despoofing_diffusion.views import crop_relief


def brute_force(found, target, padding):
    """Σ over kernels, faces, cells, one at a time: +1 at i, −1 in the middle."""
    found, target = (x.numpy().astype(float) for x in (found, target))
    if padding == "same":
        found, target = (np.pad(x, ((0, 0), (1, 1), (1, 1))) for x in (found, target))
    count, height, width = found.shape
    squares = []
    for dy, dx in itertools.product((0, 1, 2), repeat=2):
        if (dy, dx) == (1, 1):
            continue
        kernel = np.zeros((3, 3))
        kernel[dy, dx], kernel[1, 1] = 1, -1
        for n, y, x in itertools.product(range(count), range(height - 2), range(width - 2)):
            one = (kernel * found[n, y : y + 3, x : x + 3]).sum()
            two = (kernel * target[n, y : y + 3, x : x + 3]).sum()
            squares.append((one - two) ** 2)
    return np.mean(squares)


def maps(n, height, width, seed):
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(2, n, height, width, generator=generator, dtype=torch.float64)


@pytest.mark.parametrize("padding", ["valid", "same"])
@settings(max_examples=15, deadline=None)
@given(st.integers(1, 2), st.integers(3, 6), st.integers(3, 6), st.integers(0, 1000))
def test_contrastive_loss_by_brute_force(padding, n, height, width, seed):
    found, target = maps(n, height, width, seed)
    value = contrastive_depth_loss(found, target, padding)
    assert float(value) == pytest.approx(brute_force(found, target, padding), rel=1e-12)


@pytest.mark.parametrize("padding", ["valid", "same"])
def test_contrastive_loss_at_the_real_size(padding):
    found, target = maps(1, 32, 32, 5)
    value = contrastive_depth_loss(found, target, padding)
    assert float(value) == pytest.approx(brute_force(found, target, padding), rel=1e-12)


def test_one_wrong_cell_by_hand():
    target = torch.zeros(1, 5, 5)
    found = target.clone()
    found[0, 2, 2] = 3.0
    # It is the middle once and a neighbour once, for each of 8 kernels: 16 errors of 9, 8·9 places.
    assert float(contrastive_depth_loss(found, target)) == pytest.approx(16 * 9 / (8 * 9))
    assert float(contrastive_depth_loss(found, target, "same")) == pytest.approx(16 * 9 / (8 * 25))


def test_a_level_shift_is_seen_by_mse_alone_and_at_the_border_with_same_padding():
    target = torch.rand(2, 32, 32)
    found = target + 0.25
    assert float(contrastive_depth_loss(found, target)) == pytest.approx(0, abs=1e-12)
    # Differences to the zeros around: 3 kernels miss a cell of each edge; a corner misses five.
    missing = 4 * 30 * 3 + 4 * 5
    expected = missing * 0.25**2 / (8 * 32 * 32)
    assert float(contrastive_depth_loss(found, target, "same")) == pytest.approx(expected, rel=1e-4)
    loss, logs = depth_map_loss(found, target, CDCN)
    assert float(loss.detach()) == pytest.approx(0.0625, rel=1e-5)
    assert float(logs["mse"]) == pytest.approx(0.0625, rel=1e-5)


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 1000), st.sampled_from(["valid", "same"]))
def test_it_is_a_squared_distance(seed, padding):
    a, b = maps(2, 6, 7, seed)
    one = contrastive_depth_loss(a, b, padding)
    assert torch.equal(contrastive_depth_loss(b, a, padding), one) and one > 0
    torch.testing.assert_close(contrastive_depth_loss(3 * a, 3 * b, padding), 9 * one)
    turned = contrastive_depth_loss(a.rot90(1, (1, 2)), b.rot90(1, (1, 2)), padding)
    torch.testing.assert_close(turned, one)
    assert contrastive_depth_loss(a, a, padding) == 0


def test_both_published_weightings():
    found, target = maps(2, 32, 32, 0)
    mse = float((found - target).square().mean())
    for config, weight, padding in ((CDCN, 1.0, "valid"), (SGTD, 0.5, "same")):
        loss, _ = depth_map_loss(found, target, config)
        expected = mse + weight * float(contrastive_depth_loss(found, target, padding))
        assert float(loss.detach()) == pytest.approx(expected, rel=1e-5)


def test_half_precision_maps_are_compared_in_single_precision():
    found, target = (x.bfloat16() for x in maps(2, 32, 32, 1))
    exact, _ = depth_map_loss(found.double(), target.double(), CDCN)
    loss, _ = depth_map_loss(found, target, CDCN)
    assert loss.dtype == torch.float32
    torch.testing.assert_close(loss, exact)


def test_the_loss_of_a_batch_cuts_the_depth_and_flattens_attacks():
    config = DetectorConfig(width=0.1, noise_scale=0.2)
    batch = {
        "faces": torch.zeros(3, 3, 64, 64), "noise": torch.zeros(3, 3, 32, 32),
        "live": torch.tensor([True, False, True]), "depth": torch.rand(3, 32, 32),
    }  # fmt: skip
    seen = []

    def perfect(faces, noise):
        seen.append((faces, noise))
        return crop_relief(batch["depth"], 64, 0.8) * torch.tensor([1.0, 0, 1])[:, None, None]

    loss, logs = detector_loss(perfect, batch, config, CDCN)
    assert float(loss.detach()) == 0 and set(logs) == {"mse", "contrast"}
    assert seen[0][0] is batch["faces"] and seen[0][1] is batch["noise"]
    rgb = config.model_copy(update={"inputs": "rgb"})
    detector_loss(perfect, {k: v for k, v in batch.items() if k != "noise"}, rgb, CDCN)
    assert seen[1][1] is None


def striped(n, seed):
    """Faces that say nothing of the class; noise that does: stripes on attacks."""
    generator = torch.Generator().manual_seed(seed)
    live = torch.arange(n) % 2 == 0
    noise = 0.05 * torch.randn(n, 3, 32, 32, generator=generator)
    noise[~live, :, :, ::2] += 0.3
    y, x = torch.meshgrid(*(torch.linspace(-1, 1, 32),) * 2, indexing="ij")
    depth = (1 - (x**2 + y**2) / 0.8).clamp(0, 1).expand(n, 32, 32)
    faces = torch.rand(n, 3, 32, 32, generator=generator) * 2 - 1
    return {"faces": faces, "noise": noise, "live": live, "depth": depth}


def train(inputs, batch, steps, **more):
    torch.manual_seed(0)
    config = DetectorConfig(
        inputs=inputs, width=0.1, fold=2, noise_scale=0.3, positive=False, **more
    )
    net = TwoStreamNet(config)
    optimizer = torch.optim.Adam(net.parameters(), 0.01)
    losses = []
    for _ in range(steps):
        optimizer.zero_grad()
        loss, _ = detector_loss(net, batch, config, CDCN)
        loss.backward()
        optimizer.step()
        losses.append(float(loss.detach()))
    return net.eval(), losses


@pytest.mark.parametrize("fusion", ["f1", "f2", "f3"])
def test_a_handful_of_faces_is_learnt_by_heart(fusion):
    _, losses = train("rgb+noise", striped(4, 0), 30, fusion=fusion)
    assert losses[-1] < 0.1 * losses[0]


def test_what_only_the_noise_knows_is_learnt_from_the_noise():
    # New faces: their class is in their noise and nowhere else.
    new = striped(30, 99)

    def right(inputs):
        net, _ = train(inputs, striped(16, 0), 25)
        with torch.no_grad():
            score = net(new["faces"], new["noise"]).mean(dim=(1, 2))
        live, attack = score[new["live"]], score[~new["live"]]
        return float((live[:, None] > attack[None]).float().mean())

    assert right("rgb+noise") > 0.95 and right("noise") > 0.95
    assert 0.2 < right("rgb") < 0.8


def test_weights_cannot_be_negative():
    with pytest.raises(ValueError, match="contrast"):
        LossConfig(contrast=-1)
