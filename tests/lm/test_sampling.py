"""Every dial of sampling does what it says; a document depends on nothing but itself."""

from dataclasses import replace
from functools import partial

import numpy as np
import pytest
import torch

from palimpsest.errors import ModelError, ParamsError
from palimpsest.lm.sampling import choose, write
from palimpsest.randomness import uniforms
from tests.lm.tiny import pair, sampling, theirs, tokens

END = 0
NOISE = partial(uniforms, 7, "generate", 1)
SCORES = torch.tensor([[0.5, 0.05, 0.3, 0.15]]).log()
"""Ranks: token 0, 2, 3, 1."""


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    """A model of `transformers` and ours; random scores of a spread at which dials matter."""
    return pair("gpt2", tmp_path_factory.mktemp("gpt2"), seed=3)


def drawn(scores=SCORES, **changes) -> list[float]:
    """Share of each token over evenly spread uniform numbers: its probability, to 1/1000."""
    noise = (torch.arange(1000, dtype=torch.float64) + 0.5) / 1000
    picked = choose(scores.expand(1000, -1), noise, sampling(**changes))
    return (torch.bincount(picked, minlength=scores.shape[1]) / 1000).tolist()


class Fixed:
    """A model whose scores depend on the last token alone: one row of a table each."""

    context = 64
    device, dtype = torch.device("cpu"), torch.float32

    def __init__(self, table):
        self.table = torch.as_tensor(table, dtype=torch.float32)
        self.vocabulary = self.table.shape[1]

    def decoder(self, batch, length, padding_B=None):
        return self

    def step(self, ids_BT):
        return self.table[ids_BT[:, -1]]

    def keep(self, rows):
        pass


def test_sampling_draws_from_the_models_distribution():
    assert drawn() == pytest.approx([0.5, 0.05, 0.3, 0.15], abs=0.002)


def test_temperature_by_hand():
    # at 1/2 the probabilities are squared: 0.25, 0.0025, 0.09, 0.0225 of 0.365
    cold = [0.25 / 0.365, 0.0025 / 0.365, 0.09 / 0.365, 0.0225 / 0.365]
    assert drawn(temperature=0.5) == pytest.approx(cold, abs=0.002)
    hot = np.sqrt([0.5, 0.05, 0.3, 0.15])
    assert drawn(temperature=2.0) == pytest.approx(list(hot / hot.sum()), abs=0.002)


@pytest.mark.parametrize(
    ("dial", "expected"),
    [
        ({"top_k": 1}, [1, 0, 0, 0]),
        ({"top_k": 2}, [5 / 8, 0, 3 / 8, 0]),
        ({"top_k": 9}, [0.5, 0.05, 0.3, 0.15]),
        ({"top_p": 0.3}, [1, 0, 0, 0]),
        ({"top_p": 0.7}, [5 / 8, 0, 3 / 8, 0]),
        ({"top_p": 0.9}, [50 / 95, 0, 30 / 95, 15 / 95]),
        ({"min_p": 0.2}, [50 / 95, 0, 30 / 95, 15 / 95]),
        ({"min_p": 0.5}, [5 / 8, 0, 3 / 8, 0]),
        ({"min_p": 1.0}, [1, 0, 0, 0]),
        # of the three best, top-p 0.9 needs 50 + 30 of 95 and a part of the third
        ({"top_k": 3, "top_p": 0.8}, [5 / 8, 0, 3 / 8, 0]),
        # temperature comes first: squared, the first token holds 0.685
        ({"temperature": 0.5, "top_p": 0.6}, [1, 0, 0, 0]),
        ({"temperature": 0.5, "min_p": 0.4}, [1, 0, 0, 0]),
        ({"strategy": "greedy"}, [1, 0, 0, 0]),
    ],
)
def test_filters_by_hand(dial, expected):
    assert drawn(**dial) == pytest.approx(expected, abs=0.002)


@pytest.mark.parametrize(
    "dial", [{}, {"top_k": 7}, {"top_p": 0.8}, {"min_p": 0.1}, {"top_k": 20, "top_p": 0.5}]
)
def test_filters_equal_those_of_transformers(dial):
    from transformers import (
        LogitsProcessorList,
        MinPLogitsWarper,
        TemperatureLogitsWarper,
        TopKLogitsWarper,
        TopPLogitsWarper,
    )

    scores = 2 * torch.randn(1, 40, generator=torch.Generator().manual_seed(0))
    chain = [TemperatureLogitsWarper(0.7)]
    if "top_k" in dial:
        chain.append(TopKLogitsWarper(dial["top_k"]))
    if "top_p" in dial:
        chain.append(TopPLogitsWarper(dial["top_p"]))
    if "min_p" in dial:
        chain.append(MinPLogitsWarper(dial["min_p"]))
    expected = LogitsProcessorList(chain)(None, scores).softmax(dim=1)[0].tolist()
    assert drawn(scores, temperature=0.7, **dial) == pytest.approx(expected, abs=0.002)


def test_the_highest_noise_draws_no_filtered_token():
    last = torch.tensor([1 - 2**-53], dtype=torch.float64)
    assert choose(SCORES, last, sampling(top_k=3)).item() == 3
    assert choose(SCORES, last, sampling(top_p=0.7)).item() == 2
    assert choose(SCORES, last, sampling(min_p=0.5)).item() == 2


@pytest.mark.parametrize("strategy", ["sample", "greedy", "beam"])
@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
def test_scores_that_are_no_numbers_are_an_error(strategy, bad):
    model = Fixed([[0.0, 1.0, bad], [0.0] * 3, [0.0] * 3])
    with pytest.raises(ModelError, match="the model's scores: want numbers, got NaN or infinity"):
        write(model, tokens(), [[]], sampling(strategy=strategy, beams=2), NOISE)


def test_repetition_penalty_by_hand():
    # token 1 begins; seen tokens' scores are halved, negative ones doubled
    table = [[0.0] * 4, [-9, 4.0, 3.0, 1.0], [-9, 4.0, 3.0, 1.0], [-9, 4.0, 3.0, 1.0]]
    model = Fixed(table)
    greedy = partial(sampling, strategy="greedy", max_new_tokens=4)
    assert write(model, tokens(), [[1]], greedy(), NOISE) == [[1, 1, 1, 1]]
    # 1 is in the prompt: 4 -> 2, so 2 wins with 3; then 1: 2 beats 2: 1.5 and 3: 1
    punished = write(model, tokens(), [[1]], greedy(repetition_penalty=2.0), NOISE)
    assert punished == [[2, 1, 1, 1]]
    # divided by 5, once said: 3 (0.8, 3, 1), then 1.0 (0.8, 0.6, 1), then 0.8
    assert write(model, tokens(), [[1]], greedy(repetition_penalty=5.0), NOISE) == [[2, 3, 1, 1]]
    below = Fixed([[-5, -5, -1.0, -1.5]] * 4)
    assert write(below, tokens(), [[]], greedy(repetition_penalty=2.0), NOISE) == [[2, 3, 2, 2]]
    # the start token is no part of the row: where it is the end too, ends are not punished
    ending = Fixed([[3.0, 2.0, 0, 0]] * 4)
    assert write(ending, tokens(), [[]], greedy(repetition_penalty=2.0), NOISE) == [[]]


def test_repetition_penalty_counts_each_row_for_itself_when_rows_end():
    # 1 -> end; 2 -> 3 -> 2 ..., unless 2 is punished: then 1, and the end
    table = [[0, 0, 0, 0], [9, 0, 0, 0], [0, 0, 0, 5.0], [0, 2.0, 3.0, 0]]
    model = Fixed(table)
    prompts = [[1], [2], [1], [1]]
    params = sampling(strategy="greedy", repetition_penalty=2.0, max_new_tokens=6)
    assert write(model, tokens(), prompts, params, NOISE) == [[], [3, 1], [], []]


def test_greedy_is_top_k_one_and_what_transformers_writes(models):
    theirs_, ours = models
    prompts = tokens().encode(["The fox", "The heron of", "river"])
    params = sampling(strategy="greedy", max_new_tokens=20)
    got = write(ours, tokens(), prompts, params, NOISE)
    for prompt, written in zip(prompts, got, strict=True):
        rows = torch.tensor([[END, *prompt]])
        out = theirs_.generate(rows, do_sample=False, max_new_tokens=20, pad_token_id=END)
        expected = out[0, rows.shape[1] :].tolist()
        assert written == (expected[: expected.index(END)] if END in expected else expected)
    assert len({tuple(text) for text in got}) == 3
    assert write(ours, tokens(), prompts, sampling(top_k=1, max_new_tokens=20), NOISE) == got
    one = sampling(strategy="beam", beams=1, max_new_tokens=20)
    assert write(ours, tokens(), prompts, one, NOISE) == got


@pytest.mark.parametrize("beams", [2, 3, 4])
@pytest.mark.parametrize(("seed", "likely"), [(1, 1.5), (1, 2.0), (3, 1.5), (3, 2.0)])
def test_beams_write_what_those_of_transformers_write(beams, seed, likely, tmp_path):
    model, ours = pair("gpt2", tmp_path, seed=seed)
    with torch.no_grad():  # along the last bias: end-of-text is likely everywhere
        for weights in (model.transformer.wte.weight, ours.output_rows()):
            weights[END] = likely * model.transformer.ln_f.bias
    prompts = [*tokens().encode(["The fox", "The otter of", "hill"]), []]
    params = sampling(strategy="beam", beams=beams, max_new_tokens=8, padding="left")
    got = write(ours, tokens(), prompts, params, NOISE)
    alone = write(ours, tokens(), prompts, replace(params, batch_size=1), NOISE)
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
    assert write(model, tokens(), [[]], sampling(strategy="beam", beams=3), NOISE) == [[2, 3]]
    greedy = sampling(strategy="greedy", max_new_tokens=2)
    assert write(model, tokens(), [[]], greedy, NOISE)[0][0] == 1


def test_beams_obey_the_penalty_and_the_end():
    # log-probabilities are negative: a seen token's doubles
    model = Fixed(torch.tensor([[0.1, 0.5, 0.4]] * 3).log())
    params = partial(sampling, strategy="beam", beams=2, max_new_tokens=3, stop_at_end=False)
    assert write(model, tokens(), [[]], params(), NOISE) == [[1, 1, 1]]
    assert set(write(model, tokens(), [[1]], params(repetition_penalty=9.0), NOISE)[0]) == {1, 2}


def test_a_text_stops_at_its_end_or_never_writes_it(models):
    _, ours = models
    prompts = [[]] * 40
    open_end = sampling(stop_at_end=False, max_new_tokens=30, batch_size=40)
    texts = write(ours, tokens(), prompts, open_end, NOISE)
    assert {len(text) for text in texts} == {30}
    assert all(END not in text for text in texts)
    model = Fixed(torch.tensor([[0.2, 0.4, 0.4]] * 3).log())
    texts = write(model, tokens(), [[]] * 200, sampling(batch_size=200), NOISE)
    lengths = [len(text) for text in texts]
    assert min(lengths) == 0
    assert max(lengths) == 12
    assert np.mean(lengths) == pytest.approx(sum(0.8**k for k in range(1, 13)), abs=0.6)
    assert all(END not in text for text in texts)


def test_texts_are_no_longer_than_asked_and_hold_no_prompt(models):
    _, ours = models
    prompts = tokens().encode(["The fox of the hill"])
    texts = write(ours, tokens(), prompts, sampling(max_new_tokens=3, stop_at_end=False), NOISE)
    assert [len(text) for text in texts] == [3]
    longer = write(ours, tokens(), prompts, sampling(max_new_tokens=9, stop_at_end=False), NOISE)
    assert longer[0][:3] == texts[0]


def test_temperature_raises_the_entropy_of_what_is_written(models):
    _, ours = models
    kinds = []
    for temperature in (0.2, 1.0, 5.0):
        params = sampling(temperature=temperature, stop_at_end=False, batch_size=16)
        texts = write(ours, tokens(), [[]] * 16, params, NOISE)
        kinds.append(len({token for text in texts for token in text}))
    assert kinds[0] < kinds[1] < kinds[2]


MIXED = ["The fox", "", "The heron of the hill", "", "river", "The fox", "old forest near", "a"]


@pytest.mark.parametrize("padding", ["none", "left"])
@pytest.mark.parametrize("dial", [{}, {"repetition_penalty": 1.3}, {"top_k": 20, "top_p": 0.9}])
def test_a_document_does_not_depend_on_its_batch(models, padding, dial):
    _, ours = models
    prompts = tokens().encode(MIXED)
    alone = write(ours, tokens(), prompts, sampling(batch_size=1, **dial), NOISE)
    assert len({tuple(text) for text in alone}) == len(alone)
    for batch_size in (3, 8):
        params = sampling(batch_size=batch_size, padding=padding, **dial)
        assert write(ours, tokens(), prompts, params, NOISE) == alone


def test_a_document_does_not_depend_on_the_order(models):
    _, ours = models
    prompts = tokens().encode(MIXED)
    texts = write(ours, tokens(), prompts, sampling(), NOISE)

    def backwards(items, width):
        return NOISE([len(prompts) - 1 - item for item in items], width)

    assert write(ours, tokens(), prompts[::-1], sampling(), backwards) == texts[::-1]


@pytest.mark.parametrize("padding", ["none", "left"])
def test_beams_do_not_depend_on_the_batch(models, padding):
    _, ours = models
    prompts = tokens().encode(MIXED)
    params = partial(sampling, strategy="beam", beams=3, padding=padding, max_new_tokens=6)
    expected = write(ours, tokens(), prompts, params(batch_size=1), NOISE)
    assert write(ours, tokens(), prompts, params(batch_size=8), NOISE) == expected


def test_only_unequal_prompts_that_may_be_padded_share_a_batch(models):
    _, ours = models
    prompts = [[5], [5, 6], [5], [5, 6, 7]]
    batches: list[int] = []
    write(ours, tokens(), prompts, sampling(), NOISE, batches.append)
    assert batches == [2, 1, 1]
    batches.clear()
    write(ours, tokens(), prompts, sampling(padding="left"), NOISE, batches.append)
    assert batches == [4]
    batches.clear()
    write(ours, tokens(), [[]] * 5, sampling(batch_size=2), NOISE, batches.append)
    assert batches == [2, 2, 1]


def test_padding_on_the_right_is_read_as_text(models):
    """The published fault, by hand: as if the shorter prompt ended in end-of-text itself."""
    short, long = tokens().encode(["fox", "The heron of"])
    params = sampling(strategy="greedy", padding="right", stop_at_end=False)
    got = write(models[1], tokens(), [short, long], params, NOISE)
    filled = [*short, *[END] * (len(long) - len(short))]
    plain = sampling(strategy="greedy", stop_at_end=False)
    assert got == write(models[1], tokens(), [filled, long], plain, NOISE)
    assert got[0] != write(models[1], tokens(), [short], plain, NOISE)[0]
    assert write(models[1], tokens(), [long], params, NOISE)[0] == got[1]


def test_the_seed_decides(models):
    _, ours = models
    texts = [
        write(ours, tokens(), [[]] * 3, sampling(), partial(uniforms, seed, "generate", 1))
        for seed in (1, 1, 2)
    ]
    assert texts[0] == texts[1] != texts[2]


def test_no_prompts_no_texts(models):
    assert write(models[1], tokens(), [], sampling(), NOISE) == []


def test_a_text_must_fit_the_context(models):
    _, ours = models
    fits = sampling(max_new_tokens=60, strategy="greedy", stop_at_end=False)
    assert len(write(ours, tokens(), [[5, 6, 7]], fits, NOISE)[0]) == 60
    message = r"generate.max_new_tokens: want at most 60 \(context 64 less start and prompt of 3\)"
    with pytest.raises(ParamsError, match=f"{message}, got 61"):
        write(ours, tokens(), [[], [5, 6, 7]], sampling(max_new_tokens=61), NOISE)


@pytest.mark.parametrize(
    ("dial", "message"),
    [
        ({"temperature": 0.0}, "generate.temperature: want > 0, got 0.0"),
        ({"temperature": float("nan")}, "generate.temperature: want a finite number, got nan"),
        ({"top_k": -1}, "generate.top_k: want >= 0, got -1"),
        ({"top_p": 0.0}, "generate.top_p: want > 0 and <= 1, got 0.0"),
        ({"min_p": 1.5}, "generate.min_p: want >= 0 and <= 1, got 1.5"),
        ({"repetition_penalty": 0.0}, "generate.repetition_penalty: want > 0, got 0.0"),
        ({"beams": 0}, "generate.beams: want >= 1, got 0"),
        ({"max_new_tokens": 0}, "generate.max_new_tokens: want >= 1, got 0"),
        ({"documents": 4}, "generate.documents: want >= 5, got 4"),
        ({"batch_size": 0}, "generate.batch_size: want >= 1, got 0"),
        ({"strategy": "nucleus"}, "generate.strategy: want one of 'sample', 'greedy', 'beam'"),
        ({"padding": "top"}, "generate.padding: want one of 'none', 'left', 'right', got"),
        ({"stop_at_end": 1}, "generate.stop_at_end: want true or false, got 1"),
        (
            {"prompts": ("a",), "prompt_tokens": 3},
            "generate.prompt_tokens: want 0 where generate.prompts lists prompts, got 3",
        ),
    ],
)
def test_bad_dials_are_named(dial, message):
    with pytest.raises(ParamsError) as caught:
        sampling(**dial)
    assert str(caught.value).startswith(message)


def test_the_model_class_matters_not(models, tmp_path):
    from palimpsest.lm.hub import HubModel

    _, ours = models
    hub = HubModel(theirs("gpt2", seed=3))
    prompts = tokens().encode(MIXED)
    for dial in ({}, {"strategy": "beam", "beams": 2}, {"padding": "left"}):
        params = sampling(max_new_tokens=8, **dial)
        assert write(hub, tokens(), prompts, params, NOISE) == write(
            ours, tokens(), prompts, params, NOISE
        )
