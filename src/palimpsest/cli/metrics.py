"""`palimpsest metrics [NAME …]`: says what a metric is, from the registry."""

import argparse
import re
from pathlib import Path

from palimpsest.core.errors import MetricError
from palimpsest.core.formatting import text_table
from palimpsest.core.storage import write_out
from palimpsest.metrics.registry import FAMILIES, REGISTRY, Metric

DESCRIPTION = (
    "Lists every metric, or explains those that are named: definition, range, where it moves when "
    "text collapses, what it reads on degenerate text, source and code."
)
ARROWS = {"down": "↓", "up": "↑", "none": "–"}
HEAD = ("name", "definition", "range", "collapse", "degenerate", "source", "code")


def configure(parser: argparse.ArgumentParser) -> None:
    """Adds the arguments."""
    parser.add_argument("names", nargs="*", metavar="NAME", help="metrics to explain")
    parser.add_argument(
        "--update", type=Path, metavar="FILE", help="write the tables of a Markdown file anew"
    )


def run(args: argparse.Namespace) -> int:
    """Prints, or writes the tables of a page.

    Raises:
        MetricError: no such metric, or a page without the marks of a table.
    """
    if args.update:
        page = updated(args.update.read_text(encoding="utf-8"), str(args.update))
        write_out(args.update, page.encode())
        print(f"written: {args.update}")
    elif args.names:
        print("\n\n".join(_explained(name) for name in args.names))
    else:
        rows = [
            (one.name, one.label, one.unit or "–", ARROWS[one.direction], one.family)
            for one in REGISTRY.values()
        ]
        print(text_table(rows, ("metric", "in words", "unit", "collapse", "family")))
    return 0


def markdown(family: str) -> str:
    """The table of a family as docs/metrics.md has it."""
    lines = [f"| {' | '.join(HEAD)} |", "|---" * len(HEAD) + "|"]
    for one in REGISTRY.values():
        if one.family == family:
            lines.append(
                f"| `{one.name}` | {one.definition} | {one.range_text} | {ARROWS[one.direction]} "
                f"| {one.degenerate} | {one.source} | `{one.code}` |"
            )
    return "\n".join(lines)


def updated(page: str, name: str) -> str:
    """A page with the table between each pair of marks, `<!-- metrics: FAMILY -->` and its end.

    Raises:
        MetricError: a family has no marks.
    """
    for family in FAMILIES:
        start, end = f"<!-- metrics: {family} -->", f"<!-- /metrics: {family} -->"
        pattern = re.compile(f"{re.escape(start)}.*?{re.escape(end)}", re.DOTALL)
        if not pattern.search(page):
            raise MetricError(name, wanted=f"the marks {start} … {end}", got="none")
        before, after = pattern.split(page, maxsplit=1)
        page = f"{before}{start}\n\n{markdown(family)}\n\n{end}{after}"
    return page


def _explained(name: str) -> str:
    if name not in REGISTRY:
        known = ", ".join(REGISTRY)
        raise MetricError("metrics", wanted=f"one of {known}", got=repr(name))
    one: Metric = REGISTRY[name]
    facts = {
        "in words": one.label + (f" ({one.unit})" if one.unit else ""),
        "definition": one.definition,
        "range": one.range_text,
        "in collapse": {"down": "falls", "up": "rises", "none": "has no side of its own"}[
            one.direction
        ],
        "degenerate": one.degenerate,
        "interval": one.interval,
        "the same as": one.alias_of or "no other",
        "source": one.source,
        "code": f"palimpsest.{one.code}",
    }
    return "\n".join([name, *(f"  {key + ':':<13}{value}" for key, value in facts.items())])
