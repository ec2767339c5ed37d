"""Every filter does what it says, and what is drawn has the distribution that it should have."""

from functools import partial

import numpy as np
import pytest
import torch
from scipy.stats import chisquare

from palimpsest.core.errors import ModelError
from palimpsest.core.rng import uniforms
from palimpsest.lm import next_token
from palimpsest.lm.generation import generate
from palimpsest.lm.next_token import NumberCheck, SeenTokens, adjusted, sample_next
from tests.lm.tiny import Fixed, pair, sampling, tokenizer

SCORES = torch.tensor([[0.5, 0.05, 0.3, 0.15]]).log()
"""Ranks: token 0, 2, 3, 1."""
PROMPT = [5, 6, 7, 6]
DOCUMENTS = 20_000
OPTIONS = [
    {},
    {"temperature": 0.6},
    {"temperature": 1.7},
    {"top_k": 12},
    {"top_p": 0.7},
    {"min_p": 0.15},
    {"repetition_penalty": 1.8},
    {"repetition_penalty": 0.7},
    {"stop_at_end": False},
    {"top_k": 30, "repetition_penalty": 1.05, "temperature": 0.8},
    {"top_k": 40, "top_p": 0.8, "min_p": 0.05, "temperature": 1.3, "repetition_penalty": 1.2},
]


def drawn(scores=SCORES, **changes) -> list[float]:
    """Share of each token over evenly spread uniform numbers: its probability, to 1/1000."""
    noise = (torch.arange(1000, dtype=torch.float64) + 0.5) / 1000
    picked = sample_next(scores.expand(1000, -1), noise, sampling(**changes))
    return (torch.bincount(picked, minlength=scores.shape[1]) / 1000).tolist()


def test_sampling_draws_from_the_models_distribution():
    assert drawn() == pytest.approx([0.5, 0.05, 0.3, 0.15], abs=0.002)


def test_temperature_by_hand():
    # at 1/2 the probabilities are squared: 0.25, 0.0025, 0.09, 0.0225 of 0.365
    cold = [0.25 / 0.365, 0.0025 / 0.365, 0.09 / 0.365, 0.0225 / 0.365]
    assert drawn(temperature=0.5) == pytest.approx(cold, abs=0.002)
    hot = np.sqrt([0.5, 0.05, 0.3, 0.15])
    assert drawn(temperature=2.0) == pytest.approx(list(hot / hot.sum()), abs=0.002)


@pytest.mark.parametrize(
    ("changes", "expected"),
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
def test_filters_by_hand(changes, expected):
    assert drawn(**changes) == pytest.approx(expected, abs=0.002)


@pytest.mark.parametrize(
    "changes", [{}, {"top_k": 7}, {"top_p": 0.8}, {"min_p": 0.1}, {"top_k": 20, "top_p": 0.5}]
)
def test_filters_equal_those_of_transformers(changes):
    from transformers import (
        LogitsProcessorList,
        MinPLogitsWarper,
        TemperatureLogitsWarper,
        TopKLogitsWarper,
        TopPLogitsWarper,
    )

    scores = 2 * torch.randn(1, 40, generator=torch.Generator().manual_seed(0))
    chain = [TemperatureLogitsWarper(0.7)]
    if "top_k" in changes:
        chain.append(TopKLogitsWarper(changes["top_k"]))
    if "top_p" in changes:
        chain.append(TopPLogitsWarper(changes["top_p"]))
    if "min_p" in changes:
        chain.append(MinPLogitsWarper(changes["min_p"]))
    expected = LogitsProcessorList(chain)(None, scores).softmax(dim=1)[0].tolist()
    assert drawn(scores, temperature=0.7, **changes) == pytest.approx(expected, abs=0.002)


def test_the_highest_noise_draws_no_filtered_token():
    last = torch.tensor([1 - 2**-53], dtype=torch.float64)
    assert sample_next(SCORES, last, sampling(top_k=3)).item() == 3
    assert sample_next(SCORES, last, sampling(top_p=0.7)).item() == 2
    assert sample_next(SCORES, last, sampling(min_p=0.5)).item() == 2


def punished_scores(scores: np.ndarray, seen: list[int], params) -> np.ndarray:
    """Scores behind the penalty, as it is defined."""
    scores = scores.astype(np.float64)
    for token in set(seen):
        factor = params.repetition_penalty
        scores[token] *= 1 / factor if scores[token] > 0 else factor
    return scores


def exact(scores: np.ndarray, seen: list[int], params) -> np.ndarray:
    """The distribution of the next token, as the filters are defined, one after the other."""
    scores = punished_scores(scores, seen, params)
    if not params.stop_at_end:
        scores[tokenizer().end] = -np.inf
    odds = np.exp((scores - scores.max()) / params.temperature)
    order = np.argsort(-odds, kind="stable")
    if params.top_k:
        odds[order[params.top_k :]] = 0
    likelier = np.zeros(len(odds))
    likelier[order] = np.cumsum(odds[order]) - odds[order]
    odds[likelier >= params.top_p * odds.sum()] = 0
    odds[odds < params.min_p * odds.max()] = 0
    return odds / odds.sum()


def p_value(counts: np.ndarray, expected: np.ndarray) -> float:
    """Of the chi-square test; types that are expected fewer than five times count as one."""
    assert counts[expected == 0].sum() == 0
    often = expected * counts.sum() >= 5
    seen, wanted = (np.append(part[often], part[~often].sum()) for part in (counts, expected))
    some = wanted > 0
    return float(chisquare(seen[some], wanted[some] * counts.sum()).pvalue)


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    """One under which the prompt's tokens and the end are likely: an option must change much."""
    ours = pair("gpt2", tmp_path_factory.mktemp("gpt2"), seed=3)[1]
    bias = ours.weights["transformer.ln_f.bias"]
    for share, token in enumerate((*sorted(set(PROMPT)), tokenizer().end), 2):
        ours.unembedding()[token] = 0.5 * share * bias
    return ours


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16], ids=str)
@pytest.mark.parametrize("changes", OPTIONS, ids=str)
def test_what_is_written_has_the_exact_distribution(model, dtype, changes):
    """Chi-square of the first token of many documents; the draws are the same in every run."""
    ours = model.to(dtype, torch.device("cpu"))
    params = sampling(max_new_tokens=1, batch_size=DOCUMENTS, **changes)
    noise = partial(uniforms, 11, "generate", 1)
    written = generate(ours, tokenizer(), [PROMPT] * DOCUMENTS, params, noise)
    end = tokenizer().end
    tokens = [text[0] if text else end for text in written]
    counts = np.bincount(tokens, minlength=ours.vocabulary)
    with torch.inference_mode():
        rows = torch.tensor([[tokenizer().start, *PROMPT]] * 2)
        scores = ours.decoder(2, rows.shape[1]).step(rows)[0].float().numpy()
    # tokens of one score count as one: which of them a filter keeps is open, and bfloat16 has many
    of_score = np.unique(punished_scores(scores, PROMPT, params), return_inverse=True)[1]

    def held_against(params) -> float:
        together = (np.bincount(of_score, part) for part in (counts, exact(scores, PROMPT, params)))
        return p_value(*together)

    assert held_against(params) > 1e-3
    if changes:  # the test would see an option that does nothing
        assert held_against(sampling()) < 1e-6


@pytest.mark.parametrize("changes", [{}, {"top_k": 3}, {"temperature": 0.7, "top_p": 0.9}], ids=str)
def test_the_penalty_counts_what_was_written_in_the_exact_distribution(changes):
    """Chi-square over pairs of tokens: the second is drawn with the first one punished."""
    table = np.random.default_rng(0).normal(0, 1.5, (6, 6))
    params = partial(sampling, max_new_tokens=2, batch_size=DOCUMENTS, stop_at_end=False, **changes)
    written = generate(
        Fixed(table),
        tokenizer(),
        [[]] * DOCUMENTS,
        params(repetition_penalty=1.6),
        partial(uniforms, 5, "generate", 1),
    )
    counts = np.zeros((6, 6))
    np.add.at(counts, tuple(np.array(written).T), 1)

    def joint(params) -> np.ndarray:
        first = exact(table[tokenizer().start], [], params)
        return np.stack([first[token] * exact(table[token], [token], params) for token in range(6)])

    assert p_value(counts.ravel(), joint(params(repetition_penalty=1.6)).ravel()) > 1e-3
    if "top_k" not in changes and "top_p" not in changes:  # else some pairs cannot be without it
        assert p_value(counts.ravel(), joint(params()).ravel()) < 1e-6


def some_scores(rows: int, vocabulary: int) -> torch.Tensor:
    return 3 * torch.randn(rows, vocabulary, generator=torch.Generator().manual_seed(1))


def some_noise(rows: int) -> torch.Tensor:
    return torch.from_numpy(np.random.default_rng(2).random(rows))


@pytest.mark.parametrize("spread", [0.01, 1.0])
@pytest.mark.parametrize("changes", [{"top_p": 0.9}, {"min_p": 0.02}, {"top_p": 0.5, "min_p": 0.2}])
def test_a_filter_looks_as_far_as_it_must(changes, spread, monkeypatch):
    """Flat scores, of which more tokens are kept than are sorted at first, and peaked ones."""
    scores, noise = spread * some_scores(50, 400), some_noise(50)
    whole = sample_next(scores, noise, sampling(**changes))
    monkeypatch.setattr(next_token, "LIKELIEST", 8)
    assert torch.equal(sample_next(scores, noise, sampling(**changes)), whole)
    assert len(set(whole.tolist())) > 8


@pytest.mark.parametrize("changes", OPTIONS[:6], ids=str)
def test_many_rows_are_drawn_in_parts(changes, monkeypatch):
    scores, noise = some_scores(50, 40), some_noise(50)
    before = scores.clone()
    whole = sample_next(scores, noise, sampling(**changes))
    assert torch.equal(scores, before)
    for most in (1, 40, 7 * 40 + 3):
        monkeypatch.setattr(next_token, "MOST_SCORES", most)
        assert torch.equal(sample_next(scores, noise, sampling(**changes)), whole)


@pytest.mark.parametrize("changes", [{}, {"top_k": 2}, {"top_p": 0.5}, {"min_p": 0.5}], ids=str)
@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
def test_scores_that_are_no_numbers_are_an_error_under_every_filter(changes, bad):
    scores = some_scores(3, 40)
    scores[1, 7] = bad
    with pytest.raises(ModelError, match="the model's scores: want numbers, got NaN or infinity"):
        sample_next(scores, some_noise(3), sampling(**changes))
    nothing = torch.full((1, 5), -torch.inf)
    with pytest.raises(ModelError, match="got NaN or infinity"):
        sample_next(nothing, some_noise(1), sampling(**changes))


def punished(scores: torch.Tensor, rows: list[set[int]], penalty: float) -> torch.Tensor:
    """As the penalty is defined, token by token."""
    out = scores.clone()
    for row, tokens in enumerate(rows):
        for token in tokens:
            score = out[row, token]
            out[row, token] = score / penalty if score > 0 else score * penalty
    return out


def test_the_penalty_meets_seen_tokens_once_and_no_other():
    seen = SeenTokens([[4, 4, 9], [], [0]], 3, torch.device("cpu"))
    held = [{4, 9}, set(), {0}]

    def hold(rows: int) -> None:
        scores = some_scores(rows, 12)
        expected = punished(scores, held, 1.7)
        seen.punish(scores, 1.7)
        assert torch.equal(scores, expected)
        assert (scores != some_scores(rows, 12)).sum() == sum(map(len, held))

    hold(3)
    seen.add(torch.tensor([9, 3, 5]))
    held = [{4, 9}, {3}, {0, 5}]
    hold(3)
    seen.reorder(torch.tensor([2, 1, 1, 0]))
    held = [held[2], held[1], held[1], held[0]]
    hold(4)
    seen.add(torch.tensor([1, 2, 0, 11]))
    held = [{0, 5, 1}, {3, 2}, {3, 0}, {4, 9, 11}]
    hold(4)


def test_without_a_penalty_nothing_is_remembered():
    rows = [[0, 4], [0, 5]]
    assert SeenTokens.of(rows, sampling(), torch.device("cpu")) is None
    seen = SeenTokens.of(rows, sampling(repetition_penalty=2.0), torch.device("cpu"))
    scores = torch.ones(2, 6)
    seen.punish(scores, 2.0)
    assert scores.tolist() == [[1, 1, 1, 1, 0.5, 1], [1, 1, 1, 1, 1, 0.5]]


def test_scores_of_any_type_are_adjusted_in_float32():
    short = some_scores(2, 12).bfloat16()
    before = short.clone()
    seen = SeenTokens([[4], [7]], 1, torch.device("cpu"))
    got = adjusted(short, seen, 3, sampling(repetition_penalty=1.7, stop_at_end=False))
    expected = punished(before.float(), [{4}, {7}], 1.7)
    expected[:, 3] = -torch.inf
    assert torch.equal(got, expected)
    assert torch.equal(short, before)


def test_scores_that_are_no_numbers_are_refused_when_asked():
    check = NumberCheck(at_once=False)
    check.refuse()  # nothing was seen yet
    check(torch.tensor([1.0, torch.nan]))
    check(torch.tensor([1.0, 2.0]))  # later numbers do not take it back
    with pytest.raises(ModelError, match="NaN"):
        check.refuse()
    with pytest.raises(ModelError, match="NaN"):
        NumberCheck()(torch.tensor([1.0, -torch.inf]))
