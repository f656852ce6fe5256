"""How System 2 is taught: the cue network's recipe, and those of what stands before it."""

from despoof.systems.ag_fas.autoencoder_stage import AutoencoderRecipe
from despoof.systems.ag_fas.cue_recipe import CueRecipe
from despoof.systems.ag_fas.generator_stage import GeneratorRecipe
from despoof.systems.ag_fas.identity_stage import IdentityRecipe


class RecipeConfig(CueRecipe):
    """The cue network's recipe, and in `identity`, `autoencoder`, `generator` those before it."""

    identity: IdentityRecipe = IdentityRecipe()
    autoencoder: AutoencoderRecipe = AutoencoderRecipe()
    generator: GeneratorRecipe = GeneratorRecipe()
