"""Words, numbers and guarded text of tables."""

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from despoof.core.cells import (
    guarded,
    label_of,
    plain_number,
    restored,
    split_of,
    translation,
    unknown_label,
    unknown_split,
)


@pytest.mark.parametrize(
    ("words", "meant"),
    [
        ("live real genuine bonafide bona-fide Bona_Fide LIVE Real", "live"),
        ("attack attacks spoof fake impostor Spoof", "attack"),
        ("0 1 -1 true alive 1.0 livespoof", None),
    ],
)
def test_words_for_labels(words, meant):
    assert {label_of(word) for word in words.split()} == {meant}
    assert label_of("") is None and label_of(" bona fide ") == "live"


@pytest.mark.parametrize(
    ("words", "meant"),
    [
        ("train training Train", "train"),
        ("dev devel val valid validation development DEVEL", "dev"),
        ("test testing eval evaluation Evaluation", "test"),
        ("0 fold1 all testtrain dev2", None),
    ],
)
def test_words_for_splits(words, meant):
    assert {split_of(word) for word in words.split()} == {meant}
    assert split_of("") == split_of("  ") == ""


def test_what_is_said():
    assert translation(["live", "attack"], ["dev", "", "test"]) == ""
    assert translation(["live", " live "]) == ""
    assert "'Live' was read as live" in translation(["Live"])
    assert "in many sets 1 is the attack" in unknown_label("1", "Do so.")
    assert unknown_label("ghost", "Do so.").startswith("label 'ghost' is unknown. Use live or")
    assert "validation" in unknown_split("fold")


@pytest.mark.parametrize("cell", ["1_0", "٣", "１", "1\u00a0", "", "x", "0x1", "1,5", "−1", "1__0"])
def test_what_is_no_number(cell):
    with pytest.raises(ValueError, match=r".+"):
        plain_number(cell)


@given(st.floats(allow_nan=False))
def test_what_is_a_number(value):
    assert plain_number(repr(value)) == plain_number(f" {value!r} ") == value


SIGNS = "=+-@\t\r"
TEXT = st.text(st.sampled_from("'=+-@\t\r0123456789.eE, ab＝é"), max_size=8)


@given(TEXT | st.text())
def test_guarded_text_comes_back_and_never_begins_with_a_sign(text):
    cell = guarded(text)
    assert restored(cell) == text
    if cell[:1] and cell[:1] in SIGNS:
        # Only what any program reads as numbers.
        assert all(plain_number(word) < 1e999 for word in cell.replace(",", " ").split())


@pytest.mark.parametrize(
    "text",
    ["=1", "+cmd", "-a", "-2+3", "@x", "\t=1", "\r=1", "-1+1", "--1", "-1 =2", "-", "+1|x", "-1;2"],
)
def test_formulas_are_guarded(text):
    assert guarded(text) == "'" + text
    stream = io.StringIO()
    csv.writer(stream).writerow([guarded(text)])
    assert restored(next(csv.reader(io.StringIO(stream.getvalue(), newline="")))[0]) == text


@pytest.mark.parametrize("text", ["-1", "-1.5e-3", "+4", "-40.6 57.4 52 1", "-1 2,-3 4", "a-b", ""])
def test_numbers_and_ordinary_text_stay(text):
    assert guarded(text) == text
