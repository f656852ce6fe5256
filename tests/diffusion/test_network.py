import numpy as np
import pytest
import torch

from despoof.core.errors import ConfigError, InputError
from despoof.diffusion.bridge import BridgeConfig, bridge
from despoof.diffusion.network import DomainNetwork, NetworkConfig, eps_function, place_channels

pytest.importorskip("diffusers")
TINY = {"widths": (8, 16), "attention": (False, True), "norm_groups": 4, "head_channels": 8}


def make(**changes):
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return DomainNetwork(NetworkConfig(blocks=1, **TINY | changes)).eval()


@pytest.fixture(scope="module")
def tied():
    return make()


def test_a_tied_network_hears_the_domain_by_name_or_by_number(tied, faces):
    t = torch.tensor([3.0, 900.0])
    with torch.no_grad():
        live, everybody = tied(faces, t, "live"), tied(faces, t, "all")
        mixed = tied(faces, t, torch.tensor([1, 0]))
        assert live.shape == faces.shape
        torch.testing.assert_close(mixed, torch.stack([live[0], everybody[1]]))
        assert (live - everybody).abs().max() > 1e-4
        moved = tied(faces, torch.tensor([4.0, 900.0]), "live")
    assert (moved[0] - live[0]).abs().max() > 1e-5 and torch.allclose(moved[1], live[1])


def test_tied_networks_share_all_but_an_embedding(tied):
    separate = make(domains="separate")
    count = {
        k: sum(p.numel() for p in net.parameters())
        for k, net in {"tied": tied, "two": separate}.items()
    }
    embedding = tied.nets[0].class_embedding.weight.numel()
    assert count["two"] == 2 * (count["tied"] - embedding)


def test_separate_networks_start_alike_and_part(faces):
    net = make(domains="separate")
    t = torch.tensor(500.0)
    with torch.no_grad():
        torch.testing.assert_close(net(faces, t, "all"), net(faces, t, "live"))
        next(net.nets[1].parameters()).add_(0.1)
        assert not torch.allclose(net(faces, t, "all"), net(faces, t, "live"))
    with pytest.raises(InputError, match="by name"):
        net(faces, t, torch.tensor([0, 1]))


def test_the_defaults_have_the_size_of_the_small_rung():
    parameters = sum(p.numel() for p in DomainNetwork(NetworkConfig()).parameters())
    assert 4e6 < parameters < 8e6


@pytest.mark.usefixtures("emulated_bf16")
def test_the_field_answers_in_fp32_without_gradients(tied, faces, schedule):
    t = torch.tensor(300.0, dtype=torch.float64)
    exact = eps_function(tied, "live", schedule, bf16=False)(faces.requires_grad_(), t)
    rough = eps_function(tied, "live", schedule)(faces, t)
    assert exact.dtype == rough.dtype == torch.float32
    assert not exact.requires_grad
    assert 0 < (exact - rough).abs().max() < 0.1
    assert (exact - rough).std() < 0.02 * exact.std()


def test_a_v_network_is_turned_into_eps(faces, schedule):
    net = make(prediction="v")
    t = torch.tensor(700.0, dtype=torch.float64)
    with torch.no_grad():
        said = net(faces, t, "all")
    found = eps_function(net, "all", schedule, bf16=False)(faces, t)
    alpha, sigma = float(schedule.alpha(700)), float(schedule.sigma(700))
    torch.testing.assert_close(found, alpha * said + sigma * faces)
    # The clean picture it means: alpha x − sigma v.
    clean = (faces - sigma * found) / alpha
    torch.testing.assert_close(clean, alpha * faces - sigma * said, rtol=0, atol=1e-4)


@pytest.mark.usefixtures("emulated_bf16")
@pytest.mark.parametrize("bf16", [False, True])
def test_a_bridge_of_one_field_comes_back_through_a_network(tied, faces, schedule, bf16):
    """Rounding in a bf16 network is part of the field: the way back meets the same states."""
    field = eps_function(tied, "all", schedule, bf16=bf16)
    made = bridge(faces.detach(), field, field, schedule, BridgeConfig(precision="fp64"))
    assert made.noise.abs().max() < (1e-4 if not bf16 else 0.05)
    assert made.nfe == 19


def test_places_tile_the_picture():
    whole = place_channels(6, 8)
    assert whole.shape == (1, 2, 6, 8)
    tile = place_channels(3, 4, top=2, left=3, whole=(6, 8))
    torch.testing.assert_close(tile, whole[:, :, 2:5, 3:7])
    np.testing.assert_allclose(whole[0, 0, 0], (np.arange(8) + 0.5) / 4 - 1, atol=1e-6)
    np.testing.assert_allclose(whole[0, 1, :, 0], (np.arange(6) + 0.5) / 3 - 1, atol=1e-6)


def test_a_network_with_places_sees_them(faces, schedule):
    net = make(coordinates=True)
    t = torch.tensor(10.0)
    with torch.no_grad():
        here = net(faces, t, "all", place_channels(8, 8))
        there = net(faces, t, "all", place_channels(8, 8, top=8, whole=(16, 16)))
    assert (here - there).abs().max() > 1e-4
    torch.testing.assert_close(eps_function(net, "all", schedule, bf16=False)(faces, t), here)
    with pytest.raises(InputError, match="needs place"):
        net(faces, t, "all")


def test_bad_input(tied, faces):
    t = torch.tensor(1.0)
    for bad in (faces[:, :1], faces[..., :7], faces[0]):
        with pytest.raises(InputError, match="multiples of 2"):
            tied(bad, t, "all")
    with pytest.raises(InputError, match="takes no place"):
        tied(faces, t, "all", place_channels(8, 8))
    with pytest.raises(ConfigError, match="groups"):
        NetworkConfig.parse({"widths": (8, 20), "attention": (False, False)})
    with pytest.raises(ConfigError, match="levels"):
        NetworkConfig.parse({"attention": (False,)})


def test_a_folded_network_sees_every_pixel_and_gives_the_size_back(faces):
    net = make(fold=2)
    t = torch.tensor(400.0)
    assert net.config.multiple == 4
    with torch.no_grad():
        said = net(faces, t, "live")
        assert said.shape == faces.shape
        moved = faces.clone()
        moved[0, 0, 1, 2] += 1  # one pixel of a square, not its first
        assert not torch.equal(net(moved, t, "live")[0], said[0])
    with pytest.raises(InputError, match="multiples of 4"):
        net(torch.zeros(1, 3, 6, 6), t, "live")
    assert net.nets[0].conv_in.in_channels == net.nets[0].conv_out.out_channels == 12
