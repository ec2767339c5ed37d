"""Documents as rows of token ids, and rows as padded batches: for training, scoring and probing."""

from collections.abc import Iterator, Sequence
from typing import Literal

import numpy as np
import torch
from torch import Tensor

IGNORED = -100
"""Target of a position without loss, as in torch's cross-entropy."""
BATCH_TOKENS = 1024
"""Positions a forward pass on a CPU: what fits its cache. 8,192 took 1.6 times as long (the
default's model of 1,500 token types, one core; not measured for others)."""
GPU_BATCH_TOKENS = 8192
"""Positions a forward pass elsewhere."""


def make_rows(
    documents: Sequence[Sequence[int]], longest: int, kind: Literal["padded", "packed"] | str
) -> list[list[int]]:
    """Rows of token ids of at most `longest`; neighbours share one token, so each is predicted.

    Args:
        documents: token ids with start and end.
        longest: tokens in a row at the most.
        kind: ``padded`` keeps documents apart; ``packed`` puts them end to end, and drops a start
            token that follows an end token of the same id.
    """
    if kind == "packed":
        stream: list[int] = []
        for ids in documents:
            stream.extend(ids[1:] if stream and stream[-1] == ids[0] else ids)
        documents = [stream]
    rows = []
    for ids in documents:
        for begin in range(0, max(1, len(ids) - 1), longest - 1):
            row = list(ids[begin : begin + longest])
            if len(row) > 1:
                rows.append(row)
    return rows


def collate(
    rows: Sequence[Sequence[int]], fill: int, device: torch.device, given: Sequence[int] = ()
) -> tuple[Tensor, Tensor]:
    """Inputs and targets (B, T), padded on the right; padding has no loss.

    Args:
        rows: token ids.
        fill: the token of the padding.
        device: where to.
        given: how many tokens behind the first of each row have no loss either; none by default.
    """
    longest = max(len(row) for row in rows) - 1
    ids = np.full((len(rows), longest), fill, dtype=np.int64)
    targets = np.full((len(rows), longest), IGNORED, dtype=np.int64)
    for index, row in enumerate(rows):
        ids[index, : len(row) - 1] = row[:-1]
        targets[index, : len(row) - 1] = row[1:]
    for index, count in enumerate(given):
        targets[index, :count] = IGNORED
    return torch.from_numpy(ids).to(device), torch.from_numpy(targets).to(device)


def batches_by_length(rows: Sequence[Sequence[int]], device: torch.device) -> Iterator[list[int]]:
    """Rows of similar length, at the most BATCH_TOKENS (GPU_BATCH_TOKENS) positions together.

    A row that is longer goes alone.
    """
    most = BATCH_TOKENS if device.type == "cpu" else GPU_BATCH_TOKENS
    batch: list[int] = []
    for index in sorted(range(len(rows)), key=lambda i: (len(rows[i]), i)):
        if batch and (len(batch) + 1) * len(rows[index]) > most:
            yield batch
            batch = []
        batch.append(index)
    if batch:
        yield batch
