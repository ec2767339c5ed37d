"""This project's own loop behind the interface of all engines."""

from pathlib import Path

import pytest

from palimpsest.core.errors import MemoryShortage
from palimpsest.core.parameters import ComputeParams
from palimpsest.core.rng import uniforms
from palimpsest.core.team import ALONE
from palimpsest.lm import engines
from palimpsest.lm.engines import NativeAuthor, load_author
from palimpsest.lm.generation import generate
from palimpsest.lm.runtime import machine_facts
from tests.lm.tiny import pair, sampling, tokenizer

COMPUTE = ComputeParams(threads=1, portable=False, device="cpu", processes=1)


def noise(documents, width):
    return uniforms(7, "test", 0, documents, width)


def test_the_native_engine_writes_what_the_loop_writes(tmp_path: Path) -> None:
    model = pair("gpt2", tmp_path)[1]
    prompts, params, done = [[], [5], []], sampling(), []
    author = load_author(tmp_path, params, COMPUTE)
    found = author.write(prompts, params, noise, done.append)
    assert found == generate(model, tokenizer(), prompts, params, noise)
    assert sum(done) == 3
    assert author.context == model.context
    assert author.facts() == {**machine_facts(model), "processes": 1}


def test_a_model_that_does_not_fit_names_its_type(tmp_path, monkeypatch) -> None:
    def full(*_):
        raise MemoryError

    monkeypatch.setattr(engines, "load_model_and_tokenizer", full)
    with pytest.raises(MemoryShortage, match=r"generate\.dtype: want bfloat16, got float32"):
        load_author(tmp_path, sampling(), COMPUTE)


def test_who_shares_the_work_is_asked_for_it(tmp_path: Path) -> None:
    model = pair("gpt2", tmp_path)[1]
    assert NativeAuthor(model, tokenizer()).team is ALONE
