"""Join two trained experts into shipped weights: near, wide, how they are weighed, one threshold.

    python benchmarks/publish_views.py two-views --scores fold --wide runs/two_views
        --near src/despoof/weights/files/texture --fusion runs/left_out/fusion.json

The threshold is where mean APCER and mean BPCER over all left-out sources are equal
(left_out_table.py), on scores of networks that saw nothing of the source that they scored. Writes
config, two files of tensors, record and model card.
"""

import argparse
import json
from pathlib import Path
from typing import Any

from left_out_table import FOLDS, chosen_threshold, measured, read_table
from recording import conditions
from safetensors.torch import load_file, save_file
from torch import Tensor

from despoof.core.config import read_yaml
from despoof.systems.saving import CARD, CONFIG, MODEL, load_system
from despoof.weights.record import Threshold, read_record, write_record
from despoof.weights.registry import FILES

SECOND = "model-wide.safetensors"
TERMS = (
    "Research, non-commercial: trained on CelebA-Spoof, NUAA, LFW, CASIA-MFSD and Replay-Attack, "
    "whose terms allow no other use of what is derived from them; taught by MiniFASNet "
    "(Silent-Face-Anti-Spoofing, Apache-2.0)."
)


def joined(near: Path, wide: Path, fusion: Path) -> tuple[dict[str, Any], Any]:
    """Return the configuration, and the tensors of both files by name.

    Args:
        near: folder of a texture classifier that is joined with a decomposer.
        wide: folder of a trained two-view run's weights.
        fusion: what left_out_fusion.py wrote.
    """
    near_config, wide_config = (
        json.loads((folder / CONFIG).read_text(encoding="utf-8"))["config"]
        for folder in (near, wide)
    )
    config = {
        **wide_config,
        "near": near_config,
        "fusion": json.loads(fusion.read_text(encoding="utf-8")),
    }
    first = {f"near.{name}": value for name, value in load_file(near / MODEL).items()}
    second = {
        name: value for name, value in load_file(wide / MODEL).items() if name.startswith("wide.")
    }
    return config, (first, second)


def halved(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    """Matrices and convolutions in fp16; what is added or divided by stays in fp32."""
    return {key: (v.half() if v.ndim > 1 else v).contiguous() for key, v in tensors.items()}


def sources_of(run: Path) -> str:
    """Say what a run learnt from."""
    how = {"no": "", "attack": " recaptured by simulation", "camera": " in simulated photographs"}
    named = [
        f"{source['dataset']} {source['label']}{how[source['simulate']]}"
        for source in read_yaml(run / "experiment.yaml")["data"]["sources"]
    ]
    return ", ".join(dict.fromkeys(named))


def parts_of(run: Path) -> str:
    """Say which runs made the wide expert, the first one first."""
    experiment = read_yaml(run / "experiment.yaml")
    done = json.loads((run / "wide" / "done.json").read_text(encoding="utf-8"))
    begin = experiment["recipe"].get("begin")
    before = f"{parts_of(Path(begin).parent)}, then " if begin else ""
    return (
        f"{before}experiments/small/{run.name}.yaml (seed {experiment['seed']}, step "
        f"{done['best_step']} of {done['last_step']})"
    )


def table_of(found: dict[str, Any]) -> str:
    """Rows of the card: each left-out source."""
    lines = [
        "| source left out | AUC [95 %] | stressed | APCER % | BPCER % |",
        "|---|---:|---:|---:|---:|",
    ]
    for name, row in found["folds"].items():
        auc, stressed = row["auc"], row["auc_stressed"]
        rates = [
            f"{100 * row[k]['k'] / row[k]['n']:.1f} ({row[k]['k']}/{row[k]['n']})"
            for k in ("apcer", "bpcer")
        ]
        span = f"{auc['value']:.3f} [{auc['ci95'][0]:.2f}, {auc['ci95'][1]:.2f}]"
        lines.append(f"| {name} | {span} | {stressed['value']:.3f} | {rates[0]} | {rates[1]} |")
    mean = found["mean"]
    lines.append(
        f"| **mean** | {mean['auc']:.3f} | {mean['auc_stressed']:.3f} | {100 * mean['apcer']:.1f} "
        f"| {100 * mean['bpcer']:.1f} |"
    )
    return "\n".join(lines)


def main() -> None:
    """Publish."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("name")
    for part in ("near", "wide", "fusion"):
        parser.add_argument(f"--{part}", type=Path, required=True)
    parser.add_argument("--scores", required=True, help="name of the fold scores, as in fold-fused")
    asked = parser.parse_args()
    config, parts = joined(asked.near, asked.wide / "weights", asked.fusion)
    folder = FILES / asked.name
    folder.mkdir(parents=True, exist_ok=True)
    values = {"system": "two-views", "config": config}
    (folder / CONFIG).write_text(json.dumps(values, indent=2) + "\n", encoding="utf-8")
    for file, tensors in zip((MODEL, SECOND), parts, strict=True):
        save_file(halved(tensors), folder / file)
        print(f"{file}: {(folder / file).stat().st_size / 1e6:.2f} MB")
    _, system = load_system(folder)
    plain = [read_table(f"{asked.scores}-all", fold).scores() for fold in FOLDS]
    threshold = chosen_threshold(plain)
    found = measured(f"{asked.scores}-fused")
    template = (Path(__file__).parent / "publish_views_card.md").read_text(encoding="utf-8")
    near = read_record(asked.near)
    assert near is not None, f"{asked.near} has no record that says what it learnt from"
    history = parts_of(asked.wide)
    card = template.format(
        name=asked.name,
        parameters=sum(p.numel() for p in system.parameters()),
        terms=TERMS,
        near=near.trained_on,
        wide=sources_of(asked.wide),
        history=history,
        threshold=threshold,
        table=table_of(found),
    )
    (folder / CARD).write_text(card, encoding="utf-8")
    write_record(
        folder,
        name=asked.name,
        system="two-views",
        licence="LicenseRef-research-non-commercial",
        terms=TERMS,
        provenance=f"near: the weights of {near.name!r} ({near.sha256[:16]}); wide: {history}; "
        f"joined at commit {conditions()['commit']}",
        trained_on=f"near: {near.trained_on}; wide: {sources_of(asked.wide)}",
        preprocessing_hash=system.config.crop.digest(),
        measured={
            f"{fold}, left out": {
                "auc": row["auc"]["value"],
                "auc_ci95": row["auc"]["ci95"],
                "apcer_pooled": row["apcer"]["k"] / row["apcer"]["n"],
                "bpcer": row["bpcer"]["k"] / row["bpcer"]["n"],
                "n_live": row["bpcer"]["n"],
                "n_attack": row["apcer"]["n"],
            }
            for fold, row in found["folds"].items()
        },
        threshold=Threshold(
            value=threshold,
            criterion="equal mean APCER and BPCER",
            chosen_on="train and dev parts of four sources, each scored by networks that saw "
            f"nothing of it: {', '.join(FOLDS)}",
            n_live=sum(int(scores.live.sum()) for scores in plain),
            n_attack=sum(int((~scores.live).sum()) for scores in plain),
        ),
    )
    print(f"published {folder}")


if __name__ == "__main__":
    main()
