"""From a user's choice of an encoder to a function that embeds texts."""

from collections.abc import Callable, Sequence
from os import PathLike, fspath
from typing import Any

import numpy as np
from numpy.typing import NDArray

from palimpsest.auditing.samples import BLOCK_TEXTS, Encode
from palimpsest.core.errors import ModelError
from palimpsest.embedding.cache import cached_encoder
from palimpsest.library.inputs import as_array

Choice = str | PathLike[str] | Callable[[Sequence[str]], Any]
"""What a user may name as an encoder."""


def encode_with(encoder: Any) -> Encode:
    """The function that an encoder is.

    Args:
        encoder: "bundled", a folder, a hub id; or a function of n texts that gives (n, d) numbers;
            or an object with such a method ``encode``, as sentence-transformers has it. Embeddings
            of the first three are kept in the user's cache folder, those of the others are not.
            One of the others may say which it is by its attribute ``identity``, a string: without,
            `palimpsest gate` does not compare what two audits measured by it.

    Raises:
        ModelError: it is none of these, or see `palimpsest.embedding.encoder.Encoder.load`. The
            function raises it where another one's answer is not a row of numbers for each text.
    """
    if isinstance(encoder, str | PathLike):
        return cached_encoder(str(fspath(encoder)))
    own = getattr(encoder, "encode", encoder)
    if not callable(own):
        wanted = "'bundled', a folder, a hub id, or a function from texts to an (n, d) array"
        got = "None" if encoder is None else type(encoder).__name__
        raise ModelError("encoder", wanted=wanted, got=got)
    return _Own(own, getattr(encoder, "identity", None))


class _Own:
    """A user's function, of which every answer is checked."""

    def __init__(self, encode: Callable[[list[str]], Any], identity: Any) -> None:
        self._encode, self.identity = encode, identity

    def __call__(self, texts: Sequence[str]) -> NDArray[np.float32]:
        return _numbers(self._encode(list(texts)), len(texts))


def _numbers(given: Any, count: int) -> NDArray[np.float32]:
    """What a user's function gave, if it is an embedding of each text."""
    wanted = f"({count}, d) numbers for {count} texts"
    try:
        array = as_array(given)
        vectors = np.asarray(given if array is None else array, dtype=np.float32)
    except (TypeError, ValueError) as error:
        raise ModelError("encoder", wanted=wanted, got=error) from error
    if vectors.ndim != 2 or len(vectors) != count:
        raise ModelError("encoder", wanted=wanted, got=f"shape {vectors.shape}")
    return vectors


def embedded(texts: Sequence[str], encode: Encode) -> NDArray[np.float32]:
    """Embeddings of texts, (n, d), in the blocks that an audit asks for: its cache has them."""
    blocks = [
        encode(texts[start : start + BLOCK_TEXTS]) for start in range(0, len(texts), BLOCK_TEXTS)
    ]
    return np.concatenate(blocks)
