"""Folders that say other than what they hold: refused in a line, before anything is allocated."""

import json
import pickle
import shutil
import time
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from palimpsest.core.errors import ModelError
from palimpsest.lm.checkpoint import load_model
from palimpsest.lm.tokenizer import load_tokenizer
from tests.lm.architectures import random_model
from tests.lm.tiny import ids, saved, scores, their_scores, theirs, tokenizer

HUGE = 10**9
KEYS = {
    "gpt2": ("n_embd", "n_head", "n_positions", "n_layer", "vocab_size"),
    "llama": (
        "hidden_size",
        "num_attention_heads",
        "max_position_embeddings",
        "num_hidden_layers",
        "vocab_size",
    ),
    "neox": (
        "hidden_size",
        "num_attention_heads",
        "max_position_embeddings",
        "num_hidden_layers",
        "vocab_size",
    ),
}
VALUES = (HUGE, 10**6, 10**400, 0, -1, "four", [2], {"a": 1}, 2.5)
ROWS = ids(2, 9)


def folder_of(family, path):
    return saved(random_model("GPTNeoX") if family == "neox" else theirs(family), path)


def refusal(folder):
    """What loading says, or nothing where it loads."""
    try:
        load_model(folder, device="cpu")
    except ModelError as error:
        return str(error)
    return ""


@pytest.mark.filterwarnings("ignore:Initializing zero-element tensors")
@pytest.mark.parametrize("family", KEYS)
def test_a_config_that_contradicts_the_weights(family, tmp_path):
    folder = folder_of(family, tmp_path)
    config = json.loads((folder / "config.json").read_text())
    load_model(folder, device="cpu")
    for key in KEYS[family]:
        for value in VALUES:
            if (key, value) == ("max_position_embeddings", 10**6):
                continue  # angles have no end: that is a model
            (folder / "config.json").write_text(json.dumps(config | {key: value}))
            start = time.process_time()
            said = refusal(folder)
            assert said, (key, value)
            assert "\n" not in said, (key, value)
            assert time.process_time() - start < 5, (key, value)


@pytest.mark.parametrize("value", [HUGE, -1])
def test_positions_that_no_model_has_are_named(value, tmp_path):
    folder = folder_of("llama", tmp_path)
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | {"max_position_embeddings": value}))
    with pytest.raises(ModelError, match=f"max_position_embeddings: want >= 1 and .*, got {value}"):
        load_model(folder)


def test_rotary_tables_are_as_long_as_what_is_read(tmp_path):
    model, folder = theirs("llama"), tmp_path
    saved(model, folder)
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | {"max_position_embeddings": 2**24}))
    ours = load_model(folder, device="cpu")
    torch.testing.assert_close(scores(ours, ROWS), model(ROWS).logits, atol=1e-4, rtol=1e-4)
    assert len(ours.architecture.cos) == 16


def test_other_weights_beside_the_models_are_not_merged_in(tmp_path):
    folder = folder_of("gpt2", tmp_path)
    expected = scores(load_model(folder, device="cpu"), ROWS)
    weights = load_file(folder / "model.safetensors")
    wrong = {name: torch.zeros_like(weight) for name, weight in weights.items()}
    for name in ("consolidated.safetensors", "adapter_model.safetensors", "zzz.safetensors"):
        save_file(wrong, folder / name)
    assert torch.equal(scores(load_model(folder, device="cpu"), ROWS), expected)


@pytest.mark.parametrize("family", ["gpt2", "neox"])
def test_an_adapter_is_refused_by_name(family, tmp_path):
    folder = folder_of(family, tmp_path)
    shutil.move(folder / "model.safetensors", folder / "adapter_model.safetensors")
    (folder / "adapter_config.json").write_text("{}")
    message = r"want a whole model, got an adapter \(adapter_config\.json\); merge it"
    with pytest.raises(ModelError, match=message):
        load_model(folder)


@pytest.mark.parametrize(
    "content",
    ["{", "[]", "{}", '{"weight_map": {"a": "../model.safetensors"}}', '{"weight_map": 3}'],
)
def test_an_index_that_names_no_files_beside_it(content, tmp_path):
    folder = folder_of("gpt2", tmp_path / "model")
    shutil.move(folder / "model.safetensors", tmp_path / "model.safetensors")
    (folder / "model.safetensors.index.json").write_text(content)
    with pytest.raises(ModelError, match=r"index\.json: want"):
        load_model(folder)


@pytest.mark.parametrize(
    "header",
    [
        b'{"transformer.wte.weight":{"dtype":"F32","shape":[1000000,1000000],'
        b'"data_offsets":[0,4000000000000]}}',
        b'{"a":' * 2000,
        b"\xff" * 40,
    ],
)
def test_a_header_that_promises_what_the_file_does_not_hold(header, tmp_path):
    folder = folder_of("gpt2", tmp_path)
    path = folder / "model.safetensors"
    path.write_bytes(len(header).to_bytes(8, "little") + header)
    with pytest.raises(ModelError, match=r"model\.safetensors: want a safetensors file, got"):
        load_model(folder)


PAYLOAD = "from pathlib import Path\nPath({place!r}).write_text('ran')\nclass Own: pass\n"


def with_code(folder, place):
    """A folder that asks in every way for code of its own to be run, and has it."""
    for name in ("modeling_own.py", "configuration_own.py", "tokenization_own.py", "__init__.py"):
        (folder / name).write_text(PAYLOAD.format(place=str(place)))
    classes = {
        "AutoConfig": "configuration_own.Own",
        "AutoModelForCausalLM": "modeling_own.Own",
        "AutoTokenizer": ["tokenization_own.Own", "tokenization_own.Own"],
    }
    for name in ("config.json", "tokenizer_config.json"):
        content = json.loads((folder / name).read_text())
        (folder / name).write_text(json.dumps(content | {"auto_map": classes}))
    return folder


@pytest.mark.parametrize("kind", ["gpt2", "neox", "unknown", "without tokenizer.json"])
def test_code_in_a_folder_never_runs(kind, tmp_path):
    place = tmp_path / "ran"
    family = kind if kind in ("gpt2", "neox") else "neox"
    folder = with_code(folder_of(family, tmp_path / "model"), place)
    config = json.loads((folder / "config.json").read_text())
    if kind == "unknown":
        (folder / "config.json").write_text(json.dumps(config | {"model_type": "own"}))
    if kind == "without tokenizer.json":
        (folder / "tokenizer.json").unlink()
        names = json.loads((folder / "tokenizer_config.json").read_text())
        names["tokenizer_class"] = "Own"
        (folder / "tokenizer_config.json").write_text(json.dumps(names))
        with pytest.raises(ModelError, match="want a tokenizer, got"):
            load_tokenizer(folder)
    else:
        load_tokenizer(folder)
    assert bool(refusal(folder)) == (kind == "unknown")
    assert not place.exists()


class Runs:
    """Pickled: writes a file where it is loaded."""

    def __init__(self, place):
        self.place = place

    def __reduce__(self):
        return (Path.write_text, (self.place, "ran"))


@pytest.mark.parametrize("beside", [True, False], ids=["beside safetensors", "alone"])
def test_a_pickle_is_never_loaded(beside, tmp_path):
    place = tmp_path / "ran"
    folder = folder_of("neox", tmp_path / "model")
    for name in ("pytorch_model.bin", "training_args.bin", "model.pt", "tokenizer.pkl"):
        (folder / name).write_bytes(pickle.dumps(Runs(place)))
    if not beside:
        (folder / "model.safetensors").unlink()
    said = refusal(folder)
    assert ("pickled weights are never loaded" in said) != beside
    assert not place.exists()
    pickle.loads((folder / "pytorch_model.bin").read_bytes())
    assert place.exists(), "a load would have been seen"


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"[" * 10_000, b'{"a":' * 10_000, b"\xff", b"null", b"9" * 5000, b'{"model": {}}'],
    ids=["nothing", "cut", "deep list", "deep object", "no utf-8", "null", "digits", "no model"],
)
def test_a_damaged_tokenizer_is_one_line(content, tmp_path):
    tokenizer().save(tmp_path)
    (tmp_path / "tokenizer.json").write_bytes(content)
    with pytest.raises(ModelError, match=r"tokenizer\.json: want a tokenizer, got ") as caught:
        load_tokenizer(tmp_path)
    assert len(str(caught.value)) < 700
    assert "\n" not in str(caught.value)


def test_an_index_names_files_by_names_that_can_be(tmp_path):
    folder = folder_of("gpt2", tmp_path)
    (folder / "model.safetensors").unlink()
    for name in ("a" * 5000, "a\0b", "../model.safetensors", "/etc/passwd", "", "."):
        index = json.dumps({"weight_map": {"a": name}})
        (folder / "model.safetensors.index.json").write_text(index)
        assert "want names of files beside it, got" in refusal(folder)


def sharded(family, path):
    """A folder whose weights lie in several files, and what each of them holds."""
    model = random_model("GPTNeoX") if family == "neox" else theirs(family)
    folder = saved(model, path, max_shard_size="20KB")
    index = json.loads((folder / "model.safetensors.index.json").read_text())
    assert len({*index["weight_map"].values()}) > 2
    return model, folder, index


@pytest.mark.parametrize("family", KEYS)
def test_weights_in_several_files_are_one_model(family, tmp_path):
    model, folder, _ = sharded(family, tmp_path)
    ours = load_model(folder, device="cpu")
    torch.testing.assert_close(scores(ours, ROWS), their_scores(model, ROWS), atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("family", KEYS)
def test_shards_and_their_index_must_fit_each_other(family, tmp_path):
    _, folder, index = sharded(family, tmp_path)
    places = index["weight_map"]
    shards = sorted({*places.values()})
    held = [*places.values()]
    name = next(one for one in places if held.count(places[one]) > 1 and places[one] > shards[0])
    other = next(one for one in places if places[one] == shards[0])

    def says(changed):
        content = json.dumps({**index, "weight_map": changed})
        (folder / "model.safetensors.index.json").write_text(content)
        return refusal(folder)

    assert says(places) == ""
    missing = says({**places, name: "model-00009-of-00009.safetensors"})
    assert "want names of files beside it, got model-00009-of-00009.safetensors" in missing
    moved = says({**places, name: places[other]})
    assert f"{places[other]}: want {name}, by model.safetensors.index.json, got none" in moved
    less = says({key: place for key, place in places.items() if key != name})
    assert f"want the weights that model.safetensors.index.json names, got {name}" in less
    without = says({key: place for key, place in places.items() if place != shards[0]})
    assert f"want a weight_map that names every shard beside it, got none of {shards[0]}" in without
    extra = folder / "model-00008-of-00009.safetensors"
    shutil.copy(folder / shards[0], extra)
    assert f"names every shard beside it, got none of {extra.name}" in says(places)
    extra.rename(folder / "consolidated.safetensors")
    assert says(places) == ""
    (folder / shards[1]).write_bytes((folder / shards[1]).read_bytes()[:-100])
    assert f"{shards[1]}: want a safetensors file, got" in says(places)
    (folder / shards[1]).unlink()
    assert f"want names of files beside it, got {shards[1]}" in says(places)
