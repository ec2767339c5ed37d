"""Two ways to do one piece of work, timed in turn in one process.

What else a machine does meets both sides alike: each round runs both, and which of them begins
changes from round to round. The ratio of a round is the peer's seconds over ours; the median of the
rounds is reported, and the smallest and the largest beside it. Before anything is timed both sides
run once, and what they made is held against each other: a ratio of unequal work means nothing.

A measurement is a line of JSON, with the machine and the day; tables are written from those lines.
"""

import gc
import json
import os
import platform
import statistics
import subprocess
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import date
from importlib.metadata import version
from pathlib import Path
from typing import Any

ROUNDS = 5
"""The fewest whose median is reported."""

Facts = dict[str, float]
"""What was made, in numbers, by name."""


class UnequalWorkError(Exception):
    """The two sides did not do the same."""


def hold_equal(what: str, ours: float, theirs: float, tolerance: float = 0.0) -> None:
    """Holds a number of one side against that of the other.

    Args:
        what: its name, for the error.
        ours: our side's.
        theirs: the peer's.
        tolerance: largest difference, as a share of the peer's.

    Raises:
        UnequalWorkError: they differ by more, or one of them is not a number.
    """
    if not abs(ours - theirs) <= tolerance * abs(theirs):
        raise UnequalWorkError(f"{what}: ours {ours:.8g}, the peer's {theirs:.8g}")


@dataclass(frozen=True)
class Pair:
    """A piece of work, ready to be done again and again.

    Each function returns what it made: the same amount of work every time.
    """

    ours: Callable[[], Any]
    amount: float
    """Units of work in a run, for example tokens."""
    peer: Callable[[], Any] | None = None
    """None where there is nothing to hold it against."""
    check: Callable[[Any, Any], Facts] = lambda ours, theirs: {}
    """Compares what the two made before anything is timed (None for a peer that is not there).

    Raises `UnequalWorkError`."""
    warm: Callable[[], Any] | None = None
    """A shorter run of both sides, where a whole one would say no more: then `check` sees what the
    first round made."""
    seconds: Callable[[Any], float] | None = None
    """What a run took, if it says so itself: one that has to clear up before it begins."""


@dataclass(frozen=True)
class Timing:
    """Seconds of each round."""

    ours: list[float]
    peer: list[float]
    """Empty without a peer."""

    @property
    def ratio(self) -> tuple[float, float, float] | None:
        """How many times as long the peer takes: the median, smallest and largest of the rounds."""
        if not self.peer:
            return None
        ratios = [theirs / ours for ours, theirs in zip(self.ours, self.peer, strict=True)]
        return statistics.median(ratios), min(ratios), max(ratios)


def measure(pair: Pair, rounds: int = ROUNDS) -> tuple[Timing, Facts]:
    """Runs both sides in turn.

    Args:
        pair: the work.
        rounds: how many of each, the run to warm up not counted.

    Raises:
        UnequalWorkError: the sides did not do the same; nothing is reported then.
        ValueError: fewer than one round.
    """
    if rounds < 1:
        raise ValueError(f"rounds: want at least 1, got {rounds}")
    facts: Facts | None = None
    if pair.warm is None:
        facts = pair.check(pair.ours(), None if pair.peer is None else pair.peer())
    else:
        pair.warm()
    ours: list[float] = []
    peer: list[float] = []
    for number in range(rounds):
        made: dict[str, Any] = {"peer": None}
        sides = [("ours", pair.ours, ours), ("peer", pair.peer, peer)]
        for name, work, taken in sides if number % 2 == 0 else reversed(sides):
            if work is not None:
                seconds, made[name] = timed(work)
                taken.append(seconds if pair.seconds is None else pair.seconds(made[name]))
        if facts is None:
            facts = pair.check(made["ours"], made["peer"])
    assert facts is not None, "there was a round"
    return Timing(ours, peer), facts


def timed(work: Callable[[], Any]) -> tuple[float, Any]:
    """Wall-clock seconds of some work, and what it made."""
    gc.collect()  # what the other side left is not this side's to clear up
    begun = time.perf_counter()
    made = work()
    return time.perf_counter() - begun, made


@dataclass(frozen=True)
class Measured:
    """One measurement of one piece of work, as it stands in a line of JSON."""

    name: str
    amount: float
    ours: list[float]
    """Seconds, a round each."""
    peer: list[float]
    ratio: tuple[float, float, float] | None
    """Median, smallest, largest."""
    facts: Facts
    portable: bool
    """Whether in the arithmetic that is the same on every processor, on both sides."""
    text: str
    """The name of the file that was read; "" for the made-up world."""
    machine: str = field(default_factory=lambda: machine())
    commit: str = field(default_factory=lambda: commit())
    date: str = field(default_factory=lambda: date.today().isoformat())

    def append_to(self, path: Path) -> None:
        """Adds a line to a file."""
        with path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(asdict(self)) + "\n")


def read_measured(path: Path) -> list[Measured]:
    """The measurements of a file, oldest first; none if it is not there.

    Raises:
        ValueError: a line that is none; it is named.
    """
    made = []
    for number, line in enumerate(path.read_text("utf-8").splitlines() if path.exists() else [], 1):
        try:
            one = Measured(**json.loads(line))
            made.append(replace(one, ratio=None if one.ratio is None else tuple(one.ratio)))
        except (ValueError, TypeError) as error:
            raise ValueError(f"{path}: want a measurement in line {number}, got {error}") from error
    return made


def machine() -> str:
    """Processor, cores that may be used, threads, type of the fast products, torch's version."""
    import torch

    flags, name = "", platform.processor() or platform.machine()
    information = Path("/proc/cpuinfo")
    for line in information.read_text().splitlines() if information.exists() else ():
        key, _, value = line.partition(":")
        if key.strip() == "model name":
            name = value.strip()
        elif key.strip() == "flags":
            flags = value
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    short = next((kind for kind in ("amx_bf16", "avx512_bf16") if kind in flags), "no bfloat16")
    threads = torch.get_num_threads()
    return f"{name}, {cores} cores, {threads} threads, {short}, torch {version('torch')}"


def commit() -> str:
    """The short hash of the code's commit, with a + where files differ from it; "" without git."""
    words = ["git", "describe", "--always", "--dirty=+", "--exclude=*"]
    root = Path(__file__).parent
    try:
        done = subprocess.run(words, cwd=root, capture_output=True, text=True, check=False)
    except OSError:
        return ""
    return done.stdout.strip()


class PeakMemory:
    """The most memory that a piece of work had beside what was there when it began, in bytes.

    Linux counts it (the resident size's high-water mark, set back at the start); NaN elsewhere.
    """

    def __init__(self) -> None:
        self.bytes = float("nan")

    def __enter__(self) -> "PeakMemory":
        gc.collect()
        try:
            Path("/proc/self/clear_refs").write_text("5")
            self._before = _status("VmRSS")
        except OSError:
            self._before = float("nan")
        return self

    def __exit__(self, *error: object) -> None:
        self.bytes = _status("VmHWM") - self._before


def _status(key: str) -> float:
    """A size of this process in bytes."""
    try:
        lines = Path("/proc/self/status").read_text().splitlines()
    except OSError:
        return float("nan")
    found: Sequence[str] = next((line.split() for line in lines if line.startswith(key)), ())
    return int(found[1]) * 1024.0 if found else float("nan")
