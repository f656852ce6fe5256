"""A genuine picture and a recipe to the photograph of its print or display."""

import math
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context

import cv2
import numpy as np
from numpy.typing import NDArray

from despoof.core.errors import InputError
from despoof.core.types import Image
from despoof.recapture.cutout import cut_eyes
from despoof.recapture.display import show
from despoof.recapture.geometry import GeometryParams, look, matrix, raster_size, visible
from despoof.recapture.isp import develop
from despoof.recapture.light import Light, to_light, to_srgb
from despoof.recapture.optics import through_lens
from despoof.recapture.placing import place, view
from despoof.recapture.printing import print_on_paper
from despoof.recapture.recipe import CameraParams, PrintMedium, Recaptured, Recipe
from despoof.recapture.reflection import reflect
from despoof.recapture.resample import averaged, fitted
from despoof.recapture.sensor import area_sample, expose
from despoof.recapture.source import reencode

_STAGES = ("source", "medium", "scene", "reflection", "optics", "sensor", "isp")


def recapture(
    image: Image,
    recipe: Recipe,
    *,
    background: Image | None = None,
    landmarks: NDArray[np.floating] | None = None,
) -> Recaptured:
    """Print or show a picture and photograph that.

    Args:
        image: (H, W, 3) uint8 sRGB, the genuine picture.
        recipe: every parameter and the seed.
        background: a picture to put behind the medium instead of a painted scene.
        landmarks: (≥ 2, 2) x and y of the two eyes, pixels of the picture; without them a recipe
            with cut-out eyes leaves them whole.

    Raises:
        InputError: the picture is not (H, W, 3) uint8 of at least 16 × 16 pixels.
    """
    _check(image)
    chance = _generators(recipe.seed)
    canvas = _canvas(recipe.size, recipe.camera.resolution, recipe.oversampling)
    picture = image.shape[:2]
    raster = raster_size(recipe.geometry, picture, canvas)
    stored = reencode(image, recipe.source, chance["source"])
    optics = recipe.camera.optics
    left, top, right, bottom = visible(
        recipe.geometry, raster, canvas, distortion=optics.distortion
    )
    seen = np.s_[top:bottom, left:right]
    light = _medium(_spread(to_light(stored), raster)[seen], recipe, chance["medium"])
    if isinstance(recipe.medium, PrintMedium) and recipe.medium.cut_eyes and landmarks is not None:
        behind = _spread(to_light(image), raster)[seen]
        eyes = (landmarks[:2] + 0.5) * (raster[1] / picture[1], raster[0] / picture[0]) - (
            left + 0.5,
            top + 0.5,
        )
        light = cut_eyes(light, behind, eyes, recipe.medium.cut_eyes)
    placed = place(
        light,
        recipe.geometry,
        chance["scene"],
        frame=canvas,
        surround=recipe.surround,
        distortion=optics.distortion,
        background=background,
        part=((left, top), raster),
    )
    lit = reflect(
        placed.light,
        recipe.reflection,
        chance["reflection"],
        sheet=placed.sheet,
        normals=placed.normals,
    )
    photograph = _photograph(lit, recipe.camera, recipe, chance)
    inside = np.minimum(averaged(placed.inside, recipe.size), np.float32(1))
    ideal = register(image, recipe.geometry, recipe.size, distortion=optics.distortion)
    genuine = _within(ideal, photograph, inside)
    noise = (photograph.astype(np.float32) - genuine.astype(np.float32)) / np.float32(127.5)
    sight = look(recipe.geometry, picture, recipe.size, distortion=optics.distortion)
    to_photograph = matrix(recipe.geometry, picture, recipe.size)
    return Recaptured(photograph, genuine, noise, inside, to_photograph, sight.map, recipe)


def register(
    image: Image, geometry: GeometryParams, size: tuple[int, int], *, distortion: float = 0.0
) -> Light:
    """See a picture through a geometry and an ideal camera: (H, W, 3) linear light."""
    canvas = (2 * size[0], 2 * size[1])
    raster = raster_size(geometry, image.shape[:2], canvas)
    sight = look(geometry, raster, canvas, distortion=distortion)
    return area_sample(view(_spread(to_light(image), raster), sight), 2)


def photograph_live(image: Image, recipe: Recipe) -> Image:
    """Photograph a genuine face with the camera of a recipe: the control for its recaptures.

    The picture fills the frame. Where the recipe shows its medium small, the sensor gets as few
    pixels on the face here, so that resolution tells nothing about the class.
    """
    _check(image)
    chance = _generators(recipe.seed)
    small = min(1.0, recipe.geometry.scale)
    camera = recipe.camera.model_copy(
        update={"resolution": max(0.2, recipe.camera.resolution * small)}
    )
    canvas = _canvas(recipe.size, camera.resolution, recipe.oversampling)
    geometry = frontal(recipe.geometry, recipe.size, camera.optics.distortion)
    raster = raster_size(geometry, image.shape[:2], canvas)
    sight = look(geometry, raster, canvas, distortion=camera.optics.distortion)
    light = view(_spread(to_light(image), raster), sight)
    return _photograph(light, camera, recipe, chance)


def recapture_many(
    images: Sequence[Image], recipes: Sequence[Recipe], *, workers: int = 1
) -> Iterator[Recaptured]:
    """Recapture picture by picture, in order; with several workers, in as many processes."""
    if len(images) != len(recipes):
        raise InputError(
            f"There are {len(images)} pictures and {len(recipes)} recipes. Expected one recipe a "
            "picture: repeat the picture for several recaptures of it."
        )
    if workers <= 1:
        yield from map(recapture, images, recipes)
        return
    # Spawned, not forked: a copy of a process whose libraries hold threads may wait for ever.
    context = get_context("spawn")
    with ProcessPoolExecutor(workers, context, partial(cv2.setNumThreads, 1)) as pool:
        yield from pool.map(recapture, images, recipes, chunksize=4)


def frontal(geometry: GeometryParams, size: tuple[int, int], distortion: float) -> GeometryParams:
    """The recipe's roll and scale seen from the front, enlarged to fill the frame."""
    turn = abs(math.radians(geometry.roll))
    ratio = max(size) / min(size)
    least = math.cos(turn) + ratio * abs(math.sin(turn)) if turn < math.pi / 4 else 1.0
    least *= (1 + max(0.0, distortion)) * 1.01
    roll = geometry.roll if turn < math.pi / 4 else 0.0
    return GeometryParams(roll=roll, scale=max(geometry.scale, least), distance=geometry.distance)


def _check(image: Image) -> None:
    good = image.dtype == np.uint8 and image.ndim == 3 and image.shape[2] == 3
    if not good or min(image.shape[:2]) < 16:
        raise InputError(
            f"The picture is {image.dtype} of shape {image.shape}. Expected uint8 (H, W, 3), RGB, "
            "at least 16 × 16 pixels."
        )


def _generators(seed: int) -> dict[str, np.random.Generator]:
    """One independent generator a stage: parameters of one never move the chance of another."""
    return {stage: np.random.default_rng([seed, k]) for k, stage in enumerate(_STAGES)}


def _canvas(size: tuple[int, int], resolution: float, oversampling: int) -> tuple[int, int]:
    """Height and width of the canvas; the sensor's are even, as its colour mosaic needs."""
    height, width = (2 * max(8, round(side * resolution / 2)) for side in size)
    return height * oversampling, width * oversampling


def _spread(light: Light, size: tuple[int, int]) -> Light:
    """Resample a picture; light stays light, so nothing is below 0."""
    return np.maximum(fitted(light, size), np.float32(0))


def _medium(light: Light, recipe: Recipe, rng: np.random.Generator) -> Light:
    if isinstance(recipe.medium, PrintMedium):
        params = recipe.medium.params
        return print_on_paper(light, params, rng, oversampling=recipe.oversampling)
    return show(light, recipe.medium.params, rng, oversampling=recipe.oversampling)


def _photograph(
    light: Light, camera: CameraParams, recipe: Recipe, chance: dict[str, np.random.Generator]
) -> Image:
    """Lens, sensor and processing."""
    light = through_lens(light, camera.optics, chance["optics"], oversampling=recipe.oversampling)
    raw = expose(light, camera.sensor, chance["sensor"], oversampling=recipe.oversampling)
    return develop(raw, camera.isp, chance["isp"], sensor=camera.sensor, size=recipe.size)


def _within(seen: Light, photograph: Image, inside: NDArray[np.float32]) -> Image:
    """Encode the genuine picture where it is seen; the photograph itself elsewhere."""
    genuine = to_srgb(seen)
    if inside.min() >= 1:
        return genuine
    share = inside[..., None]
    mixed = share * genuine.astype(np.float32) + (1 - share) * photograph.astype(np.float32)
    return np.rint(mixed).astype(np.uint8)
