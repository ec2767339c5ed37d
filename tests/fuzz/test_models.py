"""Model folders: configurations, tokenizers, headers and indexes, read or refused in a line."""

import json
import struct

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from safetensors.numpy import save

from palimpsest.lm.gguf_header import read_header
from palimpsest.lm.model_config import Gpt2Config, LlamaConfig
from palimpsest.lm.tokenizer import load_tokenizer, train_tokenizer
from palimpsest.lm.weights import read_json, read_weights, weight_files, weight_shapes
from tests.fuzz.inputs import (
    JSON_PIECES,
    VALUES,
    as_json,
    fuzz,
    read_or_refused,
    replaced,
    variants,
)
from tests.lm.gguf_files import F32, gguf_bytes

GPT2 = {
    "model_type": "gpt2", "n_layer": 1, "n_head": 2, "n_embd": 4, "n_positions": 8,
    "vocab_size": 16, "layer_norm_epsilon": 1e-5,
}  # fmt: skip
LLAMA = {
    "model_type": "llama", "num_hidden_layers": 1, "num_attention_heads": 2, "hidden_size": 8,
    "intermediate_size": 8, "max_position_embeddings": 8, "vocab_size": 16,
    "rope_parameters": {"rope_theta": 10000.0},
}  # fmt: skip
WEIGHTS = save({"a": np.ones((2, 3), np.float32), "b": np.zeros(4, np.float16)})
LENGTH = struct.unpack("<Q", WEIGHTS[:8])[0]
HEADER = json.loads(WEIGHTS[8 : 8 + LENGTH])
TOKENIZER = json.loads(train_tokenizer(["ab ab abc bc"] * 9, 260).backend.to_str())
SMALL = TOKENIZER | {"model": TOKENIZER["model"] | {"vocab": {"a": 0, "b": 1, "<|endoftext|>": 2}}}
SMALL["model"]["merges"] = []
SMALL["added_tokens"][0]["id"] = 2
INDEX = {"weight_map": {"a": "model-1.safetensors", "b": "model-1.safetensors"}}
NAMES = {"eos_token": "<|endoftext|>", "bos_token": {"content": "a"}}


@fuzz
@given(st.one_of(replaced(GPT2), replaced(LLAMA)))
def test_configurations(tmp_path, config):
    if isinstance(config, dict):
        for sizes in (Gpt2Config, LlamaConfig):
            read = read_or_refused(sizes.read, config, tmp_path)
            if read is not None:
                assert min(size for shape in read.shapes().values() for size in shape) > 0


@fuzz
@given(st.one_of(variants(as_json(GPT2), as_json(LLAMA), pieces=JSON_PIECES), VALUES.map(as_json)))
def test_json_of_models(tmp_path, content):
    path = tmp_path / "config.json"
    path.write_bytes(content)
    assert isinstance(read_or_refused(read_json, path), dict | None)


@fuzz
@given(st.one_of(variants(as_json(INDEX), pieces=JSON_PIECES), replaced(INDEX).map(as_json)))
def test_indexes(tmp_path, content):
    (tmp_path / "model-1.safetensors").write_bytes(WEIGHTS)
    (tmp_path / "model.safetensors.index.json").write_bytes(content)
    for path in read_or_refused(weight_files, tmp_path) or ():
        assert path.parent == tmp_path


def with_header(header):
    header = as_json(header)
    return struct.pack("<Q", len(header)) + header + WEIGHTS[8 + LENGTH :]


@fuzz
@given(
    st.one_of(
        variants(WEIGHTS, pieces=(*JSON_PIECES, "\xff" * 8, "BF16", "I64", "[0,9999999999]")),
        replaced(HEADER).map(with_header),
    )
)
def test_headers_of_weights(tmp_path, content):
    path = tmp_path / "model.safetensors"
    path.write_bytes(content)
    shapes = read_or_refused(weight_shapes, [path])
    weights = read_or_refused(read_weights, [path])
    if weights is not None:
        assert {name: tuple(weight.shape) for name, weight in weights.items()} == shapes


@fuzz
@given(
    st.one_of(variants(as_json(SMALL), pieces=JSON_PIECES), replaced(SMALL).map(as_json)),
    st.one_of(st.just(as_json(NAMES)), replaced(NAMES).map(as_json)),
)
def test_tokenizers(tmp_path, content, names):
    (tmp_path / "tokenizer.json").write_bytes(content)
    (tmp_path / "tokenizer_config.json").write_bytes(names)
    tokenizer = read_or_refused(load_tokenizer, tmp_path)
    if tokenizer is not None:
        assert tokenizer.size > 0
        read_or_refused(tokenizer.counts, ["ab a\u0301 <|endoftext|>", ""])


def test_the_whole_ones_are_read(tmp_path):
    for name, content in {
        "model.safetensors": WEIGHTS, "tokenizer.json": as_json(SMALL),
        "tokenizer_config.json": as_json(NAMES),
    }.items():  # fmt: skip
        (tmp_path / name).write_bytes(content)
    assert weight_shapes(weight_files(tmp_path)) == {"a": (2, 3), "b": (4,)}
    tokenizer = load_tokenizer(tmp_path)
    assert (tokenizer.start, tokenizer.end) == (0, 2)
    assert Gpt2Config.read(GPT2, tmp_path).n_embd == 4
    assert LlamaConfig.read(LLAMA, tmp_path).theta == pytest.approx(10_000)


GGUF = gguf_bytes(
    {"general.architecture": "llama", "llama.block_count": 2, "tokenizer.ggml.tokens": ["a", "b"]},
    {"a": ((2, 3), F32, bytes(24)), "b": ((5,), F32, bytes(20))},
)


@fuzz
@given(variants(GGUF, pieces=("\xff" * 8, "\x00" * 8, "GGUF", "\x09\x00\x00\x00", "split.count")))
def test_headers_of_gguf_files(tmp_path, content):
    path = tmp_path / "model.gguf"
    path.write_bytes(content)
    header = read_or_refused(read_header, path)
    if header is not None:
        assert all(len(shape) <= 4 for shape in header.shapes.values())
