"""Which weights, and how many looks, become the default: development people alone decide.

    python benchmarks/default_choice.py RUN … [--every K] [--people N]
    python benchmarks/default_choice.py --page      # the page from kept figures

RUN: folders of texture runs, like runs/texture_long, or means of two (mean_weights.py). Each looks
at crops of several widths (side / face), in two resolutions, and at pairs of them. Eight sets, none
of a test part:

- CelebA-Spoof's and NUAA's development people, plain, stressed, and in other light;
- simulated attacks of LFW's development people, all species, against the same people through the
  same simulated cameras;
- LFW's development people as they are: only live ones, other cameras than the attack sets'.

The mean AUC of the seven with attacks ranks. Writes results/default_choice.json and
docs/default.md.
"""

import argparse
import itertools
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from cameras import live_only_threshold
from cut_sets import samples_of, scores_of
from numpy.typing import NDArray
from other_light import in_other_light
from recording import OUT, write
from results_page import table as markdown
from species_out import retaken

from despoof.data.samples import Sample
from despoof.evaluation.scoring import Faces, View, cut_faces
from despoof.face.crop import CropConfig, crop_face
from despoof.metrics import curves
from despoof.metrics.rates import make_rate
from despoof.metrics.scores import Scores, make_scores
from despoof.recapture.species import SPECIES
from despoof.systems.saving import load_system
from despoof.systems.texture.system import Texture

SCALES = (1.2, 1.45, 1.75)
SIDES = (192, 224)
REAL = ("celeba-spoof dev", "nuaa dev")
SIMULATED, PLAIN = "simulated, LFW dev", "LFW dev, live alone"
CHOSEN = ("texture_mean", [1.45], 224)
"""What ships; the template says why it and not its equal."""
PAGE = Path(__file__).parent.parent / "docs" / "default.md"
TEMPLATE = Path(__file__).parent / "default_template.md"


@dataclass(frozen=True)
class Set:
    """Crops of one set at every scale, and what they are of.

    Attributes:
        name: for the tables.
        images: (N, S, S, 3) uint8 by scale.
        live: (N,) bool.
        species: N names.
        groups: N names of people.
    """

    name: str
    images: dict[float, NDArray[np.uint8]]
    live: NDArray[np.bool_]
    species: list[str]
    groups: list[str]

    def scored(self, scores: NDArray[np.float64]) -> Scores:
        """Join with (N,) scores."""
        return make_scores(scores, self.live, self.species, self.groups)


def real_sets(size: int, every: int) -> Iterator[Set]:
    """Cut the real development people, and LFW's, who are live alone."""
    for name, stressed in [*itertools.product(REAL, (False, True)), ("lfw dev", False)]:
        samples = samples_of(name)[:: every if name != "nuaa dev" else 1]
        cut = {s: cut_faces(samples, View("look", s, stressed), size) for s in SCALES}
        kept, images = cut[SCALES[0]].samples, {k: faces.images for k, faces in cut.items()}
        title = PLAIN if name == "lfw dev" else name + (", stressed" if stressed else "")
        yield set_of(title, images, kept)
        if name in REAL and not stressed:
            yield set_of(f"{name}, in other light", in_other_light(images, kept), kept)


def set_of(name: str, images: dict[float, NDArray[np.uint8]], samples: Sequence[Sample]) -> Set:
    """Join crops with what the table says of them."""
    live = np.array([sample.live for sample in samples])
    return Set(name, images, live, [s.species for s in samples], [s.group for s in samples])


def simulated_set(size: int, people: int, scales: tuple[float, ...] = SCALES) -> Set:
    """Photograph LFW's development people: live, and as every species of attack."""
    samples = [sample for sample in samples_of("lfw dev") if sample.box is not None]
    chosen = samples[:: max(1, len(samples) // people)][:people]
    images: dict[float, list[NDArray[np.uint8]]] = {scale: [] for scale in scales}
    species: list[str] = []
    for sample, name in itertools.product(chosen, ("live", *SPECIES)):
        taken = retaken(sample, name, "default")
        species.append(name)
        for scale, crops in images.items():
            config = CropConfig(size=size, scale=scale)
            crops.append(crop_face(taken.image, taken.face, config).image)
    groups = [sample.group for sample in chosen for _ in range(1 + len(SPECIES))]
    live = np.array([name == "live" for name in species])
    stacked = {scale: np.stack(crops) for scale, crops in images.items()}
    return Set(SIMULATED, stacked, live, species, groups)


def one_look(system: object, scale: float, side: int) -> Texture:
    """Let a texture classifier look once, at a crop of a scale and side (pixels)."""
    assert isinstance(system, Texture), f"{system} is no texture classifier"
    crop = CropConfig(size=side, scale=scale)
    changed = {"zooms": (1.0,), "side": None, "crop": crop}
    system.config = system.config.model_copy(update=changed)
    return system


def row_of(
    name: str,
    looks: tuple[float, ...],
    side: int,
    sets: list[Set],
    scores: dict[str, dict[float, NDArray[np.float64]]],
) -> dict[str, Any]:
    """Return the figures of one choice; `scores[set][scale]` are (N,) each."""
    row: dict[str, Any] = {"weights": name, "looks": looks, "side": side}
    means = {s.name: np.mean([scores[s.name][look] for look in looks], axis=0) for s in sets}
    aucs = {s.name: curves.auc(s.scored(means[s.name])) for s in sets if not s.live.all()}
    row |= {"auc": aucs, "mean_auc": float(np.mean(list(aucs.values())))}
    real = [s for s in sets if s.name in REAL]
    score = np.concatenate([means[s.name] for s in real])
    live = np.concatenate([s.live for s in real])
    row["threshold"] = float(curves.eer(make_scores(score, live)).threshold)
    simulated = next(s for s in sets if s.name == SIMULATED)
    others = {PLAIN: means[PLAIN], f"{SIMULATED}, live": means[SIMULATED][simulated.live]}
    row["bpcer"] = {of: counted(found <= row["threshold"]) for of, found in others.items()}
    # What keeps the live faces of one other set of cameras.
    for of, found in others.items():
        at = live_only_threshold({of: found}, "looks").value
        wrong = {s.name: counted(means[s.name][~s.live] > at) for s in sets if not s.live.all()}
        row.setdefault("at_5_percent", {})[of] = {"threshold": at, "apcer": wrong}
    return row


def counted(wrong: NDArray[np.bool_]) -> dict[str, Any]:
    """Return k, n, rate and Wilson's interval."""
    found = make_rate(int(wrong.sum()), len(wrong))
    return {"k": found.k, "n": found.n, "rate": found.value, "ci95": [found.low, found.high]}


def main() -> None:
    """Score, rank, write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("runs", type=Path, nargs="*")
    parser.add_argument("--page", action="store_true", help="the page alone")
    parser.add_argument("--every", type=int, default=1, help="only each n-th picture")
    parser.add_argument("--people", type=int, default=40, help="of the simulated set")
    asked = parser.parse_args()
    if asked.page:
        write_page()
        return
    if not asked.runs:
        parser.error("name folders of runs, like runs/texture_long")
    rows: list[dict[str, Any]] = []
    for side in SIDES:
        sets = [*real_sets(side, asked.every), simulated_set(side, asked.people)]
        for run in asked.runs:
            system = one_look(load_system(run / "weights")[1], SCALES[0], side)
            scores = {
                s.name: {k: scores_of(system, Faces((), v, ())) for k, v in s.images.items()}
                for s in sets
            }
            for looks in [*((k,) for k in SCALES), *itertools.combinations(SCALES, 2)]:
                rows.append(row_of(run.name, looks, side, sets, scores))
                print(run.name, looks, side, f"{rows[-1]['mean_auc']:.4f}", flush=True)
    rows.sort(key=lambda row: -row["mean_auc"])
    counts = {s.name: {"live": int(s.live.sum()), "attack": int((~s.live).sum())} for s in sets}
    command = " ".join(map(str, asked.runs))
    values = {"rows": rows, "n": counts, "runs": command, "every": asked.every, "seed": 0}
    write("default_choice", values)
    write_page()


def write_page() -> None:
    """Fill the page from the kept figures."""
    values = json.loads((OUT / "default_choice.json").read_text(encoding="utf-8"))
    names = list(values["rows"][0]["auc"])
    body = [
        (
            row["weights"] + (" (**chosen**)" if is_chosen(row) else ""),
            f"{' + '.join(map(str, row['looks']))} at {row['side']} px",
            f"{row['mean_auc']:.4f}",
            *(f"{row['auc'][name]:.3f}" for name in names),
            *(rate(row["bpcer"][of]) for of in row["bpcer"]),
        )
        for row in values["rows"]
    ]
    live = list(values["rows"][0]["bpcer"])
    head = ("weights", "looks", "mean AUC", *names, *(f"BPCER %, {of}" for of in live))
    best = next(row for row in values["rows"] if is_chosen(row))["at_5_percent"]
    strict = markdown(
        ("threshold for BPCER ≤ 5 % on", "value", *(f"APCER %, {name}" for name in names)),
        [
            (of, f"{at['threshold']:.3f}", *(rate(at["apcer"][name]) for name in names))
            for of, at in best.items()
        ],
    )
    counts = "; ".join(
        f"{k}: {v['live']} live, {v['attack']} attacks" for k, v in values["n"].items()
    )
    tried = json.loads((OUT / "recipe_choice.json").read_text(encoding="utf-8"))
    recipes_n = "; ".join(f"{k}: {v[0]} live, {v[1]} attacks" for k, v in tried["n"].items())
    text = TEMPLATE.read_text(encoding="utf-8")
    for key, part in {
        "table": markdown(head, body),
        "strict": strict,
        "n": counts,
        "runs": values["runs"],
        "people": values["n"][SIMULATED]["live"],
        "every": values["every"],
        "recipes": recipe_table(tried["rows"]),
        "recipes n": recipes_n,
        **{key: values[key] for key in ("machine", "commit", "date", "torch", "seed")},
    }.items():
        text = text.replace(f"{{{{ {key} }}}}", str(part))
    PAGE.write_text(text, encoding="utf-8")
    print(f"wrote {PAGE}")


def recipe_table(rows: list[dict[str, Any]]) -> str:
    """Return the rows of recipe_choice.py as Markdown, best mean first."""
    rows = sorted(rows, key=lambda row: -row["mean"])
    names = list(rows[0]["auc"])
    body = [
        (
            row["run"],
            row["looks"],
            str(row["steps"]),
            f"{row['mean']:.3f}",
            *(
                "{:.3f} [{:.3f}, {:.3f}]".format(row["auc"][n]["value"], *row["auc"][n]["ci95"])
                for n in names
            ),
        )
        for row in rows
    ]
    return markdown(("run", "looks", "steps", "mean", *names), body)


def is_chosen(row: dict[str, Any]) -> bool:
    """Whether a kept row is what ships."""
    return (row["weights"], row["looks"], row["side"]) == CHOSEN


def rate(found: dict[str, Any]) -> str:
    """Return "rate (k/n) [interval]" in per cent."""
    low, high = (100 * end for end in found["ci95"])
    return f"{100 * found['rate']:.1f} ({found['k']}/{found['n']}) [{low:.1f}, {high:.1f}]"


if __name__ == "__main__":
    main()
