"""Copies, loops and empty texts of a whole candidate: counts and rows, without sample or model.

What degenerates most plainly needs no embedding: texts that repeat each other, that end in a loop,
that begin with one phrase, that are empty, or that stand in the reference. They are counted over
all texts of both sides, and held against what the reference itself shows.

Known gaps: a copy that is reworded, translated or cut to pieces is none; texts of fewer than 8
words are formulas that people repeat too, and never count as copied from the reference.
"""

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy.stats import hypergeom

from palimpsest.auditing.facts import LEAST_SHARE, Example, Fact, examples, excerpt, rate
from palimpsest.core.words import cut, normalised, words
from palimpsest.corpus.near_duplicates import LENGTH, nearly_repeated

LOOP_WORDS = 20
"""Words that a text must have before it can be a loop."""
LOOP_TAIL = 60
"""Last words of a text in which a loop is looked for."""
LOOP_LEAST, LOOP_MARGIN = 0.25, 0.1
"""Share of repeated word 4-grams there that makes a loop: the first, and the second beyond that of
99.5 % of the reference's texts. Paragraphs with long names that return reach .2."""
OPENINGS = tuple(range(3, 13))
"""Words of a phrase that texts may begin with."""
OPENING_LEVEL = 1e-6
"""Fisher's exact p-value of so many texts that begin with a phrase, below which it is believed:
`LEVEL` shared by a thousand phrases."""
SAME_PHRASE = 0.9
"""Texts of a longer phrase, over those of a shorter one, from which on it is the same phrase."""
FORMULA = 2 / 3
"""Share of the texts of another subject that must begin with one phrase: 54 % of TinyStories begin
with "once upon a time", and are human-like prose."""


class Side:
    """The texts of one side, normalised and cut into words once."""

    def __init__(self, texts: Sequence[str]) -> None:
        known: dict[str, list[str]] = {}
        self.texts = [plain(text) for text in texts]
        """Each in Unicode's composed form, its blanks made single."""
        for text in self.texts:
            if text not in known:
                known[text] = words(text)
        self.known = known
        """Words of each distinct text."""
        self.words = [known[text] for text in self.texts]
        """Words of each text."""

    def __len__(self) -> int:
        """How many texts there are."""
        return len(self.texts)


@dataclass(frozen=True)
class Copies:
    """What a candidate copies."""

    copied: Fact
    """Texts that equal, or nearly repeat, a text of the reference."""
    exact: tuple[int, ...]
    """Those of them that equal one, but for blanks and Unicode's composition."""
    repeated: Fact
    """Texts that equal an earlier one, or are a loop of their own last words; empty ones too."""
    duplicates: tuple[int, ...]
    """Rows that equal an earlier one."""
    largest: tuple[int, ...]
    """Rows of the largest group of equal texts that are not empty; none where all differ."""
    empty: tuple[int, ...]
    """Rows without a word."""
    looped: tuple[int, ...]
    """Rows of loops."""


def find_copies(candidate: Side, reference: Side) -> Copies:
    """Counts copies, loops and empty texts over all texts.

    Args:
        candidate: at least one text.
        reference: human texts, at least one; repeated ones count once as what is copied, and as
            they are as what repeats itself.
    """
    exact, near, expected = _copied(candidate, reference)
    groups: dict[str, list[int]] = defaultdict(list)
    for row, key in enumerate(candidate.texts):
        groups[key].append(row)
    later = sorted(row for rows in groups.values() for row in rows[1:])
    empty = tuple(row for row, one in enumerate(candidate.words) if not one)
    own = np.array([_repeated(one) for one in reference.words])
    limit = max(LOOP_LEAST, float(np.quantile(own, 0.995)) + LOOP_MARGIN)
    loops = {row: _repeated(one) for row, one in enumerate(candidate.words)}
    looped = tuple(row for row, share in loops.items() if share > limit)
    theirs_again = len(reference) - len(reference.known) + int((own > limit).sum())
    twins = sorted((rows for key, rows in groups.items() if key and len(rows) > 1), key=len)[::-1]
    again = tuple(sorted({*later, *empty, *looped}))
    shown = _examples(candidate.texts, twins, sorted(looped, key=lambda row: -loops[row]), empty)
    copied = tuple(sorted({*exact, *near}))
    notes = {row: f"equals text {at + 1} of the reference" for row, at in exact.items()}
    notes |= {row: f"nearly repeats text {at + 1} of the reference" for row, at in near.items()}
    return Copies(
        copied=Fact(copied, len(candidate), expected, examples(copied, candidate.texts, notes)),
        exact=tuple(sorted(exact)),
        repeated=Fact(again, len(candidate), rate(theirs_again, len(reference)), shown),
        duplicates=tuple(later),
        largest=tuple(twins[0]) if twins else (),
        empty=empty,
        looped=looped,
    )


def find_opening(candidate: Side, reference: Side, least: float = 0.0) -> Fact:
    """Texts that begin with one phrase, more of them than the reference explains.

    Args:
        candidate: at least one text.
        reference: human texts; a phrase is expected as often as they begin with it.
        least: share of the candidate's texts below which no phrase counts, 0 to 1.

    Returns:
        The texts of the most frequent such phrase, as long as nearly as many of them share it; a
        fact without rows where there is none. Equal texts count once: that they begin alike says
        no more than that they are equal.
    """
    first: dict[str, int] = {}
    for row, text in enumerate(candidate.texts):
        first.setdefault(text, row)
    human = len(reference.known)
    best = Fact((), len(candidate), 0.0)
    longest: tuple[str, ...] = ()
    for length in OPENINGS:
        starts: dict[tuple[str, ...], list[int]] = defaultdict(list)
        for row in first.values():
            if len(candidate.words[row]) > length:
                starts[tuple(candidate.words[row][:length])].append(row)
        theirs = Counter(tuple(one[:length]) for one in reference.known.values())
        for phrase, rows in starts.items():
            expected = rate(theirs[phrase], human)
            fact = Fact(tuple(rows), len(candidate), expected)
            if fact.share < max(least, SAME_PHRASE * best.share, LEAST_SHARE):
                continue
            goes_on = fact.share > best.share or phrase[: len(longest)] == longest
            if goes_on and _chance(len(rows), len(first), theirs[phrase], human) < OPENING_LEVEL:
                best, longest = fact, phrase
    start = f"begins with “{cut(candidate.texts[best.rows[0]], len(longest))}”" if longest else ""
    shown = examples(best.rows, candidate.texts, dict.fromkeys(best.rows, start))
    return replace(best, examples=shown)


def distinct_texts(texts: Sequence[str]) -> list[str]:
    """The texts, each once: those that differ in blanks or composition alone are one."""
    first: dict[str, str] = {}
    for text in texts:
        first.setdefault(plain(text), text)
    return [*first.values()]


def plain(text: str) -> str:
    """A text in Unicode's composed form, its blanks made single."""
    return " ".join(normalised(text).split())


def _copied(candidate: Side, reference: Side) -> tuple[dict[int, int], dict[int, int], float]:
    """Rows that equal and that nearly repeat a reference text, each with its row; the rate."""
    places: dict[str, int] = {}
    for row, text in enumerate(reference.texts):
        places.setdefault(text, row)
    distinct, where = [*reference.known.values()], [*places.values()]
    long = {row for row, one in enumerate(candidate.words) if len(one) >= LENGTH}
    exact = {row: places[candidate.texts[row]] for row in long if candidate.texts[row] in places}
    others = [row for row in range(len(candidate)) if row not in exact]
    found = nearly_repeated([candidate.words[row] for row in others], distinct)
    near = {others[one.heldout]: where[one.training] for one in found}
    half = len(distinct) // 2
    alike = len(nearly_repeated(distinct[:half], distinct[half:]))
    return exact, {row: at for row, at in near.items() if row in long}, rate(alike, half)


def _examples(
    texts: Sequence[str], twins: Sequence[Sequence[int]], loops: Sequence[int], empty: Sequence[int]
) -> tuple[Example, ...]:
    """The largest groups of equal texts, the longest loops, an empty text."""
    return (
        *(Example(rows[0], excerpt(texts[rows[0]]), f"{len(rows)} times") for rows in twins[:4]),
        *(Example(row, excerpt(texts[row], end=True), "a loop") for row in loops[:3]),
        *(Example(row, excerpt(texts[row]), "empty") for row in empty[:1]),
    )


def _chance(ours: int, texts: int, theirs: int, human: int) -> float:
    """Fisher's exact test, one-sided: so many of our texts or more, were the sides dealt anew."""
    return float(hypergeom.sf(ours - 1, texts + human, ours + theirs, texts))


def _repeated(some: Sequence[str]) -> float:
    """Share of the word 4-grams of a text's end that stood there before; 0 for a short text."""
    if len(some) < LOOP_WORDS:
        return 0.0
    some = some[-LOOP_TAIL:]
    grams = list(zip(some, some[1:], some[2:], some[3:], strict=False))
    return 1.0 - len(set(grams)) / len(grams)
