"""Openings and phrases that the generation before did not have."""

from palimpsest.trajectory.novelty import LEAST, MOST, PHRASE, Novelty, new_openings, new_phrases

BEFORE = ["The river runs to the sea and the fish are grey.", "A city lies on a hill."]


def test_openings_are_new_where_no_text_before_begins_so_and_two_do_now():
    texts = [
        "the river RUNS, to the north",
        "A fox sleeps by day.",
        "It was a fox. A",
        "A fox  sleeps by night",
    ]
    assert new_openings(texts, BEFORE) == [Novelty("a fox sleeps by", 2, 1)]
    assert new_openings(texts, texts) == []
    assert new_openings([], BEFORE) == new_openings(["a fox", "a fox"], BEFORE) == []


def test_phrases_are_new_anywhere_in_a_text_and_count_a_text_once():
    said = "one two three four five"
    texts = [f"The river runs to the sea and {said} and {said}", "x", f"then {said}", "the sea and"]
    assert new_phrases(texts, BEFORE) == [Novelty(said, 2, 0)]
    assert new_phrases(texts, [*BEFORE, f"Well: {said.upper()}!"]) == []


def test_of_phrases_that_share_words_only_the_most_frequent_is_shown():
    sentence = "one two three four five six seven eight"
    found = new_phrases([sentence, sentence, f"{sentence} nine", "four five six seven eight"], [])
    # the second shares two words with the first, those between them three or more
    assert found == [
        Novelty("four five six seven eight", 4, 0),
        Novelty("one two three four five", 3, 0),
    ]


def test_the_most_frequent_come_first_and_no_more_than_are_shown():
    many = [
        " ".join(f"{letter}{at}" for at in range(PHRASE))
        for letter in "abcdefghij"
        for _ in range(LEAST + ("abcdefghij".index(letter) == 4))
    ]
    for found in (new_openings(many, []), new_phrases(many, [])):
        assert len(found) == MOST
        assert (found[0].words[:2], found[0].texts, found[0].row) == ("e0", LEAST + 1, 4 * LEAST)
        assert [one.words[0] for one in found[1:]] == list("abcdf")
