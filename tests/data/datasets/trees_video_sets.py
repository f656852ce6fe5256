"""Names of the files of complete video datasets, spelled out apart from the adapters."""

from itertools import product

OULU_USERS = {"Train": range(1, 21), "Dev": range(21, 36), "Test": range(36, 56)}
MSU_TRAIN = [f"{n:02d}" for n in (2, 3, 5, 6, 7, 8, 9, 11, 12, 21, 22, 34, 53, 54, 55)]
MSU_TEST = [f"{n:02d}" for n in (1, 13, 14, 23, 24, 26, 28, 29, 30, 32, 33, 35)]
MSU_TEST += ["36", "37", "39", "42", "48", "49", "50", "51"]
SIW_DEV = (3, 6, 7, 11, 14, 16, 17, 22, 28, 30)


def oulu():
    for part, users in OULU_USERS.items():
        for user, phone, session, file in product(users, range(1, 7), range(1, 4), range(1, 6)):
            stem = f"{part}_files/{phone}_{session}_{user:02d}_{file}"
            yield f"{stem}.avi"
            yield f"{stem}.txt"


def casia():
    videos = [str(n) for n in range(1, 9)] + [f"HR_{n}" for n in range(1, 5)]
    for folder, people in (("train_release", 20), ("test_release", 30)):
        for person, video in product(range(1, people + 1), videos):
            yield f"{folder}/{person}/{video}.avi"


def replay(folders=(("train", 1, 15), ("devel", 16, 15), ("test", 101, 20))):
    media = (
        ("print", "highdef_photo"),
        ("mobile", "mobile_photo"),
        ("mobile", "mobile_video"),
        ("highdef", "highdef_photo"),
        ("highdef", "highdef_video"),
    )
    for folder, first, people in folders:
        for person, light in product(range(first, first + people), ("controlled", "adverse")):
            who = f"client{person:03d}_session01"
            for take in (1, 2):
                name = f"{folder}/real/{who}_webcam_authenticate_{light}_{take}"
                yield f"{name}.mov"
                yield f"face-locations/{name}.face"
            for support, (device, sample) in product(("fixed", "hand"), media):
                yield f"{folder}/attack/{support}/attack_{device}_{who}_{sample}_{light}.mov"
            yield f"enroll/{folder}/{who}_webcam_enroll_{light}.mov"


def msu(people=(*MSU_TRAIN, *MSU_TEST)):
    for person, (device, suffix) in product(people, (("android", "mp4"), ("laptop", "mov"))):
        stem = f"client0{person}_{device}_SD"
        yield f"scene01/real/real_{stem}_scene01.{suffix}"
        yield f"scene01/real/real_{stem}_scene01.face"
        for medium in ("ipad_video", "iphone_video", "printed_photo"):
            yield f"scene01/attack/attack_{stem}_{medium}_scene01.{suffix}"


SIW_4478 = {"train": (636, 301, (320, 320, 319, 245)), "dev": (78, 38, (40, 40, 40, 40))}
SIW_4478["test"] = (599, 314, (300, 300, 298, 250))
SIW_4469 = SIW_4478 | {
    "train": (636, 301, (320, 320, 318, 245)),
    "test": (599, 314, (300, 296, 294, 250)),
}
"""Live, prints and replays by screen: of the complete set, and of Idiap's first lists."""


def siw(totals=SIW_4478):
    """Spread published totals over people: slot by slot, so that the first people have most."""
    rest = [n for n in range(1, 166) if n not in SIW_DEV]
    people = {"train": rest[:80], "dev": SIW_DEV, "test": rest[80:]}
    for part, (live, prints, replays) in totals.items():
        wanted = [("1", "12", live), ("2", "12", prints)]
        wanted += [("3", str(screen), n) for screen, n in enumerate(replays, start=1)]
        split = "Test" if part == "test" else "Train"
        for kind, media, count in wanted:
            slots = product("12", media, "12", people[part])
            folder = "live" if kind == "1" else "spoof"
            for (sensor, medium, session, person), _ in zip(slots, range(count), strict=False):
                name = f"{person:03d}-{sensor}-{kind}-{medium}-{session}"
                yield f"{split}/{folder}/{person:03d}/{name}.{'mov' if sensor == '1' else 'mp4'}"


SIW_M = {
    "Paper/Paper": 118,
    "Replay/Replay": 99,
    "Mask/HalfMask/Mask_Half": 72,
    "Mask/SiliconeMask/Mask_Silicone": 27,
    "Mask/TransparentMask/Mask_Trans": 88,
    "Mask/PaperMask/Mask_Paper": 17,
    "Mask/MannequinHead/Mask_Mann": 40,
    "Makeup/Obfuscation/Makeup_Ob": 23,
    "Makeup/Impersonation/Makeup_Im": 61,
    "Makeup/Cosmetic/Makeup_Co": 50,
    "Partial/FunnyeyeGlasses/Partial_Funnyeye": 160,
    "Partial/PaperGlasses/Partial_Paperglass": 127,
    "Partial/Eye/Partial_Eye": 57,
    "Partial/Mouth/Partial_Mouth": 29,
}


def siw_m():
    for number in range(1, 661):
        yield f"Live/{'Train' if number <= 500 else 'Test'}/Live_{number}.mov"
    for stem, count in SIW_M.items():
        yield from (f"{stem}_{number}.mov" for number in range(1, count + 1))


SIW_MV2 = {
    "Makeup_Cosmetic/Makeup_Co": (28, 24, 52),
    "Makeup_Impersonation/Makeup_Im": (39, 22, 61),
    "Makeup_Obfuscation/Makeup_Ob": (12, 10, 22),
    "Mannequin/Mask_Mann": (26, 14, 40),
    "Silicone/Mask_Silicone": (9, 8, 17),
    "Paper/Paper": (79, 56, 135),
    "Replay/Replay": (59, 39, 98),
    "Partial_FunnyeyeGlasses/Partial_Funnyeye": (96, 64, 179),
    "Partial_PaperGlasses/Partial_Paperglass": (47, 29, 76),
    "Partial_Eye/Partial_Eye": (34, 23, 57),
    "Partial_Mouth/Partial_Mouth": (17, 12, 29),
    "Mask_HalfMask/Mask_Half": (52, 20, 72),
    "Mask_PaperMask/Mask_Paper": (11, 6, 17),
    "Mask_TransparentMask/Mask_Trans": (24, 35, 60),
}
"""Folder and stem: how many the lists train on, test on, and the folder holds."""


def siw_mv2(live=796):
    yield from (f"Live/Live_{number}.mov" for number in range(1, live + 1))
    for stem, (_, _, count) in SIW_MV2.items():
        yield from (f"Spoof/{stem}_{number}.mov" for number in range(1, count + 1))


def siw_mv2_lists():
    """Return the text of each list; types are repeated up to 100 lines, as the authors do."""
    train, test = [], []
    for path, (learn, judge, _) in SIW_MV2.items():
        stem = path.partition("/")[2]
        own = [f"{stem}_{number}" for number in range(1, learn + 1)]
        train += (own * 100)[:100]
        test += [f"{stem}_{number}" for number in range(learn + 1, learn + judge + 1)]
    texts = {"trainlist_all": train, "testlist_all": test}
    texts["trainlist_live"] = [f"Live_{n}" for n in range(1, 532)]
    texts["testlist_live"] = [f"Live_{n}" for n in range(532, 797)]
    for place, domain in enumerate(("A_pretrain", "B_spoof", "C_race", "D_age", "E_ill")):
        first = 100 * place + 1
        texts[f"train_{domain}"] = [f"Live_{first + n}" for n in range(20)] + ["Paper_1"]
        texts[f"test_{domain}"] = [f"Live_{first + 50 + n}" for n in range(10)]
        texts[f"test_{domain}"] += [f"Replay_{n + 10 * place}" for n in range(1, 6)]
    return {name: "\n".join(lines) + "\n" for name, lines in texts.items()}
