"""What the benchmarks work on: models of well-known shapes with random weights, and texts.

How long a product takes does not depend on the numbers in it, so nothing needs to be downloaded.
Each model exists twice, in the class of `transformers` and in this project's, over the same memory.

Known gap: without ``--tokenizer`` the token types are those that a tokenizer of 1,500 learns from
the texts. A model of 50,257 computes with all of its rows nevertheless; texts become longer in
tokens than its own tokenizer would make them. A tokenizer with more types than the shape has makes
the model's embedding larger.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
import transformers

from benchmarks.paired import Pair
from palimpsest.core.errors import CorpusError
from palimpsest.core.parameters import Parameters, SamplingParams, TrainingParams
from palimpsest.corpus.files.reading import read_texts
from palimpsest.corpus.world.generator import World
from palimpsest.lm.tokenizer import Tokenizer, load_tokenizer, train_tokenizer
from palimpsest.lm.transformer import ARCHITECTURES, Transformer

ROOT = Path(__file__).parents[1]

SHAPES: dict[str, dict[str, Any]] = {
    "GPT-2 small": {
        "model_type": "gpt2",
        "vocab_size": 50_257,
        "n_layer": 12,
        "n_head": 12,
        "n_embd": 768,
        "n_positions": 1024,
        "resid_pdrop": 0.0,
        "embd_pdrop": 0.0,
        "attn_pdrop": 0.0,
    },
    "SmolLM2-135M's shape": {
        "model_type": "llama",
        "vocab_size": 49_152,
        "num_hidden_layers": 30,
        "num_attention_heads": 9,
        "num_key_value_heads": 3,
        "hidden_size": 576,
        "intermediate_size": 1536,
        "max_position_embeddings": 2048,
        "tie_word_embeddings": True,
    },
}
TOY: dict[str, dict[str, Any]] = {
    "gpt2": {"vocab_size": 320, "n_layer": 2, "n_head": 2, "n_embd": 32, "n_positions": 128},
    "llama": {
        "vocab_size": 320,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "hidden_size": 32,
        "intermediate_size": 48,
        "max_position_embeddings": 128,
    },
}
"""What ``--quick`` makes of a shape."""
LEARNED = 1500
"""Token types of a tokenizer that is trained here: the made-up world yields no more."""


@dataclass(frozen=True)
class Options:
    """What all rows of a table share."""

    quick: bool = False
    """Everything at toy size."""
    texts: Path | None = None
    """A file of texts; None: the made-up world."""
    tokenizer: Path | None = None
    """A folder with a tokenizer; None: one is trained on the texts."""
    portable: bool = False
    """Whether this process computes as it would on any other x86-64 processor."""

    def size(self, full: int, toy: int) -> int:
        """One of two sizes."""
        return toy if self.quick else full

    @property
    def text(self) -> str:
        """The name of the file that is read; "" for the made-up world."""
        return "" if self.texts is None else self.texts.name


@dataclass(frozen=True)
class Row:
    """A row of the table of docs/speed.md."""

    name: str
    """By which it is asked for."""
    work: str
    peer: str
    """The other side in words; "" where there is none."""
    unit: str
    """What is counted: "tokens/s", or "s" with what one of them is for."""
    prepare: Callable[[Options, Path], Pair]
    """Makes the work ready; the folder is empty and is removed afterwards."""
    wanted: str = ""
    """What the ratio (or, without a peer, the number) should reach."""
    minutes: float = 1.0
    """About how long a measurement of five rounds takes on two cores."""


def some_texts(path: Path | None, most: int) -> list[str]:
    """Distinct texts of a file, or of the made-up world, in a fixed order: so many or fewer."""
    if path is None:
        world = World(Parameters.load(ROOT / "params.yaml").corpus.world, 0)
        every = world.documents(2 * most + 20, 0)
    else:
        every = [text for text in read_texts([str(path)]).texts if text.strip()]
    return list(dict.fromkeys(every))[:most]


def texts_of(path: Path | None, count: int) -> list[str]:
    """So many distinct texts, see `some_texts`.

    Raises:
        CorpusError: there are fewer.
    """
    texts = some_texts(path, count)
    if len(texts) < count:
        raise CorpusError(str(path), wanted=f"{count} distinct texts", got=len(texts))
    return texts


def tokenizer_of(options: Options) -> Tokenizer:
    """The tokenizer of a folder, or one trained on the first texts."""
    if options.tokenizer is not None:
        return load_tokenizer(options.tokenizer)
    return train_tokenizer(some_texts(options.texts, 4000), options.size(LEARNED, 300))


@dataclass(frozen=True)
class Twins:
    """One model in two classes."""

    ours: Transformer
    theirs: Any
    """The causal language model of `transformers`, ready to be read with."""
    tokenizer: Tokenizer


def twins(shape: str, options: Options, dtype: torch.dtype = torch.float32, seed: int = 0) -> Twins:
    """A model of a shape with random weights, and its twin of `transformers` with the same."""
    tokenizer = tokenizer_of(options)
    values = SHAPES[shape]
    if options.quick:
        values = values | TOY[values["model_type"]]
    values = values | {"vocab_size": max(values["vocab_size"], tokenizer.size)}
    special = {"bos_token_id": tokenizer.start, "eos_token_id": tokenizer.end}
    transformers.utils.logging.set_verbosity_error()  # advice on a configuration that has no file
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        config = transformers.AutoConfig.for_model(**values, **special)
        theirs = transformers.AutoModelForCausalLM.from_config(config).to(dtype).eval()
    plain = config.to_dict()
    architecture = ARCHITECTURES[plain["model_type"]]
    named = architecture.named(plain, theirs.state_dict())
    wanted = architecture.sizes.of(plain).shapes()
    ours = Transformer(plain, {name: named[name].detach() for name in wanted})
    return Twins(ours, theirs, tokenizer)


def padded(rows: Sequence[Sequence[int]], end: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Rows filled up on the right to the longest, and their attention mask, (B, T) each."""
    gaps = [max(map(len, rows)) - len(row) for row in rows]
    pairs = list(zip(rows, gaps, strict=True))
    ids_BT = torch.tensor([[*row, *[end] * gap] for row, gap in pairs])
    mask_BT = torch.tensor([[1] * len(row) + [0] * gap for row, gap in pairs])
    return ids_BT, mask_BT


def prompts_of(tokenizer: Tokenizer, texts: Sequence[str], tokens: int) -> list[list[int]]:
    """The first tokens of each text, the same number of each."""
    return [row[:tokens] for row in tokenizer.encode(texts) if len(row) >= tokens]


def sampling_params(**changes: Any) -> SamplingParams:
    """Section ``generate`` of params.yaml, on the CPU, with some values changed."""
    return Parameters.load(ROOT / "params.yaml").generate.changed(**changes)


def training_params(**changes: Any) -> TrainingParams:
    """Section ``finetune`` of params.yaml, on the CPU, with some values changed."""
    return Parameters.load(ROOT / "params.yaml").finetune.changed(**changes)
