"""Beams against those of `transformers`, and against a search of everything."""

from functools import partial
from itertools import product

import numpy as np
import pytest
import torch

from palimpsest.core.rng import uniforms
from palimpsest.lm.generation import generate
from tests.lm.tiny import Fixed, pair, sampling, tokenizer

END = 0
NOISE = partial(uniforms, 7, "generate", 1)


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    """A model of `transformers` and ours; random scores of a spread at which parameters matter."""
    return pair("gpt2", tmp_path_factory.mktemp("gpt2"), seed=3)


@pytest.mark.parametrize("beams", [2, 3, 4])
@pytest.mark.parametrize(("seed", "likely"), [(1, 1.5), (1, 2.0), (3, 1.5), (3, 2.0)])
def test_beams_write_what_those_of_transformers_write(beams, seed, likely, tmp_path):
    model, ours = pair("gpt2", tmp_path, seed=seed)
    with torch.no_grad():  # along the last bias: end-of-text is likely everywhere
        for weights in (model.transformer.wte.weight, ours.unembedding()):
            weights[END] = likely * model.transformer.ln_f.bias
    prompts = [*tokenizer().encode(["The fox", "The otter of", "hill"]), []]
    params = sampling(strategy="beam", beams=beams, max_new_tokens=8, padding="left")
    got = generate(ours, tokenizer(), prompts, params, NOISE)
    alone = generate(ours, tokenizer(), prompts, params.changed(batch_size=1), NOISE)
    assert got == alone
    for prompt, written in zip(prompts, got, strict=True):
        rows = torch.tensor([[END, *prompt]])
        out = model.generate(
            rows, num_beams=beams, do_sample=False, max_new_tokens=8, pad_token_id=END
        )
        expected = out[0, rows.shape[1] :].tolist()
        assert written == (expected[: expected.index(END)] if END in expected else expected)


def test_beams_find_what_greed_misses():
    # 1 looks better at first (0.6), but its heirs share; 2 (0.4) is surely followed by 3
    rows = [[1e-9, 0.6, 0.4, 1e-9], [0.3, 0.3, 0.2, 0.2], [1e-9, 1e-9, 1e-9, 1], [1, 0, 0, 0]]
    model = Fixed(torch.tensor(rows).clamp(min=1e-9).log())
    assert generate(model, tokenizer(), [[]], sampling(strategy="beam", beams=3), NOISE) == [[2, 3]]
    greedy = sampling(strategy="greedy", max_new_tokens=2)
    assert generate(model, tokenizer(), [[]], greedy, NOISE)[0][0] == 1


def test_beams_obey_the_penalty_and_the_end():
    # log-probabilities are negative: a seen token's doubles
    model = Fixed(torch.tensor([[0.1, 0.5, 0.4]] * 3).log())
    params = partial(sampling, strategy="beam", beams=2, max_new_tokens=3, stop_at_end=False)
    assert generate(model, tokenizer(), [[]], params(), NOISE) == [[1, 1, 1]]
    assert set(generate(model, tokenizer(), [[1]], params(repetition_penalty=9.0), NOISE)[0]) == {
        1,
        2,
    }


@pytest.mark.parametrize("padding", ["none", "left"])
def test_beams_do_not_depend_on_the_batch(models, padding):
    _, ours = models
    prompts = tokenizer().encode(
        ["The fox", "", "The heron of the hill", "", "river", "old forest near"]
    )
    params = partial(sampling, strategy="beam", beams=3, padding=padding, max_new_tokens=6)
    expected = generate(ours, tokenizer(), prompts, params(batch_size=1), NOISE)
    assert generate(ours, tokenizer(), prompts, params(batch_size=8), NOISE) == expected


@pytest.mark.parametrize("seed", range(6))
def test_beams_wide_enough_find_the_best_of_all_texts(seed):
    """Against every text of at most three tokens: the highest mean log-probability a token."""
    table = np.random.default_rng(seed).normal(0, 2, (4, 4))
    logp = table - np.log(np.exp(table).sum(axis=1, keepdims=True))
    best = {}
    for length in range(4):
        for text in product([1, 2, 3], repeat=length):
            whole = (*text, END) if length < 3 else text
            steps = zip((tokenizer().start, *whole[:-1]), whole, strict=True)
            best[text] = np.mean([logp[step] for step in steps])
    params = sampling(strategy="beam", beams=27, max_new_tokens=3)
    got = generate(Fixed(table), tokenizer(), [[]], params, NOISE)
    assert tuple(got[0]) == max(best, key=best.get)
