"""Texts out of local files: every kind gives the same, as it stands, and says what is wrong."""

import csv
import json
import os
from pathlib import Path

import pytest

from palimpsest.core.errors import CorpusError
from palimpsest.corpus.files import SUFFIXES, Value, matching, read_file

TEXTS = ["The first.", "Ein zweiter – mit Ümlaut.", "A third,\nover two lines."]


def read(path: Path, txt_unit: str = "paragraph") -> list[Value]:
    """Every text of a file's field ``text``."""
    return read_file(path, "text", txt_unit)


def write_jsonl(path: Path, *rows: object) -> Path:
    """A file of JSON, a row a line."""
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def test_txt_paragraphs_are_separated_by_blank_lines(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_bytes("\ufeffone\nstill one\r\n\r\ntwo\n \t \n\nthree\n".encode())
    assert read(path) == ["one\nstill one", "two", "three"]


def test_txt_lines_split_at_line_feeds_only(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text(" one\u2028still one\n\ntwo \n", encoding="utf-8")
    assert read(path, txt_unit="line") == ["one\u2028still one", "", "two", ""]


def test_the_same_texts_from_every_kind_of_record(tmp_path: Path) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    rows = [{"id": i, "text": text} for i, text in enumerate(TEXTS)]
    write_jsonl(tmp_path / "a.jsonl", *rows)
    (tmp_path / "records.json").write_text(json.dumps(rows, indent=1), encoding="utf-8")
    (tmp_path / "strings.json").write_text(json.dumps(TEXTS, indent=1), encoding="utf-8")
    with (tmp_path / "a.csv").open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([["id", "text"], *enumerate(TEXTS)])
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / "a.parquet")
    for path in tmp_path.iterdir():
        assert read(path) == TEXTS, path.name


def test_csv_texts_that_look_like_something_else_stay_texts(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("text,n\nNA,1\n007,x\n,2\n1.50,\n", encoding="utf-8")
    assert read(path) == ["NA", "007", "", "1.50"]


def test_csv_columns_beside_the_text_may_be_anything(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    rows = "".join(f"text {i},{i}\n" for i in range(12_000))  # more than one piece for pandas
    path.write_text(f"\ntext,n\n{rows}\nshort\n{'long ' * 40_000},x\n", encoding="utf-8")
    expected = [*(f"text {i}" for i in range(12_000)), "short", "long " * 40_000]
    assert read(path) == expected


def test_csv_rows_with_too_many_cells_are_an_error(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text('text\n"good, quoted"\nbad, unquoted\n', encoding="utf-8")
    with pytest.raises(CorpusError, match="got ValueError: 2 cells at line 3 under 1 columns"):
        read(path)


def test_jsonl_fields_may_come_late_and_change_their_type(tmp_path: Path) -> None:
    rows = [{"text": f"text {i}" * 500, "meta": i} for i in range(3000)]  # > 10 MB: many pieces
    path = write_jsonl(tmp_path / "a.jsonl", *rows, {"text": "last", "meta": "x", "late": 1})
    assert read(path) == [*(row["text"] for row in rows), "last"]


def test_globs_are_read_by_name_and_each_file_once(tmp_path: Path) -> None:
    (tmp_path / "deep").mkdir()
    write_jsonl(tmp_path / "deep" / "b.jsonl", {"text": "b"})
    write_jsonl(tmp_path / "a.jsonl", {"text": "a"})
    write_jsonl(tmp_path / "[z]*.jsonl", {"text": "z"})
    patterns = (str(tmp_path / "[z]*.jsonl"), str(tmp_path / "**/*.jsonl"))
    paths = matching(patterns)
    assert [str(path.relative_to(tmp_path)) for path in paths] == [
        "[z]*.jsonl", "a.jsonl", "deep/b.jsonl",
    ]  # fmt: skip
    assert [read(path) for path in paths] == [["z"], ["a"], ["b"]]


@pytest.mark.parametrize(
    ("name", "content"),
    [("a.txt", b"caf\xe9"), ("a.csv", b"text\ncaf\xe9\n"), ("a.jsonl", b'{"text": "caf\xe9"}')],
)
def test_text_that_is_not_utf8_is_an_error(tmp_path: Path, name: str, content: bytes) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(CorpusError, match="got UnicodeDecodeError: 'utf-8'"):
        read(path)


def test_no_file_matches(tmp_path: Path) -> None:
    with pytest.raises(CorpusError, match=r"corpus\.files\.paths: want files, got none at '.*\*"):
        matching((str(tmp_path / "*.txt"),))
    with pytest.raises(CorpusError, match="it is a folder: name its files"):
        matching((str(tmp_path),))


@pytest.mark.parametrize("backwards", [False, True])
def test_the_order_of_a_globs_files_is_not_the_file_systems(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, backwards: bool
) -> None:
    for name in ("b", "c", "a"):
        (tmp_path / f"{name}.txt").touch()
    listed = sorted(tmp_path.iterdir(), reverse=backwards)
    monkeypatch.setattr(Path, "glob", lambda path, pattern: iter(listed))
    paths = matching((str(tmp_path / "*.txt"),))
    assert [path.name for path in paths] == ["a.txt", "b.txt", "c.txt"]


@pytest.mark.parametrize("name", ["a.pdf", "a.text", "a"])
def test_a_file_of_another_kind_is_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text("x", encoding="utf-8")
    with pytest.raises(CorpusError, match=rf"{name}: want one of \.txt, \.raw, .*, got") as caught:
        matching((str(tmp_path / name),))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.jsonl", '{"title": "a", "body": "b"}\n', r"want the field 'text', got .* title, body"),
        ("a.csv", "title,body\na,b\n", r"want the field 'text', got the fields title, body"),
        ("a.jsonl", '{"text": "a"}\n{"text": 3}\n', r"'text' of row 2: want text, got int 3"),
        ("a.jsonl", '{"text": ["a"]}\n', r"'text' of row 1: want text, got list \['a'\]"),
        (
            "a.jsonl",
            '{"text": "a"}\n"b"\n',
            r"want objects with fields, or strings, got str in row 2",
        ),
        ("a.jsonl", '{"text": "a"\n', r"a\.jsonl: want a readable \.jsonl file, got \w+: "),
        ("a.parquet", "x", r"a\.parquet: want a readable \.parquet file, got \w+: "),
    ],
)
def test_bad_files_are_one_line_errors(
    tmp_path: Path, name: str, content: str, message: str
) -> None:
    path = tmp_path / name
    path.write_text(content, encoding="utf-8")
    with pytest.raises(CorpusError, match=message) as caught:
        read(path)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        *((f"a{suffix}", "") for suffix in SUFFIXES),
        ("a.json", "[]"),
        ("a.csv", "n,text\n"),
        ("a.jsonl", "\n\n"),
    ],
)
def test_an_empty_file_has_no_text(tmp_path: Path, name: str, content: str) -> None:
    (tmp_path / name).write_text(content, encoding="utf-8")
    assert read(tmp_path / name) == []


def test_a_missing_value_is_none(tmp_path: Path) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    write_jsonl(tmp_path / "a.jsonl", {"text": "a"}, {"text": None}, {"n": 1})
    assert read(tmp_path / "a.jsonl") == ["a", None, None]
    (tmp_path / "a.csv").write_text("n,text\n1,a\n2\n", encoding="utf-8")
    assert read(tmp_path / "a.csv") == ["a", None]
    pq.write_table(pa.table({"text": ["a", None]}), tmp_path / "a.parquet")
    assert read(tmp_path / "a.parquet") == ["a", None]


def test_json_nested_10_000_levels_is_refused_in_a_line(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text('{"text": ' + "[" * 10_000 + "]" * 10_000 + "}\n")
    (tmp_path / "a.json").write_text("[" * 10_000)
    for name in ("a.jsonl", "a.json"):
        with pytest.raises(CorpusError, match="nested more than 100 levels deep"):
            read(tmp_path / name)


def test_half_a_character_is_named_by_its_row(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text('{"text": "a"}\n{"text": "\\ud83d"}\n')
    (tmp_path / "a.json").write_text('["\\ud83d\\ude00", "\\ude00"]')
    for name in ("a.jsonl", "a.json"):
        with pytest.raises(CorpusError, match=r"'text' of row 2: want text, got half a character"):
            read(tmp_path / name)


def test_numbers_beside_the_text_may_be_what_other_programs_write(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text('{"text": "a", "score": NaN, "n": 1e999}\n')
    assert read(tmp_path / "a.jsonl") == ["a"]


def test_parquet_that_promises_more_rows_than_it_can_hold(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    path = tmp_path / "a.parquet"
    pq.write_table(pa.table({"text": pa.nulls(12_000_000, pa.string())}), path, compression="zstd")
    assert path.stat().st_size < 100_000
    with pytest.raises(CorpusError, match=r"12,000,000 rows in [\d,]+ bytes"):
        read(path)
    pq.write_table(pa.table({"text": ["x" * 1000 + str(n) for n in range(900)]}), path)
    assert len(read(path)) == 900
    monkeypatch.setattr("palimpsest.core.parsing.MOST_UNPACKED", 100_000)
    monkeypatch.setattr("palimpsest.core.parsing.MOST_RATIO", 2)
    with pytest.raises(CorpusError, match=r"9\d\d,\d+ bytes packed into"):
        read(path)


def test_equal_texts_of_parquet_are_one_text_in_memory(tmp_path: Path) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    rows = pa.DictionaryArray.from_arrays(pa.array([0, 1, None, 0] * 9000), ["a" * 50_000, "b"])
    pq.write_table(pa.table({"text": rows}), tmp_path / "a.parquet")
    values = read(tmp_path / "a.parquet")
    assert len(values) == 36_000
    assert values[:4] == ["a" * 50_000, "b", None, "a" * 50_000]
    assert values[0] is values[3]


@pytest.mark.parametrize(
    "pattern",
    ["~nobody-here/a.txt", "a**", "a\0b.txt", "a" * 5000 + ".txt", "", "/dev/zero", "[", "."],
)
def test_names_that_are_no_files_are_one_line_errors(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, pattern: str
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(CorpusError, match=r"corpus\.files\.paths: want files, got") as caught:
        matching((pattern,))
    assert len(str(caught.value)) < 500


def test_devices_pipes_and_links_in_a_circle_are_no_files(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.txt")
    (tmp_path / "zero.txt").symlink_to("/dev/zero")
    (tmp_path / "round.txt").symlink_to(tmp_path / "round.txt")
    for name in ("pipe.txt", "zero.txt", "round.txt"):
        with pytest.raises(CorpusError, match="want files, got none at"):
            matching((str(tmp_path / name),))
    with pytest.raises(CorpusError, match="none at"):
        matching((str(tmp_path / "*.txt"),))


def test_a_nul_in_a_csv_file_is_a_character(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes(b"text\na\0b\n=1+1\n")
    assert read(tmp_path / "a.csv") == ["a\0b", "=1+1"]
