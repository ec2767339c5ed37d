"""Every family of `transformers` through this project: the same texts, likelihoods and weights."""

import numpy as np
import pytest
import torch
import transformers
from safetensors.torch import load_file

from palimpsest.core.errors import ModelError
from palimpsest.core.rng import stream
from palimpsest.lm.checkpoint import initial_model, load_model_and_tokenizer, save_model
from palimpsest.lm.generation import generate
from palimpsest.lm.hub import HubModel, RereadingDecoder
from palimpsest.lm.scoring import likelihood
from palimpsest.lm.training import train
from tests.lm.architectures import FAMILIES, random_model
from tests.lm.tiny import TEXTS, model_params, sampling, saved, scores, tokenizer, training

WITHOUT_CACHE = {"OpenAIGPT", "RecurrentGemma", "MiniMax", "Rwkv"}
"""Families whose cache is not the library's common one: every step reads the text again."""
GREEDY = sampling(strategy="greedy", max_new_tokens=10, padding="left", stop_at_end=False)


@pytest.fixture(params=FAMILIES)
def family(request, tmp_path):
    """Its name, the library's model, and ours from the same folder."""
    random = random_model(request.param)
    folder = saved(random, tmp_path / "theirs")
    theirs = type(random).from_pretrained(str(folder)).eval()
    ours, _ = load_model_and_tokenizer(folder, device="cpu")
    return request.param, theirs, ours


@torch.no_grad()
def their_scores(model, row):
    return model(torch.tensor([row]), use_cache=False).logits[0].float()


def their_greedy_text(model, row):
    row = list(row)
    for _ in range(GREEDY.max_new_tokens):
        scores = their_scores(model, row)[-1]
        scores[tokenizer().end] = -torch.inf
        row.append(int(scores.argmax()))
    return row[-GREEDY.max_new_tokens :]


def test_likelihood_greedy_text_and_saved_weights_are_the_librarys(family, tmp_path):
    name, theirs, ours = family
    row = tokenizer().documents(TEXTS[:1])[0]
    logits = their_scores(theirs, row)
    torch.testing.assert_close(scores(ours, torch.tensor([row]))[0], logits, atol=1e-4, rtol=1e-4)
    expected = []
    for document in tokenizer().documents(TEXTS[:4]):
        logp = their_scores(theirs, document[:-1]).log_softmax(dim=1)
        expected.append(-float(logp.gather(1, torch.tensor(document[1:])[:, None]).sum()))
    np.testing.assert_allclose(likelihood(ours, tokenizer(), TEXTS[:4]).nll_nats, expected, 1e-5)

    prompts = tokenizer().encode(["The fox", "The otter of the"])
    texts = generate(ours, tokenizer(), prompts, GREEDY, lambda rows, width: np.zeros((2, width)))
    starts = [[tokenizer().start, *prompt] for prompt in prompts]
    assert texts == [their_greedy_text(theirs, start) for start in starts]
    if isinstance(ours, HubModel):
        assert (ours.cached, ours.cached_padding) == (name not in WITHOUT_CACHE,) * 2

    (tmp_path / "ours").mkdir()
    save_model(ours, tokenizer(), tmp_path / "ours")
    again = load_file(tmp_path / "ours" / "model.safetensors")
    before = load_file(tmp_path / "theirs" / "model.safetensors")
    assert again.keys() == before.keys()
    for key, weight in before.items():
        torch.testing.assert_close(again[key], weight, atol=0, rtol=0)


def test_what_was_learned_is_saved_and_loaded(family, tmp_path):
    _, _, ours = family
    trained, curve = train(ours, tokenizer(), TEXTS, training(), stream(0, "order"))
    before, after = ours.parameters(), trained.parameters()
    assert all(np.isfinite(step.loss_nats) for step in curve)
    assert any(not torch.equal(before[key], after[key]) for key in before)
    (tmp_path / "ours").mkdir()
    save_model(trained, tokenizer(), tmp_path / "ours")
    again, _ = load_model_and_tokenizer(tmp_path / "ours", device="cpu")
    nll = likelihood(trained, tokenizer(), TEXTS[:4]).nll_nats
    np.testing.assert_array_equal(likelihood(again, tokenizer(), TEXTS[:4]).nll_nats, nll)


def test_a_cache_that_disagrees_is_not_used(tmp_path, monkeypatch):
    folder = saved(random_model("Mistral"), tmp_path)
    whole = transformers.DynamicCache.update

    def forgetful(self, keys, values, layer, *rest, **more):
        keys, values = whole(self, keys, values, layer, *rest, **more)
        return keys * 0.5, values

    monkeypatch.setattr(transformers.DynamicCache, "update", forgetful)
    ours, _ = load_model_and_tokenizer(folder, device="cpu")
    assert not ours.cached
    assert isinstance(ours.decoder(1, 9), RereadingDecoder)


def test_scores_that_do_not_come_from_the_last_hidden_state_are_refused(tmp_path, monkeypatch):
    folder = saved(random_model("GPTNeoX"), tmp_path)
    forward = transformers.GPTNeoXForCausalLM.forward

    def mixed(self, *args, **more):
        out = forward(self, *args, **more)
        if args:  # the whole model; the head alone is given hidden states
            out.logits = out.logits + 1e-2 * out.logits.roll(1, dims=-1)
        return out

    monkeypatch.setattr(transformers.GPTNeoXForCausalLM, "forward", mixed)
    with pytest.raises(ModelError, match="got scores that are not its head's over its last hidd"):
        load_model_and_tokenizer(folder, device="cpu")


@pytest.mark.parametrize(("name", "said"), [("OpenAIGPT", 1), ("Mamba", 0)])
def test_who_has_no_cache_is_told_before_any_work(name, said, tmp_path, caplog):
    folder = saved(random_model(name), tmp_path)
    initial_model(model_params(source=str(folder)), TEXTS, 0)
    notes = [record.getMessage() for record in caplog.records]
    assert notes == ["openai-gpt has no cache that can be used: it will write slowly"] * said
