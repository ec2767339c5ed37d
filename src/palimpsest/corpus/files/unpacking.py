"""The bytes of a file, unpacked where they are gzip's or Zstandard's, whatever the file is called.

A packed file is unpacked a piece at a time and given up as soon as it is larger than
`palimpsest.core.parsing.check_unpacked` lets a packed file be: one GiB, or 20 times its own size.
"""

import gzip
import io
import zlib
from collections.abc import Iterator
from typing import Any, BinaryIO

from palimpsest.core.parsing import check_unpacked

PACKED = (".gz", ".zst")
"""Suffixes that may stand behind that of the kind."""
GZIP, ZSTD = b"\x1f\x8b", b"\x28\xb5\x2f\xfd"
"""How such files begin."""
PIECE = 2**20
"""Bytes that are unpacked at once."""


def is_packed(start: bytes) -> bool:
    """Whether a file with this beginning is packed."""
    return start.startswith((GZIP, ZSTD))


def unpacked(content: bytes) -> bytes:
    """The content of a file, unpacked once if it is packed.

    Raises:
        ValueError: cut off, damaged, or a bomb.
    """
    if not is_packed(content[: len(ZSTD)]):
        return content
    return b"".join(unpacked_pieces(io.BytesIO(content), len(content)))


def unpacked_pieces(file: BinaryIO, size: int) -> Iterator[bytes]:
    """The content of an open file, a piece at a time, unpacked if it is packed.

    Args:
        file: at its beginning.
        size: bytes that it has.

    Raises:
        ValueError: cut off, damaged, or a bomb.
    """
    start = file.read(len(ZSTD))
    file.seek(0)
    if not is_packed(start):
        yield from iter(lambda: file.read(PIECE), b"")
        return
    try:
        with _opened(file, start) as stream:
            done = 0
            while piece := stream.read(PIECE):
                done += len(piece)
                check_unpacked(done, size)
                yield piece
    except (OSError, EOFError, zlib.error) as error:
        raise ValueError(f"it cannot be unpacked ({error})") from error


def _opened(file: BinaryIO, start: bytes) -> Any:
    if start.startswith(GZIP):
        return gzip.GzipFile(fileobj=file)
    import pyarrow as pa  # type: ignore[import-untyped]

    return pa.CompressedInputStream(pa.PythonFile(file, mode="r"), "zstd")
