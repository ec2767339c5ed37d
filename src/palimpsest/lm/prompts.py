"""Prompts: what documents begin with, and the witness prompts that every generation continues.

What follows a prompt is held against human text that follows one (`human_continuations`): the
prompt itself is human, and would read as such however the model goes on.
"""

from collections.abc import Mapping, Sequence

import numpy as np

from palimpsest.core.errors import CorpusError
from palimpsest.core.parameters import FEWEST_TEXTS, SamplingParams, WitnessParams
from palimpsest.core.resume import NOTHING_KEPT, Checkpoints
from palimpsest.lm.engines import Author
from palimpsest.lm.generation import Uniforms
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
        CorpusError: no human document is longer than ``prompt_tokens``.
    """
    if params.prompt_tokens:
        rows = tokenizer.encode(human)
        long = [row for row in rows if len(row) > params.prompt_tokens]
        if not long:
            raise CorpusError(
                "generate.prompt_tokens",
                wanted=f"a human document of more than {params.prompt_tokens} tokens",
                got=f"none among {len(rows)}",
                hint="lower it, or give longer texts",
            )
        order = generator.permutation(len(long))
        chosen = [long[order[i % len(long)]] for i in range(params.documents)]
        return [row[: params.prompt_tokens] for row in chosen]
    listed = tokenizer.encode(params.prompts) if params.prompts else [[]]
    return [listed[i % len(listed)] for i in range(params.documents)]


def human_continuations(
    tokenizer: Tokenizer,
    human: Sequence[str],
    prompts: Sequence[str],
    prompt_tokens: int,
    max_new_tokens: int,
) -> tuple[list[str], list[str]]:
    """Human documents cut as what a model writes: the prompt off, as long as it may write.

    Args:
        tokenizer: the author's tokenizer.
        human: documents.
        prompts: those that are listed: so many tokens are cut off as they have on average.
        prompt_tokens: how many are cut off where none are listed.
        max_new_tokens: of the longest continuation.

    Returns:
        The prompts and their continuations; a document that does not go on behind its prompt is
        left out, and one that is short enough stays as it is.
    """
    lengths = list(map(len, tokenizer.encode(prompts)))
    given = round(sum(lengths) / len(lengths)) if lengths else prompt_tokens
    rows, end = tokenizer.encode(human), given + max_new_tokens
    if not given and max(map(len, rows), default=0) <= end:
        return ["" for _ in human], list(human)
    long = [row for row in rows if len(row) > given]
    return tokenizer.decode_behind([row[:given] for row in long], [row[given:end] for row in long])


def human_columns(
    tokenizer: Tokenizer, parts: Mapping[str, Sequence[str]], given: int
) -> dict[str, dict[str, list[str]]]:
    """The parts train, heldout and reserve of a human corpus as columns of a file each.

    Args:
        tokenizer: of the models.
        parts: the documents by part.
        given: tokens of held-out documents that models continue: they stand apart, as ``prompt``,
            and documents that end before them are left out; 0: none are continued.

    Returns:
        By part: ``texts``, and ``prompt`` where documents are cut.

    Raises:
        CorpusError: fewer than `FEWEST_TEXTS` held-out documents are longer.
    """
    columns = {name: {"texts": list(parts[name])} for name in ("train", "heldout", "reserve")}
    if not given:
        return columns
    rows = tokenizer.encode(parts["heldout"])
    long = [row for row in rows if len(row) > given]
    if len(long) < FEWEST_TEXTS:
        raise CorpusError(
            "generate.prompt_tokens",
            wanted=f"at least {FEWEST_TEXTS} held-out documents of more than {given} tokens",
            got=f"{len(long)} among {len(rows)}",
            hint="lower it, or raise corpus.heldout",
        )
    starts = [row[:given] for row in long]
    prompts, texts = tokenizer.decode_behind(starts, [row[given:] for row in long])
    return columns | {"heldout": {"texts": texts, "prompt": prompts}}


def continuations(
    author: Author,
    witness: WitnessParams,
    params: SamplingParams,
    noise: Uniforms,
    kept: Checkpoints = NOTHING_KEPT,
) -> list[str]:
    """The continuation of each witness prompt, without the prompt; shorter where context ends."""
    if not witness.prompts:
        return []
    prompts = author.tokenizer.encode(witness.prompts)
    room = author.context - 1 - max(len(prompt) for prompt in prompts)
    shorter = params.changed(max_new_tokens=max(1, min(params.max_new_tokens, room)))
    new = author.write(prompts, shorter, noise, kept=kept)
    return author.tokenizer.decode_behind(prompts, new)[1]
