"""Make docs/system1.md from benchmarks/results/system1_*.json.

python benchmarks/system1/page.py
"""

import json
import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))
from results_page import rate, span, table
from runs import start

from despoof.diffusion.network import DomainNetwork
from despoof.systems.despoofing_diffusion.system_config import DespoofingDiffusionConfig

HERE = Path(__file__).parent
RESULTS = HERE.parent / "results"
PAGE = HERE.parents[1] / "docs" / "system1.md"
TRAINED = {
    "celeba": "CelebA-Spoof",
    "nuaa": "NUAA",
    "simulated": "simulated attacks on LFW",
    "print": "simulated prints on LFW",
    "replay": "simulated replays on LFW",
}
JUDGES = {
    "noise": "noise",
    "rgb+noise": "RGB + noise",
    "noise of DDIM 50 + 50": "noise, learnt from DDIM 50 + 50",
}
"""Detectors of the table of bridges, as results name them and as the page does."""
MISSING = "Not measured yet."


def load(name: str) -> dict[str, Any] | None:
    """Return one result file, None where it is missing."""
    path = RESULTS / f"system1_{name}.json"
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else None


def hter(row: dict[str, Any]) -> str:
    """Render HTER; one at the test's own EER threshold is marked."""
    oracle = "oracle" in row["threshold_chosen"]
    text = f"{100 * row['hter']:.1f}{span(row['hter_group_ci95'], 100, 1)}"
    return f"{text} (oracle)" if oracle else text


def ablation_tables(found: dict[str, Any] | None) -> str:
    """One table for each training set and test set, then the tests."""
    if found is None:
        return MISSING
    parts: list[str] = []
    for trained, title in TRAINED.items():
        rows = [row for row in found["rows"] if row["trained_on"] == trained]
        for name in dict.fromkeys(row["set"] for row in rows):
            own = [row for row in rows if row["set"] == name]
            sizes = (
                f"{own[0]['n_live']} live, {own[0]['n_attack']} attack; "
                f"{own[0]['live_groups']}/{own[0]['attack_groups']} people"
            )
            body = [
                (
                    row["inputs"],
                    f"{row['auc']:.3f}{span(row['auc_ci95'], 1, 3)}",
                    f"{100 * row['eer']:.1f}{span(row.get('eer_group_ci95'), 100, 1)}",
                    hter(row),
                    rate(row, "apcer_pooled"),
                    rate(row, "bpcer"),
                )
                for row in own
            ]
            head = ("sees", "AUC [95 %]", "EER %", "HTER % [95 %]", "APCER %", "BPCER %")
            made = found["measured"][trained]
            when = f"Measured {made['date']}, {made['commit']}, on {made['machine']}."
            parts.append(f"### {title} → {name} ({sizes})\n\n{when}\n\n{table(head, body)}\n")
    parts.append(f"### In pairs\n\n{test_table(found['tests'])}\n")
    return "\n".join(parts)


def test_table(tests: list[dict[str, Any]]) -> str:
    """Render paired comparisons of AUC."""
    body = []
    for test in tests:
        trained = f"{TRAINED[test['trained_on']]} → " if "trained_on" in test else ""
        judge = f" ({test['judge']})" if "judge" in test else ""
        body.append(
            (
                f"{trained}{test.get('set', 'nuaa test')}",
                f"{test['first']} → {test['second']}{judge}",
                f"{test['auc_first']:.3f} → {test['auc_second']:.3f}",
                f"{test['difference']:+.3f}{span(test['difference_ci95'], 1, 3)}",
                f"{test['p_permutation']:.3f} ({test['groups']} people)",
                f"{test['p_holm']:.3f}",
            )
        )
    head = ("test", "first → second", "AUC", "difference [95 %]", "p, permutation", "p, Holm")
    return table(head, body)


def bridge_tables(found: dict[str, Any] | None) -> str:
    """Fidelity and task error of every way across, then the tests."""
    if found is None:
        return MISSING
    body = [
        (
            row["way"],
            str(row["nfe"]),
            f"{row['correlation_median']:.3f} / {row['correlation_5th']:.3f}",
            f"{row['relative_l2']:.2f}",
            *(f"{row[f'auc_{judge}']:.3f}" for judge in JUDGES),
            f"{row['auc_retrained']:.3f}" if "auc_retrained" in row else "–",
            f"{row['rms_live']:.3f} / {row['rms_attack']:.3f}",
        )
        for row in found["rows"]
    ]
    head = (
        "way",
        "NFE",
        "correlation: median / 5th percentile",
        "relative L2",
        *(f"AUC, {name}" for name in JUDGES.values()),
        "AUC, noise, learnt from this way",
        "RMS live / attack",
    )
    sizes = f"{found['n']['live']} live and {found['n']['attack']} attack faces of NUAA's test.\n\n"
    parts = (sizes + table(head, body), closer_table(found["closer"]), test_table(found["tests"]))
    return "\n\n".join(parts)


def closer_table(found: list[dict[str, Any]]) -> str:
    """Ways with an eighth of the evaluations against DDIM's 100 + 100."""
    body = [
        (
            row["way"],
            str(row["nfe"]),
            row["slow"],
            rate(row, "closer"),
            f"{row['ratio']:.2f}",
        )
        for row in found
    ]
    head = (
        "way",
        "NFE",
        "against",
        "% of faces closer to the reference",
        "distance / DDIM's, median",
    )
    return table(head, body)


def field_tables(found: dict[str, Any] | None) -> str:
    """Variants of the fields."""
    if found is None:
        return MISSING
    body = [
        (
            row["fields"],
            row["set"],
            f"{row['auc']:.3f}{span(row['auc_ci95'], 1, 3)}",
            *(
                f"{row[name]:.3f}{span(row[f'{name}_ci95'], 1, 3)}" if name in row else "–"
                for name in ("auc_asked", "auc_size", "auc_null")
            ),
            f"{row['rms_live']:.3f} / {row['rms_attack']:.3f}",
        )
        for row in found["rows"]
    ]
    head = (
        "fields",
        "faces of",
        "AUC, detector of noise [95 %]",
        "AUC, fields asked [95 %]",
        "AUC, size of the noise alone [95 %]",
        "AUC, null test [95 %]",
        "RMS of noise, live / attack",
    )
    return table(head, body) + "\n\n" + test_table(found["tests"])


def cost_tables(names: tuple[str, ...]) -> str:
    """Milliseconds, memory, ratios, a table for each machine."""
    parts: list[str] = []
    head = ("way", "engine", "fields in", "batch", "NFE", "ms a face", "× paper", "peak MB")
    for found in filter(None, map(load, names)):
        body = [
            (
                row["way"],
                row["engine"],
                row["precision"],
                str(row["batch"]),
                str(row["nfe"]),
                f"{row['ms_per_face']:.0f}",
                f"{row['times_faster_than_paper']:.1f}",
                f"{row['peak_mb']:.0f}",
            )
            for row in found["rows"]
        ]
        repeats = found["rows"][0]["repeats"]
        about = f"{found['machine']}; medians of {repeats}; {found['date']}, {found['commit']}"
        parts.append(f"{about}:\n\n{table(head, body)}\n")
    return "\n".join(parts) or MISSING


def parameters() -> int:
    """Count those of the fields that the runs train."""
    config = DespoofingDiffusionConfig.parse(start().model, "runs.py")
    return sum(p.numel() for p in DomainNetwork(config.fields).parameters())


def main() -> None:
    """Fill the template and write the page."""
    found = {name: load(name) for name in ("ablation", "bridges", "fields")}
    some = next(value for value in found.values() if value is not None)
    text = (HERE / "template.md").read_text(encoding="utf-8")
    for key, value in {
        "ABLATION": ablation_tables(found["ablation"]),
        "BRIDGES": bridge_tables(found["bridges"]),
        "FIELDS": field_tables(found["fields"]),
        "PARAMETERS": f"{parameters():,}",
        "COST": cost_tables(("cost", "cost_avx2")),
        "MACHINE": f"{some['machine']}, Python {some['python']}, torch {some['torch']}",
        "COMMITS": ", ".join(f"{k}: {v['date']}, {v['commit']}" for k, v in found.items() if v),
    }.items():
        text = text.replace(f"<!-- {key} -->", value)
    PAGE.write_text(text, encoding="utf-8")
    print(f"wrote {PAGE}")


if __name__ == "__main__":
    main()
