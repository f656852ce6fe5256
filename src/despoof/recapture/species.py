"""Named attack instruments, and how a recapture of each is drawn."""

from typing import Literal, cast, get_args

import numpy as np

from despoof.core.errors import InputError
from despoof.recapture.draw_camera import draw_camera
from despoof.recapture.draw_media import (
    DisplayKind,
    PrintKind,
    draw_display,
    draw_print,
    draw_source,
)
from despoof.recapture.draw_view import Framing, draw_geometry, draw_reflection, draw_surround
from despoof.recapture.recipe import DisplayMedium, PrintMedium, Recipe, Species

SPECIES: tuple[Species, ...] = get_args(Species)
"""Every species, `family/instrument`."""

_PAPER: dict[str, tuple[PrintKind, ...]] = {
    "print/cut-eyes": ("laser-a4", "inkjet-photo"),
    "print/bent": ("inkjet-photo", "laser-a4", "inkjet-photo"),
}


def draw_species(rng: np.random.Generator) -> Species:
    """Draw a species: prints and replays each half of the time, then evenly among them."""
    family = "print/" if rng.uniform() < 0.5 else "replay/"
    chosen: list[Species] = [name for name in SPECIES if name.startswith(family)]
    return chosen[int(rng.integers(len(chosen)))]


def sample_recipe(
    species: str,
    rng: np.random.Generator,
    *,
    size: tuple[int, int] = (256, 256),
    framing: Framing | Literal["any"] = "any",
    oversampling: int = 2,
) -> Recipe:
    """Draw a recipe. Its camera is drawn alike for every species, so a live control can share it.

    Args:
        species: one of SPECIES.
        rng: the only source of chance.
        size: height and width of the delivered picture.
        framing: "tight", "wide", or either with even chances.
        oversampling: canvas pixels in a sensor pixel.

    Raises:
        InputError: the species is not known.
    """
    found: Species | None = next((name for name in SPECIES if name == species), None)
    if found is None:
        raise InputError(f"There is no species {species!r}. Expected one of: {', '.join(SPECIES)}.")
    camera = draw_camera(rng)
    if framing == "any":
        framing = "tight" if rng.uniform() < 0.5 else "wide"
    medium = _draw_medium(species, rng)
    geometry = draw_geometry(species, framing, rng, size=size, distortion=camera.optics.distortion)
    paper = medium.params.paper if isinstance(medium, PrintMedium) else None
    return Recipe(
        species=found,
        seed=int(rng.integers(2**62)),
        size=size,
        oversampling=oversampling,
        source=draw_source("print" if paper else "replay", rng),
        medium=medium,
        geometry=geometry,
        surround=draw_surround(species, rng, paper=paper),
        reflection=draw_reflection(species, geometry, rng),
        camera=camera,
    )


def _draw_medium(species: str, rng: np.random.Generator) -> DisplayMedium | PrintMedium:
    family, instrument = species.split("/")
    if family == "replay":
        return DisplayMedium(params=draw_display(cast(DisplayKind, instrument), rng))
    kinds = _PAPER.get(species, (instrument,))
    kind = cast(PrintKind, kinds[int(rng.integers(len(kinds)))])
    eyes = rng.uniform(0.45, 0.62) if species == "print/cut-eyes" else 0.0
    return PrintMedium(params=draw_print(kind, rng), cut_eyes=eyes)
