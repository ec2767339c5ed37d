"""The instrument: every metric family of some texts, held against one human corpus.

A `Yardstick` is made once from the human corpus; it measures any number of generations. A family
is prepared once and can then be asked for all texts or for a half-sample of them, which is what
intervals (docs/metrics.md §9) are made of.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from palimpsest.custom import CustomMetric
from palimpsest.errors import MetricError
from palimpsest.metrics import distribution, geometry, lexical, likelihood, lock_in, spectrum
from palimpsest.metrics.truth import Statement, Triple, TruthTable
from palimpsest.metrics.uncertainty import Interval, intervals, null_bands
from palimpsest.metrics.validation import Rows

Measure = Callable[[Rows | None], Mapping[str, float | None]]
Parse = Callable[[str], Sequence[Statement]]
"""A text's statements, in the order of its sentences."""
Progress = Callable[[int, int], None]
"""(how many are done, of how many)."""


def silent(done: int, total: int) -> None:
    """Shows no progress."""


@dataclass(frozen=True)
class Family:
    """Metrics that are computed together from the same items."""

    measure: Measure
    """The metrics of all items (None) or of those in the given rows."""
    items: int
    """How many texts (or held-out texts) they are computed from."""


@dataclass(frozen=True)
class Facts:
    """A corpus's ledger: how to read a text, and the facts with their training frequency."""

    parse: Parse
    frequencies: Mapping[Triple, int]


class Yardstick:
    """What texts are held against.

    Args:
        texts: a human sample, n texts.
        embeddings: theirs, (n, d).
        training: the human training corpus, for its word 8-grams.
        facts: the ledger, if the corpus has one.
        lam: weight of the squared drift in the Ainex score.
        words: how many words lexical metrics are measured on.
        custom: the project's own metrics.
    """

    def __init__(
        self,
        texts: Sequence[str],
        embeddings: NDArray[np.float32],
        training: Sequence[str],
        facts: Facts | None,
        lam: float,
        words: int,
        custom: Sequence[CustomMetric] = (),
    ) -> None:
        self.texts, self.facts, self.lam, self.words = texts, facts, lam, words
        self.embeddings, self.custom = embeddings, custom
        self.basis = geometry.fit_basis(embeddings)
        self.reference = distribution.prepare_reference(embeddings)
        self.known = lock_in.known_ngrams(training)
        self.human_words = lexical.word_counts(texts)

    def families(
        self,
        texts: Sequence[str],
        embeddings: NDArray[np.float32],
        written: likelihood.Written | None,
        before: Sequence[str] | None,
    ) -> list[Family]:
        """The families of n texts.

        Args:
            texts: to be measured.
            embeddings: theirs, (n, d).
            written: their likelihoods, if models were asked.
            before: the texts of the generation before; None where there is none.

        Raises:
            MetricError: as many embeddings or likelihoods as texts were wanted.
        """
        sizes = {"embeddings": len(embeddings)}
        if written is not None:
            sizes["written"] = len(written.human.tokens)
        for name, size in sizes.items():
            if size != len(texts):
                raise MetricError(name, wanted=f"{len(texts)} rows, one a text", got=size)
        shape = geometry.prepare(self.basis, embeddings, self.lam)
        cloud = spectrum.prepare(embeddings)
        pair = distribution.prepare(self.reference, embeddings)
        words = lexical.prepare(texts, self.human_words, self.words)
        grams = lock_in.prepare(texts, self.known, before)
        measures: list[Measure] = [
            lambda rows: geometry.card(shape, rows),
            lambda rows: spectrum.card(cloud, rows),
            lambda rows: distribution.card(pair, rows),
            lambda rows: lexical.card(words, rows),
            lambda rows: lock_in.card(grams, rows),
        ]
        if written is not None:
            measures.append(lambda rows: likelihood.written_card(written, rows))
        table = self.truth(texts, before)
        if table is not None:
            measures.append(lambda rows: table.measure(rows).metrics)
        return [Family(measure, len(texts)) for measure in measures]

    def custom_families(
        self, texts: Sequence[str], embeddings: NDArray[np.float32]
    ) -> list[Family]:
        """The families of the project's own metrics, see `families`."""
        human = self.texts, self.embeddings
        return [
            Family(metric.prepare(texts, embeddings, *human), len(texts)) for metric in self.custom
        ]

    def truth(self, texts: Sequence[str], before: Sequence[str] | None) -> TruthTable | None:
        """The statements of the texts; None where the corpus has no ledger."""
        if self.facts is None:
            return None
        parse, frequencies = self.facts.parse, self.facts.frequencies
        held = None
        if before is not None:
            held = TruthTable([parse(text) for text in before], frequencies).untrue
        return TruthTable([parse(text) for text in texts], frequencies, held)

    def coordinates(self, embeddings: NDArray[np.float32]) -> NDArray[np.float64]:
        """Where the texts lie in the human basis, (n, 3)."""
        return geometry.project(embeddings, self.basis.mean, self.basis.components)


def values(families: Sequence[Family]) -> dict[str, float | None]:
    """Every metric's value, without intervals."""
    return {name: value for family in families for name, value in family.measure(None).items()}


def with_intervals(
    families: Sequence[Family],
    half_samples: int,
    seed: int,
    threads: int = 2,
    progress: Progress = silent,
) -> dict[str, dict[str, float | None]]:
    """Every metric as ``{value, low, high}``; without half-samples, low and high are None.

    Args:
        families: what is measured.
        half_samples: of the jackknife.
        seed: for the half-samples.
        threads: how many half-samples to compute at a time; it changes no number.
        progress: called after every family.
    """
    found: dict[str, Interval] = {}
    for done, family in enumerate(families, 1):
        if half_samples:
            found |= intervals(family.measure, family.items, half_samples, seed, threads)
        else:
            found |= {name: Interval(value) for name, value in values([family]).items()}
        progress(done, len(families))
    return {
        name: {"value": one.value, "low": one.low, "high": one.high} for name, one in found.items()
    }


def null_entries(cards: Sequence[Mapping[str, float | None]]) -> dict[str, dict[str, Any]]:
    """The null band of every metric as a card stores it, with mean and standard deviation."""
    entries = {}
    for name, band in null_bands(cards).items():
        known = [value for card in cards if (value := card.get(name)) is not None]
        if band.low is None:
            continue
        spread = float(np.std(known, ddof=1)) if len(known) > 1 else None
        entries[name] = {
            "low": band.low,
            "high": band.high,
            "samples": band.samples,
            "mean": float(np.mean(known)),
            "sd": spread,
        }
    return entries
