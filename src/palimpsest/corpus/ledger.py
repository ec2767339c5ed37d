"""The ledger: every fact of a world, and how often the training text states it.

It is what truth is measured against, and the only file the parser needs beside its grammar.
"""

from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

from palimpsest.core.errors import CorpusError
from palimpsest.core.storage import read_json, write_json
from palimpsest.corpus.world.grammar import CATEGORY_OF, RELATIONS

FORMAT = 1


class Fact(NamedTuple):
    """One fact, and the number of statements of the training text that state it."""

    category: str
    entity: str
    relation: str
    value: str
    frequency: int


class Ledger:
    """All facts of a world; `World.ledger` puts the most popular entities first in each category.

    Args:
        facts: the facts; an entity has at most one value of a relation, and one category.

    Raises:
        CorpusError: two facts contradict each other, a relation, category or value is not of this
            grammar, or a frequency is negative.
    """

    def __init__(self, facts: Iterable[Fact]) -> None:
        self.facts = tuple(facts)
        self.values: dict[tuple[str, str], str] = {}
        """(entity, relation) -> the true value."""
        self.categories: dict[str, str] = {}
        """Entity -> its category."""
        for fact in self.facts:
            self._check(fact)
            self.values[fact.entity, fact.relation] = fact.value
            self.categories[fact.entity] = fact.category

    def _check(self, fact: Fact) -> None:
        what = f"ledger: {fact.entity}, {fact.relation}"
        if CATEGORY_OF.get(fact.relation) != fact.category:
            raise CorpusError(what, wanted="a relation of the category", got=fact.category)
        if fact.value not in RELATIONS[fact.relation].values:
            raise CorpusError(what, wanted="a value of the relation's set", got=repr(fact.value))
        if fact.frequency < 0:
            raise CorpusError(what, wanted="a frequency >= 0", got=fact.frequency)
        if (fact.entity, fact.relation) in self.values:
            raise CorpusError(what, wanted="one value", got="two")
        if self.categories.get(fact.entity, fact.category) != fact.category:
            raise CorpusError(f"ledger: {fact.entity}", wanted="one category", got="two")

    def frequencies(self) -> dict[tuple[str, str, str], int]:
        """(entity, relation, value) -> training frequency: what `metrics.truth` asks for."""
        return {(fact.entity, fact.relation, fact.value): fact.frequency for fact in self.facts}

    def counted(self, statements: Iterable[tuple[str | None, ...]]) -> "Ledger":
        """The same facts with frequencies counted anew.

        Args:
            statements: (entity, relation, value) of every statement of the training text; those
                that are no fact are ignored.
        """
        count = Counter(statements)
        return Ledger(
            fact._replace(frequency=count[fact.entity, fact.relation, fact.value])
            for fact in self.facts
        )

    def save(self, path: Path) -> None:
        """Writes the ledger as JSON: a list of entities with their facts (see docs/world.md)."""
        entities: dict[str, dict[str, Any]] = {}
        for fact in self.facts:
            empty = {"entity": fact.entity, "category": fact.category, "facts": {}}
            entry = entities.setdefault(fact.entity, empty)
            entry["facts"][fact.relation] = [fact.value, fact.frequency]
        write_json(path, {"format": FORMAT, "entities": list(entities.values())})

    @classmethod
    def load(cls, path: Path) -> "Ledger":
        """Reads what `save` wrote.

        Raises:
            PalimpsestError: no such file, or no JSON.
            CorpusError: not a ledger of this format, or its facts contradict each other.
        """
        content = read_json(path)
        if not isinstance(content, dict) or content.get("format") != FORMAT:
            raise CorpusError(
                str(path), wanted=f"a ledger of format {FORMAT}", got="something else"
            )
        try:
            return cls(
                Fact(entry["category"], entry["entity"], relation, value, int(frequency))
                for entry in content["entities"]
                for relation, (value, frequency) in entry["facts"].items()
            )
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise CorpusError(str(path), wanted="entities with facts", got=repr(error)) from error


def read_ledger(human: Path) -> Ledger | None:
    """The ledger of a human corpus's folder; None where nobody knows its facts.

    Raises:
        CorpusError: see `Ledger.load`.
    """
    path = human / "ledger.json"
    return Ledger.load(path) if path.exists() else None
