"""The live faces that the generator and its autoencoder learn from and are measured on."""

import torch
from torch import Tensor

from despoof.core.errors import DataError
from despoof.data.views import DataConfig, Mix, development_sets, training_mix
from despoof.metrics.curves import auc
from despoof.metrics.scores import make_scores


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


def attack_mix(data: DataConfig, size: int, seed: int) -> Mix | None:
    """Return batches of two attacks, to be measured and not learnt from; None without a source."""
    kept = tuple(s for s in data.sources if s.label == "attack" or s.simulate == "attack")
    if not kept:
        return None
    few = data.model_copy(update={"sources": kept, "batch_size": 2})
    return training_mix(few, size, seed, both_classes=False)


def with_attack(faces: Tensor, attacks: Mix | None, step: int) -> dict[str, Tensor]:
    """Put an attack in the place of the last of a batch's live faces.

    As in a batch of the mix `live` says which rows are to be learnt from. What the networks make
    of the attack is worth a line in the log: they have never learnt from one.

    Args:
        faces: (B, 3, S, S) live faces.
        attacks: see `attack_mix`; None changes nothing.
        step: of the batch.

    Returns:
        `faces` and `live` (B,) bool.
    """
    live = torch.ones(len(faces), dtype=torch.bool)
    if attacks is not None:
        faces = torch.cat([faces[:-1], attacks.batch(step)["faces"][:1]])
        live[-1] = False
    return {"faces": faces, "live": live}


def live_dev_faces(
    data: DataConfig, size: int, limit: int, *, live: bool = True
) -> dict[str, Tensor]:
    """Return live development faces by dataset, [N, 3, S, S] in [-1, 1]; not the stressed ones.

    Args:
        data: its development sets.
        size: of a face, pixels.
        limit: faces of a dataset, spread evenly.
        live: False for the attacks in their stead.
    """
    found: dict[str, Tensor] = {}
    for dev in development_sets(data, size):
        if not dev.name.endswith("-stressed"):
            faces = dev.faces[dev.live == live]
            chosen = torch.linspace(0, len(faces) - 1, min(limit, len(faces))).round().long()
            found[dev.name] = faces[chosen]
    return found


def told_apart(live: dict[str, Tensor], attack: dict[str, Tensor]) -> float:
    """Return the AUC of a value of each face, higher = more live; the mean over datasets."""
    found: list[float] = []
    for name, values in live.items():
        scores = torch.cat([values, attack[name]]).double().cpu().numpy()
        labels = [True] * len(values) + [False] * len(attack[name])
        found.append(auc(make_scores(scores, labels)))
    return sum(found) / len(found)
