import csv
import io
import json
import math
import re
import warnings
from dataclasses import replace
from html.parser import HTMLParser

import numpy as np
import pytest

from despoof.core.errors import DataError, InputError
from despoof.evaluation import report
from despoof.evaluation.report import ORACLE, judge
from despoof.evaluation.report_compare import compare, plain_pair
from despoof.evaluation.report_errors import thumbnail, worst_errors
from despoof.evaluation.report_folder import write_report
from despoof.evaluation.report_html import p_value, percent, render
from despoof.evaluation.report_plain import plain_judgement, table_csv
from despoof.evaluation.score_formats import ScoreTable
from despoof.metrics.rates import make_rate

KEYS = [
    "n_live", "n_attack", "auc", "eer", "eer_threshold", "threshold", "apcer_pooled",
    "apcer_max", "apcer_by_species", "bpcer", "acer_pooled", "acer_max", "hter", "bpcer10",
    "bpcer20", "bpcer100",
]  # fmt: skip
RATES = [
    "eer", "apcer_pooled", "apcer_max", "bpcer", "acer_pooled", "acer_max", "hter", "bpcer10",
    "bpcer20", "bpcer100",
]  # fmt: skip


def table(seed=0, n=120, gap=2.0, source="sys.csv", subjects=12, **extra):
    rng = np.random.default_rng(seed)
    shared = np.random.default_rng(99).normal(0, 1, 2 * n)
    live = np.arange(2 * n) < n
    return ScoreTable(
        source=source,
        path=[f"{'live' if i < n else 'attack'}{i}.png" for i in range(2 * n)],
        subject=[f"s{i % subjects}" if subjects else "" for i in range(2 * n)],
        species=["" if i < n else ("print/a4", "replay/phone")[i % 2] for i in range(2 * n)],
        live=live,
        score=np.round(gap * live + shared + rng.normal(0, 0.5, 2 * n), 6),
        extra={
            name: [values[i % len(values)] for i in range(2 * n)] for name, values in extra.items()
        },
    )


@pytest.fixture(scope="module")
def judged():
    extra = {"device": ["cam", "phone", "tab"], "session": ["1", "2"], "fold": ["a", "b", "c"]}
    dev = table(5, source="dev.csv", **extra)
    return judge(table(1, **extra), dev, name="good"), judge(table(2, gap=1.0), dev, name="weak")


def test_json_has_the_agreed_keys_with_counts_and_intervals(judged):
    values = json.loads(json.dumps(plain_judgement(judged[0]), allow_nan=False))
    assert set(KEYS) <= set(values)
    for name in RATES:
        assert {f"{name}_ci95", f"{name}_k", f"{name}_n"} <= set(values)
        if values[name] is not None:
            low, high = values[f"{name}_ci95"]
            assert 0 <= low <= values[name] <= high <= 1
    assert values["bpcer"] == values["bpcer_k"] / values["bpcer_n"]
    k, n = values["acer_max_k"], values["acer_max_n"]
    assert values["acer_max"] == pytest.approx((k[0] / n[0] + k[1] / n[1]) / 2)
    assert values["apcer_max"] == max(values["apcer_by_species"].values())
    assert set(values["apcer_by_species_ci95"]) == {"print/a4", "replay/phone"}
    assert values["bpcer100"] is None and values["bpcer100_ci95"] is None  # 60 attacks a species
    assert 0 <= values["bpcer100_at_most"] <= 1 and values["bpcer20"] is not None
    for name in ("hter", "bpcer10", "bpcer20"):
        low, high = values[f"{name}_group_ci95"]
        assert low <= values[name] <= high
    assert "bpcer100_group_ci95" not in values
    assert values["threshold_chosen"].startswith("dev EER") and values["oracle"] is False
    assert set(values["by_device"]) == {"cam", "phone", "tab"} and len(values["folds"]) == 3
    mean, spread = values["fold_mean_sd"]["bpcer"]
    assert mean == pytest.approx(np.mean([f["bpcer"] for f in values["folds"]])) and spread > 0
    assert "fold" in judged[0].folds[0].threshold.chosen


def test_without_dev_or_threshold_everything_says_oracle(tmp_path):
    found = judge(table(), draws=0)
    assert found.oracle and found.row.threshold.chosen.startswith(ORACLE) and not found.grouped
    values = plain_judgement(found)
    assert values["oracle"] is True and ORACLE in values["threshold_chosen"]
    assert any("oracle" in note for note in values["notes"])
    write_report(tmp_path, [found])
    assert "Oracle: chosen on these scores" in (tmp_path / "report.html").read_text()
    for path in tmp_path.glob("*.csv"):
        assert all(ORACLE in line for line in path.read_text().splitlines()[1:]), path.name
    assert ORACLE in (tmp_path / "report.json").read_text()


def test_a_given_threshold_is_used_as_it_is():
    found = judge(table(), threshold=1.25, draws=0)
    assert found.row.threshold.value == 1.25 and found.row.threshold.chosen == "given"
    with pytest.raises(InputError, match="leave one of them out"):
        judge(table(), table(), 1.0)


def test_one_class_is_enough_at_a_given_threshold(tmp_path):
    whole = table()
    live = whole.take(np.flatnonzero(whole.live))
    found = judge(live, threshold=1.0)
    values = plain_judgement(found)
    assert values["auc"] is values["eer"] is values["apcer_max"] is values["bpcer10"] is None
    assert values["bpcer_n"] == 120 and values["apcer_by_species"] == {}
    assert write_report(tmp_path, [found]).exists()
    with pytest.raises(DataError, match="120 live and 0 attack presentations"):
        judge(live)
    attack = whole.take(np.flatnonzero(~whole.live))
    assert plain_judgement(judge(attack, threshold=1.0))["bpcer"] is None


def test_dev_rows_of_the_file_choose_and_only_test_rows_are_judged():
    found = judge(table(split=["dev", "test", "test"]), draws=0)
    assert len(found.table) == 160 and not found.oracle
    assert "n = 80" in found.row.threshold.chosen and "split test" in found.notes[0]
    assert judge(table(split=["train", "test"]), draws=0).oracle


def test_notes_on_subjects_and_bootstrap_strata(monkeypatch):
    assert "No subjects" in judge(table(subjects=0), threshold=1.0, draws=0).notes[-1]
    few = judge(table(subjects=3), threshold=1.0, draws=200)
    assert "Only 3 live and 3 attack subjects" in few.notes[-1] and few.grouped
    assert judge(table(subjects=1), threshold=1.0, draws=200).grouped == {}
    lonely = table()
    lonely.species[-1] = "mask/one"
    assert judge(lonely, threshold=1.0, draws=200).grouped  # strata fall back to classes
    monkeypatch.setattr(report, "WORK", 1000)
    assert judge(table(), threshold=1.0).grouped == {}


def test_parts_are_counted_by_hand(judged):
    found = judged[0]
    wrong = (found.table.score > found.row.threshold.value) != found.table.live
    for part in found.parts["device"]:
        here = np.array(found.table.extra["device"]) == part.key
        assert part.bpcer == make_rate(
            int((wrong & here & found.table.live).sum()), int((here & found.table.live).sum())
        )
        assert part.apcer.k == (wrong & here & ~found.table.live).sum()


def test_non_responses_beside_the_file_are_counted(tmp_path):
    source = tmp_path / "sys.csv"
    source.write_text("")
    listed = tmp_path / "sys.errors.csv"
    listed.write_text("path,label,outcome\na,live,failed\nb,attack,failed\nc,live,undecided\n")
    values = plain_judgement(judge(table(source=str(source)), threshold=1.0, draws=0))
    assert (values["bpnrr_k"], values["bpnrr_n"], values["apnrr_k"]) == (1, 121, 1)
    assert values["bpcer_with_non_responses_k"] == values["bpcer_k"] + 1
    assert "undecided" in values["non_response_policy"]
    assert "Non-responses" in render([judge(table(source=str(source)), threshold=1.0, draws=0)])
    listed.write_text("path\nx\n")
    with pytest.raises(DataError, match=r"sys\.errors\.csv is not a readable list"):
        judge(table(source=str(source)), threshold=1.0)


def test_comparison_is_paired_and_adjusted(judged):
    third = judge(table(1), threshold=judged[0].row.threshold.value, name="same", draws=0)
    pairs = compare([*judged, third], draws=300)
    assert [(p.first, p.second) for p in pairs] == [
        ("good", "weak"), ("good", "same"), ("weak", "same")
    ]  # fmt: skip
    worse, equal, better = pairs
    assert worse.hter.difference > 0 > worse.auc.difference and worse.hter.p < 0.05
    assert worse.hter.low <= worse.hter.difference <= worse.hter.high
    assert worse.auc.p_holm >= worse.auc.p and worse.left_out == 0 and not worse.oracle
    assert equal.hter.difference == 0 and equal.hter.p == equal.auc.p == 1
    assert equal.decisions.p == 1 and better.hter.difference == -worse.hter.difference
    values = plain_pair(worse)
    assert values["auc_difference"] == values["auc_second"] - values["auc_first"]
    assert values["only_second_wrong"] > values["only_first_wrong"]
    json.dumps(values, allow_nan=False)


def test_comparison_of_separated_systems_and_of_one_subject():
    a, b = table(1, gap=50.0, subjects=2), table(2, gap=50.0, subjects=2)
    b.score[0] = -60
    (pair,) = compare([judge(a, threshold=25.0, draws=0), judge(b, threshold=25.0, draws=0)])
    assert pair.auc.p > 0.05 and pair.hter.first == 0
    ones = [judge(table(i, subjects=1), threshold=1.0, draws=0, name=str(i)) for i in range(2)]
    (pair,) = compare(ones, draws=300)
    assert pair.auc.low is None and pair.auc.method == "permutation" and pair.hter.low is None
    assert plain_pair(pair)["hter_difference_ci95"] is None
    assert compare(ones, draws=10)[0].hter.low is None


def test_only_common_presentations_of_one_label_are_compared():
    whole = table()
    some = whole.take(range(20, 240))
    pair = compare([judge(whole, draws=0), judge(some, threshold=1.0, draws=0)], draws=0)[0]
    assert (pair.n_live, pair.n_attack, pair.left_out, pair.oracle) == (100, 120, 20, True)
    with pytest.raises(DataError, match="share 0 live and 120 attack"):
        compare([judge(whole, draws=0), judge(whole.take(range(120, 240)), threshold=1.0)])
    other = table()
    other.live[0] = False
    with pytest.raises(DataError, match=r"'live0\.png' is live in one"):
        compare([judge(whole, draws=0), judge(other, draws=0)])


class _Page(HTMLParser):
    """Collects what a page would fetch, its ids, and whether its tags are balanced."""

    VOID = frozenset({"meta", "img", "br", "link", "input"})

    def __init__(self, text):
        super().__init__()
        self.open, self.fetched, self.ids, self.viewport = [], [], [], False
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        values = dict(attributes)
        self.ids += [values["id"]] if "id" in values else []
        for name in ("src", "href", "xlink:href"):
            target = values.get(name) or "#"
            if not target.startswith(("#", "data:image/")):
                self.fetched.append(target)
        self.viewport |= values.get("name") == "viewport"
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attributes):
        self.handle_starttag(tag, attributes)
        if tag not in self.VOID:
            self.open.pop()

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def test_the_page_needs_nothing_and_shows_everything(judged, tmp_path):
    from PIL import Image

    for found in judged:
        for name in found.table.path[::3]:
            Image.new("RGB", (40, 60), "red").save(tmp_path / name)
    audit = {
        "n_live": 3, "n_attack": 4, "limit": 0.9, "can_rank": False, "verdict": "cannot rank",
        "cues": [{"name": "sharpness", "strength": 0.95, "strength_ci95": [0.9, 0.99],
                  "higher_means": "live", "flagged": True},
                 {"name": "bytes", "strength": 0.5, "strength_ci95": None, "flagged": False}],
    }  # fmt: skip
    pairs = compare(judged, draws=300)
    page = write_report(tmp_path / "out", judged, pairs, images=[tmp_path], audit=audit)
    text = page.read_text()
    parsed = _Page(text)
    assert not parsed.open and not parsed.fetched and parsed.viewport
    assert len(parsed.ids) == len(set(parsed.ids))
    assert set(re.findall(r"url\(#([^)]+)\)", text)) <= set(parsed.ids)
    assert "<script" not in text and "@media print" in text
    assert text.count("<svg") == 7 and text.count("data:image/jpeg") >= 1
    for words in ("print/a4", "worst case", "By device", "By session", "By subject", "mean ± sd",
                  "Worst errors", "Shortcut audit", "exceeds 0.9", "How every number was made",
                  "n/a", "Wilson", "McNemar", "no picture"):  # fmt: skip
        assert words in text, words
    names = {path.name for path in (tmp_path / "out").iterdir()}
    assert names == {"report.html", "report.json"} | {
        f"{name}.csv" for name in
        ("summary", "species", "subject", "device", "session", "fold", "errors", "comparison",
         "cues")
    }  # fmt: skip
    saved = json.loads((tmp_path / "out" / "report.json").read_text())
    assert len(saved["systems"]) == 2 and len(saved["comparisons"]) == 1 and saved["audit"] == audit
    rows = list(csv.DictReader(io.StringIO((tmp_path / "out" / "summary.csv").read_text())))
    assert [row["system"] for row in rows] == ["good", "weak"]
    assert float(rows[0]["bpcer"]) == saved["systems"][0]["bpcer"]


def test_names_cannot_break_the_page():
    bad = table()
    bad.species[-1] = "<script>alert(1)</script>"
    bad.subject[0] = "$x$ <b>"
    text = render([judge(bad, threshold=1.0, draws=0, name="<i>&$m$")])
    assert "<script" not in text and "&lt;i&gt;" in text
    assert not _Page(text).open


def test_many_subjects_are_cut_on_the_page_and_whole_in_the_table(tmp_path):
    found = judge(table(subjects=70), threshold=1.0, draws=0)
    write_report(tmp_path, [found])
    assert "The 40 of 70 with the most errors" in (tmp_path / "report.html").read_text()
    assert len((tmp_path / "subject.csv").read_text().splitlines()) == 71


def test_odd_scores_can_be_drawn(tmp_path):
    species = table()
    for i in range(120, 240):
        species.species[i] = f"kind/{i % 12}"
    same = table()
    same.score[:] = 0.5
    apart = table(gap=1000.0)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        text = render([judge(t, threshold=0.5, draws=0, name=str(i)) for i, t in
                       enumerate((species, same, apart))])  # fmt: skip
    assert "4 species not drawn" in text
    species = replace(species)  # a table keeps what was made of it
    for i, name in enumerate(("$x", "_hidden", "手机")):
        species.species[120 + i :: 3] = [name] * len(species.species[120 + i :: 3])
    names = render([judge(species, threshold=0.5, draws=0)])
    assert all(f">{name}</text>" in names for name in ("$x", " _hidden", "手机"))
    assert "No wrong decision at this threshold" in render([judge(apart, threshold=500.0)])


def test_worst_errors_come_first_and_pictures_only_where_there_are_any(tmp_path, portrait):
    from PIL import Image

    made = table()
    worst = worst_errors(made, 1.0, count=5)
    margins = [one.margin for one in worst]
    assert margins == sorted(margins, reverse=True) and len(worst) == 5
    assert all((one.score > 1.0) != (one.label == "live") for one in worst)
    Image.fromarray(portrait).save(tmp_path / "a.png")
    (tmp_path / "broken.png").write_bytes(b"no picture")
    assert thumbnail("a.png", [tmp_path / "nowhere", tmp_path]).startswith("data:image/jpeg;base64")
    assert thumbnail("broken.png", [tmp_path]) == thumbnail("none.png", [tmp_path]) == ""


def test_only_what_lies_below_the_roots_is_embedded(tmp_path, portrait):
    from PIL import Image

    root, other = tmp_path / "root", tmp_path / "rooted"
    for folder in (root / "sub", other):
        folder.mkdir(parents=True)
        Image.fromarray(portrait).save(folder / "a.png")
    (root / "link.png").symlink_to(other / "a.png")
    (root / "inner.png").symlink_to(root / "sub" / "a.png")
    for name in ("sub/a.png", "sub/../sub/a.png", "inner.png", str(root / "sub/a.png")):
        assert thumbnail(name, [root]).startswith("data:image/jpeg")
    outside = ["../rooted/a.png", "sub/../../rooted/a.png", str(other / "a.png"), "link.png"]
    for name in [*outside, "x" * 300 + ".png", "a\0b.png"]:
        assert thumbnail(name, [root]) == ""
    assert thumbnail("../rooted/a.png", [root, tmp_path]) == ""
    assert thumbnail(str(other / "a.png"), [root, tmp_path]).startswith("data:image/jpeg")


def test_an_unwritable_folder_is_named(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(DataError, match="report cannot be written"):
        write_report(tmp_path / "file", [judge(table(), draws=0)])


def test_numbers_are_written_for_people():
    assert [percent(x) for x in (0, 0.5, 0.001, 0.00012)] == ["0.00", "50.00", "0.10", "0.012"]
    assert [p_value(p) for p in (1e-9, 0.03, 0.5)] == ["< 0.0001", "0.0300", "0.50"]
    assert table_csv([{"a": 1, "b": [1, 2]}, {"c": None}]) == "a,b,c\n1,1;2,\n,,\n"
    assert math.isclose(make_rate(1, 4).value, 0.25)


def test_report_tables_guard_what_a_spreadsheet_would_run():
    rows = [
        {"system": "=cmd|x", "score": -1.5, "path": "-a", "n": 3},
        {"system": "+1", "path": "b"},
    ]
    assert table_csv(rows) == "system,score,path,n\n'=cmd|x,-1.5,'-a,3\n+1,,b,\n"
