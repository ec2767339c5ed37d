"""Is the candidate about something else? And which texts lie close together, which far away?

A text of another subject is farther from its nearest human text than human texts are from theirs.
Text that collapses within its own field gathers where human texts are dense, and comes nearer.

Known gaps: against a reference about everything, hardly any text is far away.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from palimpsest.auditing.facts import EXAMPLES, LEVEL, Example, excerpt
from palimpsest.evaluation.human import HumanSide
from palimpsest.metrics.validation import BLOCK_ROWS
from palimpsest.statistics.null_band import Band

NEW_WORDS, LEAST_NEW = 0.5, 0.005
"""Unknown words, over those of human samples, and their least share, up to which texts are of the
reference's own subject, however far from most of it."""
EFFECT = 0.2
"""How far the mean cosine to the nearest human text must lie below human texts', in standard
deviations of single texts, beside a p-value below `LEVEL`: a small effect
(Cohen 1988). Measured: two samples of one corpus .1 at most, WikiText against Wikipedia .16, the
made-up encyclopedia .22, stories .76; against stories or that encyclopedia, 3.3 and more."""
LEAST_TEXTS = 10
"""Texts without another fault that must be left to say so."""


@dataclass(frozen=True)
class Cloud:
    """Where texts lie in the human basis (the first two principal components of human text)."""

    candidate: NDArray[np.float64]
    """(n, 2)."""
    human: NDArray[np.float64]
    """(n, 2), of a human sample that the basis was not fitted on."""


@dataclass(frozen=True)
class Nearest:
    """Each text's nearest reference text."""

    cosines: NDArray[np.float64]
    """(n,), of the sample's texts."""
    human: float
    """Mean over human texts."""
    human_deviation: float
    """Their standard deviation, > 0."""


def nearest(embeddings: NDArray[np.float32], side: HumanSide) -> Nearest:
    """Cosines to the nearest text of the fit sample; (n, d) of unit length."""
    theirs = _cosines(side.null[0].embeddings, side.fit.embeddings)
    deviation = max(float(theirs.std()), float(np.finfo(np.float32).eps))
    ours = _cosines(embeddings, side.fit.embeddings)
    return Nearest(ours, float(theirs.mean()), deviation)


def elsewhere(near: Nearest, band: Band, sound: Sequence[int]) -> str:
    """Why the candidate is about something else; empty where it is not.

    Args:
        near: of a sample's texts.
        band: of ``nearest_human``, for a sample of as many texts.
        sound: positions in the sample of texts that have no other fault.
    """
    if len(sound) < LEAST_TEXTS:
        return ""
    cosine = float(near.cosines[list(sound)].mean())
    wider = np.sqrt(len(near.cosines) / len(sound))
    moved = band.mean + (cosine - band.mean) / wider
    effect = (near.human - cosine) / near.human_deviation
    if cosine >= band.mean or effect < EFFECT or band.p_value(float(moved)) >= LEVEL:
        return ""
    return (
        f"the nearest human text is farther away than human texts are from each other (cosine "
        f"{cosine:.2f}, of human samples {band.low:.2f} to {band.high:.2f})"
    )


def farthest(
    near: Nearest, rows: Sequence[int], texts: Sequence[str], without: Collection[int]
) -> tuple[Example, ...]:
    """Texts whose nearest human text is farthest.

    Args:
        near: of a sample's texts.
        rows: their rows in the candidate.
        texts: the sample's texts.
        without: rows that are left out.
    """
    order = [at for at in np.argsort(near.cosines).tolist() if rows[at] not in without]
    return tuple(
        Example(rows[at], excerpt(texts[at]), f"nearest human text: cosine {near.cosines[at]:.2f}")
        for at in order[:EXAMPLES]
    )


def most_alike(
    embeddings: NDArray[np.float32], rows: Sequence[int], texts: Sequence[str]
) -> tuple[Example, ...]:
    """Texts that are nearest to another text of the sample, which is not the same.

    Args:
        embeddings: (n, d) of unit length.
        rows: the texts' rows in the candidate.
        texts: n texts.
    """
    first: dict[str, int] = {}
    for at, text in enumerate(texts):
        first.setdefault(text, at)
    distinct = np.array([*first.values()])
    if len(distinct) < 2:
        return ()
    unit = embeddings[distinct]
    best, where = np.empty(len(unit)), np.empty(len(unit), dtype=np.int64)
    for start in range(0, len(unit), BLOCK_ROWS):
        block = slice(start, start + BLOCK_ROWS)
        products = unit[block] @ unit.T
        products[np.arange(len(products)), np.arange(len(products)) + start] = -np.inf
        best[block], where[block] = products.max(1), products.argmax(1)
    shown = []
    for at in np.argsort(-best)[:EXAMPLES].tolist():
        own, other = distinct[at], distinct[where[at]]
        note = f"cosine {best[at]:.2f} to text {rows[other] + 1}"
        shown.append(Example(rows[own], excerpt(texts[own]), note))
    return tuple(shown)


def _cosines(ours: NDArray[np.float32], theirs: NDArray[np.float32]) -> NDArray[np.float64]:
    return np.concatenate(
        [
            (ours[start : start + BLOCK_ROWS] @ theirs.T).max(axis=1)
            for start in range(0, len(ours), BLOCK_ROWS)
        ]
    ).astype(np.float64)
