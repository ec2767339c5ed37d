"""The `palimpsest` command line: a subcommand is a module of this package.

Each has ``DESCRIPTION``, ``configure(parser)`` and ``run(args)``, and is imported when it is named,
so that no subcommand waits for what another one needs.
"""

import argparse
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, redirect_stdout
from importlib import import_module
from typing import Any, NoReturn, TextIO, cast

from palimpsest.core.errors import PalimpsestError, shown
from palimpsest.core.extras import missing_extra
from palimpsest.core.version import installed_version

COMMANDS = {
    "chain": "set the number of generations",
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
    try:
        args = parser(words[:1]).parse_args(words)
        with _escaped_output():
            status: int = args.run(args)
            if sys.stdout is not None:
                sys.stdout.flush()
    except PalimpsestError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except ModuleNotFoundError as error:
        lacking = missing_extra(error)
        if lacking is None:
            raise
        print(f"error: {lacking}", file=sys.stderr)
        return 1
    except BrokenPipeError:  # `| head` has seen enough; what is left to print goes nowhere
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except OSError as error:  # a full disk, a folder that cannot be written
        print(f"error: {shown(' '.join(str(error).split()))}", file=sys.stderr)
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
    whole = _Parser(prog="palimpsest", description="A laboratory for model collapse.")
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


@contextmanager
def _escaped_output() -> Iterator[None]:
    """Everything printed within has its control characters shown, not sent to the terminal."""
    if sys.stdout is None:
        yield
        return
    with redirect_stdout(cast("TextIO", _Escaping(sys.stdout))):
        yield


class _Escaping:
    """A stream of text that shows what would move a cursor: names come from strangers."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        """Writes a text; ends of lines and tabs stay."""
        return self._stream.write(shown(text, keep="\n\t"))

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


class _Parser(argparse.ArgumentParser):
    """Quotes what it does not understand with its control characters shown."""

    def error(self, message: str) -> NoReturn:
        """Prints the usage and the mistake, and leaves."""
        super().error(shown(message, keep="\n\t"))


class _Version(argparse.Action):
    """Looks the version up when it is asked for."""

    def __call__(self, parser: argparse.ArgumentParser, *_: Any) -> None:
        """Prints it and leaves."""
        found = installed_version()
        print("palimpsest, not installed" if found is None else f"palimpsest {found}")
        parser.exit()


if __name__ == "__main__":
    raise SystemExit(main())
