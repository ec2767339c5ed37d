r"""Metrics of docs/metrics.md §4: how varied the words still are.

Words are those of `palimpsest.core.words`, lower-cased. Everything but ``duplicates`` and
``length_mean`` is measured on a fixed budget of words, so that no number depends on length: texts
are taken in a seeded random order until it is full, and the last one is cut there. n-grams do not
cross texts.

A subsample of the jackknife fills its share of the budget anew, with texts beyond the budget's end
if it must: a number of words that varied would show as a variance that the metric does not have.

Known gaps: ``self_bleu_4`` looks at ``SELF_BLEU_TEXTS`` texts; ``zipf`` has no best value, only
the human one.
"""

import math
import zlib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from palimpsest.core.errors import MetricError
from palimpsest.core.rng import stream
from palimpsest.core.words import cut, normalised, words
from palimpsest.metrics.family import Reference, Rows, Sample
from palimpsest.metrics.self_bleu import SelfBleu
from palimpsest.metrics.validation import texts
from palimpsest.metrics.word_diversity import entropy, mtld, zipf

ORDERS = (1, 2, 3, 4)
"""n-gram lengths of ``distinct_n``."""

SELF_BLEU_TEXTS = 200
"""Texts among which self-BLEU is measured, the first in the order of the budget."""

SPARE = 1.3
"""Words that are kept ready for subsamples, in budgets: of 20 groups hardly any is 30 % of them."""

SHORT = 1.05
"""A subsample of a corpus with hardly more words than the budget fills its share less this."""

ZLIB_CEILING = 1032.0
"""The most that zlib can compress; what texts without a word read."""

Ids = NDArray[np.int64]
"""Numbers that stand for words, n-grams or texts."""


@dataclass(frozen=True)
class Grams:
    """All n-grams of one length inside texts."""

    ids: Ids
    """A number for each, dense from 0."""
    owner: Ids
    """The text it stands in."""
    end: Ids
    """The words of its text up to its own end."""

    def inside(self, shares: Ids) -> NDArray[np.bool_]:
        """Whether each lies in the first words of its text, as many as `shares` says."""
        return np.asarray(self.end <= shares[self.owner])


@dataclass(frozen=True)
class Prepared:
    """One generation made ready for ``compute``.

    ``order`` is that in which texts fill the ``budget``, ``ready`` the words of each that are kept,
    ``within`` (texts, 3) the share of distinct 2-, 3- and 4-grams of each, ``human`` the count of
    each word in the human texts (the generation's words come first).
    """

    texts: list[str]
    lengths: Ids
    copies: Ids
    order: Ids
    ready: Ids
    budget: int
    grams: dict[int, Grams]
    within: NDArray[np.float64]
    bleu: SelfBleu
    human: Ids

    @property
    def count(self) -> int:
        """Number of texts."""
        return len(self.lengths)

    def compute(self, rows: Rows | None = None) -> dict[str, float]:
        """The §4 metrics of all texts, or of the texts at positions ``rows`` (a subsample)."""
        chosen = np.ones(self.count, dtype=bool)
        budget, members = float(self.budget), float(SELF_BLEU_TEXTS)
        if rows is not None:
            chosen = np.zeros(self.count, dtype=bool)
            chosen[rows] = True
            part = len(rows) / self.count
            budget = min(budget, int(self.lengths.sum()) / SHORT) * part
            members *= part
        shares = _shares(np.where(chosen, self.ready, 0), self.order, round(budget))
        ids = {order: grams.ids[grams.inside(shares)] for order, grams in self.grams.items()}
        tables = {order: np.bincount(grams) for order, grams in ids.items()}
        types = {order: int(np.count_nonzero(table)) for order, table in tables.items()}
        frequencies = tables[1][tables[1] > 0]
        measured = chosen & ((shares > 0) | (self.lengths == 0))
        copies = self.copies[chosen]
        result = {f"distinct_{order}": types[order] / max(len(ids[order]), 1) for order in ORDERS}
        return result | {
            "repetition_diversity": _mean_product(self.within[measured]),
            "self_bleu_4": self.bleu.mean(measured, round(members)),
            "ttr": types[1] / max(len(ids[1]), 1),
            "mtld": mtld(ids[1]),
            "hapax": float((frequencies == 1).sum()) / types[1] if types[1] > 1 else 0.0,
            "entropy_1": entropy(frequencies),
            "entropy_2": entropy(tables[2]),
            "zipf": zipf(frequencies),
            "compression_ratio": self._compression(measured, shares) if types[1] else ZLIB_CEILING,
            "duplicates": 1.0 - float(np.count_nonzero(np.bincount(copies))) / len(copies),
            "length_mean": float(self.lengths[chosen].mean()),
            "kl_human": _divergence(tables[1], self.human),
        }

    def _compression(self, measured: NDArray[np.bool_], shares: Ids) -> float:
        """Of the budget's part of each text, whole or up to its last budgeted word."""
        parts = [
            self.texts[at] if shares[at] == self.lengths[at] else cut(self.texts[at], shares[at])
            for at in np.flatnonzero(measured).tolist()
        ]
        joined = "\n".join(parts).encode()
        return len(joined) / len(zlib.compress(joined, 9))


def lexical_metrics(
    generated: Sequence[str], human: Sequence[str], budget: int | None = None, seed: int = 0
) -> dict[str, float]:
    """Every metric of §4 for one generation.

    Args:
        generated: the texts to judge, at least 5; empty ones are allowed.
        human: the human texts that ``kl_human`` compares with.
        budget: W, how many words to measure on; by default the smaller of the two corpora's
            counts. A corpus with fewer words is measured whole.
        seed: for the order in which a large corpus fills the budget, and for ``self_bleu_4``.

    Returns:
        ``distinct_1`` to ``distinct_4``, ``repetition_diversity``, ``self_bleu_4`` (0 to 1),
        ``ttr``, ``mtld``, ``hapax``, ``entropy_1``, ``entropy_2`` (nats), ``zipf``,
        ``compression_ratio``, ``duplicates``, ``length_mean`` (words), ``kl_human`` (nats).
        Texts without any word give 0, but for ``self_bleu_4`` 1, ``zipf`` 10,
        ``compression_ratio`` 1032 and ``kl_human``, which compares a flat distribution.

    Raises:
        MetricError: fewer than 5 texts, entries that are no strings (named), a budget below 1.
    """
    return prepare(generated, human, budget, seed).compute()


def word_counts(corpus: Sequence[str]) -> Counter[str]:
    """How often each word occurs, in the order of first occurrence.

    Raises:
        MetricError: entries that are no strings (named), fewer than 5 texts.
    """
    return Counter(word for text in texts(corpus, "human") for word in words(text))


def prepare(
    generated: Sequence[str],
    human: Sequence[str] | Mapping[str, int],
    budget: int | None = None,
    seed: int = 0,
) -> Prepared:
    """Splits, numbers and counts what ``compute`` needs for all texts and for half-samples.

    ``human`` may be what `word_counts` made of the human texts, where many are held against them.
    """
    checked = [normalised(text) for text in texts(generated, "generated")]
    others = human if isinstance(human, Mapping) else word_counts(human)
    if budget is not None and budget < 1:
        raise MetricError("budget", wanted=">= 1 word", got=budget)
    own = [words(text) for text in checked]
    lengths = _counts(own)
    total = int(lengths.sum())
    if budget is None:
        budget = max(1, min(total, sum(others.values())))
    order = stream(seed, "lexical.budget").permutation(len(lengths))
    ready = _shares(lengths, order, math.ceil(SPARE * budget))
    vocabulary: dict[str, int] = {}
    kept = [line[:share] for line, share in zip(own, ready, strict=True)]
    ids, owner = _number(kept, vocabulary)
    theirs = [vocabulary.setdefault(word, len(vocabulary)) for word in others]
    human_counts = np.zeros(max(len(vocabulary), 1), dtype=np.int64)
    human_counts[theirs] = list(others.values())
    place = np.arange(len(ids)) - (np.cumsum(ready) - ready)[owner]
    grams = {length: _grams(ids, owner, place, length) for length in ORDERS}
    members = order[(ready > 0)[order] | (lengths == 0)[order]]
    members = members[: math.ceil(SPARE * SELF_BLEU_TEXTS)]
    return Prepared(
        texts=checked,
        lengths=lengths,
        copies=np.unique(np.asarray(checked, dtype=object), return_inverse=True)[1],
        order=order,
        ready=ready,
        budget=budget,
        grams=grams,
        within=np.stack([_within(grams[length], len(checked)) for length in ORDERS[1:]], axis=1),
        bleu=SelfBleu.count([(one.ids, one.owner) for one in grams.values()], ready, members),
        human=human_counts,
    )


class Lexical:
    """How varied the words are."""

    def __init__(self, reference: Reference) -> None:
        self.human, self.words = word_counts(reference.texts), reference.words

    def prepare(self, sample: Sample) -> Prepared:
        """See `palimpsest.metrics.family.Family`."""
        return prepare(sample.texts, self.human, sample.words or self.words)


def _counts(lines: list[list[str]]) -> Ids:
    return np.array([len(line) for line in lines], dtype=np.int64)


def _shares(lengths: Ids, order: Ids, budget: int) -> Ids:
    """How many words of each text the budget takes, in this order of the texts."""
    before = np.concatenate([[0], np.cumsum(lengths[order])[:-1]])
    shares = np.empty_like(lengths)
    shares[order] = np.clip(budget - before, 0, lengths[order])
    return shares


def _number(lines: list[list[str]], vocabulary: dict[str, int]) -> tuple[Ids, Ids]:
    """Ids of all words in order and the text each stands in; new words join the vocabulary."""
    ids = [vocabulary.setdefault(word, len(vocabulary)) for line in lines for word in line]
    return np.array(ids, dtype=np.int64), np.repeat(np.arange(len(lines)), _counts(lines))


def _grams(ids: Ids, owner: Ids, place: Ids, length: int) -> Grams:
    """The n-grams of words that follow each other in a text."""
    size = max(len(ids) - length + 1, 0)
    inside = owner[:size] == owner[len(owner) - size :]
    code = np.zeros(size, dtype=np.int64)
    for offset in range(length):
        longer = code * (len(ids) + 1) + ids[offset : offset + size]
        code = np.unique(longer, return_inverse=True)[1]
    dense = np.unique(code[inside], return_inverse=True)[1].astype(np.int64)
    return Grams(dense, owner[:size][inside], place[:size][inside] + length)


def _within(grams: Grams, count: int) -> NDArray[np.float64]:
    """Share of distinct n-grams in each text; 0 where a text is too short to have one."""
    code = grams.owner * (int(grams.ids.max(initial=0)) + 1) + grams.ids
    distinct = np.bincount(grams.owner[np.unique(code, return_index=True)[1]], minlength=count)
    return distinct / np.maximum(np.bincount(grams.owner, minlength=count), 1)


def _mean_product(within: NDArray[np.float64]) -> float:
    return float(within.mean(axis=0).prod()) if len(within) else 0.0


def _divergence(own: Ids, human: Ids) -> float:
    """KL of add-one-smoothed counts over the words that either has."""
    counts = np.zeros(len(human), dtype=np.int64)
    counts[: len(own)] = own
    union = (counts > 0) | (human > 0)
    ours, theirs = _smoothed(counts[union]), _smoothed(human[union])
    return max(float((np.exp(ours) * (ours - theirs)).sum()), 0.0)


def _smoothed(counts: Ids) -> NDArray[np.float64]:
    """Add-one-smoothed log probabilities."""
    logs: NDArray[np.float64] = np.log(counts + 1.0) - np.log(counts.sum() + max(len(counts), 1))
    return logs
