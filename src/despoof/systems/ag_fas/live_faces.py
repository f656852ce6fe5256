"""The live faces that the generator and its autoencoder learn from and are measured on."""

import torch
from torch import Tensor

from despoof.core.errors import DataError
from despoof.data.views import DataConfig, Mix, development_sets, training_mix


def live_mix(data: DataConfig, size: int, seed: int) -> Mix:
    """Return batches of the live sources alone, with their shares among each other.

    Args:
        data: its attack sources, real and simulated, are left out.
        size: of a face, pixels.
        seed: of what is drawn.

    Raises:
        DataError: no source is live.
    """
    kept = tuple(s for s in data.sources if s.label == "live" and s.simulate != "attack")
    if not kept:
        raise DataError(
            "data.sources hold no live face, and a generator of live faces needs some. Add a "
            "source with label live."
        )
    return training_mix(data.model_copy(update={"sources": kept}), size, seed, both_classes=False)


def live_dev_faces(data: DataConfig, size: int, limit: int) -> dict[str, Tensor]:
    """Return live development faces by dataset, [N, 3, S, S] in [-1, 1]; not the stressed ones.

    Args:
        data: its development sets.
        size: of a face, pixels.
        limit: faces of a dataset, spread evenly.
    """
    found: dict[str, Tensor] = {}
    for dev in development_sets(data, size):
        if not dev.name.endswith("-stressed"):
            faces = dev.faces[dev.live]
            chosen = torch.linspace(0, len(faces) - 1, min(limit, len(faces))).round().long()
            found[dev.name] = faces[chosen]
    return found
