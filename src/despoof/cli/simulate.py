"""`despoof simulate`: a genuine photo as the photograph of its print or of its display."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from despoof.cli.options import LIVE, DebugOption, JsonOption, VersionOption
from despoof.core.errors import ConfigError, MediaError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from despoof.core.types import Image
    from despoof.recapture.recipe import Recaptured

EXAMPLE = "Example: despoof simulate selfie.jpg -o attacks --medium replay/phone-oled --count 8"
_LARGEST = 512
"""Side of the genuine picture that is shown: more than a recapture of it holds."""


def simulate(
    photo: Annotated[Path, typer.Argument(metavar="PHOTO", help="With one genuine face.")],
    *,
    output: Annotated[
        Path, typer.Option("-o", "--output", metavar="DIR", help="Made if it is not there.")
    ],
    medium: Annotated[
        str,
        typer.Option("--medium", metavar="NAME", help="A species, print, replay, or any of both."),
    ] = "any",
    seed: Annotated[int, typer.Option(min=0, help="The same seed gives the same files.")] = 0,
    count: Annotated[int, typer.Option(min=1, metavar="K", help="How many recaptures.")] = 4,
    size: Annotated[int, typer.Option(min=32, max=1024, help="Side of a recapture.")] = 256,
    scale: Annotated[
        float, typer.Option(min=1.0, help="Side that is shown, as a multiple of the face's.")
    ] = 1.8,
    framing: Annotated[
        str, typer.Option(help="tight: only the picture; wide: also what is around it; any.")
    ] = "any",
    cropped: Annotated[
        bool, typer.Option("--cropped", help="Show the whole photo; do not look for a face.")
    ] = False,
    array: Annotated[
        bool, typer.Option("--array", help="Write the noise as float16 .npy too.")
    ] = False,
    json: JsonOption = False,
    debug: DebugOption = False,
    version: VersionOption = False,
) -> int:
    """Print or show a genuine photo, photograph that, and write it with its exact noise.

    For each recapture: the picture, the genuine picture registered with it, their difference
    (PNG, grey 128 = none), and the recipe, which makes the same pixels again. A contact sheet
    shows them all.
    """
    import numpy as np

    from despoof.cli.evidence import safe_name
    from despoof.cli.output import console, print_json, progress
    from despoof.cli.simulate_files import contact_sheet, write_recapture
    from despoof.core.files import atomic_path
    from despoof.media import read_image
    from despoof.recapture.pipeline import recapture
    from despoof.recapture.species import sample_recipe

    wanted = _species(medium)
    if framing not in ("any", "tight", "wide"):
        raise ConfigError(f"Framing is {framing!r}; expected any, tight or wide.")
    picture, eyes = read_image(photo), None
    if not cropped:
        picture, eyes = _face_of(picture, scale, photo)
    high, wide = picture.shape[:2]
    shape = tuple(max(32, round(size * side / max(high, wide))) for side in (high, wide))
    output.mkdir(parents=True, exist_ok=True)
    name = Path(safe_name(str(photo))).stem
    shots: list[Recaptured] = []
    with progress(count, wanted=not json) as show:
        for index in range(count):
            show(f"{name} {index + 1}")
            rng = np.random.default_rng([seed, index])
            species = wanted[int(rng.integers(len(wanted)))]
            recipe = sample_recipe(species, rng, size=(shape[0], shape[1]), framing=framing)
            shot = recapture(picture, recipe, landmarks=eyes)
            shots.append(shot)
            stem = output / f"{name}-{index + 1:03d}-{species.replace('/', '-')}"
            paths = write_recapture(shot, stem, array=array)
            if json:
                strength = float(np.abs(shot.noise).mean())
                print_json({"species": species, "mean_abs_noise": strength, **paths})
            else:
                console().print(paths["image"], markup=False)
    sheet = output / f"{name}-sheet.png"
    with atomic_path(sheet) as temporary:
        contact_sheet(shots).save(temporary, "PNG")
    if not json:
        console().print(str(sheet), markup=False)
    return LIVE


def _species(medium: str) -> list[str]:
    """Return the species of a name: itself, a family's, or all."""
    from despoof.recapture.species import SPECIES

    found = [s for s in SPECIES if medium in ("any", s, s.split("/")[0])]
    if not found:
        raise ConfigError(
            f"There is no medium {medium!r}. Expected any, print, replay, or one of "
            f"{', '.join(SPECIES)}."
        )
    return found


def _face_of(
    picture: "Image", scale: float, photo: Path
) -> "tuple[Image, NDArray[np.floating] | None]":
    """Cut the square around the largest face, and give the places of its eyes in it."""
    from despoof.face import CenterFace, CropConfig, crop_face
    from despoof.face.crop import to_crop

    faces = CenterFace()(picture)
    if not faces:
        raise MediaError(
            f"No face was found in {photo}. Choose another photo, or pass --cropped to show all "
            "of this one."
        )
    face = faces[0]
    x1, y1, x2, y2 = face.box
    side = max(x2 - x1, y2 - y1)
    x, y = (x1 + x2) / 2, (y1 + y2) / 2
    height, width = picture.shape[:2]
    room = 2 * min(x, y, width - x, height - y) / side  # a larger square would leave the photo
    scale = min(scale, max(1.0, room))
    pixels = max(32, min(_LARGEST, round(scale * side)))
    crop = crop_face(picture, face, CropConfig(size=pixels, scale=scale, align=False))
    eyes = None if face.landmarks is None else to_crop(face.landmarks[:2] - 0.5, crop.matrix)
    return crop.image, eyes
