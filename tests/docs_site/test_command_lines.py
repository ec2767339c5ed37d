"""Every `palimpsest …` that a page shows is a command line that the parser takes."""

import re
import shlex
from itertools import takewhile

import pytest

from palimpsest.cli.main import COMMANDS, parser
from tests.tiny import ROOT

PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
LEFT_OUT = re.compile(r"\[-|\[[A-Z]|…|\.\.\.|\$[A-Z]")
"""What no shell could be given: a usage's brackets, an ellipsis, a variable of the page's own."""
ENDS = {"&&", "||", ";", "|", "<", ">", ">&", "&"}
"""Where another command begins, or a redirection."""


def shown(text: str) -> list[list[str]]:
    """The words of each command line in a page's blocks."""
    within, found = False, []
    for line in text.replace("\\\n", " ").splitlines():
        if line.startswith("```"):
            within = not within
        elif within and line.removeprefix("$ ").startswith("palimpsest ") and not skipped(line):
            found.append(command(line.removeprefix("$ ")))
    return found


def skipped(line: str) -> bool:
    """Whether a part of it is left out, the comment behind it aside."""
    return LEFT_OUT.search(line.partition(" # ")[0]) is not None


def command(line: str) -> list[str]:
    """The words of a line up to its end or to what its output goes into."""
    words = shlex.shlex(line, posix=True, punctuation_chars=True)
    words.whitespace_split = True
    return [*takewhile(lambda word: word not in ENDS, words)]


LINES = [(page.name, line) for page in PAGES for line in shown(page.read_text(encoding="utf-8"))]


@pytest.mark.parametrize(("page", "words"), LINES, ids=[f"{one[0]}: {one[1]}" for one in LINES])
def test_a_command_line_that_is_shown_can_be_read(page: str, words: list[str]) -> None:
    _, name, *_ = words
    assert name in COMMANDS, f"{page}: no such command"
    try:
        parser([name]).parse_args(words[1:])
    except SystemExit as refused:
        pytest.fail(f"{page}: {' '.join(words)}: exit status {refused.code}")


def test_lines_are_found() -> None:
    named = {words[1] for _, words in LINES}
    assert named >= {"audit", "chain", "compare", "gate", "preset", "sweep"}


def test_quotes_comments_and_pipes_are_a_shells() -> None:
    line = "palimpsest gate --rule 'a < 6 | b' x.json > out.txt  # why"
    assert command(line) == ["palimpsest", "gate", "--rule", "a < 6 | b", "x.json"]
    assert skipped("$ palimpsest preset ainex $TINY")
    assert not skipped("palimpsest preset ainex   # also drayson …")
