"""A tiny chain of one generation, run once; and stages run as their command line would."""

import importlib
import shutil
import sys
from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from palimpsest.core import command
from palimpsest.core.provenance import Artifact
from tests.tiny import ROOT, chain_text, tiny_params, write_params


def arguments(stage: str, name: str) -> list[str]:
    """A stage's command line for g00 or g01, as it stands in the tracked dvc.yaml."""
    folder = ROOT if stage in ("prepare", "report") else ROOT / "generations" / name
    stages = yaml.safe_load((folder / "dvc.yaml").read_text())["stages"]
    words: list[str] = stages[stage]["cmd"].split()
    assert words[:3] == ["python", "-m", f"stages.{stage}"]
    return words[3:]


def run_stages(root: Path, params: dict[str, Any], stages: Iterable[tuple[str, str]]) -> None:
    """Runs stages of some generations in a folder, one after the other."""
    write_params(root / "params.yaml", params)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(root)
        for stage, name in stages:
            importlib.import_module(f"stages.{stage}").main(arguments(stage, name))


@dataclass
class Project:
    """A folder with params.yaml in which stages run."""

    root: Path
    params: dict[str, Any]
    monkeypatch: pytest.MonkeyPatch
    capsys: pytest.CaptureFixture[str]

    def run(self, stage: str, name: str = "g01") -> None:
        """Runs a stage; SystemExit if it fails."""
        write_params(self.root / "params.yaml", self.params)
        self.run_as_it_is(stage, name)

    def run_as_it_is(self, stage: str, name: str = "g01") -> None:
        """Runs a stage on the params.yaml that lies there."""
        self.monkeypatch.chdir(self.root)
        self.monkeypatch.setattr(sys, "argv", [stage, *arguments(stage, name)])
        command.run(importlib.import_module(f"stages.{stage}").main)

    def refused(self, stage: str, name: str = "g01", *, as_it_is: bool = False) -> str:
        """The one line that a failing stage says; it leaves everything as it was."""
        before = self.files()
        self.capsys.readouterr()
        run: Callable[[str, str], None] = self.run_as_it_is if as_it_is else self.run
        with pytest.raises(SystemExit) as left:
            run(stage, name)
        assert left.value.code == 1
        said = self.capsys.readouterr().err.splitlines()
        errors = [line for line in said if line.startswith("error: ")]
        assert errors == said[-1:], said
        assert "Traceback" not in "".join(said)
        assert self.files() == before
        return errors[0]

    def believe_artifacts(self) -> None:
        """Stages take folders as they are from here on, whatever their provenance says."""

        def opened(path: Path, only: object = ()) -> Artifact:
            content = {"inputs": {}, "files": defaultdict(str), "encoder": "one"}
            return Artifact(path, "", content)

        self.monkeypatch.setattr(Artifact, "open", opened)
        self.monkeypatch.setattr(Artifact, "_require", lambda *_: None)

    def files(self) -> dict[str, bytes]:
        """Everything that lies in the project, by name, params.yaml left out."""
        return {
            path.relative_to(self.root).as_posix(): path.read_bytes() if path.is_file() else b""
            for path in self.root.rglob("*")
            if path.name != "params.yaml"
        }


@pytest.fixture(scope="session")
def chain(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Generation 0 of a tiny chain, and the text of generation 1."""
    root = tmp_path_factory.mktemp("chain")
    shutil.copytree(ROOT / "presets", root / "presets")
    first = [(stage, "g00") for stage in ("prepare", "finetune", "embed", "score")]
    run_stages(root, tiny_params(), [*first, ("generate", "g01")])
    (root / "chain.yaml").write_text(chain_text(0))
    return root


@pytest.fixture
def project(
    chain: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Project:
    """A copy of the tiny chain that a test may spoil."""
    root = tmp_path / "project"
    shutil.copytree(chain, root)
    return Project(root, tiny_params(), monkeypatch, capsys)
