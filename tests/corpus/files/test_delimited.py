"""Rows of .csv and .tsv: the delimiter is seen, cells stay texts, nothing is cut without a word."""

import csv
import io

import pytest

from palimpsest.core.errors import CorpusError
from palimpsest.corpus.files.delimited import delimited_rows, has_column
from palimpsest.corpus.files.field_path import FieldPath
from palimpsest.corpus.files.options import ReadOptions
from palimpsest.corpus.files.rows_read import FileRows

TEXTS = ["one; two, three", "Ein\n\nAbsatz | mehr", 'a "word"', "tab\there", "ça, là", ""]


def read(
    content: str, rows: FileRows | None = None, tabs: bool = False, **options: str
) -> list[str | None]:
    """The text of every row; None where a row has none."""
    chosen = ReadOptions(**options)  # type: ignore[arg-type]
    path = FieldPath(chosen.field)
    found = delimited_rows(content, path, chosen, tabs, rows or FileRows("a"))
    return [row.get(chosen.field) for _, row in found if isinstance(row, dict)]


def table(delimiter: str, quoting: int = csv.QUOTE_MINIMAL) -> str:
    """A table with the texts in its second column."""
    file = io.StringIO()
    writer = csv.writer(file, delimiter=delimiter, quoting=quoting)  # type: ignore[arg-type]
    writer.writerows([["id", "text", "n"], *((n, text, "x") for n, text in enumerate(TEXTS))])
    return file.getvalue()


@pytest.mark.parametrize("tabs", [False, True])
@pytest.mark.parametrize("quoting", [csv.QUOTE_MINIMAL, csv.QUOTE_ALL])
@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_the_delimiter_is_seen(delimiter: str, quoting: int, tabs: bool) -> None:
    assert read(table(delimiter, quoting), tabs=tabs) == TEXTS


def test_the_delimiter_is_given() -> None:
    assert read(table("@"), delimiter="@") == TEXTS
    assert read(table("\t"), delimiter="\\t") == read(table("\t"), delimiter="tab") == TEXTS
    for wrong in ("", ",,", "\n", '"'):
        with pytest.raises(CorpusError, match="delimiter: want one character, or tab, got"):
            read(table(","), delimiter=wrong)


def test_cells_that_look_like_something_else_stay_texts() -> None:
    assert read("text,n\nNA,1\n007,x\n,2\n1.50,\n2024-01-01,\n=1+1,\na\0b,\n") == [
        "NA", "007", "", "1.50", "2024-01-01", "=1+1", "a\0b",
    ]  # fmt: skip


def test_columns_beside_the_text_may_be_anything() -> None:
    lines = "".join(f"text {i},{i}\n" for i in range(12_000))
    content = f"\ntext,n\n{lines}\nshort\n{'long ' * 40_000},x\n"
    assert read(content) == [*(f"text {i}" for i in range(12_000)), "short", "long " * 40_000]


def test_a_row_with_too_many_cells_is_left_out_and_named() -> None:
    rows = FileRows("a")
    assert read("n,text\n1,good\n2,bad, unquoted\n3,fine\n", rows) == ["good", "fine"]
    assert rows.left_out == {"with more cells than the header": [3]}


def test_one_column_needs_no_delimiter() -> None:
    assert read("text\nHello, you\nwell, well\nthere | I\n") == [
        "Hello, you",
        "well, well",
        "there | I",
    ]
    assert read('text\n"a, b"\n"c"\n') == ["a, b", "c"]


def test_a_row_without_the_texts_cell_has_no_text() -> None:
    assert read("n,text\n1,a\n2\n") == ["a", None]


def test_tabs_without_quotes() -> None:
    lines = ['"Yes," she said.', 'one " only', '"open', "plain"]
    content = "".join(f"{n}\t{line}\n" for n, line in enumerate(lines))
    rows = FileRows("a")
    assert read("id\ttext\n" + content, rows, tabs=True) == lines
    assert rows.hints == []


def test_quotation_marks_that_do_not_close_are_said() -> None:
    rows = FileRows("a")
    content = 'id,text\n1,a\n2,"open\n3,b\n4,"c"\n'
    assert read(content, rows)[0] == "a"
    assert len(rows.hints) == 1
    assert "behind line 2 is wrong or not closed" in rows.hints[0]
    assert read(content.replace('"open', '"shut"'), rows := FileRows("a")) == [
        "a",
        "shut",
        "b",
        "c",
    ]
    assert rows.hints == []


def test_numbers_are_the_lines_on_which_rows_begin() -> None:
    content = 'text\n"a\nb"\nc\n'
    found = delimited_rows(content, FieldPath("text"), ReadOptions(), False, FileRows("a"))
    assert [number for number, _ in found] == [2, 4]


def test_byte_order_marks_and_blanks_are_no_part_of_a_columns_name() -> None:
    assert read("\ufeffn, text\n1,a\n", field="text") == ["a"]


def test_a_table_without_the_column_has_no_rows_and_names_its_columns() -> None:
    rows = FileRows("a")
    assert read("title;body\na;b\n", rows) == []
    assert rows.fields == ["title", "body"]
    assert read("", rows) == []


def test_a_header_is_known_by_the_texts_column() -> None:
    path, options = FieldPath("text"), ReadOptions()
    assert has_column("id;text\n1;a", path, options)
    assert has_column("text\na", path, options)
    assert not has_column("Some text, and more\n", path, options)
    assert has_column("id@text\n", path, ReadOptions(delimiter="@"))
