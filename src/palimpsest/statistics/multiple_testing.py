"""Which of many findings stand: control of the false discovery rate over metrics."""

import numpy as np
from numpy.typing import NDArray
from scipy.stats import false_discovery_control

LEVEL = 0.05
"""Expected share of false findings among the findings."""


def discoveries(p_values: NDArray[np.float64], level: float = LEVEL) -> NDArray[np.bool_]:
    """Which hypotheses Benjamini & Hochberg (1995) reject.

    Args:
        p_values: (K,) one a hypothesis; NaN where it was not tested.
        level: the false discovery rate.

    Returns:
        (K,) true for the rejected ones; what was not tested is not rejected.
    """
    tested = np.isfinite(p_values)
    rejected = np.zeros(len(p_values), dtype=np.bool_)
    if tested.any():
        rejected[tested] = false_discovery_control(p_values[tested]) <= level
    return rejected
