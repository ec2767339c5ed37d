from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from palimpsest.core.errors import ModelError
from palimpsest.library import encoding
from palimpsest.library.encoding import embedded, encode_with


class WithMethod:
    """As a SentenceTransformer: callable for something else, with a method that embeds."""

    def __call__(self, batch: Any) -> None:
        raise AssertionError("not this one")

    def encode(self, texts: list[str]) -> Any:
        return torch.tensor([[float(len(text)), 1.0] for text in texts])


def lengths(texts: Any) -> Any:
    return [[len(text), 1] for text in texts]


@pytest.mark.parametrize("encoder", [lengths, WithMethod()])
def test_functions_and_objects_with_a_method_embed(encoder: Any) -> None:
    got = encode_with(encoder)(("a", "bcd"))
    assert got.dtype == np.float32
    np.testing.assert_array_equal(got, [[1, 1], [3, 1]])


@pytest.mark.parametrize("name", ["bundled", Path("bundled")])
def test_a_name_is_the_encoder_of_the_command(name: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(encoding, "cached_encoder", lambda model: (model, "loaded"))
    assert encode_with(name) == ("bundled", "loaded")


def test_texts_are_embedded_in_the_blocks_of_an_audit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(encoding, "BLOCK_TEXTS", 2)
    asked = []

    def encode(texts: Any) -> Any:
        asked.append([*texts])
        return np.asarray(lengths(texts), dtype=np.float32)

    np.testing.assert_array_equal(embedded(["a", "bb", "ccc"], encode)[:, 0], [1, 2, 3])
    assert asked == [["a", "bb"], ["ccc"]]


@pytest.mark.parametrize(("encoder", "got"), [(None, "None"), (7, "int"), ([1], "list")])
def test_what_is_no_encoder(encoder: Any, got: str) -> None:
    with pytest.raises(ModelError, match=f"encoder: want 'bundled', .*got {got}$"):
        encode_with(encoder)


@pytest.mark.parametrize(
    ("answer", "got"),
    [
        ([1.0, 2.0], r"got shape \(2,\)"),
        ([[1.0, 2.0]], r"got shape \(1, 2\)"),
        ([["a"], ["b"]], "could not convert"),
        (None, "got"),
    ],
)
def test_an_answer_that_is_no_embeddings(answer: Any, got: str) -> None:
    with pytest.raises(ModelError, match=rf"encoder: want \(2, d\) numbers for 2 texts, .*{got}"):
        encode_with(lambda texts: answer)(["a", "b"])
