"""Per-class sums and the agreement of classifier and class means, against their definitions."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from palimpsest.core.errors import MetricError
from palimpsest.lm.class_statistics import CentreAgreement, Classes, ClassSums
from palimpsest.lm.scoring import likelihood
from tests.lm.tiny import TEXTS, agreement, class_statistics, pair, tokenizer


def batch(count, classes=5, width=3, seed=0, dtype=torch.float64):
    generator = torch.Generator().manual_seed(seed)
    hidden = torch.randn(count, width, generator=generator, dtype=torch.float64) + 2.0
    return hidden.to(dtype), torch.randint(0, classes, (count,), generator=generator)


def sums_of(*batches, classes=5, width=3):
    sums = ClassSums(classes, width)
    for hidden, targets in batches:
        sums.update(hidden, targets)
    return sums


def assert_same(ours, expected, **tolerance):
    assert (ours.counts == expected.counts).all()
    np.testing.assert_allclose(ours.means, expected.means, **tolerance)
    np.testing.assert_allclose(ours.variances, expected.variances, **tolerance)


def test_by_hand():
    hidden = torch.tensor([[0.0, 0.0], [2.0, 0.0], [5.0, 1.0]])
    sums = sums_of((hidden, torch.tensor([1, 1, 2])), classes=4, width=2)
    assert sums.counts.tolist() == [0, 2, 1, 0]
    assert sums.means.tolist() == [[0, 0], [1, 0], [5, 1], [0, 0]]
    assert sums.variances.tolist() == [0, 1, 0, 0]
    often = sums.at_least(2)
    assert often.ids.tolist() == [1]
    assert often.counts.tolist() == [2]
    assert often.means.tolist() == [[1, 0]]
    assert often.variances.tolist() == [1]


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.bfloat16])
def test_the_numbers_are_those_of_the_definition(dtype):
    hidden, targets = batch(200, dtype=dtype)
    ours = sums_of((hidden, targets))
    expected = class_statistics(hidden.double().numpy(), targets.numpy(), 5)
    assert_same(ours, expected, rtol=1e-12, atol=1e-12)
    kept = expected.counts >= 40
    assert 0 < kept.sum() < 5
    often = ours.at_least(40)
    assert often.ids.tolist() == np.flatnonzero(kept).tolist()
    assert_same(often, Classes(*(array[kept] for array in expected)), rtol=1e-12, atol=1e-12)


@settings(max_examples=40, deadline=None)
@given(cut=st.integers(0, 60), order=st.permutations(range(60)))
def test_batches_merging_and_order_change_nothing(cut, order):
    hidden, targets = batch(60)
    whole = sums_of((hidden, targets))
    rows = torch.tensor(order)
    one = sums_of((hidden[rows[:cut]], targets[rows[:cut]]))
    other = sums_of((hidden[rows[cut:]], targets[rows[cut:]]))
    one.merge(other)
    assert_same(one, whole, rtol=1e-12, atol=1e-12)


def test_variances_do_not_change_under_rotation_and_shift():
    hidden, targets = batch(80)
    turn = torch.linalg.qr(torch.randn(3, 3, dtype=torch.float64)).Q
    moved = sums_of((hidden @ turn + 7.0, targets))
    np.testing.assert_allclose(
        moved.variances, sums_of((hidden, targets)).variances, rtol=1e-10, atol=1e-10
    )


def test_a_class_of_equal_states_has_variance_0_and_never_less():
    hidden = torch.full((1000, 3), 1e4 / 3, dtype=torch.float32)
    sums = sums_of((hidden, torch.arange(1000) % 5))
    assert (sums.variances >= 0).all()
    assert sums.variances.max() < 1e-14 * 1000 * 1e8
    single = sums_of(batch(1))
    assert single.variances.tolist() == [0] * 5


def test_no_token_at_all():
    sums = sums_of(batch(0))
    assert sums.counts.tolist() == [0] * 5
    assert not sums.means.any()
    assert not sums.variances.any()
    assert sums.at_least(0).means.shape == (0, 3)


def test_what_it_returns_is_a_copy():
    sums = sums_of(batch(10))
    sums.counts[:] = 0
    assert sums.counts.sum() == 10


def test_as_the_visitor_of_a_pass(tmp_path):
    _, model = pair("gpt2", tmp_path)
    sums, seen = ClassSums(model.vocabulary, 16), []

    def both(hidden, targets, logits):
        sums.update(hidden, targets, logits)
        seen.append((hidden.numpy().copy(), targets.numpy().copy()))

    found = likelihood(model, tokenizer(), TEXTS, None, both)
    assert sums.counts.sum() == found.tokens.sum()
    hidden, targets = (np.concatenate(parts) for parts in zip(*seen, strict=True))
    assert_same(sums, class_statistics(hidden, targets, 300), rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize(
    ("hidden", "targets", "message"),
    [
        (torch.zeros(2, 3), torch.tensor([0, 5]), "targets: want 0 to 4"),
        (torch.zeros(2, 3), torch.tensor([-1, 0]), "targets: want 0 to 4"),
        (torch.zeros(2, 4), torch.tensor([0, 1]), "hidden states: want \\(N, 3\\)"),
        (torch.zeros(2, 3), torch.tensor([0, 1, 2]), "hidden states: want \\(N, 3\\)"),
        (torch.zeros(2, 3), torch.zeros(2, 1), "hidden states: want \\(N, 3\\)"),
        (torch.full((2, 3), torch.nan), torch.tensor([0, 1]), "hidden states: want finite"),
        (torch.full((2, 3), torch.inf), torch.tensor([0, 1]), "hidden states: want finite"),
    ],
)
def test_wrong_input_is_refused_and_leaves_the_sums(hidden, targets, message):
    sums = sums_of(batch(10))
    before = sums.counts, sums.means, sums.variances
    with pytest.raises(MetricError, match=message):
        sums.update(hidden, targets)
    for array, now in zip(before, (sums.counts, sums.means, sums.variances), strict=True):
        assert (array == now).all()


def test_sums_of_another_shape_do_not_merge():
    with pytest.raises(MetricError, match="class sums: want \\(5, 3\\), got \\(5, 4\\)"):
        sums_of().merge(sums_of(width=4))


@pytest.mark.parametrize("shape", [(0, 3), (5, 0)])
def test_no_classes_or_no_width_is_refused(shape):
    with pytest.raises(MetricError, match="want classes and width >= 1"):
        ClassSums(*shape)


# Classifier and nearest class mean


def counted(weights, means, *parts):
    """States that agree, and states that were looked at."""
    both = CentreAgreement(np.asarray(weights), np.asarray(means))
    for hidden in parts:
        both.update(torch.as_tensor(hidden))
    return both.agreed, both.tokens


def test_agreement_by_hand():
    means = [[0.0, 0.0], [4.0, 0.0]]
    weights = [[1.0, 0.0], [0.0, 1.0]]
    # scores are x and y; the nearer mean is the second from x = 2 on
    states = [[1.0, 0.0], [1.0, 2.0], [3.0, 5.0], [3.0, 1.0], [-1.0, -3.0]]
    assert counted(weights, means, torch.tensor(states)) == (3, 5)


def test_what_two_classes_share_agrees_with_nothing():
    means, weights = [[0.0, 0.0], [4.0, 0.0]], [[1.0, 0.0], [0.0, 1.0]]
    # the scores are equal; the means are equally far
    assert counted(weights, means, torch.tensor([[1.0, 1.0], [2.0, 1.0]])) == (0, 2)
    # a rounding's difference is none
    assert counted(weights, means, torch.tensor([[1.0 + 1e-15, 1.0]], dtype=torch.float64)) == (
        0,
        1,
    )


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 2**31))
def test_agreement_is_the_definition_over_batches(seed):
    rng = np.random.default_rng(seed)
    targets = rng.integers(0, 7, 400)
    hidden = rng.normal(size=(400, 5)) + rng.normal(size=(7, 5))[targets]
    means = class_statistics(hidden, targets, 7).means
    weights = rng.normal(size=means.shape)
    expected = agreement(weights, means, hidden)
    assert counted(weights, means, hidden[:90], hidden[90:]) == (expected, 400)


def test_agreement_is_the_same_in_any_pieces(monkeypatch):
    rng = np.random.default_rng(0)
    hidden, means, weights = (rng.normal(size=(count, 3)) for count in (50, 6, 6))
    whole = counted(weights, means, hidden)
    assert 0 < whole[0] < 50
    monkeypatch.setattr("palimpsest.lm.class_statistics.ROWS", 7)
    assert counted(weights, means, hidden) == whole


def test_agreement_is_perfect_where_classifier_and_means_form_one_simplex():
    corners = np.eye(6) - 1 / 6
    turn = np.linalg.qr(np.random.default_rng(0).normal(size=(12, 6)))[0]
    centred = corners @ turn.T
    assert counted(centred, centred, centred) == (6, 6)


@pytest.mark.parametrize("value", [0.0, 1 / 7])
@pytest.mark.parametrize("classes", [1, 4])
def test_equal_means_and_a_single_class_agree_with_nothing(classes, value):
    hidden = np.random.default_rng(0).normal(size=(20, 5))
    means, weights = (
        np.full((classes, 5), value),
        np.random.default_rng(1).normal(size=(classes, 5)),
    )
    assert counted(weights, means) == (0, 0)
    assert counted(weights, means, hidden) == (0, 20)
    assert counted(np.ones((classes, 5)), means, hidden) == (0, 20)


@pytest.mark.parametrize(
    ("weights", "means", "message"),
    [
        (np.ones((8, 6)), np.ones((9, 6)), r"class means: want \(C, d\) as \(8, 6\), got \(9, 6\)"),
        (np.ones((0, 6)), np.ones((0, 6)), r"class means: want \(C, d\) as \(0, 6\), got \(0, 6\)"),
        (np.ones(6), np.ones(6), r"class means: want \(C, d\) as \(6,\), got \(6,\)"),
        (np.ones((2, 3)), np.full((2, 3), np.nan), "class means: want finite numbers, got NaN"),
        (np.full((2, 3), np.inf), np.ones((2, 3)), "class means: want finite numbers, got NaN"),
    ],
)
def test_weights_and_means_that_do_not_fit_are_refused(weights, means, message):
    with pytest.raises(MetricError, match=message):
        CentreAgreement(weights, means)
