"""Prompts: what documents begin with, and the witness prompts that every generation continues."""

from collections.abc import Sequence

import numpy as np

from palimpsest.core.errors import CorpusError
from palimpsest.core.parameters import SamplingParams, WitnessParams
from palimpsest.lm.checkpoint import LanguageModel
from palimpsest.lm.generation import Uniforms, generate
from palimpsest.lm.tokenizer import Tokenizer


def openings(
    params: SamplingParams,
    tokenizer: Tokenizer,
    human: Sequence[str],
    generator: np.random.Generator,
) -> list[list[int]]:
    """Token ids that each document begins with.

    Args:
        params: ``prompt_tokens`` takes the beginnings of human documents, ``prompts`` lists texts
            that are taken in turn; with neither, documents begin with nothing.
        tokenizer: the author's tokenizer.
        human: the documents that ``prompt_tokens`` cuts; unused without it.
        generator: of the order of the human documents.

    Raises:
        CorpusError: no human document is as long as ``prompt_tokens``.
    """
    if params.prompt_tokens:
        rows = tokenizer.encode(human)
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
    listed = tokenizer.encode(params.prompts) if params.prompts else [[]]
    return [listed[i % len(listed)] for i in range(params.documents)]


def continuations(
    model: LanguageModel,
    tokenizer: Tokenizer,
    witness: WitnessParams,
    params: SamplingParams,
    noise: Uniforms,
) -> list[str]:
    """The continuation of each witness prompt, without the prompt; shorter where context ends."""
    if not witness.prompts:
        return []
    prompts = tokenizer.encode(witness.prompts)
    room = model.context - 1 - max(len(prompt) for prompt in prompts)
    shorter = params.changed(max_new_tokens=max(1, min(params.max_new_tokens, room)))
    new = generate(model, tokenizer, prompts, shorter, noise)
    whole = tokenizer.decode([[*old, *ids] for old, ids in zip(prompts, new, strict=True)])
    starts = tokenizer.decode(prompts)
    return [text.removeprefix(start) for text, start in zip(whole, starts, strict=True)]
