"""Strings of the code as Markdown: words stay words, code stays code."""

import pytest

from docs_site.markdown import code, inline, table


@pytest.mark.parametrize(
    ("words", "written"),
    [
        ("two\n  lines", "two lines"),
        ("a *star*, a_b and [x]", "a \\*star\\*, a\\_b and \\[x\\]"),
        ("either | or <tag>", "either \\| or &lt;tag>"),
        ("``finetune.dtype`` and `a_b`", "`finetune.dtype` and `a_b`"),
        ("a pipe in `a|b`", "a pipe in `a\\|b`"),
        ("", ""),
    ],
)
def test_nothing_in_words_is_a_mark_but_code(words: str, written: str) -> None:
    assert inline(words) == written


def test_code_with_a_backquote_keeps_it() -> None:
    assert code("a`b") == "`` a`b ``"


def test_a_table_has_a_rule_below_its_head() -> None:
    assert table(("a", "b"), [("1", "2")]) == "| a | b |\n| --- | --- |\n| 1 | 2 |"
