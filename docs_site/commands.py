"""The page of the command line, from the parsers that the command itself uses."""

import argparse
import re

from docs_site.markdown import code, inline, table
from palimpsest.cli.main import COMMANDS, parser

INTRODUCTION = (
    "`palimpsest COMMAND --help` says the same in a terminal. A mistake in the input is one line "
    "that begins `error:` and exit status 1; Ctrl-C is exit status 130. What other statuses mean "
    "stands with [audit](../audit.md) and [gate](../gate.md)."
)
USAGE_COLUMNS = 92
USAGE = "usage: "
"""What argparse writes before a usage, and indents its other lines by."""


def page() -> str:
    """The whole page: a table of the commands, and a section for each."""
    rows = [(f"[`{name}`](#{name})", inline(purpose)) for name, purpose in COMMANDS.items()]
    sections = [_section(name, purpose) for name, purpose in COMMANDS.items()]
    head = ["# Command line", INTRODUCTION, table(("command", "what it does"), rows)]
    return "\n\n".join([*head, *sections]) + "\n"


def subparser(name: str) -> argparse.ArgumentParser:
    """The parser of a subcommand with its arguments."""
    actions = parser([name])._actions
    commands = next(one for one in actions if isinstance(one, argparse._SubParsersAction))
    found: argparse.ArgumentParser = commands.choices[name]
    return found


def _section(name: str, purpose: str) -> str:
    own = subparser(name)
    own.formatter_class = _Wide
    usage = own.format_usage().rstrip().replace("\n" + " " * len(USAGE), "\n").removeprefix(USAGE)
    parts = [f"## {name}", inline(own.description or purpose), f"```text\n{usage}\n```"]
    rows = [(_names(one), _meaning(own, one)) for one in own._actions if one.dest != "help"]
    if rows:
        parts.append(table(("argument", "what it means"), rows))
    if own.epilog:
        parts.append(inline(own.epilog))
    return "\n\n".join(parts)


class _Wide(argparse.HelpFormatter):
    """As wide as a page, whatever the terminal."""

    def __init__(self, prog: str) -> None:
        super().__init__(prog, width=USAGE_COLUMNS)


def _names(action: argparse.Action) -> str:
    """``--option VALUE`` in each of its spellings, or a positional's name."""
    shown = _Wide("")._format_action_invocation(action)
    return ", ".join(code(one) for one in re.split(r", (?=-)", shown))


def _meaning(own: argparse.ArgumentParser, action: argparse.Action) -> str:
    if not action.help or action.help is argparse.SUPPRESS:
        return "–"
    return inline(_Wide(own.prog)._expand_help(action))
