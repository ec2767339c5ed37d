"""Has a corpus collapsed against a human reference? Texts in, judgements out; no files here.

Plain facts are counted over all texts (`copies`, `language`, `lengths`). The metrics are measured
on samples: the reference is dealt, as the chain's human pool is (`palimpsest.evaluation.human`),
into a fit sample of n texts and null samples of n: what these read is what "nothing happened" looks
like (docs/metrics.md §9). n is one number for all, so that no metric depends on how much text there
is.

A metric stands out when three things hold: its 95 % interval lies wholly outside the null band, its
p-value under the null survives Benjamini–Hochberg over all metrics, and (to count as collapse) it
lies on the side of `palimpsest.metrics.registry`. docs/audit.md has the rules of the verdicts.

Known gaps: the candidate is judged against this reference and no other, so of a healthy corpus
about something else the variety cannot be judged; the metrics are correlated, which
Benjamini–Hochberg survives but does not use.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache, cached_property, partial
from itertools import chain

import numpy as np
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]  # by scikit-learn

from palimpsest.auditing.copies import (
    FORMULA,
    Side,
    distinct_texts,
    find_copies,
    find_opening,
)
from palimpsest.auditing.facts import Fact
from palimpsest.auditing.judgements import Evidence, Judgement, judgements
from palimpsest.auditing.language import Garbled, Pieces, find_garbled, unread
from palimpsest.auditing.lengths import find_lengths
from palimpsest.auditing.samples import Encode, Progress, Score, read_texts, sample_size, silent
from palimpsest.auditing.subject import Cloud, Nearest, elsewhere, farthest, most_alike, nearest
from palimpsest.auditing.verdict import (
    DEFAULTS,
    AuditParams,
    AuditVerdict,
    Finding,
    findings,
    judge,
    surprising,
)
from palimpsest.core.errors import MetricError
from palimpsest.core.rng import stream
from palimpsest.core.words import count_words, segmentation
from palimpsest.embedding.alike import all_alike
from palimpsest.evaluation.evaluator import FAMILIES, WORDS_ALONE, Evaluator, with_intervals
from palimpsest.evaluation.foreign import foreign_texts, other_letters
from palimpsest.evaluation.human import HumanSide, Texts, human_side
from palimpsest.evaluation.null_bands import cut_alike, null_bands, short_texts
from palimpsest.metrics import validation

REFERENCE_TEXTS = 6000
"""Reference texts that are embedded at the most, or 3n where that is more."""
WORDS = 10_000
"""Lexical metrics are measured on so many words, or what every reference sample has: the chain's
default."""
STEPS = ("measuring human samples", "intervals of the candidate")
"""What progress calls the work behind the embeddings."""
THREADS = 2
"""Null samples measured at a time; it changes no number."""
LAMBDA = 1.0
"""Weight of the squared drift in ``integrity``; the published work never states it."""


@dataclass(frozen=True)
class Audit:
    """The result of `audit`."""

    judgements: tuple[Judgement, ...]
    """All that hold, the plainest first; at least one."""
    evidence: Evidence
    """What they rest on."""
    findings: tuple[Finding, ...]
    """Every metric, in the order of the evaluator's families."""
    sample: int
    """n, texts of each sample."""
    words: int
    """Words that lexical metrics were measured on."""
    segmentation: str
    """What cut the words."""
    candidate_texts: int
    """Texts that the candidate has."""
    reference_texts: int
    """Texts that the reference has, repeated ones left out."""
    reference_repeated: int
    """Repeated texts of the reference, which were left out."""
    params: AuditParams
    warnings: tuple[str, ...] = ()
    """What is no error and must be seen, a sentence each."""
    cloud: Cloud | None = field(default=None, compare=False)
    """Where the texts lie; None where no embedding counts."""

    @property
    def verdicts(self) -> tuple[AuditVerdict, ...]:
        """All that hold, the plainest first; at least one."""
        return tuple(one.verdict for one in self.judgements)

    @property
    def verdict(self) -> AuditVerdict:
        """The plainest of the verdicts."""
        return self.verdicts[0]

    @property
    def reasons(self) -> tuple[Finding, ...]:
        """The metrics behind ``collapsed`` or ``narrower``, else those that differ; at most three,
        the strongest first.
        """
        return self.evidence.reasons

    @cached_property
    def flags(self) -> Mapping[int, tuple[str, ...]]:
        """What is wrong with single texts, by row, in order; rows without a flag are absent.

        A fact flags texts whether it is a verdict or not, but for openings, garbled and short ones,
        which need many texts to be seen.
        """
        found = self.evidence
        near = [row for row in found.copies.copied.rows if row not in {*found.copies.exact}]
        kinds = {
            "copy": found.copies.exact,
            "near_copy": near,
            "duplicate": found.copies.duplicates,
            "loop": found.copies.looped,
            "empty": found.copies.empty,
            "opening": found.opening.rows,
            "garbled": _garbled_rows(found.garbled),
            "short": found.lengths.short.rows,
        }
        flags: dict[int, list[str]] = {}
        for kind, rows in kinds.items():
            for row in rows:
                flags.setdefault(row, []).append(kind)
        return {row: tuple(flags[row]) for row in sorted(flags)}


def audit(
    candidate: Sequence[str],
    reference: Sequence[str],
    encode: Encode,
    score: Score | None = None,
    params: AuditParams = DEFAULTS,
    pieces: Pieces | None = None,
    progress: Progress = silent,
) -> Audit:
    """Judges a corpus against human text.

    Args:
        candidate: at least 5 texts; empty and repeated ones count as they are.
        reference: human texts, at least three times the sample's size; repeated ones count once.
        encode: gives embeddings (n, d) of unit length; called for at most n candidate texts and
            about max(6,000, 3n) reference texts, and not at all where the encoder does not read
            the reference's language.
        score: summed losses of texts under a model of human text, for the likelihood metrics.
        params: sizes, seed and thresholds.
        pieces: how the encoder's tokenizer cuts words, to tell broken words and unread languages;
            None if it cannot be asked.
        progress: called before every block of texts that is embedded, and after every null sample
            and every family of intervals.

    Returns:
        The judgements and every metric's finding. A candidate of empty or equal texts has defined
        metrics (docs/metrics.md) and is ``repeated`` and ``collapsed``.

    Raises:
        MetricError: fewer than 5 texts, entries that are no strings, embeddings that are not
            finite (the texts are named by their index), dimensions that differ.
        CorpusError: too few reference texts, or a sample larger than the candidate.
    """
    checked = validation.texts(candidate, "candidate")
    whole = validation.texts(reference, "reference")
    human = distinct_texts(whole)
    size = sample_size(len(checked), len(human), params.sample)
    facts = _Facts(Side(checked), Side(whole), pieces)
    chosen = stream(params.seed, "audit.candidate").permutation(len(checked))[:size]
    order = stream(params.seed, "audit.reference").permutation(len(human))
    wanted = min(len(order), max(REFERENCE_TEXTS, 3 * size), size * (1 + params.null_samples))
    taken = facts.as_long([human[at] for at in order[:wanted]])
    encoder, said = (encode, []) if not facts.unread else (None, [_unread(facts.unread)])
    ours = read_texts([checked[at] for at in chosen], chosen, encoder, score, "candidate", progress)
    theirs = read_texts(taken, order[:wanted], encoder, score, "reference", progress)
    _check_dimensions(ours, theirs)
    if encoder is not None and _are_one(theirs):
        encoder, said = None, [_unread("gives all reference texts one embedding")]
    side = human_side(theirs, size, params.null_samples, params.seed, "reference")
    every, words, cloud = _findings(ours, side, params, encoder is not None, progress)
    rows: list[int] = chosen.tolist()
    sound = [text for text, row in zip(ours.texts, rows, strict=True) if row not in facts.faults]
    seen = foreign_texts(sound, side, "candidate")
    found = facts.evidence(ours, side, every, params, rows, seen)
    return Audit(
        judgements=judgements(found),
        evidence=found,
        findings=every,
        sample=size,
        words=words,
        segmentation=segmentation(),
        candidate_texts=len(checked),
        reference_texts=len(human),
        reference_repeated=len(whole) - len(human),
        params=params,
        warnings=tuple([*said, *seen]),
        cloud=cloud,
    )


class _Facts:
    """The plain facts of a candidate, over all texts."""

    def __init__(self, candidate: Side, reference: Side, pieces: Pieces | None) -> None:
        self.candidate, self.reference = candidate, reference
        self.copies = find_copies(candidate, reference)
        self.opening = find_opening(candidate, reference)
        letters = other_letters(candidate.texts, reference.texts)
        self.garbled = None if letters else find_garbled(candidate, reference, pieces)
        self.faults = {
            *self.copies.copied.rows,
            *self.copies.repeated.rows,
            *self.opening.rows,
            *_garbled_rows(self.garbled),
        }
        self.lengths = find_lengths(candidate, reference, self.faults)
        self.unread = "" if pieces is None else unread(pieces, reference)

    @property
    def is_garbled(self) -> bool:
        """Whether garbled words or order are a verdict."""
        return self.garbled is not None and self.garbled.holds

    def as_long(self, human: list[str]) -> list[str]:
        """Human texts, cut to the candidate's lengths where that is shortened: as long, the rest
        of the metrics compares like with like.
        """
        if not self.lengths.shortened:
            return human
        lengths = np.sort([len(one) for one in self.candidate.words if one])
        at = np.linspace(0, len(lengths) - 1, len(human)).round().astype(np.int64)
        return [*cut_alike(human, lengths[at].tolist())]

    def evidence(
        self,
        ours: Texts,
        side: HumanSide,
        every: tuple[Finding, ...],
        params: AuditParams,
        rows: list[int],
        foreign: list[str],
    ) -> Evidence:
        """Everything that was found, put together."""
        near = nearest(ours.embeddings, side) if ours.embeddings.shape[1] else None
        away = (
            "" if self.is_garbled else _away(near, every, rows, self.faults) or _words_of(foreign)
        )
        opening = self.opening
        if away and opening.share < FORMULA:
            opening = Fact((), opening.texts, opening.expected)
        variety, reasons = judge(every, params, bool(away) or self.is_garbled)
        return Evidence(
            copies=self.copies,
            opening=opening,
            garbled=self.garbled,
            surprise=None if away else surprising(every),
            lengths=self.lengths,
            variety=variety,
            reasons=reasons,
            metrics=len(every),
            null_samples=params.null_samples,
            away=away,
            alike=most_alike(ours.embeddings, rows, ours.texts) if near else (),
            farthest=farthest(near, rows, ours.texts, self.faults) if near else (),
        )


def _findings(
    ours: Texts, side: HumanSide, params: AuditParams, embedded: bool, progress: Progress
) -> tuple[tuple[Finding, ...], int, Cloud | None]:
    """Every metric over its band, the words that lexical ones were measured on, and the cloud."""
    counted = cache(count_words)  # the samples overlap
    samples = [sum(map(counted, one.texts)) for one in chain([side.fit], side.null)]
    budget = min(WORDS, *samples)
    with threadpool_limits(1, "blas"):  # small products: a threaded BLAS makes them slower
        fitted = side.reference(side.fit.texts, None, LAMBDA, max(budget, 1))
        evaluator = Evaluator(fitted, families=tuple(FAMILIES) if embedded else WORDS_ALONE)
        short = short_texts(evaluator, side, ours.texts)
        sampled, found = (partial(progress, step) for step in STEPS)
        bands = null_bands(evaluator, side, sampled, threads=THREADS)
        bands |= short.bands if short else {}
        sample = replace(ours.sample(), words=short.words if short else None)
        measurements = [*evaluator.measure(sample).values(), *evaluator.measure_plugins(sample)]
        measured = with_intervals(measurements, params.half_samples, params.seed, progress=found)
    every = findings(measured, bands, params.level)
    cloud = None
    if embedded:
        clouds = (evaluator.coordinates(one) for one in (ours.embeddings, side.null[0].embeddings))
        cloud = Cloud(*(one[:, :2] for one in clouds))
    return every, min(sum(map(counted, ours.texts)), sample.words or budget), cloud


def _away(
    near: Nearest | None, every: Sequence[Finding], rows: Sequence[int], faults: set[int]
) -> str:
    """Why the texts without another fault are about something else; empty where they are not."""
    bands = [one.band for one in every if one.metric == "nearest_human"]
    if near is None or not bands:
        return ""
    return elsewhere(near, bands[0], [at for at, row in enumerate(rows) if row not in faults])


def _words_of(foreign: Sequence[str]) -> str:
    """What speaks for another subject or language, without the question that it ends in."""
    return "; ".join(said.rpartition(": ")[0] for said in foreign)


def _garbled_rows(garbled: Garbled | None) -> tuple[int, ...]:
    """Rows of strange words where they are a verdict, and of disordered ones."""
    if garbled is None:
        return ()
    strange = garbled.strange.rows if garbled.strange.holds else ()
    return (*strange, *garbled.disordered.rows)


def _check_dimensions(ours: Texts, theirs: Texts) -> None:
    """Raises MetricError where the two sides have embeddings of different width."""
    width, wanted = ours.embeddings.shape[1], theirs.embeddings.shape[1]
    if width != wanted:
        raise MetricError("candidate", wanted=f"{wanted} dimensions, as the reference", got=width)


def _are_one(theirs: Texts) -> bool:
    """Whether an encoder tells human texts apart in nothing: it would find every text alike."""
    return len(set(theirs.texts)) > 1 and all_alike(theirs.embeddings)


def _unread(reason: str) -> str:
    return (
        f"the encoder {reason}: no metric of embeddings counts; name one that reads this language "
        "with --encoder"
    )
