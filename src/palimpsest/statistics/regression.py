"""Least-squares lines with the interval of their slope."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import linregress

from palimpsest.statistics.student import quantile

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Rate:
    """A slope per generation with its 95 % interval; the ends are None with only 2 points."""

    value: float
    low: float | None
    high: float | None


@dataclass(frozen=True)
class Line:
    """A least-squares line of y over x."""

    slope: float
    intercept: float
    x_mean: float
    x_squares: float
    """Sum of (x − x_mean)²."""
    residual_squares: float
    points: int

    @property
    def slope_error(self) -> float:
        """Standard error of the slope; NaN with fewer than 3 points."""
        if self.points < 3:
            return math.nan
        return math.sqrt(self.residual_squares / (self.points - 2) / self.x_squares)

    @property
    def student_95(self) -> float:
        """The t quantile of a two-sided 95 % interval; NaN with fewer than 3 points."""
        return quantile(0.05, self.points - 2) if self.points > 2 else math.nan

    @property
    def rate(self) -> Rate:
        """The slope with its interval."""
        margin = self.student_95 * self.slope_error
        if math.isnan(margin):
            return Rate(self.slope, None, None)
        return Rate(self.slope, self.slope - margin, self.slope + margin)


def fit_line(x: Floats, y: Floats) -> Line:
    """Fits y = intercept + slope · x; needs two different x."""
    fit = linregress(x, y)
    residuals = y - fit.intercept - fit.slope * x
    return Line(
        slope=float(fit.slope),
        intercept=float(fit.intercept),
        x_mean=float(x.mean()),
        x_squares=float(((x - x.mean()) ** 2).sum()),
        residual_squares=float(residuals @ residuals),
        points=len(x),
    )
