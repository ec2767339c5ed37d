"""`palimpsest verify [NAME …]`: whether this machine makes what the locks name."""

import argparse
from pathlib import Path
from typing import Any

from palimpsest.core.storage import read_json
from palimpsest.experiments.verification import Output, committed, every_name, recomputed

DESCRIPTION = (
    "Without a name: do the locks here name the outputs of the last commit, and from where on do "
    "they not? With the names of generations (or prepare, report): runs their stages again in a "
    "temporary folder, on the inputs here, and holds what they make against their locks."
)


def configure(parser: argparse.ArgumentParser) -> None:
    """Adds the arguments."""
    parser.add_argument("names", nargs="*", metavar="NAME", help="g03, n01, prepare, report")
    parser.add_argument("--all", action="store_true", help="the whole chain, from prepare on")
    parser.add_argument("--against", default="HEAD", metavar="REV", help="commit (default: HEAD)")


def run(args: argparse.Namespace) -> int:
    """Compares and prints; 1 if anything differs.

    Raises:
        ProjectError: see `committed` and `recomputed`.
    """
    root = Path.cwd()
    if not args.names and not args.all:
        outputs = committed(root, args.against)
        first = next((one for one in outputs if not one.same), None)
        equal = sum(one.same for one in outputs)
        print(f"{equal} of {len(outputs)} outputs as in {args.against}")
        if first is not None:
            print(f"not so from here on: {first.stage}, {first.path}")
            _say_why(root, first)
        return int(first is not None)
    different = []
    for one in recomputed(root, every_name(root) if args.all else args.names):
        print(f"{'equal' if one.same else 'OTHER':5}  {one.stage:14}  {one.path}", flush=True)
        if not one.same:
            different.append(one)
    if different:
        print(f"first other: {different[0].stage}, {different[0].path}")
        _say_why(root, different[0])
    return int(bool(different))


def _say_why(root: Path, output: Output) -> None:
    """What is known of how the output of the workspace was made."""
    path = root / output.path / "provenance.json"
    if not path.exists():
        return
    facts: Any = read_json(path)
    known = facts if isinstance(facts, dict) else {}
    kept = {key: known[key] for key in ("device", "dtype", "threads", "portable") if key in known}
    if kept:
        print("made here with " + ", ".join(f"{key} {value}" for key, value in kept.items()))
    if not kept.get("portable", True):
        print("compute.portable was not in force: the bits are those of one kind of processor")
