"""Names of the files of complete sets of pictures (and ROSE-Youtu), spelled out by themselves."""

import json
from itertools import islice, product

NUAA_LISTS = {
    ("client", "train"): 1743,
    ("imposter", "train"): 1748,
    ("client", "test"): 3362,
    ("imposter", "test"): 5761,
}
LIVE_TEST = (4, 6, 7, 10, 11, 12, 13, 14, 15)  # who has live pictures in session 3


def nuaa():
    """Return names below raw/, and the text of each list, as the authors write it."""
    names, lists = [], {}
    for (kind, part), number in NUAA_LISTS.items():
        people = range(1, 10) if part == "train" else range(1, 17)
        people = LIVE_TEST if (kind, part) == ("client", "test") else people
        sessions = ("01", "02") if part == "train" else ("03",)
        slots = product(range(500), sessions, people)
        lines = []
        for picture, session, person in islice(slots, number):
            stem = f"{person:04d}_00_{session}_{session}_{picture}"
            lines.append(f"{person:04d}\\{stem}.jpg")
            folder = "ClientRaw" if kind == "client" else "ImposterRaw"
            names.append(f"raw/{folder}/{person:04d}/{stem}.jpg")
        lists[f"{kind}_{part}_raw.txt"] = "\r\n".join(lines) + "\r\n"
    return names, lists


def plant_lists(root, lists):
    for name, text in lists.items():
        (root / name).write_text(text, encoding="utf-8")
    return root


LCC = {"training": (1223, 7076), "development": (405, 2543), "evaluation": (314, 7266)}


def lcc_fasd():
    for part, (live, attack) in LCC.items():
        for number in range(live):
            yield f"LCC_FASD_{part}/real/YOUTUBE_id{number // 10}_s{number % 3}_{number}.png"
        yield from (f"LCC_FASD_{part}/spoof/spoof_{number}.png" for number in range(attack))


ROSE = {
    "train": ((2, 3, 4, 5, 6, 7, 9, 10), 1389),
    "dev": ((11, 12), 359),
    "test": (range(13, 24), 1749),
}


def rose_youtu():
    """Spread the published totals over people; a tenth of the videos is of each kind but G."""
    kinds = ("G", "Ps", "Pq", "Vl", "Vm", "Mc", "Mf", "Mu", "Ml")
    for people, total in ROSE.values():
        slots = product(
            range(1, 500), kinds, ("T", "NT"), ("HS", "HW", "IP", "5s", "ZTE"), ("g", "wg"), people
        )
        for number, kind, speech, device, glasses, person in islice(slots, total):
            yield f"{person}/{kind}_{speech}_{device}_{glasses}_E_{person}_{number}.mp4"


SURF = {"train": (8942, 20324), "dev": (2994, 6614), "test": (17458, 40252)}
SURF_TAKES = ("01_e_s", "02_e_b", "03_en_s", "04_en_b", "05_enm_s", "06_enm_b")


def surf_training(live, attack, people=300):
    """Yield the colour pictures of Training."""
    slots = product(range(1, 500), ["real"], range(people))
    for number, take, person in islice(slots, live):
        yield f"Training/real_part/CLKJ_AS{person:04d}/{take}.rssdk/color/{number}.jpg"
    slots = product(range(1, 500), SURF_TAKES, range(people))
    for number, take, person in islice(slots, attack):
        yield f"Training/fake_part/CLKJ_CS{person:04d}/{take}.rssdk/color/{number}.jpg"


def surf_other(folder, number):
    """Yield the colour pictures of Val or Testing."""
    yield from (f"{folder}/{n // 1000:04d}/{n:06d}-color.jpg" for n in range(number))


def surf_kind(name, kind):
    return name.replace("/color/", f"/{kind}/").replace("-color.", f"-{kind}.")


def celeba_row(label, species=0, light=0, place=0):
    return [0] * 40 + [species, light, place, label]


def celeba_metas(root, tables):
    """Write label files: {"intra_test/train": {name: row}}."""
    for place, rows in tables.items():
        file = root / "metas" / f"{place}_label.json"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps(rows))
