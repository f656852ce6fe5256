"""Draw the figures of the docs with the shipped weights, from the public-domain portrait alone.

    python benchmarks/figures.py

docs/figures/demo.png: the embedded sample. docs/figures/live.png, attack.png: eight live shots of
the portrait through eight simulated cameras, and eight simulated recaptures (four prints, four
replays) through cameras drawn from the same distribution, as they come, none chosen.
docs/figures/simulated.jpg: a recapture of every species; no weights are asked.
"""

from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

import despoof
from despoof.core.types import Frame
from despoof.evaluation.pictures import contact_sheet
from despoof.evaluation.sample import sample_pictures, sample_portrait
from despoof.recapture.pipeline import photograph_live, recapture
from despoof.recapture.species import SPECIES, sample_recipe

FIGURES = Path(__file__).parent.parent / "docs" / "figures"
SHOWN = ("print/laser-a4", "print/inkjet-photo", "replay/phone-oled", "replay/tablet") * 2
SIDE = 320
CELL = 192  # of the sheet of species


def main() -> None:
    """Draw all four."""
    FIGURES.mkdir(parents=True, exist_ok=True)
    species_sheet(sample_portrait()).save(FIGURES / "simulated.jpg", quality=88)
    detector = despoof.load()
    portrait = sample_portrait()
    live, attack = [], []
    for seed, species in enumerate(sorted(SHOWN)):
        recipe = sample_recipe(species, np.random.default_rng(seed), size=(SIDE, SIDE))
        shot = photograph_live(portrait, recipe)
        live += detector.decompose([Frame(shot, f"live, seed {seed}")])[:1]
        taken = recapture(portrait, recipe).image
        attack += detector.decompose([Frame(taken, f"{species}, seed {seed}")])[:1]
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


def species_sheet(portrait: np.ndarray) -> Image.Image:
    """A recapture of every species, its noise (grey = none) below it; last, the live control."""
    label = 16
    columns = (len(SPECIES) + 2) // 2
    sheet = Image.new("RGB", (columns * CELL, 2 * (2 * CELL + label)), "white")
    draw = ImageDraw.Draw(sheet)
    for place, species in enumerate((*SPECIES, "live")):
        framing = "wide" if place % 2 else "tight"
        rng = np.random.default_rng([2018, place])
        kind = "print/laser-a4" if species == "live" else species
        recipe = sample_recipe(kind, rng, size=(256, 256), framing=framing)
        if species == "live":
            image, noise = photograph_live(portrait, recipe), None
        else:
            shot = recapture(portrait, recipe)
            image, noise = shot.image, np.rint(127.5 + 63.75 * shot.noise)
        x, y = place % columns * CELL, place // columns * (2 * CELL + label)
        draw.text((x + 4, y + 2), species, fill="black")
        sheet.paste(_cell(image), (x, y + label))
        if noise is not None:
            sheet.paste(_cell(noise.clip(0, 255).astype(np.uint8)), (x, y + label + CELL))
    return sheet


def _cell(pixels: np.ndarray) -> Image.Image:
    return Image.fromarray(pixels).resize((CELL, CELL), Image.Resampling.LANCZOS)


if __name__ == "__main__":
    main()
