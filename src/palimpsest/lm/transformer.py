"""GPT-2 and Llama decoders over a dictionary of weights, written for speed on few cores.

The names of the weights are those of the Hugging Face files, so a folder written here opens with
`transformers` and the other way round. One definition of each block serves training (whole
sequences, gradients) and sampling (one token a step, `palimpsest.lm.kv_cache`), where oneDNN's
products may take the place of torch's.

Legend of shapes: B batch, T time, H heads, K key-value heads, E width of a head, d model width,
V vocabulary.

Known gaps: no dropout; rotary scaling, attention biases in Llama and cross attention are left to
`palimpsest.lm.hub`, which runs any architecture through `transformers`.
"""

import copy
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, ClassVar, Protocol, Self, TypeVar

import torch
import torch.nn.functional as F
from safetensors.torch import save_file
from torch import Tensor

from palimpsest.core.compute import is_portable
from palimpsest.lm.attention import Attend, Unpadded, causal
from palimpsest.lm.cuda_graph import recorded
from palimpsest.lm.fused_loss import padded_rows
from palimpsest.lm.kv_cache import Decoder
from palimpsest.lm.model_config import Gpt2Config, LlamaConfig
from palimpsest.lm.products import Affine, Product, affine_for, onednn_pays
from palimpsest.lm.static_cache import StaticDecoder

T = TypeVar("T")

GPT2_PRODUCTS = ("attn.c_attn", "attn.c_proj", "mlp.c_fc", "mlp.c_proj")
LLAMA_PRODUCTS = (
    *(f"self_attn.{part}_proj" for part in "qkvo"),
    *(f"mlp.{part}_proj" for part in ("gate", "up", "down")),
)
"""Weights of a layer that take part in a product."""


class Architecture(Protocol):
    """What differs between architectures."""

    layers: int
    key_value_heads: int
    head_width: int
    context: int
    affine: Affine

    def reserve(self, length: int) -> None:
        """Makes ready for positions below `length`."""

    def embed(self, ids_BT: Tensor, positions_BT: Tensor) -> Tensor:
        """Token (and position) embeddings, (B, T, d)."""

    def block(self, layer: int, x_BTd: Tensor, positions_BT: Tensor, attend: Attend) -> Tensor:
        """One layer, (B, T, d)."""

    def laid_out(self) -> Self:
        """The same over weights in the layout of oneDNN's products: for writing, no gradients."""

    def norm(self, x_BTd: Tensor) -> Tensor:
        """The last norm, (B, T, d)."""

    def unembedding(self) -> Tensor:
        """The rows of the output embedding, (V, d)."""


def _heads(x_BTd: Tensor, heads: int) -> Tensor:
    batch, time, width = x_BTd.shape
    return x_BTd.view(batch, time, heads, width // heads).transpose(1, 2)


class Gpt2:
    """GPT-2 (Radford et al. 2019): learned positions, layer norms, tied output embedding."""

    sizes: ClassVar = Gpt2Config

    def __init__(self, config: Mapping[str, Any], weights: Mapping[str, Tensor]) -> None:
        self.w = weights
        self.products: dict[str, Product] = {}
        sizes = Gpt2Config.of(dict(config))
        self.layers = sizes.n_layer
        self.heads = self.key_value_heads = sizes.n_head
        self.head_width = sizes.n_embd // self.heads
        self.context = sizes.n_positions
        self.epsilon = sizes.layer_norm_epsilon
        self.affine = affine_for(self.unembedding())

    @staticmethod
    def supports(config: Mapping[str, Any]) -> bool:
        """True if this file computes what the configuration asks for."""
        return (
            config.get("activation_function", "gelu_new") in ("gelu_new", "gelu_pytorch_tanh")
            and config.get("tie_word_embeddings", True)
            and not config.get("scale_attn_by_inverse_layer_idx")
            and config.get("scale_attn_weights", True)
            and not config.get("add_cross_attention")
            and not config.get("quantization_config")
        )

    @staticmethod
    def named(config: Mapping[str, Any], weights: Mapping[str, T]) -> dict[str, T]:
        """The file's weights (or their shapes) under one set of names: with prefix, no masks."""
        named = {}
        for name, weight in weights.items():
            short = name.removeprefix("transformer.")
            if not short.endswith((".attn.bias", ".attn.masked_bias", "lm_head.weight")):
                named[f"transformer.{short}"] = weight
        return named

    def reserve(self, length: int) -> None:
        """Nothing to be done: its positions are learned."""

    def _norm(self, x: Tensor, name: str) -> Tensor:
        weight, bias = self.w[f"transformer.{name}.weight"], self.w[f"transformer.{name}.bias"]
        return F.layer_norm(x, weight.shape, weight, bias, self.epsilon)

    def _linear(self, x: Tensor, name: str) -> Tensor:
        if name in self.products:
            return self.products[name](x)
        weight, bias = self.w[f"transformer.{name}.weight"], self.w[f"transformer.{name}.bias"]
        return self.affine(x, weight.t(), bias)

    def _gelu_linear(self, x: Tensor, name: str) -> Tensor:
        if name in self.products:
            return self.products[name](x)  # the activation in it
        return F.gelu(self._linear(x, name), approximate="tanh")

    def embed(self, ids_BT: Tensor, positions_BT: Tensor) -> Tensor:
        """Token and position embeddings."""
        tokens = F.embedding(ids_BT, self.w["transformer.wte.weight"])
        return tokens + F.embedding(positions_BT, self.w["transformer.wpe.weight"])

    def block(self, layer: int, x_BTd: Tensor, positions_BT: Tensor, attend: Attend) -> Tensor:
        """Attention and a four times wider perceptron, each behind its layer norm."""
        name = f"h.{layer}"
        qkv = self._linear(self._norm(x_BTd, f"{name}.ln_1"), f"{name}.attn.c_attn")
        query, key, value = (_heads(part, self.heads) for part in qkv.chunk(3, dim=-1))
        mixed = attend(layer, query, key, value).transpose(1, 2).reshape(x_BTd.shape)
        x_BTd = x_BTd + self._linear(mixed, f"{name}.attn.c_proj")
        inner = self._gelu_linear(self._norm(x_BTd, f"{name}.ln_2"), f"{name}.mlp.c_fc")
        return x_BTd + self._linear(inner, f"{name}.mlp.c_proj")

    def laid_out(self) -> "Gpt2":
        """The same weights, those of products in the layout of oneDNN."""
        made = copy.copy(self)
        made.products = {
            name: Product(
                self.w[f"transformer.{name}.weight"].T,
                self.w[f"transformer.{name}.bias"],
                "gelu" if name.endswith("c_fc") else "none",
            )
            for layer in range(self.layers)
            for name in (f"h.{layer}.{part}" for part in GPT2_PRODUCTS)
        }
        return made

    def norm(self, x_BTd: Tensor) -> Tensor:
        """The last layer norm."""
        return self._norm(x_BTd, "ln_f")

    def unembedding(self) -> Tensor:
        """The token embedding, which is tied to the output."""
        return self.w["transformer.wte.weight"]


class Llama:
    """Llama (Touvron et al. 2023): rotary positions, RMS norms, gated perceptron."""

    sizes: ClassVar = LlamaConfig

    def __init__(self, config: Mapping[str, Any], weights: Mapping[str, Tensor]) -> None:
        self.w = weights
        self.products: dict[str, Product] = {}
        sizes = LlamaConfig.of(dict(config))
        self.layers = sizes.num_hidden_layers
        self.heads = sizes.num_attention_heads
        self.key_value_heads = sizes.key_value_heads
        self.head_width = sizes.head_width
        self.context = sizes.max_position_embeddings
        self.epsilon = sizes.rms_norm_eps
        self.tied = sizes.tie_word_embeddings
        self.theta = sizes.theta
        self.affine = affine_for(self.unembedding())
        self.cos = self.sin = torch.empty(0)

    def reserve(self, length: int) -> None:
        """Rotary angles of positions below `length`, to the next power of two."""
        if length <= len(self.cos):
            return
        rows = 1 << (length - 1).bit_length()
        powers = torch.arange(0, self.head_width, 2, dtype=torch.float32) / self.head_width
        angles = torch.arange(rows, dtype=torch.float32)[:, None] / self.theta**powers
        place = self.unembedding().device
        self.cos = torch.cat([angles.cos()] * 2, dim=-1).to(place)
        self.sin = torch.cat([angles.sin()] * 2, dim=-1).to(place)

    @staticmethod
    def supports(config: Mapping[str, Any]) -> bool:
        """True if this file computes what the configuration asks for."""
        rope = config.get("rope_parameters") or config.get("rope_scaling") or {}
        if not isinstance(rope, Mapping):
            return False
        kind = rope.get("rope_type") or rope.get("type") or "default"
        return (
            config.get("hidden_act", "silu") == "silu"
            and kind == "default"
            and not config.get("attention_bias")
            and not config.get("mlp_bias")
            and not config.get("quantization_config")
        )

    @staticmethod
    def named(config: Mapping[str, Any], weights: Mapping[str, T]) -> dict[str, T]:
        """The file's weights (or shapes) under one set of names: a tied embedding has either."""
        named = {name: weight for name, weight in weights.items() if "inv_freq" not in name}
        if config.get("tie_word_embeddings") and "lm_head.weight" in named:
            named.setdefault("model.embed_tokens.weight", named.pop("lm_head.weight"))
            named.pop("lm_head.weight", None)
        return named

    def _norm(self, x: Tensor, name: str) -> Tensor:
        return F.rms_norm(x, (x.shape[-1],), self.w[f"model.{name}.weight"], self.epsilon)

    def _linear(self, x: Tensor, name: str) -> Tensor:
        if name in self.products:
            return self.products[name](x)
        return self.affine(x, self.w[f"model.{name}.weight"], None)

    def _rotate(self, x_BHTE: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
        first, second = x_BHTE.chunk(2, dim=-1)
        return x_BHTE * cos + torch.cat((-second, first), dim=-1) * sin

    def embed(self, ids_BT: Tensor, positions_BT: Tensor) -> Tensor:
        """Token embeddings; positions enter in the attention."""
        return F.embedding(ids_BT, self.w["model.embed_tokens.weight"])

    def block(self, layer: int, x_BTd: Tensor, positions_BT: Tensor, attend: Attend) -> Tensor:
        """Rotary attention and a gated perceptron, each behind its RMS norm."""
        name = f"layers.{layer}"
        inner = self._norm(x_BTd, f"{name}.input_layernorm")
        query = _heads(self._linear(inner, f"{name}.self_attn.q_proj"), self.heads)
        key = _heads(self._linear(inner, f"{name}.self_attn.k_proj"), self.key_value_heads)
        value = _heads(self._linear(inner, f"{name}.self_attn.v_proj"), self.key_value_heads)
        cos = self.cos[positions_BT][:, None].to(query.dtype)
        sin = self.sin[positions_BT][:, None].to(query.dtype)
        query, key = self._rotate(query, cos, sin), self._rotate(key, cos, sin)
        mixed = attend(layer, query, key, value).transpose(1, 2).flatten(2)
        x_BTd = x_BTd + self._linear(mixed, f"{name}.self_attn.o_proj")
        inner = self._norm(x_BTd, f"{name}.post_attention_layernorm")
        gate = F.silu(self._linear(inner, f"{name}.mlp.gate_proj"))
        gated = gate * self._linear(inner, f"{name}.mlp.up_proj")
        return x_BTd + self._linear(gated, f"{name}.mlp.down_proj")

    def laid_out(self) -> "Llama":
        """The same weights, those of products in the layout of oneDNN."""
        made = copy.copy(self)
        made.products = {
            name: Product(self.w[f"model.{name}.weight"])
            for layer in range(self.layers)
            for name in (f"layers.{layer}.{part}" for part in LLAMA_PRODUCTS)
        }
        return made

    def norm(self, x_BTd: Tensor) -> Tensor:
        """The last RMS norm."""
        return self._norm(x_BTd, "norm")

    def unembedding(self) -> Tensor:
        """The output embedding, tied to the input's or its own."""
        return self.w["model.embed_tokens.weight" if self.tied else "lm_head.weight"]


ARCHITECTURES: dict[str, type[Gpt2] | type[Llama]] = {"gpt2": Gpt2, "llama": Llama}


class Transformer:
    """A decoder of this file behind the interface of `palimpsest.lm.checkpoint.LanguageModel`."""

    cached = True
    linear = True

    def __init__(self, config: Mapping[str, Any], weights: dict[str, Tensor]) -> None:
        self.config = dict(config)
        self.weights = weights
        self.architecture: Architecture = ARCHITECTURES[config["model_type"]](config, weights)
        self.context = self.architecture.context

    @property
    def vocabulary(self) -> int:
        """Number of token types, V."""
        return self.architecture.unembedding().shape[0]

    @property
    def dtype(self) -> torch.dtype:
        """The type that it computes in."""
        return self.architecture.unembedding().dtype

    @property
    def device(self) -> torch.device:
        """Where it computes."""
        return self.architecture.unembedding().device

    def to(self, dtype: torch.dtype, device: torch.device) -> "Transformer":
        """A copy with the weights in another type or on another device."""
        moved = {
            name: weight.detach().to(device, dtype, copy=True)
            for name, weight in self.weights.items()
        }
        return Transformer(self.config, moved)

    def parameters(self) -> dict[str, Tensor]:
        """The weights by name; each tensor once."""
        return self.weights

    def save_weights(self, folder: Path, dtype: torch.dtype = torch.float32) -> None:
        """Writes model.safetensors, in the given type, into an existing folder."""
        weights = {
            name: weight.detach().to("cpu", dtype).contiguous()
            for name, weight in self.weights.items()
        }
        save_file(weights, str(folder / "model.safetensors"), metadata={"format": "pt"})

    def hidden(self, ids_BT: Tensor) -> Tensor:
        """The final hidden states after the last norm, (B, T, d), causal, no padding mask.

        Padding on the right needs none: a causal model never looks ahead.
        """
        time = ids_BT.shape[1]
        self.architecture.reserve(time)
        positions_BT = torch.arange(time, device=ids_BT.device).expand_as(ids_BT)
        attend = causal(time, self.dtype, self.device)
        return _read(self.architecture, ids_BT, positions_BT, attend)

    def hidden_at(self, ids_BT: Tensor, places_N: Tensor) -> Tensor:
        """`hidden` at some places of the flattened (B, T), (N, d): all, and no padding, is read.

        Where a process has promised its bits, padding is read as it always was: a product of
        fewer rows may sum in another order.

        Args:
            ids_BT: token ids; behind the last place of a row stands padding.
            places_N: ascending, at least one.
        """
        promised = self.dtype == torch.float32 and is_portable()
        if promised or self.device.type != "cpu":
            return self.hidden(ids_BT).flatten(0, 1).index_select(0, places_N)
        self.architecture.reserve(ids_BT.shape[1])
        rows = Unpadded(ids_BT.shape, places_N)
        ids_1N, positions_1N = ids_BT.flatten()[rows.read_N][None], rows.positions_N[None]
        attention = rows.attention(self.dtype)
        hidden_1Nd = _read(self.architecture, ids_1N, positions_1N, attention)
        return hidden_1Nd[0].index_select(0, torch.searchsorted(rows.read_N, places_N))

    def logits(self, hidden_Nd: Tensor) -> Tensor:
        """Scores over the vocabulary, (..., V), for hidden states (..., d)."""
        return self.architecture.affine(hidden_Nd, self.architecture.unembedding(), None)

    def unembedding(self) -> Tensor:
        """The rows of the output embedding, (V, d)."""
        return self.architecture.unembedding()

    def decoder(self, batch: int, length: int, padding_B: Tensor | None = None) -> Decoder:
        """A cache for writing up to `length` tokens in `batch` rows.

        On a CPU it holds a copy of the weights, so it does not see what changes in them later; on
        a GPU it reads them where they lie, so they must stay there.
        """
        ours = self.architecture
        ours.reserve(length)
        head: Callable[[Tensor], Tensor] = self.logits
        fast = onednn_pays(self.unembedding())
        if fast:
            ours, head = ours.laid_out(), Product(self.unembedding())
        if self.device.type == "cuda":
            rows_Pd = padded_rows(self.unembedding())
            head = lambda x_Bd: F.linear(x_Bd, rows_Pd)[:, : self.vocabulary]  # noqa: E731
        shape = (ours.layers, batch, ours.key_value_heads, length, ours.head_width)

        def read(ids_BT: Tensor, positions_BT: Tensor, attend: Attend) -> Tensor:
            return head(_read(ours, ids_BT, positions_BT, attend)[:, -1])

        if self.device.type == "cuda":
            return StaticDecoder(read, shape, self.unembedding(), padding_B, recorded)
        return Decoder(read, shape, self.unembedding(), padding_B, as_products=fast)


def _read(
    architecture: Architecture, ids_BT: Tensor, positions_BT: Tensor, attend: Attend
) -> Tensor:
    """Hidden states after the last norm, (B, T, d)."""
    x_BTd = architecture.embed(ids_BT, positions_BT)
    for layer in range(architecture.layers):
        x_BTd = architecture.block(layer, x_BTd, positions_BT, attend)
    return architecture.norm(x_BTd)
