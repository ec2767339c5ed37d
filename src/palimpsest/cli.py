"""The `palimpsest` command line: what may be said; a module for each subcommand does it.

Those modules are imported when their subcommand runs, so that --help loads none of what they need.
"""

import argparse
import os
import sys
from collections.abc import Callable, Sequence
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from palimpsest.audit_command import FAILED
from palimpsest.errors import PalimpsestError


def main(argv: Sequence[str] | None = None) -> int:
    """Runs a subcommand; a mistake in the input becomes one line and exit status 1."""
    parser = _parser()
    args, rest = parser.parse_known_args(argv)
    # argparse does not give `preset NAME --option KEY=VALUE` to the list of dials
    rest = rest[1:] if rest[:1] == ["--"] else rest
    if any(word.startswith("-") for word in rest) or (rest and not hasattr(args, "dials")):
        parser.error(f"unrecognized arguments: {' '.join(rest)}")
    if rest:
        args.dials = [*args.dials, *rest]
    try:
        status: int = args.run(args)
        if sys.stdout is not None:
            sys.stdout.flush()
    except PalimpsestError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except BrokenPipeError:  # `| head` has seen enough; what is left to print goes nowhere
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    return status


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="palimpsest", description="A laboratory for model collapse."
    )
    parser.add_argument("--version", action=_Version, nargs=0, help="show it and leave")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for add in (_add_chain, _add_preset, _add_audit, _add_compare, _add_sweep):
        add(commands)
    return parser


class _Version(argparse.Action):
    """Looks the version up when it is asked for."""

    def __call__(self, parser: argparse.ArgumentParser, *_: Any) -> None:
        """Prints it and leaves."""
        try:
            print(f"palimpsest {version('palimpsest')}")
        except PackageNotFoundError:
            print("palimpsest, not installed")
        parser.exit()


def _later(module: str, function: str) -> Callable[[argparse.Namespace], int]:
    """A subcommand's action, imported when it is called."""

    def run(args: argparse.Namespace) -> int:
        status: int = getattr(import_module(f"palimpsest.{module}"), function)(args)
        return status

    return run


def _add_chain(commands: Any) -> None:
    parser = commands.add_parser(
        "chain",
        help="set the number of generations",
        description="Writes chain.yaml: generations g00 (human) to gN. A longer chain keeps all "
        "that was computed.",
    )
    parser.add_argument("generations", type=int, metavar="N", help="number of the last generation")
    parser.add_argument(
        "--null",
        action=argparse.BooleanOptionalAction,
        default=None,
        help="with the null lineage, n01 to nN: the same loop on fresh human text (default: as "
        "chain.yaml is)",
    )
    parser.set_defaults(run=_later("dvc_project", "run_chain"))


def _add_preset(commands: Any) -> None:
    parser = commands.add_parser(
        "preset",
        help="write params.yaml and chain.yaml for a published protocol",
        description="Writes params.yaml (comments kept) and chain.yaml, and prints what changed.",
    )
    parser.add_argument("name", help="a file of presets/, without .yaml")
    parser.add_argument(
        "dials", nargs="*", metavar="KEY=VALUE", help="other values, for example your own model"
    )
    parser.add_argument("--generations", type=int, metavar="N", help="default: the protocol's")
    parser.add_argument(
        "--null", action=argparse.BooleanOptionalAction, help="with the null lineage, or without"
    )
    parser.add_argument(
        "--force", action="store_true", help="over uncommitted changes; the old file is kept"
    )
    parser.set_defaults(run=_later("preset_command", "run_preset"))


def _add_audit(commands: Any) -> None:
    parser = commands.add_parser(
        "audit",
        help="say whether texts have collapsed against human text",
        description="Holds texts against a human reference: every metric with its interval, over "
        "the null band of the reference itself, then a verdict. No project, no git.",
        epilog=f"Exit status: 0 whatever the verdict, {FAILED} for one that --fail-on names, "
        "1 for bad input. Files: .txt (paragraphs between blank lines), .jsonl, .json, .csv, "
        ".parquet.",
    )
    files = "files or globs"
    parser.add_argument("candidate", nargs="+", help=f"{files} to judge; - reads standard input")
    parser.add_argument(
        "--reference", nargs="+", required=True, metavar="HUMAN", help=f"{files} of human text"
    )
    parser.add_argument("--text-field", default="text", metavar="NAME", help="default: text")
    parser.add_argument(
        "--encoder", default="bundled", help="bundled (default), a folder or a hub id"
    )
    parser.add_argument(
        "--model", type=Path, metavar="FOLDER", help="a model of human text, for likelihoods"
    )
    parser.add_argument(
        "--sample", type=int, metavar="N", help="texts of a sample; default: as many as there are"
    )
    parser.add_argument("--seed", type=int, default=0, help="of every draw, default 0")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every number here")
    parser.add_argument("--html", type=Path, metavar="FILE", help="write a page here")
    parser.add_argument(
        "--fail-on",
        choices=["collapse", "narrower"],
        help=f"exit with status {FAILED} if collapsed; narrower: or narrower",
    )
    parser.set_defaults(run=_later("audit_command", "run_audit"))


def _add_compare(commands: Any) -> None:
    parser = commands.add_parser(
        "compare",
        help="compare experiments: variants with intervals over seeds",
        description="Groups chains by their dials; seeds are replicates. Means with 95 % intervals "
        "over chains, differences to a control paired by seed, with Benjamini-Hochberg control "
        "over metrics at 5 %.",
    )
    parser.add_argument(
        "chains", nargs="*", metavar="EXPERIMENT", help="experiments, git revisions or workspace"
    )
    parser.add_argument("--all", action="store_true", help="the workspace and every experiment")
    parser.add_argument(
        "--control", metavar="NAME", help="a chain of the control; default: the first one"
    )
    parser.add_argument(
        "--dial", action="append", default=[], metavar="KEY",
        help="refuse chains that differ in other dials than these; may be repeated",
    )  # fmt: skip
    parser.add_argument("--generation", type=int, metavar="G", help="default: the last common one")
    parser.add_argument(
        "--metric", action="append", default=[], metavar="NAME", help="show this one; repeatable"
    )
    parser.add_argument(
        "--variance", action="store_true", help="how much each source of randomness moves"
    )
    parser.add_argument(
        "--out", type=Path, metavar="FOLDER", help="write compare.csv, .json (dvc plots), .png here"
    )
    parser.add_argument(
        "--published", metavar="PRESET", help="the workspace beside a preset's published numbers"
    )
    parser.set_defaults(run=_later("compare_command", "run_compare"))


def _add_sweep(commands: Any) -> None:
    parser = commands.add_parser(
        "sweep",
        help="queue the experiments of a grid that are missing",
        description="Queues (`dvc exp run --queue`) what neither ran nor waits. The file has "
        "`grid` (dial: list of values, all combinations) and `variants` (a list of dial: value "
        "sets, each combined with the whole grid), or one of them.",
    )
    parser.add_argument("file", type=Path, help="YAML")
    parser.add_argument("--dry-run", action="store_true", help="say what would be queued")
    parser.set_defaults(run=_later("sweep_command", "run_sweep"))


if __name__ == "__main__":
    raise SystemExit(main())
