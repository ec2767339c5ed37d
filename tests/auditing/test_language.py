"""Broken words, made-up words, shuffled order; and what is another subject and no fault."""

import random
from itertools import pairwise

import numpy as np
import pytest

from palimpsest.auditing.copies import Side
from palimpsest.auditing.language import find_garbled, unread

SUBJECTS = [
    "the baker",
    "a heron",
    "our neighbour",
    "the ferry",
    "a student",
    "the mayor",
    "a geologist",
]
VERBS = ["repaired", "noticed", "painted", "carried", "measured", "described", "sold", "counted"]
THINGS = [
    "a kettle",
    "the bridge",
    "twelve letters",
    "the clock",
    "an old map",
    "two tickets",
    "the gate",
]
PLACES = ["before sunrise", "without a word", "in spite of the rain", "near the harbour"]
OTHER = (
    ["the comet", "a galaxy", "the telescope", "our satellite", "the observatory", "a pulsar"],
    ["orbited", "outshone", "recorded", "eclipsed", "photographed", "approached"],
    ["a nebula", "the southern sky", "seven moons", "the bright ring", "an icy dwarf"],
    ["during the eclipse", "in a thousand years", "against all theory", "near the belt"],
)


def prose(count, seed, parts=(SUBJECTS, VERBS, THINGS, PLACES)):
    """Texts of three to six sentences, each number in words of its own."""
    rng = random.Random(seed)
    return [
        " ".join(
            " ".join(rng.choice(part) for part in parts) + "." for _ in range(rng.randint(3, 6))
        )
        for _ in range(count)
    ]


REFERENCE = prose(300, 1)
REAL = {word for text in [*REFERENCE, *prose(300, 2, OTHER)] for word in text[:-1].split()}


def pieces(words):
    """A tokenizer that knows English: a word is one piece; what is none is a piece a letter."""
    real = {word.strip(".") for word in REAL}
    return np.array([1 if word in real else len(word) for word in words], dtype=np.int64)


def salad(texts, count, seed):
    """Chains of the texts' own word pairs."""
    rng, following = random.Random(seed), {}
    for text in texts:
        some = text.split()
        for first, second in pairwise(some):
            following.setdefault(first, []).append(second)
    chains = []
    for _ in range(count):
        some = [rng.choice([*following])]
        while len(some) < 40:
            some.append(rng.choice(following.get(some[-1]) or [*following]))
        chains.append(" ".join(some))
    return chains


def broken(texts, share, seed):
    """Texts of which a share of the words, each in a way of its own, is misspelt."""
    rng = random.Random(seed)
    return [
        " ".join(
            f"{word[:2]}{rng.randrange(10**6):06d}".translate(
                str.maketrans("0123456789", "abcdefghij")
            )
            if rng.random() < share
            else word
            for word in text.split()
        )
        for text in texts
    ]


def made_up(count, seed):
    rng = random.Random(seed)
    lexicon = ["".join(rng.choice(["ba", "ko", "ti", "fu"]) for _ in range(4)) for _ in range(300)]
    return [" ".join(rng.choice(lexicon) for _ in range(30)) for _ in range(count)]


def found(texts, known=pieces):
    return find_garbled(Side(texts), Side(REFERENCE), known)


@pytest.mark.parametrize("seed", range(10, 20))
@pytest.mark.parametrize("known", [pieces, None])
def test_human_text_and_other_subjects_are_not_garbled(seed, known):
    for texts in (prose(100, seed), prose(100, seed, OTHER)):
        garbled = found(texts, known)
        assert not garbled.holds
        assert garbled.disordered.rows == ()


@pytest.mark.parametrize("known", [pieces, None])
def test_made_up_words(known):
    garbled = found([*made_up(20, 3), *prose(80, 4)], known)
    assert garbled.strange.rows == tuple(range(20))
    assert garbled.strange.holds
    assert garbled.strange.examples[0].note.startswith("unknown: ")


def test_words_broken_in_every_text():
    garbled = found(broken(prose(100, 5), 0.25, 6))
    assert garbled.strange.holds
    assert garbled.strange.share > 0.9
    assert not garbled.shuffled


def test_words_of_a_subject_are_repeated_and_broken_ones_are_not():
    """Names that the tokenizer must cut small, but which come back in other texts."""
    names = [f"Velmorath{at % 7}" for at in range(100)]
    texts = [f"{text} {name}" for text, name in zip(prose(100, 7), names, strict=True)]
    assert not found(texts).holds


def test_word_order():
    """Chains of known pairs, all or a fifth; the tenth text cannot be told from its order alone."""
    garbled = found(salad(REFERENCE, 100, 8))
    assert garbled.chained
    assert not garbled.scrambled
    ours, theirs = garbled.order
    assert ours.triples < 0.9 < theirs.triples
    assert len(garbled.disordered.rows) > 60
    mixed = found([*salad(REFERENCE, 30, 8), *prose(120, 9)])
    assert mixed.chained
    assert {*mixed.disordered.rows} <= {*range(30)}


def test_repeated_texts_make_no_order():
    assert not found(prose(3, 10) * 50).shuffled


@pytest.mark.parametrize(
    ("count", "says"),
    [(-1, "has no pieces for 100 % of"), (12, "reads 100 % of the reference's words letter by")],
)
def test_languages_that_an_encoder_does_not_read(count, says):
    assert says in unread(lambda words: np.full(len(words), count), Side(REFERENCE))


def test_a_language_that_it_reads():
    assert unread(pieces, Side(REFERENCE)) == ""


@pytest.mark.parametrize("known", [pieces, None])
def test_words_in_any_order(known):
    rng = random.Random(11)
    texts = prose(100, 12)
    shuffled = [" ".join(rng.sample(text.split(), len(text.split()))) for text in texts]
    garbled = found(shuffled, known)
    assert garbled.scrambled
    assert garbled.holds
    ours, theirs = garbled.order
    assert ours.common < 0.5 < 0.9 < theirs.common
    assert not found(texts, known).scrambled


def test_a_refusal_in_another_tone_is_looked_at_once():
    """Its words are unknown, but it is one text, however often it stands there."""
    refusal = (
        "Leider kann niemand hier bei solchen Anliegen irgendwie weiterhelfen oder Auskunft geben"
    )
    assert not found([*prose(50, 13), *[refusal] * 50], None).strange.holds


def test_rows_that_are_left_out():
    texts = [*prose(80, 14), *made_up(20, 15)]
    assert find_garbled(Side(texts), Side(REFERENCE), pieces).strange.holds
    assert not find_garbled(Side(texts), Side(REFERENCE), pieces, range(80, 100)).holds
