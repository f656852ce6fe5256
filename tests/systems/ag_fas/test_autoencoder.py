import pytest
import torch
from torch.distributions import Normal, kl_divergence

from despoof.core.errors import InputError
from despoof.systems.ag_fas.autoencoder import Autoencoder, Posterior
from despoof.systems.ag_fas.generator_config import SD_SCALE, AutoencoderConfig

pytest.importorskip("diffusers")
TINY = AutoencoderConfig(widths=(8, 16), norm_groups=4, latent=2)


def rand(*shape, seed=0):
    return torch.rand(*shape, generator=torch.Generator().manual_seed(seed)) * 2 - 1


def made(config=TINY):
    torch.manual_seed(0)
    return Autoencoder(config).eval()


@pytest.mark.parametrize("fold", [1, 2])
@torch.no_grad()
def test_faces_come_back_in_their_size(fold):
    net, faces = made(TINY.model_copy(update={"fold": fold})), rand(2, 3, 16, 24)
    latents = net.encode(faces)
    assert latents.shape == (2, 2, 8 // fold, 12 // fold)
    assert net.decode(latents).shape == faces.shape


@torch.no_grad()
def test_without_folding_it_is_diffusers_own():
    net, faces = made(TINY.model_copy(update={"fold": 1})), rand(2, 3, 16, 16)
    theirs = net.vae.encode(faces).latent_dist
    posterior = net.posterior(faces)
    assert torch.allclose(posterior.mean, theirs.mean, atol=1e-6)
    assert torch.allclose(posterior.log_variance, theirs.logvar, atol=1e-6)
    wanted = net.vae.decode(theirs.mean).sample
    assert torch.allclose(net.decode(net.encode(faces)), wanted, atol=1e-5)


@torch.no_grad()
def test_measured_latents_have_mean_0_and_deviation_1_by_channel():
    net = made()
    batches = [rand(4, 3, 16, 16, seed=i) for i in range(3)]
    before = torch.cat([net.decode(net.encode(x)) for x in batches])
    net.measure_scale(batches)
    latents = torch.cat([net.encode(x) for x in batches])
    assert latents.mean((0, 2, 3)).abs().max() < 1e-4
    assert latents.std((0, 2, 3)).tolist() == pytest.approx([1, 1], rel=1e-4)
    after = torch.cat([net.decode(net.encode(x)) for x in batches])
    assert torch.allclose(before, after, atol=1e-5), "the scale changes no face"


@torch.no_grad()
def test_the_scale_is_a_part_of_the_weights():
    net, other = made(), made()
    net.measure_scale([rand(4, 3, 16, 16)])
    other.load_state_dict(net.state_dict())
    faces = rand(1, 3, 16, 16, seed=5)
    assert torch.equal(net.encode(faces), other.encode(faces))


@torch.no_grad()
def test_stable_diffusions_scale_stays_as_it_is():
    net, faces = made(TINY.model_copy(update={"scale": SD_SCALE})), rand(2, 3, 16, 16)
    raw = net.posterior(faces).mean
    net.measure_scale([faces])
    assert torch.allclose(net.encode(faces), raw * 0.18215)


def test_the_posterior_is_a_normal_distribution():
    mean, log_variance = rand(3, 2, 4, 4), rand(3, 2, 4, 4, seed=1)
    posterior = Posterior(mean, log_variance)
    deviation = (log_variance / 2).exp()
    wanted = kl_divergence(Normal(mean, deviation), Normal(0.0, 1.0)).mean((1, 2, 3))
    assert torch.allclose(posterior.kl(), wanted, atol=1e-6)
    assert torch.equal(posterior.at(torch.zeros_like(mean)), mean)
    ones = torch.ones_like(mean)
    assert torch.allclose(posterior.at(ones) - posterior.at(-ones), 2 * deviation, atol=1e-6)


def test_sides_that_do_not_fit_are_refused():
    with pytest.raises(InputError, match="multiple of 4"):
        made().encode(torch.zeros(1, 3, 18, 16))
