"""The `palimpsest` command line: a subcommand is a module of this package.

Each has ``DESCRIPTION``, ``configure(parser)`` and ``run(args)``, and is imported when it is named,
so that no subcommand waits for what another one needs.
"""

import argparse
import os
import sys
from collections.abc import Sequence
from importlib import import_module
from typing import Any

from palimpsest.core.mendable import in_one_line
from palimpsest.core.terminal import guarded_output
from palimpsest.core.version import installed_version

COMMANDS = {
    "chain": "set the number of generations",
    "download": "fetch a pretrained model from the package index",
    "preset": "write params.yaml and chain.yaml for a published protocol",
    "audit": "say whether texts have collapsed against human text",
    "gate": "hold metrics or an audit against rules, for CI",
    "compare": "compare experiments: variants with intervals over seeds",
    "sweep": "queue the experiments of a grid that are missing",
    "repair": "make DVC's locks whole again after a kill",
    "verify": "say whether this machine makes what was committed",
    "metrics": "say what a metric is",
    "schema": "write the JSON schema of params.yaml or of an audit",
    "completion": "print a completion script for a shell",
}
"""Name of a module of this package -> what it does."""


def main(argv: Sequence[str] | None = None) -> int:
    """Runs a subcommand; a mistake in the input becomes one line and exit status 1."""
    words = sys.argv[1:] if argv is None else list(argv)
    with guarded_output():
        try:
            args = parser(words[:1]).parse_args(words)
            status: int = args.run(args)
            sys.stdout.flush()
        except BrokenPipeError:  # `| head` has seen enough; what is left to print goes nowhere
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            return 1
        except Exception as error:
            line = in_one_line(error)
            if line is None:
                raise
            print(f"error: {line}", file=sys.stderr)
            return 1
        except KeyboardInterrupt:
            print("interrupted", file=sys.stderr)
            return 130
    return status


def parser(configured: Sequence[str]) -> argparse.ArgumentParser:
    """The command line.

    Args:
        configured: subcommands that are imported and have their arguments; the others have a name
            and a line of help.
    """
    whole = argparse.ArgumentParser(
        prog="palimpsest", description="A laboratory for model collapse."
    )
    whole.add_argument("--version", action=_Version, nargs=0, help="show it and leave")
    commands = whole.add_subparsers(required=True, metavar="COMMAND")
    for name, purpose in COMMANDS.items():
        if name not in configured:
            commands.add_parser(name, help=purpose)
            continue
        module = import_module(f"palimpsest.cli.{name}")
        epilog = getattr(module, "EPILOG", None)
        own = commands.add_parser(name, help=purpose, description=module.DESCRIPTION, epilog=epilog)
        module.configure(own)
        own.set_defaults(run=module.run)
    return whole


class _Version(argparse.Action):
    """Looks the version up when it is asked for."""

    def __call__(self, parser: argparse.ArgumentParser, *_: Any) -> None:
        """Prints it and leaves."""
        found = installed_version()
        print("palimpsest, not installed" if found is None else f"palimpsest {found}")
        parser.exit()


if __name__ == "__main__":
    raise SystemExit(main())
