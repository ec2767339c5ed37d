"""Reads sentences of the encyclopedia back into (entity, relation, value), and judges them.

The parser needs the ledger and the grammar, never the world. A sentence is matched against every
phrasing; what it says of "it" or "the city" is said of the entity that the text named last. It is
made for a model's text, so no text makes it raise.

What is tolerated: a wrong article before a name, a small letter at the start, runs of white space.
What is not: anything before or after the clause but one known opener, and a missing full stop.
"""

import re
from collections import defaultdict
from itertools import pairwise
from typing import Literal, NamedTuple

from palimpsest.corpus.ledger import Ledger
from palimpsest.corpus.world.grammar import (
    ALL_OPENERS,
    CATEGORY_OF,
    NAME,
    PLAIN_WORDS,
    RELATIONS,
    SHAPES,
    Shape,
)
from palimpsest.corpus.world.vocabulary import CATEGORIES

Status = Literal["true", "false", "novel", "unparsable"]

LONGEST_SENTENCE = 240
"""Characters; every sentence of the world is shorter, so a longer one is not of it."""
CACHE = 100_000
"""Sentences remembered; a full memory is emptied."""

_ENDS = re.compile(r"(?<=[.!?]) ")
_ANY = frozenset(category.name for category in CATEGORIES)


class Statement(NamedTuple):
    """What a sentence says, and whether it is so; the three parts are None if unparsable."""

    status: Status
    entity: str | None
    relation: str | None
    value: str | None


UNPARSABLE = Statement("unparsable", None, None, None)


class Subject(NamedTuple):
    """Who a sentence speaks of: a name, or (no name) whoever the text named last."""

    name: str | None
    categories: frozenset[str]
    """The categories that the words claim; all of them where they claim none."""
    strict: bool
    """A pronoun that does not fit refers to nobody; a noun that does not fit is a false claim."""


class Reading(NamedTuple):
    """One way to understand a sentence; `fit` is 3 for the relation's own value, 2 for another
    relation's, 1 for an unknown one of the right form.
    """

    subject: Subject
    relation: str
    value: str
    fit: int


class Parser:
    """Judges texts against a ledger.

    Args:
        ledger: the facts that are true.
    """

    def __init__(self, ledger: Ledger) -> None:
        self._values = ledger.values
        self._categories = ledger.categories
        self._cache: dict[str, tuple[Reading, ...]] = {}

    def parse(self, text: str) -> list[Statement]:
        """One statement a sentence, in order; no sentence (empty or blank text), no statement.

        Status `true` is a fact of the ledger; `false` a known entity with another value, another
        category or another category's relation; `novel` an entity that the ledger does not know;
        `unparsable` everything else: no phrasing fits, the value is no value, the sentence has no
        full stop, or a pronoun refers to nobody.
        """
        statements = []
        antecedent: str | None = None
        for sentence in split(text):
            readings = self._readings(sentence)
            statement = UNPARSABLE
            best = -1
            for reading in readings:
                candidate, rank = self._judge(reading, antecedent)
                if rank > best:
                    statement, best = candidate, rank
            statements.append(statement)
            antecedent = statement.entity or self._mentioned(sentence) or antecedent
        return statements

    def _readings(self, sentence: str) -> tuple[Reading, ...]:
        known = self._cache.get(sentence)
        if known is None:
            if len(self._cache) >= CACHE:
                self._cache.clear()
            known = self._cache[sentence] = tuple(readings(sentence))
        return known

    def _mentioned(self, sentence: str) -> str | None:
        """The first entity that an unparsable sentence introduces or knows: "it" may mean that."""
        match = _INTRODUCED.search(sentence)
        if match:
            return match[1]
        words = [*_WORD.findall(sentence), ""]
        names = (name for pair in pairwise(words) for name in (" ".join(pair), pair[0]))
        return next((name for name in names if name in self._categories), None)

    def _judge(self, reading: Reading, antecedent: str | None) -> tuple[Statement, int]:
        """The statement and how good a reading it is: true first, then the likeliest false one."""
        subject, relation, value, fit = reading
        entity = subject.name or antecedent
        if entity is None:
            return UNPARSABLE, -1
        category = self._categories.get(entity)
        if category is None:
            own = CATEGORY_OF[relation] in subject.categories
            return Statement("novel", entity, relation, value), fit + 4 * own
        if subject.strict and category not in subject.categories:
            return UNPARSABLE, -1
        fits = category in subject.categories and category == CATEGORY_OF[relation]
        if fits and self._values.get((entity, relation)) == value:
            return Statement("true", entity, relation, value), 100
        return Statement("false", entity, relation, value), 10 + fit + 4 * fits


def split(text: str) -> list[str]:
    """The sentences of a text, white space made single; the last one may lack its full stop."""
    return [sentence for sentence in _ENDS.split(" ".join(text.split())) if sentence]


def readings(sentence: str) -> list[Reading]:
    """Every way to understand a sentence without its context."""
    if not sentence.endswith(".") or len(sentence) > LONGEST_SENTENCE:
        return []
    body = sentence[:-1]
    small = body[:1].lower() + body[1:]
    for opener in ALL_OPENERS:
        if small.startswith(opener):
            return list(_clause_readings(body[len(opener) :]))
    return _clause_readings(small if _first_word(small) in PLAIN_WORDS else body)


def _first_word(clause: str) -> str:
    return clause.split(" ", 1)[0].rstrip(",")


def _clause_readings(clause: str) -> list[Reading]:
    understood = []
    keyed = {entry for word in {"", *clause.split(" ")} for entry in _SHAPES_BY_KEY.get(word, ())}
    for _, relation, shape in sorted(keyed):
        if not (clause.startswith(shape.before) and clause.endswith(shape.after)):
            continue
        inner = clause[len(shape.before) : len(clause) - len(shape.after)]
        left, middle, right = inner.partition(shape.middle)
        while middle:
            reading = _reading(relation, shape, left, right)
            if reading is not None:
                understood.append(reading)
            more, middle, right = right.partition(shape.middle)
            left = f"{left}{shape.middle}{more}"
    for relation, shape, literal, subject in _OWNED_BY_WORD.get(_first_word(clause), ()):
        if clause.startswith(literal) and clause.endswith(shape.after):
            value = clause[len(literal) : len(clause) - len(shape.after)]
            fit = value_fit(relation, value)
            if fit:
                understood.append(Reading(subject, relation, value, fit))
    return understood


def _reading(relation: str, shape: Shape, left: str, right: str) -> Reading | None:
    named, value = (left, right) if shape.subject_first else (right, left)
    subject = subject_of(named)
    fit = value_fit(relation, value) if subject is not None else 0
    return Reading(subject, relation, value, fit) if subject is not None and fit else None


def subject_of(words: str) -> Subject | None:
    """Who a subject's words (in mid-sentence form) speak of; None where they name nobody."""
    reference = _REFERENCES.get(words)
    if reference is not None:
        return reference
    for prefix, categories in _PREFIXES:
        if words.startswith(prefix):
            name = words[len(prefix) :]
            if NAME.fullmatch(name) and PLAIN_WORDS.isdisjoint(name.lower().split()):
                return Subject(name, categories, False)
    return None


def value_fit(relation: str, value: str) -> int:
    """3: a value of the relation; 2: of another; 1: unknown but of the relation's form; 0: none."""
    if value in _OWN_VALUES[relation]:
        return 3
    if value in _ALL_VALUES:
        return 2
    words = value.split(" ")
    kinds, longest = _FORMS[relation]
    plausible = len(words) <= longest and all(_WORD.fullmatch(word) for word in words)
    return int(plausible and _kind(value) in kinds and len(set(words)) == len(words))


def _kind(value: str) -> str:
    """A number, a name, or plain words, by how the value begins and what stands alone in it."""
    words = value.split(" ")
    if value[:1].isdigit():
        return "number" if len(words) == 1 else "date"
    first = words[0] if words[0] in ("a", "an", "the") else ""
    return f"{first} {'name' if words[-1][:1].isupper() else 'words'}"


def _keyed_shapes() -> dict[str, list[tuple[int, str, Shape]]]:
    """Every phrasing under the longest word that stands whole in it, numbered in reading order."""
    keyed: dict[str, list[tuple[int, str, Shape]]] = defaultdict(list)
    every = [(relation, shape) for relation, shapes in SHAPES.items() for shape in shapes]
    every.sort(key=lambda entry: not entry[1].before)
    for number, (relation, shape) in enumerate(every):
        template = f"{shape.before}{{}}{shape.middle}{{}}{shape.after}"
        words = [word for word in template.split(" ") if "{}" not in word]
        keyed[max(words, key=len, default="")].append((number, relation, shape))
    return keyed


def _owned_shapes() -> dict[str, list[tuple[str, Shape, str, Subject]]]:
    """The phrasings with "its" and the like, by that word."""
    owned: dict[str, list[tuple[str, Shape, str, Subject]]] = defaultdict(list)
    possessives: dict[str, set[str]] = defaultdict(set)
    for category in CATEGORIES:
        for _, possessive in category.pronouns:
            possessives[possessive].add(category.name)
    for relation, shapes in SHAPES.items():
        for shape in shapes:
            if shape.owned is not None:
                for word, names in possessives.items():
                    subject = Subject(None, frozenset(names), True)
                    owned[word].append((relation, shape, f"{word} {shape.owned}", subject))
    return owned


def _references() -> dict[str, Subject]:
    """The words that refer to whoever was named last: "it", "the city" and so on."""
    categories: dict[tuple[str, bool], set[str]] = defaultdict(set)
    for category in CATEGORIES:
        for pronoun, _ in category.pronouns:
            categories[pronoun, True].add(category.name)
        for noun in category.nouns:
            categories[noun, False].add(category.name)
    return {
        words: Subject(None, frozenset(names), strict)
        for (words, strict), names in categories.items()
    }


def _prefixes() -> list[tuple[str, frozenset[str]]]:
    """What may stand before a name, longest first, with the categories that it claims."""
    claims: dict[str, frozenset[str]] = {"": _ANY, "the ": _ANY}
    for category in CATEGORIES:
        for form in (category.introduction, category.short):
            prefix = form.split("{name}")[0]
            if prefix not in claims:
                claims[prefix] = frozenset({category.name})
    return sorted(claims.items(), key=lambda item: -len(item[0]))


_SHAPES_BY_KEY = _keyed_shapes()
_OWNED_BY_WORD = _owned_shapes()
_REFERENCES = _references()
_PREFIXES = _prefixes()
_INTRODUCED = re.compile(
    "(?:"
    + "|".join(re.escape(prefix[1:]) for prefix, names in _PREFIXES if names is not _ANY)
    + f")({NAME.pattern})"
)
_OWN_VALUES = {name: frozenset(relation.values) for name, relation in RELATIONS.items()}
_ALL_VALUES = frozenset().union(*_OWN_VALUES.values())
_WORD = re.compile(r"[A-Za-z]+|[0-9]+")
_FORMS = {
    name: (
        frozenset(_kind(value) for value in relation.values),
        max(len(value.split()) for value in relation.values),
    )
    for name, relation in RELATIONS.items()
}
