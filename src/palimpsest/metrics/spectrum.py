"""Metrics of docs/metrics.md §2: how many directions the embeddings still use."""

import numpy as np
from numpy.typing import NDArray

from palimpsest.metrics.validation import Floats, Rows, blocks


def mean_of(array: Floats, rows: Rows | None = None) -> NDArray[np.float64]:
    """The mean row, (d,), summed in float64 a block at a time."""
    count = len(array) if rows is None else len(rows)
    total = np.zeros(array.shape[1])
    for block in blocks(array, rows):
        total += block.sum(axis=0)
    return total / count


def covariance(array: Floats, rows: Rows | None = None) -> NDArray[np.float64]:
    """The sample covariance (divided by n − 1), (d, d), in two passes of blocks."""
    count = len(array) if rows is None else len(rows)
    mean = mean_of(array, rows)
    total = np.zeros((array.shape[1], array.shape[1]))
    for block in blocks(array, rows):
        centred = block - mean
        total += centred.T @ centred
    return total / max(count - 1, 1)
