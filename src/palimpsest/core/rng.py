"""One independent random stream for every (seed, stage, generation, item).

What a document says must not depend on the batch it was sampled in, on the order or on the number
of processes: so each document draws from a counter-based generator (Philox) with a key of its own.
"""

import hashlib
from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray


def stream(seed: int, stage: str, generation: int = 0, item: int = 0) -> np.random.Generator:
    """A generator of its own for one item of one stage of one generation.

    Args:
        seed: the run's seed, any whole number.
        stage: what the numbers are for, for example ``"generate"``.
        generation: the generation's number.
        item: the item's number, for example the index of a document.

    Returns:
        A NumPy generator (Philox), the same on every machine for the same arguments.
    """
    name = f"{seed}/{stage}/{generation}/{item}".encode()
    key = int.from_bytes(hashlib.blake2b(name, digest_size=16).digest(), "little")
    return np.random.Generator(np.random.Philox(key=key))


def uniforms(
    seed: int, stage: str, generation: int, items: Iterable[int], width: int
) -> NDArray[np.float64]:
    """Uniform numbers in [0, 1): one row an item, from the item's own stream.

    Returns:
        (items, width); row i does not change when the width grows or other items are asked for.
    """
    rows = [stream(seed, stage, generation, item).random(width) for item in items]
    return np.stack(rows) if rows else np.empty((0, width))
