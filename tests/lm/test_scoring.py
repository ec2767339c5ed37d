"""Losses by text against a direct computation with `transformers`."""

import numpy as np
import pytest
import torch

from palimpsest.lm import batching
from palimpsest.lm.scoring import likelihood, rare_types
from tests.lm.tiny import TEXTS, pair, tokenizer

FIELDS = ("nll_nats", "tokens", "rare_nll_nats", "rare_tokens", "entropy_nats")


@pytest.fixture(params=["gpt2", "llama"])
def models(request, tmp_path):
    return pair(request.param, tmp_path)


def direct(model, row):
    """Losses and entropies of each token of a row but the first, (T - 1,)."""
    with torch.inference_mode():
        logp = model(torch.tensor([row])).logits[0, :-1].double().log_softmax(dim=1)
    losses = -logp[range(len(row) - 1), row[1:]]
    return losses.numpy(), -(logp.exp() * logp).sum(dim=1).numpy()


def test_against_transformers(models):
    model, ours = models
    texts = [*TEXTS[:6], "", "fox"]
    rare = np.zeros(tokenizer().size, dtype=np.bool_)
    rare[::3] = True
    got = likelihood(ours, tokenizer(), texts, rare)
    assert 0 < got.rare_tokens.sum() < got.tokens.sum()
    for index, row in enumerate(tokenizer().documents(texts)):
        losses, entropies = direct(model, row)
        of_rare = rare[row[1:]]
        expected = (losses.sum(), len(losses), losses[of_rare].sum(), of_rare.sum())
        for field, value in zip(FIELDS, (*expected, entropies.sum()), strict=True):
            assert getattr(got, field)[index] == pytest.approx(value, rel=1e-5), field
    assert got.tokens[6] == 1


def test_a_model_that_knows_nothing_by_hand(models):
    _, ours = models
    ours.unembedding().zero_()
    got = likelihood(ours, tokenizer(), TEXTS[:3])
    expected = got.tokens * np.log(300)
    np.testing.assert_allclose(got.nll_nats, expected, rtol=1e-6)
    np.testing.assert_allclose(got.entropy_nats, expected, rtol=1e-6)
    assert got.tokens.tolist() == [len(ids) + 1 for ids in tokenizer().encode(TEXTS[:3])]
    assert not got.rare_tokens.any()
    assert not got.rare_nll_nats.any()


@pytest.mark.parametrize("positions", [1, 60, 8192])
def test_batches_and_order_change_nothing(positions, models, monkeypatch):
    _, ours = models
    expected = likelihood(ours, tokenizer(), TEXTS)
    monkeypatch.setattr(batching, "BATCH_TOKENS", positions)
    sizes = []
    got = likelihood(ours, tokenizer(), TEXTS[::-1], None, lambda *seen: sizes.append(len(seen[1])))
    assert (len(sizes) == len(TEXTS)) == (positions == 1)
    assert (len(sizes) == 1) == (positions == 8192)
    for field in FIELDS:
        np.testing.assert_allclose(getattr(got, field)[::-1], getattr(expected, field), rtol=1e-5)


def test_a_text_longer_than_the_context(models):
    model, ours = models
    text = " ".join(TEXTS[:9])
    (row,) = tokenizer().documents([text])
    assert len(row) > 2 * 64
    # rows of 64 that share a token
    pieces = [row[begin : begin + 64] for begin in range(0, len(row) - 1, 63)]
    got = likelihood(ours, tokenizer(), ["fox", text, "hill"])
    assert got.tokens[1] == len(row) - 1
    expected = sum(direct(model, piece)[0].sum() for piece in pieces)
    assert got.nll_nats[1] == pytest.approx(expected, rel=1e-5)
    short = likelihood(ours, tokenizer(), ["fox", "hill"])
    np.testing.assert_allclose(got.nll_nats[[0, 2]], short.nll_nats, rtol=1e-5)


def test_the_visitor_sees_every_token(models):
    _, ours = models
    seen = []
    got = likelihood(ours, tokenizer(), TEXTS, visitor=lambda *batch: seen.append(batch))
    hidden, targets, logits = (torch.cat(parts) for parts in zip(*seen, strict=True))
    assert len(hidden) == len(targets) == len(logits) == got.tokens.sum()
    torch.testing.assert_close(ours.logits(hidden), logits)
    losses = torch.nn.functional.cross_entropy(logits, targets, reduction="sum")
    assert float(losses) == pytest.approx(got.nll_nats.sum(), rel=1e-5)
    counts = np.bincount(targets.numpy(), minlength=300)
    counts[tokenizer().end] -= len(TEXTS)
    assert counts.tolist() == tokenizer().counts(TEXTS).tolist()


def test_a_certain_prediction_has_no_entropy_and_is_a_number(models):
    _, ours = models
    ours.unembedding().mul_(1e6)
    got = likelihood(ours, tokenizer(), TEXTS[:2])
    assert np.isfinite(got.nll_nats).all()
    assert got.entropy_nats == pytest.approx([0.0, 0.0], abs=1e-3)


def test_no_texts(models):
    got = likelihood(models[1], tokenizer(), [])
    assert [len(getattr(got, field)) for field in FIELDS] == [0] * 5


def test_rare_types_by_hand():
    counts = np.array([0, 5, 1, 9, 1, 0, 2, 1, 7, 8, 6, 3])  # ten types occur
    assert np.flatnonzero(rare_types(counts)).tolist() == [2]
    assert np.flatnonzero(rare_types(counts, 0.2)).tolist() == [2, 4]
    assert np.flatnonzero(rare_types(counts, 0.5)).tolist() == [2, 4, 6, 7, 11]
    assert rare_types(counts, 1.0).tolist() == (counts > 0).tolist()
    assert np.flatnonzero(rare_types(np.array([0, 3, 2]))).tolist() == [2]
    assert not rare_types(np.zeros(4, dtype=np.int64)).any()
