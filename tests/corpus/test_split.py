"""Splits: disjoint, of the sizes asked for, the same every time, and honest when short."""

import logging

import pytest
from hypothesis import given
from hypothesis import strategies as st

from palimpsest.core.errors import CorpusError
from palimpsest.corpus.split import split_documents, split_indices

DOCUMENTS = [f"document {i}" for i in range(100)]
SIZES = {"train": None, "heldout": 20, "reference": 10, "null": 30, "reserve": 5}


def test_parts_are_disjoint_and_of_the_sizes_asked_for() -> None:
    parts = split_documents(DOCUMENTS, SIZES, seed=0)
    assert {name: len(part) for name, part in parts.items()} == {**SIZES, "train": 35}
    assert sorted(text for part in parts.values() for text in part) == sorted(DOCUMENTS)


def test_the_same_seed_gives_the_same_split_and_another_seed_another() -> None:
    assert split_documents(DOCUMENTS, SIZES, 7) == split_documents(DOCUMENTS, SIZES, 7)
    assert split_documents(DOCUMENTS, SIZES, 7) != split_documents(DOCUMENTS, SIZES, 8)


def test_a_known_split() -> None:
    """Pinned: a change here would change every hash of every chain."""
    parts = split_indices(6, {"train": None, "heldout": 2}, seed=0)
    assert {name: part.tolist() for name, part in parts.items()} == {
        "train": [2, 3, 0, 5],
        "heldout": [1, 4],
    }


def test_a_text_that_occurs_twice_is_dealt_once(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO):
        parts = split_documents([*DOCUMENTS, *DOCUMENTS[:7]], SIZES, seed=0)
    assert parts == split_documents(DOCUMENTS, SIZES, seed=0)
    assert "7 exact duplicates removed" in caplog.text


def test_parts_may_be_empty_and_leave_documents_over() -> None:
    parts = split_documents(DOCUMENTS, {"train": 3, "null": 0}, seed=0)
    assert (len(parts["train"]), parts["null"]) == (3, [])


def test_too_few_documents_says_how_many_by_part() -> None:
    with pytest.raises(CorpusError) as caught:
        split_documents(DOCUMENTS[:64], SIZES, seed=0)
    assert str(caught.value) == (
        "corpus: want 66 distinct documents (corpus.train the rest (>= 1), "
        "corpus.heldout 20, reference 10, corpus.null_pool 30, corpus.reserve 5), got 64; "
        "ask for fewer or give more text; own files: palimpsest init --texts FILES"
    )


def test_the_rest_may_not_be_empty() -> None:
    with pytest.raises(CorpusError, match="want 6 distinct documents"):
        split_indices(5, {"train": None, "heldout": 5}, seed=0)


@pytest.mark.parametrize("sizes", [{"a": None, "b": None}, {"a": -1}])
def test_sizes_that_make_no_sense(sizes: dict[str, int | None]) -> None:
    with pytest.raises(ValueError, match="want"):
        split_indices(5, sizes, seed=0)


@given(
    st.integers(0, 60),
    st.dictionaries(st.text(max_size=5), st.integers(0, 12), max_size=5),
    st.integers(0, 2**31),
)
def test_every_index_is_dealt_at_most_once(n: int, sizes: dict[str, int], seed: int) -> None:
    if sum(sizes.values()) > n:
        with pytest.raises(CorpusError):
            split_indices(n, sizes, seed)
        return
    parts = split_indices(n, sizes, seed)
    dealt = [index for part in parts.values() for index in part.tolist()]
    assert len(set(dealt)) == len(dealt) == sum(sizes.values())
    assert set(dealt) <= set(range(n))
