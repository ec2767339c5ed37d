"""Which rows of tokens each step of a training reads: planned before the first step."""

from collections.abc import Iterator, Sequence

import numpy as np

from palimpsest.core.errors import CorpusError
from palimpsest.core.parameters import TrainingParams
from palimpsest.lm.batching import make_rows
from palimpsest.lm.tokenizer import Tokenizer

POOL = 16
"""Batches whose documents are sorted by length together: less padding, order still random."""


def rows_of(tokenizer: Tokenizer, texts: Sequence[str], params: TrainingParams) -> list[list[int]]:
    """The rows that have a loss."""
    rows = make_rows(tokenizer.documents(texts), params.block_tokens, params.blocks)
    if params.loss_on_padding:
        rows = [row + [tokenizer.end] * (params.block_tokens - len(row)) for row in rows]
    return [row for row in rows if len(row) - 1 > params.skip_tokens]


def some_rows(
    tokenizer: Tokenizer, texts: Sequence[str], params: TrainingParams
) -> list[list[int]]:
    """The rows that have a loss, of which there must be one."""
    rows = rows_of(tokenizer, texts, params)
    if not rows:
        wanted = "at least one document"
        wanted += f" longer than skip_tokens ({params.skip_tokens})" if params.skip_tokens else ""
        hint = "lower skip_tokens of pretrain or finetune, or give longer texts"
        raise CorpusError("the training set", wanted=wanted, got="none", hint=hint)
    return rows


def predicted(rows: Sequence[Sequence[int]], params: TrainingParams) -> int:
    """Tokens with loss in the rows."""
    return sum(len(row) - 1 - params.skip_tokens for row in rows)


def planned(
    rows: Sequence[list[int]], params: TrainingParams, generator: np.random.Generator, tokens: float
) -> list[list[int]]:
    """Which rows each step reads: ``steps`` of them, or as many as come closest to some tokens."""
    plan: list[list[int]] = []
    seen = 0
    for batch in _endless_batches(rows, params.batch_size, generator):
        size = predicted([rows[index] for index in batch], params)
        if params.steps is None and plan and seen + size - tokens > tokens - seen:
            break
        plan.append(batch)
        seen += size
        if len(plan) == params.steps:
            break
    return plan


def _endless_batches(
    rows: Sequence[list[int]], size: int, generator: np.random.Generator
) -> Iterator[list[int]]:
    """Indices of rows, epoch after epoch in a new order, rows of similar length side by side."""
    while True:
        order = generator.permutation(len(rows))
        pools = [order[i : i + POOL * size] for i in range(0, len(order), POOL * size)]
        batches = []
        for pool in pools:
            ranked = sorted(pool.tolist(), key=lambda index: len(rows[index]))
            batches += [ranked[i : i + size] for i in range(0, len(ranked), size)]
        for place in generator.permutation(len(batches)):
            yield batches[place]
