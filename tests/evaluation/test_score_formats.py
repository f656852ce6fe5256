import numpy as np
import pytest

from despoof.core.errors import DataError, InputError
from despoof.evaluation.score_formats import parse_columns, read_table

HEADER = "path,subject,label,species,score"


def written(tmp_path, *lines, name="scores.csv"):
    path = tmp_path / name
    path.write_text("\n".join(lines) + "\n")
    return path


def test_our_own_file_with_extras(tmp_path):
    path = written(
        tmp_path,
        HEADER + ",device,session,split,ignored",
        "a,s1,live,,0.9,cam1,1,test,?",
        "b,,attack,print/a4,0.1,cam2,2,dev,?",
        "c,s1,attack,,0.2,cam2,2,test,?",
    )
    table = read_table(path)
    assert table.source == str(path) and len(table) == 3 and table.notes == ()
    assert table.live.tolist() == [True, False, False]
    assert table.extra == {
        "split": ["test", "dev", "test"],
        "device": ["cam1", "cam2", "cam2"],
        "session": ["1", "2", "2"],
    }
    scores = table.scores()
    assert scores.species.tolist() == ["live", "print/a4", "unknown"]
    assert scores.group.tolist() == ["s1", "b", "s1"]
    assert table.splits() == {"dev", "test"} and table.is_test()
    dev = table.development()
    assert dev.path == ["b"] and "split dev" in dev.notes[0] and not dev.is_test()
    assert dev.development() is dev


def test_test_rows_alone_are_all_there_is_to_develop_on(tmp_path):
    table = read_table(written(tmp_path, HEADER + ",split", "a,,live,,1,test", "b,,attack,,0,test"))
    assert table.development() is table


def test_frames_become_clips(tmp_path):
    path = written(
        tmp_path, HEADER + ",frame", "b,s,live,,0.25,0", "a,s,attack,x,5,", "b,s,live,,0.75,7"
    )
    table = read_table(path)
    assert table.path == ["b", "a"] and table.score.tolist() == [0.5, 5.0]
    assert "frame" not in table.extra
    assert table.notes == ("3 frames were averaged to 2 clips; every figure is of clips.",)


@pytest.mark.parametrize("width", [4, 5])
def test_biometric_score_files(tmp_path, width):
    model = " m1" if width == 5 else ""
    lines = [
        f"7{model} 7 real/7_1 0.75",
        "",
        f"7{model} print/a4 fake/7 -1e-1",
        f"8{model} attack x 0",
    ]
    table = read_table(written(tmp_path, *lines, name="scores-dev"))
    assert table.path == ["real/7_1", "fake/7", "x"] and table.subject == ["7", "7", "8"]
    assert table.live.tolist() == [True, False, False] and table.score.tolist() == [0.75, -0.1, 0]
    assert table.species == ["", "print/a4", ""] and f"{width}-column" in table.notes[0]


def test_columns_of_others_with_their_values_and_direction(tmp_path):
    path = written(tmp_path, "id;x,truth,p", "a,1,0", "b,0,0.9", "c,2,0.8", name="x.csv")
    table = read_table(
        path, parse_columns("score=p,label=truth,live=1,attack=0|2"), higher_is_attack=True
    )
    assert table.path == ["row 1", "row 2", "row 3"] and table.subject == ["", "", ""]
    assert table.score.tolist() == [0, -0.9, -0.8] and not np.signbit(table.score[0])
    assert "times −1" in table.notes[-1]
    assert table.scores().group.tolist() == ["row 1", "row 2", "row 3"]


@pytest.mark.parametrize("text", ["score", "score=", "scroe=x", "score=a,score=b", ""])
def test_bad_columns_are_usage_errors(text):
    with pytest.raises(InputError, match="OURS=THEIRS"):
        parse_columns(text)


@pytest.mark.parametrize("text", ["live=1,attack=1", "live=0|1,attack=1|2"])
def test_a_value_cannot_be_both_classes(text):
    with pytest.raises(InputError, match="'1' is live and attack"):
        parse_columns(text)


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        ([], "line 1: no column label, path, score, species, subject; found none"),
        (["path,label,score", "a,live,1"], "no column species, subject; found path, label, score"),
        ([HEADER + ",score"], "column 'score' comes twice"),
        ([HEADER], "holds no scores"),
        ([HEADER, "a,s,live,live,1", "b,s,live,live"], "line 3: 4 cells, the header has 5"),
        ([HEADER, "", "a,s,ghost,print,1"], "line 3: label 'ghost' is unknown. Use live or"),
        ([HEADER, "a,s,live,,1", "b,s,1,,1"], "line 3: label '1' .* in many sets 1 is the attack"),
        ([HEADER, "a,s,0,,1"], "line 2: label '0' .*--columns live="),
        ([HEADER + ",split", "a,s,live,,1,dev", "b,s,live,,1,x"], "line 3: split 'x' is unknown"),
        ([HEADER, "a,s,live,live,1_0"], "line 2: score '1_0' is not a number"),
        ([HEADER, "a,s,live,,1", "b,s,live,live,٣"], "line 3: score '٣' is not a number"),
        (["7 7 p 0.1", "7 7 q 1_0"], "line 2: score '1_0' is not a number"),
        ([HEADER, "a,s,live,live,high"], "line 2: score 'high' is not a number"),
        ([HEADER, "a,s,live,live,1", "b,s,live,live,nan"], "line 3: score 'nan' is not finite"),
        ([HEADER, "a,s,live,live,-inf"], "line 2: score '-inf' is not finite"),
        ([HEADER, ",s,live,live,1"], "line 2: the path is empty"),
        ([HEADER, "a,s,live,,1", "a,s,live,,2"], "line 3: 'a' was already scored in .*line 2"),
        ([HEADER + ",frame", "a,s,live,,1,3", "a,s,live,,2,3"], "line 3: 'a' was already"),
        ([HEADER + ",frame", "a,s,live,,1,-1"], "line 2: frame '-1' is not a whole number"),
        ([HEADER + ",frame", "a,s,live,,1,0", "a,s,attack,,1,1"], "line 3: 'a' is live and attack"),
        ([HEADER + ",frame", "a,,live,,1e308,0", "a,,live,,1e308,1"], "a clip overflows"),
        ([HEADER, 'a,s,live,"live"x,1'], "not readable as UTF-8 CSV"),
        (["7 7 p 0.1", "7 7 0.1"], "line 2: 3 words, the first line has 4"),
        (["7 7 p 0.1", "7 7 q nan"], "line 2: score 'nan' is not finite"),
    ],
)
@pytest.mark.filterwarnings("ignore:overflow")
def test_every_fault_is_named_with_its_line(tmp_path, lines, message):
    path = written(tmp_path, *lines)
    with pytest.raises(DataError, match=message) as caught:
        read_table(path)
    assert str(path) in str(caught.value)


def test_unreadable_files(tmp_path):
    with pytest.raises(DataError, match="No score file at"):
        read_table(tmp_path / "none.csv")
    (tmp_path / "binary.csv").write_bytes(b"\xff\xd8\xff\xe0")
    with pytest.raises(DataError, match="UTF-8"):
        read_table(tmp_path / "binary.csv")


@pytest.mark.parametrize(("dev", "test"), [("valid", "eval"), ("development", "Evaluation")])
def test_other_words_are_read_and_said(tmp_path, dev, test):
    rows = [f"a,,real,,1,{dev}", f"b,,spoof,x,0,{dev}", f"c,,bona-fide,,1,{test}"]
    table = read_table(written(tmp_path, HEADER + ",split", *rows))
    assert table.live.tolist() == [True, False, True]
    assert table.splits() == {"dev", "test"} and table.development().path == ["a", "b"]
    (note,) = table.notes
    assert all(f"'{word}' was read as" in note for word in ("real", "spoof", dev, test))


def test_whoever_says_what_the_labels_are_called_is_believed(tmp_path):
    path = written(tmp_path, HEADER + ",split", "a,,0,,1,dev", "b,,1,,0,dev")
    table = read_table(path, parse_columns("live=0,attack=1"))
    assert table.live.tolist() == [True, False] and table.notes == ()
    # A class that was not named has its usual words; one that was has that name alone.
    path = written(tmp_path, HEADER, "a,,fake,,1", "b,,spoof,,0")
    table = read_table(path, {"live": "fake"})
    assert table.live.tolist() == [True, False] and "'spoof' was read as attack" in table.notes[0]
    with pytest.raises(DataError, match="line 2: label 'fake' is unknown"):
        read_table(path, {"live": "1", "attack": "0"})


def test_guarded_cells_are_read_as_they_were(tmp_path):
    path = written(tmp_path, HEADER, "'=a.png,'@s,live,,-1", "o'b,s,attack,'-x,2", "''+c,s,live,,0")
    table = read_table(path)
    assert table.path == ["=a.png", "o'b", "'+c"] and table.species == ["", "-x", ""]
    assert table.subject == ["@s", "s", "s"] and table.score.tolist() == [-1, 2, 0]
