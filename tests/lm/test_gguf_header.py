"""Headers of GGUF files: read, or refused in a line before anything is allocated."""

import os
import struct
import time
from pathlib import Path

import pytest

from palimpsest.core.errors import ModelError
from palimpsest.lm.gguf_header import gguf_of, read_header
from tests.lm.gguf_files import F32, gguf_bytes, text

VALUES = {
    "general.architecture": "llama",
    "llama.block_count": 2,
    "a.share": 0.5,
    "a.truth": True,
    "a.list": [1, 2, 3],
    "a.words": ["one", "zwei", "três"],
}
TENSORS = {"a": ((2, 3), F32, bytes(24)), "b": ((5,), F32, bytes(20))}


def written(folder: Path, content: bytes) -> Path:
    path = folder / "model.gguf"
    path.write_bytes(content)
    return path


@pytest.mark.parametrize("version", [2, 3])
def test_values_and_shapes_are_read(tmp_path: Path, version: int) -> None:
    header = read_header(written(tmp_path, gguf_bytes(VALUES, TENSORS, version)))
    assert header.values == {**VALUES, "a.list": 3, "a.words": 3}
    assert header.shapes == {"a": (3, 2), "b": (5,)}  # the file has the fastest axis first


def test_a_header_cut_at_each_of_its_bytes_is_refused(tmp_path: Path) -> None:
    whole = gguf_bytes(VALUES, TENSORS)
    head = whole.index(text("b")) + len(text("b")) + 4 + 8 + 4 + 8
    assert head < len(whole)
    for end in range(head):
        with pytest.raises(
            ModelError, match=r"model\.gguf: want a (whole )?GGUF file, got"
        ) as said:
            read_header(written(tmp_path, whole[:end]))
        assert "\n" not in str(said.value)


def refusal(path: Path) -> str:
    """What reading says, or nothing where it reads."""
    try:
        read_header(path)
    except ModelError as error:
        return str(error)
    return ""


def test_each_byte_changed_is_read_or_refused_in_a_line_and_at_once(tmp_path: Path) -> None:
    whole = gguf_bytes(VALUES, TENSORS)
    refused = 0
    start = time.process_time()
    for at in range(whole.index(text("b")) + 9):
        for flip in (0x01, 0xFF):
            changed = bytes([*whole[:at], whole[at] ^ flip, *whole[at + 1 :]])
            said = refusal(written(tmp_path, changed))
            assert "\n" not in said
            refused += bool(said)
    assert refused > 100
    assert time.process_time() - start < 30


HUGE = 2**62


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "whole GGUF file, got 0 bytes where the header speaks of 4"),
        (b"GGML" + bytes(40), "a GGUF file, got another kind of file"),
        (b"GGUF" + struct.pack(">IQQ", 3, 0, 0), "2 or 3, little-endian, got version 50331648"),
        (b"GGUF" + struct.pack("<IQQ", 1, 0, 0), "of version 2 or 3, little-endian, got version 1"),
        (b"GGUF" + struct.pack("<IQQ", 3, HUGE, 0), "whole GGUF file"),
        (b"GGUF" + struct.pack("<IQQ", 3, 0, HUGE), "whole GGUF file"),
        (b"GGUF" + struct.pack("<IQQQ", 3, 0, 1, HUGE), "whole GGUF file, got 32 bytes where"),
        (
            b"GGUF" + struct.pack("<IQQ", 3, 0, 1) + text("a") + struct.pack("<IIQ", 9, 4, HUGE),
            "whole GGUF file, got",
        ),
        (
            b"GGUF" + struct.pack("<IQQ", 3, 0, 1) + text("a") + struct.pack("<I", 99),
            "whole GGUF file, got a value of type 99",
        ),
        (
            b"GGUF" + struct.pack("<IQQ", 3, 0, 1) + text("a")
            + struct.pack("<IIQ", 9, 9, 1) + struct.pack("<IQ", 9, 1) * 9,
            "whole GGUF file, got a value of type 9",
        ),
        (
            b"GGUF" + struct.pack("<IQQ", 3, 1, 0) + text("a") + struct.pack("<I", 5),
            "whole GGUF file, got a of 5 dimensions",
        ),
        (
            b"GGUF" + struct.pack("<IQQ", 3, 1, 0) + text("a")
            + struct.pack("<IQQIQ", 2, 2**40, 2**40, 0, 0),
            "too few for a of shape",
        ),
        (
            b"GGUF" + struct.pack("<IQQ", 3, 1, 0) + text("a")
            + struct.pack("<IQIQ", 1, 8, 0, 2**40),
            "too few for a of shape",
        ),
        (b"GGUF" + struct.pack("<IQQQ", 3, 0, 1, 1) + b"\xff" * 9, "whole GGUF file, got 'utf-8"),
        (gguf_bytes({"a": 1}, {}), "want a file with weights, got metadata alone"),
        (
            gguf_bytes({"split.count": 3}, TENSORS),
            "want a file with the whole model, got one of 3 parts; join them first",
        ),
    ],
)  # fmt: skip
def test_what_no_file_holds_is_refused_in_a_line(
    tmp_path: Path, content: bytes, message: str
) -> None:
    with pytest.raises(ModelError) as said:
        read_header(written(tmp_path, content))
    assert message in str(said.value)
    assert "\n" not in str(said.value)


def test_what_is_no_file_is_not_waited_for(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="want a GGUF file, got no such file"):
        read_header(tmp_path / "none.gguf")
    os.mkfifo(tmp_path / "pipe.gguf")
    with pytest.raises(ModelError, match="want a GGUF file, got something else"):
        read_header(tmp_path / "pipe.gguf")


def test_a_file_that_cannot_be_read_is_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError(13, "Permission denied")

    path = written(tmp_path, gguf_bytes(VALUES, TENSORS))
    monkeypatch.setattr(Path, "open", refuse)
    with pytest.raises(ModelError, match="want a GGUF file, got Permission denied"):
        read_header(path)


def test_which_paths_mean_a_gguf_file(tmp_path: Path) -> None:
    file = written(tmp_path, b"")
    assert gguf_of(file) == file
    assert gguf_of(tmp_path) == file
    (tmp_path / "other.txt").touch()
    assert gguf_of(tmp_path / "other.txt") == tmp_path / "other.txt"
    assert gguf_of(tmp_path / "none.GGUF") == tmp_path / "none.GGUF"
    assert gguf_of(tmp_path / "someone" / "something") is None
    (tmp_path / "zwei.GGUF").touch()
    with pytest.raises(
        ModelError, match=r"want one GGUF file, or the name of one \(model\.gguf, …"
    ):
        gguf_of(tmp_path)
    (tmp_path / "config.json").touch()
    assert gguf_of(tmp_path) is None
