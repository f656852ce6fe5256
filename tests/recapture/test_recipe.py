import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from despoof.core.errors import ConfigError, InputError
from despoof.recapture.pipeline import recapture
from despoof.recapture.recipe import DisplayMedium, PrintMedium, Recipe
from despoof.recapture.species import SPECIES, sample_recipe


def rng(seed=0):
    return np.random.default_rng(seed)


@pytest.fixture(scope="module")
def face(portrait):
    return np.ascontiguousarray(portrait[20:180, 130:290])


@settings(max_examples=25, deadline=None)
@given(st.sampled_from(SPECIES), st.integers(0, 2**32), st.sampled_from(["any", "tight", "wide"]))
def test_a_recipe_survives_json_exactly(species, seed, framing):
    recipe = sample_recipe(species, rng(seed), framing=framing)
    again = Recipe.model_validate_json(recipe.model_dump_json())
    assert again == recipe and again.digest() == recipe.digest()
    assert Recipe.parse(recipe.plain()) == recipe


@pytest.mark.parametrize("species", SPECIES)
def test_the_same_recipe_gives_the_same_picture_bit_for_bit(face, species):
    recipe = sample_recipe(species, rng(5), size=(96, 96))
    kept = face.copy()
    one = recapture(face, recipe)
    two = recapture(face, Recipe.model_validate_json(recipe.model_dump_json()))
    assert np.array_equal(one.image, two.image) and np.array_equal(one.noise, two.noise)
    assert np.array_equal(face, kept), "the genuine picture was changed"
    other = recapture(face, recipe.model_copy(update={"seed": recipe.seed + 1}))
    assert not np.array_equal(one.image, other.image)


def test_the_medium_is_of_the_species_family():
    for species in SPECIES:
        medium = sample_recipe(species, rng(1)).medium
        wanted = PrintMedium if species.startswith("print/") else DisplayMedium
        assert isinstance(medium, wanted)
        assert (getattr(medium, "cut_eyes", 0) > 0) is (species == "print/cut-eyes")


def test_an_unknown_parameter_is_refused():
    plain = sample_recipe("print/bent", rng()).plain()
    with pytest.raises(ConfigError, match="bendd"):
        Recipe.parse({**plain, "geometry": {"bendd": 1.0}})
    with pytest.raises(InputError, match="replay/watch"):
        sample_recipe("replay/watch", rng())
