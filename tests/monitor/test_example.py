import os
import re
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from tests.tiny import ROOT


@pytest.mark.skipif(
    find_spec("accelerate") is None, reason="Trainer needs accelerate, which is not installed"
)
def test_the_example_runs_and_its_model_learns(tmp_path: Path) -> None:
    env = {**os.environ, "PYTHONPATH": str(ROOT / "src"), "TMPDIR": str(tmp_path)}
    env["OMP_NUM_THREADS"] = "1"  # threads that spin starve each other where others work
    done = subprocess.run(
        [sys.executable, str(ROOT / "docs" / "examples" / "monitor.py")],
        cwd=tmp_path,
        env=env,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    rows = re.findall(r"^ +(\d+) +([\d.]+) +([\d.]+) +(-?[\d.]+) +([\d.]+)$", done.stdout, re.M)
    assert [int(row[0]) for row in rows] == [20, 40, 60]
    perplexities = [float(row[1]) for row in rows]
    assert perplexities == sorted(perplexities, reverse=True)
    assert perplexities[-1] < perplexities[0] / 1.5
