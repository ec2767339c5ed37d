"""The page of the command line has every command and every option, as the parsers have them."""

import re

import pytest

from docs_site.commands import page, subparser
from palimpsest.cli.main import COMMANDS

PAGE = page()
SECTIONS = dict(re.findall(r"^## (\w+)\n(.*?)(?=^## |\Z)", PAGE, re.MULTILINE | re.DOTALL))


def test_each_command_has_a_section_and_a_row_in_order() -> None:
    assert [*SECTIONS] == [*COMMANDS]
    rows = re.findall(r"^\| \[`(\w+)`\]\(#(\w+)\)", PAGE, re.MULTILINE)
    assert rows == [(name, name) for name in COMMANDS]


@pytest.mark.parametrize("name", COMMANDS)
def test_a_section_names_every_option_and_what_it_means(name: str) -> None:
    own = subparser(name)
    rows = re.findall(r"^\| (`.*?) \| (.+) \|$", SECTIONS[name], re.MULTILINE)
    actions = [action for action in own._actions if action.dest != "help"]
    assert len(rows) == len(actions)
    for action, (names, meaning) in zip(actions, rows, strict=True):
        assert all(re.search(rf"{option}\b", names) for option in action.option_strings)
        assert meaning.strip()
    assert "%(" not in SECTIONS[name]


@pytest.mark.parametrize("name", COMMANDS)
def test_the_usage_is_no_wider_than_a_page(name: str) -> None:
    (usage,) = re.findall(r"```text\n(.*?)\n```", SECTIONS[name], re.DOTALL)
    assert usage.startswith(f"palimpsest {name}")
    assert max(len(line) for line in usage.splitlines()) <= 92
