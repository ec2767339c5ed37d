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

GROUPS = {
    "begin a chain": {
        "init": "write params.yaml for texts of your own",
        "preset": "write params.yaml and chain.yaml for a published protocol",
        "chain": "set the number of generations",
        "download": "fetch a pretrained model from the package index",
        "check": "refuse what would fail later, say what time and disk it takes",
    },
    "follow it, and mend it (dvc repro computes it)": {
        "run": "compute it generation by generation, dropping weights on the way",
        "watch": "show a chain while it is computed, a line a generation",
        "repair": "make DVC's locks whole again after a kill",
        "verify": "say whether this machine makes what was committed",
        "prune": "drop the weights that models.keep_every does not keep",
        "restore": "make dropped weights again, from the nearest kept ones",
    },
    "vary it": {
        "sweep": "queue the experiments of a grid that are missing",
        "compare": "compare experiments: variants with intervals over seeds",
        "animate": "draw the collapsing cloud of a chain as an animated GIF",
    },
    "texts without a chain": {
        "audit": "say whether texts have collapsed against human text",
        "gate": "hold metrics or an audit against rules, for CI",
    },
    "look up": {
        "metrics": "say what a metric is",
        "schema": "write the JSON schema of params.yaml or of an audit",
        "completion": "print a completion script for a shell",
    },
}
"""What for, in the order of use -> name of a module of this package -> what it does."""
COMMANDS = {name: purpose for group in GROUPS.values() for name, purpose in group.items()}
DESCRIPTION = """\
A laboratory for model collapse: a language model is trained on human text, writes texts, the next
one is trained on those, and so on; each generation is measured against fresh human text. DVC
computes the chain and keeps every generation. The audit says the same of texts without a chain."""
EXAMPLES = """\
examples:
  palimpsest init --texts 'folder/*.jsonl' && palimpsest check && dvc repro
  palimpsest preset ainex && dvc repro         # in a second terminal: palimpsest watch
  palimpsest audit texts.jsonl --reference human.jsonl

palimpsest COMMAND --help explains a command; docs/ has the rest, README.md says where."""


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
    whole = _Manual(prog="palimpsest")
    whole.add_argument("--version", action=_Version, nargs=0, help="show it and leave")
    commands = whole.add_subparsers(
        required=True, metavar="COMMAND", parser_class=argparse.ArgumentParser
    )
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


class _Manual(argparse.ArgumentParser):
    """Explains the whole command line as a short manual: its commands by what they are for."""

    def format_help(self) -> str:
        """The usage, what it is, the commands, three examples."""
        width = max(map(len, COMMANDS))
        groups = (
            "\n".join([f"{title}:", *(f"  {name:{width}}  {what}" for name, what in group.items())])
            for title, group in GROUPS.items()
        )
        options = f"options:\n  {'--version':{width}}  show it and leave"
        parts = [self.format_usage().rstrip(), DESCRIPTION, *groups, options, EXAMPLES]
        return "\n\n".join(parts) + "\n"


class _Version(argparse.Action):
    """Looks the version up when it is asked for."""

    def __call__(self, parser: argparse.ArgumentParser, *_: Any) -> None:
        """Prints it and leaves."""
        found = installed_version()
        print("palimpsest, not installed" if found is None else f"palimpsest {found}")
        parser.exit()


if __name__ == "__main__":
    raise SystemExit(main())
