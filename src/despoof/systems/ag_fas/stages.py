"""AG-FAS's stages: identity, autoencoder, generator, cue; each stands on the ones before."""

from collections.abc import Iterator

from despoof.data.views import DataConfig
from despoof.systems.ag_fas.autoencoder_stage import AutoencoderStage
from despoof.systems.ag_fas.config import AgFasConfig
from despoof.systems.ag_fas.cue_stage import CueStage
from despoof.systems.ag_fas.generator_stage import GeneratorStage, take_generator
from despoof.systems.ag_fas.identity_stage import IdentityStage
from despoof.systems.ag_fas.ready import ready_autoencoder, ready_identity
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
        WeightsError: as `ready_identity`, `ready_autoencoder`, `CueStage`.
        ConfigError, DataError: as `CueStage`.
    """
    made, size = config.generator, config.crop.size
    if recipe.generator.trained is not None:
        generator = take_generator(recipe.generator.trained, made)
        yield CueStage(generator, config, recipe, data, seed)
        return
    identity = ready_identity(made.identity, recipe.identity)
    if identity is None:
        first = IdentityStage(made.identity, recipe.identity, data, size=size, seed=seed)
        yield first
        identity = first.identity
    autoencoder = ready_autoencoder(made.autoencoder, recipe.autoencoder)
    if autoencoder is None:
        second = AutoencoderStage(made.autoencoder, recipe.autoencoder, data, size=size, seed=seed)
        yield second
        autoencoder = second.autoencoder
    third = GeneratorStage(
        identity, autoencoder, made, recipe.generator, data, size=size, seed=seed
    )
    yield third
    yield CueStage(third.generator, config, recipe, data, seed)
