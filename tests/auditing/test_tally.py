"""Notes on texts that go by, by hand."""

import pytest

from palimpsest.auditing.copies import OPENINGS, Side
from palimpsest.auditing.tally import Tally, hashes_of, openings_of
from palimpsest.core.words import words
from tests.auditing.corpora import human

REFERENCE = human(60, 1)
LOOP = "a b c d " * 12


def test_notes_by_hand():
    long = " ".join(f"w{n}" for n in range(30))
    tally = Tally(Side(["Yes.", long, *REFERENCE]))
    first = tally.add(["Yes.", f"{long} now", " \n", "yes indeed"])
    second = tally.add([LOOP, f" {long.replace(' ', '  ')}", f"{LOOP} a b c e"])
    assert tally.texts == 7
    assert tally.hashes.tolist() == [*first.tolist(), *second.tolist()]
    assert tally.words.tolist() == [1, 31, 0, 2, 48, 30, 52]
    assert tally.copied == {0: 0, 5: 1}
    assert tally.near == [1]
    assert tally.looped == [4, 6]
    assert tally.empty_shown is not None
    assert tally.empty_shown.row == 2
    assert [(one.row, one.note) for one in tally.copies_shown.values()] == [
        (1, "nearly repeats text 2 of the reference"),
        (5, "equals text 2 of the reference"),
    ]
    assert [one.row for one in tally.loops_shown] == [4, 6]  # the plainest first


def test_three_loops_are_kept_the_plainest_and_of_equal_ones_the_first():
    tally = Tally(Side(REFERENCE))
    for end in ("", "x y z", "", "", "u v w", ""):
        tally.add([f"{LOOP}{end}"])
    assert [one.row for one in tally.loops_shown] == [0, 2, 3]


@pytest.mark.parametrize("beyond", [False, True])
def test_openings_are_equal_where_the_first_words_are(beyond):
    texts = [
        "one two three",
        "one two three four",
        "one two three five six",
        "one two",
        "",
        "x y z a",
    ]
    found = openings_of([*map(words, texts)], beyond)
    assert found.shape == (6, len(OPENINGS))
    assert found[1, 0] == found[2, 0] != found[5, 0]
    assert (found[0, 0] == found[1, 0]) is not beyond
    assert found[1, 1] != found[2, 1]
    there = [[len(text.split()) - beyond >= length for length in OPENINGS] for text in texts]
    assert (found > 0).tolist() == there


def test_words_of_an_opening_are_not_run_together():
    assert (
        len({*openings_of([["ab", "c", "d"], ["a", "bc", "d"], ["abc", "d", ""]], False)[:, 0]})
        == 3
    )


def test_hashes_tell_texts_apart():
    assert len({*hashes_of(["a", "b", "", "a\u0301", "ab"]).tolist()}) == 5
    assert hashes_of(["a"]).tolist() == hashes_of(["a"]).tolist()
    assert hashes_of([]).shape == (0,)
