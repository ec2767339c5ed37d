"""MAUVE (Pillutla et al. 2021), an optional metric: ``pip install palimpsest[mauve]`` (GPL).

Off by default; ``score.custom: ["palimpsest.metrics.mauve:mauve"]`` switches it on, and it then has
an interval and a null band like any metric of one's own. Known gap: the published MAUVE embeds with
GPT-2 large; here it is taken on the same sentence embeddings as everything else, so that its values
compare within Palimpsest only.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from palimpsest.core.errors import MetricError

SEED = 0
"""Of its k-means: the same input gives the same number."""


def mauve(
    texts: Sequence[str],
    embeddings: NDArray[np.float32],
    human_texts: Sequence[str],
    human_embeddings: NDArray[np.float32],
) -> float:
    """Area under the divergence frontier of two clouds, in (0, 1]; down when collapsing.

    Args:
        texts: n texts; not looked at.
        embeddings: theirs, (n, d).
        human_texts: m human texts; not looked at.
        human_embeddings: theirs, (m, d).

    Returns:
        1 for the same distribution, near 0 where the clouds share no cluster; the scale depends on
        n and m (max(n, m) / 10 clusters), so compare at one size.

    Raises:
        MetricError: the package is not installed.
    """
    try:
        from mauve import compute_mauve  # type: ignore[import-untyped, import-not-found, unused-ignore]
    except ImportError as error:
        raise MetricError(
            "mauve", wanted="the package mauve-text", got="no such package",
            hint="pip install 'palimpsest[mauve]'",
        ) from error  # fmt: skip
    result = compute_mauve(
        p_features=human_embeddings, q_features=embeddings, seed=SEED, verbose=False
    )
    return min(float(result.mauve), 1.0)  # rounding goes above
