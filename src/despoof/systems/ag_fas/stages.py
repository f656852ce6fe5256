"""AG-FAS's stages: identity, autoencoder, generator, cue; each stands on the ones before."""

from collections.abc import Iterator

from despoof.data.views import DataConfig
from despoof.systems.ag_fas.autoencoder_stage import AutoencoderStage, take_autoencoder
from despoof.systems.ag_fas.config import AgFasConfig
from despoof.systems.ag_fas.cue_stage import CueStage
from despoof.systems.ag_fas.generator_stage import GeneratorStage, take_generator
from despoof.systems.ag_fas.identity_stage import IdentityStage, take_identity
from despoof.systems.ag_fas.identity_weights import load_identity
from despoof.systems.ag_fas.recipe import RecipeConfig
from despoof.training.stage import Stage


def stages(
    config: AgFasConfig, recipe: RecipeConfig, data: DataConfig, seed: int
) -> Iterator[Stage]:
    """Yield the stages that the recipe does not take from elsewhere, and at last `cue`.

    A generator: each stage is made of what the ones before have become. With
    `recipe.generator.trained` there is only `cue`.

    Raises:
        TrainingError: a folder holds no finished stage, or one of another network.
        WeightsError: `recipe.identity.weights` is no ArcFace checkpoint of this geometry.
        ConfigError, DataError: as `CueStage`.
    """
    made, size = config.generator, config.crop.size
    if recipe.generator.trained is not None:
        generator = take_generator(recipe.generator.trained, made)
        yield CueStage(generator, config, recipe, data, seed)
        return
    if recipe.identity.trained is not None:
        identity = take_identity(recipe.identity.trained, made.identity)
    elif recipe.identity.weights is not None:
        identity = load_identity(recipe.identity.weights, made.identity)
    else:
        first = IdentityStage(made.identity, recipe.identity, data, size=size, seed=seed)
        yield first
        identity = first.identity
    if recipe.autoencoder.trained is not None:
        autoencoder = take_autoencoder(recipe.autoencoder.trained, made.autoencoder)
    else:
        second = AutoencoderStage(made.autoencoder, recipe.autoencoder, data, size, seed)
        yield second
        autoencoder = second.autoencoder
    third = GeneratorStage(identity, autoencoder, made, recipe.generator, data, size, seed)
    yield third
    yield CueStage(third.generator, config, recipe, data, seed)
