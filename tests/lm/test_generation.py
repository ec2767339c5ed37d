"""Every parameter of sampling does what it says; a document depends on nothing but itself."""

from functools import partial

import numpy as np
import pytest
import torch

from palimpsest.core.errors import ModelError, ParamsError
from palimpsest.core.resume import NOTHING_KEPT, Checkpoints
from palimpsest.core.rng import uniforms
from palimpsest.lm import generation
from palimpsest.lm.generation import generate
from tests.lm.tiny import Fixed, pair, sampling, theirs, tokenizer
from tests.unfinished import stopped, taken_up

END = 0
NOISE = partial(uniforms, 7, "generate", 1)


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    """A model of `transformers` and ours; random scores of a spread at which parameters matter."""
    return pair("gpt2", tmp_path_factory.mktemp("gpt2"), seed=3)


@pytest.mark.parametrize("strategy", ["sample", "greedy", "beam"])
@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
def test_scores_that_are_no_numbers_are_an_error(strategy, bad):
    model = Fixed([[0.0, 1.0, bad], [0.0] * 3, [0.0] * 3])
    with pytest.raises(ModelError, match="the model's scores: want numbers, got NaN or infinity"):
        generate(model, tokenizer(), [[]], sampling(strategy=strategy, beams=2), NOISE)


def test_repetition_penalty_by_hand():
    # token 1 begins; seen tokens' scores are halved, negative ones doubled
    table = [[0.0] * 4, [-9, 4.0, 3.0, 1.0], [-9, 4.0, 3.0, 1.0], [-9, 4.0, 3.0, 1.0]]
    model = Fixed(table)
    greedy = partial(sampling, strategy="greedy", max_new_tokens=4)
    assert generate(model, tokenizer(), [[1]], greedy(), NOISE) == [[1, 1, 1, 1]]
    # 1 is in the prompt: 4 -> 2, so 2 wins with 3; then 1: 2 beats 2: 1.5 and 3: 1
    punished = generate(model, tokenizer(), [[1]], greedy(repetition_penalty=2.0), NOISE)
    assert punished == [[2, 1, 1, 1]]
    # divided by 5, once said: 3 (0.8, 3, 1), then 1.0 (0.8, 0.6, 1), then 0.8
    assert generate(model, tokenizer(), [[1]], greedy(repetition_penalty=5.0), NOISE) == [
        [2, 3, 1, 1]
    ]
    below = Fixed([[-5, -5, -1.0, -1.5]] * 4)
    assert generate(below, tokenizer(), [[]], greedy(repetition_penalty=2.0), NOISE) == [
        [2, 3, 2, 2]
    ]
    # the start token is no part of the row: where it is the end too, ends are not punished
    ending = Fixed([[3.0, 2.0, 0, 0]] * 4)
    assert generate(ending, tokenizer(), [[]], greedy(repetition_penalty=2.0), NOISE) == [[]]


def test_repetition_penalty_counts_each_row_for_itself_when_rows_end():
    # 1 -> end; 2 -> 3 -> 2 ..., unless 2 is punished: then 1, and the end
    table = [[0, 0, 0, 0], [9, 0, 0, 0], [0, 0, 0, 5.0], [0, 2.0, 3.0, 0]]
    model = Fixed(table)
    prompts = [[1], [2], [1], [1]]
    params = sampling(strategy="greedy", repetition_penalty=2.0, max_new_tokens=6)
    assert generate(model, tokenizer(), prompts, params, NOISE) == [[], [3, 1], [], []]


def test_greedy_is_top_k_one_and_what_transformers_writes(models):
    theirs_, ours = models
    prompts = tokenizer().encode(["The fox", "The heron of", "river"])
    params = sampling(strategy="greedy", max_new_tokens=20)
    got = generate(ours, tokenizer(), prompts, params, NOISE)
    for prompt, written in zip(prompts, got, strict=True):
        rows = torch.tensor([[END, *prompt]])
        out = theirs_.generate(rows, do_sample=False, max_new_tokens=20, pad_token_id=END)
        expected = out[0, rows.shape[1] :].tolist()
        assert written == (expected[: expected.index(END)] if END in expected else expected)
    assert len({tuple(text) for text in got}) == 3
    assert generate(ours, tokenizer(), prompts, sampling(top_k=1, max_new_tokens=20), NOISE) == got
    one = sampling(strategy="beam", beams=1, max_new_tokens=20)
    assert generate(ours, tokenizer(), prompts, one, NOISE) == got


def test_a_text_stops_at_its_end_or_never_writes_it(models):
    _, ours = models
    prompts = [[]] * 40
    open_end = sampling(stop_at_end=False, max_new_tokens=30, batch_size=40)
    texts = generate(ours, tokenizer(), prompts, open_end, NOISE)
    assert {len(text) for text in texts} == {30}
    assert all(END not in text for text in texts)
    model = Fixed(torch.tensor([[0.2, 0.4, 0.4]] * 3).log())
    texts = generate(model, tokenizer(), [[]] * 200, sampling(batch_size=200), NOISE)
    lengths = [len(text) for text in texts]
    assert min(lengths) == 0
    assert max(lengths) == 12
    assert np.mean(lengths) == pytest.approx(sum(0.8**k for k in range(1, 13)), abs=0.6)
    assert all(END not in text for text in texts)


def test_a_gpu_is_looked_at_now_and_then_and_the_texts_are_the_same(models, monkeypatch):
    _, ours = models
    params = sampling(max_new_tokens=30, batch_size=40)
    at_once = generate(ours, tokenizer(), [[]] * 40, params, NOISE)
    assert len({len(text) for text in at_once}) > 3  # some end early
    monkeypatch.setattr(generation, "look_every", lambda device: 8)
    assert generate(ours, tokenizer(), [[]] * 40, params, NOISE) == at_once


def test_texts_are_no_longer_than_asked_and_hold_no_prompt(models):
    _, ours = models
    prompts = tokenizer().encode(["The fox of the hill"])
    texts = generate(
        ours, tokenizer(), prompts, sampling(max_new_tokens=3, stop_at_end=False), NOISE
    )
    assert [len(text) for text in texts] == [3]
    longer = generate(
        ours, tokenizer(), prompts, sampling(max_new_tokens=9, stop_at_end=False), NOISE
    )
    assert longer[0][:3] == texts[0]


def test_temperature_raises_the_entropy_of_what_is_written(models):
    _, ours = models
    kinds = []
    for temperature in (0.2, 1.0, 5.0):
        params = sampling(temperature=temperature, stop_at_end=False, batch_size=16)
        texts = generate(ours, tokenizer(), [[]] * 16, params, NOISE)
        kinds.append(len({token for text in texts for token in text}))
    assert kinds[0] < kinds[1] < kinds[2]


MIXED = ["The fox", "", "The heron of the hill", "", "river", "The fox", "old forest near", "a"]


@pytest.mark.parametrize("padding", ["none", "left"])
@pytest.mark.parametrize("changes", [{}, {"repetition_penalty": 1.3}, {"top_k": 20, "top_p": 0.9}])
def test_a_document_does_not_depend_on_its_batch(models, padding, changes):
    _, ours = models
    prompts = tokenizer().encode(MIXED)
    alone = generate(ours, tokenizer(), prompts, sampling(batch_size=1, **changes), NOISE)
    assert len({tuple(text) for text in alone}) == len(alone)
    for batch_size in (3, 8):
        params = sampling(batch_size=batch_size, padding=padding, **changes)
        assert generate(ours, tokenizer(), prompts, params, NOISE) == alone


def test_a_document_does_not_depend_on_the_order(models):
    _, ours = models
    prompts = tokenizer().encode(MIXED)
    texts = generate(ours, tokenizer(), prompts, sampling(), NOISE)

    def backwards(items, width):
        return NOISE([len(prompts) - 1 - item for item in items], width)

    assert generate(ours, tokenizer(), prompts[::-1], sampling(), backwards) == texts[::-1]


def test_only_unequal_prompts_that_may_be_padded_share_a_batch(models):
    _, ours = models
    prompts = [[5], [5, 6], [5], [5, 6, 7]]
    batches: list[int] = []
    generate(ours, tokenizer(), prompts, sampling(), NOISE, batches.append)
    assert batches == [2, 1, 1]
    batches.clear()
    generate(ours, tokenizer(), prompts, sampling(padding="left"), NOISE, batches.append)
    assert batches == [4]
    batches.clear()
    generate(ours, tokenizer(), [[]] * 5, sampling(batch_size=2), NOISE, batches.append)
    assert batches == [2, 2, 1]


def test_padding_on_the_right_is_read_as_text(models):
    """The published fault, by hand: as if the shorter prompt ended in end-of-text itself."""
    short, long = tokenizer().encode(["fox", "The heron of"])
    params = sampling(strategy="greedy", padding="right", stop_at_end=False)
    got = generate(models[1], tokenizer(), [short, long], params, NOISE)
    filled = [*short, *[END] * (len(long) - len(short))]
    plain = sampling(strategy="greedy", stop_at_end=False)
    assert got == generate(models[1], tokenizer(), [filled, long], plain, NOISE)
    assert got[0] != generate(models[1], tokenizer(), [short], plain, NOISE)[0]
    assert generate(models[1], tokenizer(), [long], params, NOISE)[0] == got[1]


def test_the_seed_decides(models):
    _, ours = models
    texts = [
        generate(ours, tokenizer(), [[]] * 3, sampling(), partial(uniforms, seed, "generate", 1))
        for seed in (1, 1, 2)
    ]
    assert texts[0] == texts[1] != texts[2]


def test_no_prompts_no_texts(models):
    assert generate(models[1], tokenizer(), [], sampling(), NOISE) == []


def test_a_text_must_fit_the_context(models):
    _, ours = models
    fits = sampling(max_new_tokens=60, strategy="greedy", stop_at_end=False)
    assert len(generate(ours, tokenizer(), [[5, 6, 7]], fits, NOISE)[0]) == 60
    message = r"generate.max_new_tokens: want at most 60 \(context 64 less start and prompt of 3\)"
    with pytest.raises(ParamsError, match=f"{message}, got 61"):
        generate(ours, tokenizer(), [[], [5, 6, 7]], sampling(max_new_tokens=61), NOISE)


def test_the_model_class_matters_not(models, tmp_path):
    from palimpsest.lm.hub import HubModel

    _, ours = models
    hub = HubModel(theirs("gpt2", seed=3))
    prompts = tokenizer().encode(MIXED)
    for changes in ({}, {"strategy": "beam", "beams": 2}, {"padding": "left"}):
        params = sampling(max_new_tokens=8, **changes)
        assert generate(hub, tokenizer(), prompts, params, NOISE) == generate(
            ours, tokenizer(), prompts, params, NOISE
        )


PROMPTS = [[5], [6, 7], [], [8], [9, 10, 11], [12], [13, 14]]
"""Of four lengths: four batches, of two documents at the most."""


def writer(model, noise=NOISE, prompts=PROMPTS, **changes):
    """Generation as a function of where its state is kept."""
    params = sampling(batch_size=2, **changes)
    return lambda kept: generate(model, tokenizer(), prompts, params, noise, kept=kept)


@pytest.mark.parametrize(
    "changes", [{}, {"strategy": "beam", "beams": 2}, {"strategy": "greedy"}], ids=str
)
def test_generation_that_was_stopped_writes_the_same_texts(changes, models, tmp_path):
    work = writer(models[1], **changes)
    whole = work(NOTHING_KEPT)
    assert any(whole)
    for last in range(1, 6):
        stopped(work, tmp_path / f"g{last:02d}", last)
        assert taken_up(work, tmp_path / f"g{last:02d}") == (whole, 5 - last)


def test_the_bar_shows_what_was_kept(models, tmp_path):
    stopped(writer(models[1]), tmp_path / "g01", 3)
    seen = []
    kept = Checkpoints(tmp_path / "g01")
    params = sampling(batch_size=2)
    generate(models[1], tokenizer(), PROMPTS, params, NOISE, seen.append, kept)
    assert seen == [1, 2, 1, 2, 1]


@pytest.mark.parametrize(
    "changes",
    [
        {"temperature": 0.5},
        {"max_new_tokens": 11},
        {"noise": partial(uniforms, 8, "generate", 1)},
        {"noise": partial(uniforms, 7, "generate", 2)},
        {"prompts": [*PROMPTS[:-1], [13, 15]]},
    ],
    ids=["temperature", "length", "seed", "generation", "prompts"],
)
def test_texts_of_other_parameters_are_never_taken(changes, models, tmp_path):
    stopped(writer(models[1]), tmp_path / "g01", 3)
    work = writer(models[1], **changes)
    assert taken_up(work, tmp_path / "g01") == (work(NOTHING_KEPT), 5)


def test_texts_of_another_author_are_never_taken(models, tmp_path):
    stopped(writer(models[1]), tmp_path / "g01", 3)
    other = models[1].to(torch.float32, torch.device("cpu"))
    other.unembedding()[0, 0] += 1e-6
    assert taken_up(writer(other), tmp_path / "g01")[1] == 5
