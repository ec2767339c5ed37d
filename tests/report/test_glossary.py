"""Terms: marked in a sentence, explained on the page, escaped."""

import inspect

import pytest

from palimpsest.report import story
from palimpsest.report.glossary import MARK, TERMS, term, with_terms


def test_a_term_holds_its_explanation_and_takes_the_keyboard():
    markup = term("nat", "nats")
    assert markup.endswith(">nats</span>")
    assert 'tabindex="0"' in markup
    assert f'data-tip="{TERMS["nat"]}"' in markup


def test_marks_become_terms_and_the_rest_is_escaped():
    markup = with_terms("a < b, [[nat]] and [[token|tokens & more]]")
    assert markup.startswith("a &lt; b, <span ")
    assert markup.endswith(">tokens &amp; more</span>")
    assert markup.count('class="term"') == 2


def test_a_term_that_nobody_explained_is_an_error():
    with pytest.raises(KeyError):
        with_terms("[[phlogiston]]")


def test_every_term_of_the_story_is_explained():
    used = {found[1] for found in MARK.finditer(inspect.getsource(story))}
    assert used
    assert used <= TERMS.keys()


def test_no_explanation_needs_the_word_that_it_explains():
    for key, words in TERMS.items():
        assert words.endswith(".")
        assert not words.lower().startswith(key.lower())
