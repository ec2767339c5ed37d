"""Packed files: what is in them, whatever they are called, or a line that says why not."""

import gzip
import io

import pytest

from palimpsest.corpus.files import unpacking
from palimpsest.corpus.files.unpacking import is_packed, unpacked, unpacked_pieces
from tests.corpus.files.tables import zstd

PACKERS = {"gzip": gzip.compress, "zstd": zstd}


@pytest.mark.parametrize("name", PACKERS)
def test_what_was_packed_comes_back(name: str) -> None:
    pack, content = PACKERS[name], "日本 text\n".encode() * 300_000
    assert unpacked(pack(content)) == content
    assert unpacked(pack(b"a") + pack(b"b")) == b"ab"
    assert is_packed(pack(b""))
    assert unpacked(pack(b"")) == b""


def test_other_content_stays() -> None:
    for content in (b"", b"\x1f", b'{"text": "a"}'):
        assert unpacked(content) == content
        assert not is_packed(content)


@pytest.mark.parametrize("name", PACKERS)
def test_what_is_damaged_is_said(name: str) -> None:
    whole = PACKERS[name](bytes(range(256)) * 99)
    for content in (whole[:-5], whole[:12], whole + b"no frame of either"):
        with pytest.raises(ValueError, match="it cannot be unpacked"):
            unpacked(content)


@pytest.mark.parametrize("name", PACKERS)
def test_a_bomb_is_not_unpacked(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    content = PACKERS[name](bytes(4_000_000))
    assert len(unpacked(content)) == 4_000_000
    monkeypatch.setattr("palimpsest.core.parsing.MOST_UNPACKED", 1_500_000)
    with pytest.raises(ValueError, match=r"2,097,152 bytes packed into [\d,]+"):
        unpacked(content)


@pytest.mark.parametrize("pack", [bytes, *PACKERS.values()])
def test_pieces_are_the_content_and_small(pack, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unpacking, "PIECE", 100)
    content = bytes(range(256)) * 4
    packed = pack(content)
    pieces = [*unpacked_pieces(io.BytesIO(packed), len(packed))]
    assert b"".join(pieces) == content
    assert max(map(len, pieces)) <= 100
    assert [*unpacked_pieces(io.BytesIO(b""), 0)] == []
