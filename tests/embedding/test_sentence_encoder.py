"""Encoders of many kinds, minute ones: few positions, no padding token, no start token, no network.

What a transformer's positions count, and what it does with an empty text, differs by family.
"""

import json
from pathlib import Path

import numpy as np
import pytest

from palimpsest.core.errors import ModelError
from palimpsest.core.parameters import EncoderParams
from palimpsest.embedding.encoder import Encoder
from tests.embedding.families import (
    FAMILIES,
    WITHOUT_SPECIAL_TOKENS,
    encoder_folder,
    word_tokenizer,
)

TEXTS = ["the lighthouse", "it is " * 200, "", "  ", "a", "the lighthouse is built"]


def params(folder: Path, max_tokens: int = 256) -> EncoderParams:
    values = {"model": str(folder), "revision": None, "dtype": "float32", "batch_size": 3}
    return EncoderParams.of({**values, "max_tokens": max_tokens}, "embed.encoder")


@pytest.mark.parametrize("family", FAMILIES)
def test_an_encoder_reads_up_to_its_limit_and_says_so(tmp_path: Path, family: str) -> None:
    folder, limit = encoder_folder(tmp_path, family), FAMILIES[family][1]
    encoder = Encoder.load(params(folder), cut_to_limit=True)
    assert encoder.params.max_tokens == limit
    said = [note for note in encoder.notes if "positions" in note]
    told = f"the encoder has {limit} positions: it reads {limit} tokens of a text"
    assert said == ([told] if limit < 256 else [])
    embeddings = encoder.encode(TEXTS)
    np.testing.assert_allclose(np.linalg.norm(embeddings, axis=1), 1, atol=1e-5)
    # texts that differ behind the limit alone are one to it, those that differ before are not
    head = "the " * (limit - 1)
    one, other, shorter = encoder.encode([head + "a " * 9, head + "a " * 5, head[: len(head) // 2]])
    np.testing.assert_array_equal(one, other)
    assert not np.allclose(one, shorter)


@pytest.mark.parametrize("family", ["Bert", "Roberta", "MPNet", "GPT2"])
def test_a_project_that_asks_for_more_is_refused(tmp_path: Path, family: str) -> None:
    folder, limit = encoder_folder(tmp_path, family), FAMILIES[family][1]
    with pytest.raises(ModelError, match=rf"max_tokens: want <= {limit}, .* got {limit + 1}"):
        Encoder.load(params(folder, limit + 1))
    assert Encoder.load(params(folder, limit)).encode(TEXTS).shape == (6, 16)


@pytest.mark.parametrize("family", WITHOUT_SPECIAL_TOKENS)
def test_padding_that_an_encoder_lacks_changes_no_embedding(tmp_path: Path, family: str) -> None:
    encoder = Encoder.load(params(encoder_folder(tmp_path, family)), cut_to_limit=True)
    assert "the encoder has no padding token: '[UNK]' fills short texts up" in encoder.notes
    alone = np.concatenate([encoder.encode([text]) for text in TEXTS])
    np.testing.assert_allclose(encoder.encode(TEXTS), alone, atol=1e-6)


@pytest.mark.parametrize("family", WITHOUT_SPECIAL_TOKENS)
def test_an_empty_text_is_read_as_the_padding_token(tmp_path: Path, family: str) -> None:
    encoder = Encoder.load(params(encoder_folder(tmp_path, family)), cut_to_limit=True)
    assert encoder.notes[-1] == (
        "the encoder reads nothing in an empty text: '[UNK]' stands for it"
    )
    empty, blank, unknown = encoder.encode(["", " \n", "[UNK]"])
    np.testing.assert_allclose(empty, unknown, atol=1e-6)
    np.testing.assert_allclose(blank, unknown, atol=1e-6)


def test_a_family_with_start_tokens_needs_no_stand_in(tmp_path: Path) -> None:
    encoder = Encoder.load(params(encoder_folder(tmp_path, "Bert"), 64))
    assert encoder.notes == ()
    empty, unknown = encoder.encode(["", "[UNK]"])
    assert not np.allclose(empty, unknown)


def test_a_table_of_word_vectors_is_cut_too(tmp_path: Path) -> None:
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.sentence_transformer.modules import StaticEmbedding

    table = StaticEmbedding(word_tokenizer(special=False), embedding_dim=16)
    SentenceTransformer(modules=[table], device="cpu").save(str(tmp_path / "static"))
    encoder = Encoder.load(params(tmp_path / "static", 4), cut_to_limit=True)
    one, other, third = encoder.encode(["a is it the built", "a is it the the", "a is it built"])
    np.testing.assert_array_equal(one, other)
    assert not np.allclose(one, third)
    empty = encoder.encode([""])
    assert np.linalg.norm(empty) == pytest.approx(1)
    assert encoder.pieces(["lighthouse", "a is"]).tolist() == [1, 2]
    assert encoder.notes == ("the encoder reads nothing in an empty text: '[PAD]' stands for it",)


def test_a_token_without_a_row_is_one_line(tmp_path: Path) -> None:
    encoder = Encoder.load(params(encoder_folder(tmp_path, "Bert", extra_words=3), 64))
    assert encoder.encode(["the lighthouse"]).shape == (1, 16)
    wanted = r"^embed.encoder.model: want an encoder that reads its texts, got '.*' \(index out of"
    with pytest.raises(ModelError, match=wanted) as caught:
        encoder.encode(["new2 lighthouse"])
    assert "\n" not in str(caught.value)


def test_a_tokenizer_without_a_token_is_one_line(tmp_path: Path) -> None:
    folder = encoder_folder(tmp_path, "Bert")
    content = json.loads((folder / "tokenizer.json").read_text())
    content["model"]["vocab"], content["added_tokens"] = {}, []
    (folder / "tokenizer.json").write_text(json.dumps(content))
    with pytest.raises(ModelError, match=r"^embed.encoder.model: want an encoder that can be"):
        Encoder.load(params(folder, 64)).encode(["a"])
