"""Pictures of System 1 for the documentation, of the public-domain portrait alone.

    python benchmarks/system1/figures.py [RUN]

docs/figures/system1-strip.png: the portrait, its simulated print and screen on their way over the
bridge. system1-samples.png: faces drawn from both fields. system1-fields.png, system1-detector.png:
loss curves as the run drew them.
"""

import argparse
import shutil
from pathlib import Path

from despoof.core.device import seed_of
from despoof.evaluation.sample import sample_portrait
from despoof.face.detect import CenterFace
from despoof.systems.despoofing_diffusion.illustrate import as_faces, of_portrait
from despoof.systems.despoofing_diffusion.strip import (
    carry,
    sample_domains,
    sample_picture,
    strip_picture,
)
from despoof.systems.saving import load_system

FIGURES = Path(__file__).parents[2] / "docs" / "figures"


def main() -> None:
    """Draw all of them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("run", nargs="?", type=Path, default=Path("runs/despoofing_diffusion"))
    run = parser.parse_args().run
    system = load_system(run / "weights")[1]
    portrait = sample_portrait()
    names, crops = of_portrait(portrait, CenterFace()(portrait)[0], system.config.crop)
    strip = strip_picture(carry(system.fields, system.config, as_faces(crops)), names)
    strip.save(FIGURES / "system1-strip.png", optimize=True)
    samples = sample_domains(system.fields, system.config, 6, seed_of(0, "samples"))
    sample_picture(samples).save(FIGURES / "system1-samples.png", optimize=True)
    for name in ("fields", "detector"):
        shutil.copyfile(run / "pictures" / f"{name}.png", FIGURES / f"system1-{name}.png")


if __name__ == "__main__":
    main()
