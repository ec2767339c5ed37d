"""The one place where arrays and texts are checked before anything is measured from them.

Embeddings keep the precision they come in (float32 stays float32, so that a million rows need no
copy); every sum over them is accumulated in float64 by the modules that use them.
"""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from palimpsest.core.errors import MetricError
from palimpsest.core.parameters import FEWEST_TEXTS
from palimpsest.metrics.family import Rows

BLOCK_ROWS = 8192
"""Rows converted to float64 at a time: 25 MB at 384 dimensions."""

WORST_RATIO = 1e9
"""What a ratio reads where its denominator has collapsed to nothing: finite, and never good."""

Floats = NDArray[np.floating[Any]]
"""An array of float32 or float64."""


def embeddings(array: ArrayLike, name: str = "embeddings") -> Floats:
    """Checks an (n, d) array of embeddings.

    Args:
        array: anything NumPy reads as numbers, n texts in d dimensions.
        name: what to call it when it is wrong.

    Returns:
        The array itself when it is float32 or float64, else a float64 copy.

    Raises:
        MetricError: it is not numbers, not two-dimensional, has fewer than 5 rows or no columns,
            or rows that are not finite (the first ten are named).
    """
    try:
        checked = np.asarray(array)
        if checked.dtype not in (np.float32, np.float64):
            if np.iscomplexobj(checked):
                raise TypeError("complex numbers")
            checked = checked.astype(np.float64)
    except (TypeError, ValueError) as error:
        raise MetricError(name, wanted="an (n, d) array of real numbers", got=error) from error
    if checked.ndim != 2 or checked.shape[1] < 1:
        raise MetricError(name, wanted="shape (n, d) with d >= 1", got=checked.shape)
    if len(checked) < FEWEST_TEXTS:
        raise MetricError(name, wanted=f">= {FEWEST_TEXTS} texts", got=len(checked))
    bad = [
        start + int(row)
        for start, block in _slices(checked)
        for row in np.flatnonzero(~np.isfinite(block).all(axis=1))
    ]
    if bad:
        raise MetricError(name, wanted="finite numbers", got=f"NaN or infinity in {_listed(bad)}")
    return checked


def same_dimension(human: Floats, generated: Floats, name: str = "generated") -> None:
    """Raises MetricError unless both arrays have the same number of columns."""
    if human.shape[1] != generated.shape[1]:
        raise MetricError(
            name,
            wanted=f"{human.shape[1]} dimensions, as the human embeddings",
            got=generated.shape[1],
            hint="embed both with the same encoder",
        )


def texts(values: Sequence[str], name: str = "texts", fewest: int = FEWEST_TEXTS) -> list[str]:
    """Checks a list of texts; empty texts are allowed, a collapsed model writes them.

    Raises:
        MetricError: it is one string, has fewer than ``fewest`` entries, or an entry is no string
            (the first ten are named).
    """
    if isinstance(values, str):
        raise MetricError(name, wanted="a list of texts", got="one string")
    checked = list(values)
    if len(checked) < fewest:
        raise MetricError(name, wanted=f">= {fewest} texts", got=len(checked))
    bad = [index for index, value in enumerate(checked) if not isinstance(value, str)]
    if bad:
        kind = type(checked[bad[0]]).__name__
        raise MetricError(name, wanted="strings", got=f"{kind} in {_listed(bad)}")
    return checked


def numbers(
    array: ArrayLike, name: str, ndim: int = 1, columns: int | None = None
) -> NDArray[np.float64]:
    """Checks an array of finite numbers with ``ndim`` axes (and so many columns): float64."""
    try:
        checked = np.asarray(array, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise MetricError(name, wanted="real numbers", got=error) from error
    if checked.ndim != ndim:
        raise MetricError(name, wanted=f"{ndim} axes", got=f"shape {checked.shape}")
    if columns is not None and checked.shape[-1] != columns:
        raise MetricError(name, wanted=f"{columns} dimensions", got=checked.shape[-1])
    finite = np.isfinite(checked)
    if not finite.all():
        bad = np.unique(np.argwhere(~finite)[:, 0]).tolist() if ndim else [0]
        raise MetricError(name, wanted="finite numbers", got=f"NaN or infinity in {_listed(bad)}")
    return checked


def whole(array: ArrayLike, name: str, least: int | None = None) -> NDArray[np.int64]:
    """Checks an array of whole numbers, none of them below ``least``; an empty one is allowed."""
    try:
        checked = np.asarray(array)
    except ValueError as error:
        raise MetricError(name, wanted="whole numbers", got=error) from error
    if checked.size and checked.dtype.kind not in "iu":
        raise MetricError(name, wanted="whole numbers", got=checked.dtype)
    if checked.size and least is not None and checked.min() < least:
        raise MetricError(name, wanted=f"numbers >= {least}", got=checked.min())
    return checked.astype(np.int64, copy=False)


def blocks(array: Floats, rows: Rows | None = None) -> Iterator[NDArray[np.float64]]:
    """The array's rows (or those in ``rows``) as float64, a block at a time."""
    count = len(array) if rows is None else len(rows)
    for start in range(0, count, BLOCK_ROWS):
        stop = start + BLOCK_ROWS
        part = array[start:stop] if rows is None else array[rows[start:stop]]
        yield part.astype(np.float64, copy=False)


def _slices(array: Floats) -> Iterator[tuple[int, Floats]]:
    for start in range(0, len(array), BLOCK_ROWS):
        yield start, array[start : start + BLOCK_ROWS]


def _listed(indices: list[int]) -> str:
    shown = ", ".join(map(str, indices[:10]))
    more = f" and {len(indices) - 10} more" if len(indices) > 10 else ""
    return f"row{'s' if len(indices) > 1 else ''} {shown}{more}"
