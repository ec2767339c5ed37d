"""A project in git with the presets and the default params.yaml, as its writers want it."""

import shutil
import subprocess
from pathlib import Path

from tests.tiny import ROOT

FILES = ("params.yaml", "chain.yaml", "dvc.yaml", "generations/dvc.yaml.j2")


def git(folder: Path, *words: str) -> None:
    identity = ["-c", "user.email=a@b", "-c", "user.name=n"]
    subprocess.run(["git", *identity, *words], cwd=folder, check=True, capture_output=True)


def preset_project(folder: Path) -> Path:
    """Lays it out in an empty folder and commits it."""
    shutil.copytree(ROOT / "presets", folder / "presets")
    (folder / "generations").mkdir()
    for name in FILES:
        shutil.copy(ROOT / name, folder / name)
    git(folder, "init", "-q")
    git(folder, "add", "-A")
    git(folder, "commit", "-qm", "x")
    return folder
