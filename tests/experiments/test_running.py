"""DVC at work is seen also where its list of processes is empty."""

import subprocess
import sys
from pathlib import Path

import pytest

from palimpsest.core.errors import ProjectError
from palimpsest.experiments.project import refuse_while_running
from palimpsest.experiments.running import running_dvc

WAITING = "import sys, time; print(flush=True); time.sleep(600)"


@pytest.mark.skipif(not Path("/proc/self/cmdline").exists(), reason="there is no /proc")
@pytest.mark.parametrize(
    ("words", "runs"),
    [
        (["dvc", "repro"], True), (["dvc", "exp", "run", "-S", "seed=5"], True),
        (["/venv/lib/dvc/__main__.py", "repro", "report"], True),
        (["dvc", "exp", "run", "--queue"], False), (["dvc", "status"], False),
        (["less", "repro"], False),
    ],
)  # fmt: skip
def test_dvc_between_two_stages_is_seen(words: list[str], runs: bool, tmp_path: Path) -> None:
    """It has nothing in its rwlock then."""
    project, elsewhere = tmp_path / "project", tmp_path / "elsewhere"
    project.mkdir()
    elsewhere.mkdir()
    for folder in (project, elsewhere):
        command = [sys.executable, "-c", WAITING, *words]
        running = subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE)
        try:
            assert running.stdout is not None
            running.stdout.readline()
            seen = running_dvc(project)
            assert seen == ({running.pid} if runs and folder == project else set())
            if seen:
                with pytest.raises(ProjectError, match=f"got process {running.pid} at work"):
                    refuse_while_running(project)
        finally:
            running.kill()
            running.communicate()
