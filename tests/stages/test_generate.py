"""Every decoding parameter reaches the text: changed alone, it moves the right statistic."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from palimpsest.core.storage import read_continuations, read_texts
from palimpsest.lm.checkpoint import load_model_and_tokenizer
from palimpsest.lm.scoring import likelihood
from palimpsest.lm.tokenizer import Tokenizer
from stages import finetune
from tests.stages.conftest import Project, arguments
from tests.tiny import tiny_params, turn, write_params

Statistic = Callable[[Project, list[str]], float]


@pytest.fixture(scope="module")
def author(chain: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model that was trained on some words: that of `chain` writes bytes, each as likely."""
    root = tmp_path_factory.mktemp("author") / "chain"
    shutil.copytree(chain, root, ignore=shutil.ignore_patterns("g00", "g01"))
    shutil.copytree(chain / "data/texts/g00", root / "data/texts/g00")
    params = tiny_params()
    turn(params, "pretrain.steps", 400)
    write_params(root / "params.yaml", params)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(root)
        finetune.main(arguments("finetune", "g00"))
    return root / "models/g00"


@pytest.fixture(autouse=True)
def _author(project: Project, author: Path) -> None:
    shutil.rmtree(project.root / "models/g00")
    shutil.copytree(author, project.root / "models/g00")


def documents(project: Project) -> list[str]:
    """What generation 1 is handed: its own documents, the prompts with them where they are kept."""
    return read_texts(project.root / "data/texts/g01/training.jsonl")


def generate(project: Project, parameters: dict[str, Any]) -> list[str]:
    """The documents of generation 1 with some parameters of `generate` turned; none ends early."""
    for key, value in ({"stop_at_end": False} | parameters).items():
        turn(project.params, f"generate.{key}", value)
    project.run("generate")
    return documents(project)


def tokenizer(project: Project) -> Tokenizer:
    return load_model_and_tokenizer(project.root / "models/g00", "float32", "cpu")[1]


def kinds(project: Project, written: list[str]) -> float:
    """Distinct tokens."""
    return len({token for row in tokenizer(project).encode(written) for token in row})


def repeated(project: Project, written: list[str]) -> float:
    """Share of tokens that their own text had before."""
    rows = tokenizer(project).encode(written)
    return 1 - sum(len(set(row)) for row in rows) / sum(len(row) for row in rows)


def length(project: Project, written: list[str]) -> float:
    """Mean tokens a text."""
    return float(np.mean([len(row) for row in tokenizer(project).encode(written)]))


def distinct(project: Project, written: list[str]) -> float:
    """Texts that are not copies."""
    return len(set(written))


def surprise(project: Project, written: list[str]) -> float:
    """Mean loss a token under the model that wrote them, nats."""
    losses = likelihood(
        *load_model_and_tokenizer(project.root / "models/g00", "float32", "cpu"), written
    )
    return float(losses.nll_nats.sum() / losses.tokens.sum())


@pytest.mark.parametrize(
    ("less", "more", "statistic"),
    [
        ({"temperature": 0.3}, {"temperature": 2.0}, kinds),
        ({"temperature": 0.3}, {"temperature": 2.0}, surprise),
        ({"top_k": 5}, {"top_k": 50}, kinds),
        ({"top_k": 50}, {"top_k": 0}, surprise),
        ({"top_p": 0.2}, {"top_p": 0.8}, kinds),
        ({"top_p": 0.8}, {"top_p": 1.0}, surprise),
        ({"min_p": 0.9}, {"min_p": 0.3}, kinds),
        ({"min_p": 0.3}, {"min_p": 0.0}, surprise),
        ({"repetition_penalty": 3.0}, {"repetition_penalty": 1.0}, repeated),
        ({"top_k": 20, "top_p": 0.5}, {"top_k": 20}, kinds),
        ({"temperature": 0.5, "min_p": 0.2}, {"temperature": 1.5, "min_p": 0.2}, kinds),
        ({"strategy": "greedy"}, {"strategy": "sample"}, distinct),
        ({"strategy": "beam", "beams": 4}, {"strategy": "sample"}, distinct),
        (
            {"strategy": "beam", "beams": 4, "prompt_tokens": 8, "max_new_tokens": 8},
            {"strategy": "greedy", "prompt_tokens": 8, "max_new_tokens": 8},
            surprise,
        ),
        ({"strategy": "greedy", "repetition_penalty": 3.0}, {"strategy": "greedy"}, repeated),
        ({"max_new_tokens": 10}, {"max_new_tokens": 50}, length),
        ({"stop_at_end": True}, {"stop_at_end": False}, length),
        ({"prompts": ["The city"]}, {"prompts": ["The city", "A river", "One"]}, distinct),
    ],
)  # fmt: skip
def test_a_parameter_moves_what_it_should(
    project: Project, less: dict[str, Any], more: dict[str, Any], statistic: Statistic
) -> None:
    if statistic is distinct and "prompts" in more:  # all texts differ where they are sampled
        less, more = ({**parameters, "strategy": "greedy"} for parameters in (less, more))
    before = dict(project.params["generate"])
    low = statistic(project, generate(project, less))
    project.params["generate"] = before
    assert low < statistic(project, generate(project, more))


def test_parameters_that_do_nothing_are_said(
    project: Project, caplog: pytest.LogCaptureFixture
) -> None:
    generate(project, {"strategy": "greedy", "top_k": 5, "temperature": 1.0, "beams": 3})
    said = [record.message for record in caplog.records]
    unused = ["generate.top_k", "generate.beams"]
    wanted = [f"warning: {parameter} does nothing under strategy greedy" for parameter in unused]
    assert said == wanted
    caplog.clear()
    generate(project, {"strategy": "sample", "beams": 1, "min_p": 0.1})
    assert not caplog.records


def test_documents_go_on_from_the_prompts_in_turn(project: Project) -> None:
    prompts = ["The city of", "A river"]
    written = generate(project, {"prompts": prompts})
    apart = read_continuations(project.root / "data/texts/g01/texts.jsonl")
    assert apart[0] == prompts * 10
    assert [prompt + text for prompt, text in zip(*apart, strict=True)] == written
    assert [text.startswith(prompts[i % 2]) for i, text in enumerate(written)] == [True] * 20
    assert all(len(text) > len(prompts[i % 2]) for i, text in enumerate(written))
    bare = generate(project, {"keep_prompt": False})
    assert [prompts[i % 2] + text for i, text in enumerate(bare)] == written
    assert read_continuations(project.root / "data/texts/g01/texts.jsonl") == apart


def test_documents_go_on_from_human_ones(project: Project) -> None:
    human = read_texts(project.root / "data/human/train.jsonl")
    starts = [tokenizer(project).decode([row[:8]])[0] for row in tokenizer(project).encode(human)]
    written = generate(project, {"prompt_tokens": 8})
    assert all(text.startswith(tuple(starts)) for text in written)
    bare = generate(project, {"keep_prompt": False})
    assert all(long.endswith(short) for long, short in zip(written, bare, strict=True))
    assert not any(text.startswith(tuple(starts)) for text in bare)
    assert sum(map(len, bare)) < sum(map(len, written))


def test_every_witness_prompt_is_continued(project: Project) -> None:
    turn(project.params, "witness.prompts", ["The river", "In the", "One"])
    project.run("generate")
    path = project.root / "data/texts/g01/witness.jsonl"
    answers = read_texts(path)
    assert len(answers) == len(set(answers)) == 3
    project.run("generate")
    assert read_texts(path) == answers
