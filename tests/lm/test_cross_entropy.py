"""Losses and gradients in chunks: those of the whole; and never more scores than the bound."""

import numpy as np
import pytest
import torch

from palimpsest.core.rng import stream
from palimpsest.lm import cross_entropy
from palimpsest.lm.checkpoint import load_model
from palimpsest.lm.cross_entropy import backward, chunks
from palimpsest.lm.probing import class_statistics
from palimpsest.lm.scoring import likelihood
from palimpsest.lm.training import train
from tests.lm.architectures import random_model
from tests.lm.tiny import TEXTS, VOCABULARY, ids, pair, saved, tokenizer, training

FAMILIES = ("gpt2", "llama", "GPTNeoX", "Gemma2")
FIELDS = ("nll_nats", "tokens", "rare_nll_nats", "rare_tokens", "entropy_nats")
TOKENS = 7
"""Of a chunk, where the bound is lowered."""


@pytest.fixture(params=FAMILIES)
def model(request, tmp_path):
    """Our own decoders, and families of `transformers` with heads of their own."""
    if request.param in ("gpt2", "llama"):
        return pair(request.param, tmp_path)[1]
    return load_model(saved(random_model(request.param), tmp_path), device="cpu")


def lower(monkeypatch, scores: int, bytes_each: int = 4) -> None:
    monkeypatch.setattr(cross_entropy, "MOST_SCORES", scores)
    monkeypatch.setattr(cross_entropy, "MOST_TRAINED", scores * bytes_each)
    monkeypatch.setattr(cross_entropy, "CACHED", 2 * VOCABULARY)


@pytest.fixture
def bound(monkeypatch):
    """Lowers the bounds to a few tokens' scores."""
    return lambda: lower(monkeypatch, TOKENS * VOCABULARY + 1)


@pytest.fixture
def seen(model, monkeypatch):
    """How many tokens were scored at a time."""
    sizes = []
    whole = type(model).logits

    def logits(self, hidden):
        sizes.append(len(hidden))
        return whole(self, hidden)

    monkeypatch.setattr(type(model), "logits", logits)
    return sizes


def parts(tokens: int, vocabulary: int) -> list[tuple[int, int]]:
    return [(part.start, part.stop) for part in chunks(tokens, vocabulary)]


def test_chunks_by_hand(monkeypatch):
    monkeypatch.setattr(cross_entropy, "MOST_SCORES", 100)
    assert parts(7, 10) == [(0, 7)]
    assert parts(10, 10) == [(0, 10)]
    assert parts(11, 10) == [(0, 10), (10, 11)]
    assert parts(3, 49) == [(0, 2), (2, 3)]
    assert parts(3, 101) == [(0, 1), (1, 2), (2, 3)]  # a token at the least
    assert parts(0, 10) == [(0, 0)]


@pytest.mark.parametrize(("tokens", "vocabulary"), [(32 * 127, 1500), (1024, 1500)])
def test_the_defaults_model_has_one_chunk(tokens, vocabulary):
    """Of its training and of its scoring: its bits are those without chunks."""
    assert parts(tokens, vocabulary) == [(0, tokens)]


def test_a_large_vocabulary_takes_64_mb_at_the_most():
    sizes = [end - begin for begin, end in parts(2048, 49_152)]
    assert sum(sizes) == 2048
    assert 4 * 49_152 * max(sizes) <= 2**26 < 4 * 49_152 * (max(sizes) + 1)


def gradients(model, chunked, monkeypatch):
    lower(monkeypatch, TOKENS * VOCABULARY if chunked else 2**30)
    for weight in model.parameters().values():
        weight.requires_grad_(True)
        weight.grad = None
    rows = ids(3, 12)
    hidden = model.hidden(rows[:, :-1]).flatten(0, 1)
    loss = backward(model, hidden, rows[:, 1:].flatten(), 5.0)
    return float(loss), {name: w.grad.clone() for name, w in model.parameters().items()}


def test_the_gradient_is_that_of_the_whole(model, seen, monkeypatch):
    whole, expected = gradients(model, False, monkeypatch)
    assert seen == [33]
    loss, got = gradients(model, True, monkeypatch)
    assert seen == [33, 7, 7, 7, 7, 5]
    assert loss == pytest.approx(whole, rel=1e-6)
    assert any(gradient.abs().max() > 0.1 for gradient in expected.values())
    for name, gradient in expected.items():
        torch.testing.assert_close(got[name], gradient, atol=1e-4, rtol=1e-3)


def test_one_chunk_has_the_bits_of_a_plain_loss(model, monkeypatch):
    loss, got = gradients(model, False, monkeypatch)
    for weight in model.parameters().values():
        weight.grad = None
    rows = ids(3, 12)
    logits = model.logits(model.hidden(rows[:, :-1]).flatten(0, 1)).float()
    plain = torch.nn.functional.cross_entropy(logits, rows[:, 1:].flatten(), reduction="sum")
    (plain / 5.0).backward()
    assert loss == float(plain.detach())
    for name, weight in model.parameters().items():
        assert torch.equal(weight.grad, got[name])


def test_a_training_in_chunks_is_the_same_training(model, seen, bound):
    def trained():
        return train(model, tokenizer(), TEXTS, training(steps=4), stream(0, "order"))

    before, curve = trained()
    assert max(seen) > 3 * TOKENS
    seen.clear()
    bound()
    after, again = trained()
    assert 1 <= min(seen) <= max(seen) <= TOKENS
    for one, other in zip(curve, again, strict=True):
        assert other.loss_nats == pytest.approx(one.loss_nats, rel=1e-4)
        assert other.tokens == one.tokens
        assert other.gradient_norm == pytest.approx(one.gradient_norm, rel=1e-3)
    # not weight by weight: AdamW takes a whole step along a gradient that is nothing but rounding
    nll = [likelihood(one, tokenizer(), TEXTS).nll_nats for one in (before, after)]
    np.testing.assert_allclose(nll[1], nll[0], rtol=1e-3)


def test_likelihoods_in_chunks_are_the_same(model, seen, bound):
    rare = np.arange(VOCABULARY) % 3 == 0
    texts = [*TEXTS, "", "fox"]
    whole = likelihood(model, tokenizer(), texts, rare)
    assert max(seen) > 3 * TOKENS
    seen.clear()
    bound()
    chunked = likelihood(model, tokenizer(), texts, rare)
    assert max(seen) <= TOKENS
    for field in FIELDS:
        np.testing.assert_allclose(getattr(chunked, field), getattr(whole, field), rtol=1e-5)


def test_class_statistics_in_chunks_are_the_same(model, seen, bound):
    whole = class_statistics(model, tokenizer(), TEXTS, 5)
    seen.clear()
    bound()
    chunked = class_statistics(model, tokenizer(), TEXTS, 5)
    assert max(seen) <= TOKENS
    assert whole["ids"].size > 3
    for name, values in whole.items():
        np.testing.assert_allclose(chunked[name], values, rtol=1e-5, atol=1e-6)


def test_loss_and_gradient_of_scores_by_hand():
    scores = torch.tensor([[1.0, 1.0], [1.0, 3.0]]).log()
    loss, gradient = cross_entropy._loss_and_gradient(scores, torch.tensor([1, 0]), 2.0)
    # shares are 1/2 1/2 and 1/4 3/4; one token has the loss ln 2, the other ln 4
    assert float(loss) == pytest.approx(np.log(8.0), rel=1e-6)
    torch.testing.assert_close(gradient, torch.tensor([[0.25, -0.25], [-0.375, 0.375]]))
    assert scores[1, 1] == pytest.approx(np.log(3.0))  # as the model's head may still need them


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("way", ["_backward_on_cpu", "_backward_by_torch"])
def test_loss_and_gradient_of_scores_are_torchs(dtype, way, monkeypatch):
    monkeypatch.setattr(cross_entropy, "CACHED", 3 * VOCABULARY)
    generator = torch.Generator().manual_seed(0)
    scores = (40 * torch.randn(20, VOCABULARY, generator=generator)).to(dtype).requires_grad_()
    targets = torch.randint(VOCABULARY, (20,), generator=generator)
    exact = scores.detach().double().requires_grad_()
    expected = torch.nn.functional.cross_entropy(exact, targets, reduction="sum")
    (expected / 5.0).backward()
    loss = getattr(cross_entropy, way)(scores, targets, 5.0)
    assert scores.grad.dtype == dtype
    assert not loss.requires_grad
    assert float(loss) == pytest.approx(float(expected.detach()), rel=1e-6)
    room = 1e-6 if dtype == torch.float32 else 0.2 * 2**-8
    torch.testing.assert_close(scores.grad.double(), exact.grad, atol=room, rtol=0)


def test_a_gpus_way_has_the_gradient_of_the_whole(model, monkeypatch):
    whole, expected = gradients(model, False, monkeypatch)
    monkeypatch.setattr(cross_entropy, "_backward_on_cpu", cross_entropy._backward_by_torch)
    loss, got = gradients(model, True, monkeypatch)
    assert loss == pytest.approx(whole, rel=1e-6)
    for name, gradient in expected.items():
        torch.testing.assert_close(got[name], gradient, atol=1e-4, rtol=1e-3)


def test_a_training_has_parts_of_one_size(monkeypatch):
    monkeypatch.setattr(cross_entropy, "MOST_TRAINED", 7 * 10 * 4)
    monkeypatch.setattr(cross_entropy, "MOST_SCORES", 10)

    class Plain:
        vocabulary, linear, sizes = 10, False, []

        def logits(self, hidden):
            self.sizes.append(len(hidden))
            return hidden

    head, hidden = Plain(), torch.zeros(22, 10, requires_grad=True)
    loss = backward(head, hidden * 1.0, torch.zeros(22, dtype=torch.int64), 1.0)
    assert head.sizes == [6, 6, 6, 4]
    assert float(loss) == pytest.approx(22 * np.log(10), rel=1e-6)
    torch.testing.assert_close(hidden.grad[:, 0], torch.full((22,), -0.9))


def test_a_loss_that_is_no_number_is_one_in_chunks_too(model, bound):
    bound()
    with torch.no_grad():
        model.unembedding()[3] = float("nan")
    rows = ids(3, 12)
    hidden = model.hidden(rows[:, :-1]).flatten(0, 1).detach().requires_grad_(True)
    assert np.isnan(float(backward(model, hidden, rows[:, 1:].flatten(), 5.0)))
