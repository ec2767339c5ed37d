"""The samples of an audit: how many texts, which, and their embeddings and likelihoods."""

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from palimpsest.core.errors import CorpusError, MetricError
from palimpsest.core.parameters import FEWEST_TEXTS
from palimpsest.evaluation.human import Texts
from palimpsest.metrics.likelihood import Scored

Encode = Callable[[Sequence[str]], NDArray[np.float32]]
"""n texts to their embeddings, (n, d)."""
Score = Callable[[Sequence[str]], Scored]
"""n texts to their summed losses under one model."""

Progress = Callable[[str, int, int], None]
"""(a step of the work, how much of it is done, of how much)."""

MOST_TEXTS = 2000
"""n at the most, unless a sample size is asked for."""
BLOCK_TEXTS = 1000
"""Reference texts embedded at a time: another n asks for the same blocks, and a cache has them."""


def silent(step: str, done: int, total: int) -> None:
    """Shows no progress."""


def sample_size(candidate: int, reference: int, wanted: int | None) -> int:
    """n: what both have, a third of the reference, since its pool must be twice as large.

    Raises:
        CorpusError: a sample larger than the candidate, or than a third of the reference.
    """
    size = wanted or min(candidate, max(reference // 3, FEWEST_TEXTS), MOST_TEXTS)
    if size > candidate:
        raise CorpusError("audit.sample", wanted=f"<= {candidate}, the candidate's texts", got=size)
    if 3 * size > reference:
        raise CorpusError(
            "reference",
            wanted=f">= {3 * size} texts, three times the sample of {size}",
            got=reference,
        )
    return size


def read_texts(
    texts: Sequence[str],
    positions: NDArray[np.int64],
    encode: Encode | None,
    score: Score | None,
    name: str,
    progress: Progress = silent,
) -> Texts:
    """Embeds and scores texts, a block at a time.

    Args:
        texts: those to read.
        positions: where each stands in its corpus, for messages.
        encode: None leaves the embeddings empty, (n, 0).
        score: None leaves the likelihoods out.
        name: of the corpus, for messages.
        progress: called before every block.

    Raises:
        MetricError: embeddings that are not finite, or of another shape.
    """
    embeddings = np.zeros((len(texts), 0), dtype=np.float32)
    if encode is not None:
        embeddings = _encoded(texts, encode, name, progress)
        bad = np.sort(positions[~np.isfinite(embeddings).all(axis=1)])
        if len(bad):
            shown = ", ".join(map(str, bad[:10].tolist()))
            more = f" and {len(bad) - 10} more" if len(bad) > 10 else ""
            raise MetricError(
                name, wanted="finite embeddings", got=f"NaN or infinity for text {shown}{more}"
            )
    return Texts(texts, embeddings, None if score is None else score(texts))


def _encoded(
    texts: Sequence[str], encode: Encode, name: str, progress: Progress
) -> NDArray[np.float32]:
    starts, parts = range(0, len(texts), BLOCK_TEXTS), []
    for start in starts:
        progress(f"embedding the {name}", start, len(texts))
        parts.append(np.asarray(encode(texts[start : start + BLOCK_TEXTS])))
    for start, part in zip(starts, parts, strict=True):
        rows = min(BLOCK_TEXTS, len(texts) - start)
        if part.ndim != 2 or len(part) != rows or part.shape[1] != parts[0].shape[1]:
            wanted = f"embeddings of shape ({rows}, d)"
            raise MetricError(name, wanted=wanted, got=part.shape)
    return np.concatenate(parts)
