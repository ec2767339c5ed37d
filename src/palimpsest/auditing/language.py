"""Text that is no language of the reference's kind: broken words, made-up words, shuffled order.

Two kinds of evidence, neither of which asks a model:

- **Words.** A word is strange if the reference does not have it and the encoder's tokenizer, which
  knows the common words of its language, must cut it into three pieces or more. Names and terms of
  another subject are unknown to the reference, too, but few of them are cut so small. Where the
  tokenizer does not know the reference's language, every unknown word is strange, and a text must
  also lack the common words, which all subjects share.
- **Order.** Of three words in a row, a common one in the middle, whose two pairs both stand in the
  reference, a share stands there as a whole: idioms, grammar. Chains of known pairs have fewer.
  Text of another subject has fewer as well, but then fewer known pairs, too.

Known gaps: broken words are not seen where the tokenizer knows no words of the language, nor where
fewer than a fifth of the words are broken in every text; order is not seen where the language of
the reference itself is a chain of pairs.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import chain, pairwise

import numpy as np
from numpy.typing import NDArray
from scipy.stats import binom

from palimpsest.auditing.copies import Side
from palimpsest.auditing.facts import EXAMPLES, Fact, examples, rate

Pieces = Callable[[Sequence[str]], NDArray[np.int64]]
"""Words to the number of pieces that an encoder's tokenizer cuts each into; −1 where it has no
piece for a part."""

Shares = NDArray[np.float64]
"""A share for each text."""
STRANGE = 3
"""Pieces of a word that is unknown to the reference, from which on it is strange."""
KNOWN_LANGUAGE = 1.5
"""Mean pieces of a word of the reference up to which a tokenizer knows its language. Measured with
the bundled one: English 1.0 to 1.3, French 1.5, German 2.0, Polish 2.8, Hindi 2.8, Russian 4.9."""
UNKNOWN, SPELT, LETTERS = 0.2, 0.5, 0.6
"""An encoder does not read a language if it has no pieces for more than so many of its words, or
cuts more than so many into pieces of not two letters (so many pieces a letter). Measured with the
bundled one: no pieces for 87 % of Chinese words, 80 % of Thai and Tamil ones, 29 and 27 % of
Japanese and Korean, 0 of Russian; letter by letter 75 to 100 % of Russian, Greek, Arabic, Hebrew,
Hindi and Bengali, 41 % of Vietnamese, 20 % of Polish, 4 % of French, 1 % of English."""
LEAST_WORDS = 10
"""Words that a text must have before it can be strange."""
MOST_STRANGE, MARGIN = 0.15, 0.1
"""Share of strange words that some text of any subject has, and what a garbled text has beyond it,
or beyond 99.5 % of the reference's texts."""
BEYOND, ONCE_BEYOND = 0.1, 0.045
"""Mean share of strange words, and of those that no other text repeats, beyond the reference's: the
whole candidate is garbled. Names of another subject are repeated, broken words are not. Measured on
TinyStories, Wikipedia and two made-up languages held against each other: .08 and .03 at most; with
a fifth of all words broken .06 to .08 and .055 to .08; made-up words .4 and 0."""
COMMON = 0.5
"""Share of the reference's words that its most frequent types make up: its common words."""
LACKING = 0.25
"""Share of common words, over the median text's of the reference, below which a text lacks them.
Measured: other subjects in one language keep .25 to .96 of it, made-up words .02."""
LEAST_TRIPLES = 200
"""Triples of known pairs that both sides must have before order is looked at."""
DEVIATIONS = 4.0
"""Standard errors from the reference at which order or known pairs differ (p = 6e-5)."""
WORSE = 1.1
"""Unknown triples over the reference's from which on order is another. Measured on chains of known
pairs: 1.25 and more, a fifth of such texts 1.13; between human samples of one corpus .98 to 1.03.
"""
UNLIKELY = 0.01
"""Probability of a text's unknown triples, at the reference's rate, below which it is named."""


@dataclass(frozen=True)
class Order:
    """Word order of one side: shares with their standard errors over texts."""

    pairs: float
    """Share of its word pairs that the reference has."""
    pairs_error: float
    triples: float
    """Share of its triples of known pairs, about a common word, that the reference has."""
    triples_error: float
    count: int
    """Those triples."""


@dataclass(frozen=True)
class Garbled:
    """What of a candidate is no language of the reference's kind."""

    strange: Fact
    """Texts of strange words."""
    disordered: Fact
    """Texts whose words stand in another order than the reference's; ``holds`` is not asked."""
    shuffled: bool
    """Whether the order of the whole candidate is another."""
    order: tuple[Order, Order]
    """Of the candidate and of the reference."""

    @property
    def holds(self) -> bool:
        """Whether it is a verdict."""
        return self.strange.holds or self.shuffled


def find_garbled(candidate: Side, reference: Side, pieces: Pieces | None = None) -> Garbled:
    """Looks for words and for word order that the reference's kind of language does not have.

    One half of the reference is what is known; the other says what is normal.

    Args:
        candidate: at least one text.
        reference: human texts, at least two distinct ones.
        pieces: of the encoder's tokenizer, if it has one.
    """
    distinct = [*reference.known.values()]
    known, held = distinct[::2], distinct[1::2]
    vocabulary = Counter(chain.from_iterable(known))
    strange = _strange_texts(candidate, held, vocabulary, pieces)
    phrases = _Phrases(known, _common(vocabulary))
    counted = {text: phrases.count(one) for text, one in candidate.known.items()}
    ours = [counted[text] for text in candidate.texts]
    order = _order([*counted.values()]), _order([phrases.count(one) for one in held])
    shuffled = _shuffled(*order)
    rows = _disordered(ours, order[1].triples) if shuffled else ()
    worst = sorted(rows, key=lambda row: ours[row][3] / ours[row][2])[:EXAMPLES]
    disordered = Fact(rows, len(candidate), UNLIKELY, examples(worst, candidate.texts))
    return Garbled(strange, disordered, shuffled, order)


def unread(pieces: Pieces, reference: Side) -> str:
    """Why an encoder cannot read the reference's language; empty if it can."""
    counts = Counter(chain.from_iterable(reference.known.values()))
    cut, total = _counts(pieces, counts), max(counts.total(), 1)
    unknown = sum(often for word, often in counts.items() if cut[word] < 0) / total
    letters = sum(
        often for word, often in counts.items() if cut[word] >= max(2, LETTERS * len(word))
    )
    if unknown > UNKNOWN:
        return f"has no pieces for {100 * unknown:.0f} % of the reference's words"
    if letters > SPELT * total:
        return f"reads {100 * letters / total:.0f} % of the reference's words letter by letter"
    return ""


def _strange_texts(
    candidate: Side, held: Sequence[Sequence[str]], known: Counter[str], pieces: Pieces | None
) -> Fact:
    """Texts with more strange words than the texts of the reference's other half."""
    unknown = {*chain.from_iterable([*candidate.known.values(), *held])} - known.keys()
    strange = {word for word in unknown if any(map(str.isalpha, word))}
    told = pieces is not None and _knows(pieces, known)
    if pieces is not None and told:
        counts = _counts(pieces, strange)
        strange = {word for word in strange if _cut(counts[word]) >= STRANGE}
    common = _common(known)
    least = 0.0 if told else LACKING * _median([_share(one, common) for one in held])
    distinct = [*candidate.known.values()]
    ours, theirs = (_shares(side, strange) for side in (distinct, held))
    limit = max(float(np.quantile(theirs, 0.995)), MOST_STRANGE) + MARGIN
    once, normal_once = (_shares(side, _once(side, strange)) for side in (distinct, held))
    if told and (_is_beyond(ours, theirs, BEYOND) or _is_beyond(once, normal_once, ONCE_BEYOND)):
        limit = float(np.quantile(theirs, 0.95))

    def is_strange(one: Sequence[str]) -> bool:
        if len(one) < LEAST_WORDS or _share(one, strange) <= limit:
            return False
        return told or _share(one, common) < least

    rows = tuple(row for row, one in enumerate(candidate.words) if is_strange(one))
    normal = rate(sum(map(is_strange, held)), len(held))
    worst = sorted(rows, key=lambda row: -_share(candidate.words[row], strange))[:EXAMPLES]
    notes = {
        row: "no such words: " + ", ".join(_first(candidate.words[row], strange)) for row in worst
    }
    return Fact(rows, len(candidate), normal, examples(worst, candidate.texts, notes))


def _is_beyond(ours: Shares, theirs: Shares, margin: float) -> bool:
    """Whether the mean of one side's texts lies so far above the other's, and not by chance."""
    error = np.hypot(*(one.std() / np.sqrt(len(one)) for one in (ours, theirs)))
    beyond = ours.mean() - theirs.mean()
    return bool(beyond > margin and beyond > DEVIATIONS * error)


def _shares(side: Sequence[Sequence[str]], some: set[str]) -> Shares:
    """Share of some words in each text; 0 in a text that is too short."""
    return np.array([_share(one, some) if len(one) >= LEAST_WORDS else 0.0 for one in side])


def _once(side: Sequence[Sequence[str]], some: set[str]) -> set[str]:
    """Those of some words that occur once in all texts."""
    counts = Counter(word for one in side for word in one if word in some)
    return {word for word, count in counts.items() if count == 1}


def _knows(pieces: Pieces, known: Counter[str]) -> bool:
    """Whether a tokenizer knows the language of the reference's words."""
    counts = _counts(pieces, known)
    total = sum(_cut(counts[word]) * often for word, often in known.items())
    return total <= KNOWN_LANGUAGE * known.total()


def _cut(count: int) -> int:
    """Pieces of a word; one that has no piece for a part counts as strange."""
    return STRANGE if count < 0 else count


def _counts(pieces: Pieces, some: Counter[str] | set[str]) -> dict[str, int]:
    listed = sorted(some)
    return dict(zip(listed, pieces(listed).tolist() if listed else [], strict=True))


def _common(known: Counter[str]) -> set[str]:
    """The most frequent types, as many as make up half of all words."""
    common, left = set(), COMMON * known.total()
    for word, often in known.most_common():
        if left <= 0:
            break
        common.add(word)
        left -= often
    return common


def _median(some: Sequence[float]) -> float:
    return float(np.median(some)) if some else 0.0


def _share(one: Sequence[str], some: set[str]) -> float:
    return sum(word in some for word in one) / len(one) if one else 0.0


def _first(one: Sequence[str], some: set[str]) -> list[str]:
    return [*dict.fromkeys(word for word in one if word in some)][:3]


Counted = tuple[int, int, int, int]
"""Word pairs of a text, known ones, triples of known pairs, known ones."""


class _Phrases:
    """Pairs and triples of known texts."""

    def __init__(self, known: Sequence[Sequence[str]], common: set[str]) -> None:
        self._pairs = {pair for one in known for pair in pairwise(one)}
        self._triples = {
            triple
            for one in known
            for triple in zip(one, one[1:], one[2:], strict=False)
            if triple[1] in common
        }
        self._common = common

    def count(self, one: Sequence[str]) -> Counted:
        """Counts a text's."""
        known = [pair in self._pairs for pair in pairwise(one)]
        of_known = [
            triple in self._triples
            for triple, (first, second) in zip(
                zip(one, one[1:], one[2:], strict=False), pairwise(known), strict=True
            )
            if first and second and triple[1] in self._common
        ]
        return len(known), sum(known), len(of_known), sum(of_known)


def _order(counted: Sequence[Counted]) -> Order:
    table = np.array(counted, dtype=np.float64).reshape(-1, 4)
    pairs, pairs_error = _ratio(table[:, 1], table[:, 0])
    triples, triples_error = _ratio(table[:, 3], table[:, 2])
    return Order(pairs, pairs_error, triples, triples_error, int(table[:, 2].sum()))


def _ratio(part: NDArray[np.float64], whole: NDArray[np.float64]) -> tuple[float, float]:
    """A ratio of sums over texts and its standard error (linearised); (0, 0) without any."""
    total, count = whole.sum(), len(whole)
    if total == 0:
        return 0.0, 0.0
    share = part.sum() / total
    residual = part - share * whole
    error = np.sqrt(count / max(count - 1, 1) * (residual**2).sum()) / total
    return float(share), float(error)


def _shuffled(ours: Order, theirs: Order) -> bool:
    """Whether known pairs are as frequent as in the reference, and known triples are not."""
    if min(ours.count, theirs.count) < LEAST_TRIPLES:
        return False
    fewer = theirs.triples - ours.triples
    error = np.hypot(ours.triples_error, theirs.triples_error)
    missing = theirs.pairs - ours.pairs
    pairs_error = np.hypot(ours.pairs_error, theirs.pairs_error)
    return bool(
        fewer > DEVIATIONS * error
        and 1.0 - ours.triples >= WORSE * (1.0 - theirs.triples)
        and missing <= DEVIATIONS * pairs_error
    )


def _disordered(counted: Sequence[Counted], expected: float) -> tuple[int, ...]:
    return tuple(
        row
        for row, (_, _, triples, known) in enumerate(counted)
        if triples and binom.cdf(known, triples, expected) < UNLIKELY
    )
