"""Every mistake in the input ends a stage with one line, and with nothing half-written."""

import json
import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from palimpsest.core.parameters import Parameters
from palimpsest.core.storage import write_texts
from palimpsest.corpus.world.generator import World
from tests.stages.conftest import Project, arguments
from tests.tiny import ROOT, drop, tiny_params, turn, write_params

NAN = float("nan")
FIRST = ("prepare", "g00")
WRONG_VALUES: list[tuple[str, str, Any, str]] = [
    # unknown keys
    ("prepare", "corpus.bogus", 1, "corpus.bogus: want one of: files, heldout, hub, join_"),
    ("prepare", "corpus.world.bogus", 1, "corpus.world.bogus: want one of: category_exponent, "),
    ("generate", "generate.top_l", 5, "generate.top_l: want one of: batch_size, beams, "),
    ("embed", "embed.encoder.bogus", 1, "embed.encoder.bogus: want one of: batch_size, "),
    ("score", "score.bogus", 1, "score.bogus: want one of: custom, half_samples, "),
    # wrong types
    ("prepare", "seed", "zero", "error: seed: want a whole number, got 'zero'"),
    ("prepare", "seeds.corpus", 1.5, "seeds.corpus: want a whole number or null, got 1.5"),
    ("prepare", "generate.documents", "many", "generate.documents: want a whole number, got "),
    ("prepare", "corpus.source", "internet", "corpus.source: want one of 'world', 'files', 'hub'"),
    ("prepare", "corpus.world", None, "corpus.world: want a section with keys, got None"),
    ("generate", "generate.temperature", "hot", "generate.temperature: want a number, got 'hot'"),
    ("generate", "generate.stop_at_end", 1, "generate.stop_at_end: want true or false, got 1"),
    ("generate", "witness.prompts", "The", "witness.prompts: want a list of text, got 'The'"),
    ("generate", "regime.kind", "mixed", "regime.kind: want one of 'replace', 'accumulate', "),
    ("finetune", "finetune.steps", 2.5, "finetune.steps: want a whole number or null, got 2.5"),
    ("score", "score.words", True, "score.words: want a whole number, got True"),
    # out of range
    ("prepare", "seed", -1, "error: seed: want >= 0, got -1"),
    ("prepare", "corpus.heldout", 0, "corpus.heldout: want >= 5, got 0"),
    ("prepare", "model.width", 15, "model.width: want a multiple of heads (2), got 15"),
    ("generate", "generate.temperature", -1, "generate.temperature: want > 0, got -1"),
    ("generate", "generate.top_p", 1.5, "generate.top_p: want > 0 and <= 1, got 1.5"),
    ("generate", "generate.max_new_tokens", 64, "generate.max_new_tokens: want <= 63 (context 64 "),
    ("generate", "generate.prompt_tokens", 900, "generate.prompt_tokens: want <= 62 (context 64 l"),
    ("generate", "regime.real_fraction", 1.1, "regime.real_fraction: want >= 0 and <= 1, got 1.1"),
    ("generate", "regime.keep", 0, "regime.keep: want > 0 and <= 1, got 0"),
    ("finetune", "finetune.epochs", 2, "finetune.steps: want either epochs or steps, the other n"),
    ("finetune", "finetune.block_tokens", 65, "finetune.block_tokens: want <= 64 (the model's c"),
    ("embed", "embed.encoder.max_tokens", 0, "embed.encoder.max_tokens: want "),
    ("score", "score.half_samples", -1, "score.half_samples: want >= 0, got -1"),
    ("score", "score.null_samples", 1, "score.null_samples: want >= 2, got 1"),
    ("report", "report.threshold", 1.0, "report.threshold: want > 0 and < 1, got 1.0"),
    # not a number
    ("prepare", "corpus.world.entity_exponent", NAN, "entity_exponent: want a finite number, got"),
    ("generate", "generate.temperature", NAN, "generate.temperature: want a finite number, got n"),
    ("finetune", "finetune.learning_rate", NAN, "finetune.learning_rate: want a finite number, g"),
    ("score", "score.lam", NAN, "score.lam: want a finite number, got nan"),
    ("report", "report.threshold", NAN, "report.threshold: want a finite number, got nan"),
    # what the corpus cannot give
    ("prepare", "corpus.null_pool", 59, "corpus.null_pool: want 0 or >= 60 (3 generate.documents"),
    ("prepare", "corpus.train", None, "corpus.train: want a number where corpus.source is world"),
    ("prepare", "model.vocabulary", 50000, "model.vocabulary: want at most the "),
]


def generation_of(stage: str) -> str:
    return "g00" if stage == "prepare" else "g01"


@pytest.mark.parametrize(("stage", "key", "value", "message"), WRONG_VALUES)
def test_a_wrong_value_is_one_line_that_names_the_key(
    project: Project, stage: str, key: str, value: Any, message: str
) -> None:
    turn(project.params, key, value)
    assert message in project.refused(stage, generation_of(stage))


@pytest.mark.parametrize("stage", ["prepare", "generate", "finetune", "embed", "score", "report"])
@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("report.threshold", 2, "error: report.threshold: want > 0 and < 1, got 2"),
        ("model.width", 15, "error: model.width: want a multiple of heads (2), got 15"),
        ("seeds.bogus", 1, "error: seeds.bogus: want one of: corpus, finetune, generate, got an"),
        (
            "bogus",
            {},
            "error: bogus: want one of: compute, corpus, embed, finetune, generate, model, mo",
        ),
        (
            "corpus.null_pool",
            1,
            "error: corpus.null_pool: want 0 or >= 60 (3 generate.documents), ",
        ),
        ("pretrain.block_tokens", 65, "error: pretrain.block_tokens: want <= 64 (the model's con"),
    ],
)
def test_no_stage_works_before_every_section_can_be_meant(
    project: Project, stage: str, key: str, value: Any, message: str
) -> None:
    turn(project.params, key, value)
    assert message in project.refused(stage, generation_of(stage))


def nothing_there(project: Project) -> None:
    """Takes away what stages wrote, so that the first file of a stage shows."""
    for name in ("data", "models", "metrics"):
        shutil.rmtree(project.root / name)
    left = sorted(path.name for path in project.root.iterdir())
    assert left == ["chain.yaml", "params.yaml", "presets"]


TOO_LONG = [
    ({"pretrain.block_tokens": 65}, "pretrain.block_tokens: want <= 64 (the model's context), got"),
    ({"finetune.block_tokens": 65}, "finetune.block_tokens: want <= 64 (the model's context), got"),
    (
        {"generate.max_new_tokens": 64},
        "generate.max_new_tokens: want <= 63 (context 64 less start and prompt_tokens), got 64",
    ),
    (
        {"generate.max_new_tokens": 40, "generate.prompt_tokens": 24},
        "generate.max_new_tokens: want <= 39 (context 64 less start and prompt_tokens), got 40",
    ),
    (
        {"generate.max_new_tokens": 1, "generate.prompt_tokens": 63},
        "generate.prompt_tokens: want <= 62 (context 64 less start and one new token), got 63",
    ),
]
"""What a model of 64 tokens cannot read."""


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        *TOO_LONG,
        ({"corpus.null_pool": 19}, "corpus.null_pool: want 0 or >= 60 (3 generate.documents), got"),
        ({"generate.documents": 21}, "corpus.null_pool: want 0 or >= 63 (3 generate.documents), "),
        (
            {"corpus.source": "files", "regime.kind": "filtered", "regime.criterion": "truth"},
            "regime.criterion: want another one where corpus.source is not world, got 'truth'",
        ),
    ],
)
def test_sections_that_do_not_go_together_are_one_line_before_anything_is_written(
    project: Project, changes: dict[str, Any], message: str
) -> None:
    nothing_there(project)
    for key, value in changes.items():
        turn(project.params, key, value)
    assert project.refused(*FIRST).startswith(f"error: {message}")


@pytest.mark.parametrize(("changes", "message"), TOO_LONG)
def test_the_context_of_a_model_that_is_brought_is_asked_before_anything_is_written(
    project: Project, changes: dict[str, Any], message: str
) -> None:
    model_folder(project)
    (project.root / "mine").rename(project.root.parent / "mine")
    turn(project.params, "model.source", "../mine")
    turn(project.params, "model.context", 1024)  # of scratch models alone
    nothing_there(project)
    for key, value in changes.items():
        turn(project.params, key, value)
    assert project.refused(*FIRST).startswith(f"error: {message}")


def test_errors_of_pretrain_name_pretrain(project: Project) -> None:
    turn(project.params, "pretrain.clip_norm", 0)
    assert "error: pretrain.clip_norm: want > 0, got 0" in project.refused("finetune", "g00")


@pytest.mark.parametrize(
    ("stage", "key", "message"),
    [
        ("prepare", "seed", "error: seed: want a value, got none (the key is missing)"),
        ("prepare", "seeds.corpus", "error: seeds.corpus: want a value, got none"),
        ("prepare", "corpus", "error: corpus: want a value, got none"),
        (
            "prepare",
            "corpus.world",
            "error: corpus.world: want a value, got none (the key is missing)",
        ),
        ("prepare", "corpus.heldout", "error: corpus.heldout: want a value, got none"),
        ("prepare", "model", "error: model: want a value, got none (the key is missing)"),
        ("prepare", "generate.documents", "error: generate.documents: want a value, got none"),
        ("generate", "generate.top_k", "error: generate.top_k: want a value, got none"),
        ("generate", "witness", "error: witness: want a value, got none (the key is missing)"),
        ("finetune", "finetune", "error: finetune: want a value, got none (the key is missing)"),
        ("embed", "embed.encoder", "error: embed.encoder: want a value, got none"),
        ("embed", "embed.encoder.dtype", "error: embed.encoder.dtype: want a value, got none"),
        ("score", "score.lam", "error: score.lam: want a value, got none"),
        ("report", "report", "error: report: want a value, got none (the key is missing)"),
    ],
)
def test_a_missing_key_or_section_is_named(
    project: Project, stage: str, key: str, message: str
) -> None:
    drop(project.params, key)
    assert message in project.refused(stage, generation_of(stage))


@pytest.mark.parametrize("stage", ["prepare", "generate", "finetune", "embed", "score", "report"])
@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("seed: [", "valid YAML"),
        ("- a\n- list\n", ""),
        ("", ""),
        ("\x00", "valid YAML"),
    ],
)
def test_a_broken_params_file_is_one_line_that_names_it(
    project: Project, stage: str, text: str, wanted: str
) -> None:
    (project.root / "params.yaml").write_text(text)
    said = project.refused(stage, generation_of(stage), as_it_is=True)
    assert f"error: params.yaml: {'want ' + wanted if wanted else ''}" in said
    assert len(said) < 300


def test_no_params_file_is_one_line_that_names_it(project: Project) -> None:
    (project.root / "params.yaml").unlink()
    said = project.refused("score", as_it_is=True)
    assert said.startswith("error: params.yaml: want a YAML file, got no such file; palimpsest ini")


# --- human text ---


def use_files(project: Project, content: str) -> None:
    (project.root / "text.txt").write_text(content)
    turn(project.params, "corpus.source", "files")
    turn(project.params, "corpus.files.paths", ["text.txt"])
    turn(project.params, "corpus.files.min_chars", 1)


@pytest.mark.parametrize("content", ["", " \n\n\t\n  \n", "\n" * 1000])
def test_text_of_nothing_but_whitespace_is_an_empty_corpus(project: Project, content: str) -> None:
    use_files(project, content)
    said = project.refused(*FIRST)
    assert "error: corpus.files (text.txt): want documents, got 0 documents; left out: " in said


def test_fewer_documents_than_asked_are_counted(project: Project) -> None:
    use_files(project, "\n\n".join(f"Paragraph number {number}." for number in range(30)))
    said = project.refused(*FIRST)
    # 40 + 10 + 20 + 60 of the pool + 40 of the reserve
    assert (
        "error: corpus: want 170 distinct documents (corpus.train 40, corpus.heldout 10, " in said
    )
    assert "generate.documents 20, corpus.null_pool 60, corpus.reserve 40), " in said
    assert "got 30; ask for fewer or give more text" in said


def test_a_world_that_repeats_itself_is_short_of_documents(project: Project) -> None:
    def documents(world: World, count: int, seed: int, start: int = 0) -> list[str]:
        return [f"The river number {number % 7}." for number in range(start, start + count)]

    project.monkeypatch.setattr(World, "documents", documents)
    said = project.refused(*FIRST)
    assert "error: corpus: want 170 distinct documents (corpus.train 40, " in said
    assert "got 7; ask for fewer" in said


@pytest.mark.parametrize(("long", "pool"), [(0, 60), (100, 60), (10, 0)])
def test_human_documents_that_end_within_the_prompt_are_counted(
    project: Project, long: int, pool: int
) -> None:
    """Of 170 documents some are longer: too few of generation 0's and its pool's."""
    model_folder(project)
    use_files(project, "\n\n".join(f"No. {n}" + " is longer" * 9 * (n < long) for n in range(170)))
    turn(project.params, "generate.prompt_tokens", 20)
    turn(project.params, "corpus.null_pool", pool)
    said = project.refused(*FIRST)
    wanted = 80 if pool else 20
    expected = (
        rf"error: generate\.prompt_tokens: want {wanted} longer human documents in generation 0 "
        rf"and its pool, got (\d+) of {20 + pool}; raise corpus\.null_pool or lower generate\.prom"
    )
    found = re.match(expected, said)
    assert found, said
    assert (int(found[1]) > 0) == (long > 0)
    assert int(found[1]) < wanted


def test_a_prompt_that_no_human_document_goes_on_behind_is_named(project: Project) -> None:
    project.believe_artifacts()
    write_texts(project.root / "data/human/train.jsonl", ["The city.", "A river."])
    turn(project.params, "generate.prompt_tokens", 20)
    said = project.refused("generate")
    assert said == (
        "error: generate.prompt_tokens: want a human document of more than 20 tokens, got none "
        "among 2; lower it, or give longer texts"
    )


def test_no_file_at_a_path_is_named(project: Project) -> None:
    use_files(project, "text")
    turn(project.params, "corpus.files.paths", ["nowhere/*.txt"])
    said = project.refused(*FIRST)
    assert "error: corpus.files.paths: want files, got none at 'nowhere/*.txt'" in said


def test_a_hub_without_network_names_the_dataset_and_what_works_offline(tmp_path: Path) -> None:
    params = tiny_params()
    turn(params, "corpus.source", "hub")
    write_params(tmp_path / "params.yaml", params)
    environment = {
        **os.environ,
        "PYTHONPATH": str(ROOT),
        "HF_ENDPOINT": "http://127.0.0.1:9",
        "HF_HOME": str(tmp_path / "cache"),
    }
    start = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-m", "stages.prepare", *arguments(*FIRST)],
        env={key: value for key, value in environment.items() if "OFFLINE" not in key},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert done.stderr.splitlines() == [
        "error: corpus.hub: want a dataset that can be read, got 'Salesforce/wikitext' "
        "(no network); offline: corpus.source: world, or corpus.source: files"
    ]
    assert not (tmp_path / "data").exists()
    assert time.monotonic() - start < 60


# --- models ---


def model_folder(project: Project) -> Path:
    """A copy of the first model, as a user might bring one."""
    folder = project.root / "mine"
    shutil.copytree(project.root / "models" / "base", folder)
    turn(project.params, "model.source", "mine")
    return folder


def test_a_model_without_safetensors_is_refused(project: Project) -> None:
    folder = model_folder(project)
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")
    said = project.refused(*FIRST)
    assert "error: mine: want weights as model.safetensors, or model.safetensors.index.json" in said


def test_a_tokenizer_without_an_end_of_text_is_refused(project: Project) -> None:
    folder = model_folder(project)
    tokenizer = (folder / "tokenizer.json").read_text().replace("<|endoftext|>", "<|other|>")
    (folder / "tokenizer.json").write_text(tokenizer)
    (folder / "tokenizer_config.json").write_text("{}")
    config = json.loads((folder / "config.json").read_text())
    kept = {key: value for key, value in config.items() if "token_id" not in key}
    (folder / "config.json").write_text(json.dumps(kept))
    said = project.refused(*FIRST)
    assert "error: mine: tokenizer: want an end-of-text token (eos_token in tokenizer_" in said


def test_a_model_that_is_not_there_is_named(project: Project) -> None:
    turn(project.params, "model.source", "./nowhere")
    said = project.refused(*FIRST)
    assert (
        "error: model.source: want a folder or a hub id that can be fetched, got './nowhere'"
        in said
    )


def poison(folder: Path) -> None:
    """One weight of a saved model becomes NaN."""
    from safetensors.numpy import load_file, save_file

    weights = load_file(folder / "model.safetensors")
    weights["transformer.ln_f.weight"] = np.full_like(weights["transformer.ln_f.weight"], NAN)
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})


@pytest.mark.parametrize("stage", ["generate", "finetune", "embed"])
def test_weights_that_are_no_numbers_are_named(project: Project, stage: str) -> None:
    project.believe_artifacts()
    shutil.copytree(project.root / "models" / "g00", project.root / "models" / "g01")
    for name in ("g00", "g01"):
        poison(project.root / "models" / name)
    said = project.refused(stage)
    assert "transformer.ln_f.weight: want finite weights, got NaN or infinity" in said


def test_training_that_diverges_names_the_step_and_writes_no_model(project: Project) -> None:
    turn(project.params, "finetune.learning_rate", 1e30)
    turn(project.params, "finetune.clip_norm", None)
    said = project.refused("finetune")
    assert " at step 2: want a finite number, got " in said
    assert "no model was written; lower the learning rate" in said


# --- what a stage before should have left ---


@pytest.mark.parametrize(
    ("stage", "path", "message"),
    [
        ("generate", "models/g00", "error: models/g00: want a folder that a stage wrote, got"),
        ("finetune", "data/texts/g01/training.jsonl", "error: data/texts/g01/training.jsonl: want"),
        ("finetune", "models/g00", "error: models/g00: want a folder that a stage wrote, got "),
        ("embed", "data/texts/g01", "error: data/texts/g01: want a folder that a stage wrote, "),
        ("score", "data/embeddings/g00", "data/embeddings/g00: want a folder that a stage wrote, "),
        (
            "score",
            "data/embeddings/g00/embeddings.npy",
            "g00/embeddings.npy: want the file that the stage wrote, ",
        ),
        (
            "score",
            "data/embeddings/g00/null.npy",
            "g00/null.npy: want the file that the stage wrote, got none",
        ),
        ("score", "data/human", "error: data/human: want a folder that a stage wrote, got none"),
        (
            "score",
            "data/human/train.jsonl",
            "human/train.jsonl: want the file that the stage wrote, got ",
        ),
        (
            "report",
            "data/scores/g00",
            "error: data/scores/g00: want a folder that a stage wrote, got none",
        ),
        ("report", "chain.yaml", "error: chain.yaml: want a YAML file, got no such file"),
        ("report", "presets/quick.yaml", "error: presets/quick.yaml: want a YAML file, got no"),
    ],
)
def test_a_missing_input_is_named(project: Project, stage: str, path: str, message: str) -> None:
    target = project.root / path
    shutil.rmtree(target) if target.is_dir() else target.unlink()
    assert message in project.refused(stage, "g00" if stage == "score" else "g01")


def test_an_empty_training_set_is_refused(project: Project) -> None:
    project.believe_artifacts()
    (project.root / "data/texts/g01/training.jsonl").write_text("")
    said = project.refused("finetune")
    assert said == (
        "error: the training set: want at least one document, got none; lower skip_tokens of "
        "pretrain or finetune, or give longer texts"
    )


@pytest.mark.parametrize("name", ["embeddings.npy", "null.npy", "likelihood.npz"])
@pytest.mark.parametrize("content", [b"", b"no array"])
def test_a_damaged_array_is_named(project: Project, name: str, content: bytes) -> None:
    (project.root / "data/embeddings/g00" / name).write_bytes(content)
    assert f"error: data/embeddings/g00/{name}: want " in project.refused("score", "g00")


@pytest.mark.parametrize(
    "content",
    [
        "", "7", "transitions:", "transitions: [g00]", "transitions: {g00: {}}",
        "generations: {g00: {index: 0}}", "transitions: {true: {index: 0}}",
        'transitions: {g00: {index: 0}, "": {index: 1}}', "transitions: {n01: {index: 1}}",
        "transitions: {g00: {index: 0}, ../g01: {index: 1}}", "transitions: {g00: {index: .inf}}",
    ],
)  # fmt: skip
def test_a_chain_without_transitions_is_named(project: Project, content: str) -> None:
    (project.root / "chain.yaml").write_text(content)
    said = project.refused("report")
    assert said.startswith("error: chain.yaml: ")
    assert "want transitions: index, parent, previous, training and regime of each" in said
    assert said.endswith("; palimpsest chain 20")


@pytest.mark.parametrize(
    ("stage", "name", "key", "value", "read"),
    [
        ("prepare", "g00", "corpus.heldout", 9, True),
        ("prepare", "g00", "generate.max_new_tokens", 39, True),
        ("prepare", "g00", "score.words", 101, False),
        ("generate", "g01", "generate.temperature", 0.5, True),
        ("generate", "g01", "finetune.steps", 5, False),
        ("finetune", "g01", "finetune.steps", 5, True),
        ("finetune", "g00", "finetune.steps", 5, False),
        ("embed", "g00", "embed.min_count", 3, True),
        ("score", "g00", "score.words", 101, True),
        ("score", "g00", "seed", 5, True),
    ],
)
def test_params_that_are_edited_while_a_stage_runs(
    stage: str,
    name: str,
    key: str,
    value: Any,
    read: bool,
    project: Project,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """DVC would note the new value over an output of the old one."""
    loads: list[Path] = []
    load = Parameters.load.__func__  # type: ignore[attr-defined]

    def edited_after(cls: type[Parameters], path: Path) -> Parameters:
        first: Parameters = load(cls, path)
        if not loads:
            turn(project.params, key, value)
            write_params(path, project.params)
        loads.append(path)
        return first

    monkeypatch.setattr(Parameters, "load", classmethod(edited_after))
    if not read:
        project.run(stage, name)
        return
    said = project.refused(stage, name)
    assert f": {key.split('.')[0]}" in said
    assert "want the values that this stage began with, got others" in said
