"""Numbers and tables as readers of a terminal or a page see them."""

from collections.abc import Sequence
from typing import Any

import tabulate  # type: ignore[import-untyped]

FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""What a spreadsheet computes a cell by that begins with it."""


def plain(value: float | None) -> str:
    """A number for readers: three significant digits, a true minus, "–" for what is undefined."""
    if value is None or value != value:
        return "–"
    if value == 0:
        return "0"
    size = abs(value)
    if size >= 1e6 or size < 1e-4:
        return f"{value:.2e}".replace("-", "−")
    if size >= 1000:
        return f"{value:,.0f}".replace("-", "−").replace(",", " ")
    if float(value).is_integer():
        return f"{value:.0f}".replace("-", "−")
    return (f"{value:#.4g}" if size >= 100 else f"{value:#.3g}").rstrip(".").replace("-", "−")


def span(low: float | None, high: float | None) -> str:
    """An interval or a band for readers; "–" where there is none."""
    return "–" if low is None or low != low else f"{plain(low)} to {plain(high)}"


def as_cell(value: Any) -> Any:
    """A value for a CSV file: a text that a spreadsheet would take for a formula is quoted."""
    return f"'{value}" if isinstance(value, str) and value.startswith(FORMULA) else value


def text_table(rows: Sequence[Sequence[str]], head: Sequence[str]) -> str:
    """A table for a terminal: the first column to the left, the others to the right.

    Args:
        rows: cells of text, as many in each row as in the head.
        head: the titles of the columns.
    """
    align = ("left", *["right"] * (len(head) - 1))
    options = {"disable_numparse": True, "preserve_whitespace": True}  # cells may be indented
    text = tabulate.tabulate(rows, head, "plain", colalign=align, **options)
    return "\n".join(line.rstrip() for line in text.splitlines())


def duration(seconds: float) -> str:
    """A time for readers, in its two largest units: 34 s, 2 min 5 s, 3 h 20 min, 2 d 4 h."""
    whole = max(0, round(seconds))
    units = (("d", 86_400), ("h", 3600), ("min", 60), ("s", 1))
    first = next((at for at, (_, size) in enumerate(units) if whole >= size), len(units) - 1)
    parts: list[str] = []
    for unit, size in units[first : first + 2]:
        count, whole = divmod(whole, size)
        if count or not parts:
            parts.append(f"{count} {unit}")
    return " ".join(parts)
