"""Live pictures taken anew by the simulator: attacks of chosen species, or the live control."""

from collections.abc import Sequence
from functools import partial

import cv2
import numpy as np
from numpy.typing import NDArray

from despoof.core.errors import InputError
from despoof.core.types import Face, Image
from despoof.data.store import Retake, Retaken
from despoof.recapture.geometry import matrix
from despoof.recapture.pipeline import frontal, photograph_live, recapture
from despoof.recapture.recipe import VERSION
from despoof.recapture.species import SPECIES, sample_recipe

WIDE_FROM = 1.5
"""A picture that shows less around the face than this (side / face) is mirrored outwards and only
framed tightly: its border would stand right beside the cheeks, where no printed portrait ends."""

MARGIN = 0.12
"""How far such a picture is mirrored, of its side: a pose then cuts nothing off the face."""

WIDE_SIDE = 1.4
"""Side of a wide photograph by the picture's: the face would be lost in fewer pixels."""


def chosen_species(wanted: Sequence[str]) -> tuple[str, ...]:
    """Return the species that names or families ask for; all of them for none.

    >>> chosen_species(["replay/tablet", "replay/laptop"])
    ('replay/tablet', 'replay/laptop')

    Raises:
        InputError: a name is neither a species nor a family.
    """
    for name in wanted:
        if not any(name in (s, s.partition("/")[0]) for s in SPECIES):
            raise InputError(
                f"There is no species {name!r}. Expected print, replay or some of: "
                f"{', '.join(SPECIES)}."
            )
    return tuple(s for s in SPECIES if not wanted or {s, s.partition("/")[0]} & set(wanted))


def attack_retake(species: Sequence[str] = (), *, wide: float = 0.5) -> tuple[Retake, str]:
    """Return what turns a live picture into an attack, and its tag for the cache.

    Args:
        species: names or families (`print`, `replay`); none = all. Families come equally often,
            and the chosen species of each.
        wide: share of photographs that show what is around the medium, of pictures that allow it.
    """
    kinds = chosen_species(species)
    return partial(_attack, kinds, wide), f"attack {VERSION}.1 {' '.join(kinds)}{_share(wide)}"


def camera_retake(*, wide: float = 0.5) -> tuple[Retake, str]:
    """Return what photographs a live face with the attacks' cameras, and its tag."""
    return partial(_camera, wide), f"camera {VERSION}{_share(wide)}"


def _share(wide: float) -> str:
    return "" if wide == 0.5 else f" wide {wide:g}"


def _attack(
    kinds: Sequence[str], share: float, picture: Image, face: Face, rng: np.random.Generator
) -> Retaken:
    species = _draw(kinds, rng)
    reach = _reach(picture, face)
    wide = bool(rng.uniform() < share) and reach >= WIDE_FROM
    picture, face = _spread(picture, face, reach)
    size = _size(picture, WIDE_SIDE if wide else 1.0)
    framing = "wide" if wide else "tight"
    recipe = sample_recipe(species, rng, size=size, framing=framing)
    eyes = None if face.landmarks is None else face.landmarks[:2] - 0.5
    done = recapture(picture, recipe, landmarks=eyes)
    place = _tangent(done.matrix, done.registration, face) if recipe.geometry.bend else done.matrix
    return Retaken(done.image, done.genuine, moved(face, place), species, reach)


def _camera(share: float, picture: Image, face: Face, rng: np.random.Generator) -> Retaken:
    # The recipe of an attack, wide or tight as those are: only the medium is left out.
    reach = _reach(picture, face)
    framing = "wide" if rng.uniform() < share and reach >= WIDE_FROM else "tight"
    picture, face = _spread(picture, face, reach)
    size = _size(picture, 1.0)
    recipe = sample_recipe(_draw(SPECIES, rng), rng, size=size, framing=framing)
    taken = photograph_live(picture, recipe)
    pose = frontal(recipe.geometry, size, recipe.camera.optics.distortion)
    place = matrix(pose, picture.shape[:2], size)
    # What a live face was before the camera is not asked of anybody: it is its own genuine.
    return Retaken(taken, taken, moved(face, place), "live", reach)


def _tangent(
    flat: NDArray[np.float64], registration: NDArray[np.float32], face: Face
) -> NDArray[np.float64]:
    """Fit the homography of a bent sheet where the face is: the plane's own is that of its middle.

    Args:
        flat: (3, 3), picture to photograph, of the sheet before it was bent; taken where too
            little of the face is in the photograph.
        registration: (H, W, 2), the picture's x and y that each pixel shows.
        face: in the picture.
    """
    x1, y1, x2, y2 = face.box
    x, y = registration[..., 0], registration[..., 1]
    rows, columns = np.nonzero((x > x1) & (x < x2) & (y > y1) & (y < y2))
    if len(rows) < 64:
        return flat
    some = np.linspace(0, len(rows) - 1, 64 * 8).astype(np.intp)
    shown = registration[rows[some], columns[some]].astype(np.float64)
    seen = np.column_stack([columns[some], rows[some]]).astype(np.float64)
    found, _ = cv2.findHomography(shown, seen)
    return np.asarray(found, np.float64)


def _spread(picture: Image, face: Face, reach: float) -> tuple[Image, Face]:
    """Mirror a picture without surroundings outwards."""
    if reach >= WIDE_FROM:
        return picture, face
    margin = round(MARGIN * min(picture.shape[:2]))
    wider = np.pad(picture, ((margin, margin), (margin, margin), (0, 0)), mode="reflect")
    shift = np.eye(3)
    shift[:2, 2] = margin
    return wider, moved(face, shift)


def _draw(kinds: Sequence[str], rng: np.random.Generator) -> str:
    families = sorted({kind.partition("/")[0] for kind in kinds})
    family = families[int(rng.integers(len(families)))]
    of_family = [kind for kind in kinds if kind.startswith(f"{family}/")]
    return of_family[int(rng.integers(len(of_family)))]


def _reach(picture: Image, face: Face) -> float:
    x1, y1, x2, y2 = face.box
    return min(picture.shape[:2]) / max(x2 - x1, y2 - y1)


def _size(picture: Image, factor: float) -> tuple[int, int]:
    """Height and width of the photograph; a long picture is not worth a long time."""
    height, width = picture.shape[:2]
    factor *= min(1.0, 288 / max(height, width))
    return max(64, round(height * factor)), max(64, round(width * factor))


def moved(face: Face, place: NDArray[np.float64]) -> Face:
    """Take a face through a (3, 3) homography between pixel centres; the box is only scaled.

    Coordinates of a face count from the picture's edge, as everywhere.
    """

    def through(points: NDArray[np.float64]) -> NDArray[np.float64]:
        x = np.column_stack([points - 0.5, np.ones(len(points))]) @ place.T
        return x[:, :2] / x[:, 2:] + 0.5

    x1, y1, x2, y2 = face.box
    half = np.array([x2 - x1, y2 - y1]) / 2
    middle = np.array([x1, y1]) + half
    centre, right, below = through(middle + np.array([[0, 0], [half[0], 0], [0, half[1]]]))
    across, down = float(np.linalg.norm(right - centre)), float(np.linalg.norm(below - centre))
    x, y = float(centre[0]), float(centre[1])
    points = None if face.landmarks is None else through(face.landmarks.astype(np.float64))
    return Face(
        box=(x - across, y - down, x + across, y + down),
        landmarks=None if points is None else points.astype(np.float32),
    )
