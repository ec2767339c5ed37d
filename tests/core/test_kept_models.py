"""The rule of models.keep_every, by hand."""

import pytest

from palimpsest.core.kept_models import is_kept, most_models


@pytest.mark.parametrize(
    ("last", "keep_every", "kept"),
    [(20, 5, {0, 5, 10, 15, 20}), (20, 6, {0, 6, 12, 18, 20}), (7, 100, {0, 7}),
     (3, 1, {0, 1, 2, 3})],
)  # fmt: skip
def test_the_first_every_kth_and_the_last_stay(last: int, keep_every: int, kept: set[int]) -> None:
    assert {index for index in range(last + 1) if is_kept(index, last, keep_every)} == kept


@pytest.mark.parametrize(
    ("last", "chains", "keep_every", "most"),
    [
        (20, 1, 1, 21),
        (20, 2, 1, 41),
        (20, 1, 5, 5 + 2),
        (20, 2, 5, 9 + 2),
        (20, 1, 100, 2 + 2),
        (2, 1, 100, 3),  # there are no more
    ],
)
def test_so_many_models_lie_there_at_the_most(
    last: int, chains: int, keep_every: int, most: int
) -> None:
    assert most_models(last, chains, keep_every) == most
