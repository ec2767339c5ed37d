"""Records to the letter, or none where a line is not known to be a text's own."""

import pytest

from palimpsest.core.errors import CorpusError
from palimpsest.corpus.files.own_lines import beside_lines, own_lines
from palimpsest.corpus.files.reading import read_texts
from palimpsest.corpus.files.rows_read import Place


def test_lines_are_kept_to_the_letter(tmp_path):
    first, second = tmp_path / "a.jsonl", tmp_path / "b.NDJSON"
    good = ('{"text": "a\u2028b",  "n": NaN}', '{"x": 1, "text": ""}', '{"text": "c"}')
    first.write_bytes(f'\ufeff{good[0]}\r\n\n{{"text": 3}}\n{good[1]}'.encode())
    second.write_bytes(f'{good[2]}\n{{"text": "d"}}\n'.encode())
    read = read_texts([str(first), str(second)])
    assert read.texts == ["a\u2028b", "", "c", "d"]
    assert own_lines(read.places) == [*good, '{"text": "d"}']


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("list.json", b'[{"text": "a"}, {"text": "b"}]'),
        ("plain.txt", b"a\n\nb\n"),
        ("table.csv", b"text\na\nb\n"),
        ("list.jsonl", b'[{"text": "a"}, {"text": "b"}]'),
    ],
)
def test_other_files_have_no_lines_of_their_own(tmp_path, name, content):
    (tmp_path / name).write_bytes(content)
    read = read_texts([str(tmp_path / name)])
    assert read.texts == ["a", "b"]
    assert own_lines(read.places) is None


def test_a_line_of_two_texts_is_neithers_own_and_a_lost_file_has_none(tmp_path):
    twice = [Place(str(tmp_path / "a.jsonl"), 1, "line")] * 2
    (tmp_path / "a.jsonl").write_bytes(b'{"text": ["a", "b"]}\n')
    assert own_lines(twice) is None
    assert own_lines(twice[:1]) == ['{"text": ["a", "b"]}']
    assert own_lines([Place(str(tmp_path / "a.jsonl"), 7, "line")]) is None
    assert own_lines([Place(str(tmp_path / "none.jsonl"), 1, "line")]) is None
    (tmp_path / "a.jsonl").write_bytes(b"\xff\n")
    assert own_lines(twice[:1]) is None


def test_lines_beside_texts_are_found_by_their_numbers(tmp_path):
    path = tmp_path / "a.jsonl"
    path.write_bytes("\ufeffone\r\n\nthree\u2028\nfour".encode())
    beside = [*beside_lines(str(path), [("a", 1), ("b", 3), ("c", 4)])]
    assert beside == [("a", "one"), ("b", "three\u2028"), ("c", "four")]


@pytest.mark.parametrize(
    ("content", "got"),
    [(b"one\ntwo", "it has changed"), (b"one\n\xff\n\n", "utf-8"), (None, "No such file")],
)
def test_a_file_that_is_not_what_was_read_is_named(tmp_path, content, got):
    path = tmp_path / "a.jsonl"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(CorpusError, match=f"want the file that was read before.*{got}"):
        list(beside_lines(str(path), [("a", 1), ("b", 3)]))
