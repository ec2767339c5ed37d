"""The samples of an audit: how many texts, which, how they are read, and what they are measured by.

The library and the monitor deal texts by the same rules.
"""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from palimpsest.core.errors import CorpusError, MetricError
from palimpsest.core.parameters import FEWEST_SAMPLES, FEWEST_TEXTS
from palimpsest.core.rng import stream
from palimpsest.core.words import count_words
from palimpsest.evaluation.evaluator import FAMILIES, Evaluator
from palimpsest.evaluation.human import HumanSide, Texts
from palimpsest.metrics.likelihood import Scored, scored

Encode = Callable[[Sequence[str]], NDArray[np.float32]]
"""n texts to their embeddings, (n, d)."""
Score = Callable[[Sequence[str]], Scored]
"""n texts to their summed losses under one model."""

Progress = Callable[[str, int, int], None]
"""(a step of the work, how much of it is done, of how much)."""

MOST_TEXTS = 2000
"""n at the most, unless a sample size is asked for."""
REFERENCE_TEXTS = 6000
"""Reference texts that are embedded at the most, or 3n where that is more."""
WORDS = 10_000
"""Lexical metrics are measured on so many words, or what every reference sample has: the chain's
default."""
LAMBDA = 1.0
"""Weight of the squared drift in ``integrity``; the published work never states it."""
BLOCK_TEXTS = 1000
"""Reference texts embedded at a time: another n asks for the same blocks, and a cache has them."""


def silent(step: str, done: int, total: int) -> None:
    """Shows no progress."""


@dataclass(frozen=True)
class MeasuredWith:
    """What an audit's numbers depend on beside the candidate; under another one they are others."""

    encoder: str | None = None
    """Identity of the encoder, see `palimpsest.embedding.encoder.Encoder`; None for a function that
    does not say what it is."""
    model: str | None = None
    """Identity of the model behind the likelihoods; None without one."""
    reference: str = ""
    """SHA-256 of the distinct reference texts, whatever their order."""

    @classmethod
    def of(cls, encode: Encode, score: Score | None, reference: Sequence[str]) -> "MeasuredWith":
        """Asks functions for their attribute ``identity``, a string, which not every one has.

        Args:
            encode: the encoder.
            score: the model; None without one.
            reference: distinct texts, in one form of Unicode.
        """
        digest = hashlib.sha256()
        for text in sorted(reference):
            content = text.encode("utf-8", "surrogatepass")
            digest.update(f"{len(content)}:".encode() + content)
        named = (getattr(one, "identity", None) for one in (encode, score))
        encoder, model = (one if isinstance(one, str) and one else None for one in named)
        return cls(encoder, model, digest.hexdigest())


class Losses(Protocol):
    """A model that reads texts, see `palimpsest.lm.scoring.TextLosses`."""

    @property
    def identity(self) -> str:
        """A hash of what determines the losses."""

    def __call__(self, texts: Sequence[str]) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
        """Summed loss and number of tokens of each text."""


class ScoredBy:
    """A `Score` that says which model it is.

    Args:
        losses: the model.
    """

    def __init__(self, losses: Losses) -> None:
        self.identity, self._losses = losses.identity, losses

    def __call__(self, texts: Sequence[str]) -> Scored:
        """The losses, checked."""
        return scored(*self._losses(texts))


class Called(NamedTuple):
    """What an error calls the two sides; the audit's words."""

    sample: str = "audit.sample"
    candidate: str = "the candidate's texts"
    reference: str = "reference"
    texts: str = "texts"
    """What the reference holds."""


AUDITED = Called()


def sample_size(
    candidate: int | None,
    reference: int,
    wanted: int | None,
    most: int = MOST_TEXTS,
    called: Called = AUDITED,
) -> int:
    """n: what both have, a third of the reference, since its pool must be twice as large.

    Args:
        candidate: how many texts it has; None where as many as wanted can be written.
        reference: how many distinct texts it has.
        wanted: n, if it is asked for.
        most: n at the most where it is not.
        called: words of an error.

    Raises:
        CorpusError: a sample larger than the candidate, or than a third of the reference.
    """
    ours = most if candidate is None else min(candidate, most)
    size = wanted or min(ours, max(reference // FEWEST_SAMPLES, FEWEST_TEXTS))
    if candidate is not None and size > candidate:
        raise CorpusError(called.sample, wanted=f"<= {candidate}, {called.candidate}", got=size)
    if FEWEST_SAMPLES * size > reference:
        least = f">= {FEWEST_SAMPLES * size} {called.texts}, three times the sample of {size}"
        raise CorpusError(called.reference, wanted=least, got=reference)
    return size


def drawn(
    candidate: int, reference: int, size: int, seed: int, null_samples: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Which texts are read of each side, by their rows, in the order of the draw.

    Args:
        candidate: how many texts it has.
        reference: how many distinct texts it has.
        size: n.
        seed: of the draws.
        null_samples: samples of the reference beside the one that is fitted on.

    Returns:
        n rows of the candidate, and as many of the reference as its samples can use.
    """
    theirs = drawn_reference(reference, size, seed, null_samples)
    return drawn_rows(candidate, size, seed), theirs


def drawn_rows(candidate: int, size: int, seed: int) -> NDArray[np.int64]:
    """The candidate's part of `drawn`."""
    return stream(seed, "audit.candidate").permutation(candidate)[:size]


def drawn_reference(reference: int, size: int, seed: int, null_samples: int) -> NDArray[np.int64]:
    """The reference's part of `drawn`."""
    most = min(max(REFERENCE_TEXTS, 3 * size), size * (1 + null_samples))
    return stream(seed, "audit.reference").permutation(reference)[:most]


def fitted_evaluator(
    side: HumanSide,
    families: Sequence[str] = tuple(FAMILIES),
    counted: Callable[[str], int] = count_words,
) -> tuple[Evaluator, int]:
    """An evaluator on the fit sample, and the words that it measures lexical metrics on.

    Args:
        side: the reference's samples.
        families: the metrics.
        counted: a text's words.
    """
    samples = (side.fit, *side.null)
    budget = min(WORDS, *(sum(map(counted, sample.texts)) for sample in samples))
    fitted = side.reference(side.fit.texts, None, LAMBDA, max(budget, 1))
    return Evaluator(fitted, families=tuple(families)), budget


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
