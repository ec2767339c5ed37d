"""Markdown that is written from strings of the code: cells, tables."""

import re
from collections.abc import Iterable, Sequence

MARKS = re.compile(r"([\\*_|\[\]#])")
CODE = re.compile(r"``(.+?)``|`(.+?)`")


def inline(text: str) -> str:
    """Plain words as one line of Markdown: nothing in them is a mark but code in backquotes.

    Args:
        text: a docstring's or a help text's; ``code`` may stand in one backquote or two.
    """
    words = " ".join(text.split())
    parts, end = [], 0
    for found in CODE.finditer(words):
        parts += [_plain(words[end : found.start()]), code(found[1] or found[2])]
        end = found.end()
    return "".join([*parts, _plain(words[end:])])


def code(text: str) -> str:
    """Text as code in a line or a cell of a table."""
    escaped = text.replace("|", "\\|")
    return f"`` {escaped} ``" if "`" in text else f"`{escaped}`"


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table of cells that are Markdown already."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def _plain(words: str) -> str:
    return MARKS.sub(r"\\\1", words).replace("<", "&lt;")
