"""A language model in a folder: made from scratch, loaded, saved.

A folder holds config.json, model.safetensors (never pickle) and the tokenizer, in the layout of
`transformers`. GPT-2 and Llama run on this project's own decoder; every other
`AutoModelForCausalLM` runs through `transformers` (`palimpsest.lm.hub`), slower but the same.
"""

import json
import logging
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Protocol, Self

import torch
from safetensors import SafetensorError
from torch import Tensor

from palimpsest.core.errors import ModelError
from palimpsest.core.named_paths import path_of
from palimpsest.core.parameters import ModelParams
from palimpsest.core.provenance import file_hash
from palimpsest.core.storage import refused_by_disk
from palimpsest.lm.gguf_header import gguf_of
from palimpsest.lm.runtime import DTYPES, device_named
from palimpsest.lm.tokenizer import (
    Tokenizer,
    check_same_tokenizer,
    load_tokenizer,
    train_tokenizer,
)
from palimpsest.lm.transformer import ARCHITECTURES, Transformer
from palimpsest.lm.weights import (
    check_shapes,
    read_json,
    read_weights,
    weight_files,
    weight_shapes,
)

log = logging.getLogger(__name__)

PROMPT = "The city lies where the river meets the sea, and most of its houses are old."
"""What a model of `transformers` is tried on before it is believed."""


class Decoder(Protocol):
    """A cache of what has been written so far."""

    def step(self, ids_BT: Tensor) -> Tensor:
        """Reads T more tokens a row and returns the scores of the next one, (B, V).

        They are the caller's, who may change them.
        """

    def reorder(self, rows: Tensor) -> None:
        """Goes on with these rows, in this order."""


class LanguageModel(Protocol):
    """What sampling, training and likelihood need of a model."""

    config: dict[str, Any]
    context: int

    @property
    def cached(self) -> bool:
        """Whether writing goes on from a cache; else each token reads its text again."""

    @property
    def linear(self) -> bool:
        """Whether scores are products with `unembedding`, and nothing else."""

    @property
    def vocabulary(self) -> int:
        """Number of token types, V."""

    @property
    def device(self) -> torch.device:
        """Where it computes."""

    @property
    def dtype(self) -> torch.dtype:
        """The type that it computes in."""

    def to(self, dtype: torch.dtype, device: torch.device) -> Self:
        """A copy in another type or on another device."""

    def parameters(self) -> dict[str, Tensor]:
        """The weights by the name that they have in the file."""

    def save_weights(self, folder: Path, dtype: torch.dtype = torch.float32) -> None:
        """Writes model.safetensors, in the given type, into an existing folder."""

    def hidden(self, ids_BT: Tensor) -> Tensor:
        """Final hidden states after the last norm, (B, T, d); padding goes on the right."""

    def hidden_at(self, ids_BT: Tensor, places_N: Tensor) -> Tensor:
        """Those at some places of the flattened (B, T), ascending, (N, d).

        Behind the last place of each row there is nothing but padding.
        """

    def logits(self, hidden_Nd: Tensor) -> Tensor:
        """Scores over the vocabulary."""

    def unembedding(self) -> Tensor:
        """The output embedding, (V, d)."""

    def decoder(self, batch: int, length: int, padding_B: Tensor | None = None) -> Decoder:
        """A cache for `length` tokens in each of `batch` rows, `padding_B` of them on the left."""


def scratch_model(params: ModelParams, tokenizer: Tokenizer, seed: int) -> Transformer:
    """A GPT-2 with random weights (Radford et al. 2019: normal 0.02, residuals scaled down).

    Args:
        params: the shape.
        tokenizer: gives the vocabulary.
        seed: of the random weights.
    """
    config = {
        "model_type": "gpt2",
        "architectures": ["GPT2LMHeadModel"],
        "activation_function": "gelu_new",
        "vocab_size": tokenizer.size,
        "n_layer": params.layers,
        "n_head": params.heads,
        "n_embd": params.width,
        "n_positions": params.context,
        "n_ctx": params.context,
        "bos_token_id": tokenizer.start,
        "eos_token_id": tokenizer.end,
        "embd_pdrop": 0.0,
        "attn_pdrop": 0.0,
        "resid_pdrop": 0.0,
        "layer_norm_epsilon": 1e-5,
        "initializer_range": 0.02,
        "tie_word_embeddings": True,
        "use_cache": True,
    }
    generator = torch.Generator().manual_seed(seed)
    width, residual = params.width, 0.02 / (2 * params.layers) ** 0.5

    def normal(*shape: int, scale: float = 0.02) -> Tensor:
        return torch.randn(*shape, generator=generator) * scale

    weights = {"wte.weight": normal(tokenizer.size, width)}
    weights["wpe.weight"] = normal(params.context, width)
    for layer in range(params.layers):
        name = f"h.{layer}"
        for norm in ("ln_1", "ln_2"):
            weights |= _norm_weights(f"{name}.{norm}", width)
        for part, rows, columns, scale in (
            ("attn.c_attn", width, 3 * width, 0.02),
            ("attn.c_proj", width, width, residual),
            ("mlp.c_fc", width, 4 * width, 0.02),
            ("mlp.c_proj", 4 * width, width, residual),
        ):
            weights[f"{name}.{part}.weight"] = normal(rows, columns, scale=scale)
            weights[f"{name}.{part}.bias"] = torch.zeros(columns)
    weights |= _norm_weights("ln_f", width)
    return Transformer(config, {f"transformer.{key}": value for key, value in weights.items()})


def _norm_weights(name: str, width: int) -> dict[str, Tensor]:
    return {f"{name}.weight": torch.ones(width), f"{name}.bias": torch.zeros(width)}


def initial_model(
    params: ModelParams, training: Sequence[str], seed: int
) -> tuple[LanguageModel, Tokenizer]:
    """The model that generation 0 starts from, and its tokenizer.

    Args:
        params: where it comes from.
        training: human texts that a tokenizer can be trained on.
        seed: of the random weights, where there are any.

    Raises:
        ModelError: no such folder or GGUF file and no such hub id, nothing in it that can be
            loaded, or `start_token` or `end_token` is none of its tokenizer's.
        CorpusError: the texts do not fill the tokenizer's vocabulary.
        InstallationError: a GGUF file, and the packages that read it are not there.
    """
    if params.source != "scratch":
        model, tokenizer = _pretrained(params)
        if not model.cached:
            family = model.config.get("model_type")
            log.warning("%s has no cache that can be used: it will write slowly", family)
        own = tokenizer.start, tokenizer.end
        tokenizer = tokenizer.between(params.start_token, params.end_token)
        if (tokenizer.start, tokenizer.end) != own:
            # as save_model writes it: whoever opens the folder stops where the chain does
            ends = {"bos_token_id": tokenizer.start, "eos_token_id": tokenizer.end}
            model.config = {**model.config, **ends}
        return model, fitted(tokenizer, model, params.source)
    if params.tokenizer is not None:
        tokenizer = load_tokenizer(path_of("model.tokenizer", params.tokenizer))
    else:
        tokenizer = train_tokenizer(training, params.vocabulary)
    tokenizer = tokenizer.between(params.start_token, params.end_token)
    return scratch_model(params, tokenizer, seed), tokenizer


def _pretrained(params: ModelParams) -> tuple[LanguageModel, Tokenizer]:
    """The model of a folder, of a GGUF file or of the hub."""
    path = path_of("model.source", params.source)
    if (file := gguf_of(path)) is not None:
        from palimpsest.lm.gguf_file import load_gguf

        return load_gguf(file)
    if not path.exists():
        from palimpsest.lm.hub import fetch_model

        path = fetch_model(params.source, params.revision)
    return load_model_and_tokenizer(path, device="cpu")


def folder_hashes(params: ModelParams) -> dict[str, str]:
    """SHA-256 of each file that the first model (of one from scratch: its tokenizer) is read from.

    Hub ids have none: their revision says what they are.
    """
    scratch = params.source == "scratch"
    key, name = ("tokenizer", params.tokenizer) if scratch else ("source", params.source)
    folder = None if name is None else path_of(f"model.{key}", name)
    if not scratch and folder is not None and (file := gguf_of(folder)) and file.exists():
        return {f"{key} {file.name}": file_hash(file)}
    if folder is None or not folder.is_dir():
        return {}
    kinds = ("*.json", "*.txt", "*.model", *(() if scratch else ("*.safetensors",)))
    files = sorted(path for kind in kinds for path in folder.glob(kind))
    return {f"{key} {path.name}": file_hash(path) for path in files}


def load_model(
    folder: Path,
    dtype: str = "float32",
    device: str = "auto",
    prompt: Sequence[int] = (),
) -> LanguageModel:
    """The model of a folder.

    Args:
        folder: with config.json and safetensors weights.
        dtype: ``float32`` or ``bfloat16``, the type that it computes in.
        device: see `palimpsest.lm.runtime.device_named`.
        prompt: real token ids, which a model of `transformers` is tried on.

    Raises:
        ModelError: no config, no safetensors, a damaged file, weights that are not numbers, are
            missing or do not have the config's shapes.
    """
    if not folder.is_dir():
        raise ModelError(str(folder), wanted="a model folder", got="no such folder")
    if not (folder / "config.json").exists():
        raise ModelError(str(folder), wanted="a config.json in it", got="none")
    config = read_json(folder / "config.json")
    files = weight_files(folder)
    shapes = weight_shapes(files)
    target, place = DTYPES[dtype], device_named(device)
    architecture = ARCHITECTURES.get(str(config.get("model_type")))
    if architecture is not None and architecture.supports(config):
        wanted = architecture.sizes.read(config, folder).shapes()
        check_shapes(folder, wanted, architecture.named(config, shapes))
        named = architecture.named(config, read_weights(files))
        for name in wanted:
            if not named[name].is_floating_point() or named[name].element_size() < 2:
                got = str(named[name].dtype).removeprefix("torch.")
                raise ModelError(
                    f"{folder}: {name}", wanted="float32, float16 or bfloat16", got=got
                )
        weights = {name: named[name].to(place, target) for name in named if name in wanted}
        return Transformer(config, weights)
    from palimpsest.lm.hub import HubModel

    model: LanguageModel = HubModel.load(folder, target, place, shapes, prompt)
    return model


def save_model(
    model: LanguageModel, tokenizer: Tokenizer, folder: Path, dtype: str = "float32"
) -> None:
    """Writes config, weights and tokenizer into an existing folder.

    Args:
        model: the model.
        tokenizer: its tokenizer.
        folder: where to.
        dtype: ``float32`` or ``bfloat16``, the type of the weights in the file.

    Raises:
        OSError: the disk refuses.
    """
    try:
        model.save_weights(folder, DTYPES[dtype])
    except SafetensorError as error:
        raise refused_by_disk(error) or error from error
    text = json.dumps({**model.config, "dtype": dtype}, indent=1, sort_keys=True)
    (folder / "config.json").write_text(text + "\n", encoding="utf-8")
    tokenizer.save(folder)


def load_model_and_tokenizer(
    folder: Path, dtype: str = "float32", device: str = "auto", like: Path | None = None
) -> tuple[LanguageModel, Tokenizer]:
    """The model of a folder and its tokenizer, which must fit each other.

    Args:
        folder: where they lie.
        dtype: as in `load_model`.
        device: as in `load_model`.
        like: folder of a model whose tokenizer this one must have; None: of none.

    Tokens that were added to a tokenizer beyond the model's embedding do no harm as long as no text
    uses them: `Tokenizer.encode` refuses one that does.

    Raises:
        ModelError: as `load_model` and `load_tokenizer`; or the two do not fit; or see
            `check_same_tokenizer`.
    """
    tokenizer = load_tokenizer(folder)
    if like is not None and like != folder:
        check_same_tokenizer(tokenizer, load_tokenizer(like), folder, like)
    prompt = [tokenizer.start, *tokenizer.encode([PROMPT])[0]]
    model = load_model(folder, dtype, device, prompt)
    return model, fitted(tokenizer, model, str(folder))


def fitted(tokenizer: Tokenizer, model: LanguageModel, what: str) -> Tokenizer:
    """A tokenizer that refuses texts with tokens that the model does not have.

    Args:
        tokenizer: any.
        model: the model that is to read.
        what: what the two are called in an error.

    Raises:
        ModelError: more types were learned than the model has, or it lacks the start or the end.
    """
    needed = 1 + max(tokenizer.start, tokenizer.end, tokenizer.learned - 1)
    if needed > model.vocabulary:
        raise ModelError(
            f"{what}: tokenizer",
            wanted=f"at most the model's {model.vocabulary} token types",
            got=needed,
        )
    return replace(tokenizer, limit=model.vocabulary)
