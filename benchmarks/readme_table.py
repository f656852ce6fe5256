"""Put the systems' figures into README.md, between its marks; none of them is typed by hand.

python benchmarks/readme_table.py
"""

import json
from pathlib import Path
from typing import Any

from results_page import span, table

HERE = Path(__file__).parent
README = HERE.parent / "README.md"
START, END = "<!-- systems: benchmarks/readme_table.py -->", "<!-- end of systems -->"
UNSEEN = "<!-- unseen cameras: benchmarks/readme_table.py -->"
UNSEEN_END = "<!-- end of unseen cameras -->"
UNSEEN_ROWS = {
    "fold-fused": "**despoof**, two views",
    "minifasnet": "MiniFASNet ×2 (may have seen some)",
    "fold-near": "despoof before, near view alone",
}
DOCS = "src/despoof/systems"
ROWS = {
    "despoofing_diffusion_obelm": (
        "De-spoofing Diffusion",
        "[arXiv:2401.08275](https://arxiv.org/abs/2401.08275)",
        "despoofing-diffusion",
        "despoofing_diffusion",
    ),
    "ag_fas": (
        "AG-FAS",
        "[arXiv:2401.09006](https://arxiv.org/abs/2401.09006)",
        "ag-fas",
        "ag_fas",
    ),
    "face_despoofing": (
        "Face De-Spoofing",
        "ECCV 2018, [arXiv:1807.09968](https://arxiv.org/abs/1807.09968)",
        "face-despoofing",
        "face_despoofing",
    ),
    "student": (
        "De-spoofing Diffusion's one-pass student",
        "none: SPEC §8.4, level 4",
        "student",
        "student",
    ),
    "texture_mean": (
        "texture classifier with a UNet for the genuine face: the near view of the default",
        "none: what generalised best before",
        "texture",
        "texture",
    ),
}
CELLS = (
    ("NUAA test", "nuaa test", False),
    ("its new people", "nuaa test, new people", False),
    ("NUAA, stressed", "nuaa test", True),
    ("CelebA-Spoof dev", "celeba-spoof dev", False),
)


def cell(result: dict[str, Any], name: str, stressed: bool) -> str:
    """AUC with its interval; the tight crop, or a system's own."""
    ending = ", stressed" if stressed else ""
    for view in (f"tight{ending}", f"own crop{ending}"):
        for row in result["rows"]:
            if row["set"] == name and row["view"] == view and row.get("by") is None:
                return f"{row['auc']:.3f}{span(row['auc_ci95'], 1, 2)}"
    return "–"


def systems_table() -> str:
    """Return the table of the systems that were measured."""
    body: list[tuple[str, ...]] = []
    for run, (title, paper, weights, folder) in ROWS.items():
        path = HERE / "results" / f"{run}.json"
        if not path.exists():
            continue
        result = json.loads(path.read_text(encoding="utf-8"))
        figures = [cell(result, name, stressed) for _, name, stressed in CELLS]
        body.append((f"[{title}]({DOCS}/{folder}/README.md)", paper, f"`{weights}`", *figures))
    head = ("system", "paper", "weights", *(f"AUC [95 %], {title}" for title, _, _ in CELLS))
    return table(head, body)


def unseen_table() -> str:
    """Return the table of sources that were left out, with a peer beside."""
    kept = json.loads((HERE / "results" / "left_out.json").read_text(encoding="utf-8"))
    rows = {row["name"]: row for row in kept["rows"]}
    body: list[tuple[str, ...]] = []
    for name, title in UNSEEN_ROWS.items():
        mean = rows[name]["mean"]
        cells = [f"{mean[key]:.3f}" for key in ("auc", "worst_auc", "auc_stressed", "auc_tight")]
        cells.append(f"{100 * mean['apcer']:.0f} / {100 * mean['bpcer']:.0f} %")
        body.append((title, *cells))
    head = ("", "mean AUC", "worst source", "bad pictures", "cropped tight", "APCER / BPCER")
    return table(head, body)


def put(text: str, start: str, end: str, made: str) -> str:
    """Replace what stands between two marks."""
    before, rest = text.split(start)
    _, after = rest.split(end)
    return f"{before}{start}\n\n{made}\n\n{end}{after}"


def main() -> None:
    """Write the tables into the README."""
    text = README.read_text(encoding="utf-8")
    text = put(text, START, END, systems_table())
    README.write_text(put(text, UNSEEN, UNSEEN_END, unseen_table()), encoding="utf-8")
    print(f"wrote {README}")


if __name__ == "__main__":
    main()
