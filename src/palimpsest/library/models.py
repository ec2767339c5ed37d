"""From a user's language model, in memory or in a folder, to one that reads texts."""

from collections.abc import Iterator
from contextlib import contextmanager
from os import PathLike, fspath
from typing import TYPE_CHECKING, Any

from palimpsest.core.errors import ModelError
from palimpsest.core.named_paths import path_of

if TYPE_CHECKING:
    from palimpsest.lm.checkpoint import LanguageModel
    from palimpsest.lm.tokenizer import Tokenizer

MODEL = "a causal language model of transformers (AutoModelForCausalLM), or the path of its folder"
TOKENIZER = "its tokenizer (AutoTokenizer), or the path of its folder"


@contextmanager
def reader(model: Any, tokenizer: Any) -> "Iterator[tuple[LanguageModel, Tokenizer]]":
    """A model and its tokenizer, ready to read; a model in memory is left as it was.

    Args:
        model: an object of `transformers`, which is neither copied nor moved, or a folder.
        tokenizer: its tokenizer or the folder of it; None where the model is a folder.

    Raises:
        ModelError: another type, a hub id, no tokenizer, a model without a head of its own, or a
            tokenizer that does not fit; or see `palimpsest.lm.checkpoint.load_model_and_tokenizer`.
    """
    from palimpsest.lm.checkpoint import PROMPT, fitted, load_model, load_model_and_tokenizer
    from palimpsest.lm.hub import HubModel
    from palimpsest.monitor.undisturbed import undisturbed

    if isinstance(model, str | PathLike):
        folder = path_of("model", str(fspath(model)))
        if tokenizer is None:
            yield load_model_and_tokenizer(folder)
            return
        held = _tokenizer(tokenizer)
        loaded = load_model(folder, prompt=[held.start, *held.encode([PROMPT])[0]])
        yield loaded, fitted(held, loaded, str(folder))
        return
    what = f"model ({type(model).__name__})"
    if not callable(getattr(model, "get_output_embeddings", None)):
        got = "None" if model is None else type(model).__name__
        raise ModelError("model", wanted=MODEL, got=got)
    held = _tokenizer(tokenizer)
    with undisturbed(model):
        new = HubModel.held(model, [held.start, *held.encode([PROMPT])[0]], what)
        yield new, fitted(held, new, what)


def _tokenizer(tokenizer: Any) -> "Tokenizer":
    from palimpsest.lm.tokenizer import held_tokenizer, load_tokenizer

    if isinstance(tokenizer, str | PathLike):
        return load_tokenizer(path_of("tokenizer", str(fspath(tokenizer))))
    if not hasattr(tokenizer, "eos_token_id"):
        got = "None" if tokenizer is None else type(tokenizer).__name__
        raise ModelError("tokenizer", wanted=TOKENIZER, got=got)
    return held_tokenizer(tokenizer)
