"""Wall-clock time and peak memory of score and report for generations of many documents.

    python -m benchmarks.large_generations --documents 20000 100000

A chain of one generation is run with the tests' minute model; then its texts, embeddings and
likelihoods are replaced by as many as asked: documents of the world, random unit vectors of 384
dimensions, random losses. The pool of human texts holds three samples, the fewest that score takes.
Each stage runs in a process of its own; memory is the largest resident size that it reached,
interpreter included. Every other parameter is that of params.yaml.
"""

import argparse
import importlib
import multiprocessing
import os
import platform
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from benchmarks.scale import points
from palimpsest.core.parameters import Parameters
from palimpsest.core.storage import write_texts
from palimpsest.corpus.world.generator import World
from palimpsest.experiments.project import chain_yaml
from tests.stages.conftest import arguments
from tests.tiny import ROOT, tiny_params, turn, write_params

MEASURED = (("score", "g01"), ("score", "g00"), ("report", "g01"))
POOL = 3
"""Samples that the pool of human texts holds."""
STEPS = 1
"""Of training: what the model writes is replaced."""


def small_chain(root: Path) -> None:
    """A chain of one generation, all but its scores."""
    params = tiny_params()
    for section in ("pretrain", "finetune"):
        turn(params, f"{section}.steps", STEPS)
    write_params(root / "params.yaml", params)
    before = Path.cwd()
    os.chdir(root)
    stages = [("prepare", "g00"), ("finetune", "g00"), ("embed", "g00")]
    for stage, name in [*stages, ("generate", "g01"), ("finetune", "g01"), ("embed", "g01")]:
        importlib.import_module(f"stages.{stage}").main(arguments(stage, name))
    os.chdir(before)


def enlarge(root: Path, documents: int) -> None:
    """Replaces the texts, embeddings and likelihoods of a chain by so many."""
    shutil.copy(ROOT / "params.yaml", root / "params.yaml")
    (root / "chain.yaml").write_text(chain_yaml(1))
    params = Parameters.load(root / "params.yaml")
    world = World(params.corpus.world, params.seed)
    texts = world.documents((POOL + 2) * documents, seed=1)
    pool = texts[2 * documents :]
    vectors = points(len(texts))
    rng = np.random.default_rng(0)
    write_texts(root / "data/human/null.jsonl", pool, prompt=[""] * len(pool))
    for number, name in enumerate(("g00", "g01")):
        rows = slice(number * documents, (number + 1) * documents)
        some = texts[rows]
        write_texts(root / "data/texts" / name / "texts.jsonl", some, prompt=[""] * len(some))
        folder = root / "data/embeddings" / name
        np.save(folder / "embeddings.npy", vectors[rows])
        with np.load(folder / "likelihood.npz") as file:
            arrays = dict(file)
        for part in {"human", "self", "null"} & {key.partition("_")[0] for key in arrays}:
            count = len(pool) if part == "null" else documents
            tokens = rng.integers(20, 100, count)
            arrays[f"{part}_tokens"] = tokens
            arrays[f"{part}_nll"] = tokens * rng.uniform(1, 4, count)
        np.savez(folder / "likelihood.npz", **arrays)
    np.save(root / "data/embeddings/g00/null.npy", vectors[2 * documents :])


def apart(work: Callable[..., None], *given: object) -> None:
    """Does it in a process of its own: a child's peak counts from its parent's size."""
    process = multiprocessing.get_context("spawn").Process(target=work, args=given)
    process.start()
    process.join()
    if process.exitcode:
        raise SystemExit(f"{work.__name__} failed")


def measured(root: Path, stage: str, name: str) -> tuple[float, float, float]:
    """Wall-clock and processor seconds of a stage, and its peak memory in GB."""
    command = [sys.executable, "-m", f"stages.{stage}", *arguments(stage, name)]
    paths = os.pathsep.join([str(ROOT), str(ROOT / "src")])
    start = time.monotonic()
    running = subprocess.Popen(command, cwd=root, env={**os.environ, "PYTHONPATH": paths})
    _, status, used = os.wait4(running.pid, 0)
    running.returncode = os.waitstatus_to_exitcode(status)
    if running.returncode:
        raise SystemExit(f"{stage} {name} failed")
    cpu = used.ru_utime + used.ru_stime
    return time.monotonic() - start, cpu, used.ru_maxrss * 1024 / 1e9  # Linux counts kibibytes


def main(argv: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--documents", type=int, nargs="+", default=[20_000, 100_000])
    args = parser.parse_args(argv)
    print("| documents | stage | minutes | CPU minutes | peak memory |\n|--:|---|--:|--:|--:|")
    with tempfile.TemporaryDirectory() as folder:
        apart(small_chain, Path(folder))
        for documents in args.documents:
            apart(enlarge, Path(folder), documents)
            for stage, name in MEASURED:
                seconds, cpu, memory = measured(Path(folder), stage, name)
                label = stage if stage == "report" else f"{stage} {name}"
                print(
                    f"| {documents:,} | {label} | {seconds / 60:.1f} | {cpu / 60:.1f} "
                    f"| {memory:.2f} GB |",
                    flush=True,
                )
    print(f"{platform.machine()}, Python {platform.python_version()}, numpy {np.__version__}")


if __name__ == "__main__":
    main()
