"""The `palimpsest` command."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from palimpsest.audit_command import add_audit
from palimpsest.compare_command import add_compare
from palimpsest.errors import PalimpsestError
from palimpsest.preset_command import add_preset
from palimpsest.sweep_command import add_sweep


def main(argv: Sequence[str] | None = None) -> int:
    """Runs a subcommand; a mistake in the input becomes one line and exit status 1."""
    args = _parser().parse_args(argv)
    try:
        status: int = args.run(args)
    except PalimpsestError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return status


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="palimpsest", description="A laboratory for model collapse."
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    chain = commands.add_parser(
        "chain",
        help="set the number of generations",
        description="Writes chain.yaml: generations g00 (human) to gN. A longer chain keeps all "
        "that was computed.",
    )
    chain.add_argument("generations", type=int, metavar="N", help="number of the last generation")
    chain.add_argument(
        "--null",
        action=argparse.BooleanOptionalAction,
        default=None,
        help="with the null lineage, n01 to nN: the same loop on fresh human text (default: as "
        "chain.yaml is)",
    )
    chain.set_defaults(run=_chain)
    add_preset(commands)
    add_audit(commands)
    add_compare(commands)
    add_sweep(commands)
    return parser


def _chain(args: argparse.Namespace) -> int:
    from palimpsest.dvc_project import write_chain

    change = write_chain(Path.cwd(), args.generations, args.null)
    was = "new" if change.before is None else f"was g00 to g{change.before:02d}"
    null = f", null lineage n01 to n{change.after:02d}" if change.null else ""
    print(f"chain.yaml: generations g00 to g{change.after:02d}{null} ({was})")
    if change.removed:
        print(f"removed {len(change.removed)} outputs of later generations (DVC's cache has them)")
    print("next: dvc repro")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
