"""`palimpsest init`: a params.yaml for texts of one's own, and what it refuses."""

import json
from pathlib import Path

import pytest
import yaml

from palimpsest.cli.main import main
from palimpsest.core.config import flattened
from palimpsest.core.parameters import Parameters
from tests.cli.preset_project import git, preset_project
from tests.tiny import ROOT

WORDS = (
    "river", "city", "tower", "bridge", "scientist", "battle", "animal", "island", "poem", "king",
    "garden", "winter",
)  # fmt: skip


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return preset_project(tmp_path)


def document(number: int) -> str:
    """A text of its own of 24 words."""
    return " ".join(f"{WORDS[(number * step) % 12]} {number + step}," for step in range(1, 13))


def write_texts(path: Path, count: int) -> None:
    rows = [json.dumps({"text": document(number)}) for number in range(count)]
    path.write_text("\n".join([*rows, *rows[:10]]))  # ten of them twice


def parameters_in(project: Path) -> dict[str, object]:
    return flattened(yaml.safe_load((project / "params.yaml").read_text()))


SCRATCH = ["-S", "model.vocabulary=300", "-S", "model.width=16", "-S", "model.layers=1"]


def test_a_thousand_texts_become_parameters_that_every_stage_accepts(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_texts(project / "own.jsonl", 1000)
    assert main(["init", "--texts", "own.jsonl", "--generations", "3", *SCRATCH]) == 0
    checked = Parameters.load(project / "params.yaml")
    corpus = checked.corpus
    assert corpus.train is not None
    parts = corpus.train, corpus.heldout, checked.generate.documents, corpus.null_pool
    assert sum(parts) + corpus.reserve <= 1000
    assert (corpus.source, corpus.files.paths) == ("files", ("own.jsonl",))
    assert checked.generate.max_new_tokens < checked.model.context
    text = (project / "params.yaml").read_text()
    comments = [line.partition("#")[2] for line in (ROOT / "params.yaml").read_text().splitlines()]
    assert [line.partition("#")[2] for line in text.splitlines()] == comments
    assert "- own.jsonl" in (project / "dvc.yaml").read_text().replace('"', "")
    assert sorted(path.name for path in project.glob("generations/g*")) == [
        "g00", "g01", "g02", "g03"
    ]  # fmt: skip
    out = capsys.readouterr().out
    assert out.startswith("own.jsonl: 1000 documents; left out: 0 blank, 10 duplicates")
    assert "corpus.source: world -> files" in out
    for key, count in zip(
        ("corpus.train", "corpus.heldout", "generate.documents", "corpus.null_pool"),
        parts, strict=True,
    ):  # fmt: skip
        assert any(line.split()[:2] == [key, f"{count:,}"] for line in out.splitlines()), key
    assert out.splitlines()[-1].startswith("next: palimpsest check")


def test_few_texts_have_a_smaller_vocabulary(project: Path) -> None:
    write_texts(project / "own.jsonl", 150)
    assert main(["init", "--texts", "own.jsonl", "-S", "model.width=16"]) == 0
    vocabulary = parameters_in(project)["model.vocabulary"]
    assert vocabulary in (375, 750)  # of the 1,500 that it comes with


def test_what_the_user_has_changed_stays(project: Path) -> None:
    text = (project / "params.yaml").read_text()
    (project / "params.yaml").write_text(text.replace("temperature: 0.95", "temperature: 0.5"))
    git(project, "commit", "-qam", "cooler")
    write_texts(project / "own.jsonl", 400)
    words = ["-S", "score.words=700", "-S", "corpus.heldout=33"]
    assert main(["init", "--texts", "own.jsonl", "--documents", "30", *SCRATCH, *words]) == 0
    found = parameters_in(project)
    assert found["generate.temperature"] == 0.5
    assert (found["generate.documents"], found["generate.batch_size"]) == (30, 30)
    assert (found["score.words"], found["corpus.heldout"]) == (700, 33)


def test_changes_that_git_does_not_know_are_refused_or_kept(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_texts(project / "own.jsonl", 400)
    own = (project / "params.yaml").read_text() + "# mine\n"
    (project / "params.yaml").write_text(own)
    before = (project / "chain.yaml").read_bytes(), (project / "dvc.yaml").read_bytes()
    assert main(["init", "--texts", "own.jsonl", "--generations", "2", *SCRATCH]) == 1
    assert "error: params.yaml: want no uncommitted changes" in capsys.readouterr().err
    assert (project / "params.yaml").read_text() == own
    assert ((project / "chain.yaml").read_bytes(), (project / "dvc.yaml").read_bytes()) == before
    assert main(["init", "--texts", "own.jsonl", "--generations", "2", "--force", *SCRATCH]) == 0
    assert (project / ".dvc/tmp/palimpsest/params.yaml.old").read_text() == own


def test_too_few_texts_are_told_how_many_are_wanted_and_what_for(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_texts(project / "own.jsonl", 40)
    before = (project / "params.yaml").read_bytes()
    assert main(["init", "--texts", "own.jsonl"]) == 1
    said = capsys.readouterr().err
    assert said.startswith("error: corpus: want >= 150 distinct documents (50 to train on, 20 held")
    assert "got 40; give more text" in said
    assert said.count("\n") == 1
    assert (project / "params.yaml").read_bytes() == before


def test_files_of_windows_are_refused_with_what_to_do(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    texts = [f"Café naïve “{document(number)}” – déjà vu" for number in range(200)]
    before = (project / "params.yaml").read_bytes()
    (project / "own.txt").write_bytes("\r\n\r\n".join(texts).encode("cp1252"))
    assert main(["init", "--texts", "own.txt", *SCRATCH]) == 1
    said = capsys.readouterr().err
    assert said.startswith("error: own.txt: want UTF-8, got byte 0xe9 at offset 3 (line 1)")
    assert "save it as UTF-8" in said
    assert (project / "params.yaml").read_bytes() == before
    (project / "own.txt").write_text("\r\n\r\n".join(texts))
    assert main(["init", "--texts", "own.txt", *SCRATCH]) == 0
    assert capsys.readouterr().out.startswith("own.txt: 200 documents; left out: 0 blank")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--texts", "none.jsonl"], "corpus.files.paths: want "),
        (["--texts", "own.jsonl", "-S", "corpus.files.text_field=body"], "body"),
        (["--texts", "own.jsonl", "-S", "no.such=1"], "no.such: want a parameter of params.yaml"),
        (["--texts", "own.jsonl", "-S", "seed=-1"], "seed: want >= 0, got -1"),
        (["--texts", "own.jsonl", "--model", "./gone"], "model.source"),
        (["--texts", "own.jsonl", "--documents", "3"], "generate.documents: want >= 20, got 3"),
        (["--texts", "own.jsonl", "--generations", "0"], "chain: want 1 to 999 generations"),
        (["--texts", "own.jsonl", "--null"], "or leave the control chain out: --no-null"),
        (["--texts", "own.jsonl", "-S", "corpus.reserve=5", "--null", "--generations", "2"],
         "corpus.reserve: want >= 4"),
    ],
)  # fmt: skip
def test_what_cannot_be_meant_is_one_line_and_changes_nothing(
    project: Path, words: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    write_texts(project / "own.jsonl", 300)
    before = {path: path.read_bytes() for path in project.rglob("*") if path.is_file()}
    assert main(["init", *words, *SCRATCH]) == 1
    errors = capsys.readouterr().err.splitlines()
    assert errors[-1].startswith("error: ")
    assert said in errors[-1]
    after = {path: path.read_bytes() for path in project.rglob("*") if path.is_file()}
    assert {path: after.get(path) for path in before} == before


def test_outside_a_project_nothing_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["init", "--texts", "own.jsonl"]) == 1
    assert "want a project with dvc.yaml, got none" in capsys.readouterr().err
    assert [*tmp_path.iterdir()] == []


def test_a_params_yaml_that_was_removed_is_written_anew(project: Path) -> None:
    write_texts(project / "texts.jsonl", 400)
    (project / "params.yaml").unlink()  # git knows it still
    assert main(["init", "--texts", "texts.jsonl", "--generations", "2"]) == 0
    assert parameters_in(project)["corpus.files.paths"] == ["texts.jsonl"]
