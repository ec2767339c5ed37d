"""A whole generation by DVC against a plain script: the row and its comparison.

Ours is `dvc repro` of generation 1, the peer is `benchmarks.plain_generation`. On both sides the
start of the processes counts, on ours also that of DVC, once for a generation; a chain pays for it
once in all.
"""

import csv
import json
import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from itertools import count
from pathlib import Path
from typing import Any

import yaml

from benchmarks.model_shapes import ROOT, Options, Row
from benchmarks.paired import Facts, Pair, UnequalWorkError, hold_equal, timed
from benchmarks.plain_generation import made_numbers
from palimpsest.core.storage import read_arrays, read_texts
from palimpsest.experiments.project import write_chain
from tests.test_chain import new_project
from tests.tiny import tiny_params, turn, write_params

CLOSE, ALIKE = 0.05, 0.15
"""Largest difference of losses, and of amounts of text that are drawn at random, as shares."""


def environment() -> dict[str, str]:
    """This interpreter is the stages' `python`, this folder where modules are found."""
    bin_folder = Path(sys.executable).parent
    paths = [str(ROOT), str(ROOT / "src")]
    return {
        **os.environ,
        "PATH": f"{bin_folder}{os.pathsep}{os.environ['PATH']}",
        "PYTHONPATH": os.pathsep.join(paths),
        "DVC_NO_ANALYTICS": "1",
    }


def run_quietly(root: Path, *words: str) -> None:
    """Runs a module in a folder.

    Raises:
        RuntimeError: it fails; with the end of what it said.
    """
    command = [sys.executable, "-m", *words]
    done = subprocess.run(
        command, cwd=root, env=environment(), capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise RuntimeError(f"{' '.join(words)}: {(done.stdout + done.stderr)[-2000:]}")


def first_generation(root: Path, options: Options) -> dict[str, Any]:
    """A project whose generation 0 is finished; its parameters."""
    new_project(root)
    tracked: dict[str, Any] = yaml.safe_load((ROOT / "params.yaml").read_text())
    params = tiny_params() if options.quick else tracked
    turn(params, "compute.portable", options.portable)
    write_params(root / "params.yaml", params)
    write_chain(root, 1)
    run_quietly(root, "dvc", "repro", "--quiet", "generations/g00/dvc.yaml")
    return params


def made_by_dvc(root: Path) -> dict[str, Any]:
    """Generation 1 as it lies in the project, in numbers."""
    with (root / "models/g01/curve.csv").open() as file:
        trained = sum(int(row["tokens"]) for row in csv.DictReader(file))
    return made_numbers(
        read_texts(root / "data/texts/g01/texts.jsonl"),
        trained,
        read_arrays(root / "data/embeddings/g01/likelihood.npz"),
        json.loads((root / "data/scores/g01/scorecard.json").read_text()),
    )


def hold_generations_equal(ours: dict[str, Any], theirs: dict[str, Any]) -> Facts:
    """Holds two generations to be the same but for what was drawn at random.

    Raises:
        UnequalWorkError: they are not.
    """
    for name in ("documents", "heldout_tokens", "read_texts"):
        hold_equal(name, ours[name], theirs[name])
    for name in ("characters", "trained_tokens"):
        hold_equal(name, ours[name], theirs[name], ALIKE)
    hold_equal("heldout_loss", ours["heldout_loss"], theirs["heldout_loss"], CLOSE)
    if ours["metrics"] != theirs["metrics"]:
        other = sorted(set(ours["metrics"]) ^ set(theirs["metrics"]))
        raise UnequalWorkError(f"metrics of one side alone: {', '.join(other)}")
    losses = {"ours": ours["heldout_loss"], "peer": theirs["heldout_loss"]}
    facts = {"documents": ours["documents"], "metrics": len(ours["metrics"])}
    return {**facts, **{f"held-out_loss_{name}": loss for name, loss in losses.items()}}


def whole_generation(options: Options, folder: Path) -> Pair:
    """A generation of the default chain by DVC, each time with other random numbers."""
    root, seeds = folder / "chain", {"ours": count(1), "peer": count(1)}
    params = first_generation(root, options)

    def ours() -> tuple[float, dict[str, Any]]:
        # another seed: nothing of what was computed before can be taken again
        turn(params, "seeds.generate", next(seeds["ours"]))
        write_params(root / "params.yaml", params)
        seconds, _ = timed(
            lambda: run_quietly(root, "dvc", "repro", "-q", "generations/g01/dvc.yaml")
        )
        return seconds, made_by_dvc(root)

    def peer() -> tuple[float, dict[str, Any]]:
        out, seed = folder / "plain", str(next(seeds["peer"]))
        words = ("--project", str(root), "--out", str(out), "--seed", seed)
        seconds, _ = timed(lambda: run_quietly(ROOT, "benchmarks.plain_generation", *words))
        return seconds, json.loads((out / "made.json").read_text())

    work: dict[str, Callable[[], Any]] = {"ours": ours, "peer": peer}
    return Pair(
        work["ours"],
        1.0,
        work["peer"],
        lambda one, other: hold_generations_equal(one[1], other[1]),
        warm=(lambda: None) if options.quick else None,
        seconds=lambda made: float(made[0]),
    )


ROWS: Sequence[Row] = (
    Row(
        "generation",
        "a whole generation of the default chain: generate, finetune, embed, score, DVC",
        "a plain script in one process (benchmarks/plain_generation.py)",
        "s a generation",
        whole_generation,
        "≥ 1",
        15,
    ),
)
