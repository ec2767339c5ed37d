"""A stage's command line: every argument explained, and no wait for torch."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.stages.conftest import arguments
from tests.tiny import ROOT

STAGES = ("prepare", "generate", "finetune", "embed", "score", "report")
HEAVY = {"torch", "transformers", "datasets", "sentence_transformers"}
SHOWING_MODULES = """
import atexit, runpy, sys

atexit.register(lambda: print(*sys.modules))
sys.argv = sys.argv[1:]
runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
"""


def run(stage: str, folder: Path, *argv: str) -> subprocess.CompletedProcess[str]:
    """A stage as a process of its own; the last line of its output names what it imported."""
    return subprocess.run(
        [sys.executable, "-c", SHOWING_MODULES, f"stages.{stage}", *argv],
        env={**os.environ, "PYTHONPATH": str(ROOT), "COLUMNS": "200"},
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )


def modules(done: subprocess.CompletedProcess[str]) -> set[str]:
    return set(done.stdout.splitlines()[-1].split())


@pytest.mark.parametrize("stage", STAGES)
def test_help_names_every_argument_and_loads_no_torch(stage: str, tmp_path: Path) -> None:
    done = run(stage, tmp_path, "--help")
    assert done.returncode == 0
    assert done.stderr == ""
    assert f"usage: python -m stages.{stage}" in done.stdout
    used = {word for word in arguments(stage, "g01") if word.startswith("--")}
    explained = dict(
        re.findall(r"^  (--[\w-]+) (?:[A-Z_]+|{[\w,]+})\s+(\w.*)$", done.stdout, re.MULTILINE)
    )
    assert explained.keys() == used | {"--params"}
    assert HEAVY.isdisjoint(modules(done))


def test_the_score_stage_never_loads_torch(chain: Path, tmp_path: Path) -> None:
    argv = arguments("score", "g00")
    for flag in ("--headline", "--out"):
        argv[argv.index(flag) + 1] = str(tmp_path / flag.strip("-"))
    done = run("score", chain, *argv)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "out" / "scorecard.json").read_bytes() == (
        chain / "data" / "scores" / "g00" / "scorecard.json"
    ).read_bytes()
    assert "palimpsest.evaluation.scorecard" in modules(done)
    assert HEAVY.isdisjoint(modules(done))


@pytest.mark.parametrize("stage", STAGES)
def test_an_argument_that_is_missing_is_named(
    stage: str, capsys: pytest.CaptureFixture[str]
) -> None:
    from importlib import import_module

    with pytest.raises(SystemExit) as left:
        import_module(f"stages.{stage}").main([])
    assert left.value.code == 2
    assert "the following arguments are required: --" in capsys.readouterr().err
