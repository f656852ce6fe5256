"""Ours against every peer on the same pictures: difference of AUC, two tests of it, Holm."""

from collections.abc import Sequence
from itertools import groupby
from typing import Any

from despoof.metrics import weighted
from despoof.metrics.compare import paired_bootstrap, permutation_test_auc
from despoof.metrics.significance import holm
from peers.figures import Table

LEVEL = 0.05


def comparisons(
    ours: Sequence[Table], peers: Sequence[Table], *, draws: int = 2000, seed: int = 0
) -> list[dict[str, Any]]:
    """Compare every table of ours with every peer's of the same set and view.

    A positive difference says that ours is better. Bootstrap and permutation go by people. Holm
    counts all tests of one set and view, for each of the two kinds by itself. `told_apart` is true
    where both adjusted p are at most LEVEL.

    Args:
        ours: tables of our candidates.
        peers: tables of the others.
        draws: of the bootstrap, and random relabellings of the permutation test.
        seed: of both.

    Returns:
        JSON values, in the order of `ours`; sets where a class has one person only are left out.

    Raises:
        InputError: two tables of one set do not hold the same presentations.
    """
    found: list[dict[str, Any]] = []
    pairs = [(o, p) for o in ours for p in peers if (o.set, o.view) == (p.set, p.view)]
    pairs.sort(key=lambda pair: (pair[0].set, pair[0].view))
    for _, family in groupby(pairs, key=lambda pair: (pair[0].set, pair[0].view)):
        rows = [_compare(o, p, draws, seed) for o, p in family if min(o.scores.n_groups()) > 1]
        for kind in ("bootstrap", "permutation"):
            adjusted = holm([row[f"p_{kind}"] for row in rows])
            for row, p in zip(rows, adjusted, strict=True):
                row |= {f"p_{kind}_holm": p, "tests": len(rows)}
        for row in rows:
            row["told_apart"] = max(row["p_bootstrap_holm"], row["p_permutation_holm"]) <= LEVEL
        found += rows
    return found


def _compare(ours: Table, peer: Table, draws: int, seed: int) -> dict[str, Any]:
    boot = paired_bootstrap(
        peer.scores, ours.scores, weighted.auc, draws=draws, seed=seed, strata="class"
    )
    swapped = permutation_test_auc(peer.scores, ours.scores, swaps=draws, seed=seed)
    return {
        "set": ours.set,
        "view": ours.view,
        "ours": ours.candidate,
        "peer": peer.candidate,
        "auc_ours": boot.second,
        "auc_peer": boot.first,
        "difference": boot.difference.value,
        "difference_ci95": [boot.difference.low, boot.difference.high],
        "p_bootstrap": boot.p,
        "p_permutation": swapped.p,
        "people": swapped.groups,
    }
