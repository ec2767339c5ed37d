"""Our decoders against those of `transformers`: same weights, same scores."""

from functools import partial

import pytest
import torch

from palimpsest.lm import transformer
from palimpsest.lm.checkpoint import load_model
from palimpsest.lm.transformer import ARCHITECTURES, Gpt2, Llama
from tests.lm.tiny import SHARED, ids, pair, scores, their_scores, theirs

STORIES = SHARED / "tinystories-656k"

CONFIGS = [
    ("gpt2", {}),
    ("gpt2", {"n_layer": 1, "n_head": 4, "n_embd": 32, "n_inner": 24}),
    ("gpt2", {"layer_norm_epsilon": 0.1}),
    ("llama", {}),
    ("llama", {"num_key_value_heads": 4, "tie_word_embeddings": True}),
    ("llama", {"num_key_value_heads": 1, "rms_norm_eps": 0.1}),
    ("llama", {"head_dim": 12, "rope_parameters": {"rope_type": "default", "rope_theta": 50.0}}),
]
BOTH = pytest.mark.parametrize("architecture", ["gpt2", "llama"])


@pytest.mark.parametrize(("architecture", "changes"), CONFIGS)
def test_scores_equal_those_of_transformers(architecture, changes, tmp_path):
    model, ours = pair(architecture, tmp_path, **changes)
    rows = ids(3, 17)
    expected = their_scores(model, rows)
    assert expected.std() > 0.1
    torch.testing.assert_close(scores(ours, rows), expected, atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize(("architecture", "changes"), CONFIGS)
def test_the_cache_changes_no_score(architecture, changes, tmp_path):
    model, ours = pair(architecture, tmp_path, **changes)
    rows = ids(3, 12)
    expected = their_scores(model, rows)
    decoder = ours.decoder(3, 12)
    with torch.inference_mode():
        read = {4: decoder.step(rows[:, :5])}
        read |= {time: decoder.step(rows[:, time : time + 1]) for time in range(5, 10)}
        read[11] = decoder.step(rows[:, 10:])
    for time, got in read.items():
        torch.testing.assert_close(got, expected[:, time], atol=1e-4, rtol=1e-4)


@BOTH
def test_padding_on_the_left_changes_no_score(architecture, tmp_path):
    model, ours = pair(architecture, tmp_path)
    short, long = ids(1, 4, seed=1), ids(1, 9, seed=2)
    fill = torch.full((1, 5), 7)
    decoder = ours.decoder(2, 12, torch.tensor([5, 0]))
    after = ids(2, 3, seed=3)
    with torch.inference_mode():
        got = [decoder.step(torch.cat([torch.cat([fill, short], dim=1), long]))]
        got += [decoder.step(after[:, time : time + 1]) for time in range(3)]
    for row, start in enumerate((short, long)):
        whole = torch.cat([start, after[row : row + 1]], dim=1)
        expected = their_scores(model, whole)[0, start.shape[1] - 1 :]
        found = torch.stack([step[row] for step in got])
        torch.testing.assert_close(found, expected, atol=1e-4, rtol=1e-4)


@BOTH
@pytest.mark.parametrize("rows", [[2, 0], [1, 1, 0]])
def test_kept_rows_go_on_from_their_own_past(architecture, rows, tmp_path):
    model, ours = pair(architecture, tmp_path)
    past, after = ids(3, 6), ids(3, 2, seed=1)[: len(rows)]
    padded = past.clone()
    padded[0, :2] = 7
    decoder = ours.decoder(3, 8, torch.tensor([2, 0, 0]))
    with torch.inference_mode():
        decoder.step(padded)
        decoder.reorder(torch.tensor(rows))
        decoder.step(after[:, :1])
        got = decoder.step(after[:, 1:])
    for place, row in enumerate(rows):
        own = past[row, 2:] if row == 0 else past[row]
        expected = their_scores(model, torch.cat([own, after[place]])[None])[0, -1]
        torch.testing.assert_close(got[place], expected, atol=1e-4, rtol=1e-4)


@BOTH
def test_the_future_is_not_seen(architecture, tmp_path):
    _, ours = pair(architecture, tmp_path)
    rows, other = ids(2, 10), ids(2, 10)
    other[:, 6:] = ids(2, 4, seed=9)
    got, changed = scores(ours, rows), scores(ours, other)
    torch.testing.assert_close(got[:, :6], changed[:, :6])
    assert not torch.allclose(got[:, 6:], changed[:, 6:])


@BOTH
def test_bfloat16_is_close_to_float32(architecture, tmp_path):
    _, ours = pair(architecture, tmp_path)
    short = ours.to(torch.bfloat16, torch.device("cpu"))
    assert short.dtype == torch.bfloat16
    rows = ids(3, 17)
    expected, got = scores(ours, rows), scores(short, rows).float()
    assert (got - expected).std() < 0.05 * expected.std()
    assert not torch.equal(got, expected)


@BOTH
def test_gradients_equal_those_of_transformers(architecture, tmp_path):
    model, ours = pair(architecture, tmp_path)
    rows = ids(2, 9)
    model(rows).logits.logsumexp(dim=-1).sum().backward()
    for weight in ours.weights.values():
        weight.requires_grad_(True)
    ours.logits(ours.hidden(rows)).logsumexp(dim=-1).sum().backward()
    expected = {name: weight.grad for name, weight in model.named_parameters()}
    assert expected.keys() == ours.weights.keys()
    for name, gradient in expected.items():
        torch.testing.assert_close(ours.weights[name].grad, gradient, atol=1e-3, rtol=1e-3)


def test_a_copy_shares_no_memory(tmp_path):
    _, ours = pair("gpt2", tmp_path)
    copied = ours.to(torch.float32, torch.device("cpu"))
    before = scores(ours, ids(1, 5))
    for weight in copied.parameters().values():
        weight.zero_()
    torch.testing.assert_close(scores(ours, ids(1, 5)), before, atol=0, rtol=0)


def test_what_a_model_says_of_itself(tmp_path):
    _, ours = pair("llama", tmp_path)
    assert (ours.vocabulary, ours.context) == (300, 64)
    assert (ours.dtype, ours.device.type) == (torch.float32, "cpu")
    assert ours.unembedding() is ours.parameters()["lm_head.weight"]


def test_weights_without_prefix_or_with_masks_are_read(tmp_path):
    model, ours = pair("gpt2", tmp_path)
    old = {name.removeprefix("transformer."): w for name, w in model.named_parameters()}
    old |= {"h.0.attn.bias": torch.ones(1), "h.0.attn.masked_bias": torch.ones(1)}
    assert Gpt2.named(ours.config, old).keys() == ours.weights.keys()


@pytest.mark.parametrize("both", [False, True])
def test_a_tied_embedding_may_stand_under_either_name(both, tmp_path):
    _, ours = pair("llama", tmp_path, tie_word_embeddings=True)
    old = {**ours.weights, "model.layers.0.self_attn.rotary_emb.inv_freq": torch.ones(4)}
    old["lm_head.weight"] = old["model.embed_tokens.weight"]
    if not both:
        del old["model.embed_tokens.weight"]
    assert Llama.named(ours.config, old).keys() == ours.weights.keys()


@pytest.mark.parametrize(
    ("architecture", "changes"),
    [
        ("gpt2", {"activation_function": "relu"}),
        ("gpt2", {"tie_word_embeddings": False}),
        ("gpt2", {"scale_attn_by_inverse_layer_idx": True}),
        ("gpt2", {"scale_attn_weights": False}),
        ("gpt2", {"add_cross_attention": True}),
        ("llama", {"hidden_act": "gelu"}),
        ("llama", {"rope_parameters": {"rope_type": "linear", "factor": 2.0, "rope_theta": 1e4}}),
        ("llama", {"attention_bias": True}),
        ("llama", {"mlp_bias": True}),
    ],
)
def test_other_variants_are_left_to_transformers(architecture, changes):
    assert ARCHITECTURES[architecture].supports(theirs(architecture).config.to_dict())
    assert not ARCHITECTURES[architecture].supports(
        {**theirs(architecture).config.to_dict(), **changes}
    )


@pytest.mark.skipif(not STORIES.is_dir(), reason="no ../shared models here")
def test_a_real_llama():
    from transformers import AutoModelForCausalLM

    model = AutoModelForCausalLM.from_pretrained(str(STORIES), dtype=torch.float32)
    ours = load_model(STORIES, device="cpu")
    assert isinstance(ours.architecture, Llama)
    rows = ids(2, 40)
    torch.testing.assert_close(scores(ours, rows), their_scores(model, rows), atol=1e-4, rtol=1e-4)


LENGTHS = (12, 1, 5, 9)


def padded(lengths=LENGTHS, skipped: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
    """Rows filled up on the right, and the places behind so many skipped ones of each."""
    rows = ids(len(lengths), max(lengths))
    read = [row * max(lengths) + at for row, n in enumerate(lengths) for at in range(skipped, n)]
    return rows, torch.tensor(read)


def at_places(model, rows, places):
    """What `hidden_at` shortens: all rows read, padding too, and the places picked."""
    return model.hidden(rows).flatten(0, 1).index_select(0, places)


@pytest.mark.parametrize("skipped", [0, 3])
@pytest.mark.parametrize(("architecture", "changes"), CONFIGS)
def test_states_at_places_are_those_of_whole_rows(architecture, changes, skipped, tmp_path):
    _, ours = pair(architecture, tmp_path, **changes)
    rows, places = padded(skipped=skipped)
    expected = at_places(ours, rows, places)
    torch.testing.assert_close(ours.hidden_at(rows, places), expected, atol=1e-5, rtol=1e-4)
    short = ours.to(torch.bfloat16, torch.device("cpu"))
    spread = (short.hidden_at(rows, places).float() - expected).std() / expected.std()
    assert spread < 0.05


@BOTH
def test_gradients_at_places_are_those_of_whole_rows(architecture, tmp_path):
    _, ours = pair(architecture, tmp_path)
    rows, places = padded()
    for weight in ours.weights.values():
        weight.requires_grad_(True)

    def gradients(hidden):
        ours.logits(hidden).logsumexp(dim=-1).sum().backward()
        made = {name: weight.grad for name, weight in ours.weights.items()}
        for weight in ours.weights.values():
            weight.grad = None
        return made

    expected, got = (
        gradients(of(rows, places)) for of in (partial(at_places, ours), ours.hidden_at)
    )
    for name, gradient in expected.items():
        torch.testing.assert_close(got[name], gradient, atol=1e-4, rtol=1e-3)


@pytest.mark.parametrize(("promised", "tokens"), [(False, sum(LENGTHS)), (True, 4 * 12)])
@BOTH
def test_padding_is_read_only_where_bits_are_promised(
    architecture, promised, tokens, tmp_path, monkeypatch
):
    _, ours = pair(architecture, tmp_path)
    monkeypatch.setattr(transformer, "is_portable", lambda: promised)
    embed, seen = ours.architecture.embed, []
    monkeypatch.setattr(
        ours.architecture, "embed", lambda ids, at: seen.append(ids.numel()) or embed(ids, at)
    )
    rows, places = padded()
    states = ours.hidden_at(rows, places)
    assert seen == [tokens]
    same = torch.equal(states, at_places(ours, rows, places))
    assert same or not promised
