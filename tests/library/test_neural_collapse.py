"""NC1 to NC4 of models in memory and in folders: the numbers of the embed and score stages."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import transformers
from transformers import PreTrainedTokenizerFast

import palimpsest
from palimpsest.core.errors import MetricError, ModelError
from palimpsest.evaluation.model_metrics import class_metrics
from palimpsest.lm.checkpoint import load_model_and_tokenizer
from palimpsest.lm.probing import heldout_and_classes
from palimpsest.metrics.registry import REGISTRY
from tests.lm.tiny import GPT2, TEXTS, VOCABULARY, saved, theirs
from tests.lm.tiny import tokenizer as tiny_tokenizer

NAMES = {
    "nc1_cdnv", "nc1_cdnv_squared", "nc2_equinorm", "nc2_equinorm_log", "nc2_etf_error",
    "gnc2_log", "gnc2_log_mean", "nc3_dual_error", "unc3", "nc4_agreement",
}  # fmt: skip


def their_tokenizer(**special: str | None) -> Any:
    tokens = {"eos_token": "<|endoftext|>", "bos_token": "<|endoftext|>"} | special
    return PreTrainedTokenizerFast(tokenizer_object=tiny_tokenizer().backend, **tokens)


def of(model: Any, tokenizer: Any = None, **options: Any) -> Any:
    given = their_tokenizer() if tokenizer is None else tokenizer
    return palimpsest.neural_collapse(model, given, TEXTS, **{"min_count": 5} | options)


def test_it_is_what_the_stages_measure(tmp_path: Path) -> None:
    folder = saved(theirs("gpt2"), tmp_path)
    model, tokenizer = load_model_and_tokenizer(folder, device="cpu")
    counts = np.zeros(VOCABULARY, dtype=np.int64)
    _, arrays = heldout_and_classes(model, tokenizer, TEXTS, counts, 5)
    got = palimpsest.neural_collapse(folder, None, TEXTS, min_count=5)
    assert got.values == class_metrics(arrays)
    assert got.values.keys() == NAMES
    assert REGISTRY.keys() >= NAMES
    assert got.classes == len(arrays["ids"]) > 2


@pytest.mark.parametrize("architecture", ["gpt2", "llama"])
def test_memory_and_folder_read_the_same(architecture: str, tmp_path: Path) -> None:
    model = theirs(architecture)
    folder = saved(model, tmp_path)
    held = of(model)
    for one in (of(str(folder), folder), of(model, folder), of(folder)):
        assert one.values == pytest.approx(held.values, rel=1e-3)
        assert (one.classes, one.tokens) == (held.classes, held.tokens)


FAMILIES = {
    "soft-capped": ("Gemma2", {"final_logit_softcapping": 5.0, "head_dim": 8}),
    "scaled": ("Cohere", {"logit_scale": 0.5}),
    "embed_out": ("GPTNeoX", {}),
    "decoder": ("OPT", {"ffn_dim": 32, "word_embed_proj_dim": 16}),
}


@pytest.mark.parametrize("name", FAMILIES)
@torch.no_grad()
def test_families_name_and_cap_their_heads_each_in_its_own_way(name: str) -> None:
    """NC4 by hand, from the hidden states that the library itself returns."""
    family, options = FAMILIES[name]
    shape = {
        "vocab_size": VOCABULARY, "hidden_size": 16, "intermediate_size": 32,
        "num_hidden_layers": 2, "num_attention_heads": 2, "num_key_value_heads": 2,
        "max_position_embeddings": 64,
    }  # fmt: skip
    torch.manual_seed(0)
    config = getattr(transformers, f"{family}Config")(**shape | options)
    model = getattr(transformers, f"{family}ForCausalLM")(config).eval()
    got = of(model)
    assert got.values.keys() == NAMES
    rows, hidden = [], []
    for ids in tiny_tokenizer().documents(TEXTS):
        rows += ids[1:]
        states = model(torch.tensor([ids[:-1]]), output_hidden_states=True).hidden_states
        hidden.append(states[-1][0])
    targets, states_Nd = torch.tensor(rows), torch.cat(hidden).double()
    kept = [c for c in range(VOCABULARY) if (targets == c).sum() >= 5]
    means = torch.stack([states_Nd[targets == c].mean(dim=0) for c in kept])
    weights = model.get_output_embeddings().weight[kept].double()
    agreed = (states_Nd @ weights.T).argmax(1) == torch.cdist(states_Nd, means).argmin(1)
    assert (got.classes, got.tokens) == (len(kept), sum(rows.count(c) for c in kept))
    assert got["nc4_agreement"] == pytest.approx(float(agreed.double().mean()), abs=1e-3)


def test_what_occurs_too_seldom_is_left_out() -> None:
    model = theirs("gpt2")
    whole, few = of(model, min_count=1), of(model, min_count=20)
    assert (whole.classes_left_out, whole.tokens_left_out) == (0, 0)
    assert few.classes + few.classes_left_out == whole.classes
    assert few.tokens + few.tokens_left_out == whole.tokens
    assert whole.tokens == sum(len(ids) - 1 for ids in tiny_tokenizer().documents(TEXTS))
    assert 0 < few.classes < whole.classes


def test_without_a_class_each_metric_reads_its_worst() -> None:
    none = of(theirs("gpt2"), min_count=10_000)
    assert (none.classes, none.tokens) == (0, 0)
    assert none["nc4_agreement"] == 0.0
    assert none["nc1_cdnv"] == 1e9


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
def test_other_types_read_about_the_same(dtype: torch.dtype) -> None:
    exact = of(theirs("gpt2"))
    rounded = of(theirs("gpt2").to(dtype))
    assert rounded["nc2_equinorm"] == pytest.approx(exact["nc2_equinorm"], rel=0.05)


def test_the_model_and_the_tokenizer_are_left_as_they_were() -> None:
    model, tokenizer = theirs("gpt2", resid_pdrop=0.5), their_tokenizer()
    model.train()
    model.transformer.h[0].eval()
    before = {name: weight.clone() for name, weight in model.state_dict().items()}
    tokenizer.backend_tokenizer.enable_truncation(3)
    one, same = of(model, tokenizer), of(model, tokenizer)
    assert one == same  # dropout is off
    assert one.tokens == of(model).tokens  # and whole texts are read
    assert (model.training, model.transformer.h[0].training) == (True, False)
    assert all(torch.equal(before[name], now) for name, now in model.state_dict().items())
    assert tokenizer.backend_tokenizer.truncation["max_length"] == 3


def test_it_reads_well() -> None:
    got = of(theirs("gpt2"))
    for part in ("nc1_cdnv ", "nc4_agreement ", f"{got.classes} classes", "fewer than 5 left out"):
        assert part in repr(got)
    assert got._repr_html_().count("<tr>") == 1 + len(NAMES)
    assert [row["metric"] for row in got.metrics] == [*got.values]


class Bare:
    """A tokenizer without the library behind it."""

    eos_token_id = 0


@pytest.mark.parametrize(
    ("change", "kind", "said"),
    [
        ({"texts": "one"}, MetricError, "texts: want texts .*got one string"),
        ({"texts": []}, MetricError, "texts: want at least one text, got none"),
        ({"texts": [["a"]]}, MetricError, "texts: .*list of strings in row 0"),
        ({"min_count": 0}, MetricError, "min_count: want a whole number >= 1, got 0"),
        ({"min_count": 1.5}, MetricError, "min_count: want a whole number >= 1, got 1.5"),
        ({"min_count": True}, MetricError, "min_count: want a whole number >= 1, got True"),
        ({"model": None}, ModelError, "model: want a causal language model.*got None"),
        ({"model": torch.nn.Linear(2, 2)}, ModelError, "model: want .*AutoModelFor.*got Linear"),
        ({"model": "no/such/folder"}, ModelError, "no/such/folder: want a model folder"),
        ({"tokenizer": None}, ModelError, r"tokenizer: want its tokenizer \(Auto.*got None"),
        ({"tokenizer": 7}, ModelError, "tokenizer: want its tokenizer.*got int"),
        ({"tokenizer": "no/folder"}, ModelError, "no/folder: want a folder with a tokenizer"),
        ({"tokenizer": Bare()}, ModelError, r"tokenizer \(Bare\): want a tokenizer of transf"),
    ],
)
def test_mistakes(change: dict[str, Any], kind: type[Exception], said: str) -> None:
    given = {"model": theirs("gpt2"), "tokenizer": their_tokenizer(), "texts": TEXTS} | change
    with pytest.raises(kind, match=said) as caught:
        palimpsest.neural_collapse(**given)
    assert "\n" not in str(caught.value)


def test_a_model_without_a_head_and_a_tokenizer_without_an_end() -> None:
    with pytest.raises(ModelError, match=r"model \(GPT2Model\): want a causal language model"):
        of(theirs("gpt2").transformer)
    backend = tiny_tokenizer().backend
    nameless = their_tokenizer(eos_token=None, bos_token=None)
    assert of(theirs("gpt2"), nameless).classes > 2  # the end is there, under its usual name
    renamed = type(backend).from_str(backend.to_str().replace("<|endoftext|>", "<|other|>"))
    endless = PreTrainedTokenizerFast(tokenizer_object=renamed)
    with pytest.raises(ModelError, match=r"tokenizer \(.*\): want an end-of-text token"):
        of(theirs("gpt2"), endless)


def test_a_tokenizer_of_a_larger_model() -> None:
    shape = {"vocab_size": 200, "bos_token_id": 0, "eos_token_id": 0}
    small = transformers.GPT2LMHeadModel(transformers.GPT2Config(**GPT2 | shape))
    with pytest.raises(ModelError, match=r"tokenizer: want at most the model's 200 token types"):
        of(small.eval())
