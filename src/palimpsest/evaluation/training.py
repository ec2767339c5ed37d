"""How a model was trained, for the report: its training curve, and what it had to beat.

A model that learned nothing but how often each token occurs has the perplexity of those
frequencies: the bar that the report holds the first model against.
"""

import csv
import io
import math

import numpy as np
from numpy.typing import ArrayLike

from palimpsest.core.errors import MetricError
from palimpsest.metrics.validation import numbers

COLUMNS = ("step", "loss_nats", "learning_rate", "gradient_norm", "tokens")


def unigram_perplexity(counts: ArrayLike) -> float | None:
    """Perplexity of a text for who knows its frequencies alone.

    It is that of the text which was counted: held-out text reads a little higher.

    Args:
        counts: (V,) how often each token occurs in the human training text.

    Returns:
        >= 1; None without a token.

    Raises:
        MetricError: a count that is negative or not finite.
    """
    known = numbers(counts, "token_counts")
    if (known < 0).any():
        raise MetricError("token_counts", wanted=">= 0", got=float(known.min()))
    total = float(known.sum())
    if not total:
        return None
    shares = known[known > 0] / total
    return float(np.exp(-(shares * np.log(shares)).sum()))


def curve_columns(text: str) -> dict[str, list[float | None]]:
    """The training curve that the finetune stage wrote as CSV, column by column.

    Returns:
        Step, mean loss a token (nats), learning rate, gradient norm and tokens of every batch; None
        for what was not finite.
    """
    rows = list(csv.DictReader(io.StringIO(text)))
    return {column: [_finite(row[column]) for row in rows] for column in COLUMNS}


def _finite(cell: str) -> float | None:
    value = float(cell)
    return value if math.isfinite(value) else None
