"""Made-up human text, and an encoder without a network: the mean of its words' random vectors."""

from collections.abc import Sequence
from functools import cache

import numpy as np
from numpy.typing import NDArray

from palimpsest.core.rng import stream

TOPICS, OWN, COMMON = 8, 60, 200


@cache
def word_vector(word: str) -> NDArray[np.float32]:
    topic = stream(0, f"tests.topic.{word[:2]}").standard_normal(24)
    return (topic + 0.7 * stream(0, f"tests.word.{word}").standard_normal(24)).astype(np.float32)


def encode(texts: Sequence[str]) -> NDArray[np.float32]:
    """(n, 24), rows of length one; an empty text is a vector of its own."""
    sums = np.stack(
        [np.sum([word_vector(w) for w in text.split() or ["nothing"]], axis=0) for text in texts]
    )
    return (sums / np.linalg.norm(sums, axis=1, keepdims=True)).astype(np.float32)


def human(count: int, seed: int, topics: Sequence[int] = range(TOPICS), words: int = 30):
    """Texts of one topic each: half of the words common to all topics, half its own, Zipf-like."""
    rng = stream(seed, "tests.human")
    own, common = 1.0 / np.arange(1, OWN + 1), 1.0 / np.arange(1, COMMON + 1)
    texts = []
    for _ in range(count):
        topic = topics[int(rng.integers(len(topics)))]
        picks = rng.choice(OWN, words // 2, p=own / own.sum())
        others = rng.choice(COMMON, words // 2, p=common / common.sum())
        chosen = [f"t{topic}w{pick}" for pick in picks] + [f"cow{other}" for other in others]
        texts.append(" ".join(rng.permutation(chosen)))
    return texts
