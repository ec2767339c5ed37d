"""Generates texts: sampling, greedy and beam decoding, with one random stream a document.

Every document draws its tokens by inverting the distribution's cumulative sum at uniform numbers of
its own, so what it says does not depend on the batch, on the order or on the other documents (up to
the rounding of the model's arithmetic, which may differ with the shape of a batch). Documents that
end early leave the batch (`SHRINK`).
"""

from collections.abc import Callable, Iterator, Sequence
from itertools import chain
from math import ceil

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from palimpsest.core.errors import ParamsError
from palimpsest.core.parameters import SamplingParams
from palimpsest.core.resume import NOTHING_KEPT, Arrays, Checkpoints, digest
from palimpsest.core.team import ALONE, Team, merged
from palimpsest.lm.beam_search import search
from palimpsest.lm.checkpoint import LanguageModel
from palimpsest.lm.next_token import NumberCheck, SeenTokens, adjusted, sample_next
from palimpsest.lm.runtime import model_digest
from palimpsest.lm.tokenizer import Tokenizer

SHRINK = 0.8
"""A batch is packed anew when less than this share of its rows still writes (measured: between 0.6
and 0.9 the time is flat; below, finished rows cost more than the copy of the cache)."""

LOOK = 8
"""Steps of a GPU between two looks at which rows ended: each look waits for all that was queued."""

Uniforms = Callable[[Sequence[int], int], NDArray[np.float64]]
"""(documents, width) -> (len(documents), width) uniform numbers in [0, 1)."""


def generate(
    model: LanguageModel,
    tokenizer: Tokenizer,
    prompts: Sequence[Sequence[int]],
    params: SamplingParams,
    uniforms: Uniforms,
    progress: Callable[[int], None] = lambda done: None,
    kept: Checkpoints = NOTHING_KEPT,
    team: Team = ALONE,
) -> list[list[int]]:
    """Continues every prompt.

    Args:
        model: the author.
        tokenizer: its tokenizer, for the start and the end of a text.
        prompts: token ids without the start token; an empty list begins a text.
        params: the parameters.
        uniforms: random numbers by document (see `palimpsest.core.rng.uniforms`).
        progress: called with the number of documents that were finished.
        kept: where finished batches are kept; what is there is not written again.
        team: who writes; each process a part of the batches, which are smaller where they are few.

    Returns:
        For each prompt the new token ids, without the end token.

    Raises:
        ParamsError: a prompt and its continuation exceed the model's context.
        ModelError: the model's scores are not numbers.
    """
    _check_lengths(model, prompts, params)

    def key() -> str:
        # a document's first number stands for its stream of numbers
        noise, ends = uniforms(range(len(prompts)), 1), [tokenizer.start, tokenizer.end]
        plain = [list(map(list, prompts)), params.as_dict(), ends]
        return digest("generate", model_digest(model), noise, *plain)

    task = kept.task("generate", "batch", key)
    texts = _texts_of(task.state) or [[] for _ in prompts]
    batches = list(_batches(prompts, params, team.size))
    with torch.inference_mode():
        for number, batch in enumerate(team.dealt(batches), 1):
            if number <= task.done:
                progress(len(batch))
                continue
            rows = [[tokenizer.start, *prompts[index]] for index in batch]
            if params.strategy == "beam" and params.beams > 1:
                start = _padded(rows, tokenizer, params.padding == "right", model.device)
                new = search(model, tokenizer.end, rows, *start, params)
            else:
                noise = uniforms(batch, params.max_new_tokens)
                new = _sample_batch(model, tokenizer, rows, params, noise)
            for index, ids in zip(batch, new, strict=True):
                texts[index] = ids
            task.keep(number, lambda: _state_of(texts))
            progress(len(batch))
    if team.size > 1:
        progress(len(prompts) - sum(map(len, team.dealt(batches))))  # the others' documents
    own = team.gathered([[texts[index] for index in batch] for batch in team.dealt(batches)])
    for batch, new in zip(batches, merged(own), strict=True):
        for index, ids in zip(batch, new, strict=True):
            texts[index] = ids
    return texts


def _state_of(texts: Sequence[Sequence[int]]) -> Arrays:
    """Texts as arrays: their lengths, and all ids end to end."""
    lengths = np.array([len(ids) for ids in texts], dtype=np.int64)
    return {"lengths": lengths, "ids": np.array(list(chain(*texts)), dtype=np.int64)}


def _texts_of(state: Arrays) -> list[list[int]]:
    """The texts of such arrays; none without them."""
    if not state:
        return []
    ends = np.cumsum(state["lengths"])[:-1]
    return [ids.tolist() for ids in np.split(state["ids"], ends)]


def _check_lengths(
    model: LanguageModel, prompts: Sequence[Sequence[int]], params: SamplingParams
) -> None:
    longest = max((len(prompt) for prompt in prompts), default=0)
    room = model.context - 1 - longest
    if params.max_new_tokens > room:
        raise ParamsError(
            "generate.max_new_tokens",
            wanted=f"at most {room} (context {model.context} less start and prompt of {longest})",
            got=params.max_new_tokens,
            hint="lower it, or shorten the prompt",
        )


def _batches(
    prompts: Sequence[Sequence[int]], params: SamplingParams, processes: int = 1
) -> Iterator[list[int]]:
    """Indices of prompts to write side by side: of one length, unless they may be padded."""
    size = params.batch_size
    if params.padding != "right":  # how far a prompt is filled up depends on its neighbours
        size = min(size, max(1, ceil(len(prompts) / processes)))
    order = sorted(range(len(prompts)), key=lambda index: (len(prompts[index]), index))
    batch: list[int] = []
    for index in order:
        mixed = batch and len(prompts[index]) != len(prompts[batch[0]])
        if len(batch) == size or (mixed and params.padding == "none"):
            yield batch
            batch = []
        batch.append(index)
    if batch:
        yield batch


def _padded(
    rows: Sequence[Sequence[int]], tokenizer: Tokenizer, right: bool, device: torch.device
) -> tuple[Tensor, Tensor | None]:
    """(B, T) ids with padding in front, and its length by row (None where it is read as text)."""
    longest = max(map(len, rows))
    gaps = [longest - len(row) for row in rows]
    left, fill = (0, tokenizer.end) if right else (1, tokenizer.start)
    sides = [([fill] * (gap * left), [fill] * (gap - gap * left)) for gap in gaps]
    ids = [[*front, *row, *back] for (front, back), row in zip(sides, rows, strict=True)]
    widths = torch.tensor(gaps, device=device) if any(gaps) and not right else None
    return torch.tensor(ids, device=device), widths


def look_every(device: torch.device) -> int:
    """Steps between two looks at which rows ended; a CPU has nothing to wait for."""
    return 1 if device.type == "cpu" else LOOK


def _sample_batch(
    model: LanguageModel,
    tokenizer: Tokenizer,
    rows: Sequence[Sequence[int]],
    params: SamplingParams,
    noise: NDArray[np.float64],
) -> list[list[int]]:
    ids_BT, padding_B = _padded(rows, tokenizer, params.padding == "right", model.device)
    decoder = model.decoder(len(rows), ids_BT.shape[1] + params.max_new_tokens, padding_B)
    noise_BT = torch.from_numpy(noise).to(model.device)
    written_BT = torch.full((len(rows), params.max_new_tokens), tokenizer.end, device=model.device)
    seen = SeenTokens.of(rows, params, model.device)
    documents = torch.arange(len(rows), device=model.device)
    writing = torch.ones(len(rows), dtype=torch.bool, device=model.device)
    each = look_every(model.device)
    check = NumberCheck(at_once=each == 1)
    scores_BV = decoder.step(ids_BT)
    for time in range(params.max_new_tokens):
        scores_BV = adjusted(scores_BV, seen, tokenizer.end, params)
        next_B = sample_next(scores_BV, noise_BT[documents, time], params, check)
        next_B = torch.where(writing, next_B, tokenizer.end)
        written_BT[documents, time] = next_B
        if params.stop_at_end:
            writing &= next_B != tokenizer.end
        if params.stop_at_end and (time + 1) % each == 0:
            check.refuse()
            left = int(writing.sum())
            if left == 0:
                break
            if left < SHRINK * len(documents):
                kept = writing.nonzero().squeeze(1)
                decoder.reorder(kept)
                documents, next_B, writing = documents[kept], next_B[kept], writing[kept]
                if seen is not None:
                    seen.reorder(kept)
        if seen is not None:
            seen.add(next_B)
        if time + 1 < params.max_new_tokens:
            scores_BV = decoder.step(next_B[:, None])
    check.refuse()
    end = tokenizer.end
    return [row[: row.index(end)] if end in row else row for row in written_BT.tolist()]
