"""Does the identity encoder tell attacks? A straight line through its tokens, person by person.

The generator is told who is seen by 49 tokens, which are computed from the photograph itself. The
paper takes it that they carry the person and not the medium (SPEC §2.4 item 6). A logistic
regression learns live against attack from them on half of the people and is judged on the other.
"""

from typing import Any

import numpy as np
import torch
from ag_fas_faces import BATCH, TestSet
from numpy.typing import NDArray

from despoof.core.errors import InputError
from despoof.metrics import weighted
from despoof.metrics.curves import auc
from despoof.metrics.resample import interval, resample
from despoof.metrics.scores import make_scores
from despoof.systems.ag_fas.generator import Generator

PIXELS = 16
"""Side of the shrunken picture that the control's probe reads."""


def probe_rows(
    generator: Generator, faces: TestSet, *, draws: int = 1000, seed: int = 0
) -> list[dict[str, Any]]:
    """Return what each probe tells of a set: of the tokens, and of small pictures as control.

    `auc` 0.5: nothing is told; interval over people.

    Raises:
        InputError: the set has fewer than two people, or a half of them shows one class alone.
    """
    found: list[dict[str, Any]] = []
    for name, features in (
        ("49 identity tokens", token_features(generator, faces)),
        (f"picture at {PIXELS} pixels", pixel_features(faces)),
    ):
        values = halves_scores(features, faces.table.live, faces.table.group, seed)
        table = make_scores(values, faces.table.live, None, faces.table.group)
        ends = interval(
            resample(table, {"auc": weighted.auc}, draws=draws, seed=seed, strata="class")["auc"]
        )
        found.append(
            {
                "probe": name,
                "set": faces.name,
                "auc": auc(table),
                "auc_ci95": [ends.low, ends.high],
                "n_live": table.n_live,
                "n_attack": table.n_attack,
                "features": features.shape[1],
            }
        )
    return found


@torch.no_grad()
def token_features(generator: Generator, faces: TestSet) -> NDArray[np.float64]:
    """Return (N, tokens · channels) of the tokens, without the zeros that they are padded with."""
    parts = [generator.identity.map(pixels).flatten(1) for pixels in faces.pixels().split(BATCH)]
    return torch.cat(parts).double().numpy()


def pixel_features(faces: TestSet) -> NDArray[np.float64]:
    """Return (N, 3 · PIXELS²) of the pictures, shrunken by areas."""
    shrink = torch.nn.AdaptiveAvgPool2d(PIXELS)
    parts = [shrink(pixels).flatten(1) for pixels in faces.pixels().split(BATCH)]
    return torch.cat(parts).double().numpy()


def halves_scores(
    features: NDArray[np.float64], live: NDArray[np.bool_], people: NDArray[np.str_], seed: int
) -> NDArray[np.float64]:
    """Score each half of the people by a probe of the other; higher = more live.

    The two halves' scores come from different probes: each is brought to its own training half's
    mean 0 and deviation 1 before they are put together.

    Args:
        features: (N, D).
        live: (N,).
        people: (N,) names; nobody is in both halves.
        seed: of the halves.

    Raises:
        InputError: fewer than two people, or a half shows one class alone.
    """
    from sklearn.linear_model import LogisticRegression

    first = first_half(people, seed)
    scores = np.zeros(len(live))
    for learns in (first, ~first):
        if len(set(live[learns].tolist())) < 2:
            raise InputError(
                f"Half of the people ({len(set(people[learns].tolist()))}) show one class alone; "
                "expected live faces and attacks of both halves. Take more faces."
            )
        mean, std = features[learns].mean(axis=0), features[learns].std(axis=0) + 1e-8
        probe = LogisticRegression(C=1 / features.shape[1], max_iter=200)
        probe.fit((features[learns] - mean) / std, live[learns])
        known = probe.decision_function((features[learns] - mean) / std)
        other = probe.decision_function((features[~learns] - mean) / std)
        scores[~learns] = (other - known.mean()) / (known.std() + 1e-12)
    return scores


def first_half(people: NDArray[np.str_], seed: int) -> NDArray[np.bool_]:
    """Say whose faces are in the first half: (N,), whole people, dealt by a seed.

    Raises:
        InputError: fewer than two people.
    """
    names = np.unique(people)
    if len(names) < 2:
        raise InputError(f"{len(names)} person cannot be halved; expected at least two.")
    chosen = np.random.default_rng(seed).permutation(names)[: len(names) // 2]
    return np.isin(people, chosen)
