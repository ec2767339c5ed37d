"""The cloud's block: hulls of all texts, centroids, axes that hold every point."""

import numpy as np
import pytest

from palimpsest.metrics.hull import hull_volume
from palimpsest.report.cloud import cloud_block
from palimpsest.report.documents import Written
from tests.report.documents import chain, flat, row


def test_each_generation_has_its_centroid_and_a_hull_of_its_volume():
    made = chain(3, count=20)
    block = cloud_block(made)
    assert (block["chain"], block["control"]) == (["g00", "g01", "g02"], [])
    for one in made:
        assert block["centroids"][one.name] == pytest.approx(one.points.mean(axis=0), abs=1e-4)
        corners = np.array(block["hulls"][one.name]["corners"]).T
        assert hull_volume(corners) == pytest.approx(hull_volume(one.points), rel=1e-3)
        assert max(map(max, block["hulls"][one.name]["faces"])) == len(corners) - 1


def test_a_control_chain_begins_at_the_same_generation_0():
    block = cloud_block(chain(3, control=2))
    assert (block["chain"], block["control"]) == (["g00", "g01", "g02"], ["g00", "n01", "n02"])
    assert block["hulls"].keys() == {"g00", "g01", "g02", "n01", "n02"}


def test_the_axes_hold_every_point_of_every_generation_also_where_all_lie_in_a_plane():
    made = [*chain(3), flat(chain(4)[3])]
    low, high = cloud_block(made)["axes"]
    every = np.concatenate([one.points for one in made])
    assert (every.min(axis=0) > low).all()
    assert (every.max(axis=0) < high).all()
    assert cloud_block(made)["hulls"]["g03"] is None
    still = [Written("g00", [row("a")] * 5, np.ones((5, 3)))]
    low, high = cloud_block(still)["axes"]
    assert all(one <= 1 <= other for one, other in zip(low, high, strict=True))


def test_colours_span_the_likelihoods_that_are_known():
    made = chain(2)
    nats = [entry["nats"] for one in made for entry in one.rows]
    block = cloud_block(made)
    assert min(nats) <= block["nats"][0] < block["nats"][1] <= max(nats)
    assert block["human_nats"] == pytest.approx(
        np.median([entry["nats"] for entry in made[0].rows])
    )
    silent = [Written("g00", [row("", nats=None)] * 5, made[0].points[:5])]
    assert cloud_block(silent)["nats"] is cloud_block(silent)["human_nats"] is None
