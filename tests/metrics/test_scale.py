"""Large corpora fit: nothing of the size texts × texts is ever held."""

import tracemalloc

import numpy as np
import pytest

from palimpsest.metrics.distribution import distribution_metrics
from palimpsest.metrics.geometry import geometry_metrics
from palimpsest.metrics.spectrum import spectrum_metrics

TEXTS, DIMENSIONS = 20_000, 32


@pytest.fixture(scope="module")
def points():
    return np.random.default_rng(0).standard_normal((TEXTS, DIMENSIONS), dtype=np.float32)


@pytest.mark.parametrize(
    ("name", "measure", "most"),
    [
        ("spread", lambda points: geometry_metrics(points[:400], points), 0.6e9),
        ("effective_rank", spectrum_metrics, 0.5e9),
        ("mmd2", lambda points: distribution_metrics(points[:400], points), 0.8e9),
    ],
)
def test_memory_is_bounded(points, name, measure, most):
    tracemalloc.start()
    try:
        metrics = measure(points)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert np.isfinite(metrics[name])
    # a matrix of 20,000 × 20,000 would be 3.2 GB; of the 10,000 that TwoNN looks at, 0.8 GB
    assert peak < most, f"{peak / 1e9:.2f} GB"
