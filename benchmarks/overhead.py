"""What the start of the stages' processes costs, beside their work.

Runs the stages of one generation of a finished chain again, by the commands in the dvc.lock files,
with Python's import timer. They write what is already there. Usage, in the project's environment:

    python -m benchmarks.overhead [--generation g01] [--repeat 3]
"""

import argparse
import os
import re
import shlex
import statistics
import subprocess
import sys
import time
from pathlib import Path

from palimpsest.experiments.revisions import locked_stages

STAGES = ("generate", "finetune", "embed", "score")
LINE = re.compile(r"import time:\s+(\d+) \|\s+\d+ \|")


def measure(command: str) -> tuple[float, float]:
    """Wall seconds of a stage's command, and the seconds of them that went into imports."""
    words = shlex.split(command)
    started = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-X", "importtime", *words[1:]],
        capture_output=True,
        text=True,
        check=True,
        env=os.environ,
    )
    wall = time.perf_counter() - started
    return wall, sum(int(micro) for micro in LINE.findall(done.stderr)) / 1e6


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--generation", default="g01")
    parser.add_argument("--repeat", type=int, default=3)
    args = parser.parse_args()
    locks = [Path("dvc.lock"), *Path("generations").glob("*/dvc.lock")]
    ran = locked_stages({str(path): path.read_text() for path in locks})
    names = ["prepare", *(f"{stage}@{args.generation}" for stage in STAGES), "report"]
    names = [name for name in names if name in ran]
    print(f"{'stage':<16}{'wall s':>8}{'imports s':>11}{'rest s':>8}   (median of {args.repeat})")
    for name in names:
        runs = [measure(ran[name]["cmd"]) for _ in range(args.repeat)]
        wall, imports = (statistics.median(column) for column in zip(*runs, strict=True))
        print(f"{name:<16}{wall:>8.2f}{imports:>11.2f}{wall - imports:>8.2f}")


if __name__ == "__main__":
    main()
