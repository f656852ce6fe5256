"""Real pairs: photographs of prints and screens beside the very portrait that they show.

The truth is not exact here: the portrait is laid onto the photograph by a plane registration (see
`recapture.register` for its error), and their cameras and light differ, too.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from despoof.data.real_pairs import RealPair, load_pair
from despoof.data.samples import Split
from despoof.data.store import CONTEXT_OF_BARE_CROPS
from despoof.evaluation.despoofbench.pairs import BenchPair
from despoof.face.crop import whole_picture_face
from despoof.media.images import read_image

SPECIES = "real/celeba-spoof"


def real_bench_pairs(
    root: Path, pairs: Sequence[RealPair], split: Split = "dev"
) -> Iterator[BenchPair]:
    """Yield the real pairs of a split; the portrait itself is the live control.

    Where the portrait does not reach, the genuine picture is the attack photograph itself, so that
    the noise there is 0 and asks nothing of anybody.
    """
    for pair in pairs:
        if pair.split != split:
            continue
        genuine, attack, inside = load_pair(root, pair)
        live = read_image(root / pair.live)
        yield BenchPair(
            name=pair.attack,
            person=pair.subject,
            species=SPECIES,
            image=attack,
            genuine=np.where(inside[..., None], genuine, attack),
            face=whole_picture_face(attack, CONTEXT_OF_BARE_CROPS),
            live=live,
            live_face=whole_picture_face(live, CONTEXT_OF_BARE_CROPS),
        )
