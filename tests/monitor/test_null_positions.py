import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from palimpsest.monitor.null_positions import (
    has_just_left,
    has_left_for,
    history,
    is_outside,
    position,
)
from palimpsest.statistics.null_band import null_band


def test_by_hand() -> None:
    band = null_band([1.0, 3.0])  # mean 2, deviation √2, t of one degree of freedom 12.706
    assert band is not None
    reach = 12.706204736 * math.sqrt(2.0) * math.sqrt(1.5)
    assert position(band, 2.0) == 0.0
    assert position(band, 2.0 + reach) == pytest.approx(1.0)
    assert position(band, 2.0 - reach / 2) == pytest.approx(-0.5)


@given(
    st.lists(st.floats(0.0, 1.0), min_size=2, max_size=8),
    st.floats(0.0, 1.0),
)
def test_a_value_is_in_the_band_exactly_where_its_position_is(
    values: list[float], value: float
) -> None:
    band = null_band(values, resolution=0.01, bounds=(0.0, 1.0))
    assert band is not None
    place = position(band, value)
    if abs(abs(place) - 1.0) > 1e-9:
        assert band.holds(value) == (abs(place) < 1.0)


@pytest.mark.parametrize(
    ("name", "below", "above"),
    [("integrity", True, False), ("duplicates", False, True), ("length_mean", True, True)],
)
def test_outside_is_the_side_of_collapse(name: str, below: bool, above: bool) -> None:
    assert is_outside(name, -1.01) == below
    assert is_outside(name, 1.01) == above
    assert not is_outside(name, 1.0)
    assert not is_outside(name, -1.0)


def test_the_history_is_that_of_the_trainers_log() -> None:
    rows = [
        {"loss": 3.0, "step": 1},
        {"collapse/vendi_position": -0.2, "step": 2},
        {"collapse/vendi_position": -4.0, "step": 4},
    ]
    assert history("vendi", rows) == [False, True]
    assert history("recall", rows) == []


@pytest.mark.parametrize(
    ("outside", "just_left"),
    [("", False), ("1", True), ("0", False), ("01", True), ("11", False), ("101", True)],
)
def test_a_warning_is_due_where_a_metric_goes_out(outside: str, just_left: bool) -> None:
    assert has_just_left([sign == "1" for sign in outside]) == just_left


@pytest.mark.parametrize(
    ("outside", "patience", "left"),
    [
        ("01", 1, True),
        ("011", 3, False),
        ("0111", 3, True),
        ("01011", 3, False),
        ("1111", 3, False),  # never inside: a model at its beginning
        ("", 1, False),
        ("110111", 3, True),
    ],
)
def test_a_metric_has_left_after_patience(outside: str, patience: int, left: bool) -> None:
    assert has_left_for([sign == "1" for sign in outside], patience) == left
