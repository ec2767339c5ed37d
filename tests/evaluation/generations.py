"""A made-up generation and its human side, with everything that a scorecard measures."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from palimpsest.core.parameters import ScoreParams
from palimpsest.core.rng import stream
from palimpsest.evaluation.human import HumanSide, Texts, human_side
from palimpsest.evaluation.scorecard import Generation
from palimpsest.metrics.family import Facts, Reference, Statement, Triple
from palimpsest.metrics.likelihood import scored

PARAMS = ScoreParams(lam=1.0, words=100, half_samples=0, null_samples=3, custom=())
DIMENSIONS, TEXTS, HELDOUT = 6, 24, 8
OF_A_ROW = {"axioms", "axiom_age"}
"""Metrics that only a row of generations shows."""
ANIMALS, PLACES = ("fox", "owl", "hen", "elk"), ("river", "hill", "barn")
FACTS: dict[Triple, int] = {
    (animal, "sleeps by", place): 1 + number
    for number, (animal, place) in enumerate((a, p) for a in ANIMALS for p in PLACES[:2])
}


def texts(count: int, seed: int) -> list[str]:
    """Sentences of two statements each; that a place is old is never a fact."""
    rng = stream(seed, "tests.generations")
    return [
        f"the {rng.choice(ANIMALS)} sleeps by the {rng.choice(PLACES)} and near the "
        f"{rng.choice(ANIMALS)} one more of the {rng.choice(PLACES)} birds waits for a long night"
        for _ in range(count)
    ]


def points(count: int, seed: int) -> NDArray[np.float32]:
    """(count, 6) embeddings."""
    return stream(seed, "tests.points").normal(size=(count, DIMENSIONS)).astype(np.float32)


def parse(text: str) -> list[Statement]:
    """Who sleeps where, true or false; and that the second animal is old, which is false."""
    words = text.split()
    if len(words) < 12:
        return [("unparsable", None, None, None)]
    triple = (words[1], "sleeps by", words[5])
    said: Statement = ("true" if triple in FACTS else "false", *triple)
    return [said, ("false", words[9], "is", "old")]


def pool(count: int) -> Texts:
    """Human texts, none of which is in a generation."""
    rng = stream(0, "tests.null")
    tokens = rng.integers(4, 9, size=count)
    nll = tokens * rng.uniform(1.0, 3.0, size=count)
    return Texts(texts(count, 300), points(count, 300), scored(nll, tokens))


def side(samples: int = 3, count: int | None = None, seed: int = 0) -> HumanSide:
    """A pool dealt out: of `count` texts, or as many as the samples want without overlap."""
    whole = pool((samples + 1) * TEXTS if count is None else count)
    return human_side(whole, TEXTS, samples, seed, "corpus.null_pool")


def reference(with_facts: bool = True, human: HumanSide | None = None) -> Reference:
    """What generations are held against: a human side's fit sample, and its null samples."""
    human = side() if human is None else human
    return Reference(
        texts=human.fit.texts,
        embeddings=human.fit.embeddings,
        training=[*texts(TEXTS, 0), *texts(40, 100)],
        facts=Facts(parse, FACTS) if with_facts else None,
        lam=1.0,
        words=PARAMS.words,
        null=[sample.embeddings for sample in human.null],
        first=points(TEXTS, 0),
    )


def generation(number: int = 1, **changes: Any) -> Generation:
    """A generation whose texts, embeddings, likelihoods and model are drawn from its number."""
    rng = stream(number, "tests.generation")
    arrays: dict[str, NDArray[Any]] = {}
    for name, count in (("heldout", HELDOUT), ("heldout_rare", HELDOUT), ("human", TEXTS),
                        ("self", TEXTS), ("witness", 2)):  # fmt: skip
        # held-out texts and their tokens are the same in every generation
        tokens = stream(0 if "heldout" in name else number, f"tests.tokens.{name}")
        arrays[f"{name}_tokens"] = tokens.integers(4, 9, size=count)
        arrays[f"{name}_nll"] = arrays[f"{name}_tokens"] * rng.uniform(1.0, 3.0, size=count)
    arrays["heldout_entropy"] = rng.uniform(4.0, 9.0, size=HELDOUT)
    if number == 0:
        del arrays["self_nll"], arrays["self_tokens"]
    values = {
        "number": number,
        "texts": texts(TEXTS, number),
        "embeddings": points(TEXTS, number),
        "previous": texts(TEXTS, number - 1) if number else None,
        "heldout": texts(HELDOUT, 200),
        "witness": [
            {"prompt": "the fox", "text": " sleeps by the river and near the owl one more of"},
            {"prompt": "a hen", "text": " " + "waits " * 12},
        ],
        "arrays": arrays,
        "first_arrays": {name: array for name, array in arrays.items() if "heldout" in name},
        "classes": {
            "ids": np.arange(4),
            "counts": np.array([5, 6, 7, 8]),
            "variances": rng.uniform(0.5, 1.0, size=4),
            "means": rng.normal(size=(4, 3)),
            "weights": rng.normal(size=(4, 3)),
            "agreed": np.array(12),
            "tokens": np.array(48),
            "word_rows": rng.normal(size=(5, 3)),
        },
        "probe": {
            "states": rng.normal(size=(6, 2, 3)),
            "kinds": np.array(["near", "antonym", "category"]),
            "members": np.array([[0, 0], [0, 1], [1, 2], [1, 3], [2, 4], [2, 5]]),
            "unrelated": np.array([[0, 3], [1, 5]]),
            "skipped": np.array(1),
        },
    }
    return Generation(**(values | changes))
