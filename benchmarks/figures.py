"""Draw the figures of the docs with the shipped weights, from the public-domain portrait alone.

    python benchmarks/figures.py

docs/figures/demo.png: the embedded sample. docs/figures/live.png, attack.png: eight live shots of
the portrait through eight simulated cameras, and eight simulated recaptures (four prints, four
screens) through cameras drawn from the same distribution.
"""

from pathlib import Path

import numpy as np
from PIL import Image
from skimage import data

import despoof
from despoof.core.types import Frame
from despoof.evaluation.pictures import contact_sheet
from despoof.evaluation.sample import sample_pictures
from despoof.recapture.camera import draw_camera, photograph
from despoof.recapture.light import to_light
from despoof.recapture.standin import recapture

FIGURES = Path(__file__).parent.parent / "docs" / "figures"
COUNT = 8


def main() -> None:
    """Draw all three."""
    FIGURES.mkdir(parents=True, exist_ok=True)
    detector = despoof.load()
    portrait = data.astronaut()
    live, attack = [], []
    for seed in range(COUNT):
        rng = np.random.default_rng(seed)
        shot = photograph(to_light(portrait), draw_camera(rng), rng)
        live += detector.decompose([Frame(shot, f"live, seed {seed}")])[:1]
        medium = "print" if seed < COUNT // 2 else "screen"
        taken = recapture(portrait, medium, rng).image
        attack += detector.decompose([Frame(taken, f"{medium}, seed {seed}")])[:1]
    sample = [
        part
        for title, image in sample_pictures().items()
        for part in detector.decompose([Frame(image, title)])
    ]
    for name, parts in (("live", live), ("attack", attack), ("demo", sample)):
        sheet = contact_sheet(parts)
        image = sheet if isinstance(sheet, Image.Image) else Image.fromarray(sheet)
        image.save(FIGURES / f"{name}.png", optimize=True)
        print(name, [(part.verdict.label, round(part.verdict.score or 0, 3)) for part in parts])


if __name__ == "__main__":
    main()
