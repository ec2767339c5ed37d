"""Each metric of §3: by hand, an invariant, the degenerate case, the error."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from palimpsest.core.errors import MetricError
from palimpsest.metrics import distribution
from palimpsest.metrics.distribution import distribution_metrics

seeds = st.integers(0, 2**31)
LINE = np.array([[0.0], [1.0], [2.0], [3.0], [4.0]])


def clouds(seed=0, human=70, generated=50, dims=6):
    rng = np.random.default_rng(seed)
    scales = 1 / np.arange(1, dims + 1)
    first = rng.normal(size=(human, dims)) * scales
    return first, 0.7 * rng.normal(size=(generated, dims)) * scales + 0.1


def test_frechet_by_hand_in_one_dimension():
    # (μ−μ₀)² + (σ−σ₀)²: moved by 3 and stretched by 2
    expected = (2 + 3) ** 2 + (2 - 1) ** 2 * LINE.var(ddof=1)
    moved = 2 * LINE + 3
    assert distribution_metrics(LINE, moved)["frechet"] == pytest.approx(expected)


def test_energy_and_kernel_by_hand():
    other = np.full((5, 1), 2.0)
    got = distribution_metrics(LINE, other)
    # E|X−Y| = 6/5; E|Y−Y'| over 25 ordered pairs = 2·(4·1+3·2+2·3+1·4)/25 = 8/5
    assert got["energy"] == pytest.approx(2 * 6 / 5 - 8 / 5)
    # the median of the ten distances 1111 222 33 4 is 2: k = exp(−d²/8)
    pairs = (4 * np.exp(-1 / 8) + 3 * np.exp(-4 / 8) + 2 * np.exp(-9 / 8) + np.exp(-2)) / 10
    across = (1 + 2 * np.exp(-1 / 8) + 2 * np.exp(-4 / 8)) / 5
    assert got["mmd2"] == pytest.approx(1 + pairs - 2 * across)


def test_nearest_human_and_vendi_by_hand():
    human = np.array([[1.0, 0.0]] * 5)
    generated = np.array([[2.0, 0.0], [0.0, 3.0], [1.0, 1.0], [1.0, 0.0], [0.0, 1.0]])
    got = distribution_metrics(human, generated)
    assert got["nearest_human"] == pytest.approx((1 + 0 + 0.5**0.5 + 1 + 0) / 5)
    # two orthogonal directions in equal parts
    assert distribution_metrics(human, np.eye(2)[[0, 1, 0, 1, 0, 1]])["vendi"] == pytest.approx(2)


def test_precision_and_recall_by_hand():
    # k = 5 of five points is the farthest: radii 4 3 2 3 4 around 0 1 2 3 4
    got = distribution_metrics(LINE, LINE + 4.25)
    # human balls around 4.25 5.25 6.25 7.25 8.25: those of 3 4, 3 4, 4, 4, none
    assert got["precision"] == pytest.approx(4 / 5)
    assert got["density"] == pytest.approx(6 / 25)
    # 4.25, the nearest to all, is 4.25 3.25 2.25 1.25 .25 away; its own ball reaches 1 to 4
    assert got["coverage"] == pytest.approx(2 / 5)
    assert got["recall"] == pytest.approx(4 / 5)


def test_against_scipy():
    linalg, stats = pytest.importorskip("scipy.linalg"), pytest.importorskip("scipy.stats")
    human, generated = clouds(1)
    cov_h, cov_g = np.cov(human.T), np.cov(generated.T)
    gap = human.mean(0) - generated.mean(0)
    expected = gap @ gap + np.trace(cov_h + cov_g - 2 * linalg.sqrtm(cov_g @ cov_h).real)
    assert distribution_metrics(human, generated)["frechet"] == pytest.approx(expected, abs=1e-6)
    # scipy's one-dimensional distance is the root of ours
    human, generated = human[:, :1], generated[:, :1]
    expected = stats.energy_distance(human[:, 0], generated[:, 0]) ** 2
    assert distribution_metrics(human, generated)["energy"] == pytest.approx(expected, abs=1e-9)


def test_against_prdc():
    prdc = pytest.importorskip("prdc")
    human, generated = clouds(2)
    expected = prdc.compute_prdc(human, generated, nearest_k=5)
    got = distribution_metrics(human, generated)
    assert {name: got[name] for name in expected} == pytest.approx(expected, abs=1e-6)


def test_against_vendi_score():
    vendi = pytest.importorskip("vendi_score.vendi")
    _, generated = clouds(3)
    units = generated / np.linalg.norm(generated, axis=1, keepdims=True)
    got = distribution_metrics(*clouds(3))["vendi"]
    assert got == pytest.approx(vendi.score_K(units @ units.T), abs=1e-6)


def test_against_scikit_learn():
    metrics = pytest.importorskip("sklearn.metrics")
    human, generated = clouds(4)
    cosines = metrics.pairwise.cosine_similarity(generated, human).max(axis=1)
    sigma = np.median(metrics.pairwise_distances(human)[np.triu_indices(len(human), 1)])
    kernel = lambda a, b: metrics.pairwise.rbf_kernel(a, b, gamma=1 / (2 * sigma**2))  # noqa: E731
    pairs = lambda k: (k.sum() - len(k)) / (len(k) * (len(k) - 1))  # noqa: E731
    expected = pairs(kernel(human, human)) + pairs(kernel(generated, generated))
    expected -= 2 * kernel(human, generated).mean()
    got = distribution_metrics(human, generated)
    assert got["nearest_human"] == pytest.approx(cosines.mean(), abs=1e-9)
    assert got["mmd2"] == pytest.approx(expected, abs=1e-9)


@settings(deadline=None, max_examples=25)
@given(seeds)
def test_rotation_and_order_change_nothing(seed):
    human, generated = clouds(seed)
    turn = np.linalg.qr(np.random.default_rng(seed).normal(size=(6, 6)))[0]
    moved = distribution_metrics(human[::-1] @ turn, generated[::-1] @ turn)
    assert moved == pytest.approx(distribution_metrics(human, generated), rel=1e-6, abs=1e-9)


@settings(deadline=None, max_examples=25)
@given(seeds)
def test_a_corpus_is_at_no_distance_from_itself(seed):
    human, _ = clouds(seed)
    got = distribution_metrics(human, human)
    assert got["frechet"] == pytest.approx(0, abs=1e-7)
    assert got["energy"] == pytest.approx(0, abs=1e-9)
    assert got["mmd2"] <= 0
    assert got["nearest_human"] == pytest.approx(1)
    assert got["precision"] == got["recall"] == got["coverage"] == 1


@pytest.mark.parametrize("dims", [6, 90])
def test_a_half_sample_has_the_metrics_of_its_texts(dims):
    human, generated = clouds(5, dims=dims)
    rows = np.arange(0, len(generated), 2)
    reference = distribution.prepare_reference(human)
    part = distribution.prepare(reference, generated).compute(rows)
    assert part == pytest.approx(distribution_metrics(reference, generated[rows]), abs=1e-7)


def test_large_corpora_are_subsampled(monkeypatch):
    human, generated = (points.astype(np.float32) for points in clouds(6, 400, 300))
    whole = distribution_metrics(human, generated)
    for module in ("distribution", "spectrum"):
        monkeypatch.setattr(f"palimpsest.metrics.{module}.PRODUCTS_LIMIT", 200)
    monkeypatch.setattr(distribution, "PAIRS_LIMIT", 200)
    part = distribution_metrics(human, generated)
    assert part["frechet"] == pytest.approx(whole["frechet"], rel=1e-4)
    assert part["vendi"] == pytest.approx(whole["vendi"], rel=1e-4)
    for name in ("precision", "recall", "coverage", "nearest_human"):
        assert part[name] == pytest.approx(whole[name], abs=0.15), name
    rows = np.arange(0, 300, 2)
    reference = distribution.prepare_reference(human)
    half = distribution.prepare(reference, generated).compute(rows)
    assert half.keys() == whole.keys()


@pytest.mark.parametrize("where", ["on a human text", "far away"])
def test_collapse_is_never_the_best_value(where):
    human, _ = clouds(7)
    point = human[0] if where == "on a human text" else human[0] + 9
    got, healthy = distribution_metrics(human, np.tile(point, (50, 1))), clouds(8)[0]
    fair = distribution_metrics(human, healthy)
    for name in ("frechet", "mmd2", "energy"):
        assert got[name] > fair[name], name
    for name in ("precision", "recall", "density", "coverage", "vendi"):
        assert got[name] < fair[name], name
    assert got["vendi"] == pytest.approx(1)
    assert got["recall"] == got["precision"] == got["density"] == 0


def test_a_collapsed_reference_and_zero_vectors_are_finite():
    _, generated = clouds(9)
    for human in (np.ones((9, 6)), np.zeros((9, 6))):
        for other in (generated, human, np.zeros((9, 6))):
            assert np.isfinite(list(distribution_metrics(human, other).values())).all()


def test_errors():
    human, generated = clouds()
    with pytest.raises(MetricError, match=r"generated: want 6 dimensions.*got 5"):
        distribution_metrics(human, generated[:, :5])
    human[4, 0] = np.inf
    with pytest.raises(MetricError, match=r"human: want finite numbers.*row 4"):
        distribution_metrics(human, generated)
