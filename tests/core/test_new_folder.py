"""Artifact folders appear whole or not at all, also when the writer is killed."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from palimpsest.core.storage import new_folder
from tests.tiny import ROOT

WRITER = """
import os, signal, sys
from pathlib import Path
from palimpsest.core.storage import new_folder

with new_folder(Path(sys.argv[1])) as folder:
    (folder / "half").write_text("written")
    os.kill(os.getpid(), signal.SIGKILL)
"""


def write(path: Path, content: str) -> None:
    with new_folder(path) as folder:
        (folder / "file").write_text(content)


def killed_writer(path: Path) -> None:
    source = str(ROOT / "src")
    environment = {**os.environ, "PYTHONPATH": source}
    done = subprocess.run([sys.executable, "-c", WRITER, str(path)], env=environment, check=False)
    assert done.returncode == -signal.SIGKILL


def test_a_folder_takes_the_place_of_the_old_one_as_a_whole(tmp_path: Path) -> None:
    (tmp_path / "g01").mkdir()
    (tmp_path / "g01" / "old").write_text("old")
    write(tmp_path / "g01", "new")
    assert [path.name for path in (tmp_path / "g01").iterdir()] == ["file"]
    assert [path.name for path in tmp_path.iterdir()] == ["g01"]


def test_an_error_leaves_the_old_folder_and_nothing_else(tmp_path: Path) -> None:
    write(tmp_path / "g01", "old")
    with pytest.raises(FileNotFoundError), new_folder(tmp_path / "g01") as folder:
        (folder / "file").write_bytes((folder / "no such file").read_bytes())
    assert [path.name for path in tmp_path.iterdir()] == ["g01"]
    assert (tmp_path / "g01" / "file").read_text() == "old"


def test_a_killed_writer_leaves_the_old_folder_as_it_was(tmp_path: Path) -> None:
    write(tmp_path / "g01", "old")
    killed_writer(tmp_path / "g01")
    assert (tmp_path / "g01" / "file").read_text() == "old"
    assert not (tmp_path / "g01" / "half").exists()


def test_the_next_writer_clears_what_a_killed_one_left_of_this_folder_alone(tmp_path: Path) -> None:
    killed_writer(tmp_path / "g01")
    killed_writer(tmp_path / "g011")
    assert sorted(path.name[:5] for path in tmp_path.iterdir()) == [".g01-", ".g011"]
    write(tmp_path / "g01", "new")
    assert sorted(path.name[:5] for path in tmp_path.iterdir()) == [".g011", "g01"]


def test_git_ignores_what_a_killed_stage_leaves() -> None:
    places = (
        "data/.human-x", "data/texts/.g01-x", "data/scores/.g01-old-x", "models/.base-x",
        "models/.g01-x", "plots/.curves-x", "plots/.report.html-x", "metrics/.integrity.json-x",
        "metrics/generations/.g01.json-x",
    )  # fmt: skip
    command = ["git", "check-ignore", "--no-index", *places]
    ignored = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert ignored.stdout.split() == list(places)
