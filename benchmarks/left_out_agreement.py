"""How alike a detector and its teacher err on sources that were left out.

    python benchmarks/left_out_agreement.py fold-fused fold-taught   # beside minifasnet

Reads the scores of left_out.py. Per fold, on the plain pictures: rank correlation of both scores
among live pictures and among attacks (none if both only tell the classes apart), and errors at the
threshold that each one's *other* folds chose: of both, of one alone, and their correlation (phi).
A student that errs where its teacher errs adds nothing beside it.
"""

import argparse
from typing import Any

import numpy as np
from left_out_table import FOLDS, Table, chosen_threshold, read_table
from numpy.typing import NDArray
from recording import write
from scipy.stats import spearmanr

PEER = "minifasnet"


def errors(name: str, fold: str, tables: dict[str, Table]) -> NDArray[np.bool_]:
    """(N,) whether each plain picture of a fold is judged wrongly at the other folds' threshold."""
    others = [table.scores() for other, table in tables.items() if other != fold]
    scores = tables[fold].scores()
    return (scores.score > chosen_threshold(others)) != scores.live


def phi(one: NDArray[np.bool_], two: NDArray[np.bool_]) -> float | None:
    """Correlation of two yes-or-no columns; None where one of them never changes."""
    if one.all() or two.all() or not one.any() or not two.any():
        return None
    return float(np.corrcoef(one, two)[0, 1])


def agreement(name: str) -> list[dict[str, Any]]:
    """Rows of a name, one a fold."""
    ours = {fold: read_table(name, fold) for fold in FOLDS}
    theirs = {fold: read_table(PEER, fold) for fold in FOLDS}
    rows: list[dict[str, Any]] = []
    for fold in FOLDS:
        paths = [
            [row["path"] for row in table.rows if row["shown"] == "plain"]
            for table in (ours[fold], theirs[fold])
        ]
        assert paths[0] == paths[1], f"{name} and {PEER} scored other pictures of {fold}"
        a, b = ours[fold].scores(), theirs[fold].scores()
        ranks = {
            kind: float(spearmanr(a.score[of], b.score[of]).statistic)
            for kind, of in (("live", a.live), ("attack", ~a.live))
        }
        wrong, peer_wrong = errors(name, fold, ours), errors(PEER, fold, theirs)
        rows.append(
            {
                "name": name,
                "fold": fold,
                "n": len(wrong),
                **{f"rank_{kind}": value for kind, value in ranks.items()},
                "both": int((wrong & peer_wrong).sum()),
                "ours_alone": int((wrong & ~peer_wrong).sum()),
                "peer_alone": int((~wrong & peer_wrong).sum()),
                "phi": phi(wrong, peer_wrong),
            }
        )
    return rows


def main() -> None:
    """Measure, print and keep."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="+")
    rows = [row for name in parser.parse_args().names for row in agreement(name)]
    for row in rows:
        print(row)
    write("left_out_agreement", {"rows": rows})


if __name__ == "__main__":
    main()
