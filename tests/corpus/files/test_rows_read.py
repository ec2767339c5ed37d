"""What became of rows: counted, named, and an error where more are out than in."""

import pytest

from palimpsest.core.errors import CorpusError
from palimpsest.corpus.files.rows_read import FileRows, Place, TextsRead


def file_rows(read: int, out: int) -> FileRows:
    """A file with so many rows, those that are left out at its end."""
    rows = FileRows("a.jsonl", "line")
    for number in range(1, read + 1):
        rows.add(number, f"text {number}")
    for number in range(read + 1, read + out + 1):
        rows.leave_out(number, "no JSON", wanted="JSON", got="x", of="'text' of ")
    return rows


def test_places_say_where_a_text_stood() -> None:
    assert str(Place("x.jsonl", 17)) == "row 17 of x.jsonl"
    assert str(Place("x.txt", 3, "line")) == "line 3 of x.txt"
    assert str(Place("x.md", 1, "file")) == "x.md"


def test_as_many_rows_as_are_read_may_be_left_out() -> None:
    file_rows(2, 2).check()
    file_rows(0, 0).check()
    with pytest.raises(
        CorpusError, match=r"^a\.jsonl: 'text' of line 3: want JSON, got x; 3 of 5 l"
    ):
        file_rows(2, 3).check()
    with pytest.raises(CorpusError, match=r"^a\.jsonl: 'text' of line 1: want JSON, got x$"):
        file_rows(0, 1).check()


def test_a_row_of_many_texts_is_one_row() -> None:
    rows = file_rows(1, 2)
    for _ in range(9):
        rows.add(1, "of the same chat")
    with pytest.raises(CorpusError, match="2 of 3 lines cannot be read"):
        rows.check()


def test_what_is_left_out_is_counted_in_one_line() -> None:
    one, other = file_rows(9, 5), FileRows("b.csv", "line")
    other.add(2, "a")
    other.leave_out(3, "with more cells than the header", wanted=1, got=2)
    other.mend(2, "with half a character")
    other.hints.append("a hint\x1b")
    other.blank = 4
    read = TextsRead.of([one, other])
    assert len(read.texts) == len(read.places) == 10
    assert read.places[-1] == Place("b.csv", 2, "line")
    assert [len(places) for places in read.left_out.values()] == [5, 1]
    assert read.blank == 4
    assert read.lines() == [
        "left out 6 of 16 texts: 5 no JSON (line 10 of a.jsonl, line 11 of a.jsonl, "
        "line 12 of a.jsonl and 2 more); 1 with more cells than the header (line 3 of b.csv)",
        "read all the same: 1 with half a character (line 2 of b.csv)",
        "a hint\\x1b",
    ]
    assert str(read) == "; ".join(("10 texts", *read.lines()))
    assert TextsRead.of([file_rows(2, 0)]).lines() == []
