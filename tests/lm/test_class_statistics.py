"""Per-class sums against the numpy definition, and from a real pass."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from palimpsest.errors import MetricError
from palimpsest.lm.class_statistics import ClassSums
from palimpsest.lm.likelihood import likelihood
from palimpsest.metrics.neural_collapse import class_statistics
from tests.lm.tiny import TEXTS, pair, tokens


def batch(count, classes=5, width=3, seed=0, dtype=torch.float64):
    generator = torch.Generator().manual_seed(seed)
    hidden = torch.randn(count, width, generator=generator, dtype=torch.float64) + 2.0
    return hidden.to(dtype), torch.randint(0, classes, (count,), generator=generator)


def sums_of(*batches, classes=5, width=3):
    sums = ClassSums(classes, width)
    for hidden, targets in batches:
        sums.update(hidden, targets)
    return sums


def assert_same(ours, theirs, **tolerance):
    assert (ours.counts == theirs.counts).all()
    np.testing.assert_allclose(ours.means, theirs.means, **tolerance)
    np.testing.assert_allclose(ours.variances, theirs.variances, **tolerance)


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
def test_the_same_numbers_as_the_numpy_version(dtype):
    hidden, targets = batch(200, dtype=dtype)
    ours = sums_of((hidden, targets))
    theirs = class_statistics(hidden.double().numpy(), targets.numpy(), 5)
    assert_same(ours, theirs, rtol=1e-12, atol=1e-12)
    kept, ids = theirs.at_least(40)
    often = ours.at_least(40)
    assert often.ids.tolist() == ids.tolist()
    assert 0 < len(ids) < 5
    assert_same(often, kept, rtol=1e-12, atol=1e-12)


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

    found = likelihood(model, tokens(), TEXTS, None, both)
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
