"""What a chain pays beside its work: DVC's part of a stage, and the start of a stage's process.

DVC's part is measured on the real graph with commands that only write a word into each output: what
is left is DVC and a shell. The start of a process is measured on the tests' tiny chain, with
Python's own timer of imports, which makes them a little longer than they are without.

    python -m benchmarks.overhead --write docs/speed.md

writes which packages each stage imports and for how long.
"""

import argparse
import re
import shutil
import statistics
import sys
import tempfile
from collections import Counter
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from subprocess import run
from typing import Any, NamedTuple

import yaml

from benchmarks.model_shapes import Options, Row
from benchmarks.paired import Facts, Pair, hold_equal, timed
from benchmarks.reference import replace_block
from benchmarks.whole_generation import environment, run_quietly
from palimpsest.experiments.project import write_chain
from tests.stages.conftest import arguments
from tests.test_chain import new_project
from tests.tiny import chain_text, tiny_params, write_params

MADE = ("data", "models", "metrics", "plots", ".dvc/cache", ".dvc/tmp")
"""What a run leaves behind, locks aside."""
NO_OPS = 5
"""Runs of a chain that is up to date, of which the median is reported."""
STARTED = (
    ("prepare", "g00"),
    ("finetune", "g00"),
    ("embed", "g00"),
    ("score", "g00"),
    ("generate", "g01"),
    ("finetune", "g01"),
    ("embed", "g01"),
    ("score", "g01"),
)
"""Stages in an order in which they can run; those of g01 are a generation's."""
SHOWN = 5
"""Packages that are named, those that take longest first."""
LINE = re.compile(r"import time:\s+(\d+) \|\s+\d+ \|\s+([\w.]+)")


# --- DVC's part ---


def trivial(command: str) -> str:
    """A shell command that writes a word to a file."""
    return f"mkdir -p $(dirname {command}) && echo written > {command}"


def with_trivial_commands(path: Path) -> int:
    """Puts a command that does nothing in the place of each stage's; how many stages there are."""
    content = yaml.safe_load(path.read_text())
    for entry in content["stages"].values():
        outs = [one if isinstance(one, str) else next(iter(one)) for one in entry["outs"]]
        outs += [next(iter(one)) for one in entry.get("metrics", [])]
        # a stage that depends on some files of a folder finds them there
        files = [
            file
            for out in outs
            for file in (
                [out] if Path(out).suffix else [f"{out}/texts.jsonl", f"{out}/training.jsonl"]
            )
        ]
        entry["cmd"] = " && ".join(map(trivial, files))
    path.write_text(yaml.safe_dump(content, sort_keys=False))
    return len(content["stages"])


def trivial_chain(root: Path, generations: int) -> int:
    """A project of the real graph with trivial commands; how many stages it has."""
    new_project(root)
    write_params(root / "params.yaml", tiny_params())
    write_chain(root, generations)
    return sum(
        map(with_trivial_commands, [root / "dvc.yaml", *root.glob("generations/*/dvc.yaml")])
    )


def as_new(root: Path) -> None:
    """Removes all that DVC and the stages have made."""
    for name in MADE:
        shutil.rmtree(root / name, ignore_errors=True)
    for lock in (root / "dvc.lock", *root.glob("generations/*/dvc.lock")):
        lock.unlink(missing_ok=True)


def of_dvc(generations: int, options: Options, folder: Path) -> Pair:
    """Seconds of `dvc repro` a stage, from nothing; and of one that finds nothing to do."""
    root = folder / "chain"
    stages = trivial_chain(root, options.size(generations, 2))
    repro = partial(run_quietly, root, "dvc", "repro", "-q")

    def once() -> float:
        as_new(root)
        return timed(repro)[0]

    def no_op(ours: float, peer: None) -> Facts:
        taken = [timed(repro)[0] for _ in range(options.size(NO_OPS, 1))]
        locks = [root / "dvc.lock", *root.glob("generations/*/dvc.lock")]
        ran = sum(len(yaml.safe_load(lock.read_text())["stages"]) for lock in locks)
        hold_equal("stages that ran", ran, stages)
        return {"stages": ran, "seconds_without_work": statistics.median(taken)}

    return Pair(once, float(stages), check=no_op, warm=lambda: None, seconds=float)


# --- the start of a stage ---


class Start(NamedTuple):
    """A stage's process on a tiny chain."""

    seconds: float
    """All of it, its work included."""
    packages: Counter[str]
    """Seconds of imports by package."""

    @property
    def imports(self) -> float:
        """Seconds of all imports."""
        return sum(self.packages.values())


def imports_of(said: str) -> Counter[str]:
    """Seconds by package, from what ``-X importtime`` writes."""
    packages: Counter[str] = Counter()
    for micro, module in LINE.findall(said):
        packages[module.partition(".")[0]] += int(micro) / 1e6
    return packages


def started(root: Path) -> dict[str, Start]:
    """Runs the stages of a tiny chain, each in a process of its own."""
    starts = {}
    for stage, name in STARTED:
        words = ["-X", "importtime", "-m", f"stages.{stage}", *arguments(stage, name)]
        work = partial(
            run, [sys.executable, *words], cwd=root, env=environment(), capture_output=True
        )
        seconds, done = timed(lambda work=work: work(text=True, check=True))
        starts[f"{stage} {name}"] = Start(seconds, imports_of(done.stderr))
    return starts


def tiny_project(root: Path) -> Path:
    """A folder in which the stages can run."""
    root.mkdir()
    write_params(root / "params.yaml", tiny_params())
    (root / "chain.yaml").write_text(chain_text(1))
    return root


def start_of_stages(options: Options, folder: Path) -> Pair:
    """Seconds of imports in the four stages of a generation."""
    number = iter(range(1_000_000))

    def once() -> dict[str, Start]:
        return started(tiny_project(folder / str(next(number))))

    def of_a_generation(starts: dict[str, Start]) -> float:
        return sum(start.imports for name, start in starts.items() if name.endswith("g01"))

    def check(ours: dict[str, Start], peer: None) -> Facts:
        own = {name: start for name, start in ours.items() if name.endswith("g01")}
        return {name.removesuffix(" g01"): start.imports for name, start in own.items()}

    return Pair(once, 1.0, check=check, warm=lambda: None, seconds=of_a_generation)


def starts_table(rounds: Sequence[dict[str, Start]]) -> str:
    """A line a stage: medians of the rounds."""
    lines = ["| stage | whole process | imports | of which |", "|---|--:|--:|---|"]
    for name in rounds[0]:
        starts = [one[name] for one in rounds]
        every = {package for start in starts for package in start.packages}
        medians = {
            package: statistics.median(start.packages[package] for start in starts)
            for package in every
        }
        most = sorted(medians, key=medians.__getitem__, reverse=True)[:SHOWN]
        words = ", ".join(f"{package} {medians[package]:.2f}" for package in most)
        whole, imports = (
            statistics.median(getattr(start, key) for start in starts)
            for key in ("seconds", "imports")
        )
        lines.append(f"| {name} | {whole:.2f} s | {imports:.2f} s | {words} |")
    return "\n".join(lines)


def _row(generations: int, minutes: float) -> Row:
    work = f"DVC's part of a chain of {generations} generations, trivial commands"
    prepare: Any = partial(of_dvc, generations)
    wanted = "≤ 0.25 s" + ("; without work ≤ 2.5 s" if generations == 20 else "")
    return Row(f"dvc_{generations}", work, "", "s a stage", prepare, wanted, minutes)


ROWS: Sequence[Row] = (
    _row(20, 3),
    _row(40, 5),
    _row(60, 7),
    _row(100, 12),
    Row(
        "stage_starts",
        "imports of the four stages of a generation, in processes of their own",
        "",
        "s a generation",
        start_of_stages,
        minutes=3,
    ),
)


def main(argv: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--write", type=Path, metavar="PAGE", help="docs/speed.md")
    args = parser.parse_args(argv)
    with tempfile.TemporaryDirectory() as folder:
        rounds = [
            started(tiny_project(Path(folder) / str(number))) for number in range(args.rounds)
        ]
    table = starts_table(rounds)
    print(table)
    if args.write:
        replace_block(args.write, "starts", table)


if __name__ == "__main__":
    main()
