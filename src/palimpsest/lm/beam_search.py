"""Beam search by mean log-probability a token, the end token counted.

A row is done when none of its open beams has a better mean than its worst finished text; what the
other rows of the batch still write changes nothing for it.
"""

from collections.abc import Sequence

import torch
from torch import Tensor

from palimpsest.core.parameters import SamplingParams
from palimpsest.lm.checkpoint import LanguageModel
from palimpsest.lm.next_token import NumberCheck, SeenTokens, adjusted


def search(
    model: LanguageModel,
    end: int,
    rows: Sequence[Sequence[int]],
    ids_BT: Tensor,
    padding_B: Tensor | None,
    params: SamplingParams,
) -> list[list[int]]:
    """The best continuation that beams find for every row.

    Args:
        model: the author.
        end: the token that ends a text.
        rows: token ids, the start token first.
        ids_BT: the same as the model reads them, padded.
        padding_B: how many of a row's are not read; None: of no row.
        params: the parameters.

    Returns:
        For each row its new token ids, without the end token.

    Raises:
        ModelError: the model's scores are not numbers.
    """
    width, count, device = params.beams, len(rows), model.device
    spread = torch.arange(count, device=device).repeat_interleave(width)
    padding = None if padding_B is None else padding_B[spread]
    decoder = model.decoder(len(spread), ids_BT.shape[1] + params.max_new_tokens, padding)
    scores_BV = decoder.step(ids_BT[spread])
    seen = SeenTokens.of([row for row in rows for _ in range(width)], params, device)
    total_RW = torch.full((count, width), -torch.inf, device=device)
    total_RW[:, 0] = 0.0
    written: list[list[int]] = [[] for _ in range(count * width)]
    finished: list[list[tuple[float, list[int]]]] = [[] for _ in range(count)]
    done: dict[int, list[int]] = {}
    check = NumberCheck()
    for time in range(params.max_new_tokens):
        adjusted_BV = adjusted(scores_BV, seen, end, params)
        check(adjusted_BV.amax(dim=1))
        logp = adjusted_BV.log_softmax(dim=1)
        joint = (total_RW.reshape(-1, 1) + logp).view(count, -1)
        best, flat = joint.topk(2 * width, dim=1)
        parents, ids, totals, written = _grow(
            best.tolist(), flat.tolist(), written, finished, width, logp.shape[1], end
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
        if seen is not None:
            seen.reorder(kept)
            seen.add(next_B)
        scores_BV = decoder.step(next_B[:, None])
    _cut_off(total_RW.tolist(), written, finished, width)
    best_texts = (max(texts, key=lambda item: item[0])[1] for texts in finished)
    return [done.get(row, text) for row, text in enumerate(best_texts)]


def _cut_off(
    totals: list[list[float]],
    written: list[list[int]],
    finished: list[list[tuple[float, list[int]]]],
    width: int,
) -> None:
    """Adds the open beams to the finished texts: there is no room for more tokens."""
    for row, totals_row in enumerate(totals):
        for beam, total in enumerate(totals_row):
            text = written[row * width + beam]
            finished[row].append((total / max(1, len(text)), text))


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
