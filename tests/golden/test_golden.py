"""The golden chain has the bytes that the repository names, on this processor too."""

import os
import platform
import subprocess
import sys
from pathlib import Path

import pytest

from palimpsest.core.compute import BLAS
from tests.tiny import ROOT

HASHES = Path(__file__).parent / "hashes.json"
x86_64 = platform.machine() in ("x86_64", "AMD64")
own_blas = os.environ.get("OPENBLAS_CORETYPE", "Haswell") not in BLAS.values()


@pytest.mark.skipif(not x86_64, reason="the hashes are those of x86-64 processors")
@pytest.mark.skipif(own_blas, reason="OPENBLAS_CORETYPE is set to another one")
def test_the_golden_chain_has_the_known_bytes():
    done = subprocess.run(
        [sys.executable, "-m", "tests.golden.run", "--against", str(HASHES)],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr[-2000:]
    assert ", 0 other than known" in done.stdout
