"""Has a corpus collapsed against a human reference? Texts in, judgements out; no files here.

Plain facts are counted over all texts (`copies`, `language`, `lengths`; of more than a hundred
thousand texts, see `many_texts`). The metrics are measured
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

from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from functools import cache, partial

import numpy as np
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]  # by scikit-learn

from palimpsest.auditing.copies import FORMULA, Side
from palimpsest.auditing.judgements import Evidence, judgements
from palimpsest.auditing.language import Pieces, garbled_rows
from palimpsest.auditing.many_texts import facts_of
from palimpsest.auditing.plain_facts import PlainFacts
from palimpsest.auditing.result import Audit
from palimpsest.auditing.samples import (
    Encode,
    MeasuredWith,
    Progress,
    Score,
    drawn_reference,
    fitted_evaluator,
    read_texts,
    sample_size,
    silent,
)
from palimpsest.auditing.subject import (
    Cloud,
    Nearest,
    elsewhere,
    farthest,
    most_alike,
    nearest,
)
from palimpsest.auditing.topics import Missing, find_missing
from palimpsest.auditing.verdict import (
    DEFAULTS,
    AuditParams,
    Finding,
    findings,
    judge,
    surprising,
)
from palimpsest.core.errors import MetricError
from palimpsest.core.words import count_words, segmentation
from palimpsest.embedding.alike import all_alike
from palimpsest.evaluation.evaluator import FAMILIES, WORDS_ALONE, with_intervals
from palimpsest.evaluation.foreign import foreign_texts
from palimpsest.evaluation.human import HumanSide, Texts, human_side
from palimpsest.evaluation.null_bands import null_bands, short_texts
from palimpsest.metrics import validation

STEPS = ("measuring human samples", "intervals of the candidate")
"""What progress calls the work behind the embeddings."""
LEAST_SOUND = 0.5
"""Share of a sample's texts without another fault, from which down nobody looks for what is left
out: a convention."""
THREADS = 2
"""Null samples measured at a time; it changes no number."""


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
        candidate: at least 5 texts; empty and repeated ones count as they are, unless they are as
            many as in the reference.
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
    facts = facts_of(checked, Side(whole), pieces, params)
    return judged(facts, whole, encode, score, params, progress)


def judged(
    facts: PlainFacts,
    whole: Sequence[str],
    encode: Encode,
    score: Score | None,
    params: AuditParams,
    progress: Progress,
) -> Audit:
    """Measures the sample of a candidate whose facts are known, and judges; see `audit`.

    Args:
        facts: of the candidate, against the same reference.
        whole: texts of the reference, as they stand.
        encode: as there.
        score: as there.
        params: as there.
        progress: as there.

    Raises:
        PalimpsestError: as there.
    """
    human = np.array([*facts.reference.first.values()])
    size = sample_size(len(facts.measured), len(human), params.sample)
    chosen, texts = facts.measured.draw(size, params.seed)
    order = human[drawn_reference(len(human), size, params.seed, params.null_samples)]
    taken = facts.as_long([whole[at] for at in order])
    encoder, said = (encode, []) if not facts.unread else (None, [_unread(facts.unread)])
    noted = [facts.note] if facts.note else []
    ours = read_texts(texts, chosen, encoder, score, "candidate", progress)
    theirs = read_texts(taken, order, encoder, score, "reference", progress)
    _check_dimensions(ours, theirs)
    if encoder is not None and _are_one(theirs):
        encoder, said = None, [_unread("gives all reference texts one embedding")]
        ours, theirs = (replace(one, embeddings=one.embeddings[:, :0]) for one in (ours, theirs))
    side = human_side(theirs, size, params.null_samples, params.seed, "reference")
    every, words, cloud = _findings(ours, side, params, encoder is not None, progress)
    rows: list[int] = chosen.tolist()
    sound = [text for text, row in zip(ours.texts, rows, strict=True) if row not in facts.faults]
    seen = foreign_texts(sound, side, "candidate")
    missing = partial(_missing, facts, ours, theirs, rows, order.tolist(), params.seed)
    found = _evidence(facts, ours, side, every, params, rows, seen, missing)
    return Audit(
        judgements=judgements(found),
        evidence=found,
        findings=every,
        sample=size,
        words=words,
        segmentation=segmentation(),
        candidate_texts=facts.texts,
        reference_texts=len(human),
        reference_repeated=len(whole) - len(human),
        params=params,
        measured_with=MeasuredWith.of(encode, score, [*facts.reference.first]),
        warnings=tuple([*noted, *said, *seen]),
        cloud=cloud,
    )


def _evidence(
    facts: PlainFacts,
    ours: Texts,
    side: HumanSide,
    every: tuple[Finding, ...],
    params: AuditParams,
    rows: list[int],
    foreign: list[str],
    missing: Callable[[], Missing | None],
) -> Evidence:
    """Everything that was found, put together."""
    near = nearest(ours.embeddings, side) if ours.embeddings.shape[1] else None
    away = ""
    if not facts.is_garbled:
        away = _words_of(foreign)
        if not away and facts.has_new_words:
            away = _away(near, every, rows, facts.faults)
    opening = facts.opening
    if away and opening.share < FORMULA:
        opening = replace(opening, rows=(), examples=())
    variety, reasons = judge(every, params, bool(away) or facts.is_garbled)
    return Evidence(
        copies=facts.copies,
        opening=opening,
        garbled=facts.garbled,
        surprise=None if away else surprising(every),
        lengths=facts.lengths,
        variety=variety,
        reasons=reasons,
        metrics=len(every),
        null_samples=params.null_samples,
        missing=None if away or facts.is_garbled else missing(),
        away=away,
        alike=most_alike(ours.embeddings, rows, ours.texts) if near else (),
        farthest=farthest(near, rows, ours.texts, facts.faults) if near else (),
    )


def _missing(
    facts: PlainFacts, ours: Texts, theirs: Texts, rows: list[int], order: list[int], seed: int
) -> Missing | None:
    """What the candidate leaves out, copies counted in: they stand for what they copy.

    None where most of its texts have another fault: the others are no sample of it.
    """
    faults = (facts.copies.repeated.rows, facts.opening.rows, garbled_rows(facts.garbled))
    wrong = [np.isin(rows, list(some)) for some in faults]
    sound = ~np.any(wrong, axis=0)
    if not ours.embeddings.shape[1] or sound.mean() < LEAST_SOUND:
        return None
    return find_missing(ours.embeddings[sound], theirs.embeddings, theirs.texts, order, seed)


def _findings(
    ours: Texts, side: HumanSide, params: AuditParams, embedded: bool, progress: Progress
) -> tuple[tuple[Finding, ...], int, Cloud | None]:
    """Every metric over its band, the words that lexical ones were measured on, and the cloud."""
    counted = cache(count_words)  # the samples overlap
    families = tuple(FAMILIES) if embedded else WORDS_ALONE
    with threadpool_limits(1, "blas"):  # small products: a threaded BLAS makes them slower
        evaluator, budget = fitted_evaluator(side, families, counted)
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
    near: Nearest | None, every: Sequence[Finding], rows: Sequence[int], faults: Collection[int]
) -> str:
    """Why the texts without another fault are about something else; empty where they are not."""
    bands = [one.band for one in every if one.metric == "nearest_human"]
    if near is None or not bands:
        return ""
    return elsewhere(near, bands[0], [at for at, row in enumerate(rows) if row not in faults])


def _words_of(foreign: Sequence[str]) -> str:
    """What speaks for another subject or language, without the question that it ends in."""
    return "; ".join(said.rpartition(": ")[0] for said in foreign)


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
