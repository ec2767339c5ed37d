"""The null bands of an evaluation: every metric on the human side's null samples.

A sample of fewer words than the budget reads as more diverse than a full one, because short samples
repeat less. Its lexical metrics are therefore held against human texts that are cut to its texts'
lengths, on as many words (`short_texts`): collapse must never read as diversity.
"""

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np

from palimpsest.core.words import count_words, cut
from palimpsest.evaluation.evaluator import Evaluator, Progress, silent, values
from palimpsest.evaluation.human import HumanSide
from palimpsest.metrics.family import Sample
from palimpsest.metrics.registry import metric
from palimpsest.statistics.null_band import Band, null_band

LEAST_LENGTH, LEAST_WORDS = 4, 100
"""Where a text has words, a human one keeps at least so many (the longest n-gram that is counted);
and human texts are measured on no fewer. Texts of one word, or of none, would otherwise find human
ones as poor as themselves."""
UNBUDGETED = ("duplicates", "length_mean")
"""Lexical metrics that are measured on whole texts however many words there are."""

Numbers = Mapping[str, float | None]


@dataclass(frozen=True)
class ShortTexts:
    """How texts are measured that have fewer words than the budget."""

    words: int
    """On how many."""
    bands: dict[str, Band]
    """Of the lexical metrics."""


def null_bands(
    evaluator: Evaluator, side: HumanSide, progress: Progress = silent, threads: int = 1
) -> dict[str, Band]:
    """The band of every metric that the null samples have.

    Args:
        evaluator: fitted on the side's fit sample.
        side: the human side.
        progress: called after every sample.
        threads: how many samples to measure at a time; it changes no number. A project's own
            metrics need not be fit for more than one.
    """

    def numbers(at: int) -> Numbers:
        sample = side.null[at].sample()
        measured = [*evaluator.measure(sample).values(), *evaluator.measure_plugins(sample)]
        return values(measured)

    rows: list[Numbers] = []
    with ThreadPoolExecutor(threads) as pool:
        for row in pool.map(numbers, range(len(side.null))):
            rows.append(row)
            progress(len(rows), len(side.null))
    return bands_of(rows, len(side.fit.texts), side.widening)


def short_texts(evaluator: Evaluator, side: HumanSide, texts: Sequence[str]) -> ShortTexts | None:
    """How to measure a sample of few words; None where it has as many as the budget.

    Args:
        evaluator: fitted on the side's fit sample.
        side: the human side. Each null sample's texts are cut to those of the sample: the longest
            to the longest length, and so on; not at all where `LEAST_WORDS` would not be left.
        texts: the sample.
    """
    lengths = [count_words(text) for text in texts]
    if sum(lengths) >= evaluator.reference.words:
        return None
    cut_to = [max(length, LEAST_LENGTH) if length else 0 for length in lengths]
    samples = [cut_alike(null.texts, cut_to) for null in side.null]
    least = min(sum(lengths), *(sum(map(count_words, sample)) for sample in samples))
    fewest = min(LEAST_WORDS, evaluator.reference.words)
    if least < fewest:
        samples, least = [null.texts for null in side.null], fewest
    rows = [
        evaluator.measure(Sample(sample, null.embeddings, words=least))["text"].compute(None)
        for sample, null in zip(samples, side.null, strict=True)
    ]
    bands = bands_of(rows, len(side.fit.texts), side.widening)
    return ShortTexts(least, {name: bands[name] for name in bands if name not in UNBUDGETED})


def cut_alike(texts: Sequence[str], lengths: Sequence[int]) -> Sequence[str]:
    """Texts cut to the lengths of others, in words: the longest text to the longest length.

    Args:
        texts: n texts, which keep their order.
        lengths: n numbers of words.
    """
    own = np.array([count_words(text) for text in texts])
    order = np.argsort(own, kind="stable")
    wanted = np.empty(len(texts), dtype=np.int64)
    wanted[order] = np.sort(np.asarray(lengths, dtype=np.int64))
    return [cut(text, count) for text, count in zip(texts, wanted.tolist(), strict=True)]


def bands_of(rows: Sequence[Numbers], documents: int, widening: float = 1.0) -> dict[str, Band]:
    """The band of every metric from its values on the null samples.

    Args:
        rows: the metrics of each null sample.
        documents: n, texts of a sample: no deviation is believed that is finer than what one text
            changes, 1/n of a share and one part in n of another metric's mean (1/n where it is 0).
        widening: factor >= 1 on the deviations, for samples that overlap.
    """
    bands = {}
    for name in dict.fromkeys(name for row in rows for name in row):
        column = [row.get(name) for row in rows]
        known = [value for value in column if value is not None]
        entry = metric(name)
        size = 1.0 if entry.is_share or not known else abs(float(np.mean(known))) or 1.0
        band = null_band(column, size / documents, (entry.low, entry.high), widening)
        if band is not None:
            bands[name] = band
    return bands
