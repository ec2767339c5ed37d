"""A stage that was killed goes on inside, and writes what it writes without a pause."""

import logging
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from palimpsest.core.storage import unfinished
from tests.stages.conftest import Project, arguments
from tests.tiny import ROOT, turn, write_params

KILLED = """
import importlib, os, signal, sys
from palimpsest.core import resume
from tests.unfinished import EveryStep, Stopped

class Killed(EveryStep):
    def __init__(self, out):
        super().__init__(out, last=int(sys.argv[2]))

    def _changed(self, task):
        try:
            super()._changed(task)
        except Stopped:
            os.kill(os.getpid(), signal.SIGKILL)

resume.Checkpoints = Killed
importlib.import_module(f"stages.{sys.argv[1]}").main(sys.argv[3:])
"""
OUTS = {"generate": "data/texts/g01", "finetune": "models/g01", "embed": "data/embeddings/g01"}


def written(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def kill(project: Project, stage: str, last: int) -> None:
    """Starts a stage, and kills it behind a step."""
    write_params(project.root / "params.yaml", project.params)
    path = os.pathsep.join([str(ROOT), str(ROOT / "src")])
    done = subprocess.run(
        [sys.executable, "-c", KILLED, stage, str(last), *arguments(stage, "g01")],
        cwd=project.root, env={**os.environ, "PYTHONPATH": path}, check=False,
    )  # fmt: skip
    assert done.returncode == -signal.SIGKILL
    assert not (project.root / OUTS[stage]).exists()


@pytest.mark.parametrize(
    ("stage", "last", "task"),
    [
        ("generate", 3, "generate"),
        ("generate", 6, "generate"),  # among the witness prompts
        ("finetune", 4, "finetune"),
        ("embed", 2, "encode"),
        ("embed", 25, "likelihood"),
    ],
)
def test_a_stage_that_was_killed_goes_on_inside(
    stage: str, last: int, task: str, project: Project, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    out = project.root / OUTS[stage]
    turn(project.params, "generate.batch_size", 4)
    turn(project.params, "embed.encoder.batch_size", 4)
    for before in ("generate", "finetune", "embed"):
        project.run(before)
        if before == stage:
            break
    whole = written(out)
    shutil.rmtree(out)  # as DVC does before it runs a stage
    kill(project, stage, last)
    assert list(unfinished(out).glob(f"{task}-*.npz"))
    caplog.clear()
    project.run(stage)
    assert f"{task} goes on behind" in caplog.text
    assert "anew" not in caplog.text
    assert written(out) == whole
    assert not unfinished(out).exists()


def test_a_stage_that_was_killed_starts_anew_under_other_parameters(
    project: Project, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    out = project.root / OUTS["finetune"]
    kill(project, "finetune", 4)
    turn(project.params, "finetune.learning_rate", 0.0123)
    project.run("finetune")
    assert "finetune starts anew: what was kept is of other inputs" in caplog.text
    resumed = written(out)
    project.run("finetune")
    assert written(out) == resumed
