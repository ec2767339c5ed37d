"""What config.json must say of a GPT-2 and of a Llama, and the weights that follow from it.

A configuration is checked before it is believed: types, ranges, and the shape of every weight
against the files, before anything is allocated.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Self

from pydantic import ConfigDict, Field, model_validator

from palimpsest.core.config import Number, Section
from palimpsest.core.errors import ModelError, ParamsError
from palimpsest.lm.weights import Shape

MOST_POSITIONS = 2**24
"""Positions of a context at the most (the longest one published has 10,485,760: Llama 4 Scout)."""
MOST_LAYERS = 10_000

Layers = Annotated[int, Field(ge=1, le=MOST_LAYERS)]
Positions = Annotated[int, Field(ge=1, le=MOST_POSITIONS)]
Size = Annotated[int, Field(ge=1, le=2**31 - 1)]
Positive = Annotated[Number, Field(gt=0)]


class _Config(Section):
    """Some keys of a config.json; it may have others."""

    model_config = ConfigDict(extra="ignore")

    @classmethod
    def read(cls, config: Mapping[str, Any], folder: Path) -> Self:
        """Checks the config.json of a folder.

        Raises:
            ModelError: a value is missing, has another type or is out of range.
        """
        try:
            return cls.of(dict(config))
        except ParamsError as error:
            what = f"{folder / 'config.json'}: {error.what}"
            raise ModelError(what, wanted=error.wanted, got=error.got) from error


class Gpt2Config(_Config):
    """The sizes of a GPT-2."""

    n_layer: Layers
    n_head: Size
    n_embd: Size
    n_positions: Positions
    vocab_size: Size
    n_inner: Size | None = None
    layer_norm_epsilon: Positive = 1e-5

    @model_validator(mode="after")
    def _whole_heads(self) -> Self:
        if self.n_embd % self.n_head:
            self.refuse("n_head", f"a divisor of n_embd, {self.n_embd}")
        return self

    def shapes(self) -> dict[str, Shape]:
        """Every weight's shape by its name in the file."""
        width, inner = self.n_embd, self.n_inner or 4 * self.n_embd
        shapes: dict[str, Shape] = {
            "transformer.wte.weight": (self.vocab_size, width),
            "transformer.wpe.weight": (self.n_positions, width),
        }
        norms = ["transformer.ln_f"]
        for layer in range(self.n_layer):
            name = f"transformer.h.{layer}"
            norms += [f"{name}.ln_1", f"{name}.ln_2"]
            for part, rows, columns in (
                ("attn.c_attn", width, 3 * width),
                ("attn.c_proj", width, width),
                ("mlp.c_fc", width, inner),
                ("mlp.c_proj", inner, width),
            ):
                shapes[f"{name}.{part}.weight"] = (rows, columns)
                shapes[f"{name}.{part}.bias"] = (columns,)
        return shapes | {
            f"{norm}.{part}": (width,) for norm in norms for part in ("weight", "bias")
        }


class _Rope(_Config):
    """Parameters of rotary positions."""

    rope_theta: Positive | None = None


class LlamaConfig(_Config):
    """The sizes of a Llama."""

    num_hidden_layers: Layers
    num_attention_heads: Size
    num_key_value_heads: Size | None = None
    head_dim: Size | None = None
    hidden_size: Size
    intermediate_size: Size
    max_position_embeddings: Positions
    vocab_size: Size
    rms_norm_eps: Positive = 1e-6
    tie_word_embeddings: bool = False
    rope_parameters: _Rope | None = None
    rope_theta: Positive | None = None

    @model_validator(mode="after")
    def _whole_heads(self) -> Self:
        if self.head_dim is None and self.hidden_size % self.num_attention_heads:
            self.refuse("num_attention_heads", f"a divisor of hidden_size, {self.hidden_size}")
        if self.num_attention_heads % self.key_value_heads:
            heads = self.num_attention_heads
            self.refuse("num_key_value_heads", f"a divisor of num_attention_heads, {heads}")
        if self.head_width % 2:
            self.refuse("head_dim", f"an even width, for rotary positions ({self.head_width})")
        return self

    @property
    def key_value_heads(self) -> int:
        """Heads of keys and values."""
        return self.num_key_value_heads or self.num_attention_heads

    @property
    def head_width(self) -> int:
        """Width of a head."""
        return self.head_dim or self.hidden_size // self.num_attention_heads

    @property
    def theta(self) -> float:
        """Base of the rotary angles."""
        rope = self.rope_parameters and self.rope_parameters.rope_theta
        return rope or self.rope_theta or 10_000.0

    def shapes(self) -> dict[str, Shape]:
        """Every weight's shape by its name in the file."""
        width, inner = self.hidden_size, self.intermediate_size
        queries = self.num_attention_heads * self.head_width
        keys = self.key_value_heads * self.head_width
        shapes: dict[str, Shape] = {"model.embed_tokens.weight": (self.vocab_size, width)}
        if not self.tie_word_embeddings:
            shapes["lm_head.weight"] = (self.vocab_size, width)
        for layer in range(self.num_hidden_layers):
            name = f"model.layers.{layer}"
            shapes |= {
                f"{name}.input_layernorm.weight": (width,),
                f"{name}.post_attention_layernorm.weight": (width,),
                f"{name}.self_attn.q_proj.weight": (queries, width),
                f"{name}.self_attn.k_proj.weight": (keys, width),
                f"{name}.self_attn.v_proj.weight": (keys, width),
                f"{name}.self_attn.o_proj.weight": (width, queries),
                f"{name}.mlp.gate_proj.weight": (inner, width),
                f"{name}.mlp.up_proj.weight": (inner, width),
                f"{name}.mlp.down_proj.weight": (width, inner),
            }
        return shapes | {"model.norm.weight": (width,)}
