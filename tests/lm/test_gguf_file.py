"""Models in GGUF files: the same scores as the model that was written; or refused in a line."""

import hashlib
import json
import struct
from importlib.util import find_spec

import pytest
import torch

from palimpsest.core import extras
from palimpsest.core.errors import InstallationError, ModelError
from palimpsest.lm.checkpoint import folder_hashes, initial_model, load_model, save_model
from palimpsest.lm.hub import HubModel
from palimpsest.lm.tokenizer import train_tokenizer
from palimpsest.lm.transformer import Transformer
from tests.lm.architectures import random_model
from tests.lm.gguf_files import gguf_bytes, write_gguf
from tests.lm.tiny import TEXTS, ids, model_params, scores, their_scores, theirs, tokenizer

needs_gguf = pytest.mark.skipif(
    find_spec("gguf") is None, reason="the package gguf (palimpsest[gguf]) is not installed"
)
ROWS = ids(2, 9)
MODELS = {
    "llama": (lambda: theirs("llama"), ("mlp.gate_proj", "mlp.up_proj")),
    "qwen2": (lambda: random_model("Qwen2"), ("mlp.gate_proj", "mlp.up_proj")),
    "gpt2": (lambda: theirs("gpt2", n_embd=32, n_inner=96), ("transformer.wte",)),
}
"""By family: how to make one, and weights in rows of 32, which can be quantised."""


def loaded(path, **changes):
    return initial_model(model_params(source=str(path), **changes), TEXTS, 0)


@needs_gguf
@pytest.mark.parametrize("bits", [32, 8])
@pytest.mark.parametrize("family", MODELS)
def test_scores_are_those_of_the_model_that_was_written(family, bits, tmp_path):
    make, short = MODELS[family]
    model = make()
    before = their_scores(model, ROWS)
    path = write_gguf(model, tmp_path / "model.gguf", short if bits == 8 else ())
    assert torch.equal(their_scores(model, ROWS), before) == (bits == 32)
    ours, words = loaded(path)
    assert isinstance(ours, HubModel if family == "qwen2" else Transformer)
    expected = their_scores(model, ROWS)
    assert expected.std() > 0.1
    torch.testing.assert_close(scores(ours, ROWS), expected, atol=1e-4, rtol=1e-4)
    assert words.encode(TEXTS) == tokenizer().encode(TEXTS)
    assert (words.start, words.end) == (tokenizer().start, tokenizer().end)
    (tmp_path / "ours").mkdir()
    save_model(ours, words, tmp_path / "ours")
    again = load_model(tmp_path / "ours", device="cpu")  # no later stage needs gguf
    assert torch.equal(scores(again, ROWS), scores(ours, ROWS))
    config = json.loads((tmp_path / "ours" / "config.json").read_text())
    assert not {"quantization_config", "_name_or_path"} & config.keys()


@needs_gguf
def test_a_folder_with_one_file_is_that_file(tmp_path):
    path = write_gguf(theirs("llama"), tmp_path / "some.GGUF")
    params = model_params(source=str(tmp_path))
    ours, _ = initial_model(params, TEXTS, 0)
    assert torch.equal(scores(ours, ROWS), scores(loaded(path)[0], ROWS))
    assert folder_hashes(params) == folder_hashes(model_params(source=str(path)))
    assert folder_hashes(params).keys() == {"source some.GGUF"}


@needs_gguf
def test_what_lies_beside_a_file_has_no_say(tmp_path):
    path = write_gguf(theirs("llama"), tmp_path / "a name of its own")
    expected = scores(loaded(path)[0], ROWS)
    train_tokenizer([f"{text} other words" for text in TEXTS], 280).save(tmp_path)
    code = {"AutoTokenizer": ["own.Own", "own.Own"], "AutoConfig": "own.Own"}
    for name in ("config.json", "tokenizer_config.json"):
        content = {"auto_map": code, "model_type": "gpt2", "eos_token": "a", "n_embd": 4}
        (tmp_path / name).write_text(json.dumps(content))
    (tmp_path / "own.py").write_text(f"open({str(tmp_path / 'ran')!r}, 'w').close()\n")
    ours, words = loaded(path)
    assert torch.equal(scores(ours, ROWS), expected)
    assert words.encode(TEXTS) == tokenizer().encode(TEXTS)
    assert not (tmp_path / "ran").exists()


@needs_gguf
@pytest.mark.parametrize("name", ["output_norm.weight", "blk.1.ffn_up.weight"])
def test_weights_that_are_not_there_are_not_made_up(name, tmp_path):
    path = write_gguf(theirs("llama"), tmp_path / "model.gguf")
    content = path.read_bytes()
    path.write_bytes(content.replace(name.encode(), name.encode()[:-6] + b"weighs"))
    with pytest.raises(ModelError, match=r"want weights for model.*, got none"):
        loaded(path)


@needs_gguf
def test_weights_that_are_no_numbers(tmp_path):
    model = theirs("llama")
    with torch.no_grad():
        model.model.norm.weight[3] = float("nan")
    with pytest.raises(ModelError, match="want finite weights, got NaN or infinity"):
        loaded(write_gguf(model, tmp_path / "model.gguf"))


@needs_gguf
def test_a_family_that_transformers_does_not_read_is_named(tmp_path):
    path = write_gguf(theirs("llama"), tmp_path / "model.gguf", general__architecture="abacus")
    with pytest.raises(
        ModelError, match=r"model\.gguf \(abacus\): want a causal language model, g"
    ):
        loaded(path)


@needs_gguf
@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("llama__block_count", 10**6, "want 1 to 21 layers, got 1000000"),
        ("llama__embedding_length", 10**6, "weights of the files, got "),
        ("llama__context_length", 2**31, "positions, got 2147483648"),
        ("llama__feed_forward_length", 40, "weights of the shapes that its metadata say, got oth"),
    ],
)
def test_a_shape_that_the_weights_do_not_have_is_refused(key, value, message, tmp_path):
    path = write_gguf(theirs("llama"), tmp_path / "model.gguf", **{key: value})
    with pytest.raises(ModelError) as said:
        loaded(path)
    assert message in str(said.value)
    assert "\n" not in str(said.value)


@needs_gguf
def test_a_tokenizer_that_is_none_is_one_line(tmp_path):
    path = write_gguf(theirs("llama"), tmp_path / "model.gguf", tokenizer__ggml__model="abacus")
    with pytest.raises(ModelError, match=r"model\.gguf: want a tokenizer, got ") as said:
        loaded(path)
    assert "\n" not in str(said.value)


@needs_gguf
def test_a_file_whose_weights_are_cut_is_one_line(tmp_path):
    path = write_gguf(theirs("llama"), tmp_path / "model.gguf")
    path.write_bytes(path.read_bytes()[:-2000])
    with pytest.raises(ModelError) as said:
        loaded(path)
    assert "\n" not in str(said.value)


def test_a_file_of_another_kind_is_said_to_be_none(tmp_path):
    (tmp_path / "params.yaml").write_text("seed: 0\n")
    with pytest.raises(ModelError, match="want a GGUF file, got another kind of file"):
        loaded(tmp_path / "params.yaml")
    with pytest.raises(ModelError, match="want a GGUF file, got no such file"):
        loaded(tmp_path / "none.gguf")


@pytest.mark.parametrize("module", extras.GGUF)
def test_what_reads_them_is_missed_by_the_name_of_its_extra(module, tmp_path, monkeypatch):
    monkeypatch.setattr(extras, "find_spec", lambda name: None if name == module else name)
    path = tmp_path / "model.gguf"
    tensor = {"a": ((1,), 0, struct.pack("<f", 1))}
    path.write_bytes(gguf_bytes({"general.architecture": "llama"}, tensor))
    with pytest.raises(InstallationError, match=rf"package {module}: .*palimpsest\[gguf\]"):
        loaded(path)


def test_the_hash_of_a_file_is_noted(tmp_path):
    path = tmp_path / "model.gguf"
    path.write_bytes(b"GGUF")
    expected = {"source model.gguf": hashlib.sha256(b"GGUF").hexdigest()}
    assert folder_hashes(model_params(source=str(path))) == expected


@needs_gguf
def test_other_marks_begin_and_end_a_document(tmp_path):
    path = write_gguf(theirs("llama"), tmp_path / "model.gguf", tokenizer__ggml__eos_token_id=7)
    assert loaded(path)[1].end == 7
    ours, words = loaded(path, end_token="<|endoftext|>")
    assert words.end == tokenizer().end
    assert ours.config["eos_token_id"] == tokenizer().end
