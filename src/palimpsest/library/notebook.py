"""Results as a notebook shows them: a plain HTML table, every text escaped."""

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from palimpsest.core.formatting import plain


def html_table(rows: Sequence[Mapping[str, Any]], head: str) -> str:
    """A sentence and a table below it.

    Args:
        rows: a mapping a row, all with the keys of the first, which head the columns.
        head: the sentence.
    """
    columns = [*rows[0]] if rows else []
    titles = "".join(f"<th>{escape(name)}</th>" for name in columns)
    lines = ["".join(f"<td>{_cell(row[name])}</td>" for name in columns) for row in rows]
    body = "".join(f"<tr>{line}</tr>" for line in lines)
    return (
        f"<p><b>{escape(head)}</b></p>"
        f"<table><thead><tr>{titles}</tr></thead><tbody>{body}</tbody></table>"
    )


def _cell(value: object) -> str:
    if value is None:
        return "–"
    return escape(plain(value) if isinstance(value, float) else str(value))
