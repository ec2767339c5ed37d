r"""Metrics of docs/metrics.md §4: how varied the words still are.

Words are the matches of ``\w+`` in the lower-cased text. Everything but ``duplicates`` and
``length_mean`` is measured on a fixed budget of words, so that no number depends on length: texts
are taken as written while they fit, or in a seeded random order when the corpus is larger, and
the last one is cut where the budget ends. n-grams do not cross texts.

Half-samples of the jackknife keep the words that the budget gave to their texts.

Known gaps: ``self_bleu_4`` looks at ``SELF_BLEU_TEXTS`` texts; ``zipf`` has no best value, only
the human one.
"""

import itertools
import re
import zlib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from palimpsest.core.errors import MetricError
from palimpsest.core.rng import stream
from palimpsest.metrics.family import Reference, Rows, Sample
from palimpsest.metrics.self_bleu import SelfBleu
from palimpsest.metrics.validation import texts
from palimpsest.metrics.word_diversity import entropy, mtld, zipf

ORDERS = (1, 2, 3, 4)
"""n-gram lengths of ``distinct_n``."""

SELF_BLEU_TEXTS = 200
"""Texts among which self-BLEU is measured, drawn with the seed when there are more."""

ZLIB_CEILING = 1032.0
"""The most that zlib can compress; what texts without a word read."""

WORD = re.compile(r"\w+")

Ids = NDArray[np.int64]
"""Numbers that stand for words, n-grams or texts."""


@dataclass(frozen=True)
class Prepared:
    """One generation made ready for ``compute``; arrays over words are in the budget's order.

    ``grams[n]`` holds the id and the text of every n-gram, ``within`` (texts, 3) the share of
    distinct 2-, 3- and 4-grams of each text, ``human`` the smoothed log probabilities of the
    human words over the union vocabulary, in which the generation's words come first.
    """

    raw: list[bytes]
    lengths: Ids
    copies: Ids
    kept: NDArray[np.bool_]
    grams: dict[int, tuple[Ids, Ids]]
    within: NDArray[np.float64]
    bleu: SelfBleu
    human: NDArray[np.float64]

    @property
    def count(self) -> int:
        """Number of texts."""
        return len(self.lengths)

    def compute(self, rows: Rows | None = None) -> dict[str, float]:
        """The §4 metrics of all texts, or of the texts at positions ``rows`` (a half-sample)."""
        count = len(self.lengths)
        chosen = np.ones(count, dtype=bool)
        if rows is not None:
            chosen = np.zeros(count, dtype=bool)
            chosen[rows] = True
        ids = {order: grams[chosen[owner]] for order, (grams, owner) in self.grams.items()}
        tables = {order: np.bincount(grams) for order, grams in ids.items()}
        types = {order: int(np.count_nonzero(table)) for order, table in tables.items()}
        frequencies = tables[1][tables[1] > 0]
        measured = chosen & self.kept
        copies = self.copies[chosen]
        result = {f"distinct_{order}": types[order] / max(len(ids[order]), 1) for order in ORDERS}
        return result | {
            "repetition_diversity": _mean_product(self.within[measured]),
            "self_bleu_4": self.bleu.mean(chosen),
            "ttr": types[1] / max(len(ids[1]), 1),
            "mtld": mtld(ids[1]),
            "hapax": float((frequencies == 1).sum()) / types[1] if types[1] > 1 else 0.0,
            "entropy_1": entropy(frequencies),
            "entropy_2": entropy(tables[2]),
            "zipf": zipf(frequencies),
            "compression_ratio": _compression(self.raw, measured) if types[1] else ZLIB_CEILING,
            "duplicates": 1.0 - float(np.count_nonzero(np.bincount(copies))) / len(copies),
            "length_mean": float(self.lengths[chosen].mean()),
            "kl_human": _divergence(tables[1], self.human),
        }


def words(text: str) -> list[str]:
    r"""The lower-cased ``\w+`` words of a text."""
    return WORD.findall(text.lower())


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
    checked = texts(generated, "generated")
    others = human if isinstance(human, Mapping) else word_counts(human)
    if budget is not None and budget < 1:
        raise MetricError("budget", wanted=">= 1 word", got=budget)
    own = [words(text) for text in checked]
    lengths = _counts(own)
    if budget is None:
        budget = max(1, min(int(lengths.sum()), sum(others.values())))
    shares = _budgeted(lengths, budget, seed)
    vocabulary: dict[str, int] = {}
    budgeted = [line[:share] for line, share in zip(own, shares, strict=True)]
    ids, owner = _number(budgeted, vocabulary)
    theirs = [vocabulary.setdefault(word, len(vocabulary)) for word in others]
    human_counts = np.zeros(max(len(vocabulary), 1), dtype=np.int64)
    human_counts[theirs] = list(others.values())
    grams = {order: _grams(ids, owner, order) for order in ORDERS}
    kept = (shares > 0) | (lengths == 0)
    return Prepared(
        raw=_raw(checked, lengths, shares),
        lengths=lengths,
        copies=np.unique(np.asarray(checked, dtype=object), return_inverse=True)[1],
        kept=kept,
        grams=grams,
        within=np.stack([_within(*grams[order], len(checked)) for order in ORDERS[1:]], axis=1),
        bleu=_self_bleu(grams, shares, kept, seed),
        human=_smoothed(human_counts),
    )


class Lexical:
    """How varied the words are."""

    def __init__(self, reference: Reference) -> None:
        self.human, self.words = word_counts(reference.texts), reference.words

    def prepare(self, sample: Sample) -> Prepared:
        """See `palimpsest.metrics.family.Family`."""
        return prepare(sample.texts, self.human, self.words)


def _counts(lines: list[list[str]]) -> Ids:
    return np.array([len(line) for line in lines], dtype=np.int64)


def _budgeted(lengths: Ids, budget: int, seed: int) -> Ids:
    """How many words of each text the budget takes."""
    if int(lengths.sum()) <= budget:
        return lengths
    order = stream(seed, "lexical.budget").permutation(len(lengths))
    before = np.concatenate([[0], np.cumsum(lengths[order])[:-1]])
    shares = np.empty_like(lengths)
    shares[order] = np.clip(budget - before, 0, lengths[order])
    return shares


def _number(lines: list[list[str]], vocabulary: dict[str, int]) -> tuple[Ids, Ids]:
    """Ids of all words in order and the text each stands in; new words join the vocabulary."""
    ids = [vocabulary.setdefault(word, len(vocabulary)) for line in lines for word in line]
    return np.array(ids, dtype=np.int64), np.repeat(np.arange(len(lines)), _counts(lines))


def _grams(ids: Ids, owner: Ids, order: int) -> tuple[Ids, Ids]:
    """Dense ids of the n-grams inside texts, numbered 0.., and the text each stands in."""
    if order == 1:
        return ids, owner
    size = max(len(ids) - order + 1, 0)
    inside = owner[:size] == owner[len(owner) - size :]
    code = np.zeros(size, dtype=np.int64)
    for offset in range(order):
        longer = code * (len(ids) + 1) + ids[offset : offset + size]
        code = np.unique(longer, return_inverse=True)[1]
    if not inside.any():
        return np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64)
    return np.unique(code[inside], return_inverse=True)[1], owner[:size][inside]


def _within(ids: Ids, owner: Ids, count: int) -> NDArray[np.float64]:
    """Share of distinct n-grams in each text; 0 where a text is too short to have one."""
    first = np.unique(owner * (int(ids.max(initial=0)) + 1) + ids, return_index=True)[1]
    distinct = np.bincount(owner[first], minlength=count)
    return distinct / np.maximum(np.bincount(owner, minlength=count), 1)


def _mean_product(within: NDArray[np.float64]) -> float:
    return float(within.mean(axis=0).prod()) if len(within) else 0.0


def _self_bleu(
    grams: dict[int, tuple[Ids, Ids]], lengths: Ids, kept: NDArray[np.bool_], seed: int
) -> SelfBleu:
    members = np.flatnonzero(kept)
    if len(members) > SELF_BLEU_TEXTS:
        rng = stream(seed, "lexical.self_bleu")
        members = np.sort(rng.choice(members, SELF_BLEU_TEXTS, replace=False))
    return SelfBleu.count([grams[order] for order in ORDERS], lengths, members)


def _raw(checked: list[str], lengths: Ids, shares: Ids) -> list[bytes]:
    """The budget's part of each text, as bytes: whole, or up to its last budgeted word."""
    cut = [
        text if share == length else text[: _end_of_word(text, share)]
        for text, length, share in zip(checked, lengths, shares, strict=True)
    ]
    return [text.encode("utf-8", "surrogatepass") for text in cut]


def _end_of_word(text: str, count: int) -> int:
    """Where the text's ``count``-th word ends, 0 for none."""
    matches = itertools.islice(WORD.finditer(text.lower()), count)
    return max((match.end() for match in matches), default=0)


def _compression(raw: list[bytes], measured: NDArray[np.bool_]) -> float:
    joined = b"\n".join([raw[index] for index in np.flatnonzero(measured)])
    return len(joined) / len(zlib.compress(joined, 9))


def _smoothed(counts: NDArray[np.integer]) -> NDArray[np.float64]:
    """Add-one-smoothed log probabilities."""
    logs: NDArray[np.float64] = np.log(counts + 1.0) - np.log(counts.sum() + len(counts))
    return logs


def _divergence(counts: NDArray[np.integer], human: NDArray[np.float64]) -> float:
    padded = np.zeros(len(human), dtype=np.int64)
    padded[: len(counts)] = counts
    own = _smoothed(padded)
    return max(float((np.exp(own) * (own - human)).sum()), 0.0)
