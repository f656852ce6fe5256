"""A picture of System 2's generator for the documentation, of the public-domain portrait alone.

    python benchmarks/ag_fas_figures.py [GENERATOR_FOLDER]

docs/figures/ag-fas-strip.png: the portrait, its simulated print and its simulated screen; what the
autoencoder gives back; re-created from t = 400 and t = 801 with the identity, and from 801 without.
"""

import argparse
from pathlib import Path

import numpy as np
from PIL import Image as Pillow
from PIL import ImageDraw

from despoof.evaluation.panels import photo
from despoof.evaluation.sample import sample_portrait
from despoof.face.detect import CenterFace
from despoof.systems.ag_fas.config import AgFasConfig
from despoof.systems.ag_fas.generator_stage import take_generator
from despoof.systems.despoofing_diffusion.illustrate import as_faces, of_portrait

FIGURE = Path(__file__).parent.parent / "docs" / "figures" / "ag-fas-strip.png"
SIDE, GAP, HEAD = 160, 6, 18


def main() -> None:
    """Re-create, and draw."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", nargs="?", type=Path, default=Path("runs/ag_fas/generator"))
    config = AgFasConfig()
    generator = take_generator(parser.parse_args().folder, config.generator).eval()
    portrait = sample_portrait()
    names, crops = of_portrait(portrait, CenterFace()(portrait)[0], config.crop)
    faces = as_faces(crops)
    own = config.generator.reconstruct.model_copy(update={"solver": "dpm-solver", "steps": 12})
    columns = {
        "face": faces,
        "autoencoder alone": generator.autoencoded(faces),
        "from t = 400": generator.reconstruct(faces, own.model_copy(update={"start": 400})),
        "from t = 801": generator.reconstruct(faces, own),
        "t = 801, no identity": generator.reconstruct(
            faces, own.model_copy(update={"condition": False})
        ),
    }
    step = SIDE + GAP
    canvas = Pillow.new("RGB", (len(columns) * step, HEAD + len(faces) * step), "white")
    draw = ImageDraw.Draw(canvas)
    for column, (title, pictures) in enumerate(columns.items()):
        draw.text((column * step + 2, 3), title, fill="black")
        for row, picture in enumerate(pictures):
            pixels = ((picture.permute(1, 2, 0).numpy() + 1) * 127.5).round().astype(np.uint8)
            canvas.paste(photo(pixels, SIDE), (column * step, HEAD + row * step))
    canvas.save(FIGURE, optimize=True)
    print(f"wrote {FIGURE}; rows: {', '.join(names)}")


if __name__ == "__main__":
    main()
