"""Trained parts of the generator that a recipe names, instead of a stage that trains them."""

from pathlib import Path

from torch import nn

from despoof.core.errors import WeightsError
from despoof.core.extras import need
from despoof.systems.ag_fas.autoencoder import Autoencoder
from despoof.systems.ag_fas.autoencoder_stage import AutoencoderRecipe, take_autoencoder
from despoof.systems.ag_fas.generator import Generator
from despoof.systems.ag_fas.generator_config import AutoencoderConfig, IdentityConfig
from despoof.systems.ag_fas.identity import IdentityNet
from despoof.systems.ag_fas.identity_stage import IdentityRecipe, take_identity
from despoof.systems.ag_fas.identity_weights import load_identity


def ready_identity(config: IdentityConfig, recipe: IdentityRecipe) -> IdentityNet | None:
    """Return the encoder that the recipe names; None where it is to be trained.

    Raises:
        TrainingError: `trained` is no finished stage of this encoder.
        WeightsError: `weights` is no file of this encoder.
    """
    if recipe.trained is not None:
        return take_identity(recipe.trained, config)
    return None if recipe.weights is None else load_identity(recipe.weights, config)


def ready_autoencoder(config: AutoencoderConfig, recipe: AutoencoderRecipe) -> Autoencoder | None:
    """Return the autoencoder that the recipe names; None where it is to be trained.

    Raises:
        TrainingError: `trained` is no finished stage of this autoencoder.
        WeightsError: `pretrained` is no folder of this autoencoder.
    """
    if recipe.trained is not None:
        return take_autoencoder(recipe.trained, config)
    if recipe.pretrained is None:
        return None
    found = Autoencoder(config)
    _take(found.vae, "AutoencoderKL", recipe.pretrained)
    return found


def begin_unet(generator: Generator, folder: str | Path) -> None:
    """Let the generator's UNet begin from a user's `UNet2DConditionModel`, e.g. SD 1.5's.

    Raises:
        WeightsError: the folder holds none, or one of another geometry.
    """
    _take(generator.unet, "UNet2DConditionModel", folder)


def _take(module: nn.Module, kind: str, folder: str | Path) -> None:
    """Copy the weights of a folder that diffusers saved (`config.json`, safetensors); no network.

    diffusers itself reads it: it knows the names that older versions gave.
    """
    path = Path(folder)
    try:
        if not (path / "config.json").is_file():
            raise OSError("it has no config.json")
        model = getattr(need("diffusers", "train"), kind).from_pretrained(
            str(path), local_files_only=True, use_safetensors=True, low_cpu_mem_usage=False
        )
        module.load_state_dict(model.state_dict())
    except (OSError, ValueError, RuntimeError) as error:
        raise WeightsError(
            f"{path} holds no {kind} of this geometry in safetensors: {error}. Name the folder "
            "that diffusers' save_pretrained wrote, and set the widths as its config.json says."
        ) from error
