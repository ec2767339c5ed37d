"""Hidden states of whole texts and of their last tokens, against a plain pass."""

import numpy as np
import pytest
import torch

from palimpsest.lm import likelihood as batching
from palimpsest.lm.hidden_states import last_states, visit_hidden
from palimpsest.lm.likelihood import likelihood
from tests.lm.tiny import TEXTS, pair, tokens


@pytest.fixture(params=["gpt2", "llama"])
def model(request, tmp_path):
    return pair(request.param, tmp_path)[1]


def plain(model, ids):
    with torch.inference_mode():
        return model.hidden(torch.tensor([ids]))[0].numpy()


@pytest.mark.parametrize("positions", [30, 8192])
def test_every_state_of_the_likelihood_pass_in_its_order(model, positions, monkeypatch):
    monkeypatch.setattr(batching, "BATCH_TOKENS", positions)
    texts = [*TEXTS, "", " ".join(TEXTS[:9])]
    got, expected = [], []
    visit_hidden(model, tokens(), texts, lambda hidden: got.append(hidden.numpy().copy()))
    likelihood(
        model, tokens(), texts, None, lambda hidden, *_: expected.append(hidden.numpy().copy())
    )
    assert [len(part) for part in got] == [len(part) for part in expected]
    np.testing.assert_allclose(np.concatenate(got), np.concatenate(expected), rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("positions", [30, 8192])
def test_the_last_token_of_each_text(model, positions, monkeypatch):
    monkeypatch.setattr(batching, "BATCH_TOKENS", positions)
    texts = [TEXTS[0], "fox", "", " ".join(TEXTS[:3])]
    got = last_states(model, tokens(), texts)
    assert got.dtype == np.float32
    for row, ids in zip(got, tokens().encode(texts), strict=True):
        expected = plain(model, [tokens().start, *ids])[-1]
        np.testing.assert_allclose(row, expected, rtol=1e-4, atol=1e-5)


def test_of_a_text_longer_than_the_context_the_end_is_read(model):
    text = " ".join(TEXTS[:9])
    (ids,) = tokens().encode([text])
    assert len(ids) > model.context
    (row,) = last_states(model, tokens(), [text])
    expected = plain(model, ids[-model.context :])[-1]
    np.testing.assert_allclose(row, expected, rtol=1e-4, atol=1e-5)


def test_what_follows_the_slot_changes_nothing(model):
    """Why carriers end at their slot: the model is causal."""
    (ids,) = tokens().encode([TEXTS[0]])
    whole = plain(model, [tokens().start, *ids])
    (row,) = last_states(model, tokens(), [tokens().decode([ids[:4]])[0]])
    np.testing.assert_allclose(row, whole[4], rtol=1e-4, atol=1e-5)


def test_no_texts(model):
    assert last_states(model, tokens(), []).shape == (0, model.output_rows().shape[1])
