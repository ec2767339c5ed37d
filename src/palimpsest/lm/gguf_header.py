"""What the header of a GGUF file says: its metadata, and the shapes of its tensors.

Read before any library is given the file: every length is held against the bytes that are there,
so that nothing small asks for much memory. The format is llama.cpp's, versions 2 and 3,
little-endian: magic, version, number of tensors, number of metadata values, these values, then
name, shape, type and offset of each tensor.

Known gap: of a tensor's size only the least is known here (a bit a weight); the library that reads
it knows the rest.
"""

import mmap
import struct
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from palimpsest.core.errors import ModelError
from palimpsest.lm.weights import Shape

MAGIC, SUFFIX = b"GGUF", ".gguf"
VERSIONS = (2, 3)
SCALARS = {
    0: "B",
    1: "b",
    2: "H",
    3: "h",
    4: "I",
    5: "i",
    6: "f",
    7: "?",
    10: "Q",
    11: "q",
    12: "d",
}
"""Number of a type -> its code in `struct`."""
TEXT, ARRAY = 8, 9
MOST_DIMENSIONS = 4
MOST_NESTED = 4
"""Arrays in arrays."""


@dataclass(frozen=True)
class Header:
    """Metadata and tensors of a GGUF file."""

    values: Mapping[str, Any]
    """Numbers, truth values and texts by key; of an array, its length."""
    shapes: Mapping[str, Shape]
    """Shapes by the file's own names of the tensors, which are not those of `transformers`."""


def gguf_of(source: Path) -> Path | None:
    """The GGUF file that a path means; None where it means a folder of another kind, or nothing.

    Any file is taken for one, and so is a name that ends as theirs do; a folder without a
    config.json means the one that lies in it.

    Raises:
        ModelError: several lie in such a folder.
    """
    if not source.is_dir():
        return source if source.exists() or source.suffix.lower() == SUFFIX else None
    if (source / "config.json").exists():
        return None
    inside = sorted(path for path in source.iterdir() if path.suffix.lower() == SUFFIX)
    if len(inside) > 1:
        got = f"{len(inside)} of them"
        wanted = f"one GGUF file, or the name of one ({inside[0].name}, …)"
        raise ModelError(str(source), wanted=wanted, got=got)
    return inside[0] if inside else None


def read_header(file: Path) -> Header:
    """The header of a GGUF file.

    Raises:
        ModelError: it cannot be read, is no GGUF file, of another version, or cut; it promises more
            than it holds; or it is one part of several.
    """
    with _mapped(file) as content:
        cursor = _Cursor(content)
        try:
            if cursor.take(4) != MAGIC:
                raise ModelError(str(file), wanted="a GGUF file", got="another kind of file")
            version = cursor.number("I")
            if version not in VERSIONS:
                wanted = f"GGUF of version {' or '.join(map(str, VERSIONS))}, little-endian"
                raise ModelError(str(file), wanted=wanted, got=f"version {version}")
            tensors, values = cursor.number("Q"), cursor.number("Q")
            header = Header(dict(_values(cursor, values)), dict(_shapes(cursor, tensors)))
        except (EOFError, UnicodeDecodeError) as error:
            raise ModelError(str(file), wanted="a whole GGUF file", got=str(error)) from error
    parts = header.values.get("split.count")
    if isinstance(parts, int) and parts > 1:
        got, hint = f"one of {parts} parts", "join them first (llama.cpp: llama-gguf-split --merge)"
        raise ModelError(str(file), wanted="a file with the whole model", got=got, hint=hint)
    if not header.shapes:
        raise ModelError(str(file), wanted="a file with weights", got="metadata alone")
    return header


class _Cursor:
    """Reads one thing after the other, and never behind the end."""

    def __init__(self, content: bytes | mmap.mmap) -> None:
        self.content, self.at = content, 0

    def skip(self, count: int) -> None:
        if count > len(self.content) - self.at:
            promised = self.at + count
            raise EOFError(f"{len(self.content):,} bytes where the header speaks of {promised:,}")
        self.at += count

    def take(self, count: int) -> bytes:
        start = self.at
        self.skip(count)
        return bytes(self.content[start : self.at])

    def number(self, code: str) -> Any:
        return struct.unpack(f"<{code}", self.take(struct.calcsize(f"<{code}")))[0]

    def text(self) -> str:
        return self.take(self.number("Q")).decode("utf-8")

    def value(self, kind: int, depth: int = 0) -> Any:
        if kind in SCALARS:
            return self.number(SCALARS[kind])
        if kind == TEXT:
            return self.text()
        if kind != ARRAY or depth == MOST_NESTED:
            raise EOFError(f"a value of type {kind} at byte {self.at:,}")
        inner, length = self.number("I"), self.number("Q")
        if inner in SCALARS:
            self.skip(length * struct.calcsize(f"<{SCALARS[inner]}"))
        else:
            for _ in range(length):  # ends with the file: each has a length of its own in it
                self.value(inner, depth + 1)
        return length


def _values(cursor: _Cursor, count: int) -> Iterator[tuple[str, Any]]:
    for _ in range(count):
        yield cursor.text(), cursor.value(cursor.number("I"))


def _shapes(cursor: _Cursor, count: int) -> Iterator[tuple[str, Shape]]:
    bits = 8 * len(cursor.content)
    for _ in range(count):
        name, dimensions = cursor.text(), cursor.number("I")
        if dimensions > MOST_DIMENSIONS:
            raise EOFError(f"{name} of {dimensions:,} dimensions")
        shape = tuple(cursor.number("Q") for _ in range(dimensions))
        cursor.number("I")  # type of its numbers
        offset, weights = cursor.number("Q"), 1
        for size in shape:
            weights *= size
        if 8 * offset + weights > bits:
            raise EOFError(f"{len(cursor.content):,} bytes, too few for {name} of shape {shape}")
        yield name, shape


@contextmanager
def _mapped(file: Path) -> Iterator[bytes | mmap.mmap]:
    """The content of a file, read where it is looked at."""
    try:
        if not file.is_file():  # a pipe would be waited for
            got = "something else" if file.exists() else "no such file"
            raise ModelError(str(file), wanted="a GGUF file", got=got)
        with file.open("rb") as opened:
            if not file.stat().st_size:  # of nothing, there is no map
                yield b""
                return
            with mmap.mmap(opened.fileno(), 0, access=mmap.ACCESS_READ) as content:
                yield content
    except OSError as error:
        got = error.strerror or str(error)
        raise ModelError(str(file), wanted="a GGUF file", got=got) from error
