"""Text that is no language of the reference's kind: broken words, made-up words, shuffled order.

Two kinds of evidence, neither of which asks a model:

- **Words.** A word is strange if the reference does not have it and the encoder's tokenizer, which
  knows the common words of its language, must cut it into three pieces or more. Names and terms of
  another subject are unknown to the reference, too, but few of them are cut so small. Where the
  tokenizer does not know the reference's language, a text is strange if the reference has hardly a
  word of it.
- **Chains.** Of three words in a row, a common one in the middle, whose two pairs both stand in the
  reference, a share stands there as a whole: idioms, grammar. Chains of known pairs have fewer.
  Text of another subject has fewer as well, but then fewer known pairs, too.
- **Scrambled order.** Of pairs of common words, which all subjects share, most stand in the
  reference; of words in any order, few.

Known gaps: broken words are not seen where the tokenizer knows no words of the language, nor where
fewer than a fifth of the words are broken in every text; chains are not seen where the language of
the reference itself is a chain of pairs, nor where they are less than half of the texts.
"""

from collections import Counter
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from itertools import chain

import numpy as np
from numpy.typing import NDArray

from palimpsest.auditing.copies import Side
from palimpsest.auditing.facts import DEVIATIONS, EXAMPLES, Fact, examples
from palimpsest.auditing.word_order import (
    Order,
    Phrases,
    disordered_rows,
    is_chained,
    is_scrambled,
    order_of,
)

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
UNHEARD = 0.95
"""Share of words that the reference does not have, from which on a text is in no language that it
has, where the tokenizer cannot tell. Of another subject of one language they are at most .9."""


@dataclass(frozen=True)
class Garbled:
    """What of a candidate is no language of the reference's kind."""

    strange: Fact
    """Texts of strange words."""
    disordered: Fact
    """Texts whose words stand in another order than the reference's; ``holds`` is not asked."""
    chained: bool
    """Whether the whole candidate reads as chains of known pairs."""
    scrambled: bool
    """Whether the words of the whole candidate stand in any order."""
    order: tuple[Order, Order]
    """Of the candidate and of the reference."""
    new_words: tuple[float, float]
    """Share of words that one half of the reference does not have: the candidate's, and that of the
    other half."""

    @property
    def rows(self) -> tuple[int, ...]:
        """Texts of strange words, where they are a verdict, and chained ones."""
        strange = self.strange.rows if self.strange.holds else ()
        return (*strange, *self.disordered.rows)

    @property
    def holds(self) -> bool:
        """Whether it is a verdict."""
        return self.strange.holds or self.shuffled

    @property
    def shuffled(self) -> bool:
        """Whether the order of the whole candidate is another."""
        return self.chained or self.scrambled


def find_garbled(
    candidate: Side,
    reference: Side,
    pieces: Pieces | None = None,
    without: Collection[int] = (),
) -> Garbled:
    """Looks for words and for word order that the reference's kind of language does not have.

    One half of the reference is what is known; the other says what is normal.

    Args:
        candidate: at least one text.
        reference: human texts, at least two distinct ones.
        pieces: of the encoder's tokenizer, if it has one.
        without: rows of the candidate whose words are not looked at: loops repeat a word that may
            be rare. Of equal texts the first is looked at.
    """
    distinct = [*reference.known.values()]
    known, held = distinct[::2], distinct[1::2]
    vocabulary = Counter(chain.from_iterable(known))
    rows = [row for row in candidate.first.values() if row not in without]
    strange = _strange_texts(candidate, rows, held, vocabulary, pieces)
    phrases = Phrases(known, _common(vocabulary))
    counted = {row: phrases.count(candidate.words[row]) for row in rows}
    order = order_of([*counted.values()]), order_of([phrases.count(one) for one in held])
    chained = is_chained(*order)
    told = disordered_rows(counted, order[1].triples) if chained else ()
    worst = sorted(told, key=lambda row: counted[row][3] / counted[row][2])[:EXAMPLES]
    shown = examples(worst or rows, candidate.texts)
    disordered = Fact(told, len(candidate), 0, len(held), shown)
    new = _new_words([candidate.words[row] for row in rows], vocabulary)
    return Garbled(
        strange=strange,
        disordered=disordered,
        chained=chained,
        scrambled=is_scrambled(*order),
        order=order,
        new_words=(new, _new_words(held, vocabulary)),
    )


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
    candidate: Side,
    rows: Sequence[int],
    held: Sequence[Sequence[str]],
    known: Counter[str],
    pieces: Pieces | None,
) -> Fact:
    """Texts with more strange words than the texts of the reference's other half."""
    some = [candidate.words[row] for row in rows]
    unknown = {*chain.from_iterable([*some, *held])} - known.keys()
    strange = {word for word in unknown if _has_letter(word)}
    limit = UNHEARD
    if pieces is not None and _knows(pieces, known):
        counts = _counts(pieces, strange)
        strange = {word for word in strange if _cut(counts[word]) >= STRANGE}
        limit = _limit(some, held, strange)

    def is_strange(one: Sequence[str]) -> bool:
        return len(one) >= LEAST_WORDS and _share(one, strange) > limit

    told = tuple(row for row in rows if is_strange(candidate.words[row]))
    worst = sorted(told, key=lambda row: -_share(candidate.words[row], strange))[:EXAMPLES]
    notes = {row: "unknown: " + ", ".join(_first(candidate.words[row], strange)) for row in worst}
    shown = examples(worst, candidate.texts, notes)
    return Fact(tuple(sorted(told)), len(candidate), sum(map(is_strange, held)), len(held), shown)


def _new_words(texts: Sequence[Sequence[str]], known: Counter[str]) -> float:
    every = [word for one in texts for word in one if _has_letter(word)]
    return sum(word not in known for word in every) / max(len(every), 1)


def _limit(
    some: Sequence[Sequence[str]], held: Sequence[Sequence[str]], strange: set[str]
) -> float:
    """The share of strange words above which a text is garbled."""
    if not some:
        return 1.0
    ours, theirs = _shares(some, strange), _shares(held, strange)
    once, normal_once = (_shares(side, _once(side, strange)) for side in (some, held))
    if _is_beyond(ours, theirs, BEYOND) or _is_beyond(once, normal_once, ONCE_BEYOND):
        return float(np.quantile(theirs, 0.95))
    return max(float(np.quantile(theirs, 0.995)), MOST_STRANGE) + MARGIN


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


def garbled_rows(garbled: Garbled | None) -> tuple[int, ...]:
    """Rows of garbled texts; none where nobody looked."""
    return () if garbled is None else garbled.rows


def _has_letter(word: str) -> bool:
    return any(map(str.isalpha, word))


def _share(one: Sequence[str], some: set[str]) -> float:
    return sum(word in some for word in one) / len(one) if one else 0.0


def _first(one: Sequence[str], some: set[str]) -> list[str]:
    return [*dict.fromkeys(word for word in one if word in some)][:3]
