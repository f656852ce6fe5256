import pytest
import torch

from despoof.core.errors import WeightsError
from despoof.systems.ag_fas.autoencoder import Autoencoder
from despoof.systems.ag_fas.autoencoder_stage import AutoencoderRecipe
from despoof.systems.ag_fas.generator import Generator, make_unet
from despoof.systems.ag_fas.generator_config import (
    AutoencoderConfig,
    GeneratorConfig,
    IdentityConfig,
    UnetConfig,
)
from despoof.systems.ag_fas.identity import IdentityNet
from despoof.systems.ag_fas.identity_stage import IdentityRecipe
from despoof.systems.ag_fas.identity_weights import save_identity
from despoof.systems.ag_fas.ready import begin_unet, ready_autoencoder, ready_identity

pytest.importorskip("diffusers")
TINY = GeneratorConfig.parse(
    {
        "identity": {"size": 16, "width": 0.0625, "embedding": 8},
        "autoencoder": {"widths": (8,), "norm_groups": 4, "scale": 0.5, "attention": True},
        "unet": {
            "widths": (8, 16), "attention": (False, True), "heads": 2, "cross": 32,
            "norm_groups": 4,
        },
    }
)  # fmt: skip
# Stable Diffusion 1.5 (SPEC §2.1).
PAPER_UNET = UnetConfig(
    widths=(320, 640, 1280, 1280),
    attention=(True, True, True, False),
    blocks=2,
    heads=8,
    cross=768,
    norm_groups=32,
)
PAPER_VAE = AutoencoderConfig(
    widths=(128, 256, 512, 512), fold=1, blocks=2, attention=True, norm_groups=32, scale=0.18215
)


def same(one, other):
    return all(torch.equal(one.state_dict()[k], v) for k, v in other.state_dict().items())


def test_a_recipe_that_names_nothing_has_nothing_ready():
    assert ready_identity(TINY.identity, IdentityRecipe()) is None
    assert ready_autoencoder(TINY.autoencoder, AutoencoderRecipe()) is None


def test_a_converted_encoder_is_ready(tmp_path):
    net = IdentityNet(TINY.identity)
    save_identity(tmp_path / "i.safetensors", net.state_dict(), {})
    recipe = IdentityRecipe(weights=str(tmp_path / "i.safetensors"))
    assert same(ready_identity(TINY.identity, recipe), net)
    with pytest.raises(WeightsError, match="length 8, expected 512"):
        ready_identity(IdentityConfig(), recipe)


def test_what_diffusers_saved_is_taken(tmp_path):
    torch.manual_seed(1)
    made = Generator(TINY)
    made.autoencoder.vae.save_pretrained(tmp_path / "vae")
    made.unet.save_pretrained(tmp_path / "unet")
    found = ready_autoencoder(TINY.autoencoder, AutoencoderRecipe(pretrained=f"{tmp_path}/vae"))
    assert same(found, made.autoencoder)
    other = Generator(TINY)
    assert not same(other.unet, made.unet)
    begin_unet(other, tmp_path / "unet")
    assert same(other.unet, made.unet)


def test_a_folder_that_does_not_fit_is_said(tmp_path):
    Autoencoder(TINY.autoencoder).vae.save_pretrained(tmp_path / "vae")
    recipe = AutoencoderRecipe(pretrained=str(tmp_path / "vae"))
    with pytest.raises(WeightsError, match="no AutoencoderKL of this geometry"):
        ready_autoencoder(TINY.autoencoder.model_copy(update={"widths": (16,)}), recipe)
    with pytest.raises(WeightsError, match=r"it has no config.json"):
        begin_unet(Generator(TINY), tmp_path / "nowhere")


def test_the_papers_geometry_is_stable_diffusions():
    with torch.device("meta"):
        unet, autoencoder = make_unet(PAPER_UNET, 4), Autoencoder(PAPER_VAE)
    assert sum(p.numel() for p in unet.parameters()) == 859_520_964
    assert sum(p.numel() for p in autoencoder.parameters()) == 83_653_863
    assert autoencoder.config.downsampling == 8


@pytest.mark.slow
def test_the_papers_unet_takes_a_step():
    torch.manual_seed(0)
    unet = make_unet(PAPER_UNET, 4)
    noise = torch.randn(1, 4, 32, 32)
    found = unet(noise, torch.tensor([500.0]), torch.randn(1, 49, 768)).sample
    loss = (found - noise).square().mean()
    loss.backward()
    assert found.shape == noise.shape and loss.isfinite()
    assert all(p.grad is not None and p.grad.isfinite().all() for p in unet.parameters())
