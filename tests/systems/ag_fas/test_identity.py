import pytest
import torch
from torch.nn import functional as F

from despoof.core.errors import InputError
from despoof.systems.ag_fas.generator_config import IdentityConfig
from despoof.systems.ag_fas.identity import IdentityNet, cosines, identity_tokens

SMALL = IdentityConfig(size=32, width=0.125, embedding=6)


def rand(*shape, seed=0):
    return torch.rand(*shape, generator=torch.Generator().manual_seed(seed)) * 2 - 1


def lively(config=SMALL, seed=0):
    """A network whose norms do something, in eval mode."""
    torch.manual_seed(seed)
    net = IdentityNet(config).eval()
    with torch.no_grad():
        for name, value in net.state_dict().items():
            if value.ndim == 1:
                value.copy_(torch.rand(value.shape) + 0.5)
            elif name.endswith("conv1.weight"):
                value.mul_(2)
    return net


def by_hand(state, faces):
    """insightface's iresnet18 (`ibasicblock`, layers 2 2 2 2), from the tensors' names alone."""

    def norm(x, name):
        parts = (state[f"{name}.{part}"] for part in ("running_mean", "running_var"))
        return F.batch_norm(x, *parts, state[f"{name}.weight"], state[f"{name}.bias"], eps=1e-5)

    def prelu(x, name):
        return F.prelu(x, state[f"{name}.weight"])

    x = prelu(norm(F.conv2d(faces, state["conv1.weight"], padding=1), "bn1"), "prelu")
    for layer in (1, 2, 3, 4):
        for block in (0, 1):
            stride, name = 2 - block, f"layer{layer}.{block}"
            y = F.conv2d(norm(x, f"{name}.bn1"), state[f"{name}.conv1.weight"], padding=1)
            y = prelu(norm(y, f"{name}.bn2"), f"{name}.prelu")
            y = F.conv2d(y, state[f"{name}.conv2.weight"], stride=stride, padding=1)
            y = norm(y, f"{name}.bn3")
            if block == 0:
                x = F.conv2d(x, state[f"{name}.downsample.0.weight"], stride=stride)
                x = norm(x, f"{name}.downsample.1")
            x = x + y
    x = norm(x, "bn2")
    embedding = F.linear(x.flatten(1), state["fc.weight"], state["fc.bias"])
    return x, norm(embedding, "features")


def test_it_is_iresnet_18():
    with torch.device("meta"):
        net = IdentityNet()
    count = sum(p.numel() for p in net.parameters()) + net.features.weight.numel()
    assert count == 24_025_600  # insightface counts the fixed gain, too
    found = net(torch.empty(2, 3, 256, 256, device="meta"))
    assert found.map.shape == (2, 512, 7, 7)
    assert found.embedding.shape == (2, 512)


def test_it_computes_what_the_published_names_mean():
    net, faces = lively(), rand(2, 3, 32, 32)
    with torch.no_grad():
        found = net(faces)
        map_, embedding = by_hand(net.state_dict(), faces)
    assert torch.allclose(found.map, map_, rtol=1e-4, atol=1e-4)
    assert torch.allclose(found.embedding, embedding, rtol=1e-4, atol=1e-4)
    assert torch.equal(net.map(faces), found.map)


def test_other_sizes_are_resized_first():
    net, faces = lively(), rand(1, 3, 48, 48)
    resized = F.interpolate(faces, (32, 32), mode="bilinear", align_corners=False)
    assert torch.equal(net.map(faces), net.map(resized))


def test_the_last_norm_of_the_embedding_has_no_gain_to_learn():
    net = IdentityNet(SMALL)
    assert "features.weight" not in dict(net.named_parameters())
    assert "features.weight" in net.state_dict() and (net.features.weight == 1).all()


def test_tokens_are_the_cells_row_by_row_with_zeros_behind():
    features = torch.arange(2 * 3 * 2 * 2).view(2, 3, 2, 2).float()
    tokens = identity_tokens(features, 5)
    assert tokens.shape == (2, 4, 5)
    for cell, (row, column) in enumerate([(0, 0), (0, 1), (1, 0), (1, 1)]):
        assert torch.equal(tokens[:, cell, :3], features[:, :, row, column])
    assert not tokens[:, :, 3:].any()


def test_cosines():
    first = torch.tensor([[3.0, 4], [1, 0], [2, 0]])
    second = torch.tensor([[3.0, 4], [0, 7], [-1, 0]])
    assert cosines(first, second).tolist() == pytest.approx([1, 0, -1])


def test_bad_input_is_said_in_words():
    with pytest.raises(InputError, match=r"\(1, 1, 32, 32\)"):
        IdentityNet(SMALL)(torch.zeros(1, 1, 32, 32))
    with pytest.raises(InputError, match="never cut"):
        identity_tokens(torch.zeros(1, 6, 2, 2), 5)
