"""Both ways of reading a CSV give the same cells, the same tables and the same errors."""

import csv
import io

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from despoof.core.errors import DataError
from despoof.evaluation import score_cells
from despoof.evaluation.score_formats import read_table
from despoof.evaluation.score_lines import plain_columns

HEADER = "path,subject,label,species,score"


def by_csv(data, width):
    """Columns below the header by the csv module, or None where it gives anything else."""
    try:
        rows = list(filter(None, csv.reader(io.StringIO(data.decode(), newline=""), strict=True)))
    except (csv.Error, UnicodeDecodeError):
        return None
    if any(len(row) != width for row in rows):
        return None
    return [list(column) for column in zip(*rows[1:], strict=True)] or [[] for _ in range(width)]


@settings(max_examples=400, deadline=None)
@given(st.text(alphabet='ab1,,,\n\n"\r \x00\x85\u2028é').map(lambda t: f"a,b\n{t}".encode()),
       st.integers(1, 40))  # fmt: skip
@example(b"a,b\n1,2\n3,4", 3)
@example(b"a,b\n1,2\n\n3,4\n", 3)
@example(b"a,b\n\xff,2\n", 100)
@example(b"a,b\n1\n2,3,4\n", 100)
@example(b'"a",b\n1,2\n', 100)
def test_what_is_split_is_what_csv_reads(tmp_path_factory, data, block):
    path = tmp_path_factory.getbasetemp() / "lines.csv"
    path.write_bytes(data)
    found = plain_columns(path, 2, block)
    if found is not None:
        assert found == by_csv(data, 2)
    elif not set(data) & set(b'"\r\xff') and b"\n\n" not in data:
        assert by_csv(data, 2) is None


def test_ordinary_files_are_split(tmp_path):
    path = tmp_path / "s.csv"
    rows = [f"{i}.png,s{i % 3},live,,0.{i:03d}" for i in range(500)]
    path.write_text("\ufeff" + "\n".join([HEADER, *rows]), encoding="utf-8")
    columns = plain_columns(path, 5)
    assert columns is not None and [",".join(cells) for cells in zip(*columns, strict=True)] == rows
    assert len({id(cell) for cell in columns[1]}) == 3  # equal cells are one object


def test_cells_longer_than_csv_allows_are_left_to_it(tmp_path):
    path = tmp_path / "s.csv"
    path.write_text(f"a,b\n{'x' * (csv.field_size_limit() + 1)},1\n")
    assert plain_columns(path, 2) is None
    path.write_text(f"a,b\n{'x' * (csv.field_size_limit() - 1)},1\n")
    assert plain_columns(path, 2) == by_csv(path.read_bytes(), 2)
    assert plain_columns(path, 1) is None


@pytest.mark.parametrize("bad", [
    "b,s,live,,x", "b,s,live,,nan", "b,s,ghost,,1", "a,s,live,,1", ",s,live,,1", "b,s,live,1",
    "b,s,live,,1,2", "b,s,live,,", "é,s,live,,0.5", '"b\nc",s,live,,0.5', "b,s,attack,print,-1e9",
    "b,s,live,,1e999", "b, s ,live,, 0.25 ", "", "b,s,live,,٣", "b,s,live,,1_0",
    "'=b,s,spoof,,1", "b,s,1,,1",
])  # fmt: skip
def test_tables_and_errors_are_the_same_both_ways(tmp_path, monkeypatch, bad):
    path = tmp_path / "s.csv"
    path.write_text(f"{HEADER}\na,s,live,,1\n{bad}\nz,s,attack,,0\n", encoding="utf-8")

    def outcome():
        try:
            table = read_table(path)
        except DataError as error:
            return str(error)
        return table.path, table.subject, table.live.tolist(), table.score.tolist()

    fast = outcome()
    monkeypatch.setattr(score_cells, "plain_columns", lambda path, width: None)
    assert fast == outcome()
    assert not isinstance(fast, str) or f"{path}, line " in fast
