"""The bytes of a file, unpacked where they are gzip's or Zstandard's, whatever the file is called.

A packed file is unpacked a piece at a time and given up as soon as it is larger than
`palimpsest.core.parsing.check_unpacked` lets a packed file be: one GiB, or 20 times its own size.
"""

import gzip
import io
import zlib
from typing import BinaryIO

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
    try:
        if content.startswith(GZIP):
            with gzip.GzipFile(fileobj=io.BytesIO(content)) as stream:
                return _pieces(stream, len(content))
        if content.startswith(ZSTD):
            import pyarrow as pa  # type: ignore[import-untyped]

            with pa.CompressedInputStream(pa.BufferReader(content), "zstd") as stream:
                return _pieces(stream, len(content))
    except (OSError, EOFError, zlib.error) as error:
        raise ValueError(f"it cannot be unpacked ({error})") from error
    return content


def _pieces(stream: BinaryIO | gzip.GzipFile, packed: int) -> bytes:
    whole = io.BytesIO()
    while piece := stream.read(PIECE):
        whole.write(piece)
        check_unpacked(whole.tell(), packed)
    return whole.getvalue()
