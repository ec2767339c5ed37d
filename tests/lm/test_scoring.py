"""Losses by text against a direct computation with `transformers`."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from palimpsest.core.resume import NOTHING_KEPT
from palimpsest.lm import batching
from palimpsest.lm.checkpoint import load_model
from palimpsest.lm.scoring import (
    TextLosses,
    folder_likelihood,
    likelihood,
    rare_types,
    text_arrays,
)
from tests.lm.tiny import TEXTS, pair, saved, theirs, tokenizer
from tests.unfinished import EveryStep, stopped, taken_up

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


def split(texts, cuts):
    """Texts as prompts and continuations: each is cut behind so many of its tokens."""
    rows = tokenizer().encode(texts)
    prompts = tokenizer().decode([ids[:at] for ids, at in zip(rows, cuts, strict=True)])
    behind = [text.removeprefix(start) for start, text in zip(prompts, texts, strict=True)]
    return prompts, behind


def test_a_continuation_is_the_sum_over_its_own_tokens(models):
    """Under the model's own scores behind the prompt, the end included."""
    model, ours = models
    whole = TEXTS[:6]
    cuts = [1, 4, 9, 0, 5, len(tokenizer().encode(whole)[5])]
    prompts, texts = split(whole, cuts)
    assert (prompts[3], texts[5]) == ("", "")
    rare = np.zeros(tokenizer().size, dtype=np.bool_)
    rare[::3] = True
    got = likelihood(ours, tokenizer(), texts, rare, prompts=prompts)
    for index, (row, cut) in enumerate(zip(tokenizer().documents(whole), cuts, strict=True)):
        losses, entropies = (values[cut:] for values in direct(model, row))
        of_rare = rare[row[1 + cut :]]
        expected = (losses.sum(), len(losses), losses[of_rare].sum(), of_rare.sum())
        for field, value in zip(FIELDS, (*expected, entropies.sum()), strict=True):
            assert getattr(got, field)[index] == pytest.approx(value, rel=1e-5), field
    assert got.tokens[5] == 1
    # the prompt is read: without it the same text is another
    alone = likelihood(ours, tokenizer(), texts)
    assert abs(alone.nll_nats[1] - got.nll_nats[1]) > 0.01 * got.nll_nats[1]
    assert alone.nll_nats[3] == pytest.approx(got.nll_nats[3], rel=1e-6)


def test_a_token_that_begins_in_the_prompt_is_scored(models):
    model, ours = models
    prompt, text = TEXTS[0][:6], TEXTS[0][6:]  # "The fo" and "x of the ..."
    (row,) = tokenizer().documents([prompt + text])
    shown = tokenizer().decode([[token] for token in row[1:-1]])
    assert shown[:2] == ["The", " fox"]
    got = likelihood(ours, tokenizer(), [text], prompts=[prompt])
    expected = direct(model, row)[0][1:]
    assert got.tokens.tolist() == [len(expected)]
    assert got.nll_nats[0] == pytest.approx(expected.sum(), rel=1e-5)


@pytest.mark.parametrize("at", [20, 62, 63, 64, 100, 126, 127])
def test_a_prompt_longer_than_the_context(at, models, monkeypatch):
    """Rows of 64 share a token; those of the prompt alone are not read, none is scored twice."""
    model, ours = models
    (prompt,), (text,) = split([" ".join(TEXTS[:9])], [at])
    (row,) = tokenizer().documents([prompt + text])
    assert len(row) > 2 * 64
    pieces = [row[begin : begin + 64] for begin in range(0, len(row) - 1, 63)]
    losses = np.concatenate([direct(model, piece)[0] for piece in pieces])
    assert len(losses) == len(row) - 1
    monkeypatch.setattr(batching, "BATCH_TOKENS", 1)  # every row goes alone
    seen = []
    got = likelihood(
        ours, tokenizer(), ["fox", text], None, lambda *batch: seen.append(batch[1]), ["", prompt]
    )
    assert got.tokens[1] == len(row) - 1 - at
    assert got.nll_nats[1] == pytest.approx(losses[at:].sum(), rel=1e-5)
    assert len(seen) == 1 + sum(63 * (number + 1) > at for number in range(len(pieces)))
    short = likelihood(ours, tokenizer(), ["fox"])
    assert got.nll_nats[0] == pytest.approx(short.nll_nats[0], rel=1e-5)
    assert sorted(torch.cat(seen).tolist()) == sorted(
        [*row[1 + at :], *tokenizer().documents(["fox"])[0][1:]]
    )


def test_no_prompts_are_empty_ones(models):
    _, ours = models
    expected = likelihood(ours, tokenizer(), TEXTS[:4])
    got = likelihood(ours, tokenizer(), TEXTS[:4], prompts=[""] * 4)
    for field in FIELDS:
        assert getattr(got, field).tolist() == getattr(expected, field).tolist()


def test_sets_and_folders_are_scored_behind_their_prompts(tmp_path):
    folder = saved(theirs("gpt2"), tmp_path)
    model = load_model(folder, device="cpu")
    prompts, texts = split(TEXTS[:3], [4, 2, 7])
    expected = likelihood(model, tokenizer(), texts, prompts=prompts)
    arrays = text_arrays(model, tokenizer(), human=(prompts, texts), none=([], []))
    assert arrays.keys() == {"human_nll", "human_tokens", "none_nll", "none_tokens"}
    for got in (folder_likelihood(folder, texts, prompts), [*arrays.values()][:2]):
        np.testing.assert_allclose(got[0], expected.nll_nats, rtol=1e-6)
        np.testing.assert_array_equal(got[1], expected.tokens)
    assert arrays["none_nll"].shape == arrays["none_tokens"].shape == (0,)


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


def judge(model, texts=TEXTS, prompts=None, rare=None):
    """Scoring as a function of where its sums are kept."""
    return lambda kept: likelihood(model, tokenizer(), texts, rare, prompts=prompts, kept=kept)


def is_same(one, other) -> bool:
    return all((getattr(one, field) == getattr(other, field)).all() for field in FIELDS)


def test_scoring_that_was_stopped_has_the_same_sums(models, tmp_path, monkeypatch):
    monkeypatch.setattr(batching, "BATCH_TOKENS", 60)
    rare = np.arange(300) % 3 == 0
    texts = [*TEXTS[:6], " ".join(TEXTS)]
    work = judge(models[1], texts, ["The city"] * 7, rare)
    whole, steps = taken_up(work, tmp_path / "whole")
    assert steps > 5
    assert is_same(whole, work(NOTHING_KEPT))
    for last in range(1, steps + 1):
        stopped(work, tmp_path / f"g{last:02d}", last)
        result, worked = taken_up(work, tmp_path / f"g{last:02d}")
        assert is_same(result, whole)
        assert worked == steps - last


@pytest.mark.parametrize(
    "changes",
    [
        {"texts": [*TEXTS[:-1], "fox"]},
        {"prompts": ["The"] * len(TEXTS)},
        {"rare": np.arange(300) == 7},
    ],
    ids=lambda changes: next(iter(changes)),
)
def test_sums_of_other_texts_are_never_taken(changes, models, tmp_path, monkeypatch):
    monkeypatch.setattr(batching, "BATCH_TOKENS", 60)
    stopped(judge(models[1]), tmp_path / "g01", 3)
    work = judge(models[1], **changes)
    result, worked = taken_up(work, tmp_path / "g01")
    assert is_same(result, work(NOTHING_KEPT))
    assert worked == taken_up(work, tmp_path / "g02")[1]


def test_sums_of_another_cut_are_never_taken(models, tmp_path, monkeypatch):
    """The same tokens, of which fewer are the prompt's."""
    monkeypatch.setattr(batching, "BATCH_TOKENS", 60)
    rows = tokenizer().encode(TEXTS)
    cuts = [tokenizer().decode_behind([r[:n] for r in rows], [r[n:] for r in rows]) for n in (1, 3)]
    one, other = (tokenizer().continued(*cut) for cut in cuts)
    assert one[0] == other[0]
    assert one[1] != other[1]
    stopped(judge(models[1], cuts[0][1], cuts[0][0]), tmp_path / "g01", 3)
    work = judge(models[1], cuts[1][1], cuts[1][0])
    assert is_same(taken_up(work, tmp_path / "g01")[0], work(NOTHING_KEPT))


def test_a_visitor_without_a_state_sees_every_batch(models, tmp_path):
    seen = []
    kept = EveryStep(tmp_path / "g01")
    likelihood(models[1], tokenizer(), TEXTS, visitor=lambda *batch: seen.append(batch), kept=kept)
    assert seen
    assert kept.steps == 0


def test_a_function_of_texts_says_which_model_it_is(models, monkeypatch):
    _, ours = models
    losses = TextLosses(ours, tokenizer())
    got, expected = losses(TEXTS[:3]), likelihood(ours, tokenizer(), TEXTS[:3]).per_text
    for one, other in zip(got, expected, strict=True):
        np.testing.assert_array_equal(one, other)
    identity = losses.identity
    monkeypatch.setattr(torch, "get_num_threads", lambda: 77)  # no matter of the machine
    assert TextLosses(ours, tokenizer()).identity == identity
    assert TextLosses(ours, replace(tokenizer(), start=tokenizer().start + 1)).identity != identity
    with torch.no_grad():
        next(iter(ours.parameters().values())).view(-1)[0] += 1
    assert TextLosses(ours, tokenizer()).identity != identity
