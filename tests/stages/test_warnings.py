"""What was silent once: each stops its stage in a line, or is seen in terminal, data and page."""

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from palimpsest.core.storage import read_json
from palimpsest.embedding.encoder import Encoder
from palimpsest.lm.tokenizer import train_tokenizer
from tests.stages.conftest import Project, run_stages
from tests.tiny import chain_text, tiny_params, turn

SAID = "finetune.loss_on_padding: the model is trained on the filling of short rows too"


@pytest.fixture(scope="module")
def two(chain: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tiny chain, generation 1 whole."""
    root = tmp_path_factory.mktemp("two") / "chain"
    shutil.copytree(chain, root)
    run_stages(root, tiny_params(), [(stage, "g01") for stage in ("finetune", "embed", "score")])
    (root / "chain.yaml").write_text(chain_text(1))
    return root


@pytest.fixture
def whole(project: Project, two: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    """A copy of it that a test may spoil; that so small a model learns nothing is not said."""
    monkeypatch.setattr("palimpsest.report.chain_warnings.LEARNED", -10.0)
    shutil.rmtree(project.root)
    shutil.copytree(two, project.root)
    return project


def lines(caplog: pytest.LogCaptureFixture) -> list[str]:
    """What the terminal shows of the stages that ran since the last call."""
    said = [record.message for record in caplog.records if record.levelname == "WARNING"]
    caplog.clear()
    return said


def changed(path: Path, **facts: Any) -> None:
    """A provenance.json with other facts."""
    path.write_text(json.dumps({**read_json(path), **facts}))


def test_a_chain_without_a_warning_has_no_trace_of_one(
    whole: Project, caplog: pytest.LogCaptureFixture
) -> None:
    whole.run("report")
    assert lines(caplog) == []
    assert 'id="warnings"' not in (whole.root / "plots/report.html").read_text()
    for path in whole.root.rglob("*.json"):
        assert not path.name.startswith(("prov", "score")) or "warnings" not in read_json(path)


def test_a_warning_reaches_provenance_scorecard_page_and_terminal(
    whole: Project, caplog: pytest.LogCaptureFixture
) -> None:
    whole.params["finetune"]["loss_on_padding"] = True
    whole.run("finetune")
    (line,) = lines(caplog)
    assert line.startswith(f"warning: {SAID}")
    for stage in ("embed", "score"):
        whole.run(stage)
        assert lines(caplog) == []  # it is the model's, not theirs
    for folder in ("models/g01", "data/embeddings/g01"):
        (seen,) = read_json(whole.root / folder / "provenance.json")["warnings"]
        assert seen.startswith(SAID)
    (seen,) = read_json(whole.root / "data/scores/g01/scorecard.json")["warnings"]
    assert seen.startswith(SAID)
    whole.run("report")
    (line,) = lines(caplog)
    assert line.startswith(f"warning: g01: {SAID}")
    page = (whole.root / "plots/report.html").read_text()
    assert page.count(f"<li>g01: {SAID}") == 1
    assert page.index('id="warnings"') < page.index('class="tiles"')
    assert "made_with" not in page


def test_a_first_model_that_never_learned_is_said_on_page_and_terminal(
    whole: Project, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("palimpsest.report.chain_warnings.LEARNED", 0.1)
    whole.run("report")
    (line,) = lines(caplog)
    assert line.startswith("warning: The first model has not learned to write: its perplexity")
    page = (whole.root / "plots/report.html").read_text()
    assert page.index("The first model has not learned to write") < page.index('class="tiles"')


def test_weights_that_did_not_move(project: Project) -> None:
    turn(project.params, "finetune.learning_rate", 1e-30)
    wanted = "error: the weights after 6 steps: want others than before, got the same to the last"
    assert project.refused("finetune").startswith(wanted)


def test_texts_without_a_word(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    def nothing(model: Any, tokenizer: Any, prompts: Any, *_: Any) -> list[list[int]]:
        return [[] for _ in prompts]

    monkeypatch.setattr("palimpsest.lm.generation.generate", nothing)
    wanted = "error: the training set: want at least one text with a word in it, got 20 without"
    assert project.refused("generate").startswith(wanted)
    turn(project.params, "regime.kind", "accumulate")  # human text is trained on all the same
    project.run("generate")
    seen = read_json(project.root / "data/texts/g01/provenance.json")["warnings"]
    assert seen == ["100 % of the 20 texts that the model wrote have no word"]


def test_another_tokenizer_than_generation_0_s(whole: Project) -> None:
    whole.believe_artifacts()
    other = train_tokenizer(["a quite different text, of zebras and xylophones " * 9], 290)
    other.save(whole.root / "models/g01")
    wanted = "error: models/g01: tokenizer: want the vocabulary and rules of models/g00 (300 types)"
    assert whole.refused("embed").startswith(wanted)


@pytest.mark.parametrize("encoder", ["another", None])
def test_another_encoder_than_generation_0_s(whole: Project, encoder: str | None) -> None:
    changed(whole.root / "data/embeddings/g01/provenance.json", encoder=encoder)
    said = whole.refused("score")
    assert said.startswith("error: data/embeddings/g01: encoder: want that of generation 0 (")
    assert said.endswith("; embed both with the same encoder: dvc repro")
    assert f"got {encoder or 'none named'};" in said


@pytest.mark.parametrize(
    ("value", "wanted"),
    [
        (float("nan"), "want embeddings of finite numbers, got NaN or infinity for 20 of 20 dist"),
        (0.5, "want an encoder that tells texts apart, got one embedding for 20 distinct texts"),
    ],
)
def test_an_encoder_that_is_broken(
    whole: Project, monkeypatch: pytest.MonkeyPatch, value: float, wanted: str
) -> None:
    import torch

    load = Encoder.load

    def broken(params: Any, **options: Any) -> Encoder:
        encoder = load(params, **options)
        encoder._encode_batches = lambda texts, first: iter(  # type: ignore[method-assign]
            [(list(texts), torch.full((len(texts), encoder.dimensions), value))]
        )
        return encoder

    monkeypatch.setattr(Encoder, "load", staticmethod(broken))
    assert whole.refused("embed").startswith(f"error: embed.encoder.model: {wanted}")


def test_held_out_documents_that_are_trained_on(
    project: Project, caplog: pytest.LogCaptureFixture
) -> None:
    documents = [
        f"{one} " + " ".join(f"w{(number * 37 + at * at) % 9973}" for at in range(30))
        for number in range(120)
        for one in ("First", "Second")
    ]
    (project.root / "corpus.txt").write_text("\n".join(documents))
    for key, value in {"source": "files", "files.paths": ["corpus.txt"], "files.min_chars": 1,
                       "files.txt_unit": "line"}.items():  # fmt: skip
        turn(project.params, f"corpus.{key}", value)
    project.run("prepare", "g00")
    (seen,) = read_json(project.root / "data/texts/g00/provenance.json")["warnings"]
    assert "of 10 held-out documents" in seen
    assert "nearly repeat a training document, the nearest 96% of its word 8-grams" in seen
    assert lines(caplog) == [f"warning: {seen}"]


def test_parameters_that_were_changed_under_a_resumed_run(whole: Project) -> None:
    turn(whole.params, "finetune.steps", 7)
    wanted = (
        "error: g01: finetune.steps of its model: want 7, as params.yaml says, got 6; it was "
        "changed half-way: dvc repro"
    )
    assert whole.refused("report") == wanted
    for stage in ("finetune", "embed", "score", "report"):
        whole.run(stage)
    turn(whole.params, "score.lam", 2.0)
    whole.run("score", "g00")  # a stage run alone
    assert whole.refused("report").startswith("error: g01: score.lam of its scores: want 2.0, as")


@pytest.mark.parametrize(
    ("name", "value", "wanted"),
    [
        ("counts", 0, "class_statistics.npz: counts: want numbers >= 1, got 0"),
        ("counts", -3, "class_statistics.npz: counts: want numbers >= 1, got -3"),
        ("variances", -1.0, "variances: want "),
        ("variances", np.nan, "variances: want finite numbers"),
        ("means", np.inf, "means: want finite numbers"),
        ("agreed", 10**6, "class_statistics.npz: agreed: want 0 to "),
    ],
)
def test_class_statistics_that_no_model_can_have(
    whole: Project, name: str, value: float, wanted: str
) -> None:
    turn(whole.params, "embed.min_count", 1)
    whole.run("embed")
    whole.believe_artifacts()
    path = whole.root / "data/embeddings/g01/class_statistics.npz"
    arrays = dict(np.load(path))
    assert len(arrays["ids"]) > 1
    spoilt = arrays[name].copy()
    spoilt[(0,) * spoilt.ndim] = value
    np.savez(path, **arrays | {name: spoilt})  # type: ignore[arg-type]
    assert whole.refused("score").startswith(f"error: {wanted}")
