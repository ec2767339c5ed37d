"""Embeddings on disk: asked for once, told apart by texts and encoder, written anew if broken."""

import errno
from pathlib import Path

import numpy as np
import pytest

from palimpsest.core.parameters import EncoderParams
from palimpsest.embedding.cache import CachedEncoder, cache_folder, cached_encoder
from palimpsest.embedding.encoder import Encoder

PARAMS = EncoderParams(
    model="bundled", revision=None, dtype="float32", batch_size=4, max_tokens=256
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


@pytest.fixture
def warnings() -> list[str]:
    """What a cache warned of; a test that expects none need not look."""
    said: list[str] = []
    return said


def cache_in(folder: Path, warnings: list[str], encoder: Encoder | None = None) -> CachedEncoder:
    return CachedEncoder(encoder or Counting(), folder, warnings.append)


def test_the_cache_answers_the_second_time(tmp_path: Path, warnings: list[str]) -> None:
    encoder, folder = Counting(), tmp_path / "cache"
    first = cache_in(folder, warnings, encoder)(["a", "bc"])
    again = cache_in(folder, warnings, encoder)(["a", "bc"])
    np.testing.assert_array_equal(again, first)
    assert again.dtype == np.float32
    assert encoder.calls == 1
    np.testing.assert_allclose(first, [[0.5**0.5, 0.5**0.5], [0.8**0.5, 0.2**0.5]], rtol=1e-6)
    assert [path.suffix for path in folder.iterdir()] == [".npz"]
    assert warnings == []


def test_the_cache_tells_texts_and_encoders_apart(tmp_path: Path, warnings: list[str]) -> None:
    encoder = Counting()
    cache = cache_in(tmp_path, warnings, encoder)
    for texts in (["a", "bc"], ["ab", "c"], ["bc", "a"], ["abc"], [], ["a1:b"], ["a", "bb"]):
        cache(texts)
    assert encoder.calls == 6  # nothing is asked for no texts
    cache_in(tmp_path, warnings, Counting("two"))(["abc"])
    assert len(list(tmp_path.iterdir())) == 8


def turned(content: bytes) -> bytes:
    """One bit of the last coordinate turned: the shape is right, the number is not."""
    at = content.index(np.float32(0.5**0.5).tobytes())
    return content[:at] + bytes([content[at] ^ 1]) + content[at + 1 :]


@pytest.mark.parametrize(
    "damage",
    [
        turned,
        lambda content: b"",
        lambda content: b"broken",
        lambda content: b"PK\x03\x04",
        lambda content: content[:-40],
    ],
)
def test_a_damaged_file_is_replaced(tmp_path: Path, warnings: list[str], damage) -> None:
    encoder = Counting()
    cache = cache_in(tmp_path, warnings, encoder)
    first = cache(["a"])
    (path,) = tmp_path.iterdir()
    whole = path.read_bytes()
    path.write_bytes(damage(whole))
    np.testing.assert_array_equal(cache(["a"]), first)
    assert encoder.calls == 2
    np.testing.assert_array_equal(cache(["a"]), first)
    assert encoder.calls == 2
    assert warnings == []


@pytest.mark.parametrize(
    "other",
    [
        {"embeddings": np.zeros((2, 2), np.float32)},
        {"embeddings": np.zeros((1, 2))},
        {"other": np.zeros((1, 2), np.float32)},
    ],
)
def test_an_array_of_another_shape_or_type_is_replaced(
    tmp_path: Path, warnings: list[str], other
) -> None:
    encoder = Counting()
    cache = cache_in(tmp_path, warnings, encoder)
    first = cache(["a"])
    np.savez(next(tmp_path.iterdir()), **other)
    np.testing.assert_array_equal(cache(["a"]), first)
    assert encoder.calls == 2
    np.testing.assert_array_equal(cache(["a"]), first)
    assert encoder.calls == 2


def test_a_file_in_the_folders_place_is_one_warning(tmp_path: Path, warnings: list[str]) -> None:
    encoder, folder = Counting(), tmp_path / "file" / "embeddings"
    folder.parent.write_text("mine")
    cache = cache_in(folder, warnings, encoder)
    for texts in (["a"], ["bc"], ["a"]):
        assert cache(texts).shape == (1, 2)
    assert encoder.calls == 3
    assert warnings == [
        f"embeddings are not kept for the next time: {folder} cannot be written (Not a directory)"
    ]
    assert folder.parent.read_text() == "mine"


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EROFS, errno.EACCES, errno.EDQUOT])
def test_a_disk_that_refuses_is_one_warning_and_leaves_nothing(
    tmp_path: Path, warnings: list[str], monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    def refuse(self: Path, target: Path) -> None:
        raise OSError(number, "refused")

    monkeypatch.setattr(Path, "replace", refuse)
    cache = cache_in(tmp_path / "new", warnings)
    first = cache(["a", "bc"])
    np.testing.assert_array_equal(cache(["a", "bc"]), first)
    assert len(warnings) == 1
    assert "(refused)" in warnings[0]
    assert list((tmp_path / "new").iterdir()) == []


def test_a_folder_that_takes_nothing_still_gives_what_it_has(
    tmp_path: Path, warnings: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    cache_in(tmp_path, warnings)(["kept"])

    def refuse(path: Path, content: bytes) -> None:
        raise PermissionError(errno.EACCES, "refused")

    monkeypatch.setattr("palimpsest.embedding.cache.write_bytes", refuse)
    encoder = Counting()
    cache = cache_in(tmp_path, warnings, encoder)
    for texts in (["new"], ["kept"], ["kept"]):
        cache(texts)
    assert encoder.calls == 1
    assert len(warnings) == 1


def test_a_user_without_a_home_is_one_warning(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("platformdirs.user_cache_path", Path)
    assert cache_folder() is None
    said: list[str] = []
    encoder = Counting()
    cache = CachedEncoder(encoder, cache_folder(), said.append)
    for _ in range(2):
        cache(["a"])
    assert encoder.calls == 2
    assert said == ["embeddings are not kept for the next time: there is no home folder"]
    assert list(tmp_path.iterdir()) == []


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
    assert len(list((tmp_path / "palimpsest" / "embeddings").iterdir())) == 1


def test_it_says_which_encoder_it_is(tmp_path: Path, warnings: list[str]) -> None:
    assert cache_in(tmp_path, warnings, Counting("three")).identity == "three"
