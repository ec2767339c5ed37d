"""`palimpsest completion SHELL`: prints a script that completes commands and options."""

import argparse

import shtab

DESCRIPTION = "Prints a script that completes commands and options in your shell."
EPILOG = (
    "For bash: palimpsest completion bash > ~/.local/share/bash-completion/completions/palimpsest"
)


def configure(parser: argparse.ArgumentParser) -> None:
    """Adds the arguments."""
    parser.add_argument("shell", choices=shtab.SUPPORTED_SHELLS)


def run(args: argparse.Namespace) -> int:
    """Prints the script."""
    from palimpsest.cli.main import COMMANDS, parser  # it imports this module

    print(shtab.complete(parser(tuple(COMMANDS)), args.shell))
    return 0
