"""Texts without fields: paragraphs, lines, files, and a hint where the choice is in doubt."""

import pytest

from palimpsest.corpus.files.options import CHAIN, ReadOptions, Unit
from palimpsest.corpus.files.plain_text import read_plain_text, units
from palimpsest.corpus.files.rows_read import FileRows

LINES = ["The first of the texts is this one, and it goes on for a while.", "二つ目。", "A third"]


def read(content: str, unit: Unit | None = None, **options: object) -> FileRows:
    """A file's texts."""
    rows = FileRows("a.txt")
    read_plain_text(content, ReadOptions(unit=unit, **options), rows)  # type: ignore[arg-type]
    return rows


@pytest.mark.parametrize(
    "blank", ["\n\n", "\n\u3000\n", "\n\u00a0 \t\n", "\n\u200b\n", "\r\n\r\n", "\n\n\n\n", "\r\r"]
)
def test_paragraphs_stand_between_blank_lines(blank: str) -> None:
    rows = read(blank.join(LINES) + "\n")
    assert rows.texts == LINES
    assert rows.hints == []
    assert read(blank.join(LINES), "paragraph").texts == LINES


def test_without_a_blank_line_each_line_is_a_text_and_that_is_said() -> None:
    for end in ("", "\n", "\n\n", "\r\n"):
        rows = read("\n".join(LINES) + end)
        assert rows.texts == LINES
        assert rows.numbers == [1, 2, 3]
        assert rows.hints == [
            "a.txt has no blank line: each of its 3 lines is a text (--unit paragraph: all are one)"
        ]
    assert read(LINES[0]).hints == []
    assert read("\n".join(LINES), "line").hints == []


def test_paragraphs_of_several_lines_are_in_doubt() -> None:
    rows = read("\n".join(LINES) + "\n\n" + "\n".join(LINES))
    assert rows.texts == ["\n".join(LINES)] * 2
    assert rows.numbers == [1, 5]
    assert rows.hints == [
        "a.txt has 6 lines in 2 paragraphs: each paragraph is a text (--unit line: each line)"
    ]
    assert read("\n".join(LINES) + "\n\nx", "line").texts == [*LINES, "x"]


@pytest.mark.parametrize(
    "line",
    [
        "One sentence. Then another!",
        "一句话。第二句话。",
        "पहला वाक्य। दूसरा।",
        'He left. "Why?"',
        "جملة. هل؟",
    ],
)
def test_lines_of_whole_sentences_are_texts_among_blank_lines(line: str) -> None:
    content = "\n".join([line] * 5) + "\n\n" + "\n".join([line] * 3) + "\n"
    rows = read(content)
    assert rows.texts == [line] * 8
    assert rows.hints == [
        "a.txt has 8 lines in 2 paragraphs: each line is a text (--unit paragraph: each paragraph)"
    ]
    assert len(read(content, "paragraph").texts) == 2
    assert read("\n\n".join([line] * 5)).hints == []


def test_verse_and_dialogue_of_a_sentence_a_line_stay_paragraphs() -> None:
    verse = "The bell is old.\nThe road is long.\nNobody came."
    rows = read(f"{verse}\n\n{verse}")
    assert rows.texts == [verse] * 2
    assert "each paragraph is a text" in rows.hints[0]


def test_text_that_was_broken_at_a_width_is_not_in_doubt() -> None:
    wrapped = (
        "This paragraph was broken by an editor\nwherever its lines had forty characters,\nor so."
    )
    assert read(f"{wrapped}\n\n{wrapped}\n").hints == []


def test_a_hint_names_only_what_the_user_can_set() -> None:
    assert (
        read("\n".join(LINES), named=CHAIN).hints[0].count("corpus.files.txt_unit: paragraph") == 1
    )
    assert read("\n".join(LINES), named={}).hints == []


def test_a_file_can_be_one_text() -> None:
    rows = read("a\n\nb\n", "file")
    assert rows.texts == ["a\n\nb"]
    assert rows.unit == "file"


def test_lines_end_at_line_feeds_and_carriage_returns_only() -> None:
    rows = read(" one\u2028still one\u0085\n\ntwo \n", "line")
    assert rows.texts == ["one\u2028still one", "two"]
    assert rows.blank == 2


def test_blanks_alone_are_no_text() -> None:
    for content in ("", "\n", " \n\u3000\n\t\n", "\u200b"):
        for unit in ("line", "paragraph", "file", None):
            assert read(content, unit).texts == []


def test_json_in_a_text_file_is_said() -> None:
    for content in ('{"text": "a"}\n{"text": "b"}', '[\n {"text": "a"}]', '["a", "b"]'):
        assert "a.txt looks like JSON" in read(content).hints[0]
    assert read("[Verse] la\n\nla").hints == []


def test_units_number_the_lines_on_which_they_begin() -> None:
    lines = ["", "a", "b", "", "", "c"]
    assert list(units(lines, "paragraph")) == [(2, "a\nb"), (6, "c")]
    assert [n for n, text in units(lines, "line") if text] == [2, 3, 6]
    assert list(units(lines, "file")) == [(1, "a\nb\n\n\nc")]
