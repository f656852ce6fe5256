"""A small data folder of the real one's form: one public-domain face, and recaptures of it."""

import csv

import numpy as np
from PIL import Image as Pillow
from recapture.shots import unmoved
from skimage import data

FACE = (176, 70, 276, 190)  # of the astronaut's picture
LANDMARKS = ((205, 112), (248, 112), (228, 140), (208, 158), (245, 158))
COLUMNS = "path dataset split subject session place glasses label species size box landmarks"
SIDE = 96  # of the pictures

# dataset -> (split, subject, live pictures, attacks)
PLAN = {
    "celeba-spoof": (("train", "7", 8, 8), ("train", "8", 4, 4), ("dev", "9", 8, 8)),
    "nuaa": (("train", "0001", 6, 6), ("train", "0004", 6, 6), ("test", "0001", 2, 2),
             ("test", "0012", 3, 3)),
    "lfw": (("train", "A_B", 2, 0), ("train", "E_F", 2, 0), ("dev", "C_D", 2, 0)),
}  # fmt: skip


def make_data_root(root, plan=PLAN):
    """Write pictures, tables and reliefs; return the folder."""
    portrait = data.astronaut()
    for dataset, groups in plan.items():
        rng = np.random.default_rng(len(dataset))
        rows = []
        for split, subject, live, attacks in groups:
            for index, label in enumerate(["live"] * live + ["attack"] * attacks):
                name = f"{dataset}/{split}/{subject}_{index}.png"
                who = {"split": split, "subject": subject, "label": label}
                rows.append(_row(root, portrait, rng, name=name, **who))
        _write(root, dataset, rows)
    return root


def relief_blob():
    """A face-like (32, 32) uint8 hump."""
    y, x = (np.mgrid[0:32, 0:32] - 15.5) / 11
    return np.where(x**2 + y**2 < 1, 255 - 200 * (x**2 + y**2), 0).astype(np.uint8)


def _row(root, portrait, rng, *, name, split, subject, label):
    left, top = rng.integers(130, 150), rng.integers(40, 60)
    part = portrait[top : top + 2 * SIDE, left : left + 2 * SIDE]
    shrunk = np.asarray(Pillow.fromarray(part).resize((SIDE, SIDE), Pillow.Resampling.BOX))
    picture = np.clip(shrunk * rng.uniform(0.8, 1.1), 0, 255).astype(np.uint8)
    if label == "attack":
        species = "print/laser-a4" if rng.uniform() < 0.5 else "replay/phone-oled"
        picture = unmoved(picture, species, rng).image
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    Pillow.fromarray(picture).save(path)
    shift = np.array([left, top])
    box = (np.array(FACE).reshape(2, 2) - shift) / 2
    points = (np.array(LANDMARKS) - shift) / 2
    return {
        "path": name,
        "dataset": name.partition("/")[0],
        "split": split,
        "subject": subject,
        "session": "01",
        "label": label,
        "species": "live" if label == "live" else "print/photo",
        "size": str(SIDE),
        "box": " ".join(map(str, box.ravel())),
        "landmarks": ",".join(f"{x} {y}" for x, y in points),
    }


def _write(root, dataset, rows):
    with (root / f"{dataset}.csv").open("w", newline="", encoding="utf-8") as stream:
        table = csv.DictWriter(stream, COLUMNS.split(), restval="")
        table.writeheader()
        table.writerows(rows)
    depth = np.repeat(relief_blob()[None], len(rows), axis=0)
    np.savez(root / f"{dataset}.depth.npz", depth=depth, ok=np.ones(len(rows), bool))
