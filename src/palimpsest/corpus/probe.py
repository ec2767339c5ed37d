"""The probe set of docs/metrics.md §6: words that a language keeps apart, in carrier sentences.

A carrier is a sentence up to its slot, ``{}`` at its end: a causal model's state at the slot cannot
depend on what would follow. The set that ships with the project is everyday English. A corpus with
a ledger is probed with its own attribute values in the world's own manner of speaking: values of
one relation are near neighbours, values of different relations have nothing to do with each other.

Known gaps: one sense a word; a word counts as known if it stands in the training text anywhere,
as written here.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from palimpsest.core.errors import CorpusError
from palimpsest.core.rng import stream
from palimpsest.corpus.ledger import Ledger

Kind = Literal["near", "antonym", "category"]
KINDS: tuple[Kind, ...] = ("near", "antonym", "category")
"""Near-synonyms (of a world: values of one relation), opposites, members of one category."""
VALUES = 4
"""Values of one relation that a world is probed with."""
UNRELATED = 100
"""Unrelated pairs that a world is probed with."""


@dataclass(frozen=True)
class Group:
    """Words that belong together."""

    kind: Kind
    words: tuple[str, ...]


@dataclass(frozen=True)
class Probe:
    """Words in groups and pairs, and the carriers that they are put into.

    Raises:
        CorpusError: fewer than two carriers, or one that does not end in its only slot.
    """

    carriers: tuple[str, ...]
    groups: tuple[Group, ...]
    unrelated: tuple[tuple[str, str], ...]
    """Pairs of words that have nothing to do with each other."""

    def __post_init__(self) -> None:
        if len(self.carriers) < 2:
            raise CorpusError("probe: carriers", wanted="at least two", got=len(self.carriers))
        for carrier in self.carriers:
            if carrier.count("{}") != 1 or not carrier.endswith("{}"):
                raise CorpusError("probe: carrier", wanted="{} at its end", got=repr(carrier))

    @property
    def words(self) -> tuple[str, ...]:
        """Every word once, in the order of groups and pairs."""
        grouped = (word for group in self.groups for word in group.words)
        paired = (word for pair in self.unrelated for word in pair)
        return tuple(dict.fromkeys([*grouped, *paired]))

    def sentences(self) -> list[str]:
        """Every word in every carrier, words × carriers of them, a word's carriers together."""
        return [carrier.format(word) for word in self.words for carrier in self.carriers]

    def arrays(self, states: NDArray[np.float32], skipped: int) -> dict[str, NDArray[Any]]:
        """The probe with what a model made of it, as `palimpsest.evaluation.model_metrics` reads
        it.

        Args:
            states: hidden states at the slots, one a sentence, (words × carriers, d).
            skipped: words that the corpus does not know.

        Returns:
            ``states`` (words, carriers, d); ``kinds`` (groups,); ``members`` (·, 2): number of the
            group, position of the word; ``unrelated`` (pairs, 2) positions; ``skipped``.
        """
        place = {word: index for index, word in enumerate(self.words)}
        members = [
            (at, place[word]) for at, group in enumerate(self.groups) for word in group.words
        ]
        pairs = [[place[word] for word in pair] for pair in self.unrelated]
        return {
            "states": states.reshape(len(place), len(self.carriers), states.shape[1]),
            "kinds": np.array([group.kind for group in self.groups], dtype="U8"),
            "members": np.array(members, dtype=np.int64).reshape(-1, 2),
            "unrelated": np.array(pairs, dtype=np.int64).reshape(-1, 2),
            "skipped": np.array(skipped),
        }

    def known_to(self, texts: Sequence[str]) -> tuple["Probe", int]:
        """The probe without the words that the texts lack, and how many words those are.

        A group that keeps fewer than two words goes as a whole, and so does a pair that loses one.
        """
        whole = "\n".join(texts)
        known = {word for word in self.words if _stands_in(word, whole)}
        groups = []
        for group in self.groups:
            words = tuple(word for word in group.words if word in known)
            if len(words) > 1:
                groups.append(Group(group.kind, words))
        unrelated = tuple(pair for pair in self.unrelated if known.issuperset(pair))
        return Probe(self.carriers, tuple(groups), unrelated), len(self.words) - len(known)


def corpus_probe(ledger: Ledger | None, texts: Sequence[str], seed: int) -> tuple[Probe, int]:
    """The probe of a corpus in words that its texts know, and how many words they lack.

    Args:
        ledger: the corpus's facts, if it has any; without, the probe that ships is taken.
        texts: the human training texts.
        seed: for the choice of a world's values and pairs.
    """
    probe = SHIPPED if ledger is None else ledger_probe(ledger, seed)
    return probe.known_to(texts)


def ledger_probe(ledger: Ledger, seed: int) -> Probe:
    """A world's probe: up to 4 values of each relation, and 100 pairs across relations at the most.

    Relations that share a value (the provinces of cities and of rivers) count as one.

    Args:
        ledger: the facts of the world.
        seed: for the choice of values and pairs.
    """
    rng = stream(seed, "probe")
    chosen = []
    for values in _families(ledger):
        kept = rng.choice(len(values), min(VALUES, len(values)), replace=False)
        chosen.append([values[index] for index in sorted(kept.tolist())])
    pairs = [
        (one, other)
        for index, family in enumerate(chosen)
        for one in family
        for rest in chosen[index + 1 :]
        for other in rest
    ]
    taken = rng.choice(len(pairs), min(UNRELATED, len(pairs)), replace=False)
    return Probe(
        WORLD_CARRIERS,
        tuple(Group("near", tuple(family)) for family in chosen if len(family) > 1),
        tuple(pairs[index] for index in sorted(taken.tolist())),
    )


def _families(ledger: Ledger) -> list[list[str]]:
    """The values of each relation, relations with a common value merged, all in sorted order."""
    values: dict[str, set[str]] = {}
    for fact in ledger.facts:
        values.setdefault(fact.relation, set()).add(fact.value)
    merged: list[set[str]] = []
    for relation in sorted(values):
        family, apart = values[relation], []
        for other in merged:
            if family & other:
                family = family | other
            else:
                apart.append(other)
        merged = [*apart, family]
    return [sorted(family) for family in sorted(merged, key=min)]


def _stands_in(word: str, text: str) -> bool:
    # a pattern with word boundaries takes ten times as long over a large corpus
    start = text.find(word)
    while start >= 0:
        end = start + len(word)
        if not _is_word(text[max(start - 1, 0) : start]) and not _is_word(text[end : end + 1]):
            return True
        start = text.find(word, end)
    return False


def _is_word(character: str) -> bool:
    return character.isalnum() or character == "_"


WORLD_CARRIERS = (
    "It is known for {}",
    "It is famous for {}",
    "In addition, it is remembered for {}",
    "The people are proud of {}",
    "The world owes the story of {}",
    "Travellers speak of {}",
)
"""In words of the world's grammar: a model that read nothing else has met every one of them."""


def _groups(kind: Kind, lines: Iterable[str]) -> tuple[Group, ...]:
    return tuple(Group(kind, tuple(line.split())) for line in lines)


SHIPPED = Probe(
    carriers=(
        "The first word that came to her mind was {}",
        "In the end, everyone agreed that it was {}",
        "He wrote a long letter, and in it he mentioned {}",
        "When the children were asked about it, they said {}",
        "There is one thing that I remember well: {}",
        "According to the old book on the table, it means {}",
        "They talked all evening, and most of it was about {}",
        "On the sign above the door someone had painted {}",
    ),
    groups=(
        *_groups(
            "near",
            (
                "big large huge", "small little tiny", "begin start", "quick fast rapid",
                "happy glad cheerful", "sad unhappy miserable", "road street path",
                "house home building", "stone rock", "ship boat vessel", "angry furious",
                "beautiful lovely pretty", "speak talk", "forest wood", "child kid",
                "answer reply", "war battle fight", "smart clever intelligent",
            ),
        ),
        *_groups(
            "antonym",
            (
                "hot cold", "high low", "day night", "old young", "open closed", "rich poor",
                "heavy light", "early late", "strong weak", "true false", "first last",
                "empty full",
            ),
        ),
        *_groups(
            "category",
            (
                "red blue green yellow", "dog cat horse cow", "apple pear plum cherry",
                "Monday Tuesday Friday Sunday", "iron copper gold silver", "king queen prince",
                "France Spain Italy Germany", "spring summer autumn winter",
                "hand foot arm leg", "piano violin flute drum", "bread cheese milk butter",
                "doctor teacher lawyer farmer",
            ),
        ),
    ),
    unrelated=(
        ("big", "Monday"), ("begin", "copper"), ("quick", "cheese"), ("happy", "stone"),
        ("road", "violin"), ("ship", "lovely"), ("angry", "yellow"), ("speak", "pear"),
        ("forest", "lawyer"), ("child", "copper"), ("answer", "leg"), ("war", "butter"),
        ("smart", "winter"), ("hot", "teacher"), ("high", "milk"), ("night", "iron"),
        ("young", "flute"), ("closed", "Spain"), ("poor", "blue"), ("heavy", "Tuesday"),
        ("early", "horse"), ("weak", "plum"), ("false", "queen"), ("empty", "arm"),
        ("red", "reply"), ("dog", "true"), ("apple", "battle"), ("gold", "talk"),
        ("king", "bread"), ("Italy", "boat"), ("summer", "rapid"), ("hand", "late"),
        ("piano", "path"), ("doctor", "tiny"), ("cat", "street"), ("Germany", "foot"),
    ),
)  # fmt: skip
"""Everyday English, written for this project."""
