"""Student's t: tails and quantiles, without the 0.5 s that importing scipy.stats takes."""

from scipy.special import stdtr, stdtrit


def two_sided(t: float, freedom: int) -> float:
    """The probability of a |t| at least as large, in [0, 1]."""
    return float(2.0 * stdtr(freedom, -abs(t)))


def quantile(level: float, freedom: int) -> float:
    """The t that a share ``level`` of draws exceeds in absolute value."""
    return float(-stdtrit(freedom, level / 2.0))
