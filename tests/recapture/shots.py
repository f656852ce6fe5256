"""Recaptures in which nothing moves: a picture's boxes and landmarks are those of its attack."""

import numpy as np

from despoof.recapture.geometry import GeometryParams
from despoof.recapture.pipeline import recapture
from despoof.recapture.species import sample_recipe


def unmoved(picture, species, seed):
    """Recapture a picture from the front, filling the frame, through a lens without distortion."""
    recipe = sample_recipe(species, np.random.default_rng(seed), size=picture.shape[:2])
    optics = recipe.camera.optics.model_copy(update={"distortion": 0.0})
    camera = recipe.camera.model_copy(update={"optics": optics})
    changes = {"geometry": GeometryParams(), "camera": camera}
    return recapture(picture, recipe.model_copy(update=changes))
