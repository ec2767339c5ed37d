"""Has a corpus collapsed against a human reference? Texts in, a verdict out; no files here.

The reference is dealt, as the chain's human pool is (`palimpsest.evaluation.human`), into a fit
sample of n texts and null samples of n: what these read is what "nothing happened" looks like
(docs/metrics.md §9). n is one number for all, so that no metric depends on how much text there is.

A metric stands out when three things hold: its 95 % interval lies wholly outside the null band, its
p-value under the null survives Benjamini–Hochberg over all metrics, and (to count as collapse) it
lies on the side of `palimpsest.metrics.registry`. docs/audit.md has the rules of the verdict.

Known gaps: the candidate is judged against this reference and no other, so a healthy corpus about
something else can only be called different; the metrics are correlated, which Benjamini–Hochberg
survives but does not use.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import chain

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]  # by scikit-learn

from palimpsest.audit.copies import Copies, distinct_texts, find_copies
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
from palimpsest.core.words import count_words
from palimpsest.embedding.alike import all_alike
from palimpsest.evaluation.evaluator import Evaluator, with_intervals
from palimpsest.evaluation.foreign import foreign_texts
from palimpsest.evaluation.human import HumanSide, Texts, human_side
from palimpsest.evaluation.null_bands import null_bands, short_texts
from palimpsest.metrics import validation
from palimpsest.metrics.likelihood import Scored

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
WORDS = 10_000
"""Lexical metrics are measured on so many words, or what every reference sample has: the chain's
default."""
THREADS = 2
"""Null samples measured at a time; it changes no number."""
LAMBDA = 1.0
"""Weight of the squared drift in ``integrity``; the published work never states it."""


@dataclass(frozen=True)
class Audit:
    """The result of `audit`."""

    verdicts: tuple[AuditVerdict, ...]
    """All that hold, the plainest first; at least one."""
    copies: Copies
    """Copies, loops and empty texts, over the whole candidate."""
    reasons: tuple[Finding, ...]
    """Behind the verdict of the metrics, the strongest first, at most three."""
    findings: tuple[Finding, ...]
    """Every metric, in the order of the evaluator's families."""
    sample: int
    """n, texts of each sample."""
    words: int
    """Words that lexical metrics were measured on."""
    candidate_texts: int
    """Texts that the candidate has."""
    reference_texts: int
    """Texts that the reference has, repeated ones left out."""
    reference_repeated: int
    """Repeated texts of the reference, which were left out."""
    params: AuditParams
    warnings: tuple[str, ...] = ()
    """What is no error and must be seen, a sentence each."""

    @property
    def verdict(self) -> AuditVerdict:
        """The plainest of the verdicts."""
        return self.verdicts[0]


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
        reference: human texts, at least three times the sample's size; repeated ones count once.
        encode: gives embeddings (n, d) of texts; called for at most n candidate texts and
            about max(6,000, 3n) reference texts.
        score: summed losses of texts under a model of human text, for the likelihood metrics.
        params: sizes, seed and thresholds.

    Returns:
        The verdicts and every metric's finding. A candidate of empty or equal texts has defined
        metrics (docs/metrics.md) and is ``repeated`` and ``collapsed``.

    Raises:
        MetricError: fewer than 5 texts, entries that are no strings, embeddings that are not
            finite (the texts are named by their index), dimensions that differ, reference texts
            that differ and have one embedding.
        CorpusError: too few reference texts, or a sample larger than the candidate.
    """
    checked = validation.texts(candidate, "candidate")
    whole = validation.texts(reference, "reference")
    human = distinct_texts(whole)
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
    side = human_side(theirs, size, params.null_samples, params.seed, "reference")
    _check_told_apart(side.fit, "reference")
    every, words = _findings(ours, side, params)
    verdict, reasons = judge(every, params)
    copies = find_copies(checked, whole)
    seen = tuple(foreign_texts(ours.texts, side, "candidate"))
    return Audit(
        verdicts=_verdicts(verdict, copies),
        copies=copies,
        reasons=reasons,
        findings=every,
        sample=size,
        words=words,
        candidate_texts=len(checked),
        reference_texts=len(human),
        reference_repeated=len(whole) - len(human),
        params=params,
        warnings=seen,
    )


def _findings(ours: Texts, side: HumanSide, params: AuditParams) -> tuple[tuple[Finding, ...], int]:
    """Every metric over its band, and the words that lexical ones were measured on."""
    budget = min(WORDS, *(_words(sample.texts) for sample in chain([side.fit], side.null)))
    with threadpool_limits(1, "blas"):  # small products: a threaded BLAS makes them slower
        fitted = side.reference(side.fit.texts, None, LAMBDA, max(budget, 1))
        evaluator = Evaluator(fitted)
        short = short_texts(evaluator, side, ours.texts)
        bands = null_bands(evaluator, side, threads=THREADS) | (short.bands if short else {})
        sample = replace(ours.sample(), words=short.words if short else None)
        measurements = [*evaluator.measure(sample).values(), *evaluator.measure_plugins(sample)]
        measured = with_intervals(measurements, params.half_samples, params.seed)
    every = findings(measured, bands, params.level)
    return every, min(_words(ours.texts), sample.words or budget)


def _verdicts(measured: AuditVerdict, copies: Copies) -> tuple[AuditVerdict, ...]:
    """The plain facts that hold, then what the metrics say, unless that is nothing."""
    plain = {AuditVerdict.COPIED: copies.copied, AuditVerdict.REPEATED: copies.repeated}
    held = tuple(verdict for verdict, fact in plain.items() if fact.holds)
    return held if held and measured is AuditVerdict.WHOLE else (*held, measured)


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


def _check_told_apart(side: Texts, name: str) -> None:
    """Makes sure that the encoder tells human texts apart: else it would find every text alike.

    Raises:
        MetricError: texts that differ have one embedding.
    """
    distinct = len(set(side.texts))
    if distinct > 1 and all_alike(side.embeddings):
        wanted = "an encoder that tells texts apart"
        got = f"one embedding for {distinct} distinct texts"
        raise MetricError(f"{name}: embeddings", wanted=wanted, got=got)


def _words(texts: Sequence[str]) -> int:
    return sum(map(count_words, texts))
