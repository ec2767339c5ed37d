"""Seconds of each stage, and of DVC between them, against the generation number.

    python -m benchmarks.long_chain --generations 100 --out long_chain.csv

A chain of a minute model (the golden chain's parameters) is run by `dvc repro` in a temporary
folder. Every stage notes its processor time and DVC's so far, so that a busy machine does not
count; DVC's part of a stage is what it used since the stage before began. Prints a line a stage:
the mean of the first, the middle and the last tenth of the generations, and the least-squares slope
a generation. Linux only: DVC's time is read from /proc.
"""

import argparse
import csv
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from palimpsest.experiments.project import write_chain
from tests.golden.run import PARAMETERS
from tests.test_chain import environment, new_project
from tests.tiny import tiny_params, turn, write_params

HOOK = """
import atexit, os, sys, time

if "-m" in sys.orig_argv and any(word.startswith("stages.") for word in sys.orig_argv):
    words = sys.orig_argv
    stage = next(word for word in words if word.startswith("stages."))[7:]
    number = words[words.index("--generation") + 1] if "--generation" in words else ""

    def of_dvc():
        pid = os.getppid()
        while pid > 1:
            with open(f"/proc/{pid}/cmdline", "rb") as file:
                command = file.read().split(b"\\0")
            with open(f"/proc/{pid}/stat") as file:
                fields = file.read().rpartition(")")[2].split()
            if b"repro" in command:
                return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
            pid = int(fields[1])
        return 0.0

    dvc, start = of_dvc(), time.time()

    def note():
        with open(os.environ["STAGE_TIMES"], "a") as file:
            print(stage, number, f"{time.process_time():.3f}", f"{dvc:.2f}",
                  f"{start:.3f}", f"{time.time():.3f}", sep=",", file=file)

    atexit.register(note)
"""
"""A sitecustomize.py: a stage notes its time when it ends."""
COLUMNS = ("stage", "generation", "cpu_seconds", "dvc_cpu_seconds", "start", "end")


def run_chain(root: Path, hook: Path, times: Path, generations: int) -> float:
    """Runs a new chain under DVC; the wall-clock seconds of all of it."""
    new_project(root)
    params = tiny_params()
    for key, value in PARAMETERS.items():
        turn(params, key, value)
    write_params(root / "params.yaml", params)
    write_chain(root, generations)
    (hook / "sitecustomize.py").write_text(HOOK)
    paths = os.pathsep.join([str(hook), os.environ.get("PYTHONPATH", "")])
    start = time.monotonic()
    subprocess.run(
        [sys.executable, "-m", "dvc", "repro", "--quiet"],
        cwd=root,
        env={**environment(), "PYTHONPATH": paths, "STAGE_TIMES": str(times)},
        check=True,
    )
    return time.monotonic() - start


def table(rows: list[dict[str, str]]) -> list[str]:
    """A Markdown row a stage, and one for DVC's part of a generation."""
    spent: dict[str, dict[int, float]] = {}
    before = 0.0
    for row in rows:
        dvc, before = float(row["dvc_cpu_seconds"]) - before, float(row["dvc_cpu_seconds"])
        if row["generation"] in ("", "0"):
            continue
        number = int(row["generation"])
        spent.setdefault(row["stage"], {})[number] = float(row["cpu_seconds"])
        of_dvc = spent.setdefault("DVC", {})
        of_dvc[number] = of_dvc.get(number, 0.0) + dvc
    lines = ["| CPU seconds | first tenth | middle | last tenth | slope |", "|---|--:|--:|--:|--:|"]
    for name in sorted(spent):
        numbers = np.array(sorted(spent[name]))
        seconds = np.array([spent[name][number] for number in numbers])
        tenth = max(1, len(seconds) // 10)
        middle = (len(seconds) - tenth) // 2
        parts = [seconds[:tenth], seconds[middle : middle + tenth], seconds[-tenth:]]
        means = " | ".join(f"{part.mean():.2f}" for part in parts)
        slope = np.polyfit(numbers, seconds, 1)[0] if len(seconds) > 1 else 0.0
        lines.append(f"| {name} | {means} | {1000 * slope:+.2f} ms |")
    return lines


def main(argv: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--generations", type=int, default=100)
    parser.add_argument("--out", type=Path, default=Path("long_chain.csv"), help="every stage")
    args = parser.parse_args(argv)
    with tempfile.TemporaryDirectory() as folder:
        hook = Path(folder, "hook")
        hook.mkdir()
        args.out.write_text(",".join(COLUMNS) + "\n")
        seconds = run_chain(Path(folder, "chain"), hook, args.out.resolve(), args.generations)
    rows = list(csv.DictReader(args.out.read_text().splitlines()))
    print("\n".join(table(rows)))
    rest = [row for row in rows if row["generation"] == ""]
    for row in rest:
        print(f"{row['stage']}: {float(row['cpu_seconds']):.1f} CPU seconds")
    print(f"{args.generations} generations in {seconds / 60:.1f} minutes of wall-clock time")


if __name__ == "__main__":
    main()
