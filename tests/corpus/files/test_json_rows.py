"""Rows of JSON in the shapes in which programs write it."""

import json
from typing import Any

import pytest

from palimpsest.corpus.files.field_path import FieldPath
from palimpsest.corpus.files.json_rows import TWICE, json_rows
from palimpsest.corpus.files.rows_read import FileRows

TEXTS = ["Ein Text.", "二つ目の文章です。\n二行目。", 'a "third"', "2024-01-02"]
INDEX = ["0", "1", "2", "3"]
NAMES = ["a", "b", "c", "d"]
ROWS = [{"id": n, "text": text} for n, text in enumerate(TEXTS)]


def texts_of(content: str, field: str = "text", rows: FileRows | None = None) -> list[object]:
    """The values of all rows."""
    path = FieldPath(field)
    found = [row for _, row in json_rows(content, path, rows or FileRows("a"))]
    return [value for row in found for value in _values(row, path)]


def _values(row: object, path: FieldPath) -> list[object]:
    return path.find(row) or [None] if isinstance(row, dict) else [row]


PANDAS = {
    "split": {"columns": ["id", "text"], "index": [0, 1, 2, 3], "data": [[0, t] for t in TEXTS]},
    "records": ROWS,
    "index": dict(zip(INDEX, ROWS, strict=True)),
    "index by name": dict(zip(NAMES, ROWS, strict=True)),
    "columns": {
        "id": dict(zip(INDEX, range(4), strict=True)),
        "text": dict(zip(INDEX, TEXTS, strict=True)),
    },
    "columns by name": {
        "id": dict(zip(NAMES, range(4), strict=True)),
        "text": dict(zip(NAMES, TEXTS, strict=True)),
    },
    "values": [[n, text] for n, text in enumerate(TEXTS)],
    "values, one column": [[text] for text in TEXTS],
    "table": {"schema": {"fields": [{"name": "text"}]}, "data": ROWS},
    "series split": {"name": "text", "index": [0, 1, 2, 3], "data": TEXTS},
    "series index": dict(zip(INDEX, TEXTS, strict=True)),
    "series records": TEXTS,
}
OTHERS = {
    "columns of lists": {"id": [0, 1, 2, 3], "text": TEXTS},
    "a column beside a name": {"source": "web", "text": TEXTS},
    "data": {"data": ROWS},
    "data of strings": {"data": TEXTS},
    "data beside other lists": {"version": 1, "tags": ["x"], "data": ROWS},
    "another name": {"examples": ROWS},
}


@pytest.mark.parametrize("indent", [None, 2])
@pytest.mark.parametrize("shape", [*PANDAS, *OTHERS])
def test_one_document(shape: str, indent: int | None) -> None:
    document = (PANDAS | OTHERS)[shape]
    assert texts_of(json.dumps(document, indent=indent)) == TEXTS


@pytest.mark.parametrize("orient", ["split", "records", "index", "columns", "values", "table"])
def test_what_pandas_itself_writes(orient: Any) -> None:
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame({"id": range(4), "text": TEXTS})
    assert texts_of(frame.to_json(orient=orient)) == TEXTS
    assert texts_of(frame.to_json(orient=orient, force_ascii=False, indent=1)) == TEXTS


@pytest.mark.parametrize(
    ("document", "field"),
    [
        ({"data": [{"data": {"text": t}} for t in TEXTS]}, "data.text"),
        ({"data": ROWS}, "data.text"),
        ({"train": ROWS, "test": ROWS[:1]}, "train[].text"),
        ({"rows": [{"row": {"text": t}} for t in TEXTS], "features": [{}]}, "rows[].row.text"),
        ({"data": {n: {"text": t} for n, t in zip(INDEX, TEXTS, strict=True)}}, "data.text"),
        ({"m": {n: [{"c": t}] for n, t in zip(INDEX, TEXTS, strict=True)}}, "m[].c"),
        ([["x", text] for text in TEXTS], "1"),
        ([{"body": {"text": t}} for t in TEXTS], "body.text"),
    ],
)
def test_one_document_and_a_path(document: object, field: str) -> None:
    assert texts_of(json.dumps(document), field) == TEXTS


@pytest.mark.parametrize("start", ["", "\ufeff", "\n\n", " \r\n"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\n\n"])
def test_values_a_line(start: str, end: str) -> None:
    for values in (TEXTS, ROWS):
        rows = FileRows("a")
        assert texts_of(start + end.join(map(json.dumps, values)), rows=rows) == TEXTS
        assert rows.unit == "line"


def test_byte_order_marks_between_files_put_together() -> None:
    lines = ["\ufeff" + json.dumps(row) for row in ROWS]
    assert texts_of("\n".join(lines)) == TEXTS


def test_values_over_several_lines_behind_each_other() -> None:
    assert texts_of("\n".join(json.dumps(row, indent=1) for row in ROWS)) == TEXTS


def test_a_single_row_is_a_row() -> None:
    assert texts_of('{"text": "a"}') == ["a"]
    assert texts_of('{"data": {"text": "a"}}', "data.text") == ["a"]
    assert texts_of('"a"') == ["a"]
    assert texts_of("null") == [None]
    assert texts_of("{}") == [None]
    assert texts_of('{"data": {"text": "a"}}') == [None]
    assert texts_of('{"0": {"text": "a"}}') == ["a"]
    assert texts_of('{"title": "a", "tags": ["b", "c"]}') == [None]
    assert texts_of('{"title": "a", "rows": [{"n": 1}, {"text": "b"}]}') == [None, "b"]
    assert texts_of("[]") == []
    assert texts_of(" \n") == []


def test_numbers_are_lines_where_there_are_lines_else_rows() -> None:
    lines = '{"text": "a"}\n\n{"text": "b"}\n'
    assert [n for n, _ in json_rows(lines, FieldPath("text"), FileRows("a"))] == [1, 3]
    listed = json.dumps(TEXTS, indent=1)
    assert [n for n, _ in json_rows(listed, FieldPath("text"), FileRows("a"))] == [1, 2, 3, 4]


def test_a_line_that_is_no_json_is_left_out_and_named() -> None:
    for at in range(3):
        lines = ['{"text": "a"}', '{"text": "b"}', '{"text": "c"}']
        lines[at] = lines[at][:-2]
        rows = FileRows("a")
        assert len(texts_of("\n".join(lines), rows=rows)) == 2
        assert rows.left_out == {"no JSON": [at + 1]}


@pytest.mark.parametrize(
    "content", ['[{"text": "a"},\n {"text"', "[1,\n2", "not JSON\nat all", "{"]
)
def test_a_document_that_is_no_json(content: str) -> None:
    with pytest.raises(ValueError, match="no JSON"):
        texts_of(content)


def test_a_key_that_stands_twice_counts_with_its_last_value_and_is_named() -> None:
    twice = '{"text": "x", "text": "b"}'
    for content, number in ((f'{{"text": "a"}}\n{twice}', 2), (f'[{{"text": "a"}}, {twice}]', 2)):
        rows = FileRows("a")
        assert texts_of(content, rows=rows) == ["a", "b"]
        assert rows.mended == {TWICE: [number]}
    rows = FileRows("a")
    assert texts_of('["a", {"n": {"m": 1, "m": 2}, "text": "b"}, "c"]', rows=rows) == [
        "a",
        "b",
        "c",
    ]
    assert rows.mended == {TWICE: [2]}


def test_nothing_is_taken_for_a_date_or_a_number() -> None:
    days = [f"2024-02-{day:02d}" for day in range(1, 29)]
    assert texts_of("\n".join(json.dumps({"text": day}) for day in days)) == days


def test_what_other_programs_write_beside_the_text() -> None:
    assert texts_of('{"text": "a", "score": NaN, "n": 1e999}') == ["a"]
    assert texts_of('{"text": "a", "n": ' + "9" * 5000 + "}") == ["a"]
    assert texts_of('{"text": "tab\there"}') == ["tab\there"]


def test_nothing_is_read_deeper_than_100_levels() -> None:
    deep = '{"text": ' + "[" * 10_000 + "]" * 10_000 + "}"
    for content in (deep, "[" * 10_000):
        with pytest.raises(ValueError, match="nested more than 100 levels deep"):
            texts_of(content)
    rows = FileRows("a")
    assert texts_of('{"text": "a"}\n' + deep, rows=rows) == ["a"]
    assert rows.left_out == {"no JSON": [2]}
