"""A model of `transformers` in the middle of its training, behind the interface of a judge's.

Its weights are shared, never copied: what is measured is the model as it is at that step.
"""

import copy
from dataclasses import replace
from typing import Any

from palimpsest.core.errors import ModelError, called
from palimpsest.lm.hub import PROMPT, HubModel
from palimpsest.lm.tokenizer import Tokenizer, held_tokenizer


def check_whole(args: Any, model: Any) -> None:
    """Refuses weights that are in pieces on several processes: one process alone could not read.

    Args:
        args: the training's arguments; ``fsdp`` is read.
        model: the model.

    Raises:
        ModelError: fully sharded (FSDP), ZeRO stage 3 or tensor-parallel weights; or adapters that
            are a prompt, which only the whole model puts before a text.
    """
    got = "FSDP" if getattr(args, "fsdp", None) else ""
    for weight in model.parameters():
        if hasattr(weight, "ds_id"):
            got = "DeepSpeed ZeRO-3"
        elif hasattr(weight, "device_mesh"):
            got = "weights spread over a device mesh"
    if got:
        hint = "DDP, ZeRO-1 and ZeRO-2 can be measured; else measure saved checkpoints"
        raise ModelError("monitor", wanted="whole weights on each process", got=got, hint=hint)
    if getattr(getattr(model, "active_peft_config", None), "is_prompt_learning", False):
        wanted = "adapters inside the model (LoRA and its like)"
        raise ModelError("monitor", wanted=wanted, got="a learned prompt")


def live_model(model: Any) -> HubModel:
    """The model as something that writes and scores; in evaluation mode, see `undisturbed`.

    Args:
        model: a causal language model of `transformers`, or one with adapters around it.

    Raises:
        ModelError: it has no output embedding, or scores that are not its head's over its last
            hidden state.
    """
    inner = model.get_base_model() if hasattr(model, "get_base_model") else model
    view = copy.copy(inner)
    # accelerate and torch.compile hang a forward of their own on the object, bound to that object:
    # it would run the whole model where a part is meant
    for own in ("forward", "_compiled_call_impl"):
        view.__dict__.pop(own, None)
    return HubModel.held(view, PROMPT, "monitor: model")


def live_tokenizer(given: Any, rows: int | None = None) -> Tokenizer:
    """The tokenizer of a training, which is left as it is.

    Args:
        given: one of `transformers` with a fast backend, a processor that has one, or a
            `palimpsest.lm.tokenizer.Tokenizer`.
        rows: token types that the model has, if it is known.

    Raises:
        ModelError: something else, or a tokenizer without an end-of-text token.
    """
    if isinstance(given, Tokenizer):
        return replace(given, limit=rows)
    given = getattr(given, "tokenizer", given)
    if not hasattr(given, "backend_tokenizer"):
        got = "none" if given is None else type(given).__name__
        hint = "CollapseCallback(tokenizer=...) or Trainer(processing_class=...)"
        wanted = "a tokenizer of `transformers` with a fast backend"
        raise ModelError("monitor.tokenizer", wanted=wanted, got=got, hint=hint)
    # a token that only looks like an end is none that the training has put behind its texts
    if given.eos_token_id is None:
        hint = "tokenizer.eos_token = ..."
        wanted = "an end-of-text token"
        raise ModelError("monitor.tokenizer", wanted=wanted, got="none", hint=hint)
    with called({"tokenizer": "monitor.tokenizer"}):
        return replace(held_tokenizer(given), limit=rows)
