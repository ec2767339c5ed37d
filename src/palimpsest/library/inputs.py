"""Texts and embeddings as a user has them: lists, arrays, tensors, columns of a table.

What cannot be meant is refused before anything is loaded, with what to do instead.
"""

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from palimpsest.core.errors import MetricError
from palimpsest.metrics.validation import Floats
from palimpsest.metrics.validation import embeddings as checked_embeddings

TEXTS = "texts (a list of strings)"
ONE_COLUMN = "pass one column of it, such as frame['text']"
NO_VALUE = "drop missing values, or make them empty texts"


def texts_of(values: object, name: str) -> list[str]:
    """A user's texts as a list.

    Args:
        values: any iterable of strings: a list, a generator, a column of a table, an array.
        name: what to call it when it is wrong.

    Raises:
        MetricError: one string, a table, something else than strings (the first row is named).
    """
    rows = _rows(values, name, TEXTS)
    for at, row in enumerate(rows):
        if not isinstance(row, str):
            raise MetricError(name, wanted=TEXTS, got=_kind(row, at), hint=_advice(row))
    return [str(row) for row in rows]


def texts_or_embeddings(values: object, name: str) -> list[str] | Floats:
    """A user's texts as a list, or embeddings as an (n, d) array.

    Args:
        values: an iterable of strings; or anything of two axes that NumPy reads as numbers: an
            array, a tensor, lists of numbers, a table of numbers.
        name: what to call it when it is wrong.

    Raises:
        MetricError: one string, a table of text, mixed entries; or see
            `palimpsest.metrics.validation.embeddings`.
    """
    array = as_array(values)
    if array is not None and array.ndim != 1:
        if array.dtype.kind in "OUS":
            wanted = f"{TEXTS} or an (n, d) array of numbers"
            raise MetricError(name, wanted=wanted, got="a table of texts", hint=ONE_COLUMN)
        return checked_embeddings(array, name)
    rows = _rows(values, name, f"{TEXTS} or an (n, d) array of numbers")
    if rows and all(_is_vector(row) for row in rows):
        vectors = [row if (one := as_array(row)) is None else one for row in rows]
        return checked_embeddings(vectors, name)
    return texts_of(rows, name)


def _rows(values: Any, name: str, wanted: str) -> list[Any]:
    if isinstance(values, str | bytes):
        hint = "put it into a list; of a file, read the texts first"
        raise MetricError(name, wanted=wanted, got="one string", hint=hint)
    if isinstance(values, Mapping) or hasattr(values, "columns"):
        kind = type(values).__name__
        raise MetricError(name, wanted=wanted, got=f"a {kind}", hint=ONE_COLUMN)
    if not isinstance(values, Iterable):
        raise MetricError(name, wanted=wanted, got="None" if values is None else _type(values))
    return list(values)


def as_array(values: Any) -> np.ndarray[Any, Any] | None:
    """What brings its own array, as that: NumPy's, a tensor (from wherever it is), a table."""
    if hasattr(values, "detach"):
        values = values.detach().cpu()
        values = values.float() if values.is_floating_point() else values
    if hasattr(values, "__array__") and not np.isscalar(values):
        return np.asarray(values)
    return None


def _is_vector(row: object) -> bool:
    """Whether a row is numbers, not letters: an array, or a list or tuple without a string."""
    if isinstance(row, list | tuple):
        return not any(isinstance(one, str) for one in row)
    return not isinstance(row, str) and hasattr(row, "__array__") and hasattr(row, "__len__")


def _kind(row: object, at: int) -> str:
    if isinstance(row, list | tuple) and any(isinstance(one, str) for one in row):
        return f"a list of strings in row {at}"
    return f"{_type(row)} in row {at}"


def _type(value: object) -> str:
    return "None" if value is None else type(value).__name__


def _advice(row: object) -> str | None:
    if isinstance(row, list | tuple):
        return "join the words of each text into one string"
    if isinstance(row, Mapping):
        return "take the text of each row: [row['text'] for row in rows]"
    if isinstance(row, bytes):
        return "decode the bytes"
    if hasattr(row, "as_py"):
        return "pass column.to_pylist()"
    missing = (
        row is None or (isinstance(row, float) and np.isnan(row)) or type(row).__name__[:2] == "NA"
    )
    return NO_VALUE if missing else None
