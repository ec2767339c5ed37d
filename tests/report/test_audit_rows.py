"""Flagged rows as files, and a candidate without what is plainly wrong, by hand."""

import csv
import io
import json
from pathlib import Path

import pytest

from palimpsest.report.audit_rows import clean_file, cleaned, rows_file

TEXTS = ["one", "two", "one", "", "la la la", "of the reference", "like one, nearly", "=1+1", ""]
FLAGS = {
    2: ("duplicate",),
    3: ("empty",),
    4: ("loop",),
    5: ("copy",),
    6: ("near_copy", "opening"),
    7: ("short",),
    8: ("duplicate", "empty"),
}


def test_a_clean_candidate_goes_without_copies_loops_and_empty_texts():
    cleaning = cleaned(FLAGS, len(TEXTS))
    assert cleaning.kept == (0, 1, 6, 7)
    assert cleaning.taken_out == {"empty": 2, "copy": 1, "duplicate": 1, "loop": 1}
    assert str(cleaning) == (
        "4 of 9 texts, 5 taken out (2 empty, 1 equal to a text of the reference, 1 equal to an "
        "earlier text, 1 loops)"
    )
    content = clean_file(cleaning, TEXTS, "body", None).decode()
    rows = [json.loads(line) for line in content.splitlines()]
    path = clean_file(cleaning, TEXTS, "messages[].content", None).decode()
    assert path == content.replace('"body"', '"text"')
    for name in ("full-text", "full text", "2nd"):
        named = clean_file(cleaning, TEXTS, name, None).decode()
        assert named == content.replace('"body"', f'"{name}"')
    assert rows == [{"body": text} for text in ("one", "two", "like one, nearly", "=1+1")]


def test_a_candidate_without_flags_is_whole():
    cleaning = cleaned({}, 3)
    assert cleaning.kept == (0, 1, 2)
    assert str(cleaning) == "3 of 3 texts, 0 taken out"
    assert cleaned({0: ("empty",)}, 1).kept == ()
    assert clean_file(cleaned({0: ("empty",)}, 1), [""], "text", None) == b""


def test_records_of_its_own_are_kept_to_the_letter():
    records = ['{"id": 7,  "text": "one", "n": NaN}', '{"text": ""}', '{"text":"zwei", "x": "ü"}']
    content = clean_file(cleaned({1: ("empty",)}, 3), ["one", "", "zwei"], "text", records)
    assert content.decode().splitlines() == [records[0], records[2]]


def test_every_flagged_row_is_a_line():
    content = rows_file(Path("rows.jsonl"), FLAGS, TEXTS, None).decode()
    rows = [json.loads(line) for line in content.splitlines()]
    assert [row["row"] for row in rows] == [2, 3, 4, 5, 6, 7, 8]
    assert rows[4] == {"row": 6, "flags": ["near_copy", "opening"], "text": "like one, nearly"}
    places = [("a.jsonl", at + 1, "line") for at in range(8)] + [("b.csv", 1, "row")]
    content = rows_file(Path("rows"), FLAGS, TEXTS, places).decode()
    last = json.loads(content.splitlines()[-1])
    assert last == {
        "row": 8, "file": "b.csv", "number": 1, "unit": "row",
        "flags": ["duplicate", "empty"], "text": "",
    }  # fmt: skip


@pytest.mark.parametrize("name", ["rows.csv", "rows.CSV"])
def test_a_table_computes_nothing_in_a_spreadsheet(name):
    places = [("=cmd()", at, "row") for at in range(9)]
    content = rows_file(Path(name), FLAGS, TEXTS, places).decode()
    rows = list(csv.DictReader(io.StringIO(content, newline="")))
    assert [int(row["row"]) for row in rows] == [2, 3, 4, 5, 6, 7, 8]
    assert rows[4]["flags"] == "near_copy opening"
    assert (rows[5]["text"], rows[5]["file"]) == ("'=1+1", "'=cmd()")


@pytest.mark.parametrize("name", ["rows.csv", "rows.jsonl"])
def test_texts_of_many_lines_and_half_characters_are_written(name):
    content = rows_file(Path(name), {0: ("loop",)}, ['a\r\n"b",\u2028\ud800'], None)
    text = content.decode()
    if name.endswith("csv"):
        (row,) = csv.DictReader(io.StringIO(text, newline=""))
        assert row["text"] == 'a\r\n"b",\u2028\\ud800'
    else:
        assert json.loads(text)["text"] == 'a\r\n"b",\u2028\ud800'
