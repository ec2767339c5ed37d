import numpy as np
import pytest

from palimpsest.audit.verdict import DEFAULTS, REASONS, AuditVerdict, findings, judge

NULL = [{"spread": 1.0 + e, "distinct_2": 0.6 + e, "drift": 0.1 + e, "zipf": 1.0 + e,
         "vendi": 90.0 + e, "recall": 0.9 + e, "nearest_human": 0.7 + e, "duplicates": 0.0}
        for e in np.linspace(-0.02, 0.02, 20)]  # fmt: skip
HUMAN = {"spread": 1.0, "distinct_2": 0.6, "drift": 0.1, "zipf": 1.0, "vendi": 90.0,
         "recall": 0.9, "nearest_human": 0.7, "duplicates": 0.0}  # fmt: skip


def compared(widening=1.0, reach=0.0, **changes):
    values = {**HUMAN, **changes}
    measured = {
        name: {"value": value, "low": value - reach, "high": value + reach}
        for name, value in values.items()
    }
    return findings(measured, NULL, 100, widening, 0.05)


def one(name, **parameters):
    return next(item for item in compared(**parameters) if item.metric == name)


def verdict(**changes):
    return judge(compared(**changes), DEFAULTS)[0]


def test_band_by_hand():
    # percentiles 2.5 and 97.5 of 20 evenly spaced values: 0.475 steps inside the ends
    inside = 0.02 - 0.475 * 0.04 / 19
    band = one("spread").band
    assert (band.low, band.high) == pytest.approx((1 - inside, 1 + inside))
    wide = one("spread", widening=3.0).band
    assert (wide.low, wide.high) == pytest.approx((1 - 3 * inside, 1 + 3 * inside))
    assert wide.sd == pytest.approx(3 * np.std(np.linspace(-0.02, 0.02, 20), ddof=1))


def test_a_band_that_is_a_point_gets_the_resolution_of_a_text():
    assert one("duplicates").band.sd == pytest.approx(1 / 100)
    assert one("duplicates", duplicates=0.01).counts == ""
    assert one("duplicates", duplicates=0.5).counts == "collapse"


def test_bands_end_where_the_metric_does():
    assert one("drift", widening=50.0).band.low == 0.0
    assert one("recall", widening=50.0).band.high == 1.0


def test_the_whole_interval_must_lie_outside():
    assert one("spread", spread=0.8, reach=0.1).place == "below"
    assert one("spread", spread=0.8, reach=0.19).place == "near"
    assert one("spread", spread=1.0, reach=0.19).place == "inside"
    assert one("spread", spread=0.8, reach=0.19).counts == ""


@pytest.mark.parametrize(
    ("metric", "value", "counts"),
    [
        ("spread", 0.5, "collapse"),
        ("spread", 1.5, "different"),
        ("drift", 0.9, "different"),
        ("zipf", 0.5, "different"),
        ("nearest_human", 0.9, ""),
        ("nearest_human", 0.5, "different"),
    ],
)
def test_sides(metric, value, counts):
    assert one(metric, **{metric: value}).counts == counts


def test_verdicts():
    assert verdict() is AuditVerdict.WHOLE
    assert verdict(drift=0.5) is AuditVerdict.DIFFERENT
    assert verdict(spread=0.8) is AuditVerdict.NARROWER
    assert verdict(spread=0.5) is AuditVerdict.NARROWER  # one family alone
    assert verdict(spread=0.5, vendi=20.0) is AuditVerdict.NARROWER  # both are room
    assert verdict(spread=0.49, distinct_2=0.29) is AuditVerdict.COLLAPSED
    assert verdict(spread=0.51, distinct_2=0.29) is AuditVerdict.NARROWER


def test_elsewhere_narrower_says_little():
    assert verdict(spread=0.5, distinct_2=0.29, nearest_human=0.5) is AuditVerdict.DIFFERENT
    assert verdict(spread=0.5, recall=0.0, nearest_human=0.5) is AuditVerdict.DIFFERENT
    assert verdict(spread=0.2, recall=0.0, nearest_human=0.5) is AuditVerdict.DIFFERENT
    assert verdict(spread=0.2, distinct_2=0.1, nearest_human=0.5) is AuditVerdict.COLLAPSED
    assert verdict(spread=0.8, nearest_human=0.9) is AuditVerdict.NARROWER


def test_reasons_are_the_strongest_of_different_families_first():
    reasons = judge(compared(spread=0.1, vendi=1.0, distinct_2=0.4, recall=0.8), DEFAULTS)[1]
    assert len(reasons) == REASONS
    assert [item.metric for item in reasons] == ["vendi", "distinct_2", "recall"]


def test_what_says_the_same_twice_or_nothing_of_the_candidate_counts_once_or_never():
    names = ("distinct_1", "ttr", "loss", "drift_relative", "explained", "zipf")
    measured = {name: {"value": 0.5, "low": 0.5, "high": 0.5} for name in names}
    null = [dict.fromkeys(names, 1.0 + e) for e in np.linspace(-0.02, 0.02, 20)]
    kept = findings(measured, null, 100, 1.0, 0.05)
    assert [item.metric for item in kept] == ["distinct_1", "zipf"]


def test_undefined_metrics_are_left_out():
    measured = {"spread": {"value": None, "low": None, "high": None},
                "nowhere": {"value": 1.0, "low": None, "high": None}}  # fmt: skip
    assert findings(measured, NULL, 100, 1.0, 0.05) == ()
    assert judge((), DEFAULTS) == (AuditVerdict.WHOLE, ())
