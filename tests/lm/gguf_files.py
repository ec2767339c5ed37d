"""GGUF files written byte by byte, and minute models of `transformers` in them."""

import json
import struct
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from tests.lm.tiny import tokenizer

F32, Q8_0, ALIGNMENT = 0, 8, 32
BLOCK = 32
"""Weights of a block of Q8_0, which share a scale."""
PLAIN, CONTROL = 1, 3
"""Types of a token: an ordinary one, and one that is special."""

LLAMA_PARTS = {
    "input_layernorm": "attn_norm",
    "post_attention_layernorm": "ffn_norm",
    "self_attn.q_proj": "attn_q",
    "self_attn.k_proj": "attn_k",
    "self_attn.v_proj": "attn_v",
    "self_attn.o_proj": "attn_output",
    "mlp.gate_proj": "ffn_gate",
    "mlp.up_proj": "ffn_up",
    "mlp.down_proj": "ffn_down",
}
GPT2_PARTS = {
    "ln_1": "attn_norm",
    "ln_2": "ffn_norm",
    "attn.c_attn": "attn_qkv",
    "attn.c_proj": "attn_output",
    "mlp.c_fc": "ffn_up",
    "mlp.c_proj": "ffn_down",
}
ENDS = {
    "model.embed_tokens.weight": "token_embd.weight",
    "model.norm.weight": "output_norm.weight",
    "lm_head.weight": "output.weight",
    "transformer.wte.weight": "token_embd.weight",
    "transformer.wpe.weight": "position_embd.weight",
    "transformer.ln_f.weight": "output_norm.weight",
    "transformer.ln_f.bias": "output_norm.bias",
}


def text(value: str) -> bytes:
    """A text with its length in front."""
    raw = value.encode()
    return struct.pack("<Q", len(raw)) + raw


def value_bytes(value: Any) -> bytes:
    """A value behind the number of its type."""
    if isinstance(value, bool):
        return struct.pack("<I?", 7, value)
    if isinstance(value, int):
        return struct.pack("<II", 4, value)
    if isinstance(value, float):
        return struct.pack("<If", 6, value)
    if isinstance(value, str):
        return struct.pack("<I", 8) + text(value)
    kind, inner = (
        (8, text) if isinstance(value[0], str) else (5, lambda one: struct.pack("<i", one))
    )
    return struct.pack("<IIQ", 9, kind, len(value)) + b"".join(map(inner, value))


def quantised(weight: NDArray[np.float32]) -> tuple[bytes, NDArray[np.float32]]:
    """Blocks of Q8_0 (a float16 scale, 32 whole numbers), and the weights that they stand for."""
    blocks = weight.reshape(-1, BLOCK)
    scales = (np.abs(blocks).max(axis=1, keepdims=True) / 127).astype(np.float16)
    numbers = np.round(blocks / np.maximum(scales.astype(np.float32), 1e-12)).astype(np.int8)
    raw = b"".join(s.tobytes() + n.tobytes() for s, n in zip(scales, numbers, strict=True))
    return raw, (scales.astype(np.float32) * numbers).reshape(weight.shape)


def gguf_bytes(
    values: Mapping[str, Any],
    tensors: Mapping[str, tuple[tuple[int, ...], int, bytes]],
    version: int = 3,
) -> bytes:
    """A GGUF file.

    Args:
        values: its metadata.
        tensors: shape (as numpy has it), type and content of each.
        version: of the format.
    """
    head = b"GGUF" + struct.pack("<IQQ", version, len(tensors), len(values))
    head += b"".join(text(key) + value_bytes(value) for key, value in values.items())
    body = b""
    for name, (shape, kind, raw) in tensors.items():
        head += text(name) + struct.pack("<I", len(shape))
        head += b"".join(struct.pack("<Q", size) for size in reversed(shape))
        head += struct.pack("<IQ", kind, len(body))
        body += raw + bytes(-len(raw) % ALIGNMENT)
    return head + bytes(-len(head) % ALIGNMENT) + body


def vocabulary(start: str = "<|endoftext|>") -> dict[str, Any]:
    """The metadata of the tests' tokenizer, which is a byte-level one as GPT-2's is."""
    backend = tokenizer().backend
    tokens = [backend.id_to_token(number) or "" for number in range(backend.get_vocab_size())]
    rules = json.loads(backend.to_str())["model"]["merges"]
    special = tokens.index(start)
    return {
        "tokenizer.ggml.model": "gpt2",
        "tokenizer.ggml.tokens": tokens,
        "tokenizer.ggml.token_type": [
            PLAIN if n != special else CONTROL for n in range(len(tokens))
        ],
        "tokenizer.ggml.merges": [
            rule if isinstance(rule, str) else " ".join(rule) for rule in rules
        ],
        "tokenizer.ggml.bos_token_id": special,
        "tokenizer.ggml.eos_token_id": special,
    }


def sizes(family: str, config: Any) -> dict[str, Any]:
    """The metadata of a model's shape."""
    known = {
        "block_count": config.num_hidden_layers,
        "context_length": config.max_position_embeddings,
        "embedding_length": config.hidden_size,
        "attention.head_count": config.num_attention_heads,
    }
    if family == "gpt2":
        known |= {"feed_forward_length": config.n_inner or 4 * config.hidden_size}
        known |= {"attention.layer_norm_epsilon": float(config.layer_norm_epsilon)}
    else:
        known |= {"feed_forward_length": config.intermediate_size}
        known |= {"attention.head_count_kv": config.num_key_value_heads}
        known |= {"attention.layer_norm_rms_epsilon": float(config.rms_norm_eps)}
        known |= {"rope.freq_base": 10000.0, "vocab_size": config.vocab_size}
    values = {f"{family}.{key}": value for key, value in known.items()}
    return {"general.architecture": family, "general.name": "minute"} | values


def named(name: str) -> str:
    """What GGUF calls a weight of `transformers`."""
    if name in ENDS:
        return ENDS[name]
    _, _, layer, *parts, kind = name.split(".")
    whole = ".".join(parts)
    return f"blk.{layer}.{(LLAMA_PARTS | GPT2_PARTS)[whole]}.{kind}"


def permuted(weight: NDArray[np.float32], heads: int) -> NDArray[np.float32]:
    """Queries and keys of a Llama as llama.cpp turns them: halves of a head become neighbours."""
    halves = weight.reshape(heads, 2, -1, weight.shape[1])
    return halves.swapaxes(1, 2).reshape(weight.shape)


def write_gguf(model: Any, path: Path, short: tuple[str, ...] = (), **values: Any) -> Path:
    """Writes a model of `transformers` with the tests' tokenizer.

    Args:
        model: a Llama, Qwen2 or GPT-2; weights that are quantised are changed to what they become.
        path: where to.
        short: parts of names of the weights that are quantised.
        **values: metadata to change, dots as two underscores.
    """
    family, config = model.config.model_type, model.config
    tensors = {}
    tied = getattr(config, "tie_word_embeddings", True)
    for name, weight in model.state_dict().items():
        if name == "lm_head.weight" and tied:
            continue
        array = weight.detach().numpy().astype(np.float32)
        few = any(part in name for part in short)
        if few:
            array = quantised(array)[1]
            with torch.no_grad():
                weight.copy_(torch.from_numpy(array))
        if family == "llama" and ("q_proj" in name or "k_proj" in name):
            heads = config.num_attention_heads if "q_proj" in name else config.num_key_value_heads
            array = permuted(array, heads)
        if family == "gpt2" and name.endswith("weight") and ("attn." in name or "mlp." in name):
            array = array.T.copy()
        kind, raw = (Q8_0, quantised(array)[0]) if few else (F32, array.tobytes())
        tensors[named(name)] = (array.shape, kind, raw)
    changed = {key.replace("__", "."): value for key, value in values.items()}
    path.write_bytes(gguf_bytes(sizes(family, config) | vocabulary() | changed, tensors))
    return path
