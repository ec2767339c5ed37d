"""Lengths: means by hand, who is short, what is left out."""

import pytest

from palimpsest.auditing.copies import Side
from palimpsest.auditing.lengths import find_lengths


def texts(*lengths):
    return Side([" ".join(f"w{at}x{n}" for at in range(words)) for n, words in enumerate(lengths)])


HUMAN = texts(*range(20, 60))


def test_means_by_hand():
    lengths = find_lengths(texts(10, 20, 0, 30), HUMAN)
    assert lengths.ours == 20.0  # the empty text is another fault
    assert lengths.theirs == 39.5


@pytest.mark.parametrize(
    ("share", "shortened"), [(0.5, True), (0.7, True), (0.8, False), (2, False)]
)
def test_from_where_on_texts_are_shortened(share, shortened):
    ours = texts(*(round(share * words) for words in range(20, 60)))
    assert find_lengths(ours, HUMAN).shortened is shortened


def test_short_texts_are_named_the_shortest_first():
    lengths = find_lengths(texts(*[12] * 20, 5, 9, *[40] * 3), HUMAN)
    assert lengths.shortened
    assert lengths.short.rows == tuple(range(22))  # 5 % of the human ones have fewer than 22 words
    assert [one.note for one in lengths.short.examples[:3]] == ["5 words", "9 words", "12 words"]


def test_texts_with_another_fault_are_left_out():
    assert find_lengths(texts(*[40] * 20, *[2] * 20), HUMAN).shortened
    assert not find_lengths(texts(*[40] * 20, *[2] * 20), HUMAN, range(20, 40)).shortened
    assert not find_lengths(texts(0, 0, 0), HUMAN).shortened
