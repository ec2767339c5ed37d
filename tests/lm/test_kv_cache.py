"""What is written from the cache is what is read anew, whichever way attention is computed."""

from functools import partial

import pytest
import torch

from palimpsest.core.rng import uniforms
from palimpsest.lm import kv_cache, transformer
from palimpsest.lm.generation import generate
from palimpsest.lm.products import onednn_pays
from tests.lm.tiny import ids, pair, sampling, scores, their_scores, tokenizer

MODELS = pytest.mark.parametrize(
    ("architecture", "changes"),
    [("gpt2", {}), ("llama", {}), ("llama", {"num_key_value_heads": 1, "head_dim": 12})],
)
WAYS = pytest.mark.parametrize("fast", [False, True], ids=["fused", "products"])


def take(way: bool, monkeypatch) -> None:
    """Attention and products of one kind."""
    if way and not onednn_pays(torch.zeros(1)):
        pytest.skip("no oneDNN in this build of torch")
    monkeypatch.setattr(transformer, "onednn_pays", lambda weight: way)


@WAYS
@MODELS
@pytest.mark.parametrize("block", [1, 5, 32])
def test_no_score_depends_on_the_block_that_it_falls_in(
    architecture, changes, block, fast, tmp_path, monkeypatch
):
    take(fast, monkeypatch)
    monkeypatch.setattr(kv_cache, "BLOCK", block)
    model, ours = pair(architecture, tmp_path, **changes)
    rows = ids(3, 60)
    expected = their_scores(model, rows)
    decoder = ours.decoder(3, 60)
    with torch.inference_mode():
        torch.testing.assert_close(decoder.step(rows[:, :7]), expected[:, 6], atol=1e-4, rtol=1e-4)
        for time in range(7, 60):
            got = decoder.step(rows[:, time : time + 1])
            torch.testing.assert_close(got, expected[:, time], atol=1e-4, rtol=1e-4)


@WAYS
@MODELS
def test_padding_and_new_rows_across_blocks(architecture, changes, fast, tmp_path, monkeypatch):
    take(fast, monkeypatch)
    model, ours = pair(architecture, tmp_path, **changes)
    gaps = torch.tensor([0, 4, 9])
    rows = ids(3, 40)
    decoder = ours.decoder(3, 60, gaps)
    kept = torch.tensor([2, 0, 2, 1])
    after = ids(4, 5, seed=4)
    with torch.inference_mode():
        decoder.step(rows[:, :30])
        for time in range(30, 40):
            decoder.step(rows[:, time : time + 1])
        decoder.reorder(kept)
        got = torch.stack([decoder.step(after[:, time : time + 1]) for time in range(5)], dim=1)
    for place, row in enumerate(kept.tolist()):
        whole = torch.cat([rows[row, gaps[row] :], after[place]])[None]
        expected = their_scores(model, whole)[0, -5:]
        torch.testing.assert_close(got[place], expected, atol=1e-4, rtol=1e-4)


@WAYS
@pytest.mark.parametrize("architecture", ["gpt2", "llama"])
def test_in_bfloat16_both_ways_are_close_to_float32(architecture, fast, tmp_path, monkeypatch):
    _, ours = pair(architecture, tmp_path)
    rows = ids(4, 50)
    expected = scores(ours, rows)[:, -1]
    short = ours.to(torch.bfloat16, torch.device("cpu"))
    if fast and not onednn_pays(short.unembedding()):
        pytest.skip("no bfloat16 in this processor")
    take(fast, monkeypatch)
    decoder = short.decoder(4, 50)
    with torch.inference_mode():
        decoder.step(rows[:, :40])
        for time in range(40, 50):
            got = decoder.step(rows[:, time : time + 1])
    assert got.dtype == torch.bfloat16
    assert (got.float() - expected).std() < 0.05 * expected.std()


def test_more_may_be_written_than_was_announced(tmp_path):
    model, ours = pair("gpt2", tmp_path)
    rows = ids(2, 50)
    decoder = ours.decoder(2, 10)
    with torch.inference_mode():
        decoder.step(rows[:, :9])
        got = decoder.step(rows[:, 9:])
    expected = their_scores(model, rows)[:, -1]
    torch.testing.assert_close(got, expected, atol=1e-4, rtol=1e-4)


def test_a_decoder_made_later_reads_the_weights_of_then(tmp_path):
    _, ours = pair("gpt2", tmp_path)
    rows = ids(2, 9)
    with torch.inference_mode():
        before = ours.decoder(2, 9).step(rows)
        for weight in ours.weights.values():
            weight.mul_(1.5)
        after = ours.decoder(2, 9).step(rows)
    assert not torch.allclose(before, after)
    torch.testing.assert_close(after, scores(ours, rows)[:, -1], atol=1e-3, rtol=1e-4)


@pytest.mark.parametrize("padding", ["none", "left"])
def test_both_ways_write_the_same_texts(padding, tmp_path, monkeypatch):
    _, ours = pair("llama", tmp_path, seed=3)
    prompts = tokenizer().encode(["The fox", "", "The heron of the hill", "river", "a"] * 4)
    params = sampling(
        batch_size=9, max_new_tokens=45, padding=padding, top_k=40, repetition_penalty=1.1
    )
    noise, texts = partial(uniforms, 7, "generate", 1), []
    for fast in (False, True):
        take(fast, monkeypatch)
        texts.append(generate(ours, tokenizer(), prompts, params, noise))
    assert texts[0] == texts[1]
    assert max(map(len, texts[0])) > 32
