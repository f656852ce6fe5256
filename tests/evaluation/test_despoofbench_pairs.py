import csv
import json

import numpy as np
import pytest
from data.made_up_data import COLUMNS
from PIL import Image

from despoof.core.errors import DataError, InputError
from despoof.core.types import Face
from despoof.data.real_pairs import RealPair
from despoof.data.simulated import chosen_species
from despoof.evaluation.despoofbench.faces import BenchFace, folder_faces, lfw_faces
from despoof.evaluation.despoofbench.methods import (
    DEFAULT_CROP,
    Answer,
    Method,
    all_methods,
    bridge_methods,
    classical_methods,
    weights_method,
)
from despoof.evaluation.despoofbench.pairs import cut, make_pairs
from despoof.evaluation.despoofbench.real import real_bench_pairs
from despoof.evaluation.despoofbench.run import measure
from despoof.face.crop import CropConfig, crop_face
from despoof.recapture.register import Registration

BOX = (36.0, 30.0, 136.0, 150.0)
POINTS = np.array([[65, 72], [108, 72], [88, 100], [68, 118], [105, 118]], np.float32)


@pytest.fixture(scope="module")
def people(tmp_path_factory, portrait):
    """Two 192-px pictures of the form of LFW's."""
    folder = tmp_path_factory.mktemp("people")
    found = []
    for i, (top, left) in enumerate([(40, 140), (40, 140)]):
        part = portrait[top : top + 192, left : left + 192]
        part = np.clip(part * (1.0, 0.8)[i], 0, 255).astype(np.uint8)
        Image.fromarray(part).save(folder / f"{i}.png")
        found.append(BenchFace(f"{i}.png", f"person {i}", folder / f"{i}.png", Face(BOX, POINTS)))
    return found


@pytest.fixture(scope="module")
def pairs(people):
    return list(make_pairs(people[:1], chosen_species(())))


def test_there_is_one_pair_for_each_species_of_the_simulator(pairs):
    assert [pair.species for pair in pairs] == list(chosen_species(()))
    assert len(pairs) == 11
    assert {pair.person for pair in pairs} == {"person 0"}


def test_the_face_is_found_in_the_recapture_and_in_the_live_control(pairs, people):
    """Oracle: the crop of the original picture itself."""
    config = CropConfig(size=64, scale=1.0)
    face = people[0]
    original = crop_face(np.asarray(Image.open(face.path)), face.face, config).image
    for pair in pairs:
        genuine = crop_face(pair.genuine, pair.face, config).image
        live = crop_face(pair.live, pair.live_face, config).image
        for name, view, least in (("genuine", genuine, 0.9), ("live", live, 0.75)):
            likeness = np.corrcoef(view.mean(axis=2).ravel(), original.mean(axis=2).ravel())[0, 1]
            assert likeness > least, (pair.species, name, likeness)


def test_true_noise_is_the_difference_of_two_crops_by_one_matrix(pairs):
    for pair in pairs:
        view = cut(pair, DEFAULT_CROP)
        assert view.attack.shape == view.live.shape == view.noise.shape == (112, 112, 3)
        genuine = view.attack.astype(np.float32) - 127.5 * view.noise
        assert np.array_equal(genuine, np.rint(genuine)), "a crop of 8-bit pixels"
        assert not view.noise[~view.valid].any(), "padding has no noise"
        assert view.valid.mean() > 0.9 and view.live_valid.mean() > 0.8, "the face is in the frame"
        assert np.abs(view.noise).mean() > 0.005


def test_a_pair_depends_on_nothing_but_its_own_name_species_and_seed(pairs, people):
    last = pairs[-1]
    (again,) = make_pairs(people[:1], [last.species])
    for name in ("image", "genuine", "live"):
        assert np.array_equal(getattr(again, name), getattr(last, name)), name
    assert again.face.box == last.face.box
    (other,) = make_pairs(people[:1], [last.species], seed=1)
    assert other.image.shape != last.image.shape or (other.image != last.image).any()
    twice = list(make_pairs(people[:1], [last.species], repeats=2))
    assert np.array_equal(twice[0].image, last.image) and len(twice) == 2


def test_a_perfect_method_is_perfect_and_zero_is_the_floor(people):
    species = ("print/laser-a4", "replay/phone-lcd")
    truth = {}
    for pair in make_pairs(people, species):
        view = cut(pair, DEFAULT_CROP)
        truth[view.attack.tobytes()] = view.noise

    def oracle(face):
        noise = truth.get(face.tobytes())
        live = noise is None
        return Answer(np.zeros(face.shape, np.float32) if live else noise, 1.0 if live else -1.0)

    zero = next(m for m in classical_methods() if m.name == "zero")
    methods = [Method("oracle", "oracle", DEFAULT_CROP, oracle), zero]
    seen = []
    results = measure(make_pairs(people, species), methods, seen.append)
    assert len(seen) == len(results["oracle"]) == len(results["zero"]) == 4
    for best, none in zip(results["oracle"], results["zero"], strict=True):
        assert best.figures.correlation == pytest.approx(1) and best.figures.relative_l2 < 1e-6
        assert best.residual == none.residual == 0 and best.attack_score < best.live_score
        assert none.figures.relative_l2 == pytest.approx(1) and none.attack_score is None
        assert best.ms >= 0 and (best.species, best.person) == (none.species, none.person)


def test_each_method_sees_its_own_crop(people):
    seen = []

    def look(face):
        seen.append(face.shape[0])
        return Answer(np.zeros(face.shape, np.float32))

    methods = [Method(str(size), "", CropConfig(size=size, scale=1.25), look) for size in (32, 48)]
    measure(make_pairs(people[:1], ["print/bent"]), methods)
    assert seen == [32] * 3 + [48] * 3  # warming up, recapture, live control


def test_weights_are_a_row_with_their_own_crop_and_score(weights, people):
    method = weights_method(str(weights))
    assert method.crop.size == 32 and method.parameters > 1000
    (pair,) = make_pairs(people[:1], ["replay/tablet"])
    view = cut(pair, method.crop)
    answer = method.answer(view.attack)
    assert answer.noise.shape == (32, 32, 3) and np.isfinite(answer.score)
    names = [m.name for m in all_methods([str(weights)])]
    assert names == ["zero", "high-pass", "median", "nlm", "wavelet", str(weights)]


def test_a_bridge_is_crossed_in_three_more_ways(make_weights, tmp_path):
    folder = str(make_weights(tmp_path / "s1", "despoofing-diffusion"))
    rows = bridge_methods(folder)
    assert [m.name.removeprefix(folder) for m in rows] == [":paper", ":exact", ":difference"]
    own = weights_method(folder)
    face = np.random.default_rng(0).integers(0, 256, (own.crop.size,) * 2 + (3,), np.uint8)
    answers = [m.answer(face) for m in (own, *rows)]
    assert len({a.noise.tobytes() for a in answers}) == 4, "each in its own way"
    assert all(np.isfinite(a.noise).all() for a in answers)
    assert [a.score is None for a in answers] == [False, False, False, True]


def test_what_has_no_bridge_is_refused(weights):
    with pytest.raises(InputError, match="no bridge between two fields"):
        bridge_methods(str(weights))


def write_lfw(root, rows):
    with (root / "lfw.csv").open("w", newline="", encoding="utf-8") as stream:
        table = csv.DictWriter(stream, COLUMNS.split(), restval="")
        table.writeheader()
        for split, subject, number, box in rows:
            row = {"path": f"lfw/{subject}_{number}.jpg", "split": split, "subject": subject}
            table.writerow(row | {"label": "live", "species": "live", "box": box})


def test_lfw_gives_one_picture_each_of_test_people(tmp_path):
    box = "1 2 30 40"
    rows = [("train", "T", 1, box), ("dev", "D", 1, box), ("test", "Boxless", 1, "")]
    rows += [("test", f"P{i}", n, box) for i in range(9) for n in (1, 2)]
    write_lfw(tmp_path, rows)
    faces = lfw_faces(tmp_path, 6)
    assert len({face.person for face in faces}) == 6
    assert all(face.person.startswith("P") and face.name.endswith("_1.jpg") for face in faces)
    assert lfw_faces(tmp_path, 4) == faces[:4], "more people keep the first ones"
    assert lfw_faces(tmp_path, 6, seed=1) != faces
    with pytest.raises(DataError, match=r"9 people .*10 are asked for.*--count"):
        lfw_faces(tmp_path, 10)


def test_a_folder_gives_its_people_and_says_what_it_left_out(tmp_path, portrait):
    (tmp_path / "ann").mkdir()
    for name in ("ann/1.png", "ann/2.png", "bob.png", "empty.png"):
        Image.fromarray(portrait[:64, :64] if name != "empty.png" else portrait[:8, :8]).save(
            tmp_path / name
        )
    (tmp_path / "broken.png").write_bytes(b"no picture")

    def detector(image):
        return [Face((1, 1, 20, 20))] if image.shape[0] > 8 else []

    faces, skipped = folder_faces(tmp_path, detector)
    assert {(f.name, f.person) for f in faces} == {
        ("ann/1.png", "ann"), ("ann/2.png", "ann"), ("bob.png", "bob")
    }  # fmt: skip
    reasons = {path.name: reason for path, reason in skipped}
    assert reasons["empty.png"] == "no face was found" and "broken.png" in reasons
    assert len(folder_faces(tmp_path, detector, count=2)[0]) == 2
    with pytest.raises(DataError, match="No picture with a face"):
        folder_faces(tmp_path, lambda image: [])


@pytest.fixture
def photos(tmp_path, portrait):
    folder = tmp_path / "photos"
    folder.mkdir()
    for i in range(2):
        Image.fromarray(portrait[20:212, 130 + i : 322 + i]).save(folder / f"{i}.png")
    return folder


def test_the_command_prints_every_row_and_writes_the_table(cli, weights, photos, tmp_path):
    out = tmp_path / "out"
    arguments = ("--weights", weights, "--faces", photos, "--species", "print/newspaper")
    done = cli("bench", "noise", *arguments, "--count", 2, "-o", out)
    assert done.code == 0 and not done.err
    for title in ("zero", "median filter", "non-local means", "wavelet", "tiny"):
        assert title in done.out
    assert "2 pairs of 2 people" in done.out
    table = json.loads((out / "despoofbench.json").read_text(encoding="utf-8"))
    assert [row["name"] for row in table["rows"]][-1] == str(weights)
    answer = json.loads(cli("bench", "noise", *arguments, "--json").out)
    for row, again in zip(table["rows"], answer["rows"], strict=True):
        assert row["overall"] == again["overall"], "the same options, the same figures"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--species", "mask/wax"), "no species 'mask/wax'"),
        (("--weights", "nobody"), "No weights named 'nobody'"),
        (("--count", "1"), "--count"),
        (("--faces", "/nowhere"), "/nowhere"),
    ],
)
def test_the_command_refuses_in_words(cli, arguments, message):
    done = cli("bench", "noise", *arguments)
    assert done.code in (2, 64) and message in done.err and done.err.count("\n") == 1


def test_real_pairs_have_no_noise_where_the_portrait_does_not_reach(tmp_path, portrait):
    """A portrait seen half: what is not on the attack photograph asks nothing of anybody."""
    live = portrait[20:244, 110:334]
    attack = np.clip(live * 0.7 + 30, 0, 255).astype(np.uint8)
    for name, picture in {"live.png": live, "attack.png": attack}.items():
        Image.fromarray(picture).save(tmp_path / name)
    shift = np.array([[1.0, 0, 60], [0, 1, 0], [0, 0, 1]])
    found = Registration(shift, 99, 0.1, 0.1, 0.9, 0.7)
    pairs = [
        RealPair("live.png", "attack.png", "7", split, found) for split in ("dev", "train")
    ]  # fmt: skip
    (pair,) = real_bench_pairs(tmp_path, pairs)
    assert (pair.person, pair.species) == ("7", "real/celeba-spoof")
    assert np.array_equal(pair.genuine[:, :50], attack[:, :50]), "not reached"
    registered = pair.genuine[4:-4, 70:-4].astype(int) - live[4:-4, 10:-64]
    assert np.abs(registered).max() <= 1
    view = cut(pair, DEFAULT_CROP)
    assert view.noise[:, 60:].any() and not view.noise[:, :20].any()
