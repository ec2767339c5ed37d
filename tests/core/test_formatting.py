"""Numbers and tables for readers, by hand."""

import math

import pytest

from palimpsest.core.formatting import as_cell, duration, plain, span, text_table


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "–"), (math.nan, "–"), (0.0, "0"), (10.0, "10"), (0.33, "0.330"),
        (-0.0893, "−0.0893"), (123.45, "123.5"), (25000.0, "25 000"), (2.5e-7, "2.50e−07"),
        (-4.0, "−4"), (3.2e9, "3.20e+09"), (-1234.5, "−1 234"), (99.999, "100"), (7, "7"),
    ],
)  # fmt: skip
def test_numbers_for_readers(value, text):
    assert plain(value) == text


@pytest.mark.parametrize(
    ("low", "high", "text"),
    [
        (0.1, 0.25, "0.100 to 0.250"),
        (-1.5, 3.0, "−1.50 to 3"),
        (None, None, "–"),
        (math.nan, math.nan, "–"),
    ],
)
def test_intervals_for_readers(low, high, text):
    assert span(low, high) == text


def test_a_table_by_hand():
    rows = [["volume", "0.330"], ["  of which", "12"], ["true", "1e5"]]
    assert text_table(rows, ["metric", "value"]).splitlines() == [
        "metric        value",
        "volume        0.330",
        "  of which       12",
        "true            1e5",
    ]


def test_no_line_of_a_table_ends_in_blanks():
    table = text_table([["a", ""], ["bcd", "x"]], ["name", "note"])
    assert all(line == line.rstrip() for line in table.splitlines())
    assert table.splitlines()[1] == "a"


def test_a_table_without_rows_is_its_head():
    assert text_table([], ["metric", "value"]).split() == ["metric", "value"]


@pytest.mark.parametrize("text", ["=cmd|' /C calc'!A0", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1"])
def test_a_formula_is_quoted_in_a_table_for_a_spreadsheet(text):
    assert as_cell(text) == f"'{text}"


@pytest.mark.parametrize("value", ["a=1", "temperature 0.5", "", -1.5, None, 3])
def test_other_cells_are_as_they_are(value):
    assert as_cell(value) == value


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0, "0 s"), (0.4, "0 s"), (34.2, "34 s"), (59.6, "1 min"), (125, "2 min 5 s"),
        (3600, "1 h"), (12_000, "3 h 20 min"), (187_200, "2 d 4 h"), (-3, "0 s"),
        (86_400 + 59, "1 d"),
    ],
)  # fmt: skip
def test_a_time_is_in_its_two_largest_units(seconds: float, words: str) -> None:
    assert duration(seconds) == words
