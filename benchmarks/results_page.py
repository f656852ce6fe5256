"""Make docs/results.md from benchmarks/results/*.json; no figure on the page is typed by hand.

python benchmarks/results_page.py
"""

import json
from pathlib import Path
from typing import Any

from ag_fas_plan import TITLES

HERE = Path(__file__).parent
PAGE = HERE.parent / "docs" / "results.md"
RUNS = {
    "face_despoofing": "System 3, CelebA-Spoof + NUAA",
    "rgb_baseline": "RGB control, CelebA-Spoof + NUAA",
    "face_despoofing_celeba": "System 3, CelebA-Spoof",
    "face_despoofing_celeba_simulated": "System 3, CelebA-Spoof + simulated",
    "rgb_baseline_celeba": "RGB control, CelebA-Spoof",
    "face_despoofing_nuaa": "System 3, NUAA",
    "face_despoofing_nuaa_simulated": "System 3, NUAA + simulated",
    "rgb_baseline_nuaa": "RGB control, NUAA",
    "face_despoofing_simulated": "System 3, simulated attacks only",
    "face_despoofing_all": "System 3, CelebA-Spoof + NUAA + simulated",
    "texture_celeba_simulated": "Texture, CelebA-Spoof + simulated",
    "texture_simulated": "Texture, simulated attacks only",
    "texture_one_look": "Texture, CelebA-Spoof + NUAA + simulated",
    "texture_two_looks": "Texture, the same weights, two looks",
    "texture_wide": "Texture, learnt on with wider crops, two looks: an earlier default",
    "texture_unseen_long": "Texture, CelebA-Spoof + simulated, four times as long, two looks",
    "texture_long": "Texture, learnt on from that with NUAA, two looks: the default before",
    "texture_mean": "Texture, mean of that and of a run on from it with more light and colour, "
    "one look at 224 px: the default",
    "despoofing_diffusion": "System 1, CelebA-Spoof + NUAA + simulated, DPM-Solver++ 8 + 8",
    "despoofing_diffusion_obelm": "System 1, the same fields, O-BELM 8 + 8: shipped",
    "student": "System 1's one-pass student, nothing of NUAA among its pairs",
    "ag_fas": "System 2, CelebA-Spoof + NUAA + simulated",
}
FILES = {"texture_one_look": "texture", "texture_two_looks": "texture"}
"""Experiments of rows that are named otherwise."""
MEANS = {"texture_mean": ("texture_long", "texture_colour", "--side 224 --scale 1.45")}
"""Rows of the mean of two runs' weights, and what that looks at."""
EARLIER = {"face_despoofing", "rgb_baseline", "rgb_baseline_celeba", "rgb_baseline_nuaa"}
TABLES = (
    ("nuaa test", "tight"),
    ("nuaa test", "tight, stressed"),
    ("nuaa test", "wide"),
    ("nuaa test", "wide, stressed"),
    ("nuaa test, new people", "tight"),
    ("nuaa test, new people", "tight, stressed"),
    ("nuaa test, new people", "wide"),
    ("nuaa test, new people", "wide, stressed"),
    ("celeba-spoof dev", "tight"),
    ("celeba-spoof dev", "tight, stressed"),
    *(
        (name, view)
        for name in ("nuaa test", "nuaa test, new people", "celeba-spoof dev")
        for view in ("own crop", "own crop, stressed")
    ),
)
HEAD = (
    "trained on",
    "AUC [95 %]",
    "EER % [95 %]",
    "HTER % [95 %]",
    "APCER % (k/n) [95 %]",
    "BPCER % (k/n) [95 %]",
)


def load() -> dict[str, dict[str, Any]]:
    """Return the result files by run name."""
    return {
        path.stem: json.loads(path.read_text(encoding="utf-8"))
        for path in sorted((HERE / "results").glob("*.json"))
    }


def table(head: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    """Render a GitHub table."""
    lines = [head, ("---",) + ("---:",) * (len(head) - 1), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def span(ends: list[float] | None, scale: float, digits: int) -> str:
    """Render an interval; nothing where it cannot be had."""
    if ends is None:
        return ""
    return f" [{scale * ends[0]:.{digits}f}, {scale * ends[1]:.{digits}f}]"


def rate(row: dict[str, Any], name: str) -> str:
    """Render a rate with its counts and interval."""
    if row[name] is None:
        return "–"
    counts = f" ({row[f'{name}_k']}/{row[f'{name}_n']})"
    return f"{100 * row[name]:.1f}{counts}{span(row[f'{name}_ci95'], 100, 1)}"


def cells(title: str, row: dict[str, Any]) -> tuple[str, ...]:
    """Render one system's row."""
    return (
        title,
        f"{row['auc']:.3f}{span(row['auc_ci95'], 1, 3)}",
        f"{100 * row['eer']:.1f}{span(row.get('eer_group_ci95'), 100, 1)}",
        f"{100 * row['hter']:.1f}{span(row['hter_group_ci95'], 100, 1)}",
        rate(row, "apcer_pooled"),
        rate(row, "bpcer"),
    )


def find(result: dict[str, Any], set_name: str, view: str, by: str | None = None) -> list[Any]:
    """Return the rows of a set and view; whole-set rows unless a break-down is named."""
    return [
        row
        for row in result["rows"]
        if row["set"] == set_name and row["view"] == view and row.get("by") == by
    ]


def set_tables(results: dict[str, dict[str, Any]]) -> str:
    """One table for each test set and view."""
    parts: list[str] = []
    for set_name, view in TABLES:
        rows: list[tuple[str, ...]] = []
        sizes = ""
        for run, title in RUNS.items():
            for row in find(results[run], set_name, view) if run in results else []:
                each = results[run].get("every", 1)
                of = f" (every {each}nd picture)" if each == 2 else ""
                rows.append(cells(title + of, row))
                if sizes and of:
                    continue  # the whole set's numbers stand above the table
                sizes = (
                    f"{row['n_live']} live, {row['n_attack']} attack; "
                    f"{row['live_groups']}/{row['attack_groups']} groups"
                )
        parts.append(f"### {set_name}: {view} ({sizes})\n\n{table(HEAD, rows)}\n")
    return "\n".join(parts)


def cue_tables(result: dict[str, Any]) -> str:
    """AUC of the trivial cues, one column for each set and view."""
    columns = sorted({(row["set"], row["view"]) for row in result["rows"]})
    names = list(dict.fromkeys(row["cue"] for row in result["rows"]))
    body: list[tuple[str, ...]] = []
    for name in names:
        line = [name.replace("_", " ")]
        for column in columns:
            hit = [r for r in result["rows"] if (r["set"], r["view"], r["cue"]) == (*column, name)]
            line.append(f"{hit[0]['auc']:.3f}{span(hit[0].get('auc_ci95'), 1, 3)}" if hit else "–")
        body.append(tuple(line))
    return table(("cue", *(f"{a}: {b}" for a, b in columns)), body)


def subject_table(results: dict[str, dict[str, Any]]) -> str:
    """BPCER and APCER per NUAA subject of the system trained on both sets."""
    rows = [
        (row["name"].strip("[] "), rate(row, "bpcer"), rate(row, "apcer_pooled"))
        for row in find(results["face_despoofing"], "nuaa test", "tight", "subject")
    ]
    return table(("subject", "BPCER % (k/n) [95 %]", "APCER % (k/n) [95 %]"), rows)


def rule_table(results: dict[str, dict[str, Any]]) -> str:
    """The score rules of each System 3 run, as ranked on its own dev sets."""
    lines: list[tuple[str, ...]] = []
    for run, title in RUNS.items():
        for place, rule in enumerate(results.get(run, {}).get("score_rules", [])):
            alone = sorted((rule["map"] > 0, rule["depth"] > 0, rule["magnitude"] > 0))
            if place == 0 or alone == [False, False, True]:
                weights = (
                    f"map {rule['map']:g}, depth {rule['depth']:g}, noise {rule['magnitude']:g}"
                )
                chosen = "chosen" if place == 0 else ""
                lines.append((title, weights, f"{rule['dev_auc']:.3f}", chosen))
    return table(("run", "weights of the parts", "mean dev AUC", ""), lines)


def aim_table(results: dict[str, dict[str, Any]], cues: dict[str, Any]) -> str:
    """What was aimed at beside what was reached."""
    aims = (
        ("both sets, wide, plain", "face_despoofing", "texture_one_look", "wide", "≥ .98"),
        (
            "both sets, tight, stressed",
            "face_despoofing",
            "texture_one_look",
            "tight, stressed",
            "≥ .85",
        ),
        (
            "CelebA-Spoof → NUAA, tight, plain",
            "face_despoofing_celeba",
            "texture_celeba_simulated",
            "tight",
            "≥ .90",
        ),
        (
            "simulated attacks only, tight, plain",
            "face_despoofing_simulated",
            "texture_simulated",
            "tight",
            "≥ .90",
        ),
        (
            "simulated attacks only, tight, stressed",
            "face_despoofing_simulated",
            "texture_simulated",
            "tight, stressed",
            "≥ .85",
        ),
    )
    rows: list[tuple[str, ...]] = []
    for title, first, second, view, aim in aims:
        reached = [
            "; ".join(
                f"{row['auc']:.3f}{span(row['auc_ci95'], 1, 3)}"
                for row in find(results.get(run, {"rows": []}), "nuaa test", view)
            )
            for run in (first, second)
        ]
        rows.append((title, aim, *(text or "–" for text in reached)))
    sharp = [
        row["auc"]
        for row in cues["rows"]
        if (row["set"], row["cue"], row["view"]) == ("nuaa test", "sharpness", "original picture")
    ]
    rows.append(("for comparison: sharpness alone, plain", "", f"{sharp[0]:.3f}", ""))
    return table(("NUAA test", "aim (AUC)", "System 3 [95 %]", "texture [95 %]"), rows)


def transfer_tables(results: dict[str, dict[str, Any]]) -> str:
    """AUC of every run on every set, and the paired tests of what simulated attacks bring."""
    found = results["transfer"]
    columns = list(dict.fromkeys((row["set"], row["view"]) for row in found["rows"]))
    cell = {
        (row["run"], row["set"], row["view"]): f"{row['auc']:.3f}{span(row['auc_ci95'], 1, 3)}"
        for row in found["rows"]
    }
    sizes = {
        (row["set"]): f"{row['set']}: {row['n_live']} live, {row['n_attack']} attack, "
        f"{row['groups']} groups"
        for row in found["rows"]
    }
    runs = [run for run in RUNS if any(row["run"] == run for row in found["rows"])]
    body = [
        (RUNS[run], *(cell.get((run, name, view), "–") for name, view in columns)) for run in runs
    ]
    tests = [
        (
            f"{test['set']}: {test['view']}",
            f"{RUNS[test['without']]} → + simulated",
            f"{test['auc_without']:.3f} → {test['auc_with']:.3f}",
            f"{test['difference']:+.3f}{span(test['difference_ci95'], 1, 3)}",
            f"{test['p_bootstrap']:.3f}",
            f"{test['p_permutation']:.3f} ({test['groups']} people)",
        )
        for test in found["tests"]
    ]
    head = ("test set", "trained on", "AUC", "difference [95 %]", "p, bootstrap", "p, permutation")
    return (
        table(("AUC [95 %]", *(f"{name}: {view}" for name, view in columns)), body)
        + "\n\n"
        + "; ".join(sizes.values())
        + ".\n\n"
        + table(head, tests)
    )


def species_table(results: dict[str, dict[str, Any]]) -> str:
    """Each species seen in training and left out of it."""
    found = results["species_out"]
    cell = {
        (row["left_out"], row["species"]): f"{row['auc']:.3f}{span(row['auc_ci95'], 1, 3)}"
        for row in found["rows"]
    }
    names = list(dict.fromkeys(row["species"] for row in found["rows"]))
    body = [
        (
            name,
            cell.get(("all", name), "–"),
            cell.get((name, name), "–"),
            cell.get((name.split("/")[0], name), "–"),
        )
        for name in names
    ]
    head = ("species", "all seen", "it was left out", "its whole family was left out")
    return table(head, body)


def ablation_table(found: dict[str, Any] | None) -> str:
    """System 1's ablation in short: AUC by what the detector sees."""
    if found is None:
        return "Not measured yet."
    inputs = list(dict.fromkeys(row["inputs"] for row in found["rows"]))
    places = list(dict.fromkeys((row["trained_on"], row["set"]) for row in found["rows"]))
    cell = {
        (row["trained_on"], row["set"], row["inputs"]): f"{row['auc']:.3f}"
        f"{span(row['auc_ci95'], 1, 2)}"
        for row in found["rows"]
    }
    body = [
        (trained, name, *(cell.get((trained, name, one), "–") for one in inputs))
        for trained, name in places
    ]
    return table(("trained on", "test", *(f"AUC [95 %], {one}" for one in inputs)), body)


def left_out_table(found: dict[str, Any] | None) -> str:
    """AG-FAS with one domain left out, strict convention."""
    if found is None:
        return "Not measured yet."
    body = [
        (
            row["left_out"],
            TITLES[row["variant"]],
            f"{row['auc']:.3f}{span(row['auc_ci95'], 1, 3)}",
            f"{100 * row['hter']:.1f}{span(row['hter_group_ci95'], 100, 1)}",
        )
        for row in found["rows"]
        if row["convention"] == "strict" and row["checkpoint"] == "chosen"
    ]
    return table(("left out", "network", "AUC [95 %]", "HTER % [95 %]"), body)


def decoder_line() -> str:
    """What the refined decoder does to development pictures."""
    path = HERE / "results" / "decoder.json"
    if not path.exists():
        return ""
    found = json.loads(path.read_text(encoding="utf-8"))
    return (
        f"On {found['n_recaptured']} simulated recaptures of development people the genuine "
        f"estimate is {found['psnr_after']:.1f} dB from the original picture, the recapture itself "
        f"{found['psnr_before']:.1f} dB; {found['n_live']} live faces keep "
        f"{found['psnr_live']:.1f} dB (PSNR, step {found['step']} of the decoder stage)."
    )


def precision_line() -> str:
    """How far bf16 scores are from the product's."""
    path = HERE / "results" / "precision.json"
    if not path.exists():
        return ""
    found = json.loads(path.read_text(encoding="utf-8"))
    return (
        f"On the {found['n']} development faces of the default (plain) the two "
        f"differ by at most {found['max_difference']:.3f} in score, and at the shipped threshold "
        f"{found['verdicts_differ']}/{found['n']} verdicts differ."
    )


def making(run: str) -> str:
    """Return the commands that make a run's weights."""
    if run not in MEANS:
        return f"despoof train experiments/small/{FILES.get(run, run)}.yaml"
    first, second, looks = MEANS[run]
    mean = f"python benchmarks/mean_weights.py runs/{first} runs/{second} -o runs/{run} {looks}"
    return f"{making(first)} && {making(second)} && {mean}"


def asked(result: dict[str, Any]) -> str:
    """Return how the row's command was asked, as its figures show it."""
    views = {row["view"] for row in result["rows"] if row.get("by") is None}
    shown = "" if "wide" in views else " --shown tight" if "tight" in views else " --shown own"
    every = f" --every {n}" if (n := result.get("every") or 1) > 1 else ""
    live_only = any(not each["n_attack"] for each in result["thresholds"].values())
    return shown + every + (" --live-only" if live_only else "")


def run_table(results: dict[str, dict[str, Any]]) -> str:
    """Where each row comes from."""
    rows = [
        (
            title,
            f"`{making(run)} && python benchmarks/results.py row runs/{run}{asked(results[run])}`"
            + (" (as it stood at that commit)" if run in EARLIER else ""),
            str(results[run]["train_steps"]),
            str(results[run]["seed"]),
            f"{results[run]['date']}, {results[run]['commit']}",
        )
        for run, title in RUNS.items()
        if run in results
    ]
    return table(("row", "command", "steps", "seed", "date, commit"), rows)


def write_page() -> None:
    """Fill the template and write the page."""
    results = load()
    any_run = next(results[run] for run in RUNS if run in results)
    machines = " or ".join(sorted({results[run]["machine"] for run in RUNS if run in results}))
    text = (HERE / "results_template.md").read_text(encoding="utf-8")
    for key, value in {
        "TABLES": set_tables(results),
        "CUES": cue_tables(results["cues"]),
        "SUBJECTS": subject_table(results),
        "RULES": rule_table(results),
        "RUNS": run_table(results),
        "TRANSFER": transfer_tables(results) if "transfer" in results else "Not measured yet.",
        "SPECIES": species_table(results) if "species_out" in results else "Not measured yet.",
        "AIMS": aim_table(results, results["cues"]),
        "SYSTEM1": ablation_table(results.get("system1_ablation")),
        "SYSTEM2": left_out_table(results.get("ag_fas_evidence")),
        "DECODER": decoder_line(),
        "PRECISION": precision_line(),
        "MACHINE": f"{machines}, Python {any_run['python']}, torch {any_run['torch']}",
    }.items():
        text = text.replace(f"<!-- {key} -->", value)
    PAGE.write_text(text, encoding="utf-8")
    print(f"wrote {PAGE}")


if __name__ == "__main__":
    write_page()
