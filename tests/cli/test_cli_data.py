"""`despoof data list`, `index`, `protocol` and `verify`: exit codes, JSON, files."""

import csv
import json
import shutil
from dataclasses import replace

import pytest
import yaml
from data.datasets.checks import plant
from data.datasets.trees_video_sets import casia, msu, replay
from data.made_up_data import make_data_root

from despoof.data.manifest import of_split, read_manifest
from despoof.data.manifest_writer import write_manifest
from despoof.systems.records import RECORDS


@pytest.fixture(scope="module")
def table(tmp_path_factory):
    return make_data_root(tmp_path_factory.mktemp("data")) / "nuaa.csv"


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    return plant(tmp_path_factory.mktemp("sets") / "msu", msu())


def test_list_names_every_dataset_and_one_in_full(cli):
    done = cli("data", "list")
    assert done.code == 0
    for name in ("oulu-npu", "nuaa", "ocim-to-msu-mfsd-strict", "unseen-<species>", "by-person"):
        assert name in done.out
    done = cli("data", "list", "nuaa")
    assert done.code == 0 and "3362 + 5761" in done.out and "Unverified: " in done.out
    assert "ClientRaw" in done.out


def test_list_as_json(cli):
    (plain,) = map(json.loads, cli("data", "list", "--json").out.splitlines())
    nuaa = next(one for one in plain["datasets"] if one["name"] == "nuaa")
    official = nuaa["protocols"][0]
    assert official["counts"] == {"test": {"live": 3362, "attack": 5761}}
    assert not official["disjoint"] and nuaa["unverified"] and nuaa["terms"]
    assert "casia-to-replay" in [one["name"] for one in plain["across"]]
    (plain,) = map(json.loads, cli("data", "list", "oulu-npu", "--json").out.splitlines())
    assert [one["name"] for one in plain["datasets"]] == ["oulu-npu"] and "across" not in plain


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_index_then_protocol(cli, root, tmp_path, suffix):
    if suffix == "parquet":
        pytest.importorskip("polars")
    table = tmp_path / f"msu.{suffix}"
    done = cli("data", "index", "msu-mfsd", root, "-o", table)
    assert done.code == 0, done.err
    assert "280 clips" in done.out and len(read_manifest(table)) == 280
    done = cli("data", "protocol", table, "official", "--json")
    assert done.code == 0 and json.loads(done.out) == {
        "train": {"live": 30, "attack": 90},
        "dev": {"live": 0, "attack": 0},
        "test": {"live": 40, "attack": 120},
    }


def test_index_tells_problems_by_count_and_example(cli, tmp_path):
    names = [name for name in msu() if "client013" not in name]
    root = plant(tmp_path / "msu", [*names, "scene01/real/strange.mp4"])
    done = cli("data", "index", "msu-mfsd", root, "-o", tmp_path / "m.csv")
    assert done.code == 2 and len(read_manifest(tmp_path / "m.csv")) == 272
    assert "8 files that should be there, e.g. scene01/" in done.out
    assert "e.g. scene01/real/strange.mp4" in done.out
    done = cli("data", "index", "msu-mfsd", root, "-o", tmp_path / "m.csv", "--json")
    plain = json.loads(done.out)
    assert done.code == 2 and plain["n"] == 272 and plain["splits"]["train"]["attack"] == 90
    assert {problem["count"] for problem in plain["problems"]} == {1, 8}


def test_protocol_writes_a_manifest_that_score_takes(cli, table, tmp_path, weights):
    out = tmp_path / "official.csv"
    done = cli("data", "protocol", table, "official", "-o", out)
    assert done.code == 0 and "official: 34 of 34 clips" in done.out and "Note: " in done.out
    clips = read_manifest(out)
    assert {clip.subject for clip in of_split(clips, "dev")} == {"0004"}
    before = {clip.path: clip for clip in read_manifest(table)}
    for clip in clips:
        assert clip.box == before[clip.path].box and clip.extra == before[clip.path].extra
        assert (clip.landmarks == before[clip.path].landmarks).all()
    scores = tmp_path / "scores.csv"
    done = cli("score", out, "--split", "dev", "-o", scores, "--weights", weights)
    assert done.code == 0 and "12 scored" in done.out


def test_protocols_across_manifests(cli, tmp_path):
    tables = []
    for name, names in (("casia-mfsd", casia()), ("replay-attack", replay())):
        tables.append(tmp_path / f"{name}.csv")
        done = cli("data", "index", name, plant(tmp_path / name, names), "-o", tables[-1])
        assert done.code == 0, done.out
    done = cli("data", "protocol", *tables, "casia-to-replay", "--json")
    assert json.loads(done.out)["test"] == {"live": 80, "attack": 400}


def test_verify_tells_sound_from_leaking(cli, table, tmp_path):
    done = cli("data", "verify", table, "--no-faces", "--json")
    plain = json.loads(done.out)
    assert plain["n"] == 34
    folder = shutil.copytree(table.parent, tmp_path / "copy")
    clips = read_manifest(folder / "nuaa.csv")
    train, test = of_split(clips, "train")[0], of_split(clips, "test")[0]
    shutil.copy(train.path, test.path)
    of_split(clips, "test")[1].path.unlink()
    done = cli("data", "verify", folder / "nuaa.csv", "--no-faces")
    assert done.code == 2 and "leaks" in done.out and "files that are missing" in done.out
    assert f"{train.name} = {test.name}" in done.out
    done = cli("data", "verify", folder / "nuaa.csv", "--no-faces", "--json")
    assert done.code == 2 and not json.loads(done.out)["ok"]


def test_verify_passes_what_has_remarks_only(cli, tmp_path, portrait):
    from PIL import Image

    Image.fromarray(portrait).save(tmp_path / "a.png")
    (tmp_path / "m.csv").write_text("path,label\na.png,live\n")
    done = cli("data", "verify", tmp_path / "m.csv")
    assert done.code == 0 and "1 clips looked at: 0 kinds of errors" in done.out


@pytest.fixture
def call(cli, table, root, tmp_path):
    """Call `despoof data …` with {table}, {root} and {tmp} put in."""

    def run(arguments):
        words = [one.format(table=table, root=root, tmp=tmp_path) for one in arguments]
        return cli("data", *words)

    return run


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["list", "oulu_npu"], "Did you mean oulu-npu"),
        (["index", "oulu", "{root}", "-o", "{tmp}/m.csv"], "Did you mean oulu-npu"),
        (["index", "oulu-npu", "{root}", "-o", "{tmp}/m.txt"], "End it in .csv"),
        (["index", "oulu-npu", "{root}"], "Missing option"),
        (["protocol", "{table}"], "NAME of a protocol"),
        (["protocol", "{tmp}/none.csv", "official"], "There is no file"),
        (["protocol", "{table}", "official", "-o", "{tmp}"], "End it in .csv"),
        (["verify", "{tmp}/none.csv"], "There is no file"),
        (["verify"], "Missing argument"),
    ],
)
def test_wrong_usage_is_64(call, arguments, words):
    done = call(arguments)
    assert done.code == 64 and words in done.err and done.err.count("\n") == 1


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["index", "oulu-npu", "{root}", "-o", "{tmp}/m.csv"], "is not OULU-NPU"),
        (["protocol", "{table}", "offical"], "Did you mean official"),
        (["protocol", "{table}", "ocim-to-msu-mfsd"], "needs clips of"),
    ],
)
def test_what_cannot_be_done_is_2(call, tmp_path, arguments, words):
    done = call(arguments)
    assert done.code == 2 and words in done.err and not (tmp_path / "m.csv").exists()


@pytest.mark.parametrize("command", ["list", "index", "protocol", "verify", "audit"])
def test_help_has_an_example(cli, command):
    done = cli("data", command, "--help")
    assert done.code == 0 and "Example: despoof data" in done.out


def test_cut_gives_training_what_a_manifest_lists(cli, tmp_path, table):
    """Index, divide, cut, train, score: a set of one's own from files to figures."""
    with table.open(encoding="utf-8") as stream:
        rows = [row for row in csv.DictReader(stream) if row["split"] != "test"]
    manifest = tmp_path / "own.csv"
    with manifest.open("w", newline="", encoding="utf-8") as stream:
        columns = ("path", "dataset", "subject", "label", "species", "box", "landmarks")
        written = csv.DictWriter(stream, columns, extrasaction="ignore")
        written.writeheader()
        for row in rows:
            place = {"path": str(table.parent / row["path"]), "dataset": "own"}
            written.writerow(row | place | {"subject": f"P{row['subject']}"})
    done = cli("data", "protocol", manifest, "by-person", "-o", tmp_path / "divided.csv")
    assert done.code == 0, done.err
    done = cli("data", "cut", tmp_path / "own.csv", "-o", tmp_path / "cut")
    assert done.code != 0 and "despoof data protocol" in done.err

    clips = [
        replace(c, split=("train", "dev")[c.subject == "P0004"]) for c in read_manifest(manifest)
    ]
    write_manifest(tmp_path / "divided.csv", clips)
    done = cli("data", "cut", tmp_path / "divided.csv", "-o", tmp_path / "cut", "--json")
    assert done.code == 0, done.err
    (found,) = json.loads(done.out)
    assert found["pictures"] == {
        "dev attack": 6, "dev live": 6, "train attack": 6, "train live": 6,
    }  # fmt: skip
    record = RECORDS["rgb-baseline"]
    values = {
        "system": "rgb-baseline",
        "output": str(tmp_path / "run"),
        "model": record.tiny,
        "data": {
            "root": str(tmp_path / "cut"),
            "cache": str(tmp_path / "cache"),
            "batch_size": 4,
            "sources": [{"dataset": "own", "label": x, "weight": 1} for x in ("live", "attack")],
            "dev": ["own"],
        },
        "train": {"steps": 2, "validate_every": 2, "checkpoint_every": 2},
    }
    (tmp_path / "own.yaml").write_text(yaml.safe_dump(values))
    done = cli("train", tmp_path / "own.yaml")
    assert done.code == 0, done.err
    (journal,) = (tmp_path / "run").rglob("metrics.jsonl")
    assert "auc/own" in journal.read_text()
    done = cli("train", tmp_path / "own.yaml", "--set", "data.dev=[absent]", "--fresh")
    assert done.code != 0 and "Tables there: own" in done.err
