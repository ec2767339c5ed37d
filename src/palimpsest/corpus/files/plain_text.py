"""The texts of a file without fields: paragraphs between blank lines, lines, or the file itself.

A line is blank if it has nothing but white space, which is whatever Unicode says is one (U+3000,
U+00A0), or characters without a width. Lines end at line feeds and carriage returns alone.
"""

import re
from collections.abc import Iterator
from itertools import islice

from palimpsest.corpus.files.options import ReadOptions, Unit
from palimpsest.corpus.files.rows_read import FileRows

INVISIBLE = "\u200b\u2060\ufeff"
"""White space without a width, which Python does not count as such."""
WIDEST = 120
"""Characters of a line that somebody wrapped by hand or by an editor."""
LOOKED_AT, LONGEST_LOOKED_AT = 2000, 10_000
"""Lines from which the unit is judged, and characters of each."""
WRAPPED = 0.6
"""Least length of a wrapped line, as a share of the longest; but for the last of a paragraph."""
_MARK = re.compile(r"[.!?\u2026\u3002\uff01\uff1f\uff0e\u0964\u061f\u06d4\u1362]")
"""Marks at the end of a sentence, also of Chinese, Hindi, Arabic, Urdu and Amharic."""
_END = re.compile(_MARK.pattern + r"\W*$")
_JSON_START = re.compile(r'\s*[\[{]\s*["{\[]')


def read_plain_text(content: str, options: ReadOptions, rows: FileRows) -> None:
    """Takes the texts of a file, and says where they could be meant otherwise."""
    lines = content.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    unit = options.unit or _unit(lines)
    rows.unit = "file" if unit == "file" else "line"
    for number, text in units(lines, unit):
        if text:
            rows.add(number, text)
        else:
            rows.blank += 1
    if _JSON_START.match(content):
        rows.hints.append(
            f"{rows.name} looks like JSON, but its name says plain text: call it .jsonl or .json"
        )
    elif options.unit is None:
        rows.hints += _doubts(lines, options, rows)


def units(lines: list[str], unit: Unit) -> Iterator[tuple[int, str]]:
    """The texts with the numbers of their first lines; blanks around a text are cut off.

    Args:
        lines: of the file.
        unit: what a text is. Lines may be empty; paragraphs and files are left out if they are.
    """
    if unit == "line":
        yield from ((number, _stripped(line)) for number, line in enumerate(lines, start=1))
        return
    start, block = 1, list[str]()
    for number, line in enumerate([*lines, ""], start=1):
        if not _stripped(line) and unit == "paragraph":
            if block:
                yield start, _stripped("\n".join(block))
            start, block = number + 1, []
        else:
            block.append(line)
    text = _stripped("\n".join(block))
    if text:
        yield start, text


def _stripped(text: str) -> str:
    """A text without the blanks around it, those without a width too."""
    text = text.strip()
    while text and (text[0] in INVISIBLE or text[-1] in INVISIBLE):
        text = text.strip(INVISIBLE).strip()
    return text


def _inner_blank(lines: list[str]) -> bool:
    """Whether a blank line stands between two others."""
    full = [at for at, line in enumerate(lines) if _stripped(line)]
    return bool(full) and full[-1] - full[0] + 1 > len(full)


def _unit(lines: list[str]) -> Unit:
    """What a text is in a file of which nobody said it."""
    return "paragraph" if _inner_blank(lines) and not _whole_sentences(lines) else "line"


def _whole_sentences(lines: list[str]) -> bool:
    """Whether lines end with a sentence and hold two or more: such a line is a text by itself.

    Blank lines among them do not bind the others to paragraphs, as they do broken lines and verse.
    """
    full = list(islice(filter(None, map(_stripped, lines)), LOOKED_AT))
    marks = sum(len(_MARK.findall(line[:LONGEST_LOOKED_AT])) for line in full)
    return _ended(full) >= 0.9 and marks >= 2 * len(full)


def _ended(lines: list[str]) -> float:
    """The share of lines that end as a sentence does, a quotation mark behind it or not."""
    return sum(1 for line in lines if _END.search(line[-5:])) / max(len(lines), 1)


def _doubts(lines: list[str], options: ReadOptions, rows: FileRows) -> list[str]:
    """What else the texts of a file may be, where nobody said it: a sentence, or none."""
    texts, full = len(rows.texts), sum(1 for line in lines if _stripped(line))
    if not _inner_blank(lines):
        said, other = f"no blank line: each of its {texts:,} lines is a text", "paragraph"
        doubtful, meaning = texts > 1, "all are one"
    elif _unit(lines) == "line":
        paragraphs = sum(1 for _ in units(lines, "paragraph"))
        said, other = (
            f"{full:,} lines in {paragraphs:,} paragraphs: each line is a text",
            "paragraph",
        )
        doubtful, meaning = full > paragraphs, "each paragraph"
    else:
        said = f"{full:,} lines in {texts:,} paragraphs: each paragraph is a text"
        doubtful, other, meaning = full > texts and not _wrapped(rows.texts), "line", "each line"
    option = options.hint("unit", other)
    return [f"{rows.name} has {said} ({option}: {meaning})"] if doubtful and option else []


def _wrapped(paragraphs: list[str]) -> bool:
    """Whether the lines within paragraphs look like text that was broken at a width."""
    inner = [line for text in paragraphs for line in text.split("\n")[:-1]]
    widest = max(map(len, inner))
    long = sum(1 for line in inner if len(line) >= WRAPPED * widest)
    return widest <= WIDEST and long >= 0.9 * len(inner) and _ended(inner) < 0.5
