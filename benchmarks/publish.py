"""Turn a measured run into shipped weights: config, tensors, record and model card.

    python benchmarks/publish.py runs/face_despoofing face-despoofing
    python benchmarks/publish.py runs/texture texture --decomposer runs/pair_unet_light

Run benchmarks/results.py on the run first: the card and the record quote its rows.
"""

import argparse
import json
import shutil
from pathlib import Path
from typing import Any

from cameras import LIMIT
from mean_weights import NOTE
from recording import OUT
from results_page import cells
from safetensors.torch import load_file, save_file

from despoof.core.config import read_yaml
from despoof.systems.saving import CARD, CONFIG, MODEL, load_system
from despoof.weights.record import Threshold, write_record
from despoof.weights.registry import FILES

TERMS = (
    "Research, non-commercial: trained on CelebA-Spoof, NUAA and LFW, whose terms allow no other "
    "use of what is derived from them."
)
ABOUT = {
    "face-despoofing": "Face De-Spoofing (ECCV 2018, arXiv:1807.09968)",
    "despoofing-diffusion": "De-spoofing Diffusion (arXiv 2401.08275)",
    "ag-fas": "AG-FAS (arXiv 2401.09006)",
    "student": "System 1's bridge in one forward pass, with a detector",
    "texture": "A classifier on EfficientNet-Lite0 that started from ImageNet (Apache-2.0)",
}
CARD_TEXT = """# {title}

A face crop in; a verdict, the nearest genuine face, the noise and an evidence map out.
{about}, at {size} px, crop {scale} × the face.{joined}

- **Weights**: {parameters:,} parameters, safetensors, fp16. Experiment `{experiment}`, seed {seed}.
- **Terms**: {terms}
- **Trained on**: {trained_on}. Chosen on the development people of CelebA-Spoof and NUAA.
- **Threshold**: {threshold:.4f}, {chosen}. Thresholds do not travel between cameras: calibrate on
  your own before you rely on one.

## Measured

{table}

APCER is pooled; NUAA's attacks are prints only. How these were made, with all other rows and what
they do not show: docs/results.md.

## Intended use

Research on presentation attack detection, and as the default that shows what the library does.
Not for access control, and not as the only check of anything that matters.

## Known failures

- Screens: no labelled replay was at hand. Screens among CelebA-Spoof's unlabelled attacks and
  simulated ones are all that it has seen. A fine or defocused screen, whose grid is gone at
  {size} px, may pass as live.
- Masks of silicone, latex or resin, make-up and video injection: never seen.
- Small faces (below 48 px), faces cut by the border and strong back light are turned away as
  `undecided` by the quality gate rather than judged.
- Both training sets differ between the classes in cameras and colour; part of what is learnt is
  that difference. The stressed rows here and the cross-set rows of docs/results.md show how much.
"""


def published_rows(result: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the whole-set rows."""
    return [row for row in result["rows"] if row.get("by") is None]


def join(folder: Path, run: Path) -> str:
    """Put a trained decomposer's tensors and configuration into a classifier's folder."""
    name, part = load_system(run / "weights")
    values = json.loads((folder / CONFIG).read_text(encoding="utf-8"))
    values["config"]["decomposer"] = part.config.plain()
    tensors = load_file(folder / MODEL)
    tensors |= {f"decomposer.{key}": value for key, value in part.state_dict().items()}
    save_file({key: value.contiguous() for key, value in tensors.items()}, folder / MODEL)
    (folder / CONFIG).write_text(json.dumps(values, indent=2) + "\n", encoding="utf-8")
    return (
        f" The genuine face and the noise are of a joined {name} "
        f"(experiments/small/{run.name}.yaml), which has no say in the score."
    )


def origin(run: Path) -> str:
    """Return the experiment that made a run's weights; of a mean of two, both."""
    note = run / NOTE
    names = json.loads(note.read_text(encoding="utf-8"))["of"] if note.exists() else [run.name]
    files = [f"experiments/small/{name}.yaml" for name in names]
    return " and ".join(files) + (" (mean of their weights)" if note.exists() else "")


def halve(path: Path) -> None:
    """Store matrices and convolutions in fp16; what is added or divided by stays in fp32."""
    tensors = load_file(path)
    small = {key: value.half() if value.ndim > 1 else value for key, value in tensors.items()}
    save_file(small, path)
    print(f"{path}: {path.stat().st_size / 1e6:.2f} MB")


def main() -> None:
    """Publish one run."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("run", type=Path)
    parser.add_argument("name")
    parser.add_argument("--decomposer", type=Path, help="a run that finds the genuine face")
    arguments = parser.parse_args()
    result = json.loads((OUT / f"{arguments.run.name}.json").read_text(encoding="utf-8"))
    experiment = read_yaml(arguments.run / "experiment.yaml")
    folder = FILES / arguments.name
    folder.mkdir(parents=True, exist_ok=True)
    for file in (CONFIG, MODEL):
        shutil.copyfile(arguments.run / "weights" / file, folder / file)
    joined = join(folder, arguments.decomposer) if arguments.decomposer else ""
    halve(folder / MODEL)
    name, system = load_system(folder)
    dev = next(iter(result["thresholds"].values()))  # tight, or the system's own crop
    trained_on = ", ".join(
        f"{source['dataset']} {source['label']}"
        + {"no": "", "attack": " recaptured by simulation", "camera": " in simulated photographs"}[
            source["simulate"]
        ]
        for source in experiment["data"]["sources"]
    )
    rows = published_rows(result)
    head = "| set | AUC [95 %] | EER % | HTER % | APCER % | BPCER % |\n"
    head += "|---|---:|---:|---:|---:|---:|\n"
    lines = ["| " + " | ".join(cells(f"{r['set']}, {r['view']}", r)) + " |" for r in rows]
    card = CARD_TEXT.format(
        title=arguments.name,
        about=ABOUT[name],
        joined=joined,
        size=system.config.crop.size,
        scale=system.config.crop.scale,
        parameters=sum(p.numel() for p in system.parameters()),
        experiment=origin(arguments.run),
        seed=experiment["seed"],
        terms=TERMS,
        trained_on=trained_on,
        threshold=dev["value"],
        chosen=dev["chosen"],
        table=head + "\n".join(lines),
    )
    (folder / CARD).write_text(card, encoding="utf-8")
    write_record(
        folder,
        name=arguments.name,
        system=name,
        licence="LicenseRef-research-non-commercial",
        terms=TERMS,
        provenance=f"{origin(arguments.run)}, seed {experiment['seed']}, "
        f"measured at commit {result['commit']}",
        trained_on=trained_on,
        preprocessing_hash=system.config.crop.digest(),
        measured={
            f"{row['set']}, {row['view']}": {
                key: row[key]
                for key in (
                    "auc",
                    "auc_ci95",
                    "eer",
                    "hter",
                    "apcer_pooled",
                    "bpcer",
                    "n_live",
                    "n_attack",
                )
            }
            for row in rows
        },
        threshold=Threshold(
            value=dev["value"],
            criterion="eer" if dev["n_attack"] else f"bpcer={LIMIT}",
            chosen_on=dev["chosen"],
            n_live=dev["n_live"],
            n_attack=dev["n_attack"],
        ),
    )
    print(f"published {folder}")


if __name__ == "__main__":
    main()
