"""Standard output and error that anything can be printed to, whatever the terminal can show.

Texts and file names come from strangers and hold any character. What would move a cursor is shown
and not sent (`palimpsest.core.errors.shown`); what the stream's encoding lacks is written as a sign
that looks like it or as an escape. A stream that is not there takes everything and keeps nothing.

Known gap: a progress bar must move the cursor, and writes past all this (`unguarded`); its words
are our own.
"""

import os
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any, TextIO, cast

from palimpsest.core.errors import shown

ALIKE = {
    **{"−": "-", "–": "-", "—": "-", "…": "...", "×": "x", "≥": ">=", "≤": "<="},
    **{"↑": "^", "↓": "v", "²": "^2", "³": "^3"},
}
"""Signs of our own output, and what stands for them where an encoding lacks them."""


class Guarded:
    """A stream of text to which any text can be written.

    Args:
        stream: what it goes on to; its encoding may be any, or None where it is none of bytes.
    """

    def __init__(self, stream: TextIO) -> None:
        self.stream = stream

    def write(self, text: str) -> int:
        """Writes a text; ends of lines and tabs stay."""
        return self.stream.write(encodable(shown(text, keep="\n\t"), self.stream.encoding))

    def writelines(self, lines: list[str]) -> None:
        """Writes texts one after the other."""
        for line in lines:
            self.write(line)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.stream, name)


def encodable(text: str, encoding: str | None) -> str:
    r"""A text that an encoding has every character of: "≥" may be ">=", "東" then "\\u6771"."""
    if encoding is None:
        return text
    try:
        text.encode(encoding)
    except UnicodeEncodeError:
        return "".join(_instead(sign, encoding) for sign in text)
    return text


@contextmanager
def guarded_output() -> Iterator[None]:
    """Both standard streams take any text within; one that is None or closed takes it for nothing.

    A program that a window or a service starts may have no standard streams at all.
    """
    with ExitStack() as stack:
        for name, redirect in (("stdout", redirect_stdout), ("stderr", redirect_stderr)):
            stream = getattr(sys, name)
            if stream is None or stream.closed:
                nowhere = Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115  # the stack
                stream = stack.enter_context(nowhere)
            stack.enter_context(redirect(cast("TextIO", Guarded(stream))))
        yield


def unguarded(stream: Any) -> Any:
    """The stream behind a guarded one, for what must move a cursor; any other as it is."""
    return stream.stream if isinstance(stream, Guarded) else stream


def _instead(sign: str, encoding: str) -> str:
    for one in (sign, ALIKE.get(sign, "")):
        try:
            one.encode(encoding)
        except UnicodeEncodeError:
            continue
        if one:
            return one
    return sign.encode("ascii", "backslashreplace").decode("ascii")
