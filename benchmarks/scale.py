"""CPU seconds and peak memory of the metrics of §1 to §3 on large corpora.

    python -m benchmarks.scale

Each row is measured in a process of its own: 100,000 texts of 384 dimensions through §1 to §3, and
a million through §1 and §2, made-up float32 embeddings against 500 human ones. Peak memory is the
process's largest resident size, embeddings and interpreter included. Time is that of the processor,
all threads together, so that a busy machine does not count. Writes the table of docs/metrics.md.
"""

import argparse
import json
import platform
import resource
import subprocess
import sys
import time
from pathlib import Path

import numpy as np

from benchmarks.reference import replace_block
from palimpsest.metrics import distribution, geometry, spectrum

DIMENSIONS, HUMAN = 384, 500
CASES = ((100_000, "123"), (1_000_000, "12"))
BLOCK = 50_000


def points(count: int) -> np.ndarray[tuple[int, int], np.dtype[np.float32]]:
    """Unit vectors with a falling spectrum, made a block at a time."""
    rng = np.random.default_rng(0)
    scales = (np.arange(1, DIMENSIONS + 1) ** -0.5).astype(np.float32)
    made = np.empty((count, DIMENSIONS), dtype=np.float32)
    for start in range(0, count, BLOCK):
        block = made[start : start + BLOCK]
        rng.standard_normal(out=block, dtype=np.float32)
        block *= scales
        block += 0.05
        block /= np.linalg.norm(block, axis=1, keepdims=True)
    return made


def measure(count: int, sections: str) -> dict[str, float]:
    """CPU seconds of each section (of all threads), and the process's peak memory in GB."""
    human, generated = points(HUMAN), points(count)
    measured: dict[str, float] = {}
    for section in sections:
        start = time.process_time()
        if section == "1":
            geometry.geometry_metrics(human, generated)
        elif section == "2":
            spectrum.spectrum_metrics(generated)
        else:
            distribution.distribution_metrics(human, generated)
        measured[f"§{section}"] = time.process_time() - start
    measured["GB"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    return measured


def main(argv: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--docs", type=Path, default=Path("docs"), help="folder of metrics.md")
    parser.add_argument("--one", nargs=2, metavar=("TEXTS", "SECTIONS"), help="one row, as JSON")
    args = parser.parse_args(argv)
    if args.one:
        print(json.dumps(measure(int(args.one[0]), args.one[1])))
        return
    lines = [
        "| texts × dimensions | §1 | §2 | §3 | CPU seconds | peak memory |",
        "|---|" + "--:|" * 5,
    ]
    for count, sections in CASES:
        command = [sys.executable, "-m", "benchmarks.scale", "--one", str(count), sections]
        measured = json.loads(subprocess.run(command, check=True, capture_output=True).stdout)
        memory = measured.pop("GB")
        parts = [f"{measured[f'§{n}']:.1f} s" if f"§{n}" in measured else "–" for n in "123"]
        lines.append(
            f"| {count:,} × {DIMENSIONS} | {' | '.join(parts)} | {sum(measured.values()):.0f} "
            f"| {memory:.2f} GB |"
        )
        print(lines[-1], flush=True)
    print(f"{platform.machine()}, Python {platform.python_version()}, numpy {np.__version__}")
    replace_block(args.docs / "metrics.md", "scale", "\n".join(lines))


if __name__ == "__main__":
    main()
