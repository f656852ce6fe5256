"""What the two fields are like: tied or two networks, share of live faces, sign, null test.

    python benchmarks/system1/fields.py

Variants of the fields that learnt from CelebA-Spoof, each with a detector of its own that sees the
noise alone, and asked themselves, without a bridge; faces of NUAA's test and of CelebA-Spoof's
development people. The null test sends faces up and down with the live field: what does not come
back is the solver's, and must not tell attacks. Writes results/system1_fields.json.
"""

from typing import Any

import numpy as np
import torch
from ablation import ASKED, asked, compared
from bridges import few
from noise import TestSet, noise_in, real_set, scores_with
from recording import write
from runs import VARIANTS, folder

from despoof.diffusion.bridge import bridge
from despoof.diffusion.network import eps_function
from despoof.evaluation.rows import evaluation_row
from despoof.evaluation.tables import to_plain
from despoof.metrics.scores import Scores
from despoof.metrics.significance import holm
from despoof.systems.despoofing_diffusion.system import DespoofingDiffusion
from despoof.systems.saving import load_system

FIELDS = ("", "share-10", "share-90", "scratch", "independent", "signed")
BASELINES = {"independent": "scratch"}
"""A variant is compared with this one instead of the protocol's own: same steps, same start."""
COUNT = 120
NOISE = "detector of noise"


def null_rms(system: DespoofingDiffusion, x: torch.Tensor) -> torch.Tensor:
    """Return (N,) sizes of what the live field alone leaves."""
    schedule = system.config.schedule
    live = eps_function(system.fields, "live", schedule)
    made = [bridge(part, live, live, schedule, system.config.bridge).noise for part in x.split(64)]
    return torch.cat(made).double().square().mean(dim=(1, 2, 3)).sqrt()


def told(faces: TestSet, scores: np.ndarray, name: str) -> dict[str, Any]:
    """Return AUC and interval of some scores, under a name of their own."""
    row = to_plain(evaluation_row("", faces.scored(scores)))
    return {f"auc_{name}": row["auc"], f"auc_{name}_ci95": row["auc_ci95"]}


def main() -> None:
    """Measure the variants that are there."""
    rows: list[dict[str, Any]] = []
    tables: dict[tuple[str, str, str], Scores] = {}
    for variant in FIELDS:
        place = folder("celeba", "noise", variant) / "weights"
        if not place.is_dir():
            print(f"{place} is not there: left out")
            continue
        system = load_system(place)[1]
        for name in ("nuaa test", "celeba-spoof dev"):
            faces = few(real_set(name, system.config.crop.size), COUNT)
            noise = noise_in(system, faces)
            scores = {NOISE: scores_with(system, faces, noise)}
            row: dict[str, Any] = {"fields": variant or "tied, share 50", "set": name}
            row |= to_plain(evaluation_row("", faces.scored(scores[NOISE])))
            if "of" not in VARIANTS.get(variant, {}):
                scores[ASKED] = asked(system, faces)
                row |= told(faces, scores[ASKED], "asked")
            live = torch.from_numpy(faces.table.live)
            size = noise.square().mean(dim=(1, 2, 3)).sqrt()
            row |= {"rms_live": float(size[live].mean()), "rms_attack": float(size[~live].mean())}
            row |= told(faces, -size.double().numpy(), "size")
            if variant in ("", "independent"):
                row |= told(faces, -null_rms(system, faces.pixels()).numpy(), "null")
            rows.append(row)
            tables |= {(j, variant, name): faces.scored(s) for j, s in scores.items()}
            print(variant or "tied", name, f"{row['auc']:.3f}", flush=True)
    write("system1_fields", {"rows": rows, "tests": pairs(tables), "faces": COUNT, "seed": 0})


def pairs(tables: dict[tuple[str, str, str], Scores]) -> list[dict[str, Any]]:
    """Compare every variant with what it varies, by each judge."""
    tests: list[dict[str, Any]] = []
    for (judge, variant, name), table in tables.items():
        base = BASELINES.get(variant, "")
        if variant and (judge, base, name) in tables:
            about = {"judge": judge, "set": name, "first": base or "tied", "second": variant}
            tests.append(about | compared(tables[judge, base, name], table))
    for test, p in zip(tests, holm([t["p_permutation"] for t in tests]), strict=True):
        test["p_holm"] = p
    return tests


if __name__ == "__main__":
    assert set(FIELDS) - {""} <= set(VARIANTS)
    main()
