"""A bridge's latent as a picture: the fourth panel beside face, genuine and noise."""

import numpy as np
from PIL import Image as Pillow
from PIL import ImageDraw

from despoof.core.types import Image
from despoof.detector import BridgedParts
from despoof.evaluation.panels import BACKGROUND, QUIET, photo, write
from despoof.evaluation.pictures import evidence_picture

FULL_SCALE = 3.0
"""±3 is white and black: the latent is about standard normal, so 0.3 % of it is beyond."""
_LINE = (70, 74, 82)
_SIDE, _GAP, _HEAD, _BEFORE = 256, 16, 82, 3  # as `evidence_picture` lays its panels out


def latent_photo(part: BridgedParts) -> Image:
    """Return the latent for the eye, (S, S, 3) uint8: grey = 0, ±`FULL_SCALE` white and black."""
    finite = np.nan_to_num(part.latent, nan=0.0, posinf=FULL_SCALE, neginf=-FULL_SCALE)
    grey = np.clip(finite / FULL_SCALE, -1, 1) * 127.5 + 127.5
    return np.rint(grey).astype(np.uint8)


def bridge_picture(part: BridgedParts) -> Pillow.Image:
    """Draw one face as `evidence_picture` does, the latent between the noise and the map.

    Below the latent: its scale and spread, the solver, the steps each way and the evaluations.
    A pure function of `part`.
    """
    plain = evidence_picture(part)
    wider = Pillow.new("RGB", (plain.width + _SIDE + _GAP, plain.height), BACKGROUND)
    cut = _GAP // 2 + _BEFORE * (_SIDE + _GAP)
    wider.paste(plain.crop((0, 0, plain.width, _HEAD - 1)), (0, 0))  # its headline stays whole
    wider.paste(plain.crop((0, _HEAD - 1, cut, plain.height)), (0, _HEAD - 1))
    rest = plain.crop((cut, _HEAD - 1, plain.width, plain.height))
    wider.paste(rest, (cut + _SIDE + _GAP, _HEAD - 1))
    left, below = cut + _GAP // 2, _HEAD + _SIDE
    wider.paste(photo(latent_photo(part), _SIDE), (left, _HEAD))
    frame = (left - 1, _HEAD - 1, left + _SIDE, below)
    ImageDraw.Draw(wider).rectangle(frame, outline=_LINE)
    write(wider, (left, below + 8), f"latent x^l at t = {part.t_max:g}", size=16)
    for row, line in enumerate(bridge_legend(part)):
        place = (left, below + 33 + 20 * row)
        write(wider, place, line, size=13, colour=QUIET, width=_SIDE)
    return wider


def bridge_legend(part: BridgedParts) -> tuple[str, str]:
    """The two lines below a latent: how it is drawn and its spread; how the bridge was crossed."""
    steps = part.bridge.steps
    return (
        f"grey = 0 · full scale ±{FULL_SCALE:g} · std {float(part.latent.std()):.2f}",
        f"{part.bridge.solver} {steps} + {steps} steps · {part.nfe} evaluations",
    )
