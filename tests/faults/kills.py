"""Kills `dvc repro` at random, and while DVC writes a lock; repairs, goes on, compares the locks.

    python -m tests.faults.kills --trials 40 --cold 10

A chain of two generations is run once for the locks that are wanted. Each trial starts anew and is
stopped by a random signal (KILL, TERM, INT) to the whole process group: half of the trials at a
random moment, half at one of the moments at which a lock has just been opened for writing. Then
`palimpsest repair` and `dvc repro` must end with the locks of the run that was not disturbed. With
DVC's run cache (warm) a trial is little but DVC's own work, where the locks are written; the cold
trials run their stages. Exits with 1 if a trial does not survive.
"""

import argparse
import contextlib
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from palimpsest.core.locks import is_whole, lock_stages, locks
from tests.test_chain import copy_of, dvc, environment, lock, new_project

SIGNALS = (signal.SIGKILL, signal.SIGTERM, signal.SIGINT)


def damaged(root: Path) -> bool:
    """Whether a lock is not whole."""
    for path in locks(root):
        content = (root / path).read_bytes()
        stages = lock_stages(content)
        if stages is None or not content.endswith(b"\n"):
            return True
        if not all(is_whole(entry) for entry in stages.values()):
            return True
    return False


def stopped(root: Path, rng: random.Random, seconds: float) -> tuple[bool, bool]:
    """Starts `dvc repro` and stops it; whether it was, and whether it left a lock damaged."""
    running = subprocess.Popen(
        [sys.executable, "-m", "dvc", "repro"], cwd=root, env=environment(),
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True,
    )  # fmt: skip
    end = time.monotonic() + rng.uniform(0.5, seconds)
    killed, at_a_write = False, rng.random() < 0.5
    while running.poll() is None:
        written = any((root / path).stat().st_size == 0 for path in locks(root))
        if (at_a_write and written) or time.monotonic() > end + (seconds if at_a_write else 0):
            time.sleep(rng.uniform(0, 0.01))
            os.killpg(running.pid, rng.choice(SIGNALS))
            killed = True
            break
        time.sleep(0.0005)
    with contextlib.suppress(subprocess.TimeoutExpired):
        running.wait(30)
    if running.poll() is None:
        os.killpg(running.pid, signal.SIGKILL)
        running.wait()
    return killed, damaged(root)


def main() -> None:
    """Runs the trials and prints how many survived."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--trials", type=int, default=200, help="how many kills")
    parser.add_argument("--cold", type=int, default=20, help="of them without DVC's run cache")
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    rng = random.Random(args.seed)
    counts: Counter[str] = Counter()
    with tempfile.TemporaryDirectory() as temporary:
        whole = new_project(Path(temporary, "whole"))
        start = time.monotonic()
        dvc(whole, "repro")
        cold = time.monotonic() - start
        wanted, warm_seconds = lock(whole), 0.0
        while counts["killed"] < args.trials:
            root = new_project(Path(temporary, "trial"))
            warm = counts["killed"] >= args.cold
            if warm:
                shutil.copytree(whole / ".dvc" / "cache", root / ".dvc" / "cache")
            if warm and not warm_seconds:
                start = time.monotonic()
                dvc(copy_of(root, Path(temporary, "timed")), "repro")
                warm_seconds = time.monotonic() - start
            killed, broken = stopped(root, rng, warm_seconds if warm else cold)
            if not killed:  # it had ended by itself
                shutil.rmtree(root)
                continue
            counts["killed"] += 1
            counts["damaged"] += broken
            said = subprocess.run(
                [sys.executable, "-m", "palimpsest.cli.main", "repair"],
                cwd=root, env=environment(), capture_output=True, text=True, check=False,
            )  # fmt: skip
            counts["repaired"] += "dvc.lock:" in said.stdout
            try:
                dvc(root, "repro")
                survived = lock(root) == wanted and said.returncode == 0
            except AssertionError as error:
                survived = False
                print(f"{error}\n{said.stdout}{said.stderr}", flush=True)
            counts["survived"] += survived
            print(dict(counts), flush=True)
            shutil.rmtree(root)
    print(f"{args.trials} kills ({args.cold} without the run cache): {dict(counts)}")
    sys.exit(counts["survived"] < args.trials)


if __name__ == "__main__":
    main()
