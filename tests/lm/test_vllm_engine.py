"""vLLM is asked for what the parameters mean; the package itself is played by a stand-in."""

import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
import torch

from palimpsest.core.errors import InstallationError, MemoryShortage, ModelError, ParamsError
from palimpsest.core.parameters import ComputeParams, SamplingParams, WitnessParams
from palimpsest.core.rng import uniforms
from palimpsest.lm import vllm_engine
from palimpsest.lm.engines import load_author
from palimpsest.lm.prompts import continuations
from tests.lm.tiny import pair, sampling, tokenizer

COMPUTE = ComputeParams(threads=1, portable=False, device="auto", processes=2)
END = tokenizer().end


class Engine:
    """What vLLM does, as far as it is asked here: each text is its prompt's ids once more."""

    made: dict[str, Any]
    fails: Exception | None = None

    def __init__(self, **options: Any) -> None:
        if Engine.fails is not None:
            raise Engine.fails
        Engine.made = options
        self.llm_engine = SimpleNamespace(model_config=SimpleNamespace(max_model_len=64))
        self.asked: list[Any] = []

    def generate(self, prompts: Any, params: Any, use_tqdm: bool) -> Any:
        self.asked = [*zip(prompts, params, strict=True)]
        ids = [[*row["prompt_token_ids"][1:], 7, END, 9] for row in prompts]
        return [SimpleNamespace(outputs=[SimpleNamespace(token_ids=tuple(one))]) for one in ids]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A model's folder, on a machine with vLLM and two GPUs."""
    module = ModuleType("vllm")
    module.LLM, module.SamplingParams = Engine, SimpleNamespace  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "vllm", module)
    monkeypatch.setattr(vllm_engine, "require", lambda module, extra: None)
    monkeypatch.setattr(vllm_engine, "version", lambda package: "1.2.3")
    monkeypatch.setattr(vllm_engine, "placed", lambda *_, **__: "cuda")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(Engine, "fails", None)
    pair("gpt2", tmp_path / "model")
    return tmp_path / "model"


def noise(documents: Any, width: int) -> Any:
    return uniforms(7, "test", 0, documents, width)


def written(folder: Path, prompts: list[list[int]], **changes: Any) -> tuple[Any, Any]:
    """The texts, and what the engine was asked."""
    params = sampling(engine="vllm", **changes)
    author: Any = load_author(folder, params, COMPUTE)
    return author.write(prompts, params, noise), author._model.asked


def test_the_model_is_given_over_as_it_lies_there(folder: Path) -> None:
    author = load_author(folder, sampling(engine="vllm", batch_size=3), COMPUTE)
    assert Engine.made == {
        "model": str(folder),
        "dtype": "float32",
        "max_num_seqs": 3,
        "tensor_parallel_size": 2,
        "skip_tokenizer_init": True,
        "generation_config": "vllm",
        "trust_remote_code": False,
        "seed": 0,
    }
    assert author.context == 64
    assert author.facts() == {
        "dtype": "float32",
        "device": "cuda",
        "threads": torch.get_num_threads(),
        "portable": False,
        "processes": 2,
        "engine": "vllm 1.2.3",
    }


def test_ids_go_in_behind_the_start_and_come_out_before_the_end(folder: Path) -> None:
    texts, asked = written(folder, [[], [5, 6]])
    assert texts == [[7], [5, 6, 7]]
    start = tokenizer().start
    assert [row for row, _ in asked] == [
        {"prompt_token_ids": [start]},
        {"prompt_token_ids": [start, 5, 6]},
    ]


def test_every_document_has_the_seed_of_its_own_stream(folder: Path) -> None:
    seeds = [params.seed for _, params in written(folder, [[]] * 4)[1]]
    assert seeds == [int(number * 2**53) for number in noise(range(4), 1)[:, 0]]
    assert len({*seeds}) == 4
    assert [params.seed for _, params in written(folder, [[]] * 2)[1]] == seeds[:2]


@pytest.mark.parametrize(
    ("changes", "wanted"),
    [
        ({}, {"temperature": 1.0, "top_k": -1, "top_p": 1.0, "min_p": 0.0, "min_tokens": 0}),
        ({"temperature": 0.7, "top_k": 5, "top_p": 0.9}, {"temperature": 0.7, "top_k": 5,
                                                         "top_p": 0.9}),
        ({"min_p": 0.1}, {"min_p": 0.1}),
        ({"strategy": "greedy", "top_k": 5}, {"temperature": 0.0}),
        ({"stop_at_end": False}, {"min_tokens": 12}),
    ],
)  # fmt: skip
def test_what_the_options_are_called(
    folder: Path, changes: dict[str, Any], wanted: dict[str, Any]
) -> None:
    ((_, params),) = written(folder, [[5]], **changes)[1]
    always = {"max_tokens": 12, "stop_token_ids": [END], "ignore_eos": True, "detokenize": False}
    found = vars(params)
    assert found | wanted | always == found
    assert ("top_k" in found) == (changes.get("strategy") != "greedy")


def test_witness_prompts_are_asked_of_the_same_engine(folder: Path) -> None:
    author = load_author(folder, sampling(engine="vllm"), COMPUTE)
    witness = WitnessParams(prompts=("The fox",))
    (text,) = continuations(author, witness, sampling(engine="vllm"), noise)
    assert text.startswith("The fox")
    assert author.write([], sampling(engine="vllm"), noise) == []


def test_a_document_must_have_room(folder: Path) -> None:
    with pytest.raises(ParamsError, match=r"max_new_tokens: want at most 61 \(the context of 64"):
        written(folder, [[5, 6], [5]], max_new_tokens=62)


def test_memory_that_does_not_hold_it(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Engine, "fails", torch.OutOfMemoryError("CUDA out of memory."))
    with pytest.raises(MemoryShortage, match=r"generate\.batch_size: want less than 4, "):
        written(folder, [[]])


def test_without_a_gpu_it_is_refused(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vllm_engine, "placed", lambda *_, **__: "cpu")
    with pytest.raises(ModelError, match=r"generate\.engine: want native without a GPU, got vllm"):
        written(folder, [[]])


def test_without_the_package_its_extra_is_named(tmp_path: Path) -> None:
    with pytest.raises(InstallationError, match=r"the package vllm: .*palimpsest\[vllm\]"):
        load_author(tmp_path, sampling(engine="vllm"), COMPUTE)


@pytest.mark.parametrize(
    ("changes", "line"),
    [
        ({"strategy": "beam"}, "generate.strategy: want sample or greedy where generate.engine is"),
        ({"repetition_penalty": 1.1}, "generate.repetition_penalty: want 1 where generate.engine"),
        ({"padding": "right"}, "generate.padding: want none or left where generate.engine is vllm"),
        ({"min_p": 0.1, "top_p": 0.9}, "generate.min_p: want 0 beside top_p where generate.engine"),
    ],
)
def test_what_it_does_otherwise_is_refused(changes: dict[str, Any], line: str) -> None:
    values = sampling().as_dict()
    SamplingParams.of(values | changes, "generate")
    with pytest.raises(ParamsError) as caught:
        SamplingParams.of(values | changes | {"engine": "vllm"}, "generate")
    assert str(caught.value).startswith(line)
