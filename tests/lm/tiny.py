"""Minute models and tokenizers, with random weights that differ from layer to layer."""

from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import torch
import transformers
from numpy.typing import NDArray

from palimpsest.core.parameters import ModelParams, SamplingParams, TrainingParams
from palimpsest.lm.checkpoint import load_model
from palimpsest.lm.class_statistics import Classes
from palimpsest.lm.tokenizer import Tokenizer, train_tokenizer
from palimpsest.lm.transformer import Transformer

SHARED = Path(__file__).parents[3] / "shared" / "models"

TEXTS = [
    f"The {animal} of the {place} sleeps near river number {number}."
    for number, (animal, place) in enumerate(
        (animal, place)
        for animal in ("fox", "otter", "heron", "badger")
        for place in ("north", "valley", "old forest", "hill", "city wall")
    )
]

VOCABULARY = 300

GPT2 = {"n_layer": 2, "n_head": 2, "n_embd": 16, "n_positions": 64}
LLAMA = {
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "hidden_size": 32,
    "intermediate_size": 48,
    "max_position_embeddings": 64,
}


@cache
def tokenizer() -> Tokenizer:
    return train_tokenizer(TEXTS, VOCABULARY)


def theirs(architecture: str, seed: int = 0, **changes: Any) -> Any:
    """A model of `transformers`; every weight is random, norms and biases too."""
    end = tokenizer().end
    special = {"bos_token_id": end, "eos_token_id": end, "pad_token_id": None}
    if architecture == "gpt2":
        config: Any = transformers.GPT2Config(vocab_size=VOCABULARY, **GPT2 | special | changes)
        model: Any = transformers.GPT2LMHeadModel(config)
    else:
        config = transformers.LlamaConfig(vocab_size=VOCABULARY, **LLAMA | special | changes)
        model = transformers.LlamaForCausalLM(config)
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, weight in model.named_parameters():
            center = 1.0 if weight.dim() == 1 and name.endswith("weight") else 0.0
            weight.copy_(center + 0.3 * torch.randn(weight.shape, generator=generator))
    return model.eval()


def saved(model: Any, folder: Path, **options: Any) -> Path:
    """The model's folder, with the tokenizer."""
    model.save_pretrained(str(folder), **options)
    tokenizer().save(folder)
    return folder


def pair(architecture: str, folder: Path, **changes: Any) -> tuple[Any, Transformer]:
    """The same weights in their class and in ours."""
    model = theirs(architecture, **changes)
    ours = load_model(saved(model, folder), device="cpu")
    assert isinstance(ours, Transformer)
    return model, ours


def ids(*shape: int, seed: int = 0) -> torch.Tensor:
    """Random token ids, no start and no end among them."""
    generator = torch.Generator().manual_seed(seed)
    return torch.randint(1, VOCABULARY, shape, generator=generator)


def scores(model: Any, rows: torch.Tensor) -> torch.Tensor:
    """Our model's scores of every next token, (B, T, V)."""
    with torch.inference_mode():
        result: torch.Tensor = model.logits(model.hidden(rows))
    return result


def their_scores(model: Any, rows: torch.Tensor) -> torch.Tensor:
    """The same of a model of `transformers`."""
    with torch.inference_mode():
        result: torch.Tensor = model(rows).logits
    return result


def class_statistics(hidden: NDArray[Any], targets: NDArray[Any], classes: int) -> Classes:
    """Counts, means and mean squared distances to the mean of each class, as defined."""
    members = [hidden[targets == number].astype(np.float64) for number in range(classes)]
    means = np.stack(
        [rows.mean(axis=0) if len(rows) else np.zeros(hidden.shape[1]) for rows in members]
    )
    variances = [
        ((rows - mean) ** 2).sum(axis=1).mean() if len(rows) else 0.0
        for rows, mean in zip(members, means, strict=True)
    ]
    counts = np.array([len(rows) for rows in members])
    return Classes(np.arange(classes), counts, means, np.array(variances))


def agreement(weights: NDArray[Any], means: NDArray[Any], hidden: NDArray[Any]) -> int:
    """States for which the largest score and the nearest mean are the same class's, as defined."""
    nearest = np.linalg.norm(hidden[:, None] - means, axis=2).argmin(axis=1)
    return int(((hidden @ weights.T).argmax(axis=1) == nearest).sum())


class Trap:
    """Unpickling it leaves a file behind."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (self.path,)


def sampling(**changes: Any) -> SamplingParams:
    """Section ``generate`` with some values changed."""
    values: dict[str, Any] = {
        "documents": 5,
        "max_new_tokens": 12,
        "strategy": "sample",
        "temperature": 1.0,
        "top_k": 0,
        "top_p": 1.0,
        "min_p": 0.0,
        "repetition_penalty": 1.0,
        "beams": 1,
        "stop_at_end": True,
        "prompts": (),
        "prompt_tokens": 0,
        "prompts_from": "train",
        "keep_prompt": True,
        "padding": "none",
        "batch_size": 4,
        "dtype": "float32",
        "engine": "native",
    }
    return SamplingParams.of(values | changes, "generate")


def training(**changes: Any) -> TrainingParams:
    """Section ``finetune`` with some values changed."""
    values: dict[str, Any] = {
        "init": "previous",
        "blocks": "padded",
        "block_tokens": 32,
        "skip_tokens": 0,
        "loss_on_padding": False,
        "batch_size": 4,
        "epochs": None,
        "steps": 3,
        "learning_rate": 0.003,
        "schedule": "constant",
        "warmup": 0.0,
        "final": 0.0,
        "beta1": 0.9,
        "beta2": 0.95,
        "weight_decay": 0.0,
        "clip_norm": None,
        "dtype": "float32",
        "save_dtype": "float32",
    }
    return TrainingParams.of(values | changes, "finetune")


def model_params(**changes: Any) -> ModelParams:
    """Section ``model`` with some values changed."""
    values: dict[str, Any] = {
        "source": "scratch",
        "revision": None,
        "start_token": None,
        "end_token": None,
        "tokenizer": None,
        "vocabulary": 300,
        "layers": 2,
        "heads": 2,
        "width": 64,
        "context": 32,
    }
    return ModelParams.of(values | changes, "model")


class Fixed:
    """A model whose scores depend on the last token alone: one row of a table each."""

    context = 64
    device, dtype = torch.device("cpu"), torch.float32

    def __init__(self, table):
        self.table = torch.as_tensor(table, dtype=torch.float32)
        self.vocabulary = self.table.shape[1]

    def decoder(self, batch, length, padding_B=None):
        return self

    def step(self, ids_BT):
        return self.table[ids_BT[:, -1]]

    def reorder(self, rows):
        pass
