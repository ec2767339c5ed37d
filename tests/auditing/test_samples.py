"""What is read of both sides, how much of it, and what it was measured with."""

import numpy as np
import pytest

from palimpsest.auditing import samples
from palimpsest.auditing.samples import (
    Called,
    MeasuredWith,
    ScoredBy,
    drawn,
    fitted_evaluator,
    sample_size,
)
from palimpsest.core.errors import CorpusError, MetricError
from palimpsest.core.words import count_words
from palimpsest.evaluation.human import Texts, human_side
from tests.auditing.corpora import encode, human


@pytest.mark.parametrize(
    ("candidate", "reference", "wanted", "most", "size"),
    [
        (50, 900, None, 2000, 50),
        (500, 900, None, 2000, 300),
        (9000, 90000, None, 2000, 2000),
        (9000, 90000, 3000, 2000, 3000),
        (None, 1000, None, 64, 64),
        (None, 30, 7, 64, 7),
        (9, 15, None, 2000, 5),
    ],
)
def test_the_sample_size(candidate, reference, wanted, most, size):
    assert sample_size(candidate, reference, wanted, most) == size


def test_a_sample_that_is_too_large_is_refused_in_the_callers_words():
    with pytest.raises(CorpusError, match=r"^audit.sample: want <= 9, the candidate's texts, got"):
        sample_size(9, 900, 10)
    with pytest.raises(CorpusError, match=r"^reference: want >= 30 texts, three times the sample"):
        sample_size(10, 29, 10)
    words = Called("n", "my texts", "people", "distinct texts")
    with pytest.raises(CorpusError, match=r"^n: want <= 9, my texts, got 10"):
        sample_size(9, 900, 10, called=words)
    with pytest.raises(CorpusError, match=r"^people: want >= 30 distinct texts, three times"):
        sample_size(10, 29, 10, called=words)


def test_the_draw_follows_the_seed_and_takes_what_the_samples_can_use(monkeypatch):
    ours, theirs = drawn(40, 500, 10, seed=3, null_samples=20)
    assert len(set(ours.tolist())) == len(ours) == 10
    assert len(set(theirs.tolist())) == len(theirs) == 210
    for one, other in zip(drawn(40, 500, 10, 3, 20), (ours, theirs), strict=True):
        np.testing.assert_array_equal(one, other)
    assert drawn(40, 500, 10, 4, 20)[1].tolist() != theirs.tolist()
    assert len(drawn(40, 100, 10, 3, 20)[1]) == 100
    monkeypatch.setattr(samples, "REFERENCE_TEXTS", 12)
    assert len(drawn(40, 500, 10, 3, 20)[1]) == 30  # three samples at the least


def test_lexical_metrics_are_measured_on_what_every_sample_has(monkeypatch):
    texts = [" ".join(text.split()[: 10 + at % 5]) for at, text in enumerate(human(60, seed=1))]
    side = human_side(Texts(texts, encode(texts), None), 10, 4, 0, "reference")
    least = min(sum(map(count_words, one.texts)) for one in (side.fit, *side.null))
    assert fitted_evaluator(side, ("text",))[1] == least
    monkeypatch.setattr(samples, "WORDS", 50)
    assert fitted_evaluator(side, ("text",))[1] == 50


class Losses:
    """A model that reads every text as two tokens."""

    identity = "a model"

    def __init__(self, tokens=2):
        self.tokens = tokens

    def __call__(self, texts):
        return np.ones(len(texts)), np.full(len(texts), self.tokens)


def test_a_score_says_which_model_it_is_and_is_checked():
    score = ScoredBy(Losses())
    assert score.identity == "a model"
    assert score(["a", "b"]).tokens.tolist() == [2, 2]
    with pytest.raises(MetricError):
        ScoredBy(Losses(tokens=-1))(["a"])


def test_what_an_audit_was_measured_with():
    def named(texts):
        return encode(texts)

    named.identity = "mine"
    texts = human(5, seed=1)
    one = MeasuredWith.of(named, ScoredBy(Losses()), texts)
    assert (one.encoder, one.model, len(one.reference)) == ("mine", "a model", 64)
    assert MeasuredWith.of(named, None, texts[::-1]).reference == one.reference
    # no text ends where another begins: ["ab", "c"] is not ["a", "bc"]
    parts = [MeasuredWith.of(named, None, given).reference for given in (["ab", "c"], ["a", "bc"])]
    assert len({one.reference, *parts}) == 3
    assert MeasuredWith.of(encode, None, texts) == MeasuredWith(None, None, one.reference)


@pytest.mark.parametrize("identity", [3, "", None, ["mine"]])
def test_an_identity_that_is_no_text_is_none(identity):
    def odd(texts):
        return encode(texts)

    odd.identity = identity
    assert MeasuredWith.of(odd, None, []).encoder is None
