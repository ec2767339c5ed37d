"""The training curve and the perplexity of bare frequencies, by hand."""

import math

import numpy as np
import pytest

from palimpsest.core.errors import MetricError
from palimpsest.evaluation.folders import Folders, read_training
from palimpsest.evaluation.training import COLUMNS, curve_columns, unigram_perplexity
from palimpsest.lm.training_curve import Step, curve_csv


def test_equal_tokens_have_the_perplexity_of_their_number():
    assert unigram_perplexity([7, 7, 7, 7]) == pytest.approx(4.0)
    # half, a quarter, a quarter: 1.5 bits
    assert unigram_perplexity([2, 1, 1]) == pytest.approx(2**1.5)


def test_tokens_that_never_occur_change_nothing():
    assert unigram_perplexity([2, 0, 1, 1, 0]) == unigram_perplexity([2, 1, 1])


@pytest.mark.parametrize("scale", [1, 1000])
def test_it_is_a_function_of_shares_in_any_order(scale):
    counts = np.array([5, 3, 2, 90])
    assert unigram_perplexity(counts[::-1] * scale) == pytest.approx(unigram_perplexity(counts))


def test_one_token_is_no_surprise_and_none_is_unknown():
    assert unigram_perplexity([9, 0]) == 1.0
    assert unigram_perplexity([0, 0]) is None


@pytest.mark.parametrize(("counts", "got"), [([1, -2], ">= 0"), ([1, math.nan], "finite")])
def test_counts_that_none_can_have_are_refused(counts, got):
    with pytest.raises(MetricError, match=got):
        unigram_perplexity(counts)


def test_a_curve_is_read_as_the_training_wrote_it():
    steps = [Step(1, 2.5, 1e-4, 0.5, 7), Step(2, 1.25, 2e-4, math.inf, 9)]
    columns = curve_columns(curve_csv(steps).decode())
    assert tuple(columns) == COLUMNS
    assert columns["step"] == [1, 2]
    assert columns["loss_nats"] == [2.5, 1.25]
    assert columns["gradient_norm"] == [0.5, None]
    assert columns["tokens"] == [7, 9]


@pytest.mark.parametrize("brought", [False, True])
def test_what_score_writes_of_a_training(tmp_path, brought):
    folders = Folders(*[tmp_path] * 6)
    np.save(tmp_path / "token_counts.npy", np.array([3, 3, 0]))
    if brought:
        (tmp_path / "curve.csv").write_bytes(curve_csv([Step(1, 2.5, 1e-4, 0.5, 7)]))
    training = read_training(folders)
    assert training["unigram_perplexity"] == pytest.approx(2.0)
    assert (training["curve"] is not None) == brought
    assert not brought or training["curve"]["loss_nats"] == [2.5]
