"""A model in a folder: made, saved, loaded, and refused where it is damaged."""

import json
import math
import pickle
from pathlib import Path
from typing import Any

import pytest
import tokenizers
import torch
import transformers
from safetensors.torch import load_file, save_file

from palimpsest.core.errors import ModelError
from palimpsest.lm.checkpoint import (
    initial_model,
    load_model,
    load_model_and_tokenizer,
    save_model,
    scratch_model,
)
from palimpsest.lm.tokenizer import train_tokenizer
from tests.lm.architectures import random_model
from tests.lm.tiny import TEXTS, Trap, ids, model_params, pair, saved, scores, theirs, tokenizer

ROWS = ids(2, 9)


@pytest.fixture
def folder(tmp_path):
    return saved(theirs("gpt2"), tmp_path / "model")


def edit(folder: Path, **changes: Any) -> None:
    """Changes values of the folder's config.json."""
    path = folder / "config.json"
    content = json.loads(path.read_text(encoding="utf-8"))
    path.write_text(json.dumps(content | changes), encoding="utf-8")


def test_scratch_is_gpt2s_initialisation():
    model = scratch_model(model_params(layers=8), tokenizer(), seed=1)
    weights = model.parameters()
    for name, weight in weights.items():
        if weight.dim() == 1:
            expected = 1.0 if ".ln_" in name and name.endswith("weight") else 0.0
            assert bool((weight == expected).all()), name
        else:
            residual = name.endswith("c_proj.weight")
            scale = 0.02 / math.sqrt(16) if residual else 0.02
            assert float(weight.std()) == pytest.approx(scale, rel=0.1), name
            assert abs(float(weight.mean())) < 0.1 * scale, name
    assert (model.vocabulary, model.context) == (300, 32)
    assert len(weights) == 2 + 8 * 12 + 2


def test_the_seed_decides_the_first_weights():
    one, same, other = (scratch_model(model_params(), tokenizer(), seed) for seed in (1, 1, 2))
    name = "transformer.h.1.mlp.c_fc.weight"
    assert torch.equal(one.weights[name], same.weights[name])
    assert not torch.equal(one.weights[name], other.weights[name])


def test_scratch_opens_with_transformers_and_with_us(tmp_path):
    from transformers import AutoModelForCausalLM

    model = scratch_model(model_params(), tokenizer(), seed=1)
    save_model(model, tokenizer(), tmp_path)
    opened, report = AutoModelForCausalLM.from_pretrained(
        str(tmp_path), output_loading_info=True, use_safetensors=True
    )
    assert not report["missing_keys"]
    assert not report["unexpected_keys"]
    assert (opened.config.eos_token_id, opened.config.n_positions) == (tokenizer().end, 32)
    with torch.inference_mode():
        expected = opened(ROWS).logits
    torch.testing.assert_close(scores(model, ROWS), expected, atol=1e-5, rtol=1e-4)
    torch.testing.assert_close(
        scores(load_model(tmp_path, device="cpu"), ROWS), scores(model, ROWS)
    )


def test_a_hub_id_is_fetched_at_its_revision_and_a_folder_is_not(folder, monkeypatch):
    asked = []

    def fetched(name, revision):
        asked.append((name, revision))
        return folder

    monkeypatch.setattr("palimpsest.lm.hub.fetch_model", fetched)
    expected = scores(load_model(folder, device="cpu"), ROWS)
    for source, revision in (("a/b", "0123abc"), ("a/b", None), (str(folder), "0123abc")):
        model, _ = initial_model(model_params(source=source, revision=revision), TEXTS, 0)
        assert torch.equal(scores(model, ROWS), expected)
    assert asked == [("a/b", "0123abc"), ("a/b", None)]


@pytest.mark.parametrize("family", ["GPT2", "Llama", "GPTNeoX"])
def test_other_marks_of_a_document_are_handed_on(family, tmp_path):
    folder = saved(random_model(family), tmp_path / "theirs")
    words = tokenizers.Tokenizer.from_file(str(folder / "tokenizer.json"))
    words.add_special_tokens([words.id_to_token(7)])  # a type that the model has
    words.save(str(folder / "tokenizer.json"))
    params = model_params(source=str(folder), end_token=words.id_to_token(7))
    model, own = initial_model(params, TEXTS, 0)
    assert (own.start, own.end) == (tokenizer().start, 7)
    (tmp_path / "ours").mkdir()
    save_model(model, own, tmp_path / "ours")
    again, after = load_model_and_tokenizer(tmp_path / "ours", device="cpu")
    assert (after.start, after.end) == (own.start, 7)
    config = transformers.AutoConfig.from_pretrained(str(tmp_path / "ours"))
    assert (config.bos_token_id, config.eos_token_id) == (own.start, 7)
    assert torch.equal(scores(again, ROWS), scores(model, ROWS))


def test_a_model_from_scratch_has_the_marks_of_its_tokenizer(tmp_path):
    tokenizer().save(tmp_path)
    for changes in ({}, {"tokenizer": str(tmp_path)}):
        model, own = initial_model(model_params(end_token="<|endoftext|>", **changes), TEXTS, 0)
        assert model.config["eos_token_id"] == own.end == tokenizer().end
        with pytest.raises(
            ModelError, match=r"^model\.start_token: want a special token of the tok"
        ):
            initial_model(model_params(start_token="<s>", **changes), TEXTS, 0)


@pytest.mark.parametrize("architecture", ["gpt2", "llama"])
def test_what_was_saved_is_what_is_loaded(architecture, tmp_path):
    _, ours = pair(architecture, tmp_path / "theirs")
    (tmp_path / "ours").mkdir()
    save_model(ours, tokenizer(), tmp_path / "ours")
    again, words = load_model_and_tokenizer(tmp_path / "ours", device="cpu")
    assert {name: w.tolist() for name, w in again.parameters().items()} == {
        name: w.tolist() for name, w in ours.parameters().items()
    }
    assert words.encode(TEXTS) == tokenizer().encode(TEXTS)
    assert again.config == ours.config
    first = {path.name: path.read_bytes() for path in (tmp_path / "ours").iterdir()}
    assert first.keys() == {
        "config.json",
        "model.safetensors",
        "tokenizer.json",
        "tokenizer_config.json",
    }
    save_model(again, words, tmp_path / "ours")
    assert {path.name: path.read_bytes() for path in (tmp_path / "ours").iterdir()} == first


def test_weights_are_saved_in_float32(tmp_path):
    short = pair("gpt2", tmp_path)[1].to(torch.bfloat16, torch.device("cpu"))
    save_model(short, tokenizer(), tmp_path)
    assert {w.dtype for w in load_file(tmp_path / "model.safetensors").values()} == {torch.float32}
    assert json.loads((tmp_path / "config.json").read_text())["dtype"] == "float32"


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_a_model_computes_in_the_type_asked_for(dtype, folder):
    model = load_model(folder, dtype, device="cpu")
    assert {weight.dtype for weight in model.parameters().values()} == {getattr(torch, dtype)}


def test_weights_in_several_files(tmp_path):
    model = theirs("gpt2")
    folder = saved(model, tmp_path, max_shard_size="10KB")
    assert len(list(folder.glob("*.safetensors"))) > 2
    assert not (folder / "model.safetensors").exists()
    with torch.inference_mode():
        expected = model(ROWS).logits
    torch.testing.assert_close(
        scores(load_model(folder, device="cpu"), ROWS), expected, atol=1e-4, rtol=1e-4
    )
    sorted(folder.glob("*.safetensors"))[1].unlink()
    with pytest.raises(ModelError, match=r"index\.json: want names of files beside it, got model-"):
        load_model(folder)


@pytest.mark.parametrize("model_type", ["gpt2", "gpt_neox"])
def test_pickled_weights_are_never_loaded(model_type, folder, tmp_path):
    (folder / "model.safetensors").unlink()
    (folder / "pytorch_model.bin").write_bytes(pickle.dumps(Trap(tmp_path / "sprung")))
    edit(folder, model_type=model_type)
    with pytest.raises(ModelError, match=r"want weights as model\.s.*, got none; pickled"):
        load_model(folder)
    assert not (tmp_path / "sprung").exists()


def test_no_folder_no_config(tmp_path):
    with pytest.raises(ModelError, match="nowhere: want a model folder, got no such folder"):
        load_model(tmp_path / "nowhere")
    with pytest.raises(ModelError, match=r"want a config\.json in it, got none"):
        load_model(tmp_path)


@pytest.mark.parametrize(
    ("content", "message"),
    [(b"{", "want valid JSON, got Expecting"), (b"\xff", "want valid JSON"), (b"[]", "got list")],
)
def test_a_damaged_config(content, message, folder):
    (folder / "config.json").write_bytes(content)
    with pytest.raises(ModelError, match=f"config.json: .*{message}"):
        load_model(folder)


def test_a_damaged_weights_file(folder):
    path = folder / "model.safetensors"
    path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(ModelError, match=r"model\.safetensors: want a safetensors file, got"):
        load_model(folder)


@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_weights_that_are_no_numbers(bad, folder):
    weights = load_file(folder / "model.safetensors")
    weights["transformer.h.1.ln_1.bias"][3] = bad
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(ModelError, match=r"h\.1\.ln_1\.bias: want finite weights, got NaN or inf"):
        load_model(folder)


@pytest.mark.parametrize(
    ("architecture", "name"),
    [("gpt2", "transformer.h.1.mlp.c_fc.bias"), ("llama", "lm_head.weight")],
)
def test_a_missing_weight(architecture, name, tmp_path):
    folder = saved(theirs(architecture), tmp_path)
    weights = load_file(folder / "model.safetensors")
    del weights[name]
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(ModelError, match=f"want weights for {name}, got none"):
        load_model(folder)


def test_a_config_without_a_shape(folder):
    content = json.loads((folder / "config.json").read_text())
    del content["n_head"]
    (folder / "config.json").write_text(json.dumps(content))
    with pytest.raises(ModelError, match=r"config\.json: n_head: want a value, got none"):
        load_model(folder)


def test_weights_of_another_shape(folder):
    weights = load_file(folder / "model.safetensors")
    weights["transformer.h.0.mlp.c_proj.weight"] = torch.zeros(64, 12)
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(ModelError, match=r"c_proj\.weight: want the shape .* \(64, 16\), got \(64"):
        load_model(folder)


def test_a_context_longer_than_the_position_embeddings(folder):
    edit(folder, n_positions=65)
    with pytest.raises(ModelError, match=r"wpe\.weight: want the shape .* \(65, 16\), got \(64"):
        load_model(folder)


def test_a_tokenizer_larger_than_the_model(folder):
    words = [f"{text} {number} {number * 7919}" for number, text in enumerate(TEXTS)]
    train_tokenizer(words, 310).save(folder)
    with pytest.raises(ModelError, match="tokenizer: want at most the model's 300 token types, go"):
        load_model_and_tokenizer(folder, device="cpu")
