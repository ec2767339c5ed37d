"""Other architectures through `transformers`: the same scores behind the same interface."""

import json
import os
import pickle

import pytest
import torch
import transformers
from safetensors.torch import load_file, save_file

from palimpsest.core.errors import ModelError
from palimpsest.lm.checkpoint import load_model, save_model
from palimpsest.lm.hub import HubModel, fetch_model
from tests.lm.tiny import VOCABULARY, Trap, ids, scores, their_scores, tokenizer

ROWS = ids(2, 9)
SHAPE = {
    "vocab_size": VOCABULARY,
    "hidden_size": 16,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "max_position_embeddings": 48,
    "bos_token_id": 0,
    "eos_token_id": 0,
    "pad_token_id": None,
}


def neox(**changes):
    """Rotary positions, an output embedding of its own."""
    config = transformers.GPTNeoXConfig(**SHAPE | {"intermediate_size": 32} | changes)
    return transformers.GPTNeoXForCausalLM(config)


def opt():
    """Learned positions with an offset, a tied output embedding."""
    config = transformers.OPTConfig(**SHAPE | {"ffn_dim": 32, "word_embed_proj_dim": 16})
    return transformers.OPTForCausalLM(config)


def random(model):
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for weight in model.parameters():
            weight.copy_(0.3 * torch.randn(weight.shape, generator=generator))
    return model.eval()


@pytest.fixture(params=[neox, opt], ids=["neox", "opt"])
def loaded(request, tmp_path):
    model = random(request.param())
    model.save_pretrained(str(tmp_path))
    tokenizer().save(tmp_path)
    ours = load_model(tmp_path, device="cpu")
    assert isinstance(ours, HubModel)
    return model, ours


def test_scores_equal_those_of_transformers(loaded):
    model, ours = loaded
    expected = their_scores(model, ROWS)
    assert expected.std() > 0.1
    torch.testing.assert_close(scores(ours, ROWS), expected, atol=1e-4, rtol=1e-4)
    assert (ours.vocabulary, ours.context, ours.dtype) == (VOCABULARY, 48, torch.float32)


@pytest.mark.parametrize("change", [{"vocab_size": 5}, {"max_position_embeddings": 4}])
def test_a_model_smaller_than_what_it_is_tried_on_is_believed(change, tmp_path):
    config = transformers.OPTConfig(**SHAPE | {"ffn_dim": 32, "word_embed_proj_dim": 16} | change)
    random(transformers.OPTForCausalLM(config)).save_pretrained(str(tmp_path))
    ours = load_model(tmp_path, device="cpu", prompt=[99] * 20)
    assert max(ours.prompt) < ours.vocabulary
    assert len(ours.prompt) <= ours.context


def test_neither_cache_nor_padding_nor_kept_rows_change_a_score(loaded):
    model, ours = loaded
    short, long, after = ids(1, 4, seed=1), ids(1, 9, seed=2), ids(1, 3, seed=3)
    fill = torch.full((1, 5), 7)
    decoder = ours.decoder(2, 12, torch.tensor([5, 0]))
    with torch.inference_mode():
        got = [decoder.step(torch.cat([torch.cat([fill, short], dim=1), long]))[0]]
        got.append(decoder.step(after[:, :1].expand(2, 1))[0])
        decoder.reorder(torch.tensor([0]))
        got.append(decoder.step(after[:, 1:2])[0])
        decoder.reorder(torch.tensor([0, 0]))
        got.append(decoder.step(after[:, 2:].expand(2, 1))[1])
    expected = their_scores(model, torch.cat([short, after], dim=1))[0, 3:]
    torch.testing.assert_close(torch.stack(got), expected, atol=1e-4, rtol=1e-4)


def test_a_copy_in_another_type_shares_no_memory(loaded):
    _, ours = loaded
    expected = scores(ours, ROWS)
    short = ours.to(torch.bfloat16, torch.device("cpu"))
    assert (short.dtype, ours.dtype) == (torch.bfloat16, torch.float32)
    assert (scores(short, ROWS).float() - expected).std() < 0.1 * expected.std()
    with torch.no_grad():
        for weight in short.parameters().values():
            weight.zero_()
    torch.testing.assert_close(scores(ours, ROWS), expected, atol=0, rtol=0)


def test_what_was_saved_is_what_is_loaded_and_names_no_path(loaded, tmp_path):
    _, ours = loaded
    folder = tmp_path / "again"
    folder.mkdir()
    save_model(ours, tokenizer(), folder)
    again = load_model(folder, device="cpu")
    torch.testing.assert_close(scores(again, ROWS), scores(ours, ROWS), atol=0, rtol=0)
    assert str(tmp_path) not in (folder / "config.json").read_text()
    (tmp_path / "third").mkdir()
    save_model(again, tokenizer(), tmp_path / "third")
    for name in ("config.json", "model.safetensors"):
        assert (tmp_path / "third" / name).read_bytes() == (folder / name).read_bytes()


def test_a_missing_weight_is_not_made_up(tmp_path):
    neox().save_pretrained(str(tmp_path))
    weights = load_file(tmp_path / "model.safetensors")
    name = "gpt_neox.layers.1.mlp.dense_h_to_4h.bias"
    del weights[name]
    save_file(weights, tmp_path / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(ModelError, match=f"want weights for {name}, got none"):
        load_model(tmp_path)


def test_an_unknown_architecture_is_one_line(tmp_path):
    neox().save_pretrained(str(tmp_path))
    content = json.loads((tmp_path / "config.json").read_text())
    (tmp_path / "config.json").write_text(json.dumps(content | {"model_type": "abacus"}))
    with pytest.raises(ModelError, match="want a causal language model, got") as caught:
        load_model(tmp_path)
    assert "\n" not in str(caught.value)


def test_code_that_comes_with_a_model_is_not_run(tmp_path):
    neox().save_pretrained(str(tmp_path))
    content = json.loads((tmp_path / "config.json").read_text())
    content |= {"model_type": "own", "auto_map": {"AutoConfig": "own.Own"}}
    (tmp_path / "config.json").write_text(json.dumps(content))
    (tmp_path / "own.py").write_text(f"open({str(tmp_path / 'ran')!r}, 'w').close()\n")
    with pytest.raises(ModelError, match="want a causal language model"):
        load_model(tmp_path)
    assert not (tmp_path / "ran").exists()


def test_pickled_weights_are_never_loaded(tmp_path):
    neox().save_pretrained(str(tmp_path))
    (tmp_path / "model.safetensors").unlink()
    (tmp_path / "pytorch_model.bin").write_bytes(pickle.dumps(Trap(tmp_path / "sprung")))
    with pytest.raises(ModelError, match="want a causal language model, got"):
        HubModel.load(tmp_path, torch.float32, torch.device("cpu"), {"a": (9, 9), "b": (9999, 99)})
    assert not (tmp_path / "sprung").exists()


def test_a_name_that_is_none_is_one_line():
    with pytest.raises(
        ModelError, match=r"model\.source: want a folder or a hub id .*, got 'not/a/name' "
    ):
        fetch_model("not/a/name")


def test_a_model_that_cannot_be_fetched_is_one_line(tmp_path, monkeypatch):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    with pytest.raises(ModelError, match=r"offline: model\.source: scratch, or a folder") as caught:
        fetch_model("someone/something", cache=tmp_path)
    assert "got 'someone/something' (" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_revision_that_cannot_be_fetched_is_named(tmp_path, monkeypatch):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    with pytest.raises(ModelError, match=r", got 'someone/something' at '0123abc' \(") as caught:
        fetch_model("someone/something", "0123abc", cache=tmp_path)
    assert "\n" not in str(caught.value)


def test_only_safetensors_and_text_are_fetched(tmp_path, monkeypatch):
    seen = {}

    def download(name, revision, allow_patterns, cache_dir):
        seen.update(name=name, revision=revision, patterns=allow_patterns, cache=cache_dir)
        return os.fspath(tmp_path)

    monkeypatch.setattr("huggingface_hub.snapshot_download", download)
    assert fetch_model("someone/something", "0123abc", tmp_path) == tmp_path
    assert (seen["name"], seen["revision"], seen["cache"]) == (
        "someone/something",
        "0123abc",
        tmp_path,
    )
    assert "*.safetensors" in seen["patterns"]
    assert not any(end in p for p in seen["patterns"] for end in (".bin", ".pt", ".py", "pickle"))
    fetch_model("someone/something")
    assert (seen["revision"], seen["cache"]) == (None, None)
