"""What `despoof simulate` writes: pictures, recipe, and a contact sheet."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from PIL import Image as Pillow

from despoof.core.files import atomic_path

if TYPE_CHECKING:
    from despoof.core.types import Image
    from despoof.recapture.recipe import Recaptured

_SIDE, _GAP, _LINE, _HEAD = 160, 6, 22, 52


def noise_picture(noise: NDArray[np.float32]) -> "Image":
    """Draw signed noise: grey 128 is none, one level is two levels of 255 of the picture.

    Args:
        noise: (H, W, 3) in [-2, 2], of pictures in [-1, 1]; nothing of that is clipped.
    """
    return np.clip(np.rint(128 + noise * (127.5 / 2)), 0, 255).astype(np.uint8)


def write_recapture(shot: "Recaptured", stem: Path, *, array: bool) -> dict[str, str]:
    """Write STEM.png, STEM-genuine.png, STEM-noise.png and STEM.json; each whole or absent.

    Args:
        shot: the recapture.
        stem: path without an ending; its folder exists.
        array: write STEM-noise.npy too, (H, W, 3) float16.

    Returns:
        The paths by what they hold.
    """
    pictures = {
        "image": (stem.with_name(f"{stem.name}.png"), shot.image),
        "genuine": (stem.with_name(f"{stem.name}-genuine.png"), shot.genuine),
        "noise": (stem.with_name(f"{stem.name}-noise.png"), noise_picture(shot.noise)),
    }
    paths = {name: str(path) for name, (path, _) in pictures.items()}
    for path, picture in pictures.values():
        with atomic_path(path) as temporary:
            Pillow.fromarray(picture).save(temporary, "PNG")
    recipe = stem.with_name(f"{stem.name}.json")
    with atomic_path(recipe) as temporary:
        temporary.write_text(shot.recipe.model_dump_json(indent=1), encoding="utf-8")
    paths["recipe"] = str(recipe)
    if array:
        values = stem.with_name(f"{stem.name}-noise.npy")
        with atomic_path(values) as temporary:
            np.save(temporary, shot.noise.astype(np.float16))
        paths["noise_array"] = str(values)
    return paths


def contact_sheet(shots: "Sequence[Recaptured]", columns: int = 2) -> Pillow.Image:
    """Draw recapture, genuine picture and noise of each, a few in a row, species above them.

    Args:
        shots: at least one.
        columns: recaptures in a row.
    """
    from despoof.evaluation.panels import BACKGROUND, QUIET, write

    columns = min(columns, len(shots))
    block = 3 * _SIDE + 4 * _GAP
    rows = -(-len(shots) // columns)
    sheet = Pillow.new("RGB", (columns * block, _HEAD + rows * (_SIDE + _LINE + _GAP)), BACKGROUND)
    write(sheet, (_GAP, 6), "recapture · genuine · noise", size=15)
    note = "noise = recapture − genuine; grey = 0, half as strong as it is"
    write(sheet, (_GAP, 28), note, size=12, colour=QUIET, width=columns * block - 2 * _GAP)
    for index, shot in enumerate(shots):
        row, column = divmod(index, columns)
        left, top = column * block + _GAP, _HEAD + row * (_SIDE + _LINE + _GAP)
        title = f"{index + 1} · {shot.recipe.species}"
        write(sheet, (left, top), title, size=13, width=block - 2 * _GAP)
        for place, picture in enumerate((shot.image, shot.genuine, noise_picture(shot.noise))):
            panel = Pillow.fromarray(picture)
            panel.thumbnail((_SIDE, _SIDE), Pillow.Resampling.LANCZOS)
            sheet.paste(panel, (left + place * (_SIDE + _GAP), top + _LINE))
    return sheet
