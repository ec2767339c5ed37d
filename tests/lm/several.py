"""Runs a script in several processes that know each other, as a launcher would start them."""

import os
import socket
import subprocess
import sys
from pathlib import Path

from tests.tiny import ROOT


def several(script: Path, count: int, *words: str) -> list[subprocess.CompletedProcess[str]]:
    """Runs a script in so many processes at once, and waits for all of them."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    group = {"WORLD_SIZE": str(count), "LOCAL_WORLD_SIZE": str(count), "OMP_NUM_THREADS": "1"}
    group |= {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port)}
    paths = os.pathsep.join([str(ROOT), str(ROOT / "src")])
    started = [
        subprocess.Popen(
            [sys.executable, str(script), *words],
            env={**os.environ, **group, "PYTHONPATH": paths, "RANK": f"{n}", "LOCAL_RANK": f"{n}"},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for n in range(count)
    ]
    done = []
    for process in started:
        out, err = process.communicate(timeout=300)
        done.append(subprocess.CompletedProcess(process.args, process.returncode, out, err))
    return done
