"""What training, writing and reading take here, measured on a few steps, tokens and texts.

Each runs the code that the stage runs, on the texts and in the types of the chain, for a moment;
the rest is proportion. What cannot be measured before it is there is not in it: the texts of later
generations may be shorter or longer than human ones.
"""

import time
from collections.abc import Sequence
from functools import partial

import numpy as np

from palimpsest.core.parameters import SamplingParams, TrainingParams
from palimpsest.core.rng import uniforms
from palimpsest.lm.checkpoint import LanguageModel
from palimpsest.lm.engines import Author
from palimpsest.lm.scoring import likelihood
from palimpsest.lm.tokenizer import Tokenizer
from palimpsest.lm.training import train
from palimpsest.lm.training_curve import Step
from palimpsest.lm.training_plan import planned, predicted, some_rows

STEPS = 5
"""Steps of a training that are taken; the first is slower, and not counted."""
TOKENS = (4, 20)
"""Lengths at which a batch is written: their difference has nothing of what writing begins with."""
TEXTS = 48
"""That are read, and embedded."""


def time_of_training(
    model: LanguageModel, tokenizer: Tokenizer, texts: Sequence[str], params: TrainingParams
) -> float:
    """The seconds of a whole training, from its first steps.

    Args:
        model: in float32, on the device of the chain.
        tokenizer: its tokenizer.
        texts: the training set.
        params: of the section.

    Raises:
        PalimpsestError: see `palimpsest.lm.training.train`.
    """
    rows = some_rows(tokenizer, texts, params)
    once = (params.epochs or 0) * predicted(rows, params)
    plan = planned(rows, params, np.random.default_rng(0), once)
    whole = sum(predicted([rows[at] for at in batch], params) for batch in plan)
    seen: list[tuple[float, int]] = []

    def look(step: Step, _: int) -> None:
        seen.append((time.perf_counter(), step.tokens))

    few = params.changed(steps=STEPS, epochs=None)
    train(model, tokenizer, texts, few, np.random.default_rng(0), look)
    seconds = seen[-1][0] - seen[0][0]
    tokens = sum(count for _, count in seen[1:])
    return seconds * whole / tokens


def time_of_writing(
    author: Author, prompts: Sequence[Sequence[int]], params: SamplingParams
) -> float:
    """The seconds that documents take at the most, each as long as it may be.

    Args:
        author: the first model, which ends its documents by chance alone.
        prompts: of all documents.
        params: how they are written.
    """
    noise, batch = partial(uniforms, 0, "timing", 0), prompts[: params.batch_size]
    taken = []
    for tokens in TOKENS:
        few = params.changed(max_new_tokens=min(tokens, params.max_new_tokens), stop_at_end=False)
        began = time.perf_counter()
        author.write(batch, few, noise)
        taken.append((time.perf_counter() - began, few.max_new_tokens))
    (first, some), (second, more) = taken
    each = (second - first) / (more - some) if more > some and second > first else second / more
    return each * params.max_new_tokens * len(prompts) / len(batch)


def time_of_reading(model: LanguageModel, tokenizer: Tokenizer, texts: Sequence[str]) -> float:
    """Seconds a token that likelihoods take."""
    few = texts[:TEXTS]
    likelihood(model, tokenizer, few[:2])  # what the first text has to wait for
    began = time.perf_counter()
    tokens = int(likelihood(model, tokenizer, few).tokens.sum())
    return (time.perf_counter() - began) / max(tokens, 1)
