"""The plain facts of a candidate of many texts, each of which is seen once and then forgotten.

Over all texts, as `palimpsest.auditing.plain_facts` has them: copies, near copies, repeats, loops,
empty texts, openings and lengths, with every row. In a sample of `SAMPLED` texts: garbled words,
word order, letters, which need vocabularies; of that sample are the texts of the metrics, too.
Examples are of texts that are held: the first copies, the plainest loops, else texts of the sample.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from palimpsest.auditing.copies import (
    OPENINGS,
    Copies,
    Side,
    copies_in,
    is_opening,
    opening_examples,
    repeats_in,
)
from palimpsest.auditing.equal_texts import Groups, frequent
from palimpsest.auditing.facts import EXAMPLES, LEAST_SHARE, Example, Fact, excerpt
from palimpsest.auditing.language import Garbled, Pieces, find_garbled, garbled_rows, unread
from palimpsest.auditing.lengths import Lengths, compare_lengths
from palimpsest.auditing.plain_facts import PlainFacts, plain_facts
from palimpsest.auditing.reservoir import Held, Reservoir
from palimpsest.auditing.tally import Tally, openings_of
from palimpsest.auditing.verdict import AuditParams
from palimpsest.core.rng import stream
from palimpsest.corpus.near_duplicates import LENGTH
from palimpsest.evaluation.foreign import other_letters

MOST_HELD = 100_000
"""Texts up to which all are held and looked at: a gigabyte of words, of texts of 30 words."""
SAMPLED = 20_000
"""Texts of a larger candidate in which garbled text is looked for, or the metrics' sample where
that is larger."""
BATCH = 10_000
"""Texts that are looked at together."""

Rows = NDArray[np.int64]


class ManyTexts:
    """Looks at texts as they go by.

    Args:
        reference: human texts.
        params: of the audit, for sample and seed.
    """

    def __init__(self, reference: Side, params: AuditParams) -> None:
        self._reference, self._tally, seed = reference, Tally(reference), params.seed
        size = max(SAMPLED, params.sample or 0)
        self._all, self._distinct = Reservoir(size), Reservoir(size)
        self._random = stream(seed, "audit.reservoir")
        self._salt = stream(seed, "audit.distinct").integers(2**64, dtype=np.uint64)

    def add(self, texts: Sequence[str]) -> None:
        """Looks at the next texts."""
        first = self._tally.texts
        hashes = self._tally.add(texts)
        self._all.add(self._random.integers(2**64, size=len(texts), dtype=np.uint64), first, texts)
        self._distinct.add(hashes ^ self._salt, first, texts)

    def facts(self, pieces: Pieces | None) -> PlainFacts:
        """The facts of the texts so far, at least one.

        Args:
            pieces: of the encoder's tokenizer, if it has one.
        """
        tally, reference = self._tally, self._reference
        groups = Groups.of(tally.hashes, tally.words)
        both = _by_row([*self._all.held(), *self._distinct.held()])
        copies = _copies(tally, groups, both, reference)
        again = np.zeros(tally.texts, dtype=bool)
        again[[*copies.repeated.rows]] = True
        opening = _opening(tally, groups, both, reference)
        measured = self._measured(copies.repeated.holds, groups.distinct)
        sample = _by_row(measured.held)
        garbled = _garbled(sample, again, reference, pieces)
        lengths = _lengths(tally, again, sample, reference)
        fault = again.copy()
        fault[[*copies.copied.rows, *opening.rows, *garbled_rows(garbled)]] = True
        return PlainFacts(
            texts=tally.texts,
            reference=reference,
            copies=copies,
            opening=opening,
            garbled=garbled,
            lengths=lengths,
            faults={one.row for one in sample if fault[one.row]},
            unread="" if pieces is None else unread(pieces, reference),
            words=tally.words,
            measured=measured,
            note=_note(tally.texts, len(sample)),
        )

    def _measured(self, repeats: bool, distinct: int) -> "Sample":
        if repeats:
            return Sample(self._tally.texts, self._all.held())
        return Sample(distinct, self._distinct.held())


def facts_of(
    texts: Sequence[str], reference: Side, pieces: Pieces | None, params: AuditParams
) -> PlainFacts:
    """The plain facts of texts in memory; the words of more than `MOST_HELD` are not held, too.

    Args:
        texts: of the candidate, as they stand.
        reference: human texts.
        pieces: of the encoder's tokenizer, if it has one.
        params: of the audit, for sample and seed.
    """
    if len(texts) <= MOST_HELD:
        return plain_facts(texts, reference, pieces)
    many = ManyTexts(reference, params)
    for at in range(0, len(texts), BATCH):
        many.add(texts[at : at + BATCH])
    return many.facts(pieces)


@dataclass(frozen=True)
class Sample:
    """Texts that were held of all that metrics may be measured on."""

    of: int
    """How many there were."""
    held: Sequence[Held]
    """Some of them, in a random order."""

    def __len__(self) -> int:
        """How many there were."""
        return self.of

    def draw(self, size: int, seed: int) -> tuple[Rows, list[str]]:
        """The first of those that are held; the seed has chosen them."""
        some = self.held[:size]
        return np.array([one.row for one in some]), [one.text for one in some]


def _copies(tally: Tally, groups: Groups, held: Sequence[Held], reference: Side) -> Copies:
    """What `palimpsest.auditing.copies.find_copies` says of the same texts."""
    texts, size = tally.texts, min(tally.texts, len(reference))
    faults = np.zeros(texts, dtype=bool)
    faults[tally.looped] = True
    faults |= ~groups.heard
    comparable = faults.copy()
    comparable[groups.again(size)] = True
    later = groups.later
    faults[later] = True
    exact = tuple(sorted(tally.copied))
    long = [row for row in exact if tally.words[row] >= LENGTH]
    copied = tuple(sorted([*long, *tally.near]))
    repeated = Fact(
        rows=tuple(np.flatnonzero(faults).tolist()),
        texts=texts,
        normal=repeats_in(reference, tally.loop_limit, size),
        of=len(reference),
        examples=(*_twins(groups, held), *tally.loops_shown, *_some(tally.empty_shown)),
        comparable=int(comparable.sum()),
    )
    shown = tuple(tally.copies_shown.values())
    return Copies(
        copied=Fact(copied, texts, copies_in(reference), len(reference), shown),
        exact=exact,
        repeated=repeated,
        duplicates=tuple(later.tolist()),
        largest=tuple(groups.largest.tolist()),
        empty=tuple(np.flatnonzero(~groups.heard).tolist()),
        looped=tuple(tally.looped),
    )


def _twins(groups: Groups, held: Sequence[Held]) -> tuple[Example, ...]:
    """The texts that repeat most, of those that are held, where they stand first."""
    often: dict[int, tuple[int, str]] = {}
    for one in held:
        number = groups.number[one.row]
        if groups.sizes[number] > 1:
            often.setdefault(int(groups.first_rows[number]), (int(groups.sizes[number]), one.text))
    most = sorted(often.items(), key=lambda item: (-item[1][0], item[0]))[: EXAMPLES - 1]
    return tuple(Example(row, excerpt(text), f"{size} times") for row, (size, text) in most)


def _opening(tally: Tally, groups: Groups, held: Sequence[Held], reference: Side) -> Fact:
    """What `palimpsest.auditing.copies.find_opening` says of the same texts."""
    known = openings_of([*reference.known.values()], beyond=False)
    first = groups.first
    for at, length in enumerate(OPENINGS):
        begun = tally.openings(at)
        begun[~first] = 0
        often = [
            (-count, int((begun == hashed).argmax()), hashed)
            for hashed, count in frequent(begun, LEAST_SHARE * tally.texts)
        ]
        for _, _, hashed in sorted(often):
            theirs = int((known[:, at] == hashed).sum())
            rows = np.flatnonzero(begun == hashed)
            fact = Fact(tuple(rows.tolist()), tally.texts, theirs, len(reference.known))
            if is_opening(fact, groups.distinct):
                return replace(fact, examples=_opening_shown(held, {*fact.rows}, length))
    return Fact((), tally.texts, 0, len(reference.known))


def _opening_shown(held: Sequence[Held], rows: set[int], length: int) -> tuple[Example, ...]:
    """Those of the texts with an opening that are held: of two in a hundred, some always are."""
    some = [one for one in held if one.row in rows]
    side = Side([one.text for one in some])
    return _placed(opening_examples(side, range(len(some)), length), some)


def _garbled(
    sample: Sequence[Held],
    again: NDArray[np.bool_],
    reference: Side,
    pieces: Pieces | None,
) -> Garbled | None:
    """Garbled text of the sample, by the rows of the whole candidate."""
    side = Side([one.text for one in sample])
    if other_letters(side.texts, reference.texts):
        return None
    without = [at for at, one in enumerate(sample) if again[one.row]]
    found = find_garbled(side, reference, pieces, without)
    strange, disordered = (
        replace(
            fact,
            rows=tuple(sample[at].row for at in fact.rows),
            examples=_placed(fact.examples, sample),
        )
        for fact in (found.strange, found.disordered)
    )
    return replace(found, strange=strange, disordered=disordered)


def _lengths(
    tally: Tally, again: NDArray[np.bool_], sample: Sequence[Held], reference: Side
) -> Lengths:
    """What `palimpsest.auditing.lengths.find_lengths` says of the same texts."""
    rows = np.flatnonzero((tally.words > 0) & ~again)

    def shown(short: Rows) -> tuple[Example, ...]:
        named = {*rows[short].tolist()}
        some = [one for one in sample if one.row in named]
        some.sort(key=lambda one: int(tally.words[one.row]))
        return tuple(
            Example(one.row, excerpt(one.text), f"{tally.words[one.row]} words")
            for one in some[:EXAMPLES]
        )

    return compare_lengths(rows, tally.words[rows].astype(np.int64), tally.texts, reference, shown)


def _by_row(held: Sequence[Held]) -> list[Held]:
    return sorted({one.row: one for one in held}.values())


def _placed(examples: Sequence[Example], sample: Sequence[Held]) -> tuple[Example, ...]:
    """Examples of a sample, by the rows of the whole candidate."""
    return tuple(replace(one, row=sample[one.row].row) for one in examples)


def _some(example: Example | None) -> tuple[Example, ...]:
    return () if example is None else (example,)


def _note(texts: int, sampled: int) -> str:
    return (
        f"of {texts:,} texts, garbled words, word order and letters were looked for in a sample of "
        f"{sampled:,}; copies, repeats, loops, empty texts, openings and lengths in all"
    )
