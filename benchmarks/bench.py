"""The table of docs/speed.md: what work takes here, beside what it takes elsewhere.

    python -m benchmarks.bench                                # every row, an hour or two
    python -m benchmarks.bench --only sampling_bf16 embedding
    python -m benchmarks.bench --only dvc_20 --write docs/speed.md
    python -m benchmarks.bench --quick                        # toy sizes, seconds a row, not kept

Each measurement is added to a file of JSON lines; ``--write`` makes the table of docs/speed.md from
the last one of each row, measured now or earlier. `make bench` does all of that.
"""

import argparse
import statistics
import sys
import tempfile
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from palimpsest.core.compute import settle
from palimpsest.core.errors import PalimpsestError

if TYPE_CHECKING:
    from benchmarks.model_shapes import Options, Row
    from benchmarks.paired import Measured

MODULES = ("sampling", "fine_tuning", "reading", "whole_generation", "overhead")
"""Modules of this folder with ``ROWS``, in the order of the table."""
RESULTS = Path("benchmarks/speed.jsonl")
OPERATORS = 12
"""That a profile names."""
NOT_YET = "not measured yet"
HEAD = ("work", "peer", "peer's", "ours", "ratio", "wanted", "beside it", "machine", "date", "row")


def rows() -> dict[str, "Row"]:
    """Every row by its name."""
    found = [row for name in MODULES for row in import_module(f"benchmarks.{name}").ROWS]
    return {row.name: row for row in found}


def measure_row(row: "Row", options: "Options", rounds: int) -> "Measured":
    """Prepares and measures a row.

    Raises:
        UnequalWorkError: the two sides did not do the same.
    """
    from benchmarks.paired import Measured, measure

    with tempfile.TemporaryDirectory() as folder:
        pair = row.prepare(options, Path(folder))
        timing, facts = measure(pair, rounds)
    return Measured(
        row.name,
        pair.amount,
        timing.ours,
        timing.peer,
        timing.ratio,
        facts,
        options.portable,
        options.text,
    )


def profile(row: "Row", options: "Options") -> str:
    """Which of torch's operators the time of our side goes to, without what they call."""
    from torch.profiler import ProfilerActivity
    from torch.profiler import profile as profiled

    with tempfile.TemporaryDirectory() as folder:
        pair = row.prepare(options, Path(folder))
        (pair.warm or pair.ours)()
        with profiled(activities=[ProfilerActivity.CPU]) as seen:
            pair.ours()
    events = sorted(seen.key_averages(), key=lambda one: -one.self_cpu_time_total)
    whole = sum(event.self_cpu_time_total for event in events) or 1.0
    shares = [(event.self_cpu_time_total / whole, event.key, event.count) for event in events]
    lines = [f"{share:7.1%}  {key} ({number:,} calls)" for share, key, number in shares[:OPERATORS]]
    return "\n".join([f"{row.name}: {row.work}", *lines])


def shown(row: "Row", amount: float, seconds: Sequence[float]) -> str:
    """The median of a side in the row's unit."""
    if not seconds:
        return "–"
    median = statistics.median(seconds)
    value = amount / median if row.unit.endswith("/s") else median / amount
    return f"{value:,.0f} {row.unit}" if value >= 100 else f"{value:.3g} {row.unit}"


def cells(row: "Row", measured: "Measured | None") -> list[str]:
    """A row of the table, without its marks."""
    begun = [row.work, row.peer or "–"]
    if measured is None:
        return [*begun, "", NOT_YET, "", row.wanted, "", "", "", f"`{row.name}`"]
    ratio = "–"
    if measured.ratio is not None:
        ratio = "{:.2f} ({:.2f} to {:.2f})".format(*measured.ratio)
    beside = [f"{key.replace('_', ' ')} {value:,.4g}" for key, value in measured.facts.items()]
    facts = "; ".join([*beside, *([f"text: {measured.text}"] if measured.text else [])])
    sides = [shown(row, measured.amount, side) for side in (measured.peer, measured.ours)]
    where = [measured.machine, measured.date, f"`{row.name}`"]
    return [*begun, *sides, ratio, row.wanted, facts, *where]


def table(every: Sequence["Row"], measured: Sequence["Measured"]) -> str:
    """The Markdown table: the last measurement of each row."""
    last = {one.name: one for one in measured}
    lines = [f"| {' | '.join(HEAD)} |", "|---|---|" + "--:|" * 3 + "---|" * 5]
    lines += [f"| {' | '.join(cells(row, last.get(row.name)))} |" for row in every]
    return "\n".join(lines)


def portable_table(every: Sequence["Row"], measured: Sequence["Measured"]) -> str:
    """What the arithmetic that is the same everywhere costs: rows that were measured both ways."""
    last = {(one.name, one.portable): one for one in measured}
    lines = ["| work | ours | portable | times as long |", "|---|--:|--:|--:|"]
    for row in every:
        fast, same = last.get((row.name, False)), last.get((row.name, True))
        if fast and same:
            sides = [statistics.median(one.ours) / one.amount for one in (fast, same)]
            words = [shown(row, one.amount, one.ours) for one in (fast, same)]
            lines.append(f"| {row.work} | {' | '.join(words)} | {sides[1] / sides[0]:.2f} |")
    return "\n".join(lines if len(lines) > 2 else [NOT_YET])


def write(path: Path, every: Sequence["Row"], measured: Sequence["Measured"]) -> None:
    """Writes both tables between their marks."""
    from benchmarks.reference import replace_block

    replace_block(path, "speed", table(every, [one for one in measured if not one.portable]))
    replace_block(path, "portable", portable_table(every, measured))


def parsed(argv: list[str] | None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--only", nargs="+", metavar="ROW", help="these rows; all without")
    parser.add_argument("--list", action="store_true", help="name the rows and stop")
    parser.add_argument("--quick", action="store_true", help="at toy size; nothing is kept")
    parser.add_argument("--rounds", type=int, default=5, help="of each side; default: 5")
    parser.add_argument("--texts", type=Path, help="a file of texts; default: the made-up world")
    parser.add_argument("--tokenizer", type=Path, help="folder; default: trained on the texts")
    parser.add_argument("--threads", type=int, default=2, help="default: 2")
    parser.add_argument(
        "--portable", action="store_true", help="in the arithmetic that every processor shares"
    )
    parser.add_argument("--results", type=Path, default=RESULTS, help=f"default: {RESULTS}")
    parser.add_argument("--write", type=Path, metavar="PAGE", help="docs/speed.md")
    parser.add_argument("--no-run", action="store_true", help="measure nothing, write alone")
    parser.add_argument(
        "--profile", action="store_true", help="one run of our side: the share of each operator"
    )
    args = parser.parse_args(argv)
    if args.rounds < 1:
        parser.error(f"--rounds: want at least 1, got {args.rounds}")
    if args.threads < 1:
        parser.error(f"--threads: want at least 1, got {args.threads}")
    if args.quick and args.write:
        parser.error("--quick: its numbers say nothing, and are not written anywhere")
    return args


def measure_all(
    chosen: Sequence["Row"], options: "Options", rounds: int, results: Path | None
) -> list[str]:
    """Measures rows, one at a time, and prints a line of the table for each.

    Args:
        chosen: which.
        options: what they share.
        rounds: of each side.
        results: a file that every measurement is added to; None: to none.

    Returns:
        What went wrong, a line a row; the other rows are measured nevertheless.
    """
    from benchmarks.paired import UnequalWorkError

    print(f"| {' | '.join(HEAD)} |\n|{'---|' * len(HEAD)}", flush=True)
    failed = []
    for row in chosen:
        try:
            measured = measure_row(row, options, rounds)
        except (PalimpsestError, UnequalWorkError, RuntimeError) as error:
            failed.append(f"{row.name}: {error}")
            print(f"error: {failed[-1]}", file=sys.stderr, flush=True)
            continue
        print(f"| {' | '.join(cells(row, measured))} |", flush=True)
        if results is not None:
            measured.append_to(results)
    return failed


def main(argv: list[str] | None = None) -> None:
    args = parsed(argv)
    settle(args.threads, args.portable)  # before torch is loaded
    import torch

    from benchmarks.model_shapes import Options
    from benchmarks.paired import read_measured

    torch.set_num_threads(args.threads)
    every = rows()
    unknown = sorted(set(args.only or ()) - every.keys())
    if unknown:
        sys.exit(f"error: --only: want one of {', '.join(every)}; got {', '.join(unknown)}")
    chosen = [every[name] for name in args.only or every]
    if args.list:
        print("\n".join(f"{row.name:24}{row.minutes:5.0f} min  {row.work}" for row in chosen))
        return
    options = Options(args.quick, args.texts, args.tokenizer, args.portable)
    if args.profile:
        print("\n\n".join(profile(row, options) for row in chosen))
        return
    failed: list[str] = []
    if not args.no_run:
        failed = measure_all(chosen, options, args.rounds, None if args.quick else args.results)
    if args.write:
        try:
            write(args.write, [*every.values()], read_measured(args.results))
        except (OSError, ValueError) as error:
            sys.exit(f"error: {error}")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
