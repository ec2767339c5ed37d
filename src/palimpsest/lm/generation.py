"""Generates texts: sampling, greedy and beam decoding, with one random stream a document.

Every document draws its tokens by inverting the distribution's cumulative sum at uniform numbers of
its own, so what it says does not depend on the batch, on the order or on the other documents (up to
the rounding of the model's arithmetic, which may differ with the shape of a batch).

Order of the filters, as in `transformers`: repetition penalty (Keskar et al. 2019), temperature,
top-k (Fan et al. 2018), top-p (Holtzman et al. 2020), min-p (Nguyen et al. 2024).
"""

from collections.abc import Callable, Iterator, Sequence
from itertools import chain

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from palimpsest.core.errors import ModelError, ParamsError
from palimpsest.core.parameters import SamplingParams
from palimpsest.core.resume import NOTHING_KEPT, Arrays, Checkpoints, digest
from palimpsest.lm.checkpoint import LanguageModel
from palimpsest.lm.runtime import model_digest
from palimpsest.lm.tokenizer import Tokenizer

SHRINK = 0.8
"""A batch is packed anew when less than this share of its rows still writes (measured: between 0.6
and 0.9 the time is flat; below, finished rows cost more than the copy of the cache)."""


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
    with torch.inference_mode():
        for number, batch in enumerate(list(_batches(prompts, params)), 1):
            if number <= task.done:
                progress(len(batch))
                continue
            rows = [[tokenizer.start, *prompts[index]] for index in batch]
            if params.strategy == "beam" and params.beams > 1:
                new = _beam_batch(model, tokenizer, rows, params)
            else:
                noise = uniforms(batch, params.max_new_tokens)
                new = _sample_batch(model, tokenizer, rows, params, noise)
            for index, ids in zip(batch, new, strict=True):
                texts[index] = ids
            task.keep(number, lambda: _state_of(texts))
            progress(len(batch))
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
        )


def _batches(prompts: Sequence[Sequence[int]], params: SamplingParams) -> Iterator[list[int]]:
    """Indices of prompts to write side by side: of one length, unless they may be padded."""
    order = sorted(range(len(prompts)), key=lambda index: (len(prompts[index]), index))
    batch: list[int] = []
    for index in order:
        mixed = batch and len(prompts[index]) != len(prompts[batch[0]])
        if len(batch) == params.batch_size or (mixed and params.padding == "none"):
            yield batch
            batch = []
        batch.append(index)
    if batch:
        yield batch


def _padded(
    rows: Sequence[Sequence[int]], tokenizer: Tokenizer, right: bool, device: torch.device
) -> tuple[Tensor, Tensor | None]:
    """(B, T) ids with padding in front, and its length by row (None where it is read as text)."""
    gaps = [max(map(len, rows)) - len(row) for row in rows]
    left, fill = (0, tokenizer.end) if right else (1, tokenizer.start)
    sides = [([fill] * (gap * left), [fill] * (gap - gap * left)) for gap in gaps]
    ids = [[*front, *row, *back] for (front, back), row in zip(sides, rows, strict=True)]
    widths = torch.tensor(gaps, device=device) if any(gaps) and not right else None
    return torch.tensor(ids, device=device), widths


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
    seen_BV = _seen(rows, model) if params.repetition_penalty != 1 else None
    documents = torch.arange(len(rows), device=model.device)
    writing = torch.ones(len(rows), dtype=torch.bool, device=model.device)
    scores_BV = decoder.step(ids_BT)
    for time in range(params.max_new_tokens):
        scores_BV = _adjusted(scores_BV, seen_BV, tokenizer.end, params)
        next_B = sample_next(scores_BV, noise_BT[documents, time], params)
        next_B = torch.where(writing, next_B, tokenizer.end)
        written_BT[documents, time] = next_B
        if params.stop_at_end:
            writing &= next_B != tokenizer.end
            left = int(writing.sum())
            if left == 0:
                break
            if left < SHRINK * len(documents):
                kept = writing.nonzero().squeeze(1)
                decoder.reorder(kept)
                documents, next_B, writing = documents[kept], next_B[kept], writing[kept]
                seen_BV = None if seen_BV is None else seen_BV[kept]
        if seen_BV is not None:
            seen_BV.scatter_(1, next_B[:, None], True)
        if time + 1 < params.max_new_tokens:
            scores_BV = decoder.step(next_B[:, None])
    end = tokenizer.end
    return [row[: row.index(end)] if end in row else row for row in written_BT.tolist()]


def _seen(rows: Sequence[Sequence[int]], model: LanguageModel) -> Tensor:
    """(B, V): which tokens a row holds, its start token left out."""
    seen = torch.zeros(len(rows), model.vocabulary, dtype=torch.bool, device=model.device)
    for index, row in enumerate(rows):
        seen[index, list(row[1:])] = True
    return seen


def _adjusted(
    scores_BV: Tensor, seen_BV: Tensor | None, end: int, params: SamplingParams
) -> Tensor:
    """Scores in float32 after the penalty, with end-of-text ruled out if it shall not stop."""
    scores_BV = scores_BV.float()
    if seen_BV is not None:
        penalty = params.repetition_penalty
        punished = torch.where(scores_BV > 0, scores_BV / penalty, scores_BV * penalty)
        scores_BV = torch.where(seen_BV, punished, scores_BV)
    if not params.stop_at_end:
        scores_BV = scores_BV.clone()
        scores_BV[:, end] = -torch.inf
    return scores_BV


def sample_next(scores_BV: Tensor, noise_B: Tensor, params: SamplingParams) -> Tensor:
    """The next token of each row.

    Args:
        scores_BV: unnormalised log-probabilities, (B, V), float32.
        noise_B: uniform numbers in [0, 1), (B,), float64; used by ``sample`` alone.
        params: strategy, temperature and filters.

    Returns:
        Token ids, (B,).

    Raises:
        ModelError: a row holds a score that is not a number.
    """
    best_B, likeliest_B = _best(scores_BV)
    if params.strategy != "sample":
        return likeliest_B
    filtered = params.top_k or params.top_p < 1 or params.min_p > 0
    order_BK = None
    if filtered:
        width = min(params.top_k or scores_BV.shape[1], scores_BV.shape[1])
        scores_BV, order_BK = scores_BV.topk(width, dim=1)
    odds_BK = ((scores_BV - best_B[:, None]) / params.temperature).exp()
    if params.top_p < 1:
        share_BK = odds_BK / odds_BK.sum(dim=1, keepdim=True)
        before_BK = share_BK.cumsum(dim=1) - share_BK
        odds_BK = odds_BK * (before_BK < params.top_p)
    if params.min_p > 0:
        odds_BK = odds_BK * (odds_BK >= params.min_p)
    total_BK = odds_BK.cumsum(dim=1, dtype=torch.float64)
    mark_B1 = noise_B[:, None] * total_BK[:, -1:]
    picked_B1 = torch.searchsorted(total_BK, mark_B1, right=True)
    picked_B1 = picked_B1.clamp(max=odds_BK.shape[1] - 1)
    return (picked_B1 if order_BK is None else order_BK.gather(1, picked_B1)).squeeze(1)


def _best(scores_BV: Tensor) -> tuple[Tensor, Tensor]:
    """The highest score of each row and its token; a row without one is an error."""
    best_B, likeliest_B = scores_BV.max(dim=1)
    if not torch.isfinite(best_B).all():
        raise ModelError("the model's scores", wanted="numbers", got="NaN or infinity")
    return best_B, likeliest_B


def _beam_batch(
    model: LanguageModel,
    tokenizer: Tokenizer,
    rows: Sequence[Sequence[int]],
    params: SamplingParams,
) -> list[list[int]]:
    """Beam search by mean log-probability a token, the end token counted.

    A row is done when none of its open beams has a better mean than its worst finished text; what
    the other rows of the batch still write changes nothing for it.
    """
    width, count, device = params.beams, len(rows), model.device
    ids_BT, padding_B = _padded(rows, tokenizer, params.padding == "right", device)
    spread = torch.arange(count, device=device).repeat_interleave(width)
    padding = None if padding_B is None else padding_B[spread]
    decoder = model.decoder(len(spread), ids_BT.shape[1] + params.max_new_tokens, padding)
    scores_BV = decoder.step(ids_BT[spread])
    seen_BV = _seen(rows, model)[spread] if params.repetition_penalty != 1 else None
    total_RW = torch.full((count, width), -torch.inf, device=device)
    total_RW[:, 0] = 0.0
    written: list[list[int]] = [[] for _ in range(count * width)]
    finished: list[list[tuple[float, list[int]]]] = [[] for _ in range(count)]
    done: dict[int, list[int]] = {}
    for time in range(params.max_new_tokens):
        adjusted_BV = _adjusted(scores_BV, seen_BV, tokenizer.end, params)
        _best(adjusted_BV)
        logp = adjusted_BV.log_softmax(dim=1)
        joint = (total_RW.reshape(-1, 1) + logp).view(count, -1)
        best, flat = joint.topk(2 * width, dim=1)
        parents, ids, totals, written = _grow(
            best.tolist(), flat.tolist(), written, finished, width, logp.shape[1], tokenizer.end
        )
        total_RW = torch.tensor(totals, device=device)
        for row, texts in enumerate(finished):
            if row not in done and _is_done(texts, max(totals[row]) / (time + 1), width):
                done[row] = texts[0][1]
        if len(done) == count or time + 1 == params.max_new_tokens:
            break
        kept = torch.tensor(parents, device=device)
        decoder.reorder(kept)
        next_B = torch.tensor(ids, device=device)
        if seen_BV is not None:
            seen_BV = seen_BV[kept].scatter_(1, next_B[:, None], True)
        scores_BV = decoder.step(next_B[:, None])
    for row, totals_row in enumerate(total_RW.tolist()):
        for beam, total in enumerate(totals_row):
            text = written[row * width + beam]
            finished[row].append((total / max(1, len(text)), text))
    best_texts = (max(texts, key=lambda item: item[0])[1] for texts in finished)
    return [done.get(row, text) for row, text in enumerate(best_texts)]


def _grow(
    best: list[list[float]],
    flat: list[list[int]],
    written: list[list[int]],
    finished: list[list[tuple[float, list[int]]]],
    width: int,
    vocabulary: int,
    end: int,
) -> tuple[list[int], list[int], list[list[float]], list[list[int]]]:
    """Splits each row's 2 x width candidates into finished texts and the next open beams."""
    parents, ids, totals, texts = [], [], [], []
    for row, (values, places) in enumerate(zip(best, flat, strict=True)):
        kept: list[float] = []
        for rank, (value, place) in enumerate(zip(values, places, strict=True)):
            parent, token = row * width + place // vocabulary, place % vocabulary
            if token == end:
                if rank < width:
                    text = written[parent]
                    finished[row].append((value / (len(text) + 1), text))
            elif len(kept) < width:
                kept.append(value)
                parents.append(parent)
                ids.append(token)
                texts.append([*written[parent], token])
        totals.append(kept)
    return parents, ids, totals, texts


def _is_done(texts: list[tuple[float, list[int]]], best_open: float, width: int) -> bool:
    """True with `width` texts, sorted, that are as good as the best open beam's mean."""
    if len(texts) < width:
        return False
    texts.sort(key=lambda item: item[0], reverse=True)
    del texts[width:]
    return texts[-1][0] >= best_open
