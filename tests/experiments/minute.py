"""A project with the shape of a chain whose stages take no time: each hashes what it reads."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import yaml

from palimpsest.experiments.project import write_chain
from tests.tiny import ROOT as PROJECT
from tests.tiny import tiny_params, turn, write_params

LAST = 4
MAKE = """
import hashlib, os, pathlib, sys

target, *sources = map(pathlib.Path, sys.argv[1:])
there = sorted(path.name for path in pathlib.Path("models").glob("[!.]*"))
with open(os.environ["SEEN"], "a") as seen:
    print(target, *there, file=seen)
if os.environ.get("FAIL_AT") == str(target):
    sys.exit("as it was told")
digest = hashlib.sha256(os.environ.get("OTHER", "").encode())
for source in sources:
    for file in [source] if source.is_file() else sorted(source.rglob("*.*")):
        digest.update(file.read_bytes())
if target.suffix:
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(digest.hexdigest())
else:
    target.mkdir(parents=True)
    weights = target.parent.name == "models"
    (target / ("model.safetensors" if weights else "text.txt")).write_bytes(digest.digest() * 400)
    if weights:
        (target / "tokenizer.json").write_text("the same in all of them")
"""
ROOT = """
stages:
  prepare:
    cmd: python make.py models/base make.py
    deps: [make.py]
    outs: [models/base]
  report:
    cmd: python make.py plots/report.html data/scores
    deps: [data/scores]
    outs: [plots/report.html]
"""
TEMPLATE = """
stages:
  generate:
    wdir: ../..
    cmd: python make.py data/texts/{{ name }} models/{{ parent }}
    params: [generate.temperature]
    deps: [models/{{ parent }}]
    outs: [data/texts/{{ name }}]
  finetune:
    wdir: ../..
    cmd: python make.py models/{{ name }} data/texts/{{ name }} models/{{ parent }}
    params: [finetune.epochs]
    deps: [data/texts/{{ name }}, models/{{ parent }}]
    outs: [models/{{ name }}]
  embed:
    wdir: ../..
    cmd: python make.py data/embeddings/{{ name }} models/{{ name }} models/{{ parent }}
    params: [embed.min_count]
    deps: [models/{{ name }}, models/{{ parent }}]
    outs: [data/embeddings/{{ name }}]
  score:
    wdir: ../..
    cmd: python make.py data/scores/{{ name }} data/embeddings/{{ name }}
    deps: [data/embeddings/{{ name }}]
    outs: [data/scores/{{ name }}]
"""
NAMES = ("-c", "user.name=a", "-c", "user.email=a@b.c")


def new_project(root: Path, keep_every: int, last: int = LAST) -> Path:
    """The files of such a project, nothing run."""
    (root / "generations").mkdir(parents=True)
    (root / "make.py").write_text(MAKE)
    (root / "dvc.yaml").write_text(ROOT)
    (root / "generations" / "dvc.yaml.j2").write_text(TEMPLATE)
    (root / ".gitignore").write_text("/data\n/models\n/plots\n")
    set_parameter(root, "models.keep_every", keep_every)
    write_chain(root, last)
    run(root, "git", "init", "-q")
    run(root, sys.executable, "-m", "dvc", "init", "-q")
    run(root, sys.executable, "-m", "dvc", "config", "core.analytics", "false")
    return root


def set_parameter(root: Path, key: str, value: object) -> None:
    """Turns one parameter of params.yaml, which is the tiny chain's if there is none yet."""
    path = root / "params.yaml"
    params = yaml.safe_load(path.read_text()) if path.exists() else tiny_params()
    turn(params, key, value)
    write_params(path, params)


def seen(root: Path) -> list[list[str]]:
    """What each stage that ran was to make, and the models that lay there when it began."""
    path = root.parent / f"{root.name}.seen"
    return [line.split() for line in path.read_text().splitlines()] if path.exists() else []


def environment(root: Path, **more: str) -> dict[str, str]:
    """This interpreter is the stages' `python`; what they see is written beside the project."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    seen = str(root.parent / f"{root.name}.seen")
    own = {"PATH": path, "PYTHONPATH": str(PROJECT / "src"), "SEEN": seen}
    return {**os.environ, **own, **more}


def run(root: Path, *words: str, **more: str) -> str:
    """Runs a command to its end and returns what it said."""
    done = subprocess.run(
        words, cwd=root, env=environment(root, **more), capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def dvc(root: Path, *words: str) -> str:
    """Runs DVC."""
    return run(root, sys.executable, "-m", "dvc", *words)


def commit(root: Path) -> None:
    """Commits all that git does not ignore."""
    run(root, "git", "add", "-A")
    run(root, "git", *NAMES, "commit", "-qm", "x")


def copy_of(project: Path, path: Path) -> Path:
    """A project with all that was made, for a test to change."""
    return shutil.copytree(project, path, symlinks=True)


def locks(root: Path) -> dict[str, str]:
    """The locks as they stand."""
    return {
        path.relative_to(root).as_posix(): path.read_text()
        for path in [root / "dvc.lock", *root.glob("generations/*/dvc.lock")]
    }


def models(root: Path) -> set[str]:
    """Names of the generations whose models lie in the workspace, and of what else lies there."""
    return {path.name for path in (root / "models").iterdir() if path.name != ".gitignore"}
