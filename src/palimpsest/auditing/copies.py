"""Copies, loops and empty texts of a whole candidate: counts and rows, without sample or model.

What degenerates most plainly needs no embedding: texts that repeat each other, that end in a loop,
that begin with one phrase, that are empty, or that stand in the reference. They are counted over
all texts of both sides, and held against what the reference itself shows.

Known gaps: a copy that is reworded, translated or cut to pieces is none; texts of fewer than 8
words are formulas that people repeat too, and never count as copied from the reference; those of
fewer than 20 count where they are equal, not where they are near.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from palimpsest.auditing.facts import LEAST_SHARE, Example, Fact, examples, excerpt, one_line
from palimpsest.core.rng import stream
from palimpsest.core.words import cut, words
from palimpsest.corpus.near_duplicates import LENGTH, NearDuplicateIndex, nearly_repeated

NEAR = 20
"""Words of a text before it can be a near copy: a sentence that many stories share is none."""
LOOP_WORDS = 20
"""Words that a text must have before it can be a loop."""
LOOP_TAIL = 60
"""Last words of a text in which a loop is looked for."""
LOOP_LEAST, LOOP_MARGIN = 0.25, 0.1
"""Share of repeated word 4-grams there that makes a loop: the first, and the second beyond that of
99.5 % of the reference's texts. Paragraphs with long names that return reach .2."""
OPENINGS, LONGEST_OPENING = (3, 4, 5, 6, 7, 8), 20
"""Words of a phrase that texts may begin with, and the most that are shown of it."""
OPENING_LEVEL = 1e-6
"""p-value of so many texts that begin with a phrase, below which it is no chance: `LEVEL` shared by
a thousand phrases."""
SAME_PHRASE = 0.9
"""Share of the texts of a phrase that must go on alike for the phrase to be shown as longer."""
FORMULA = 2 / 3
"""Share of the texts of another subject that must begin with one phrase: 54 % of TinyStories begin
with "once upon a time", and are human-like prose."""
EQUALS, NEARLY = "equals text {} of the reference", "nearly repeats text {} of the reference"
"""What an example of a copy shows."""


class Side:
    """The texts of one side, normalised and cut into words once."""

    def __init__(self, texts: Sequence[str]) -> None:
        known: dict[str, list[str]] = {}
        self.texts = [one_line(text) for text in texts]
        """Each in Unicode's composed form, its blanks made single."""
        for text in self.texts:
            if text not in known:
                known[text] = words(text)
        self.known = known
        """Words of each distinct text."""
        self.words = [known[text] for text in self.texts]
        """Words of each text."""
        self.first: dict[str, int] = {}
        """The first row of each distinct text, in order."""
        for row, text in enumerate(self.texts):
            self.first.setdefault(text, row)

    @cached_property
    def loop_shares(self) -> list[float]:
        """`loop_share` of each text."""
        return [loop_share(one) for one in self.words]

    def __len__(self) -> int:
        """How many texts there are."""
        return len(self.texts)


@dataclass(frozen=True)
class Copies:
    """What a candidate copies."""

    copied: Fact
    """Texts that equal, or nearly repeat, a text of the reference."""
    exact: tuple[int, ...]
    """Texts that equal one, but for blanks and Unicode's composition, short ones too."""
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
        reference: human texts, at least one; those that repeat each other say what is normal.
    """
    exact, near = _copied(candidate, reference)
    limit = loop_limit(reference)
    loops = candidate.loop_shares
    looped = tuple(row for row, share in enumerate(loops) if share > limit)
    empty = tuple(row for row, one in enumerate(candidate.words) if not one)
    twins = sorted(_groups(candidate, range(len(candidate))), key=lambda rows: -len(rows))
    later = sorted(row for rows in twins for row in rows[1:])
    size = min(len(candidate), len(reference))
    shown = _examples(candidate.texts, twins, sorted(looped, key=lambda row: -loops[row]), empty)
    return Copies(
        copied=_copied_fact(candidate, reference, exact, near),
        exact=tuple(sorted(exact)),
        repeated=Fact(
            rows=tuple(sorted({*later, *empty, *looped})),
            texts=len(candidate),
            normal=repeats_in(reference, limit, size),
            of=len(reference),
            examples=shown,
            comparable=len({*empty, *looped} | _again(candidate, size)),
        ),
        duplicates=tuple(later),
        largest=tuple(twins[0]) if twins else (),
        empty=empty,
        looped=looped,
    )


def find_opening(candidate: Side, reference: Side) -> Fact:
    """Texts that begin with one phrase, more of them than the reference explains.

    Args:
        candidate: at least one text.
        reference: human texts; as many of them begin with a phrase as is normal.

    Returns:
        The texts of the most frequent such phrase of the fewest words, with the phrase as far as
        nearly all of them share it; a fact without rows where there is none. Equal texts count
        once: that they begin alike says no more than that they are equal.
    """
    rows = [*candidate.first.values()]
    for length in OPENINGS:
        theirs = Counter(tuple(one[:length]) for one in reference.known.values())
        starts = _starts(candidate, rows, length)
        for phrase in sorted(starts, key=lambda some: -len(starts[some])):
            same = tuple(starts[phrase])
            fact = Fact(same, len(candidate), theirs[phrase], len(reference.known))
            if fact.share < LEAST_SHARE:
                break
            if is_opening(fact, len(rows)):
                return replace(fact, examples=opening_examples(candidate, same, length))
    return Fact((), len(candidate), 0, len(reference.known))


def is_opening(fact: Fact, distinct: int) -> bool:
    """Whether so many texts begin with one phrase by no chance.

    Args:
        fact: with the texts of the phrase.
        distinct: texts of the candidate, equal ones counted once.
    """
    return replace(fact, texts=distinct).p_value < OPENING_LEVEL


def opening_examples(side: Side, rows: Sequence[int], length: int) -> tuple[Example, ...]:
    """Texts of a phrase, with the phrase as far as nearly all of them share it.

    Args:
        side: has the texts.
        rows: theirs, at least one.
        length: words that all of them share.
    """
    note = f"begins with “{cut(side.texts[rows[0]], _shared(side, rows, length))}”"
    return examples(rows, side.texts, dict.fromkeys(rows, note))


def distinct_texts(texts: Sequence[str]) -> list[str]:
    """The texts, each once: those that differ in blanks or composition alone are one."""
    first: dict[str, str] = {}
    for text in texts:
        first.setdefault(one_line(text), text)
    return [*first.values()]


def _copied(candidate: Side, reference: Side) -> tuple[dict[int, int], dict[int, int]]:
    """Rows that equal, and rows that nearly repeat a reference text, each with its row."""
    places = reference.first
    exact = {
        row: places[text]
        for row, text in enumerate(candidate.texts)
        if text in places and candidate.words[row]
    }
    others = [row for row, one in enumerate(candidate.words) if len(one) >= NEAR]
    others = [row for row in others if row not in exact]
    index = NearDuplicateIndex([*reference.known.values()])
    found = index.find([candidate.words[row] for row in others])
    distinct = [*reference.known]
    return exact, {others[one.heldout]: places[distinct[one.training]] for one in found}


def _copied_fact(
    candidate: Side, reference: Side, exact: dict[int, int], near: dict[int, int]
) -> Fact:
    """Of texts of `LENGTH` words or more; normal is what the reference repeats of itself."""
    long = {row for row in exact if len(candidate.words[row]) >= LENGTH}
    rows = tuple(sorted({*long, *near}))
    notes = {row: EQUALS.format(exact[row] + 1) for row in long}
    notes |= {row: NEARLY.format(at + 1) for row, at in near.items()}
    shown = examples(rows, candidate.texts, notes)
    return Fact(rows, len(candidate), copies_in(reference), len(reference), shown)


def _groups(side: Side, rows: Iterable[int]) -> list[list[int]]:
    """Rows of equal texts that have a word, where there are two or more, in their order."""
    groups: dict[str, list[int]] = defaultdict(list)
    for row in rows:
        if side.words[row]:
            groups[side.texts[row]].append(row)
    return [same for same in groups.values() if len(same) > 1]


def heaps_of(texts: int, size: int) -> Iterator[NDArray[np.int64]]:
    """Rows of texts, dealt into heaps of so many; the last may have fewer."""
    order = stream(0, "auditing.copies").permutation(texts)
    return (order[start : start + size] for start in range(0, texts, size))


def _again(side: Side, size: int) -> set[int]:
    """Rows that equal an earlier one among ``size`` texts, all texts dealt into such heaps."""
    heaps = (heap.tolist() for heap in heaps_of(len(side), size))
    return {row for heap in heaps for same in _groups(side, heap) for row in same[1:]}


def _starts(side: Side, rows: Sequence[int], length: int) -> dict[tuple[str, ...], list[int]]:
    """Rows by the first words of their texts, where more follow."""
    starts: dict[tuple[str, ...], list[int]] = defaultdict(list)
    for row in rows:
        if len(side.words[row]) > length:
            starts[tuple(side.words[row][:length])].append(row)
    return starts


def _shared(side: Side, rows: Sequence[int], length: int) -> int:
    """How many first words nearly all of some texts share, at least ``length``."""
    for longer in range(length + 1, LONGEST_OPENING + 1):
        starts = _starts(side, rows, longer)
        if max(map(len, starts.values()), default=0) < SAME_PHRASE * len(rows):
            return longer - 1
    return LONGEST_OPENING


def _examples(
    texts: Sequence[str], twins: Sequence[Sequence[int]], loops: Sequence[int], empty: Sequence[int]
) -> tuple[Example, ...]:
    """The largest groups of equal texts, the longest loops, an empty text."""
    return (
        *(Example(rows[0], excerpt(texts[rows[0]]), f"{len(rows)} times") for rows in twins[:4]),
        *(Example(row, excerpt(texts[row], end=True), "a loop") for row in loops[:3]),
        *(Example(row, excerpt(texts[row]), "empty") for row in empty[:1]),
    )


def loop_limit(reference: Side) -> float:
    """The share of repeated word 4-grams at a text's end above which it is a loop."""
    return max(LOOP_LEAST, float(np.quantile(reference.loop_shares, 0.995)) + LOOP_MARGIN)


def repeats_in(reference: Side, limit: float, size: int) -> int:
    """Texts of the reference that equal another among ``size`` texts, are loops or are empty."""
    again = _again(reference, size)
    again |= {row for row, one in enumerate(reference.words) if not one}
    again |= {row for row, share in enumerate(reference.loop_shares) if share > limit}
    return len(again)


def copies_in(reference: Side) -> int:
    """Texts of the reference that equal or nearly repeat another of it."""
    distinct = [*reference.known]
    again = nearly_repeated([*reference.known.values()], reference.known.values(), itself=True)
    alike = {distinct[one.heldout] for one in again}
    counts = Counter(reference.texts)
    return sum(
        len(one) >= LENGTH and (counts[text] > 1 or text in alike)
        for text, one in zip(reference.texts, reference.words, strict=True)
    )


def loop_share(some: Sequence[str]) -> float:
    """Share of the word 4-grams of a text's end that stood there before; 0 for a short text."""
    if len(some) < LOOP_WORDS:
        return 0.0
    some = some[-LOOP_TAIL:]
    grams = list(zip(some, some[1:], some[2:], some[3:], strict=False))
    return 1.0 - len(set(grams)) / len(grams)
