"""The evaluator: fitted on one human reference, it measures any number of samples.

It puts the families of `palimpsest.metrics` together with the metrics that stand alone: those of
the registry that have a function, and the project's own (`score.custom`).
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import TypeVar, cast

import numpy as np
from numpy.typing import NDArray

from palimpsest.core.errors import MetricError
from palimpsest.evaluation.plugins import Plugin
from palimpsest.metrics.basis import project
from palimpsest.metrics.distribution import Distribution
from palimpsest.metrics.family import Family, Measurement, Reference, Sample
from palimpsest.metrics.geometry import Geometry
from palimpsest.metrics.lexical import Lexical
from palimpsest.metrics.likelihood import HeldoutLikelihood, TextLikelihood
from palimpsest.metrics.lock_in import LockIn
from palimpsest.metrics.registry import REGISTRY, metric
from palimpsest.metrics.spectrum import Spectrum
from palimpsest.metrics.truth import LedgerTruth
from palimpsest.statistics.jackknife import (
    Interval,
    Rows,
    delete_group,
    delete_half,
    share_interval,
)

T = TypeVar("T")
Progress = Callable[[int, int], None]
"""(how many are done, of how many)."""

FAMILIES: dict[str, Callable[[Reference], Family]] = {
    "geometry": Geometry,
    "spectrum": Spectrum,
    "distribution": Distribution,
    "text": Lexical,
    "lock_in": LockIn,
    "likelihood": TextLikelihood,
    "truth": LedgerTruth,
    "heldout": HeldoutLikelihood,
}
"""What gives the numbers of the registry that are measured on texts."""
WORDS_ALONE = ("text", "lock_in", "likelihood")
"""Those of them that ask no embedding."""


def silent(done: int, total: int) -> None:
    """Shows no progress."""


class Evaluator:
    """Holds samples against a human reference.

    Args:
        reference: the human side.
        plugins: the project's own metrics.
        families: which of `FAMILIES` to measure.

    Raises:
        MetricError: texts or embeddings from which nothing can be measured.
    """

    def __init__(
        self,
        reference: Reference,
        plugins: Sequence[Plugin] = (),
        families: Collection[str] = tuple(FAMILIES),
    ) -> None:
        self.reference = reference
        self._families: dict[str, Family] = {
            name: fit(reference) for name, fit in FAMILIES.items() if name in families
        }
        alone = [Plugin(name, one.function) for name, one in REGISTRY.items() if one.function]
        self._plugins = [plugin.fit(reference) for plugin in (*alone, *plugins)]

    def measure(self, sample: Sample) -> dict[str, Measurement]:
        """Prepares every family that the sample has something for.

        Returns:
            By the name of the family; metrics that stand alone are in `measure_plugins`.

        Raises:
            MetricError: as many embeddings or likelihoods as texts were wanted.
        """
        if len(sample.embeddings) != len(sample.texts):
            wanted = f"{len(sample.texts)} rows, one a text"
            raise MetricError("embeddings", wanted=wanted, got=len(sample.embeddings))
        prepared = {name: family.prepare(sample) for name, family in self._families.items()}
        return {name: one for name, one in prepared.items() if one is not None}

    def measure_plugins(self, sample: Sample) -> list[Measurement]:
        """Prepares the metrics that stand alone: a measurement each."""
        return [plugin.prepare(sample) for plugin in self._plugins]

    def coordinates(self, embeddings: NDArray[np.float32]) -> NDArray[np.float64]:
        """Where texts lie in the human basis, (n, 3)."""
        basis = cast("Geometry", self._families["geometry"]).fitted.basis
        return project(embeddings, basis.mean, basis.components)


def values(measurements: Sequence[Measurement]) -> dict[str, float | None]:
    """Every metric's value, without intervals.

    Raises:
        MetricError: two measurements have a metric of the same name.
    """
    numbers: dict[str, float | None] = {}
    for measurement in measurements:
        _add(numbers, measurement.compute(None))
    return numbers


def with_intervals(
    measurements: Sequence[Measurement],
    half_samples: int,
    seed: int,
    threads: int = 2,
    progress: Progress = silent,
) -> dict[str, dict[str, float | None]]:
    """Every metric as ``{value, low, high}``.

    The interval is of the kind that the registry names for the metric; low and high are None for
    one that has none, and for all without half-samples.

    Args:
        measurements: what is measured.
        half_samples: of the delete-half jackknife; 0 gives no intervals of any kind.
        seed: for the subsamples.
        threads: how many subsamples to compute at a time; it changes no number.
        progress: called after every family.

    Raises:
        MetricError: two measurements have a metric of the same name.
    """
    numbers: dict[str, Interval] = {}
    for done, one in enumerate(measurements, 1):
        _add(numbers, _intervals(one, half_samples, seed, threads))
        progress(done, len(measurements))
    return {
        name: {"value": one.value, "low": one.low, "high": one.high}
        for name, one in numbers.items()
    }


def _intervals(
    measurement: Measurement, half_samples: int, seed: int, threads: int
) -> dict[str, Interval]:
    """The metrics of one family, each with its own kind of interval."""
    whole, count = measurement.compute(None), measurement.count
    numbers = {name: Interval(value) for name, value in whole.items()}
    if not half_samples:
        return numbers

    def compute(rows: Rows | None) -> Mapping[str, float | None]:
        return whole if rows is None else measurement.compute(rows)

    estimators: dict[str, Callable[[], dict[str, Interval]]] = {
        "half": lambda: delete_half(compute, count, half_samples, seed, threads),
        "group": lambda: delete_group(compute, count, seed=seed, threads=threads),
    }
    kinds = {name: metric(name).interval for name in numbers}
    for kind, estimator in estimators.items():
        if kind in kinds.values():
            for name, interval in estimator().items():
                if kinds[name] == kind:
                    entry = metric(name)
                    if entry.is_share:
                        interval = share_interval(interval, count)
                    numbers[name] = interval.within(entry.low, entry.high)
    return numbers


def _add(numbers: dict[str, T], more: Mapping[str, T]) -> None:
    for name in more:
        if name in numbers:
            wanted = "a name that no other metric has"
            raise MetricError("score.custom", wanted=wanted, got=repr(name))
    numbers.update(more)
