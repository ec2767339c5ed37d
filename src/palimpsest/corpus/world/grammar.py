"""How the world's words become sentences: shared by its writer and its reader.

A clause is written in its mid-sentence form ("the city of Korholm lies in Brennia"); `sentence`
puts an opener before it, a capital on it and a full stop behind it. The compiled forms of all
phrasings are made once, at import.
"""

import re
from dataclasses import dataclass

from palimpsest.corpus.world.vocabulary import (
    BY_CONTRAST,
    CATEGORIES,
    FEMALE_ENDINGS,
    LIKEWISE,
    OPENERS,
    Category,
    Relation,
)

NAME = re.compile(r"[A-Z][a-z]+(?: [A-Z][a-z]+)?")
_OWNED = re.compile(r"the (?P<owned>[a-z ]+) of \{O\} (?P<rest>.*)")


@dataclass(frozen=True, slots=True)
class Shape:
    """A phrasing cut at its slots: `before` first slot `middle` second slot `after`."""

    before: str
    middle: str
    after: str
    subject_first: bool
    takes_pronoun: bool
    """The slot is a grammatical subject: "it" may stand there."""
    owned: str | None
    """What follows a possessive ("climate is "), where the phrasing has such a form."""

    def clause(self, subject: str, value: str) -> str:
        """The clause with both slots filled."""
        if self.subject_first:
            return f"{self.before}{subject}{self.middle}{value}{self.after}"
        return f"{self.before}{value}{self.middle}{subject}{self.after}"

    def owned_clause(self, possessive: str, value: str) -> str:
        """The clause with a possessive, "its climate is mild": only where `owned` is set."""
        return f"{possessive} {self.owned}{value}{self.after}"


def cut(phrasing: str) -> Shape:
    """Compiles a phrasing of the vocabulary."""
    slot = "{S}" if "{S}" in phrasing else "{O}"
    subject_first = phrasing.index(slot) < phrasing.index("{V}")
    first, second = (slot, "{V}") if subject_first else ("{V}", slot)
    before, rest = phrasing.split(first)
    middle, after = rest.split(second)
    match = _OWNED.fullmatch(phrasing)
    owned = f"{match['owned']} {match['rest'].split('{V}')[0]}" if match else None
    return Shape(before, middle, after, subject_first, slot == "{S}", owned)


SHAPES: dict[str, tuple[Shape, ...]] = {
    relation.name: tuple(cut(phrasing) for phrasing in relation.phrasings)
    for category in CATEGORIES
    for relation in category.relations
}
"""Relation -> its compiled phrasings, most frequent first."""

BY_NAME: dict[str, Category] = {category.name: category for category in CATEGORIES}
CATEGORY_OF: dict[str, str] = {
    relation.name: category.name for category in CATEGORIES for relation in category.relations
}
RELATIONS: dict[str, Relation] = {
    relation.name: relation for category in CATEGORIES for relation in category.relations
}
ALL_OPENERS = (*OPENERS, LIKEWISE, BY_CONTRAST)


def _vocabulary() -> frozenset[str]:
    """Every word of the grammar and of the values, as it is written in mid-sentence."""
    texts = list(ALL_OPENERS)
    for category in CATEGORIES:
        texts += [category.introduction, category.short, *category.nouns]
        texts += [word for pair in category.pronouns for word in pair]
        for relation in category.relations:
            texts += [*relation.values, *relation.phrasings]
    return frozenset(re.findall(r"[A-Za-z]+", re.sub(r"\{\w+\}", " ", " ".join(texts))))


VOCABULARY = _vocabulary()
PLAIN_WORDS = frozenset(word for word in VOCABULARY if word.islower())
"""Words that are no names, though one at the start of a sentence has a capital."""


def pronoun_index(category: Category, name: str) -> int:
    """Which of the category's pronouns stands for the entity: a first name's ending decides."""
    if len(category.pronouns) == 1:
        return 0
    return 0 if name.split()[0].endswith(FEMALE_ENDINGS) else 1


def sentence(opener: str, clause: str) -> str:
    """A whole sentence from an opener (may be empty) and a clause in mid-sentence form."""
    text = opener + clause
    return f"{text[0].upper()}{text[1:]}."
