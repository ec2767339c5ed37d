"""Minute models and tokenizers, with random weights that differ from layer to layer."""

from functools import cache
from pathlib import Path
from typing import Any

import torch
import transformers

from palimpsest.lm.model import load_model
from palimpsest.lm.sampling import SamplingParams
from palimpsest.lm.tokens import Tokens, train_tokens
from palimpsest.lm.training import TrainingParams
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
def tokens() -> Tokens:
    return train_tokens(TEXTS, VOCABULARY)


def theirs(family: str, seed: int = 0, **changes: Any) -> Any:
    """A model of `transformers`; every weight is random, norms and biases too."""
    end = tokens().end
    special = {"bos_token_id": end, "eos_token_id": end, "pad_token_id": None}
    if family == "gpt2":
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
    tokens().save(folder)
    return folder


def pair(family: str, folder: Path, **changes: Any) -> tuple[Any, Transformer]:
    """The same weights in their class and in ours."""
    model = theirs(family, **changes)
    ours = load_model(saved(model, folder), device="cpu")
    assert isinstance(ours, Transformer)
    return model, ours


def ids(*shape: int, seed: int = 0) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randint(1, VOCABULARY, shape, generator=generator)


def scores(model: Any, rows: torch.Tensor) -> torch.Tensor:
    """What our model thinks of every next token."""
    with torch.inference_mode():
        result: torch.Tensor = model.logits(model.hidden(rows))
    return result


def their_scores(model: Any, rows: torch.Tensor) -> torch.Tensor:
    with torch.inference_mode():
        result: torch.Tensor = model(rows).logits
    return result


class Trap:
    """Unpickling it leaves a file behind."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (self.path,)


def sampling(**changes: Any) -> SamplingParams:
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
        "keep_prompt": True,
        "padding": "none",
        "batch_size": 4,
        "dtype": "float32",
        "device": "cpu",
    }
    return SamplingParams(**values | changes)


def training(**changes: Any) -> TrainingParams:
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
        "device": "cpu",
    }
    return TrainingParams(**values | changes)
