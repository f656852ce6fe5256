"""Peers: the whole run on made-up pictures, and the page made from it."""

import csv
import json

import pytest
from data.made_up_data import PLAN

from benchmarks.programs import program
from benchmarks.test_peers_adapters import make_network

run, recording = program("peers.run"), program("recording")
face_antispoof, latency, minifasnet, page, pictures = (
    program(f"peers.{name}")
    for name in ("face_antispoof", "latency", "minifasnet", "page", "pictures")
)

CSV = "somebody's"


@pytest.fixture(scope="module")
def measured(tmp_path_factory, made_up_root, weights):
    """Run the program in an empty folder; give that folder, the JSON and the page."""
    pytest.importorskip("onnx")
    here = tmp_path_factory.mktemp("peers")
    for place, (name, _) in enumerate(minifasnet.NETWORKS):
        make_network(
            here / name, 80, [[0, 0, 0], [0.02 * (1 + place), 0, 0], [0, 0, 0]], [0, -3, 0]
        )
    with (here / "s.csv").open("w", newline="") as stream:
        table = csv.writer(stream)
        table.writerow(("path", "score"))
        with (made_up_root / "nuaa.csv").open(newline="") as rows:
            for number, row in enumerate(csv.DictReader(rows)):
                if row["split"] == "test":
                    table.writerow((row["path"], number % 3))
    (here / "mine").mkdir()
    for name in ("config.json", "model.safetensors"):
        (here / "mine" / name).write_bytes((weights / name).read_bytes())
    patch = pytest.MonkeyPatch()
    patch.chdir(here)
    patch.setenv("DESPOOF_DATA", str(made_up_root))
    patch.setattr(recording, "OUT", here)
    patch.setattr(page, "RESULT", here / "peers.json")
    patch.setattr(page, "PAGE", here / "peers.md")
    command = ["--peers", ".", "--csv", f"{CSV}=s.csv", "--draws", "40", "--rounds", "1"]
    command += ["--weights", f"record={weights}", "--weights", "bare=mine"]
    patch.setattr(latency, "THREADS", (1,))
    run.main(command)
    yield here, command, json.loads((here / "peers.json").read_text()), (here / "peers.md")
    patch.undo()


def test_everybody_is_measured_on_the_same_pictures(measured):
    _, _, found, _ = measured
    names = [one["name"] for one in found["candidates"]]
    assert names == ["MiniFASNet ×2 (Silent-Face)", CSV, "record", "bare"]
    assert [one["kind"] for one in found["candidates"]] == ["peer", "csv", "ours", "ours"]
    plan = {
        "nuaa test": (5, 5),  # of persons 0001 and 0012
        "nuaa test, new people": (3, 3),  # 0012 is in no training row
        "celeba-spoof dev": (8, 8),
    }
    assert sum(live for split, _, live, _ in PLAN["nuaa"] if split == "test") == 5
    for name, sizes in plan.items():
        for view in ("plain", "stressed"):
            rows = [r for r in found["rows"] if (r["set"], r["view"]) == (name, view)]
            with_csv = name.startswith("nuaa") and view == "plain"
            assert [r["candidate"] for r in rows] == [n for n in names if n != CSV or with_csv]
            assert all((r["n_live"], r["n_attack"]) == sizes for r in rows)


def test_thresholds_come_from_the_rule_the_record_or_development_pictures(measured):
    _, _, found, _ = measured
    peer, table, record, bare = found["candidates"]
    assert peer["threshold"] is None, "their rule is none"
    assert table["threshold"] is None, "it has no development scores"
    assert record["threshold"] == -1.0 and record["rule"] == "record: x dev"
    assert bare["threshold"] is not None and bare["rule"] == "EER on nuaa dev + celeba-spoof dev"
    rates = {row["candidate"]: row["apcer"] for row in found["rows"] if row["view"] == "plain"}
    assert rates[CSV] is None and rates["record"] == 1.0, "-1 calls all live"


def test_only_the_missing_peer_is_skipped_and_said_to_be(measured):
    _, _, found, text = measured
    assert len(found["skipped"]) == 1 and face_antispoof.FILE in found["skipped"][0]
    assert f"Skipped: {found['skipped'][0]}" in text.read_text()


def test_people_are_what_tests_count(measured):
    _, _, found, _ = measured
    # Two people on NUAA test; one new one and one of CelebA-Spoof: no test there.
    assert {test["set"] for test in found["tests"]} == {"nuaa test"}
    assert len(found["tests"]) == 4 + 2  # two of ours against two, and one with stressed pictures
    one = next(r for r in found["rows"] if r["set"] == "celeba-spoof dev")
    assert one["people"] == 1 and one["auc_ci95"] is None


def test_the_page_holds_every_figure_and_no_empty_place(measured):
    _, _, found, path = measured
    text = path.read_text()
    assert "<!--" not in text and "nan" not in text
    for row in found["rows"]:
        assert f"{row['auc']:.3f}" in text and row["candidate"] in text
    assert text.count("### ") == 6
    assert "yes, perhaps these pictures" not in text, "the one that it is true of is not here"
    assert "All pictures of the sets" in text


def test_a_second_run_judges_nothing_anew_and_the_page_alone_can_be_made(measured, monkeypatch):
    here, command, found, path = measured

    def never(*_, **__):
        raise AssertionError("judged again")

    monkeypatch.setattr(pictures, "judge_picture", never)
    run.main([*command, "--every", "2", "--rounds", "0"])
    again = json.loads((here / "peers.json").read_text())
    assert again["every"] == 2 and "only each 2th" not in path.read_text()
    assert "each 2nd picture" in path.read_text()
    first = {c["name"]: c["parameters"] for c in found["candidates"]}
    assert first == {c["name"]: c["parameters"] for c in again["candidates"]}
    path.unlink()
    run.main(["--page"])
    assert path.exists()


def test_a_wrong_option_ends_in_a_sentence(measured):
    with pytest.raises(SystemExit, match=r"No table of scores at none\.csv"):
        run.main(["--csv", "a=none.csv", "--weights", f"x={measured[0] / 'mine'}"])
    with pytest.raises(SystemExit, match="does not hold a readable system"):
        run.main(["--weights", "x=nowhere"])


@pytest.mark.parametrize(
    ("kind", "datasets", "name", "words"),
    [
        ("peer", None, "nuaa test", "not known"),
        ("peer", ["celeba-spoof"], "nuaa test", "no"),
        ("peer", ["celeba-spoof"], "celeba-spoof dev", "yes, perhaps these pictures"),
        ("ours", ["celeba-spoof", "nuaa"], "celeba-spoof dev", "yes, other people"),
        ("ours", ["nuaa"], "nuaa test, new people", "yes, other people"),
        ("ours", ["nuaa"], "nuaa test", "yes, also these people"),
    ],
)
def test_who_knows_a_set_is_said(kind, datasets, name, words):
    assert page.seen({"kind": kind, "datasets": datasets}, name) == words
