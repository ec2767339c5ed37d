"""Whether embeddings are one, but for rounding."""

import numpy as np
from numpy.typing import NDArray

ROUNDING = {"float32": 1e-5, "bfloat16": 2e-2}
"""Distance below which two embeddings are one: what the other texts of a batch may move."""


def all_alike(embeddings: NDArray[np.float32], dtype: str = "float32") -> bool:
    """Whether two or more embeddings (n, d) are one, but for what `dtype` rounds."""
    if len(embeddings) < 2:
        return False
    distances = np.linalg.norm(embeddings - embeddings[0], axis=1)
    return bool((distances <= ROUNDING[dtype]).all())
