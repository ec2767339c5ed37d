"""Human documents are dealt out into named parts that share no text."""

import logging
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from palimpsest.core.errors import CorpusError
from palimpsest.core.rng import stream

log = logging.getLogger(__name__)

PARAMETERS = {
    "train": "corpus.train",
    "heldout": "corpus.heldout",
    "sample": "generate.documents",
    "null": "corpus.null_pool",
    "reserve": "corpus.reserve",
}
"""Part of the human corpus -> the parameter that says how large it is."""


def split_indices(
    n_documents: int, sizes: Mapping[str, int | None], seed: int
) -> dict[str, NDArray[np.int64]]:
    """Deals the indices 0 to n−1 into disjoint parts by a seeded permutation.

    Args:
        n_documents: how many documents there are.
        sizes: the parts in order, each with its size; at most one size is None: the rest.
        seed: the run's seed.

    Returns:
        Each part's indices, in random order (so that any stretch of a part is a random sample).

    Raises:
        CorpusError: the parts together want more documents than there are, or nothing would be
            left for the part that takes the rest.
        ValueError: two parts want the rest, or a size is negative.
    """
    rest = [name for name, size in sizes.items() if size is None]
    if len(rest) > 1:
        raise ValueError(f"want at most one part that takes the rest, got {rest}")
    if any(size < 0 for size in sizes.values() if size is not None):
        raise ValueError(f"want sizes >= 0, got {dict(sizes)}")
    asked = sum(size for size in sizes.values() if size is not None)
    if asked + len(rest) > n_documents:
        raise _too_few(n_documents, sizes, asked + len(rest))
    order = stream(seed, "split").permutation(n_documents)
    counts = [n_documents - asked if size is None else size for size in sizes.values()]
    ends = np.cumsum(counts)
    return {
        name: order[end - count : end] for name, count, end in zip(sizes, counts, ends, strict=True)
    }


def split_documents(
    documents: Sequence[str], sizes: Mapping[str, int | None], seed: int
) -> dict[str, list[str]]:
    """Splits texts into disjoint parts; a text that occurs twice is dealt once.

    Args:
        documents: the texts, in a fixed order.
        sizes: as for `split_indices`, for example ``{"train": None, "heldout": 200}``.
        seed: the run's seed.

    Returns:
        Each part's texts; no text is in two parts, nor in one part twice. How many repeated
        texts were left out goes to the log.

    Raises:
        CorpusError: fewer distinct documents than asked for; the message tells them by part.
    """
    distinct = list(dict.fromkeys(documents))
    if len(distinct) < len(documents):
        log.info("%d exact duplicates removed before the split", len(documents) - len(distinct))
    parts = split_indices(len(distinct), sizes, seed)
    return {name: [distinct[i] for i in indices] for name, indices in parts.items()}


def _too_few(there: int, sizes: Mapping[str, int | None], wanted: int) -> CorpusError:
    by_part = ", ".join(
        f"{PARAMETERS.get(name, name)} {'the rest (>= 1)' if size is None else size}"
        for name, size in sizes.items()
    )
    return CorpusError(
        "corpus",
        wanted=f"{wanted} distinct documents ({by_part})",
        got=there,
        hint="ask for fewer or give more text; own files: palimpsest init --texts FILES",
    )
