"""A step over fixed tensors scores what the growing cache scores, also when it is replayed."""

from functools import partial

import pytest
import torch
from torch.fx.experimental.proxy_tensor import make_fx

from palimpsest.core.rng import uniforms
from palimpsest.lm import static_cache, transformer
from palimpsest.lm.generation import generate
from palimpsest.lm.kv_cache import Decoder
from palimpsest.lm.static_cache import StaticDecoder, places
from palimpsest.lm.transformer import Transformer
from tests.lm.tiny import ids, pair, sampling, their_scores, tokenizer

MODELS = pytest.mark.parametrize(
    ("architecture", "changes"),
    [("gpt2", {}), ("llama", {}), ("llama", {"num_key_value_heads": 1, "head_dim": 12})],
)
CPU = torch.device("cpu")


def repeated(step, device):
    """The step itself; done once before, as a recording does it to warm up."""
    step()
    return step


def traced(step, device):
    """The step's operators over the tensors that they met: what a CUDA graph holds of it.

    What Python computed (a position, a number of rows) is a constant in them.
    """
    graph = make_fx(lambda: step())()
    return graph.forward


RECORDS = pytest.mark.parametrize("record", [repeated, traced])


@pytest.fixture
def static(monkeypatch):
    """Makes the models of this test write as on a GPU; says how often a step was recorded."""
    sizes = []

    def use(record=traced):
        def counted(step, device):
            made = record(step, device)
            sizes.append(len(made()))
            return made

        def decoder(model, batch, length, padding=None):
            ours = model.architecture
            ours.reserve(length)
            shape = (ours.layers, batch, ours.key_value_heads, length, ours.head_width)

            def read(ids_BT, positions_BT, attend):
                hidden = transformer._read(ours, ids_BT, positions_BT, attend)
                return model.logits(hidden[:, -1])

            return StaticDecoder(read, shape, model.unembedding(), padding, counted)

        monkeypatch.setattr(Transformer, "decoder", decoder)
        return sizes

    return use


@RECORDS
@MODELS
@pytest.mark.parametrize("prompt", [1, 7])
def test_every_score_is_that_of_reading_anew(
    architecture, changes, prompt, record, tmp_path, static
):
    sizes = static(record)
    model, ours = pair(architecture, tmp_path, **changes)
    rows = ids(3, 50)
    expected = their_scores(model, rows)
    decoder = ours.decoder(3, 50)
    with torch.no_grad():
        got = [decoder.step(rows[:, :prompt])]
        got += [decoder.step(rows[:, time : time + 1]) for time in range(prompt, 50)]
    torch.testing.assert_close(
        torch.stack(got, dim=1), expected[:, prompt - 1 :], atol=1e-4, rtol=1e-4
    )
    assert sizes == [3], "one recording serves every step"


@RECORDS
@MODELS
@pytest.mark.parametrize("kept", [[2, 0, 2, 1], [2, 0, 1], [1, 2], [2]], ids=str)
@pytest.mark.parametrize("fewest", [1, 64])
def test_padding_and_other_rows(
    architecture, changes, kept, fewest, record, tmp_path, static, monkeypatch
):
    monkeypatch.setattr(static_cache, "FEWEST", fewest)
    model, ours = pair(architecture, tmp_path, **changes)
    sizes = static(record)
    gaps = torch.tensor([0, 4, 9])
    rows, after = ids(3, 30), ids(len(kept), 5, seed=4)
    decoder = ours.decoder(3, 40, gaps)
    with torch.no_grad():
        decoder.step(rows[:, :25])
        for time in range(25, 30):
            decoder.step(rows[:, time : time + 1])
        decoder.reorder(torch.tensor(kept))
        got = torch.stack([decoder.step(after[:, time : time + 1]) for time in range(5)], dim=1)
    assert gaps.tolist() == [0, 4, 9], "the caller's"
    for place, row in enumerate(kept):
        whole = torch.cat([rows[row, gaps[row] :], after[place]])[None]
        expected = their_scores(model, whole)[0, -5:]
        torch.testing.assert_close(got[place], expected, atol=1e-4, rtol=1e-4)
    size = places(len(kept), 3)
    assert sizes == ([3] if size == 3 else [3, size])


def test_rows_of_nothing_but_padding_have_scores(tmp_path, static):
    _, ours = pair("gpt2", tmp_path)
    static()
    decoder = ours.decoder(2, 9, torch.tensor([0, 5]))
    with torch.no_grad():
        got = [decoder.step(ids(2, 9)[:, time : time + 1]) for time in range(9)]
    assert torch.stack(got).isfinite().all()


@MODELS
def test_both_caches_score_alike(architecture, changes, tmp_path, static):
    _, ours = pair(architecture, tmp_path, **changes)
    rows = ids(4, 40)
    growing = ours.decoder(4, 40)
    static()
    fixed = ours.decoder(4, 40)
    assert (type(growing), type(fixed)) == (Decoder, StaticDecoder)
    with torch.no_grad():
        for begin, end in [(0, 3), (3, 4), (4, 9), *((time, time + 1) for time in range(9, 40))]:
            scores = [decoder.step(rows[:, begin:end]) for decoder in (growing, fixed)]
            torch.testing.assert_close(*scores, atol=1e-4, rtol=1e-4)


def test_scores_are_the_callers(tmp_path, static):
    _, ours = pair("gpt2", tmp_path)
    static()
    rows, decoder = ids(2, 3), ours.decoder(2, 3)
    with torch.no_grad():
        first = decoder.step(rows[:, :1])
        before = first.clone()
        second = decoder.step(rows[:, 1:2])
        assert torch.equal(first, before)
        assert not torch.allclose(first, second)


def test_more_may_be_written_than_was_announced(tmp_path, static):
    model, ours = pair("gpt2", tmp_path)
    sizes = static()
    rows, decoder = ids(2, 40), ours.decoder(2, 10)
    with torch.no_grad():
        got = torch.stack([decoder.step(rows[:, time : time + 1]) for time in range(40)], dim=1)
    torch.testing.assert_close(got, their_scores(model, rows), atol=1e-4, rtol=1e-4)
    assert len(sizes) > 1


def test_rows_of_the_tensors_by_hand():
    assert [places(rows, 1000) for rows in (1000, 600, 512, 400, 70, 64, 1, 0)] == [
        1000, 1000, 512, 512, 128, 64, 64, 64
    ]  # fmt: skip
    assert [places(rows, 40) for rows in (40, 3, 0)] == [40, 40, 40]
    assert places(41, 40) == 41


def end_soon(monkeypatch):
    """Makes the end of a text likelier for every model: rows leave the batch one by one."""
    whole = Transformer.logits

    def logits(model, hidden):
        scores = whole(model, hidden)
        scores[..., tokenizer().end] += 3.0
        return scores

    monkeypatch.setattr(transformer, "onednn_pays", lambda weight: False)
    monkeypatch.setattr(Transformer, "logits", logits)


CHANGES = [
    {},
    {"padding": "left", "repetition_penalty": 1.3},
    {"top_k": 20, "top_p": 0.9},
    {"strategy": "greedy"},
    {"strategy": "beam", "beams": 3},
]


@pytest.mark.parametrize("changes", CHANGES, ids=str)
@pytest.mark.parametrize("architecture", ["gpt2", "llama"])
def test_both_caches_write_the_same_texts(architecture, changes, tmp_path, static, monkeypatch):
    monkeypatch.setattr(static_cache, "FEWEST", 2)
    _, ours = pair(architecture, tmp_path, seed=3)
    end_soon(monkeypatch)
    prompts = tokenizer().encode(["The fox", "", "The heron of the hill", "river", "a"] * 4)
    params = sampling(batch_size=9, max_new_tokens=30, **changes)
    noise = partial(uniforms, 7, "generate", 1)
    expected = generate(ours, tokenizer(), prompts, params, noise)
    sizes, batches = static(repeated), []
    assert generate(ours, tokenizer(), prompts, params, noise, batches.append) == expected
    assert len({*map(len, expected)}) > 1
    if "strategy" not in changes:
        assert len(sizes) > len(batches), "rows that ended left the cache"


def test_a_gpu_gets_the_fixed_cache_and_the_recording(tmp_path, monkeypatch):
    _, ours = pair("llama", tmp_path)
    seen = []
    rows = ids(2, 5)
    expected = their_scores(pair("llama", tmp_path)[0], rows)

    def record(step, device):
        seen.append(device)
        return step

    monkeypatch.setattr(transformer, "recorded", record)
    monkeypatch.setattr(Transformer, "device", property(lambda model: torch.device("cuda")))
    decoder = ours.decoder(2, 5)
    with torch.inference_mode():
        decoder.step(rows[:, :4])
        got = decoder.step(rows[:, 4:])
    torch.testing.assert_close(got, expected[:, -1], atol=1e-4, rtol=1e-4)
    assert seen == [CPU]
