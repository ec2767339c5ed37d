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

from palimpsest.errors import MetricError
from palimpsest.metrics.self_bleu import SelfBleu
from palimpsest.metrics.validation import Rows, texts, whole
from palimpsest.randomness import stream

ORDERS = (1, 2, 3, 4)
"""n-gram lengths of ``distinct_n``."""

SELF_BLEU_TEXTS = 200
"""Texts among which self-BLEU is measured, drawn with the seed when there are more."""

MTLD_THRESHOLD = 0.72
"""Type-token ratio at which a factor of MTLD ends (McCarthy & Jarvis 2010)."""

ZIPF_CEILING = 10.0
"""Largest exponent reported: a text of a single word has none of its own."""

ZLIB_CEILING = 1032.0
"""The most that zlib can compress; what texts without a word read."""

WORD = re.compile(r"\w+")

Ids = NDArray[np.int64]
"""Numbers that stand for words, n-grams or texts."""


@dataclass(frozen=True)
class Prepared:
    """One generation made ready for ``card``; arrays over words are in the budget's order.

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


def words(text: str) -> list[str]:
    r"""The lower-cased ``\w+`` words of a text."""
    return WORD.findall(text.lower())


def lexical_card(
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
    return card(prepare(generated, human, budget, seed))


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
    """Splits, numbers and counts what ``card`` needs for all texts and for half-samples.

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


def card(prepared: Prepared, rows: Rows | None = None) -> dict[str, float]:
    """The §4 card of all texts, or of the texts at positions ``rows`` (a half-sample)."""
    count = len(prepared.lengths)
    chosen = np.ones(count, dtype=bool)
    if rows is not None:
        chosen = np.zeros(count, dtype=bool)
        chosen[rows] = True
    ids = {order: found[chosen[owner]] for order, (found, owner) in prepared.grams.items()}
    tables = {order: np.bincount(found) for order, found in ids.items()}
    types = {order: int(np.count_nonzero(table)) for order, table in tables.items()}
    frequencies = tables[1][tables[1] > 0]
    measured = chosen & prepared.kept
    copies = prepared.copies[chosen]
    result = {f"distinct_{order}": types[order] / max(len(ids[order]), 1) for order in ORDERS}
    return result | {
        "repetition_diversity": _mean_product(prepared.within[measured]),
        "self_bleu_4": prepared.bleu.mean(chosen),
        "ttr": types[1] / max(len(ids[1]), 1),
        "mtld": mtld(ids[1]),
        "hapax": float((frequencies == 1).sum()) / types[1] if types[1] > 1 else 0.0,
        "entropy_1": entropy(frequencies),
        "entropy_2": entropy(tables[2]),
        "zipf": zipf(frequencies),
        "compression_ratio": _compression(prepared.raw, measured) if types[1] else ZLIB_CEILING,
        "duplicates": 1.0 - float(np.count_nonzero(np.bincount(copies))) / len(copies),
        "length_mean": float(prepared.lengths[chosen].mean()),
        "kl_human": _divergence(tables[1], prepared.human),
    }


def entropy(counts: NDArray[np.integer]) -> float:
    """Entropy of a table of counts >= 0, in nats: 0 for one type or none."""
    checked = whole(counts, "counts", least=0)
    positive = checked[checked > 0]
    total = positive.sum()
    if len(positive) < 2:
        return 0.0
    return float(np.log(total) - (positive * np.log(positive)).sum() / total)


def mtld(sequence: Ids) -> float:
    """Measure of textual lexical diversity (McCarthy & Jarvis 2010), in words a factor.

    A factor ends where the type-token ratio of its words has fallen to 0.72; the last, unfinished
    one counts for the share of the way it fell. The mean of reading forward and backward.

    Args:
        sequence: one number a word, equal for equal words.

    Returns:
        Words per factor, >= 0; falls when texts repeat themselves. 0 without words; a sequence
        that never repeats has no factor and reads its own length.
    """
    sequence = whole(sequence, "sequence")
    if not len(sequence):
        return 0.0
    previous = _previous(sequence)
    repeated = np.flatnonzero(previous >= 0)
    last = len(sequence) - 1
    backward = np.full(len(sequence), -1, dtype=np.int64)
    backward[last - previous[repeated]] = last - repeated
    return (_one_way(previous) + _one_way(backward)) / 2.0


def zipf(frequencies: NDArray[np.integer]) -> float:
    """Exponent s of frequency ∝ rank^−s by maximum likelihood over the ranks 1..V that occur.

    Clauset, Shalizi & Newman (2009) with finite support, since the exponent of words is near 1,
    where their infinite sum diverges: s solves E_s[ln rank] = mean ln rank.

    Returns:
        0 (all words equally often) to 10; 10 for fewer than two types.
    """
    checked = whole(frequencies, "frequencies", least=0)
    ordered = np.sort(checked[checked > 0])[::-1].astype(np.float64)
    if len(ordered) < 2:
        return ZIPF_CEILING
    logs = np.log(np.arange(1, len(ordered) + 1))
    target = float(ordered @ logs / ordered.sum())
    exponent = 1.0
    for _ in range(50):  # Newton on a convex function; four or five steps do
        weights = np.exp(-exponent * logs)
        weights /= weights.sum()
        mean = float(weights @ logs)
        variance = float(weights @ (logs - mean) ** 2)
        step = (mean - target) / max(variance, 1e-12)
        previous, exponent = exponent, min(max(exponent + step, 0.0), ZIPF_CEILING)
        if abs(exponent - previous) < 1e-12:
            break
    return exponent


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
    found = itertools.islice(WORD.finditer(text.lower()), count)
    return max((match.end() for match in found), default=0)


def _compression(raw: list[bytes], measured: NDArray[np.bool_]) -> float:
    joined = b"\n".join([raw[index] for index in np.flatnonzero(measured)])
    return len(joined) / len(zlib.compress(joined, 9))


def _previous(sequence: Ids) -> Ids:
    """Where each word last stood before, -1 for its first time."""
    order = np.argsort(sequence, kind="stable")
    again = sequence[order[1:]] == sequence[order[:-1]]
    previous = np.full(len(sequence), -1, dtype=np.int64)
    previous[order[1:][again]] = order[:-1][again]
    return previous


def _one_way(previous: Ids) -> float:
    """Words per factor, reading forward; a factor can only end at a word that it has had."""
    length = len(previous)
    repeated = np.flatnonzero(previous >= 0)
    factors, start, repeats = 0.0, 0, 0
    for place, before in zip(repeated.tolist(), previous[repeated].tolist(), strict=True):
        if before >= start:
            repeats += 1
            if repeats >= (1.0 - MTLD_THRESHOLD) * (place - start + 1) - 1e-9:
                factors, start, repeats = factors + 1.0, place + 1, 0
    if start < length:
        factors += repeats / (length - start) / (1.0 - MTLD_THRESHOLD)
    return length / factors if factors else float(length)


def _smoothed(counts: NDArray[np.integer]) -> NDArray[np.float64]:
    """Add-one-smoothed log probabilities."""
    logs: NDArray[np.float64] = np.log(counts + 1.0) - np.log(counts.sum() + len(counts))
    return logs


def _divergence(counts: NDArray[np.integer], human: NDArray[np.float64]) -> float:
    padded = np.zeros(len(human), dtype=np.int64)
    padded[: len(counts)] = counts
    own = _smoothed(padded)
    return max(float((np.exp(own) * (own - human)).sum()), 0.0)
