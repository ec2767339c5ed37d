"""Stages in several processes, started as a user starts them; and memory that runs out in one."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.stages.conftest import Project, arguments
from tests.tiny import ROOT, turn, write_params

FAILING = """
import os, signal, sys, threading, time

def spoil():
    name = "palimpsest.lm.training"
    while name not in sys.modules or sys.modules[name].__spec__._initializing:
        time.sleep(0.001)
    def fail(*_):
        if os.environ["SPOIL"] == "killed":
            os.kill(os.getpid(), signal.SIGKILL)
        if os.environ["SPOIL"] == "full":
            raise RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to")
        time.sleep(600)
    sys.modules[name]._backward = fail

if os.environ.get("RANK") == "1":
    threading.Thread(target=spoil, daemon=True).start()
"""
"""A sitecustomize.py: one of the processes fails at its first batch."""


def command(project: Project, stage: str) -> dict[str, Any]:
    """How a stage is started as its command line says; with a line of its own in params.yaml."""
    write_params(project.root / "params.yaml", project.params)
    paths = os.pathsep.join([str(project.root), str(ROOT), str(ROOT / "src")])
    words = [sys.executable, "-m", f"stages.{stage}", *arguments(stage, "g01")]
    environment = {**os.environ, "PYTHONPATH": paths, "PYTHONDONTWRITEBYTECODE": "1"}
    return {"args": words, "cwd": project.root, "env": environment, "text": True}


def run(project: Project, stage: str, **more: str) -> subprocess.CompletedProcess[str]:
    started = command(project, stage)
    started["env"] |= more
    return subprocess.run(**started, capture_output=True, check=False, timeout=600)


def arrays(path: Path) -> dict[str, Any]:
    return dict(np.load(path))


def test_two_processes_make_a_generation_as_one_does(project: Project) -> None:
    outs = {"generate": "data/texts/g01", "finetune": "models/g01", "embed": "data/embeddings/g01"}
    for stage, out in outs.items():
        project.run(stage)
        shutil.copytree(project.root / out, project.root / "alone" / stage)
    turn(project.params, "compute.processes", 2)
    for stage, out in outs.items():
        done = run(project, stage)
        assert done.returncode == 0, done.stderr
        assert "rror" not in done.stderr
        facts = json.loads((project.root / out / "provenance.json").read_text())
        assert (facts["processes"], facts["device"], facts["threads"]) == (2, "cpu", 1)
        if stage != "embed":  # the next one reads what one process wrote
            shutil.copytree(project.root / out, project.root / "two" / stage)
            shutil.rmtree(project.root / out)
            shutil.copytree(project.root / "alone" / stage, project.root / out)
    alone, two = project.root / "alone", project.root / "two"
    for name in ("texts", "training", "witness"):
        ours, theirs = (folder / f"generate/{name}.jsonl" for folder in (alone, two))
        assert theirs.read_bytes() == ours.read_bytes()
    curves = [np.genfromtxt(folder / "finetune/curve.csv", delimiter=",", skip_header=1)
              for folder in (alone, two)]  # fmt: skip
    assert np.abs(curves[0] - curves[1]).max() <= 1e-4
    now = project.root / outs["embed"]
    assert np.allclose(np.load(now / "embeddings.npy"), np.load(alone / "embed/embeddings.npy"),
                       rtol=0, atol=2e-6)  # fmt: skip
    for name in ("likelihood", "class_statistics", "probe"):
        ours, theirs = arrays(alone / f"embed/{name}.npz"), arrays(now / f"{name}.npz")
        assert ours.keys() == theirs.keys()
        for key, array in ours.items():
            if array.dtype.kind == "f":
                assert np.allclose(theirs[key], array, rtol=1e-5, atol=1e-5), (name, key)
            else:
                assert (theirs[key] == array).all(), (name, key)


@pytest.mark.parametrize(
    ("how", "line"),
    [
        ("full", "error: finetune.batch_size: want less than 8, for memory has run out, got 8; "),
        ("killed", "error: process 1 of 2 of stage finetune: want one that ends its work, got "
         "one that was killed by signal 9; was there memory for all of them? Fewer compute.pro"),
    ],
)  # fmt: skip
def test_a_process_that_fails_ends_all_with_one_error(
    project: Project, how: str, line: str
) -> None:
    turn(project.params, "compute.processes", 2)
    (project.root / "sitecustomize.py").write_text(FAILING)
    before = project.files()
    done = run(project, "finetune", SPOIL=how)
    assert done.returncode == 1
    (said,) = done.stderr.splitlines()
    assert said.startswith(line)
    assert project.files() == before
    (project.root / "sitecustomize.py").unlink()
    assert run(project, "finetune").returncode == 0


def test_ctrl_c_ends_all_processes(project: Project) -> None:
    turn(project.params, "compute.processes", 2)
    (project.root / "sitecustomize.py").write_text(FAILING)
    started = command(project, "finetune")
    started["env"] |= {"SPOIL": "stands still"}
    with subprocess.Popen(**started, stderr=subprocess.PIPE) as stage:
        time.sleep(20)
        stage.send_signal(signal.SIGINT)
        said = stage.communicate(timeout=120)[1]
    assert stage.returncode == 130
    assert said.splitlines()[-1] == "interrupted; what was written before is whole"
    assert not (project.root / "models/g01").exists()


@pytest.mark.parametrize(
    ("stage", "module", "name", "key"),
    [
        (
            "generate",
            "palimpsest.lm.generation",
            "generate",
            "generate.batch_size: want less than 20",
        ),
        ("finetune", "palimpsest.lm.training", "train", "finetune.batch_size: want less than 8"),
        ("embed", "palimpsest.lm.probing", "heldout_and_classes", "embed.dtype: want bfloat16"),
    ],
)
def test_memory_that_runs_out_is_a_line_and_the_stage_can_be_run_again(
    project: Project, stage: str, module: str, name: str, key: str
) -> None:
    if stage == "embed":
        project.run("finetune")

    def full(*_: Any, **__: Any) -> None:
        raise RuntimeError("CUDA error: out of memory\nCompile with TORCH_USE_CUDA_DSA")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(f"{module}.{name}", full)
        assert project.refused(stage).startswith(f"error: {key}")
    project.run(stage)


def test_a_device_that_is_not_there_is_refused(project: Project) -> None:
    turn(project.params, "compute.device", "cuda")
    for stage in ("generate", "finetune"):
        said = project.refused(stage)
        assert said.startswith("error: compute.device: want cpu or auto, got cuda, and this machin")
