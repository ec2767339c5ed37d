"""Large corpora fit: nothing of the size texts × texts is ever held."""

import tracemalloc

import numpy as np
import pytest

from palimpsest.metrics.distribution import distribution_card
from palimpsest.metrics.geometry import geometry_card
from palimpsest.metrics.spectrum import spectrum_card

TEXTS, DIMENSIONS = 20_000, 32


@pytest.fixture(scope="module")
def points():
    return np.random.default_rng(0).standard_normal((TEXTS, DIMENSIONS), dtype=np.float32)


@pytest.mark.parametrize(
    ("name", "card", "most"),
    [
        ("spread", lambda points: geometry_card(points[:400], points), 0.6e9),
        ("effective_rank", spectrum_card, 0.5e9),
        ("mmd2", lambda points: distribution_card(points[:400], points), 0.8e9),
    ],
)
def test_memory_is_bounded(points, name, card, most):
    tracemalloc.start()
    try:
        found = card(points)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert np.isfinite(found[name])
    # a matrix of 20,000 × 20,000 would be 3.2 GB; of the 10,000 that TwoNN looks at, 0.8 GB
    assert peak < most, f"{peak / 1e9:.2f} GB"
