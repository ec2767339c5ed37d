"""The lists of texts worth reading."""

from dataclasses import replace

import pytest

from palimpsest.report import documents as documents_module
from palimpsest.report.documents import Written
from palimpsest.report.reading import RANDOM, SHOWN, moved, reading_lists, rows_of, text_blocks
from tests.report.documents import chain, cloud, row, written


def generation(*rows):
    return Written("g02", rows, cloud(len(rows)))


def test_near_and_far_are_by_cosine_and_a_text_is_shown_once():
    cosines = (0.3, 0.9, 0.5, 0.9, None, 0.1, 0.7, 0.6)
    one = generation(*(row(str(at), nearest=near) for at, near in enumerate(cosines)))
    lists = reading_lists(one, None)
    assert lists["nearest"] == [1, 3, 6, 7]
    assert lists["farthest"] == [5, 0, 2, 7]
    twins = replace(one, rows=[*one.rows[:3], {**one.rows[3], "twin": 1}, *one.rows[4:]])
    assert reading_lists(twins, None)["nearest"] == [1, 6, 7, 2]


def test_copies_of_human_text_and_groups_of_equal_texts():
    twins = (None, 0, None, 1, 2, None, 3)
    one = generation(*(row("x", twin=twin) for twin in twins))
    lists = reading_lists(one, None)
    assert lists["alike"] == [[0, 4], [2, 2]]
    assert (lists["repeats"], lists["copies"], lists["copied"]) == (4, 0, [])
    copies = generation(row("a", copied=0.9), row("b"), row("c", copied=1.0))
    assert reading_lists(copies, None)["copied"] == [2, 0]
    assert reading_lists(copies, None)["copies"] == 2


def test_nothing_is_new_at_the_beginning_and_later_only_what_the_last_one_lacked():
    one = generation(row("the fox sleeps by day and by night"), row("The fox sleeps by day."))
    assert reading_lists(one, None)["openings"] == reading_lists(one, None)["phrases"] == []
    lists = reading_lists(one, generation(row("an owl")))
    assert lists["openings"] == [["the fox sleeps by", 2, 0]]
    assert lists["phrases"] == [["the fox sleeps by day", 2, 0]]
    assert reading_lists(one, one)["openings"] == []


def test_a_random_order_is_drawn_once_for_each_generation():
    one, other = written("g01", 100), written("g02", 100)
    order = reading_lists(one, None)["random"]
    assert len(set(order)) == len(order) == RANDOM
    assert order == reading_lists(one, None)["random"] != reading_lists(other, None)["random"]
    assert len(reading_lists(written("g01", 4), None)["random"]) == 4


def test_every_row_of_a_list_is_kept_and_found_again(monkeypatch):
    monkeypatch.setattr(documents_module, "MOST_DOCUMENTS", 200)
    made = chain(2, count=400)
    blocks = text_blocks(made, {})
    for one, before in zip(made, (None, made[0]), strict=True):
        lists, places = reading_lists(one, before), blocks["reading-data"][one.name]
        texts = blocks["documents-data"]["generations"][one.name]["text"]
        assert len(texts) == 100
        for name in ("nearest", "farthest", "random"):
            assert [texts[at] for at in places[name]] == [one.texts[at] for at in lists[name]]
        assert len(rows_of(lists)) >= RANDOM


def test_places_move_with_the_documents_that_are_kept():
    lists = {
        "nearest": [4], "farthest": [9], "copied": [], "random": [9, 4], "alike": [[4, 7]],
        "openings": [["a b", 2, 9]], "phrases": [], "copies": 0, "repeats": 6,
    }  # fmt: skip
    assert rows_of(lists) == {4, 9}
    there = moved(lists, [1, 4, 9])
    assert (there["nearest"], there["random"], there["alike"]) == ([1], [2, 1], [[1, 7]])
    assert (there["openings"], there["repeats"]) == ([["a b", 2, 2]], 6)


def test_the_lists_are_the_chain_s_and_the_cloud_is_both_chains():
    blocks = text_blocks(chain(3, control=2), {"g00": "words"})
    assert list(blocks["reading-data"]) == ["g00", "g01", "g02"]
    assert list(blocks["documents-data"]["generations"]) == ["g00", "g01", "g02", "n01", "n02"]
    assert blocks["cloud-data"]["captions"] == {"g00": "words"}
    assert text_blocks([], {}) == {}


@pytest.mark.parametrize("count", [1, SHOWN + 1])
def test_few_texts_fill_short_lists(count):
    lists = text_blocks(chain(1, count=count), {})["reading-data"]["g00"]
    assert len(lists["nearest"]) == min(count, SHOWN)
