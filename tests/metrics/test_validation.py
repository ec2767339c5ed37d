"""The one place where arrays and texts are checked."""

import numpy as np
import pytest

from palimpsest.core.errors import MetricError
from palimpsest.metrics import validation
from palimpsest.metrics.validation import blocks, embeddings, numbers, texts


def test_embeddings_keep_their_precision_and_are_not_copied():
    for kind in (np.float32, np.float64):
        array = np.ones((6, 2), dtype=kind)
        assert embeddings(array) is array
    assert embeddings([[1, 2]] * 5).dtype == np.float64
    assert embeddings(np.ones((5, 2), dtype=np.float16)).dtype == np.float64


@pytest.mark.parametrize(
    ("array", "message"),
    [
        ([["a"]] * 5, r"array of real numbers"),
        ([[1, 2], [3]], r"array of real numbers"),
        (np.ones((5, 2)) * 1j, r"array of real numbers"),
        (np.ones((5, 0)), r"want shape"),
        (np.ones((5, 2, 2)), r"want shape"),
        (np.ones((0, 3)), r">= 5 texts, got 0"),
    ],
)
def test_what_is_no_array_of_embeddings(array, message):
    with pytest.raises(MetricError, match=message):
        embeddings(array)


def test_rows_that_are_not_finite_are_named_across_blocks(monkeypatch):
    monkeypatch.setattr(validation, "BLOCK_ROWS", 4)
    array = np.zeros((40, 3))
    array[[5, 11, 39]] = np.nan
    with pytest.raises(MetricError, match=r"rows 5, 11, 39$"):
        embeddings(array)
    array[:] = np.inf
    with pytest.raises(MetricError, match=r"rows 0, 1, .* 9 and 30 more"):
        embeddings(array)


def test_texts():
    assert texts(("a", "", "c", "d", "e")) == ["a", "", "c", "d", "e"]
    with pytest.raises(MetricError, match=r"want strings, got bytes in rows 1, 2"):
        texts(["a", b"b", None, "d", "e"])


def test_numbers():
    assert numbers([1, 2], "x").tolist() == [1.0, 2.0]
    with pytest.raises(MetricError, match=r"x: want 2 axes"):
        numbers([1, 2], "x", ndim=2)
    with pytest.raises(MetricError, match=r"x: want real numbers"):
        numbers(["a"], "x")
    with pytest.raises(MetricError, match=r"in row 1$"):
        numbers([[1.0, 2.0], [np.nan, np.inf]], "x", ndim=2)


def test_blocks_are_float64_and_complete(monkeypatch):
    monkeypatch.setattr(validation, "BLOCK_ROWS", 4)
    array = np.arange(20, dtype=np.float32).reshape(10, 2)
    parts = list(blocks(array))
    assert all(part.dtype == np.float64 for part in parts)
    assert np.concatenate(parts).tolist() == array.tolist()
    rows = np.array([9, 0, 3, 3, 5])
    assert np.concatenate(list(blocks(array, rows))).tolist() == array[rows].tolist()
