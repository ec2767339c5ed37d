"""Embeddings on disk: asked for once, told apart by texts and encoder, written anew if broken."""

from pathlib import Path

import numpy as np
import pytest

from palimpsest.core.parameters import EncoderParams
from palimpsest.embedding.cache import cache_folder, cached_encoder, encode_cached
from palimpsest.embedding.encoder import Encoder

PARAMS = EncoderParams(
    model="bundled", revision=None, dtype="float32", batch_size=4, max_tokens=256, device="cpu"
)


class Counting(Encoder):
    """Counts how often it is asked; a text's embedding points along (its length, 1)."""

    def __init__(self, identity: str = "one") -> None:
        super().__init__(PARAMS, 2, identity)
        self.calls = 0

    def pieces(self, words):  # type: ignore[no-untyped-def]
        return np.ones(len(words), dtype=np.int64)

    def _encode_batches(self, texts, first):  # type: ignore[no-untyped-def]
        import torch

        if texts:
            self.calls += 1
            yield texts, torch.tensor([[float(len(text)), 1.0] for text in texts])


def test_the_cache_answers_the_second_time(tmp_path: Path) -> None:
    encoder, cache = Counting(), tmp_path / "cache"
    first = encode_cached(["a", "bc"], encoder, cache)
    np.testing.assert_array_equal(encode_cached(["a", "bc"], encoder, cache), first)
    assert encoder.calls == 1
    np.testing.assert_allclose(first, [[0.5**0.5, 0.5**0.5], [0.8**0.5, 0.2**0.5]], rtol=1e-6)
    assert [path.suffix for path in cache.iterdir()] == [".npy"]


def test_the_cache_tells_texts_and_encoders_apart(tmp_path: Path) -> None:
    encoder = Counting()
    for texts in (["a", "bc"], ["ab", "c"], ["bc", "a"], ["abc"], [], ["a1:b"], ["a", "bb"]):
        encode_cached(texts, encoder, tmp_path)
    assert encoder.calls == 6  # nothing is asked for no texts
    encode_cached(["abc"], Counting("two"), tmp_path)
    assert len(list(tmp_path.iterdir())) == 8


@pytest.mark.parametrize("content", [b"", b"broken", b"\x93NUMPY"])
def test_a_broken_cache_file_is_written_anew(tmp_path: Path, content: bytes) -> None:
    encoder = Counting()
    first = encode_cached(["a"], encoder, tmp_path)
    next(tmp_path.iterdir()).write_bytes(content)
    np.testing.assert_array_equal(encode_cached(["a"], encoder, tmp_path), first)
    np.testing.assert_array_equal(np.load(next(tmp_path.iterdir())), first)


@pytest.mark.parametrize("other", [np.zeros((2, 2), np.float32), np.zeros((1, 2))])
def test_a_cached_array_of_another_shape_or_type_is_written_anew(tmp_path: Path, other) -> None:
    encoder = Counting()
    first = encode_cached(["a"], encoder, tmp_path)
    np.save(next(tmp_path.iterdir()), other)
    np.testing.assert_array_equal(encode_cached(["a"], encoder, tmp_path), first)
    assert encoder.calls == 2
    assert np.load(next(tmp_path.iterdir())).dtype == np.float32


def test_a_cache_that_cannot_be_written_costs_no_result(tmp_path: Path) -> None:
    encoder, cache = Counting(), tmp_path / "file" / "cache"
    first = encode_cached(["a"], encoder, tmp_path / "other")
    (tmp_path / "file").write_text("no folder can be made here")
    np.testing.assert_array_equal(encode_cached(["a"], encoder, cache), first)
    assert encoder.calls == 2


def test_the_cache_lies_in_the_users_folder(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert cache_folder() == tmp_path / "palimpsest" / "embeddings"
    monkeypatch.setenv("XDG_CACHE_HOME", "not/absolute")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert cache_folder() == tmp_path / ".cache" / "palimpsest" / "embeddings"


def test_the_cached_encoder_is_the_encoder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    whole = Encoder.load(PARAMS).encode(["a", "bc"])
    np.testing.assert_allclose(cached_encoder("bundled")(["a", "bc"]), whole, atol=1e-6)
    assert len(list(cache_folder().iterdir())) == 1
