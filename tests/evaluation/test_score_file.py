import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from despoof.core.errors import DataError
from despoof.evaluation.score_file import (
    ScoreRow,
    clip_means,
    read_scores,
    to_scores,
    write_scores,
)

HEADER = "path,subject,label,species,score"
word = st.text(st.characters(codec="utf-8", exclude_characters="\r\n"), max_size=8)
scored = st.builds(
    ScoreRow,
    path=word.filter(bool),
    subject=word,
    label=st.just("attack"),
    species=word,
    score=st.floats(allow_nan=False, allow_infinity=False),
    split=st.sampled_from(["", "train", "dev", "test"]),
    frame=st.none() | st.integers(0, 9),
)


def written(tmp_path, *lines, encoding="utf-8"):
    path = tmp_path / "scores.csv"
    path.write_bytes("\n".join(lines).encode(encoding))
    return path


@settings(deadline=None, max_examples=30)  # each writes a file through to the disk
@given(st.lists(scored, min_size=1, max_size=6, unique_by=lambda row: (row.path, row.frame)))
def test_what_is_written_is_read_back_bit_for_bit(tmp_path_factory, rows):
    path = tmp_path_factory.mktemp("round") / "scores.csv"
    write_scores(path, rows)
    assert read_scores(path) == rows


def test_optional_columns_are_written_only_where_used(tmp_path):
    path = tmp_path / "scores.csv"
    write_scores(path, [ScoreRow("a.png", "s1", "live", "live", np.float32(0.1))])
    assert path.read_text() == f"{HEADER}\na.png,s1,live,live,{float(np.float32(0.1))!r}\n"
    write_scores(path, [ScoreRow("a.mp4", "s1", "live", "live", 0.5, split="dev", frame=0)])
    assert path.read_text().splitlines()[0] == f"{HEADER},split,frame"


def test_column_order_extra_columns_bom_and_blank_lines_are_fine(tmp_path):
    path = written(
        tmp_path,
        "score, label,extra,path,species,subject",
        "0.5,live,?,a.png,live,7",
        "",
        "-1e-3,attack,?,b.png,print/a4,",
        encoding="utf-8-sig",
    )
    assert read_scores(path) == [
        ScoreRow("a.png", "7", "live", "live", 0.5),
        ScoreRow("b.png", "", "attack", "print/a4", -0.001),
    ]


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        ([], "line 1: no column path, subject, label, species, score; found none"),
        (["path,label,score", "a,live,1"], "no column subject, species; found path, label, score"),
        ([HEADER + ",score"], "a column name comes twice"),
        ([HEADER], "holds no scores"),
        ([HEADER, "a,s,live,live,1", "b,s,live,live"], "line 3: 4 cells, but the header has 5"),
        ([HEADER, "a,s,ghost,print,1"], "line 2: label 'ghost' is unknown. Use live or attack"),
        ([HEADER, "a,s,1,print,1"], "line 2: label '1' does not say which class is live"),
        ([HEADER + ",split", "a,s,live,,1,fold"], "line 2: split 'fold' is unknown"),
        ([HEADER, "a,s,live,live,1_0"], "line 2: score '1_0' is not a number"),
        ([HEADER, "a,s,live,live,١"], "line 2: score '١' is not a number"),
        ([HEADER, "a,s,live,live,high"], "line 2: score 'high' is not a number"),
        ([HEADER, "a,s,live,live,"], "line 2: score '' is not a number"),
        ([HEADER, "a,s,live,live,1", "b,s,live,live,nan"], "line 3: score nan is not finite"),
        ([HEADER, "a,s,live,live,-inf"], "line 2: score -inf is not finite"),
        ([HEADER, ",s,live,live,1"], "line 2: the path is empty"),
        ([HEADER, "a,s,live,,1", "a,s,live,,2"], "line 3: 'a' was already scored in .*line 2"),
        ([HEADER, '"a\nb",s,live,,1'], "has a line break"),
        ([HEADER + ",frame", "a,s,live,,1,3", "a,s,live,,2,3"], "'a', frame 3, was already"),
        ([HEADER + ",frame", "a,s,live,,1,-1"], "frame '-1' is not a whole number"),
        ([HEADER + ",frame", "a,s,live,,1,1.5"], "frame '1.5' is not a whole number"),
        (
            [HEADER + ",frame", "a,s,live,,1,0", "a,s,attack,print,2,1"],
            "line 3: 'a' is attack here but live in .*line 2",
        ),
        ([HEADER, 'a,s,live,"live"x,1'], "not readable as UTF-8 CSV"),
    ],
)
def test_every_fault_is_named_with_its_line(tmp_path, lines, message):
    path = written(tmp_path, *lines)
    with pytest.raises(DataError, match=message) as caught:
        read_scores(path)
    assert str(path) in str(caught.value)


def test_missing_folders_and_binary_files(tmp_path):
    with pytest.raises(DataError, match="No score file at"):
        read_scores(tmp_path / "none.csv")
    with pytest.raises(DataError, match="not readable"):
        read_scores(tmp_path)
    (tmp_path / "binary.csv").write_bytes(b"\xff\xd8\xff\xe0")
    with pytest.raises(DataError, match="UTF-8"):
        read_scores(tmp_path / "binary.csv")


def test_nothing_unreadable_is_written(tmp_path):
    path = tmp_path / "scores.csv"
    good = ScoreRow("a", "s", "live", "", 1.0)
    bad = [
        ([], "at least one row"),
        ([good, good], "row 2 for .* already scored in row 1"),
        ([ScoreRow("a", "s", "live", "", float("nan"))], "row 1 for .* not finite"),
        ([ScoreRow("a", "s", "live", "", 1.0, frame=-1)], "frame -1 is negative"),
        ([ScoreRow("a", "s\r", "live", "", 1.0)], "line break"),
        ([ScoreRow("a", "s", "live", "", 1.0, split="eval")], "row 1 for .* split 'eval'"),
        ([ScoreRow("a", "s", "real", "", 1.0)], "row 1 for .* label 'real'"),
        ([ScoreRow("\udcff", "s", "live", "", 1.0)], "Cannot write scores"),
    ]
    for rows, message in bad:
        with pytest.raises(DataError, match=message):
            write_scores(path, rows)
    with pytest.raises(DataError, match="Cannot write scores"):
        write_scores(tmp_path / "absent" / "scores.csv", [good])
    assert list(tmp_path.iterdir()) == []


def test_groups_and_species_have_stated_fallbacks():
    rows = [
        ScoreRow("a", "7", "live", "", 1.0),
        ScoreRow("b", "", "attack", "", 0.0),
        ScoreRow("c", "7", "attack", "print/a4", 0.5),
    ]
    scores = to_scores(rows)
    assert scores.group.tolist() == ["7", "b", "7"]
    assert scores.species.tolist() == ["live", "unknown", "print/a4"]
    assert scores.live.tolist() == [True, False, False]
    assert to_scores(rows, group="path").group.tolist() == ["a", "b", "c"]


def test_frames_are_averaged_per_clip_in_order():
    rows = [
        ScoreRow("b", "1", "live", "", 0.2, frame=0),
        ScoreRow("a", "1", "live", "", 5.0),
        ScoreRow("b", "1", "live", "", 0.6, frame=9),
    ]
    assert [(row.path, row.score, row.frame) for row in clip_means(rows)] == [
        ("b", 0.4, None),
        ("a", 5.0, None),
    ]


def test_other_words_are_read_and_said(tmp_path, caplog):
    path = written(tmp_path, HEADER + ",split", "a,s,Real,,1,valid", "b,s,spoof,x,0,eval")
    assert [(row.label, row.split) for row in read_scores(path)] == [
        ("live", "dev"),
        ("attack", "test"),
    ]
    (said,) = caplog.messages
    assert str(path) in said and "'Real' was read as live" in said and "'eval'" in said


def test_what_a_spreadsheet_would_run_is_guarded_in_the_file(tmp_path):
    path = tmp_path / "scores.csv"
    rows = [
        ScoreRow("=cmd", "+s", "live", "@live", -1.5),
        ScoreRow("'=a", "-7", "live", "", -0.25, frame=3),
    ]
    write_scores(path, rows)
    assert path.read_text().splitlines()[1:] == [
        "'=cmd,'+s,live,'@live,-1.5,",
        "''=a,-7,live,,-0.25,3",
    ]
    assert read_scores(path) == rows
