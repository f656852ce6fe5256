"""How far trivial cues go on the development data: file size, sharpness and the like.

    python benchmarks/result_cues.py

Writes benchmarks/results/cues.json; benchmarks/results_page.py prints it.
"""

from typing import Any

import numpy as np
from cut_sets import samples_of
from recording import write

from despoof.evaluation.cues import cues
from despoof.evaluation.scoring import TIGHT_STRESSED, View, cut_faces
from despoof.media.images import read_image
from despoof.metrics import weighted
from despoof.metrics.curves import auc
from despoof.metrics.resample import interval, resample
from despoof.metrics.scores import make_scores


def measure_cues() -> None:
    """AUC of each trivial cue, the better of its two directions chosen on the set's own dev."""
    rows: list[dict[str, Any]] = []
    for set_name, dev_name in (
        ("nuaa test", "nuaa dev"),
        ("celeba-spoof dev", "celeba-spoof train"),
    ):
        plain = {name: cue_table(name, None) for name in (set_name, dev_name)}
        for view in (None, TIGHT_STRESSED):
            values, live, groups = plain[set_name] if view is None else cue_table(set_name, view)
            dev_values, dev_live, _ = plain[dev_name]
            for cue in values:
                direction = 1 if auc(make_scores(dev_values[cue], dev_live)) >= 0.5 else -1
                table = make_scores(direction * values[cue], live, None, groups)
                ends = interval(resample(table, {"auc": weighted.auc}, draws=1000)["auc"])
                rows.append(
                    {
                        "set": set_name,
                        "view": "original picture" if view is None else view.name,
                        "cue": cue,
                        "direction": f"{'higher' if direction > 0 else 'lower'} = live",
                        "direction_from": dev_name,
                        "auc": auc(table),
                        "auc_ci95": [ends.low, ends.high],
                        "n": len(live),
                    }
                )
    write("cues", {"system": "cues", "rows": rows})


def cue_table(
    set_name: str, view: View | None
) -> tuple[dict[str, np.ndarray], np.ndarray, list[str]]:
    """Cues of every sample with a box: of the original picture, or of a view's 112-px crop.

    With them (N,) live flags and groups.
    """
    values: dict[str, list[float]] = {}
    live: list[bool] = []
    groups: list[str] = []
    samples = [sample for sample in samples_of(set_name) if sample.box is not None]
    if view is None:
        for sample in samples:
            found = cues(read_image(sample.path), sample.box, sample.path.stat().st_size)
            live.append(sample.live)
            groups.append(sample.group)
            for key, value in found.items():
                values.setdefault(key, []).append(value)
    else:
        faces = cut_faces(samples, view, 112)
        margin = 112 * (1 - 1 / view.scale) / 2
        for sample, image in zip(faces.samples, faces.images, strict=True):
            live.append(sample.live)
            groups.append(sample.group)
            box = (margin, margin, 112 - margin, 112 - margin)
            for key, value in cues(image, box).items():
                if key not in ("face share", "picture side", "face_share", "picture_side"):
                    values.setdefault(key, []).append(value)
    return {key: np.array(value) for key, value in values.items()}, np.array(live), groups


if __name__ == "__main__":
    measure_cues()
