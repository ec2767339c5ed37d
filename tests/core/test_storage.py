"""What the stages hand on: written whole or not at all, read back as it was, no trace of when."""

import math
import os
import stat
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from palimpsest.core.errors import CorpusError, PalimpsestError
from palimpsest.core.storage import (
    check_out,
    new_folder,
    read_arrays,
    read_continuations,
    read_embeddings,
    read_human,
    read_json,
    read_rows,
    read_texts,
    write_bytes,
    write_json,
    write_out,
    write_texts,
)

AWKWARD = ["", "two\nlines\r\n", "a\u2028b\u0085c", "“Ümlaut” 🦊", '{"text": "x"}', "\x00\t"]


def names(folder):
    return sorted(path.name for path in folder.iterdir())


# Folders: see also test_new_folder.py


def interrupted(path, error):
    with new_folder(path) as folder:
        write_bytes(folder / "file", b"new")
        raise error


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt, SystemExit])
def test_any_exception_leaves_the_old_folder_and_no_other(error, tmp_path):
    path = tmp_path / "g01"
    with pytest.raises(error):
        interrupted(path, error)
    assert names(tmp_path) == []
    with new_folder(path) as folder:
        write_bytes(folder / "file", b"old")
    with pytest.raises(error):
        interrupted(path, error)
    assert names(tmp_path) == ["g01"]
    assert (path / "file").read_bytes() == b"old"


def test_a_folder_is_not_there_before_it_is_whole_and_then_others_may_read_it(tmp_path):
    path = tmp_path / "deep" / "g01"
    with new_folder(path) as folder:
        assert folder.parent == path.parent
        assert not path.exists()
    assert stat.S_IMODE(path.stat().st_mode) == 0o755


# Files


def test_a_file_is_replaced_whole_or_not_at_all(tmp_path):
    path = tmp_path / "deep" / "file"
    write_bytes(path, b"old")
    write_bytes(path, b"newer")
    assert path.read_bytes() == b"newer"
    assert stat.S_IMODE(path.stat().st_mode) == 0o644
    with pytest.raises(TypeError):
        write_bytes(path, "no bytes")
    assert path.read_bytes() == b"newer"
    assert names(path.parent) == ["file"]


def test_json_is_sorted_and_ends_in_a_line_feed(tmp_path):
    path = tmp_path / "a.json"
    write_json(path, {"b": [1, None], "a": "ü"})
    assert path.read_text(encoding="utf-8") == '{\n "a": "ü",\n "b": [\n  1,\n  null\n ]\n}\n'
    assert read_json(path) == {"a": "ü", "b": [1, None]}


@pytest.mark.parametrize("number", [math.nan, math.inf, -math.inf])
def test_json_holds_no_number_that_is_not_finite(number, tmp_path):
    write_json(tmp_path / "a.json", {"value": 1.0})
    with pytest.raises(ValueError, match="not JSON compliant"):
        write_json(tmp_path / "a.json", {"value": number})
    assert read_json(tmp_path / "a.json") == {"value": 1.0}


@pytest.mark.parametrize("content", [b"{", b"\xff", b""])
def test_what_is_no_json_is_named(content, tmp_path):
    (tmp_path / "a.json").write_bytes(content)
    with pytest.raises(PalimpsestError, match=r"a\.json: want valid JSON, got"):
        read_json(tmp_path / "a.json")


def test_texts_come_back_with_their_columns(tmp_path):
    path = tmp_path / "texts.jsonl"
    write_texts(path, AWKWARD, number=range(len(AWKWARD)), prompt=AWKWARD[::-1])
    assert read_texts(path) == AWKWARD
    rows = read_rows(path)
    assert [row["number"] for row in rows] == list(range(len(AWKWARD)))
    assert [row["prompt"] for row in rows] == AWKWARD[::-1]
    assert path.read_bytes().count(b"\n") == len(AWKWARD)
    write_texts(path, [])
    assert read_texts(path) == []


def test_continuations_come_back_with_their_prompts(tmp_path):
    path = tmp_path / "texts.jsonl"
    write_texts(path, AWKWARD, prompt=AWKWARD[::-1])
    assert read_continuations(path) == (AWKWARD[::-1], AWKWARD)
    assert read_texts(path) == AWKWARD
    write_texts(path, [], prompt=[])
    assert read_continuations(path) == ([], [])


@pytest.mark.parametrize("content", [b'{"text": "a"}\n', b'{"prompt": "a"}\n'])
def test_continuations_without_prompts_are_named(content, tmp_path):
    (tmp_path / "texts.jsonl").write_bytes(content)
    message = (
        r'texts\.jsonl: want lines with the fields "prompt" and "text", got others \(line 1\)$'
    )
    with pytest.raises(CorpusError, match=message):
        read_continuations(tmp_path / "texts.jsonl")


def test_columns_of_another_length_are_a_bug(tmp_path):
    with pytest.raises(ValueError, match="shorter"):
        write_texts(tmp_path / "texts.jsonl", ["a", "b"], number=[1])
    assert names(tmp_path) == []


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b'{"text": "a"}\n{"text"\n', "want one JSON object a line, got"),
        (b"\xff\n", "want one JSON object a line, got"),
        (b'{"text": "a"}\n{"words": "b"}\n', 'want lines with a "text" field, got others'),
        (b'["a"]\n', "want one JSON object a line, got list in its place"),
        (b'{"text": 3}\n', """want lines with a "text" field, got int as 'text' [(]line 1"""),
        (b'{"text": "\\ud800"}\n', "want one JSON object a line, got half a character"),
    ],
)
def test_damaged_texts_are_named(content, message, tmp_path):
    (tmp_path / "texts.jsonl").write_bytes(content)
    with pytest.raises(CorpusError, match=rf"texts\.jsonl: {message}"):
        read_texts(tmp_path / "texts.jsonl")


def test_embeddings_come_back(tmp_path):
    expected = np.random.default_rng(0).normal(size=(5, 3)).astype(np.float32)
    np.save(tmp_path / "a.npy", expected)
    got = read_embeddings(tmp_path / "a.npy")
    assert got.dtype == np.float32
    np.testing.assert_array_equal(got, expected)


def test_pickled_arrays_are_never_loaded(tmp_path):
    objects = np.array([{"a": 1}], dtype=object)
    np.save(tmp_path / "a.npy", objects)
    np.savez(tmp_path / "a.npz", objects=objects)
    with pytest.raises(PalimpsestError, match=r"a\.npy: want a \.npy matrix, got Object arrays"):
        read_embeddings(tmp_path / "a.npy")
    with pytest.raises(PalimpsestError, match=r"a\.npz: want an \.npz file, got Object arrays"):
        read_arrays(tmp_path / "a.npz")


def test_arrays_come_back_by_name(tmp_path):
    np.savez(tmp_path / "a.npz", sums=np.arange(3), means=np.eye(2))
    got = read_arrays(tmp_path / "a.npz")
    assert sorted(got) == ["means", "sums"]
    np.testing.assert_array_equal(got["sums"], [0, 1, 2])


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 no archive", b"\x93NUMPY\x01\x00v"])
def test_damaged_arrays_are_named(content, tmp_path):
    (tmp_path / "a").write_bytes(content)
    for read in (read_embeddings, read_arrays):
        with pytest.raises(PalimpsestError, match=r"a: want an? \.np"):
            read(tmp_path / "a")


@pytest.mark.parametrize(
    ("read", "wanted"),
    [
        (read_json, "a JSON file"),
        (read_rows, "a file of texts"),
        (read_texts, "a file of texts"),
        (read_continuations, "a file of texts"),
        (read_embeddings, "embeddings"),
        (read_arrays, "arrays"),
    ],
)
def test_a_missing_file_is_named(read, wanted, tmp_path):
    with pytest.raises(PalimpsestError, match=f"missing: want {wanted}, got no such file"):
        read(tmp_path / "missing")


# Files that a user asks for


def test_a_file_asked_for_by_name_follows_links_and_leaves_devices(tmp_path):
    target, link = tmp_path / "target", tmp_path / "link"
    target.write_bytes(b"old")
    link.symlink_to(target)
    write_out(link, b"new")
    assert (target.read_bytes(), link.is_symlink()) == (b"new", True)
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    write_out(pipe, b"through")
    assert os.read(reader, 99) == b"through"
    os.close(reader)
    assert stat.S_ISFIFO(pipe.stat().st_mode)
    write_out(tmp_path / "new" / "file", b"x")
    assert (tmp_path / "new" / "file").read_bytes() == b"x"


def test_standard_output_by_its_name_is_the_one_that_prints(capsysbinary):
    write_out(Path("/dev/stdout"), b"content")
    assert capsysbinary.readouterr().out == b"content"


def test_a_link_is_judged_by_where_it_leads(tmp_path):
    (tmp_path / "link").symlink_to(tmp_path / "folder" / "file")
    (tmp_path / "folder").mkdir()
    check_out(tmp_path / "link")
    (tmp_path / "round").symlink_to(tmp_path / "round")
    with pytest.raises(PalimpsestError, match="round: want a file to write"):
        check_out(tmp_path / "round")


def test_what_may_not_be_written_is_named(tmp_path, monkeypatch):
    monkeypatch.setattr(os, "access", lambda path, mode: path != tmp_path)
    with pytest.raises(PalimpsestError, match=r"new: want a file .*, which cannot be written"):
        check_out(tmp_path / "new")


@pytest.mark.parametrize(
    ("name", "got"), [("folder", "a folder"), ("file/below", "which is no folder")]
)
def test_a_file_that_cannot_be_written_is_named(tmp_path, name, got):
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").touch()
    with pytest.raises(PalimpsestError, match=f"{name}: want a file to write, got .*{got}"):
        check_out(tmp_path / name)


def test_what_the_disk_refuses_is_one_line():
    with pytest.raises(PalimpsestError, match=r"/dev/full: want a file to write, got .*No space"):
        write_out(Path("/dev/full"), b"x" * 10)


def test_human_texts_may_have_beginnings_that_stand_apart(tmp_path):
    path = tmp_path / "texts.jsonl"
    write_texts(path, ["a", "b"])
    assert read_human(path) == (["", ""], ["a", "b"])
    write_texts(path, ["a", "b"], prompt=["one ", "two "])
    assert read_human(path) == (["one ", "two "], ["a", "b"])
    path.write_text('{"text": "a", "prompt": 3}\n')
    with pytest.raises(CorpusError, match="got int as 'prompt'"):
        read_human(path)


def test_pieces_become_a_whole_file_or_none(tmp_path: Path) -> None:
    write_out(tmp_path / "a", (bytes([number]) for number in range(5)))
    assert (tmp_path / "a").read_bytes() == bytes(range(5))

    def broken() -> Iterator[bytes]:
        yield b"half"
        raise PalimpsestError("b", wanted="more", got="nothing")

    for name in ("a", "b"):
        with pytest.raises(PalimpsestError, match="want more"):
            write_out(tmp_path / name, broken())
    assert [path.name for path in tmp_path.iterdir()] == ["a"]
    assert (tmp_path / "a").read_bytes() == bytes(range(5))
    write_out(Path("/dev/null"), [b"a", b"b"])
