"""What documents begin with, and the prompts that every generation continues for the eye."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np

from palimpsest.errors import CorpusError
from palimpsest.lm.model import LanguageModel
from palimpsest.lm.sampling import SamplingParams, Uniforms, write
from palimpsest.lm.tokens import Tokens
from palimpsest.params import Params


@dataclass(frozen=True)
class WitnessParams(Params):
    """The prompts that every generation continues, for the eye."""

    section: ClassVar[str] = "witness"

    prompts: tuple[str, ...]
    """Texts to continue, each from a random stream of its own; an empty list asks nothing."""


def openings(
    params: SamplingParams, tokens: Tokens, human: Sequence[str], generator: np.random.Generator
) -> list[list[int]]:
    """Token ids that each document begins with.

    Args:
        params: ``prompt_tokens`` takes the beginnings of human documents, ``prompts`` lists texts
            that are taken in turn; with neither, documents begin with nothing.
        tokens: the author's tokenizer.
        human: the documents that ``prompt_tokens`` cuts; unused without it.
        generator: of the order of the human documents.

    Raises:
        CorpusError: no human document is as long as ``prompt_tokens``.
    """
    if params.prompt_tokens:
        rows = tokens.encode(human)
        long = [row for row in rows if len(row) >= params.prompt_tokens]
        if not long:
            raise CorpusError(
                "generate.prompt_tokens",
                wanted=f"a human document of at least {params.prompt_tokens} tokens",
                got=f"none among {len(rows)}",
            )
        order = generator.permutation(len(long))
        chosen = [long[order[i % len(long)]] for i in range(params.documents)]
        return [row[: params.prompt_tokens] for row in chosen]
    listed = tokens.encode(params.prompts) if params.prompts else [[]]
    return [listed[i % len(listed)] for i in range(params.documents)]


def continuations(
    model: LanguageModel,
    tokens: Tokens,
    witness: WitnessParams,
    params: SamplingParams,
    noise: Uniforms,
) -> list[str]:
    """The continuation of each witness prompt, without the prompt; shorter where context ends."""
    if not witness.prompts:
        return []
    prompts = tokens.encode(witness.prompts)
    room = model.context - 1 - max(len(prompt) for prompt in prompts)
    shorter = replace(params, max_new_tokens=max(1, min(params.max_new_tokens, room)))
    new = write(model, tokens, prompts, shorter, noise)
    whole = tokens.decode([[*old, *ids] for old, ids in zip(prompts, new, strict=True)])
    starts = tokens.decode(prompts)
    return [text.removeprefix(start) for text, start in zip(whole, starts, strict=True)]
