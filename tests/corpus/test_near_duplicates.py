"""Near-duplicates between held-out and training documents: counted, named, quiet where none are."""

import json
import time
from pathlib import Path

import pytest

from palimpsest.core.rng import stream
from palimpsest.corpus.near_duplicates import (
    COMMON,
    MOST,
    NearDuplicate,
    NearDuplicateIndex,
    near_duplicate_warning,
    near_duplicates,
    nearly_repeated,
)
from palimpsest.corpus.source import human_corpus
from tests.core.test_parameters import checked

SHARED = Path(__file__).parents[3] / "shared" / "corpora" / "wikipedia"


def text(seed: int, count: int = 48) -> list[str]:
    """Random words, no 8-gram of which is in another text."""
    return [f"w{number}" for number in stream(seed, "tests.near").integers(0, 10**6, count)]


def test_the_share_of_8_grams_by_hand() -> None:
    # 17 words have 10 8-grams; another last word spoils one, another tenth word eight
    heldout = text(0, 17)
    last, middle = [*heldout[:16], "other"], [*heldout[:9], "other", *heldout[10:]]
    lines = [" ".join(words) for words in (middle, last, text(1))]
    assert near_duplicates([" ".join(heldout)], lines) == [NearDuplicate(0, 1, 0.9)]
    assert near_duplicates([" ".join(heldout)], lines[::2]) == []


def test_the_share_must_be_in_one_document() -> None:
    heldout = text(0, 40)
    halves = [" ".join(heldout[:23]), " ".join(heldout[17:])]
    assert near_duplicates([" ".join(heldout)], halves) == []
    assert near_duplicates([" ".join(heldout)], [*halves, " ".join(heldout)])[0].training == 2


def test_case_and_punctuation_are_no_difference_and_no_words_are_no_copy() -> None:
    assert near_duplicates(["The fox, asleep."], ["the FOX asleep"]) == [NearDuplicate(0, 0, 1.0)]
    assert near_duplicates(["the fox asleep"], ["the fox asleep today"]) == []
    assert near_duplicates(["", "..."], ["", "..."]) == []
    assert near_duplicates([], ["a"]) == near_duplicates(["a"], []) == []


def test_planted_copies_are_counted_and_one_is_shown() -> None:
    training = [" ".join(text(seed)) for seed in range(300)]
    copies = [" ".join([*text(seed)[:-1], "changed"]) for seed in (7, 40, 41)]
    heldout = [*copies, *(" ".join(text(seed)) for seed in range(1000, 1097))]
    assert [one.training for one in near_duplicates(heldout, training)] == [7, 40, 41]
    (said,) = near_duplicate_warning(heldout, training)
    assert said.startswith("3 of 100 held-out documents (3.0%) nearly repeat a training document")
    assert f"98% of its word 8-grams ({copies[0][:60]!r})" in said
    more = ["nothing of the kind", "nor this"]
    assert near_duplicate_warning([heldout[0], *heldout[3:], *more], training) == []  # 1 of 100


def test_the_made_up_world_is_quiet_by_its_nature() -> None:
    human = human_corpus(checked({}).corpus.changed(null_pool=0, reserve=0), 500, 0)
    assert human.warnings == []
    found = near_duplicates(human.parts["heldout"], human.parts["train"])
    assert len(found) / len(human.parts["heldout"]) < MOST / 2
    human.parts["heldout"][:20] = [f"In short: {one}" for one in human.parts["train"][:20]]
    assert human.warnings[0].startswith("2")


@pytest.mark.skipif(not SHARED.is_dir(), reason="needs the articles of ../shared/corpora")
def test_articles_are_quiet_and_10_000_of_them_take_seconds() -> None:
    heldout, training = (
        [json.loads(line)["text"] for line in (SHARED / f"{name}.jsonl").open(encoding="utf-8")]
        for name in ("heldout", "train")
    )
    heldout, training = heldout[:500], training[:10_000]
    start = time.process_time()
    assert near_duplicate_warning(heldout, training) == []
    assert time.process_time() - start < 30  # 2 s where it was written
    copies = [one + " And so on." for one in training[:200]]
    assert near_duplicate_warning([*heldout, *copies], training[:2000])


def test_documents_among_themselves() -> None:
    """None repeats itself; each of a pair repeats the other."""
    alone = [f"w{at}" for at in range(30)]
    pair = [f"v{at}" for at in range(30)]
    documents = [alone, pair, [*pair, "more"]]
    found = nearly_repeated(documents, documents, itself=True)
    assert [(one.heldout, one.training) for one in found] == [(1, 2), (2, 1)]


def test_an_index_finds_what_comes_nearest_by_hand() -> None:
    heldout = text(0, 17)  # 10 8-grams
    spoilt, half = [*heldout[:16], "other"], heldout[:12]
    index = NearDuplicateIndex([text(1), half, spoilt, text(2), spoilt])
    assert index.find([text(3), heldout]) == [NearDuplicate(1, 2, 0.9)]
    assert index.find([half[:9]]) == [NearDuplicate(0, 1, 1.0)]
    assert NearDuplicateIndex([half]).find([heldout]) == []  # 5 of 10


def test_short_documents_of_an_index_are_one_n_gram() -> None:
    index = NearDuplicateIndex([["the", "fox", "asleep"], [], ["fox"]])
    assert index.find([["the", "fox", "asleep"], ["the", "fox"], [], ["fox"]]) == [
        NearDuplicate(0, 0, 1.0),
        NearDuplicate(3, 2, 1.0),
    ]
    assert NearDuplicateIndex([]).find([["a"]]) == NearDuplicateIndex([["a"]]).find([]) == []


def test_what_an_index_finds_does_not_depend_on_what_is_asked_beside_it() -> None:
    """Where `nearly_repeated` takes a form that many held-out documents share for repeated."""
    clauses = [text(seed, 40) for seed in range(12)]
    picks = [stream(seed, "tests.near").permutation(12)[:3] for seed in range(210)]
    made = [[word for at in pick for word in clauses[at]] for pick in picks]
    index, some = NearDuplicateIndex(made[:10]), made[10:]
    alone = [at for at, one in enumerate(some) if index.find([one])]
    assert [one.heldout for one in index.find(some)] == alone
    assert len(alone) < 50
    assert len(nearly_repeated(some, made[:10])) > 100


def test_a_form_of_many_documents_of_an_index_counts_wherever_it_stands() -> None:
    form = text(0, 40)
    index = NearDuplicateIndex(
        [text(9), *([*form, *text(seed, 9)] for seed in range(1, COMMON + 2))]
    )
    (found,) = index.find([[*form, *text(50, 5)]])
    assert (found.training, found.share) == (1, 33 / 38)


def test_an_index_agrees_with_the_held_out_side_where_no_form_is_common() -> None:
    rng = stream(3, "tests.near")
    training = [text(seed, 30) for seed in range(60)]
    heldout = [
        [word if rng.random() > 0.02 else "changed" for word in training[int(at)]]
        for at in rng.integers(0, 60, 19)
    ]
    assert NearDuplicateIndex(training).find(heldout) == nearly_repeated(heldout, training)
