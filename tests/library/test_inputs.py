"""What users hand over: taken where it can be meant, else refused with what to do instead."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas
import pytest
import torch

from palimpsest.core.errors import MetricError
from palimpsest.library.inputs import as_array, texts_of, texts_or_embeddings

WORDS = ["one", "two", "", "two", "fünf"]
NUMBERS = np.arange(10.0).reshape(5, 2)
BOTH = pytest.mark.parametrize("read", [texts_of, texts_or_embeddings])
Read = Callable[[object, str], Any]


@BOTH
@pytest.mark.parametrize(
    "given",
    [
        WORDS,
        tuple(WORDS),
        np.array(WORDS),
        np.array(WORDS, dtype=object),
        pandas.Series(WORDS),
        pandas.Series(WORDS, dtype="string"),
        pandas.DataFrame({"text": WORDS})["text"],
        dict.fromkeys(WORDS[:3]).keys(),
    ],
    ids=lambda given: type(given).__name__,
)
def test_texts_are_any_iterable_of_strings(read: Read, given: Any) -> None:
    got = read(given, "texts")
    assert got == WORDS[: len(got)]
    assert len(got) >= 3
    assert read(iter(got), "texts") == got
    assert {type(one) for one in got} == {str}


@BOTH
@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("one text", r"got one string; put it into a list"),
        (b"one text", r"got one string; put it into a list"),
        (None, r"want texts \(a list of strings\).* got None$"),
        (7, r"got int$"),
        ({"text": WORDS}, r"got a dict; pass one column"),
        (pandas.DataFrame({"text": WORDS}), r"got a (DataFrame|table of texts); pass one column"),
        ([["a", "b"], ["c"]], r"got a list of strings in row 0; join the words"),
        (["a", "b", 3], r"got int in row 2$"),
        (["a", None], r"got None in row 1; drop missing values"),
        (pandas.Series(["a", float("nan")], dtype=object), r"got float in row 1; drop missing"),
        (pandas.Series(["a", pandas.NA], dtype="string"), r"got NAType in row 1; drop missing"),
        ([{"text": "a"}], r"got dict in row 0; take the text of each row"),
        ([b"a"], r"got bytes in row 0; decode the bytes"),
        (["a", [1.0, 2.0]], r"got list in row 1; join"),
    ],
    ids=str,
)
def test_what_is_no_texts_is_refused_with_what_to_do(read: Read, given: Any, said: str) -> None:
    with pytest.raises(MetricError, match=said) as caught:
        read(given, "mine")
    assert str(caught.value).startswith("mine: want texts")
    assert "\n" not in str(caught.value)


def test_values_of_another_library_say_how_to_take_them() -> None:
    pyarrow = pytest.importorskip("pyarrow")
    with pytest.raises(MetricError, match=r"StringScalar in row 0; pass column\.to_pylist"):
        texts_of(pyarrow.array(["a", "b"]), "texts")


@pytest.mark.parametrize(
    "given",
    [
        NUMBERS,
        NUMBERS.astype(np.float32),
        NUMBERS.astype(int),
        NUMBERS.tolist(),
        list(NUMBERS),
        torch.tensor(NUMBERS),
        torch.tensor(NUMBERS, dtype=torch.bfloat16),
        torch.tensor(NUMBERS, requires_grad=True),
        list(torch.tensor(NUMBERS)),
        pandas.DataFrame(NUMBERS),
    ],
    ids=lambda given: type(given).__name__,
)
def test_embeddings_are_any_numbers_of_two_axes(given: Any) -> None:
    np.testing.assert_array_equal(texts_or_embeddings(given, "generated"), NUMBERS)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (NUMBERS[:, :, None], r"generated: want shape \(n, d\)"),
        (NUMBERS[:4], "generated: want >= 5 texts, got 4"),
        ([[1.0, 2.0], [3.0]], r"generated: want an \(n, d\) array"),
        (np.full((5, 2), np.nan), "generated: want finite numbers"),
        (NUMBERS[:, 0], r"generated: want texts .*got float64 in row 0"),
    ],
)
def test_embeddings_that_cannot_be_meant(given: Any, said: str) -> None:
    with pytest.raises(MetricError, match=said):
        texts_or_embeddings(given, "generated")


def test_only_what_brings_an_array_is_one() -> None:
    assert as_array(WORDS) is None
    assert as_array(np.float64(3.0)) is None
    tensor = torch.tensor([1.0], requires_grad=True)
    assert as_array(tensor) == [1.0]
    assert as_array(torch.tensor([1])).dtype == np.int64  # type: ignore[union-attr]
