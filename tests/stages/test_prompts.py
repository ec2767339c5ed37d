"""A chain whose documents continue human ones: the prompt is kept apart, from end to end."""

import csv
import json
import shutil
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from palimpsest.core.parameters import Parameters
from palimpsest.core.storage import read_continuations, read_texts, write_texts
from palimpsest.corpus.source import human_corpus
from palimpsest.embedding.encoder import Encoder
from palimpsest.lm.checkpoint import load_model_and_tokenizer
from palimpsest.lm.probing import heldout_and_classes
from palimpsest.lm.tokenizer import Tokenizer
from tests.stages.conftest import Project, run_stages
from tests.tiny import tiny_params, turn

GIVEN, MOST = 8, 24
"""Tokens of a prompt, and of the longest continuation."""
FIRST = [(stage, "g00") for stage in ("prepare", "finetune", "embed", "score")]
SECOND = [(stage, "g01") for stage in ("generate", "finetune", "embed", "score")]


def prompted_params() -> dict[str, Any]:
    """The tiny chain, with prompts of human documents."""
    params = tiny_params()
    turn(params, "generate.prompt_tokens", GIVEN)
    turn(params, "generate.max_new_tokens", MOST)
    return params


@pytest.fixture(scope="module")
def prompted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A chain of one generation that continues human documents."""
    root = tmp_path_factory.mktemp("prompted")
    run_stages(root, prompted_params(), [*FIRST, *SECOND])
    return root


@pytest.fixture
def project(
    prompted: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Project:
    """A copy that a test may change."""
    root = tmp_path / "project"
    shutil.copytree(prompted, root)
    return Project(root, prompted_params(), monkeypatch, capsys)


def joined(prompts: list[str], texts: list[str]) -> list[str]:
    return [prompt + text for prompt, text in zip(prompts, texts, strict=True)]


def written(root: Path, name: str = "g01") -> tuple[list[str], list[str]]:
    return read_continuations(root / f"data/texts/{name}/texts.jsonl")


def training(root: Path, name: str = "g01") -> list[str]:
    return read_texts(root / f"data/texts/{name}/training.jsonl")


def load(root: Path, name: str = "g00") -> tuple[Any, Tokenizer]:
    return load_model_and_tokenizer(root / "models" / name, device="cpu")


def embeddings(root: Path, name: str, file: str = "embeddings") -> NDArray[np.float32]:
    array: NDArray[np.float32] = np.load(root / f"data/embeddings/{name}/{file}.npy")
    return array


def scorecard(root: Path, name: str) -> dict[str, Any]:
    card: dict[str, Any] = json.loads((root / f"data/scores/{name}/scorecard.json").read_text())
    return card


def encoded(root: Path, texts: list[str]) -> NDArray[np.float32]:
    return Encoder.load(Parameters.load(root / "params.yaml").embed.encoder).encode(texts)


# --- texts ---


def test_the_human_prompt_stands_apart_from_the_continuation(prompted: Path) -> None:
    prompts, texts = written(prompted)
    _, tokenizer = load(prompted)
    human = read_texts(prompted / "data/human/train.jsonl")
    starts = tokenizer.decode([row[:GIVEN] for row in tokenizer.encode(human)])
    assert len(prompts) == len(texts) == 20
    assert len(starts) == 40
    assert Counter(prompts) <= Counter(starts)  # none of the documents is taken twice
    assert not any(text.startswith(prompt) for prompt, text in zip(prompts, texts, strict=True))
    assert len(set(texts)) > 10


def test_prompt_and_continuation_are_trained_on_together(prompted: Path) -> None:
    assert training(prompted) == joined(*written(prompted))


def test_without_the_prompt_the_continuation_is_trained_on(project: Project) -> None:
    before = written(project.root)
    turn(project.params, "generate.keep_prompt", False)
    project.run("generate")
    assert written(project.root) == before
    assert training(project.root) == before[1]


@pytest.mark.parametrize("kind", ["accumulate", "mix", "accumulate_subsample"])
def test_every_regime_trains_on_whole_documents(project: Project, kind: str) -> None:
    turn(project.params, "regime.kind", kind)
    turn(project.params, "regime.real_fraction", 0.25)
    project.run("generate")
    parts = [read_texts(project.root / f"data/human/{name}.jsonl") for name in ("train", "reserve")]
    own = joined(*written(project.root))
    got = training(project.root)
    assert set(got) <= {*own, *parts[0], *parts[1]}
    assert set(got) & set(own)
    assert set(got) & {*parts[0], *parts[1]}


def test_generation_0_and_the_pool_are_cut_alike(prompted: Path) -> None:
    parameters = Parameters.load(prompted / "params.yaml")
    human = human_corpus(parameters.corpus, 20, parameters.seed_of("corpus")).parts
    _, tokenizer = load(prompted)
    pool = read_continuations(prompted / "data/human/null.jsonl")
    for (prompts, texts), whole in ((written(prompted, "g00"), "sample"), (pool, "null")):
        rows = tokenizer.encode(human[whole])
        assert min(map(len, rows)) > GIVEN  # so that none was left out
        assert tokenizer.encode(prompts) == [row[:GIVEN] for row in rows]
        cut = [row[: GIVEN + MOST] for row in rows]
        assert tokenizer.encode(joined(prompts, texts)) == cut
        assert sum(len(row) > GIVEN + MOST for row in rows) > len(rows) / 2
    # what is trained on stays whole
    assert training(prompted, "g00") == human["train"]
    assert read_texts(prompted / "data/human/reserve.jsonl") == human["reserve"]
    assert read_texts(prompted / "data/human/heldout.jsonl") == human["heldout"]


# --- embeddings ---


def test_embeddings_are_of_the_continuation(prompted: Path) -> None:
    for name in ("g00", "g01"):
        prompts, texts = written(prompted, name)
        own = embeddings(prompted, name)
        np.testing.assert_allclose(own, encoded(prompted, texts), atol=1e-6)
        whole = encoded(prompted, joined(prompts, texts))
        assert np.linalg.norm(own - whole, axis=1).min() > 0.05
    pool = read_continuations(prompted / "data/human/null.jsonl")[1]
    np.testing.assert_allclose(
        embeddings(prompted, "g00", "null"), encoded(prompted, pool), atol=1e-6
    )


def test_a_collapsed_continuation_behind_human_prompts_is_collapsed(project: Project) -> None:
    """Prompt and continuation together would read as twenty texts about human subjects."""
    project.believe_artifacts()
    prompts = read_texts(project.root / "data/human/train.jsonl")[:20]
    texts = [" the the the the"] * len(prompts)
    write_texts(project.root / "data/texts/g01/texts.jsonl", texts, prompt=prompts)
    project.run("embed")
    project.run("score")
    own = embeddings(project.root, "g01")
    assert (own == own[0]).all()
    human, whole = (encoded(project.root, rows) for rows in (prompts, joined(prompts, texts)))
    to_own, to_whole = ((human * rows).sum(axis=1) for rows in (own, whole))
    assert to_own.max() < 0.3
    assert to_whole.min() > 0.8
    metrics = {
        name: entry["value"] for name, entry in scorecard(project.root, "g01")["metrics"].items()
    }
    assert metrics["volume"] == metrics["integrity"] == 0
    assert metrics["dispersion"] < 1e-12
    assert metrics["duplicates"] == 19 / 20
    assert metrics["effective_rank"] == 1
    assert metrics["coverage"] == metrics["recall"] == 0


# --- likelihood ---


def own_losses(root: Path, name: str, prompts: list[str], texts: list[str]) -> list[list[float]]:
    """The loss of each token of each continuation, its end included, from the model's scores.

    A token belongs to the prompt where all its bytes do. Longer documents than the context are cut
    into rows that share a token.
    """
    model, tokenizer = load(root, name)
    found = []
    for prompt, row in zip(prompts, tokenizer.documents(joined(prompts, texts)), strict=True):
        pieces = [tokenizer.backend.id_to_token(token) for token in row[1:-1]]
        ends = np.cumsum([len(piece) for piece in pieces])  # a byte a character
        given = int((ends <= len(prompt.encode())).sum())
        losses: list[float] = []
        for begin in range(0, len(row) - 1, model.context - 1):
            part = torch.tensor([row[begin : begin + model.context]])
            with torch.inference_mode():
                logits = model.logits(model.hidden(part[:, :-1]))[0].double()
            losses += (-logits.log_softmax(dim=1)[range(len(logits)), part[0, 1:]]).tolist()
        assert len(losses) == len(row) - 1
        found.append(losses[given:])
    return found


def test_the_likelihood_of_a_continuation_is_the_sum_over_its_own_tokens(prompted: Path) -> None:
    pool = read_continuations(prompted / "data/human/null.jsonl")
    witness = read_continuations(prompted / "data/texts/g01/witness.jsonl")
    assert len(witness[0]) == 2
    sets = [
        ("g01", "human", written(prompted)),
        ("g01", "self", written(prompted)),
        ("g01", "witness", witness),
        ("g00", "human", written(prompted, "g00")),
        ("g00", "null", pool),
    ]
    for generation, name, (prompts, texts) in sets:
        arrays = np.load(prompted / f"data/embeddings/{generation}/likelihood.npz")
        expected = own_losses(prompted, "g00", prompts, texts)
        assert arrays[f"{name}_tokens"].tolist() == [len(losses) for losses in expected]
        np.testing.assert_allclose(
            arrays[f"{name}_nll"], [sum(losses) for losses in expected], rtol=1e-4
        )


def test_a_filter_scores_the_continuation_and_keeps_the_document(project: Project) -> None:
    turn(project.params, "regime.kind", "filtered")
    turn(project.params, "regime.criterion", "likelihood")
    project.run("generate")
    prompts, texts = written(project.root)
    losses = own_losses(project.root, "g00", prompts, texts)
    means = [sum(own) / len(own) for own in losses]
    best = sorted(np.argsort(means, kind="stable")[:10].tolist())
    documents = joined(prompts, texts)
    assert training(project.root) == [documents[row] for row in best]


# --- training ---


@pytest.mark.parametrize("keep_prompt", [True, False])
def test_as_many_tokens_as_the_documents_under_replace_have(
    project: Project, keep_prompt: bool
) -> None:
    """Whole documents are counted where whole ones would be trained on."""
    for key, value in {
        "regime.kind": "accumulate", "generate.keep_prompt": keep_prompt,
        "finetune.epochs": 3, "finetune.steps": None, "finetune.batch_size": 2,
    }.items():  # fmt: skip
        turn(project.params, key, value)
    project.run("generate")
    project.run("finetune")
    prompts, texts = written(project.root)
    _, tokenizer = load(project.root)
    targets = {
        kept: 3 * sum(len(row) - 1 for row in tokenizer.documents(counted))
        for kept, counted in ((True, joined(prompts, texts)), (False, texts))
    }
    with (project.root / "models/g01/curve.csv").open() as file:
        sizes = [int(row["tokens"]) for row in csv.DictReader(file)]
    assert abs(sum(sizes) - targets[keep_prompt]) <= max(sizes) / 2
    assert targets[True] - targets[False] > 2 * max(sizes)


# --- prompts of held-out documents ---


@pytest.fixture(scope="module")
def heldout_prompts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A chain of one generation that continues held-out documents."""
    root = tmp_path_factory.mktemp("heldout")
    params = prompted_params()
    turn(params, "generate.prompts_from", "heldout")
    turn(params, "embed.min_count", 5)
    run_stages(root, params, [*FIRST, *SECOND])
    return root


def test_models_continue_what_generation_0_is_not_trained_on(
    prompted: Path, heldout_prompts: Path
) -> None:
    whole = read_texts(prompted / "data/human/heldout.jsonl")
    prompts, texts = read_continuations(heldout_prompts / "data/human/heldout.jsonl")
    assert joined(prompts, texts) == whole  # each is longer than its prompt
    counts = Counter(written(heldout_prompts)[0])
    assert counts.keys() == {*prompts}
    assert len(whole) == 10
    assert set(counts.values()) == {2}  # 20 documents of them
    for name in ("train", "reserve"):
        file = f"data/human/{name}.jsonl"
        assert (prompted / file).read_bytes() == (heldout_prompts / file).read_bytes()


@pytest.mark.parametrize("name", ["g00", "g01"])
def test_held_out_likelihood_is_measured_behind_the_prompts(
    heldout_prompts: Path, name: str
) -> None:
    """Later models are trained on the prompts: they must not count."""
    heldout = read_continuations(heldout_prompts / "data/human/heldout.jsonl")
    arrays = np.load(heldout_prompts / f"data/embeddings/{name}/likelihood.npz")
    expected = own_losses(heldout_prompts, name, *heldout)
    assert arrays["heldout_tokens"].tolist() == [len(losses) for losses in expected]
    np.testing.assert_allclose(
        arrays["heldout_nll"], [sum(losses) for losses in expected], rtol=1e-4
    )
    classes = np.load(heldout_prompts / f"data/embeddings/{name}/class_statistics.npz")
    assert 0 < classes["counts"].sum() <= sum(map(len, expected))
    assert classes["tokens"] == sum(map(len, expected))


def test_a_second_pass_reads_behind_the_prompts_too(
    heldout_prompts: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the hidden states of the first pass were too many to keep."""
    prompts, texts = read_continuations(heldout_prompts / "data/human/heldout.jsonl")
    model, tokenizer = load(heldout_prompts)
    counts = np.load(heldout_prompts / "data/human/token_counts.npy")
    once = heldout_and_classes(model, tokenizer, texts, counts, 5, prompts=prompts)[1]
    monkeypatch.setattr("palimpsest.lm.probing.KEPT_BYTES", 1)
    twice = heldout_and_classes(model, tokenizer, texts, counts, 5, prompts=prompts)[1]
    assert once["tokens"] > 0
    assert [once[name].tolist() for name in ("agreed", "tokens")] == [
        twice[name].tolist() for name in ("agreed", "tokens")
    ]
