"""The page that explains each metric by itself, from the registry."""

import re
from pathlib import Path

from docs_site.markdown import code, inline
from palimpsest.metrics.registry import FAMILIES, REGISTRY, Metric

INTRODUCTION = (
    "All {count} metrics, from the registry that scorecards, curves, alarms, audits and report "
    "pages read. `palimpsest metrics NAME` says the same in a terminal. Symbols, protocol and "
    "what was measured of them stand in [Metrics](../metrics.md); words that are new to you, in "
    "the [glossary](../glossary.md)."
)
DIRECTIONS = {
    "down": "falls in collapse",
    "up": "rises in collapse",
    "none": "has no side that means collapse",
}
INTERVALS = {
    "half": "from half-samples of the texts",
    "group": "from groups of the texts that are left out in turn",
    "none": "none",
}


def page(metrics: Path) -> str:
    """The whole page.

    Args:
        metrics: docs/metrics.md, whose sections 1 to 8 are the families, in their order.
    """
    text = metrics.read_text(encoding="utf-8")
    titles = re.findall(r"^## (\d)\. (.+)$", text, re.MULTILINE)[: len(FAMILIES)]
    parts = ["# Metrics, one by one", INTRODUCTION.format(count=len(REGISTRY))]
    for family, (number, title) in zip(FAMILIES, titles, strict=True):
        anchor = re.sub(r"[^a-z0-9 -]", "", f"{number} {title}".lower()).replace(" ", "-")
        parts += [f"## {title}", f"[Section {number} of Metrics](../metrics.md#{anchor})"]
        parts += [_entry(one) for one in REGISTRY.values() if one.family == family]
    return "\n\n".join(parts) + "\n"


def _entry(one: Metric) -> str:
    label = one.label + (f", in {one.unit}" if one.unit else "")
    facts = {
        "Range": one.range_text,
        "Direction": DIRECTIONS[one.direction],
        "Degenerate value (texts all equal, empty or silent)": one.degenerate,
        "Interval": INTERVALS[one.interval],
        "The same as": one.alias_of,
        "Source": one.source,
    }
    lines = [f"- **{key}:** {inline(value)}" for key, value in facts.items() if value]
    lines.append(f"- **Code:** {code(f'palimpsest.{one.code}')}")
    head = f"### {code(one.name)}"
    return "\n\n".join([head, f"*{inline(label)}*: {inline(one.definition)}", "\n".join(lines)])
