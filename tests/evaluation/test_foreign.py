"""Another language or subject is said, from words and letters; human samples never are."""

import numpy as np
import pytest

from palimpsest.core.rng import stream
from palimpsest.evaluation.foreign import foreign_texts
from palimpsest.evaluation.human import HumanSide, Texts

CYRILLIC = str.maketrans("abcdefghijklmnopqrstuvwxyz", "абцдефгхийклмнопярстувшхыз")


def vocabulary(seed: int) -> list[str]:
    letters = list("abcdefghijklmnopqrstuvwxyz")
    rng = stream(seed, "tests.foreign.words")
    return ["".join(rng.choice(letters, 5)) for _ in range(300)]


def texts(seed: int, words: list[str], count: int = 60) -> list[str]:
    rng = stream(seed, "tests.foreign.texts")
    weights = 1.0 / np.arange(1, len(words) + 1)
    return [" ".join(rng.choice(words, 30, p=weights / weights.sum())) for _ in range(count)]


def side(words: list[str], count: int = 60) -> HumanSide:
    """A fit sample and three more."""
    samples = [
        Texts(texts(seed, words, count), np.zeros((count, 1), np.float32), None)
        for seed in range(4)
    ]
    return HumanSide(samples[0], samples[1:], 1.0)


def test_fresh_text_of_the_same_kind_is_not_foreign() -> None:
    words = vocabulary(0)
    assert foreign_texts(texts(9, words), side(words)) == []
    # nor is what has collapsed
    assert foreign_texts([" ".join(words[:3] * 10)] * 60, side(words)) == []


def test_words_that_no_human_text_has_are_said() -> None:
    words = vocabulary(0)
    (said,) = foreign_texts(texts(9, vocabulary(1)), side(words), "candidate")
    assert said.startswith("100 % of the words of the candidate are not in the human sample, of f")
    mixed = [*texts(9, words), *texts(9, vocabulary(1))]
    rng = stream(0, "tests.foreign.order")
    shuffled = [mixed[row] for row in rng.permutation(len(mixed))]
    (said,) = foreign_texts(shuffled, side(words))
    assert 48 <= int(said.split()[0]) <= 54
    tenth = [*texts(9, words), *texts(9, vocabulary(1), 6)]
    assert foreign_texts(tenth, side(words)) == []


@pytest.mark.parametrize("written", ["letters", "ideographs"])
def test_other_letters_are_said(written: str) -> None:
    words = vocabulary(0)
    other = [word.translate(CYRILLIC) for word in words]
    name = "Cyrillic"
    if written == "ideographs":
        other, name = ["我们今天去山上看花", "他昨天在河边读书"], "Cjk"
    (said,) = foreign_texts(texts(9, other), side(words))
    assert said == (
        f"the letters of the texts are 100 % {name}, those of the human sample 100 % Latin: is "
        "this another language?"
    )
    assert foreign_texts(texts(9, other), side(other)) == []


def test_too_little_text_says_nothing() -> None:
    words = vocabulary(0)
    assert foreign_texts(texts(9, vocabulary(1), 20), side(words)) == []
    assert foreign_texts(texts(9, vocabulary(1)), side(words, 20)) == []
    assert foreign_texts(texts(9, vocabulary(1)), None) == []
    assert foreign_texts([""] * 60, side(words)) == []
    assert foreign_texts(["7 " * 60] * 60, side(words)) == []
