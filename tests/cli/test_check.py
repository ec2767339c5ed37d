"""`palimpsest check`: what would fail later is refused now; what the chain takes is measured."""

import shutil
from pathlib import Path
from typing import Any

import pytest

from palimpsest.cli import check
from palimpsest.cli.main import main
from palimpsest.core.parameters import Parameters
from palimpsest.experiments.project import write_chain
from tests.tiny import ROOT, tiny_params, turn, write_params


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A tiny chain of two generations, of which nothing was computed."""
    monkeypatch.chdir(tmp_path)
    for name in ("stages", "src"):
        (tmp_path / name).symlink_to(ROOT / name)
    (tmp_path / "generations").mkdir()
    for name in ("dvc.yaml", "generations/dvc.yaml.j2"):
        shutil.copy(ROOT / name, tmp_path / name)
    write_params(tmp_path / "params.yaml", tiny_params())
    write_chain(tmp_path, 2, False, Parameters.load(tmp_path / "params.yaml"))
    return tmp_path


def files(project: Path) -> dict[str, bytes]:
    """All that lies in the project itself."""
    return {
        path.relative_to(project).as_posix(): path.read_bytes()
        for path in project.rglob("*")
        if path.is_file() and not path.is_relative_to(project / "src")
    }


def set_parameters(project: Path, values: dict[str, Any]) -> None:
    params = tiny_params()
    for key, value in values.items():
        turn(params, key, value)
    write_params(project / "params.yaml", params)


def test_a_sound_chain_is_measured_and_nothing_is_written(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = files(project)
    assert main(["check"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "params.yaml, chain.yaml, texts, models: no fault found, g00 and 2 more"
    assert lines[1].startswith("disk: ")
    assert "a generation), as much again in DVC's cache" in lines[1]
    assert lines[2].startswith("time of g00, at the most, by a probe of ")
    assert "(finetune " in lines[2]
    assert "(generate " in lines[3]
    assert lines[4].startswith("time of all: ")
    assert "score" in lines[4]
    assert lines[-1] == "next: dvc repro"
    assert files(project) == before


def test_models_that_are_dropped_on_the_way_take_no_room(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    set_parameters(project, {"models.keep_every": 4})
    write_chain(project, 8, False, Parameters.load(project / "params.yaml"))
    assert main(["check", "--no-time"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert "a generation, 5 models at once), as much again in" in lines[1]  # g00, g04, g08 and two
    assert lines[-1] == "next: palimpsest run"


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"score.null_samples": -1}, "score.null_samples: want >= 2, got -1"),
        ({"report.threshold": 2}, "report.threshold: want > 0 and < 1, got 2"),
        ({"regime.kind": "fresh", "corpus.reserve": 30}, "corpus.reserve: want >= 40 (2 generati"),
        ({"score.custom": ["nowhere_at_all:f"]}, "score.custom: nowhere_at_all:f: want a module"),
        ({"score.custom": ["palimpsest.core.rng:f"]}, "score.custom: palimpsest.core.rng:f: want"),
        ({"embed.encoder.model": "./gone"}, "embed.encoder.model: want a folder that is there, go"),
        ({"embed.encoder.model": "gone/away/encoder"}, "embed.encoder.model: want a folder that"),
        ({"corpus.null_pool": 59}, "corpus.null_pool: want 0 or >= 60 (3 generate.documents)"),
    ],
)
def test_a_fault_of_any_section_is_refused_before_prepare(
    project: Path,
    values: dict[str, Any],
    said: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(check, "_prepared", lambda root: pytest.fail("prepare was run"))
    set_parameters(project, values)
    assert main(["check"]) == 1
    err = capsys.readouterr().err
    assert err.startswith("error: ")
    assert said in err
    assert err.count("\n") == 1


def test_what_prepare_refuses_is_refused_in_its_words(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    set_parameters(project, {"witness.prompts": ["The city of " * 40]})
    before = files(project)
    assert main(["check", "--no-time"]) == 1
    captured = capsys.readouterr()
    assert captured.err.startswith("error: witness.prompts: want prompts of at most 62 tokens (con")
    assert captured.err.count("\n") == 1
    assert captured.out == ""
    assert files(project) == before


def test_a_path_that_dvc_does_not_see_is_refused(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (project / "own.txt").write_text("A text.\n")
    set_parameters(project, {"corpus.source": "files", "corpus.files.paths": ["own.txt"]})
    assert main(["check"]) == 1
    said = capsys.readouterr().err
    assert "corpus.files.paths: want own.txt among the deps of prepare in dvc.yaml" in said
    assert "palimpsest chain" in said


@pytest.mark.parametrize(
    ("missing", "said"),
    [
        ("dvc.yaml", "want a project with dvc.yaml, got none; change into the project's folder"),
        ("params.yaml", "params.yaml: want a YAML file, got no such file"),
        ("chain.yaml", "chain.yaml: want a YAML file, got no such file"),
        ("generations/g02/dvc.yaml", "generations/g02/dvc.yaml: want stages, got no such file"),
    ],
)
def test_a_project_that_is_not_whole_is_refused(
    project: Path, missing: str, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (project / missing).unlink()
    assert main(["check"]) == 1
    assert said in capsys.readouterr().err
