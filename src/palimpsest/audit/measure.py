"""Has a corpus collapsed against a human reference? Texts in, a verdict out; no files here.

The reference is dealt into X_0, n texts that the candidate is held against, and a pool of others
from which null samples of n texts are drawn: what they read is what "nothing happened" looks like
(docs/metrics.md §9). n is one number for all, so that no metric depends on how much text there is.

A metric stands out when three things hold: its 95 % interval lies wholly outside the null band, its
p-value under the null survives Benjamini–Hochberg over all metrics, and (to count as collapse) it
lies on the side of `palimpsest.metrics.registry`. docs/audit.md has the rules of the verdict.

Known gaps: the candidate is judged against this reference and no other, so a healthy corpus about
something else can only be called different; the metrics are correlated, which Benjamini–Hochberg
survives but does not use.
"""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]  # by scikit-learn

from palimpsest.audit.verdict import (
    DEFAULTS,
    AuditParams,
    AuditVerdict,
    Finding,
    findings,
    judge,
)
from palimpsest.core.errors import CorpusError, MetricError
from palimpsest.core.parameters import FEWEST_TEXTS
from palimpsest.core.rng import stream
from palimpsest.evaluation.evaluator import Evaluator, values, with_intervals
from palimpsest.metrics import validation
from palimpsest.metrics.family import Measurement, Reference, Sample
from palimpsest.metrics.lexical import words
from palimpsest.metrics.likelihood import Scored, Written

Encode = Callable[[Sequence[str]], NDArray[np.float32]]
"""n texts to their embeddings, (n, d)."""
Score = Callable[[Sequence[str]], Scored]
"""n texts to their summed losses under one model."""

MOST_TEXTS = 2000
"""n at the most, unless a sample size is asked for."""
REFERENCE_TEXTS = 6000
"""Reference texts that are embedded at the most, or 3n where that is more."""
BLOCK_TEXTS = 1000
"""Reference texts embedded at a time: another n asks for the same blocks, and a cache has them."""
LEAST_WORDS = 1000
"""Lexical metrics are measured on no fewer words, if the reference has them."""
THREADS = 2
"""Null samples measured at a time; it changes no number."""
LAMBDA = 1.0
"""Weight of the squared drift in ``integrity``; the published work never states it."""


@dataclass(frozen=True)
class Audit:
    """The result of `audit`."""

    verdict: AuditVerdict
    reasons: tuple[Finding, ...]
    """Behind the verdict, the strongest first, at most three."""
    findings: tuple[Finding, ...]
    """Every metric, in the order of the evaluator's families."""
    sample: int
    """n, texts of each sample."""
    words: int
    """Words that lexical metrics were measured on."""
    candidate_texts: int
    """Texts that the candidate has."""
    reference_texts: int
    """Texts that the reference has."""
    params: AuditParams


@dataclass(frozen=True)
class Texts:
    """Texts with what was computed of them; row i of each belongs to text i."""

    texts: list[str]
    embeddings: NDArray[np.float32]
    scored: Scored | None

    def at(self, rows: NDArray[np.int64]) -> "Texts":
        """The texts at some positions."""
        scored = self.scored
        if scored is not None:
            scored = Scored(scored.nll_nats[rows], scored.tokens[rows])
        return Texts([self.texts[row] for row in rows], self.embeddings[rows], scored)


def audit(
    candidate: Sequence[str],
    reference: Sequence[str],
    encode: Encode,
    score: Score | None = None,
    params: AuditParams = DEFAULTS,
) -> Audit:
    """Judges a corpus against human text.

    Args:
        candidate: at least 5 texts; empty and repeated ones count as they are.
        reference: human texts, at least three times the sample's size.
        encode: gives embeddings (n, d) of texts; called for at most n candidate texts and
            about max(6,000, 3n) reference texts.
        score: summed losses of texts under a model of human text, for the likelihood metrics.
        params: sizes, seed and thresholds.

    Returns:
        The verdict and every metric's finding. A candidate of empty or equal texts has defined
        metrics (docs/metrics.md) and is ``collapsed``.

    Raises:
        MetricError: fewer than 5 texts, entries that are no strings, embeddings that are not
            finite (the texts are named by their index), dimensions that differ.
        CorpusError: too few reference texts, or a sample larger than the candidate.
    """
    checked = validation.texts(candidate, "candidate")
    human = validation.texts(reference, "reference")
    size = _sample_size(len(checked), len(human), params)
    chosen = stream(params.seed, "audit.candidate").permutation(len(checked))[:size]
    order = stream(params.seed, "audit.reference").permutation(len(human))
    wanted = min(len(order), max(REFERENCE_TEXTS, 3 * size), size * (1 + params.null_samples))
    ours = _read(checked, chosen, encode, score, "candidate")
    theirs = _read(human, order[:wanted], encode, score, "reference")
    if ours.embeddings.shape[1] != theirs.embeddings.shape[1]:
        raise MetricError(
            "candidate",
            wanted=f"{theirs.embeddings.shape[1]} dimensions, as the reference",
            got=ours.embeddings.shape[1],
        )
    samples, widening = _null_samples(theirs, size, params)
    first = theirs.at(np.arange(size))
    budget = _budget(ours, [first, *samples])
    with threadpool_limits(1, "blas"):  # small products: a threaded BLAS makes them slower
        human_side = Reference(first.texts, first.embeddings, first.texts, None, LAMBDA, budget)
        evaluator = Evaluator(human_side)
        with ThreadPoolExecutor(THREADS) as pool:
            null = list(pool.map(lambda one: values(_measured(evaluator, one)), samples))
        measured = with_intervals(_measured(evaluator, ours), params.half_samples, params.seed)
    every = findings(measured, null, size, widening, params.level)
    verdict, reasons = judge(every, params)
    return Audit(verdict, reasons, every, size, budget, len(checked), len(human), params)


def _sample_size(candidate: int, reference: int, params: AuditParams) -> int:
    """n: what both have, a third of the reference, since its pool must be twice as large."""
    size = params.sample or min(candidate, max(reference // 3, FEWEST_TEXTS), MOST_TEXTS)
    if size > candidate:
        raise CorpusError("audit.sample", wanted=f"<= {candidate}, the candidate's texts", got=size)
    if 3 * size > reference:
        raise CorpusError(
            "reference",
            wanted=f">= {3 * size} texts, three times the sample of {size}",
            got=reference,
        )
    return size


def _read(
    texts: list[str],
    positions: NDArray[np.int64],
    encode: Encode,
    score: Score | None,
    name: str,
) -> Texts:
    """Embeds and scores the texts at some positions, a block at a time."""
    chosen = [texts[position] for position in positions]
    parts = [
        np.asarray(encode(chosen[start : start + BLOCK_TEXTS]))
        for start in range(0, len(chosen), BLOCK_TEXTS)
    ]
    for start, part in zip(range(0, len(chosen), BLOCK_TEXTS), parts, strict=True):
        rows = min(BLOCK_TEXTS, len(chosen) - start)
        if part.ndim != 2 or len(part) != rows or part.shape[1] != parts[0].shape[1]:
            wanted = f"embeddings of shape ({rows}, d)"
            raise MetricError(name, wanted=wanted, got=part.shape)
    embeddings = np.concatenate(parts)
    bad = np.sort(positions[~np.isfinite(embeddings).all(axis=1)])
    if len(bad):
        shown = ", ".join(map(str, bad[:10].tolist()))
        more = f" and {len(bad) - 10} more" if len(bad) > 10 else ""
        raise MetricError(
            name, wanted="finite embeddings", got=f"NaN or infinity for text {shown}{more}"
        )
    return Texts(chosen, embeddings, None if score is None else score(chosen))


def _null_samples(theirs: Texts, size: int, params: AuditParams) -> tuple[list[Texts], float]:
    """Samples of n from the pool behind the first n texts, and how much wider truth is.

    A pool that has them all gives samples without a common text. A smaller one gives samples
    without replacement that overlap: they vary by σ²/n (1 − n/P) about the pool's mean, where a new
    text sample varies by σ²/n (1 + n/P); the root of the quotient is returned, 1 without overlap.
    """
    pool, count = len(theirs.texts) - size, params.null_samples
    if pool >= count * size:
        rows = [np.arange(size * number, size * (number + 1)) for number in range(1, count + 1)]
        return [theirs.at(chosen) for chosen in rows], 1.0
    draws = [
        stream(params.seed, "audit.null", item=number).choice(pool, size, replace=False)
        for number in range(count)
    ]
    widening = np.sqrt((pool + size) / (pool - size))
    return [theirs.at(size + draw) for draw in draws], float(widening)


def _measured(evaluator: Evaluator, sample: Texts) -> list[Measurement]:
    written = None if sample.scored is None else Written(human=sample.scored, own=None)
    ready = Sample(sample.texts, sample.embeddings, written)
    return [*evaluator.measure(ready).values(), *evaluator.measure_plugins(ready)]


def _budget(ours: Texts, human: Sequence[Texts]) -> int:
    """The smallest sample's words, so that no number depends on length.

    A candidate of a few words would make every human sample look as poor as itself: not below
    1,000, or the human samples' own count.
    """
    least = min(_words(sample.texts) for sample in human)
    return max(min(_words(ours.texts), least), min(LEAST_WORDS, least), 1)


def _words(texts: Sequence[str]) -> int:
    return sum(len(words(text)) for text in texts)
