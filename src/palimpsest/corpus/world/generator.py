"""The synthetic encyclopedia: invented entities, their facts, and documents that state them.

A world is drawn from a seed. Each of its eight categories has entities in order of popularity
(Zipf), each entity has five facts with values from closed sets, and a document states some facts of
one entity, at times with a look aside at another one. Every sentence states exactly one fact, and
is true.

Known gaps: one fact a sentence (no conjunctions), no tense or plural that depends on the entity,
and the facts of an entity are independent of each other.
"""

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from itertools import accumulate
from typing import NamedTuple

import numpy as np

from palimpsest.core.errors import CorpusError
from palimpsest.core.parameters import WorldParams
from palimpsest.core.rng import stream
from palimpsest.corpus.ledger import Fact, Ledger
from palimpsest.corpus.world.grammar import SHAPES, VOCABULARY, pronoun_index, sentence
from palimpsest.corpus.world.parser import Parser
from palimpsest.corpus.world.vocabulary import (
    BY_CONTRAST,
    CATEGORIES,
    CODAS,
    FEMALE_ENDINGS,
    LIKEWISE,
    MALE_ENDINGS,
    ONSETS,
    OPENERS,
    VOWELS,
    Category,
)

RELATIONS_EACH = 5
LONGEST = RELATIONS_EACH + 1
LONGEST_NAME = 16
INTRODUCED = 0.75
"""Share of documents that open with the full introduction ("The city of Korholm ...")."""
PRONOUN_AMONG_REFERENCES = 0.7
"""Where "it" and "the city" are both possible: the share of "it"."""

_PLAN, _ORDER, _SECOND_ORDER, _DRAWS = 7, 7, 12, 13
_PER_SENTENCE = 4
WIDTH = 40
"""Uniform numbers a document: 7 of plan, 5 + 1 of order, 4 a sentence; a multiple of Philox's 4."""
BLOCK = 4096
"""Documents drawn at a time; it bounds memory and changes nothing else."""


class Entity(NamedTuple):
    """An entity's forms of address and its values in the order of its category's relations."""

    name: str
    introduction: str
    short: str
    pronoun: str
    possessive: str
    values: tuple[str, ...]


class World:
    """A world drawn from a seed.

    Args:
        params: size and shape.
        seed: the world's seed; the same seed gives the same facts on every machine.
    """

    def __init__(self, params: WorldParams, seed: int) -> None:
        self.params = params
        self.seed = seed
        order = stream(seed, "world.categories").permutation(len(CATEGORIES))
        self.categories = tuple(CATEGORIES[i] for i in order)
        """Most popular first."""
        self.entities: tuple[tuple[Entity, ...], ...] = tuple(self._entities())
        """For each of `categories`, its entities, most popular first."""
        p = params
        self._category_cut = _cumulative(len(self.categories), p.category_exponent)
        self._entity_cut = _cumulative(p.entities, p.entity_exponent)
        self._opener_cut = _cumulative(len(OPENERS), p.phrasing_exponent)
        self._shapes = tuple(
            tuple(
                (SHAPES[r.name], _cumulative(len(r.phrasings), p.phrasing_exponent))
                for r in c.relations
            )
            for c in self.categories
        )

    def documents(self, count: int, seed: int, start: int = 0) -> list[str]:
        """Documents `start` to `start + count - 1` of the endless sequence that belongs to a seed.

        What document i says depends on (world, seed, i) alone.

        Raises:
            CorpusError: count or start is negative.
        """
        if count < 0 or start < 0:
            raise CorpusError("world documents", wanted="count and start >= 0", got=(count, start))
        generator = stream(seed, "world.documents", item=self.seed)
        # One step of Philox's counter yields 4 numbers.
        generator.bit_generator.advance(start * (WIDTH // 4))  # type: ignore[attr-defined]
        texts: list[str] = []
        while len(texts) < count:
            rows = generator.random((min(BLOCK, count - len(texts)), WIDTH)).tolist()
            texts.extend(" ".join(self._sentences(row)) for row in rows)
        return texts

    def ledger(self, training: Iterable[str] = ()) -> Ledger:
        """Every fact, with the number of statements of the training texts that state it."""
        ledger = Ledger(
            Fact(category.name, entity.name, relation, value, 0)
            for category, entities in zip(self.categories, self.entities, strict=True)
            for entity in entities
            for relation, value in _named(category, entity)
        )
        parser = Parser(ledger)
        return ledger.counted(
            (statement.entity, statement.relation, statement.value)
            for text in training
            for statement in parser.parse(text)
            if statement.status == "true"
        )

    def _entities(self) -> Iterator[tuple[Entity, ...]]:
        """Names, then values, from streams of their own for each category."""
        taken: set[str] = set()
        for category in self.categories:
            item = CATEGORIES.index(category)
            names = _names(category, self.params.entities, self.seed, item, taken)
            columns = self._values(category, item)
            forms = [
                (
                    name,
                    category.introduction.format(name=name),
                    category.short.format(name=name),
                    *category.pronouns[pronoun_index(category, name)],
                )
                for name in names
            ]
            rows = zip(*columns, strict=True)
            yield tuple(Entity(*form, row) for form, row in zip(forms, rows, strict=True))

    def _values(self, category: Category, item: int) -> list[list[str]]:
        """For each relation, a value for each entity."""
        generator = stream(self.seed, "world.values", item=item)
        columns = []
        for relation in category.relations:
            values = [relation.values[i] for i in generator.permutation(len(relation.values))]
            cut = _cumulative(len(values), self.params.value_exponent)
            draws = generator.random(self.params.entities).tolist()
            columns.append([values[bisect_right(cut, u)] for u in draws])
        return columns

    def _sentences(self, u: Sequence[float]) -> list[str]:
        """The sentences of a document from its 40 uniform numbers (see WIDTH)."""
        p = self.params
        c = bisect_right(self._category_cut, u[0])
        main = self.entities[c][bisect_right(self._entity_cut, u[1])]
        aside = u[2] < p.second_subject_share or p.sentences_least == LONGEST
        longest = p.sentences_most if aside else min(p.sentences_most, RELATIONS_EACH)
        length = p.sentences_least + int(u[3] * (longest - p.sentences_least + 1))
        order = sorted(range(RELATIONS_EACH), key=u[_ORDER:].__getitem__)
        if not aside:
            return [
                self._sentence(c, main, order[i], "first" if i == 0 else "later", u, i)
                for i in range(length)
            ]
        return self._aside(c, main, order, length, u)

    def _aside(
        self, c: int, main: Entity, order: list[int], length: int, u: Sequence[float]
    ) -> list[str]:
        """A document that compares its subject with another of the category, and comes back.

        The first sentence about the other entity states the relation just stated ("Likewise, ..."
        or "By contrast, ..."), a second one may follow; then the main subject returns by name.
        """
        other = self._other(c, main, u[4])
        extra = 2 if length > 3 and u[5] < 0.5 else 1
        turn = 1 + int(u[6] * (length - extra - 1))
        relation = order[turn - 1]
        same = main.values[relation] == other.values[relation]
        second = (relation + 1 + int(u[_SECOND_ORDER] * (RELATIONS_EACH - 1))) % RELATIONS_EACH
        plan = [(main, order[i], "first" if i == 0 else "later") for i in range(turn)]
        plan += [(other, relation, "likewise" if same else "contrast")]
        plan += [(other, second, "later")] * (extra - 1)
        plan += [(main, order[turn], "return")]
        plan += [(main, order[i], "later") for i in range(turn + 1, length - extra)]
        return [self._sentence(c, e, r, place, u, i) for i, (e, r, place) in enumerate(plan)]

    def _other(self, c: int, main: Entity, u: float) -> Entity:
        """Another entity of the category, by popularity; the next in rank where that is `main`."""
        rank = bisect_right(self._entity_cut, u)
        entities = self.entities[c]
        other = entities[rank]
        return entities[(rank + 1) % len(entities)] if other is main else other

    def _sentence(
        self, c: int, entity: Entity, relation: int, place: str, u: Sequence[float], i: int
    ) -> str:
        """One sentence; its place decides how it calls its subject and which opener it may have."""
        at = _DRAWS + i * _PER_SENTENCE
        shapes, cut = self._shapes[c][relation]
        shape = shapes[bisect_right(cut, u[at])]
        value = entity.values[relation]
        if place == "first":
            subject = entity.introduction if u[at + 1] < INTRODUCED else entity.short
            return sentence("", shape.clause(subject, value))
        if place == "likewise" or place == "contrast":
            opener = LIKEWISE if place == "likewise" else BY_CONTRAST
            return sentence(opener, shape.clause(entity.introduction, value))
        opener = ""
        if u[at + 3] < self.params.opener_share:
            opener = OPENERS[bisect_right(self._opener_cut, u[at + 3] / self.params.opener_share)]
        if place == "return" or u[at + 1] >= self.params.reference_share:
            return sentence(opener, shape.clause(entity.short, value))
        pronoun = u[at + 2] < PRONOUN_AMONG_REFERENCES
        if pronoun and shape.takes_pronoun:
            return sentence(opener, shape.clause(entity.pronoun, value))
        if pronoun and shape.owned is not None:
            return sentence(opener, shape.owned_clause(entity.possessive, value))
        nouns = self.categories[c].nouns
        rest = (u[at + 2] - PRONOUN_AMONG_REFERENCES) / (1 - PRONOUN_AMONG_REFERENCES)
        return sentence(opener, shape.clause(nouns[int(max(rest, 0.0) * len(nouns))], value))


def _named(category: Category, entity: Entity) -> list[tuple[str, str]]:
    """An entity's (relation, value) pairs by the relation's name, as the ledger's file has them."""
    names = (relation.name for relation in category.relations)
    return sorted(zip(names, entity.values, strict=True))


def _cumulative(count: int, exponent: float) -> list[float]:
    """Cumulative Zipf shares; the last is above 1, so that a draw in [0, 1) never falls out."""
    weights = np.arange(1, count + 1, dtype=np.float64) ** -exponent
    shares = list(accumulate((weights / weights.sum()).tolist()))
    return [*shares[:-1], 2.0]


def _names(category: Category, count: int, seed: int, item: int, taken: set[str]) -> list[str]:
    """Unique pronounceable names; short while short ones last. Adds them to `taken`."""
    generator = stream(seed, "world.names", item=item)
    names: list[str] = []
    while len(names) < count:
        for u in generator.random((2 * count, 12)).tolist():
            stem = _syllable(u[0:3]) + (_syllable(u[3:6]) if u[6] < 1 / 3 else "")
            name = (stem + category.endings[int(u[7] * len(category.endings))]).capitalize()
            if len(category.pronouns) > 1:
                ends = FEMALE_ENDINGS + MALE_ENDINGS
                name = f"{(_syllable(u[8:11]) + ends[int(u[11] * len(ends))]).capitalize()} {name}"
            words = (*name.split(), *name.lower().split())
            fresh = name not in taken and VOCABULARY.isdisjoint(words)
            if fresh and len(name) <= LONGEST_NAME:
                taken.add(name)
                names.append(name)
                if len(names) == count:
                    break
    return names


def _syllable(u: Sequence[float]) -> str:
    parts = (ONSETS, VOWELS, CODAS)
    return "".join(part[int(x * len(part))] for part, x in zip(parts, u, strict=True))
