"""Each metric of §1: by hand, an invariant, the degenerate case, the error."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import palimpsest
from palimpsest.core.errors import MetricError
from palimpsest.metrics import geometry
from palimpsest.metrics.geometry import fit_basis, geometry_metrics
from palimpsest.metrics.hull import hull_volume

seeds = st.integers(0, 2**31)
CORNERS = np.array([[x, y, z] for x in (0.0, 1) for y in (0.0, 1) for z in (0.0, 1)])
BOX = CORNERS * [4.0, 2.0, 1.0]
SHRINKING = ("volume", "dispersion", "compression", "outlier", "ainex", "integrity")
ROBUST = ("volume_rarefied", "volume_refit", "spread")


def cloud(seed=0, count=80, dims=10):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(count, dims)) / np.arange(1, dims + 1) + 0.2


def turn(seed, dims):
    return np.linalg.qr(np.random.default_rng(seed).normal(size=(dims, dims)))[0]


def test_the_box_by_hand():
    got = geometry_metrics(BOX, BOX)
    assert got["volume"] == got["volume_refit"] == pytest.approx(8.0)
    half = np.sqrt(16 + 4 + 1) / 2
    assert got["dispersion"] == got["outlier"] == pytest.approx(half)
    lengths = [np.sqrt(s) for s in (16, 4, 1, 20, 17, 5, 21)]
    assert got["compression"] == pytest.approx(4 * sum(lengths) / 28)
    # variances with n − 1 = 7: 8·4/7, 8·1/7, 8·(1/4)/7
    assert got["spread"] == pytest.approx((32 / 7 * 8 / 7 * 2 / 7) ** (1 / 6))
    assert got["explained"] == pytest.approx(1.0)
    assert got["residual"] == pytest.approx(0.0)
    assert (got["drift"], got["integrity"], got["loss"]) == (0.0, 1.0, 0.0)


def test_a_shrunk_and_moved_box_by_hand():
    got = geometry_metrics(BOX, BOX / 2 + [3.0, 0.5, 0.25], lam=2.0)
    # its centre moves from (2, 1, .5) to (4, 1, .5)
    assert got["volume"] == pytest.approx(1.0)
    assert got["drift"] == pytest.approx(2.0)
    assert got["ainex"] == pytest.approx(1 / 9)
    assert got["integrity"] == pytest.approx(1 / 72)
    assert got["loss"] == pytest.approx(100 * 71 / 72)
    assert got["drift_relative"] == pytest.approx(2 / np.sqrt(42 / 7))


def test_residual_by_hand():
    human = np.concatenate([np.diag([9.0, 8, 7, 0]), -np.diag([9.0, 8, 7, 0])])
    # as much variance in the fourth direction as in the first
    generated = np.concatenate([np.diag([5.0, 0, 0, 5]), -np.diag([5.0, 0, 0, 5])])
    assert geometry_metrics(human, generated)["residual"] == pytest.approx(0.5)
    assert geometry_metrics(human, human)["explained"] == pytest.approx(1.0)


def test_rarefied_hulls_of_few_points_are_means_over_draws():
    points = cloud(1)
    got = geometry_metrics(points, points)["volume_rarefied"]
    y = (points - points.mean(0)) @ fit_basis(points).components.T
    rng = np.random.default_rng(0)
    draws = [hull_volume(y[rng.choice(80, 40, replace=False)]) for _ in range(400)]
    assert got == pytest.approx(np.mean(draws), rel=0.05)
    assert got == geometry_metrics(points, points)["volume_rarefied"]
    assert got != geometry_metrics(points, points, seed=1)["volume_rarefied"]


def test_rarefied_volume_barely_depends_on_the_number_of_texts():
    many, few = cloud(2, 2000), cloud(3, 400)
    basis = fit_basis(many)
    large, small = geometry_metrics(basis, many), geometry_metrics(basis, few)
    assert small["volume_rarefied"] == pytest.approx(large["volume_rarefied"], rel=0.15)
    assert small["volume"] < 0.8 * large["volume"]


def test_against_scipy_and_scikit_learn():
    decomposition = pytest.importorskip("sklearn.decomposition")
    spatial = pytest.importorskip("scipy.spatial")
    human, generated = cloud(4), 0.8 * cloud(5, 60) + 0.05
    pca = decomposition.PCA(3, svd_solver="full").fit(human)
    y = pca.transform(generated)
    got = geometry_metrics(human, generated)
    assert got["volume"] == pytest.approx(spatial.ConvexHull(y).volume, rel=1e-6)
    assert got["drift"] == pytest.approx(np.linalg.norm(y.mean(0)), abs=1e-6)
    assert got["compression"] == pytest.approx(spatial.distance.pdist(y).mean(), rel=1e-6)
    assert got["spread"] == pytest.approx(np.linalg.det(np.cov(y.T)) ** (1 / 6), rel=1e-6)
    assert got["explained"] == pytest.approx(pca.explained_variance_ratio_.sum(), rel=1e-6)
    inside, total = y.var(axis=0).sum(), generated.var(axis=0).sum()
    assert got["residual"] == pytest.approx(1 - inside / total, rel=1e-6)
    refit = decomposition.PCA(3, svd_solver="full").fit_transform(generated)
    assert got["volume_refit"] == pytest.approx(spatial.ConvexHull(refit).volume, rel=1e-6)
    own, theirs = np.abs(fit_basis(human).components), np.abs(pca.components_)
    assert own == pytest.approx(theirs, abs=1e-6)


@settings(deadline=None, max_examples=25)
@given(seeds)
def test_rotating_everything_changes_nothing(seed):
    human, generated, rotation = cloud(seed), 0.7 * cloud(seed + 1), turn(seed, 10)
    moved = geometry_metrics(human @ rotation, generated @ rotation)
    assert moved == pytest.approx(geometry_metrics(human, generated), rel=1e-5, abs=1e-9)


@settings(deadline=None, max_examples=25)
@given(seeds, st.floats(0.05, 0.95))
def test_shrinking_shrinks_by_the_power_of_the_dimension(seed, scale):
    human = cloud(seed)
    mean = human.mean(axis=0)
    before, after = (
        geometry_metrics(human, human),
        geometry_metrics(human, mean + scale * (human - mean)),
    )
    for name in ("volume", "volume_refit", "volume_rarefied", "integrity"):
        assert after[name] == pytest.approx(scale**3 * before[name], rel=1e-5), name
    for name in ("dispersion", "compression", "outlier", "spread"):
        assert after[name] == pytest.approx(scale * before[name], rel=1e-5), name
    assert after["residual"] == pytest.approx(before["residual"], rel=1e-6)


def test_turning_away_differs_from_shrinking():
    human = cloud(6, 200)
    turned = human[:, ::-1]
    before, after = geometry_metrics(human, human), geometry_metrics(human, turned)
    assert after["volume"] < 0.2 * before["volume"]
    assert after["volume_refit"] == pytest.approx(before["volume_refit"])
    assert after["residual"] > before["residual"]


def test_order_changes_only_the_draws():
    human, generated = cloud(7), cloud(8)
    before, after = (
        geometry_metrics(human, generated),
        geometry_metrics(human[::-1], generated[::-1]),
    )
    del before["volume_rarefied"], after["volume_rarefied"]
    assert after == pytest.approx(before, rel=1e-9)


@pytest.mark.parametrize("dims", [10, 100])
def test_a_half_sample_has_the_metrics_of_its_texts(dims):
    human, generated = cloud(9, dims=dims), cloud(10, dims=dims)
    basis, rows = fit_basis(human), np.arange(0, 80, 2)
    part = geometry.prepare(basis, generated).compute(rows)
    alone = geometry_metrics(basis, generated[rows])
    del part["volume_rarefied"], alone["volume_rarefied"]  # the half keeps the whole's size
    assert part == pytest.approx(alone, rel=1e-6)


def test_large_corpora_are_subsampled_for_pairs_only(monkeypatch):
    points = cloud(11, 300).astype(np.float32)
    whole = geometry_metrics(points, points)
    monkeypatch.setattr(geometry, "PAIRS_LIMIT", 100)
    monkeypatch.setattr("palimpsest.metrics.validation.BLOCK_ROWS", 64)
    basis = fit_basis(points)
    prepared = geometry.prepare(basis, points)
    part = prepared.compute()
    assert part.pop("compression") == pytest.approx(whole.pop("compression"), rel=0.15)
    assert part == pytest.approx(whole, rel=1e-6)
    assert prepared.compute(np.arange(150))["compression"] > 0


def test_pairs_at_no_distance_are_left_out_of_compression():
    box = geometry_metrics(BOX, BOX)["compression"]
    twice = geometry_metrics(BOX, np.concatenate([BOX, BOX]))["compression"]
    assert twice == pytest.approx(box)


@pytest.mark.parametrize("dims", [3, 10, 100])
def test_equal_texts_are_the_worst(dims):
    human = cloud(12, dims=dims)
    got = geometry_metrics(human, np.tile(human[3], (50, 1)))
    for name in (*SHRINKING, *ROBUST):
        assert got[name] == pytest.approx(0.0, abs=1e-12), name
    assert got["volume"] == got["volume_refit"] == got["spread"] == got["compression"] == 0.0
    assert (got["loss"], got["residual"]) == (100.0, 1.0)


@pytest.mark.parametrize("rank", [1, 2])
def test_flat_texts_have_no_volume(rank):
    human, rng = cloud(13), np.random.default_rng(0)
    flat = rng.normal(size=(60, rank)) @ rng.normal(size=(rank, 10))
    got = geometry_metrics(human, flat)
    for name in ("volume", "volume_rarefied", "volume_refit", "spread", "integrity"):
        assert got[name] == 0.0, name
    assert got["dispersion"] > 0


def test_a_collapsed_reference_never_reads_as_integrity():
    same = np.ones((20, 6)) / 3
    for generated in (same, cloud(14, dims=6)):
        got = geometry_metrics(same, generated)
        assert (got["integrity"], got["loss"], got["explained"]) == (0.0, 100.0, 0.0)
        assert got["drift_relative"] == 1e9
        assert np.isfinite(list(got.values())).all()


def test_two_dimensions_have_no_volume():
    got = geometry_metrics(cloud(15, dims=2), cloud(16, dims=2))
    assert got["volume"] == 0.0
    assert got["drift"] > 0


def test_hull_volume_of_corners_and_of_too_few_points():
    assert hull_volume(CORNERS) == pytest.approx(1.0)
    assert hull_volume(CORNERS[:3]) == 0.0
    assert hull_volume(CORNERS * [1, 1, 0]) == 0.0
    assert hull_volume(CORNERS[:, :2]) == pytest.approx(1.0)


def test_the_package_exports_the_metrics():
    human, generated = cloud(17), cloud(18)
    assert palimpsest.integrity(human, generated, lam=2.0) == geometry_metrics(
        human, generated, 2.0
    )


def test_errors():
    human, generated = cloud(19), cloud(20)
    with pytest.raises(MetricError, match=r"generated: want 10 dimensions, .* got 9"):
        geometry_metrics(human, generated[:, :9])
    with pytest.raises(MetricError, match=r"human: want >= 5 texts, got 4"):
        geometry_metrics(human[:4], generated)
    with pytest.raises(MetricError, match=r"lam: want >= 0, got -1"):
        geometry_metrics(human, generated, lam=-1)
    with pytest.raises(MetricError, match=r"lam: want >= 0, got nan"):
        geometry_metrics(human, generated, lam=float("nan"))
    generated[7, 2] = np.nan
    with pytest.raises(MetricError, match=r"generated: want finite numbers.*in row 7"):
        geometry_metrics(human, generated)
    with pytest.raises(MetricError, match="points: want finite"):
        hull_volume(np.full((5, 3), np.inf))
