"""Peers: tables of scores, stress, what is kept, rates, paired tests, latency."""

import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.programs import program
from despoof.core.errors import DataError, InputError
from despoof.core.types import Face
from despoof.data.samples import Sample
from despoof.evaluation import stress
from despoof.metrics.scores import make_scores
from despoof.metrics.significance import holm

candidates, comparing, contract, figures, kept, latency, score_csv, stressing = (
    program(f"peers.{name}")
    for name in (
        "candidates",
        "comparing",
        "contract",
        "figures",
        "kept",
        "latency",
        "score_csv",
        "stressing",
    )
)
Candidate, Judged = contract.Candidate, contract.Judged


def plain(name="x", kind="ours", **changes):
    return Candidate(name=name, kind=kind, trained_on="", datasets=None, rule="", **changes)


def sample(name, live=True, subject="1"):
    label = "live" if live else "attack"
    return Sample(
        Path(name), name, "nuaa", "test", subject, "1", label, label, (1, 1, 9, 9), None, 0
    )


def test_a_table_of_scores_is_read_in_any_order_of_columns(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("score,note,path\n1e-3,x,a.png\n-2,y,b.png\n", encoding="utf-8")
    assert score_csv.read_csv(path) == {"a.png": 0.001, "b.png": -2}
    found = score_csv.candidate("mine", path)
    assert (found.name, found.kind, found.open) == ("mine", "csv", None)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "columns none; expected path and score"),
        ("path,value\na,1\n", "Add score"),
        ("path,score\n", "holds no scores"),
        ("path,score\na,1\nb,many\n", "line 3: path 'b', score 'many'"),
        ("path,score\na,nan\n", "line 2.*finite"),
        ("path,score\na\n", "line 2: path 'a', score None"),
        ("path,score\n,1\n", "line 2: path ''"),
        ("path,score\na,1\na,2\n", "line 3: 'a' was there before"),
        ('path,score\n"a,1\n', "not a CSV table"),
    ],
)
def test_a_bad_table_is_told_with_its_line(tmp_path, text, message):
    path = tmp_path / "a.csv"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(DataError, match=message):
        score_csv.read_csv(path)


def test_an_absent_table_and_a_binary_one_are_told(tmp_path):
    with pytest.raises(DataError, match="No table of scores"):
        score_csv.read_csv(tmp_path / "none.csv")
    (tmp_path / "b.csv").write_bytes(b"path,score\n\xff\xfe,1\n")
    with pytest.raises(DataError, match="UTF-8"):
        score_csv.read_csv(tmp_path / "b.csv")


def test_a_table_holds_a_set_whole_or_not_at_all():
    table = plain("t", "csv", scores={"a": 1.0, "b": 2.0})
    assert score_csv.covers(table, ["b", "a"])
    assert not score_csv.covers(table, ["c", "d"])
    with pytest.raises(DataError, match=r"1 of 2 pictures.*first without is 'c'"):
        score_csv.covers(table, ["a", "c"])


def test_options_are_names_and_paths():
    assert candidates.named(["a=b=c"], "--csv") == {"a": Path("b=c")}
    for wrong in (["a"], ["=x"], ["a="], ["a=x", "a=y"]):
        with pytest.raises(InputError, match=r"--csv .*expected name=path"):
            candidates.named(wrong, "--csv")


def test_a_run_that_was_shipped_takes_part_once(tmp_path):
    for folder, data in (("f/a", b"1"), ("r/texture/weights", b"1"), ("r/texture2/weights", b"2")):
        (tmp_path / folder).mkdir(parents=True)
        (tmp_path / folder / "model.safetensors").write_bytes(data)
    found = candidates.default_weights(tmp_path / "f", tmp_path / "r")
    assert list(found) == ["a (shipped)", "texture2"]


@settings(max_examples=25, deadline=None)
@given(st.integers(8, 60), st.integers(8, 60), st.text(max_size=8))
def test_a_stressed_picture_keeps_its_form_and_follows_from_its_name(high, wide, name):
    image = np.random.default_rng(1).integers(0, 256, (high, wide, 3), np.uint8)
    face = Face(box=(1, 1, 7, 6))
    found = stressing.stressed_picture(image, face, name)
    assert found.shape == image.shape and found.dtype == np.uint8
    assert np.array_equal(found, stressing.stressed_picture(image, face, name))
    other = stressing.stressed_picture(image, face, f"{name}!")
    assert not np.array_equal(found, other)


def test_the_blur_is_that_of_a_tight_crop_of_the_face(monkeypatch):
    seen = []
    monkeypatch.setattr(stressing, "apply_stress", lambda image, s: (seen.append(s), image)[1])
    image = np.zeros((200, 400, 3), np.uint8)
    stressing.stressed_picture(image, Face(box=(100, 50, 180, 150)), "a.png")
    drawn = stress.draw_stress(stressing.SEED, "a.png")
    # apply_stress blurs by blur × side / 128; a tight crop of this face has 1.25 × 100 px.
    assert seen[0].blur * 400 / 128 == pytest.approx(drawn.blur * 125 / 128)
    assert replace(seen[0], blur=drawn.blur) == drawn, "nothing else is changed"


def test_a_square_picture_whose_face_fills_it_as_a_tight_crop_is_that_crops_twin():
    image = np.random.default_rng(0).integers(0, 256, (100, 100, 3), np.uint8)
    found = stressing.stressed_picture(image, Face(box=(10, 10, 90, 90)), "b.png")
    assert np.array_equal(found, stress.stressed_twin(image, seed=stressing.SEED, path="b.png"))


def test_answers_are_kept_bit_for_bit_and_a_half_line_is_cut(tmp_path):
    path = tmp_path / "kept.csv"
    answers = {"a": Judged(0.1 + 0.2, True), "b": Judged(-1e-300, False), "c": Judged(7.0)}
    assert kept.read_kept(path) == {}
    for key, answer in answers.items():
        kept.add(path, key, answer)
    with path.open("a") as stream:
        stream.write("d,1.23")
    assert kept.read_kept(path) == answers
    kept.add(path, "d", Judged(2.0, True))
    assert kept.read_kept(path) == answers | {"d": Judged(2.0, True)}


def test_kept_answers_belong_to_weights_configuration_and_view(tmp_path):
    weights, config = tmp_path / "model.safetensors", tmp_path / "config.json"
    weights.write_bytes(b"1")
    config.write_text("{}")
    one = plain(files=(weights,))
    names = [kept.kept_file(tmp_path, one, stressed=False)]
    assert kept.kept_file(tmp_path, replace(one, name="y"), stressed=False) == names[0]
    names.append(kept.kept_file(tmp_path, one, stressed=True))
    config.write_text("{ }")
    names.append(kept.kept_file(tmp_path, one, stressed=False))
    weights.write_bytes(b"2")
    names.append(kept.kept_file(tmp_path, one, stressed=False))
    assert len(set(names)) == 4
    moved = replace(sample("a"), box=(1, 1, 9, 8))
    assert kept.key_of(sample("a")) == kept.key_of(sample("a", live=False)) != kept.key_of(moved)


def four():
    return [sample(str(i), live=i < 2, subject=str(i)) for i in range(4)]


def test_rates_go_by_a_peers_own_rule_not_by_a_threshold():
    answers = [Judged(0.9, False), Judged(0.2, True), Judged(0.1, True), Judged(0.3, False)]
    table = figures.table_of(("p", "s", "plain"), four(), answers, 0.0)
    row = figures.row_of(table)
    assert (row["bpcer"], row["bpcer_k"], row["bpcer_n"]) == (0.5, 1, 2)
    assert (row["apcer"], row["apcer_k"], row["apcer_n"]) == (0.5, 1, 2)
    assert row["auc"] == 0.75  # .9 over both attacks, .2 over one
    assert row["people"] == 4 and row["auc_ci95"][0] <= 0.75 <= row["auc_ci95"][1]


def test_rates_at_a_threshold_are_strict_and_without_one_there_are_none():
    answers = [Judged(s) for s in (3.0, 1.0, 1.0, 0.0)]
    at = figures.table_of(("p", "s", "plain"), four(), answers, 1.0)
    assert at.live.tolist() == [True, False, False, False]
    none = figures.row_of(figures.table_of(("p", "s", "plain"), four(), answers, None))
    assert none["apcer"] is None and none["bpcer_ci95"] is None and none["auc"] == 0.875
    part = figures.part_of(at, "t", np.array([True, False, False, True]))
    assert part.set == "t" and part.live.tolist() == [True, False] and len(part.scores) == 2


def test_a_threshold_is_the_candidates_own_else_the_dev_sets_eer():
    dev = make_scores([2.0, 4.0, 0.0, 1.0], [True, True, False, False])
    assert figures.threshold_of(plain(threshold=0.7), dev) == 0.7
    assert figures.threshold_of(plain(), dev) == pytest.approx(1.5)
    assert figures.threshold_of(plain(), None) is None


def made_table(name, quality, seed, people=20, kind="s"):
    rng = np.random.default_rng(seed)
    live = np.arange(10 * people) % 2 == 0
    score = quality * live + rng.normal(size=live.size)
    groups = [str(i // 10) for i in range(live.size)]
    return figures.Table(name, kind, "plain", make_scores(score, live, None, groups), None)


def test_what_is_better_is_told_and_what_is_equal_is_not():
    peer = made_table("peer", 0.0, 1)
    ours = [made_table("good", 4.0, 2), made_table("like it", 0.0, 3), replace(peer, candidate="=")]
    found = {row["ours"]: row for row in comparing.comparisons(ours, [peer], draws=400)}
    assert found["good"]["told_apart"] and found["good"]["difference"] > 0.3
    assert not found["like it"]["told_apart"]
    assert found["="]["difference"] == 0 and found["="]["p_permutation"] == 1
    assert [row["tests"] for row in found.values()] == [3] * 3
    for kind in ("bootstrap", "permutation"):
        p = [row[f"p_{kind}"] for row in found.values()]
        assert [row[f"p_{kind}_holm"] for row in found.values()] == pytest.approx(holm(p))
    back = comparing.comparisons([peer], ours[:1], draws=400)[0]
    assert back["difference"] == pytest.approx(-found["good"]["difference"])
    assert back["told_apart"]


def test_sets_are_families_of_their_own_and_one_person_is_no_sample():
    peers = [made_table("p", 0.0, 1, kind=kind) for kind in ("b", "a")]
    ours = [made_table("o", 1.0, 2, kind=kind) for kind in ("a", "b")]
    found = comparing.comparisons(ours, peers, draws=20)
    assert [(row["set"], row["tests"]) for row in found] == [("a", 1), ("b", 1)]
    alone = [made_table(name, 1.0, 2, people=1) for name in "op"]
    assert comparing.comparisons(alone[:1], alone[1:], draws=20) == []
    with pytest.raises(InputError, match="cannot be compared in pairs"):
        comparing.comparisons(ours[:1], [made_table("p", 0, 1, people=3, kind="a")], draws=20)


def test_latency_is_wall_time_by_threads_and_processor_time_apart():
    opened = []

    def judge(seconds):
        def opener(threads):
            opened.append(threads)
            return lambda _image, _face: (time.sleep(seconds), Judged(0.0))[1]

        return opener

    some = [plain("slow", open=judge(0.004)), plain("fast", open=judge(0.0)), plain("csv", "csv")]
    image = np.zeros((8, 8, 3), np.uint8)
    found = latency.latencies(some, image, Face(box=(1, 1, 7, 7)), rounds=5)
    assert set(found) == {"", "slow", "fast"} and opened == [1, 1, 2, 2]
    assert found["slow"]["ms_1"] >= 4 and found["slow"]["ms_2"] >= 4
    assert found["slow"]["cpu_ms"] < 4, "sleeping is no work"
    assert len(found[""]["load"]) == 2
