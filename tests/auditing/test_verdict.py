from dataclasses import replace

import numpy as np
import pytest

from palimpsest.auditing.verdict import DEFAULTS, REASONS, AuditVerdict, findings, judge
from palimpsest.evaluation.null_bands import bands_of

NULL = [{"spread": 1.0 + e, "distinct_2": 0.6 + e, "drift": 0.1 + e, "zipf": 1.0 + e,
         "vendi": 90.0 + e, "recall": 0.9 + e, "nearest_human": 0.7 + e, "duplicates": 0.0,
         "repetition_diversity": 0.9 + e}
        for e in np.linspace(-0.02, 0.02, 20)]  # fmt: skip
HUMAN = {"spread": 1.0, "distinct_2": 0.6, "drift": 0.1, "zipf": 1.0, "vendi": 90.0,
         "recall": 0.9, "nearest_human": 0.7, "duplicates": 0.0,
         "repetition_diversity": 0.9}  # fmt: skip


def compared(widening=1.0, reach=0.0, **changes):
    values = {**HUMAN, **changes}
    measured = {
        name: {"value": value, "low": value - reach, "high": value + reach}
        for name, value in values.items()
    }
    return findings(measured, bands_of(NULL, 100, widening), 0.05)


def one(name, **parameters):
    return next(item for item in compared(**parameters) if item.metric == name)


def verdict(away=False, **changes):
    return judge(compared(**changes), DEFAULTS, away)[0]


def test_band_by_hand():
    # of 20 values d apart the variance is 20 · 21 / 12 · d² = 35 d²; t(19) at 95 % is 2.093024
    deviation = 35**0.5 * 0.04 / 19
    reach = 2.093024 * deviation * (1 + 1 / 20) ** 0.5
    band = one("spread").band
    assert (band.low, band.high) == pytest.approx((1 - reach, 1 + reach), abs=1e-7)
    assert (band.mean, band.sd, band.samples) == pytest.approx((1.0, deviation, 20))
    wide = one("spread", widening=3.0).band
    assert (wide.low, wide.high) == pytest.approx((1 - 3 * reach, 1 + 3 * reach), abs=1e-7)
    assert wide.sd == pytest.approx(3 * deviation)


def test_p_values_and_places_are_those_of_the_band():
    """A value at the band's end has a p-value of 5 %, and one that is farther a lower one."""
    end = one("spread").band.high
    assert one("spread", spread=end).p_value == pytest.approx(0.05)
    assert one("spread", spread=end).place == "inside"
    assert one("spread", spread=end + 1e-6).p_value < 0.05
    assert one("spread", spread=end + 1e-6).place == "above"
    assert one("spread").p_value == pytest.approx(1.0)


def test_the_false_discovery_rate_is_that_of_metrics_which_are_evidence():
    """Of two metrics one may have a p-value of 2.5 %; copies do not make it three."""
    names = ("spread", "distinct_1", "ttr", "loss", "integrity_published", "explained")
    bands = bands_of([dict.fromkeys(names, 1.0 + e) for e in np.linspace(-0.02, 0.02, 20)], 100)
    deviation = 35**0.5 * 0.04 / 19 * (1 + 1 / 20) ** 0.5
    for t, counts in ((2.45, "collapse"), (2.40, "")):  # two-sided p of t(19): 0.0241 and 0.0268
        values = {**dict.fromkeys(names, 1.0), "spread": 1.0 - t * deviation}
        measured = {name: {"value": v, "low": v, "high": v} for name, v in values.items()}
        spread, words = findings(measured, bands, 0.05)
        assert (spread.metric, spread.counts) == ("spread", counts)
        assert (words.metric, words.counts) == ("distinct_1", "")


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
    assert verdict() is None
    assert verdict(drift=0.5) is None
    assert verdict(spread=0.8) is None  # one metric alone
    assert verdict(spread=0.8, distinct_2=0.5) is AuditVerdict.NARROWER
    assert verdict(spread=0.5, vendi=20.0) is AuditVerdict.NARROWER  # both are room
    assert verdict(spread=0.49, distinct_2=0.29) is AuditVerdict.COLLAPSED
    assert verdict(spread=0.51, distinct_2=0.29) is AuditVerdict.NARROWER


def test_elsewhere_only_what_is_inside_texts_says_that_they_are_narrower():
    assert verdict(away=True, spread=0.5, distinct_2=0.29) is None
    assert verdict(away=True, spread=0.5, recall=0.0) is None
    assert verdict(away=True, spread=0.2, recall=0.0) is None
    assert verdict(away=True, spread=0.2, distinct_2=0.1) is AuditVerdict.COLLAPSED
    assert verdict(away=True, repetition_diversity=0.62) is AuditVerdict.NARROWER
    assert verdict(away=True, repetition_diversity=0.7) is None


def test_without_an_interval_no_metric_decides_where_others_have_one():
    found = [
        replace(one, low=None, high=None) if one.metric in ("recall", "spread") else one
        for one in compared(spread=0.8, recall=0.5)
    ]
    assert judge(found, DEFAULTS, away=False)[0] is None
    none = [replace(one, low=None, high=None) for one in found]
    assert judge(none, DEFAULTS, away=False)[0] is AuditVerdict.NARROWER


def test_words_alone_can_collapse():
    found = [one for one in compared(distinct_2=0.29) if one.metric == "distinct_2"]
    assert judge(found, DEFAULTS, away=False)[0] is None
    twice = [*found, replace(found[0], metric="distinct_4")]
    assert judge(twice, DEFAULTS, away=False)[0] is AuditVerdict.COLLAPSED


def test_reasons_are_the_strongest_of_different_families_first():
    reasons = judge(compared(spread=0.1, vendi=1.0, distinct_2=0.4, recall=0.8), DEFAULTS, False)[1]
    assert len(reasons) == REASONS
    assert [item.metric for item in reasons] == ["vendi", "distinct_2", "recall"]


def test_what_says_the_same_twice_or_nothing_of_the_candidate_counts_once_or_never():
    names = (
        "distinct_1", "ttr", "loss", "ainex", "integrity", "integrity_published",
        "drift_relative", "explained", "zipf",
    )  # fmt: skip
    measured = {name: {"value": 0.5, "low": 0.5, "high": 0.5} for name in names}
    null = [dict.fromkeys(names, 1.0 + e) for e in np.linspace(-0.02, 0.02, 20)]
    kept = findings(measured, bands_of(null, 100), 0.05)
    assert [item.metric for item in kept] == ["distinct_1", "integrity", "zipf"]


def test_undefined_metrics_are_left_out():
    measured = {"spread": {"value": None, "low": None, "high": None},
                "nowhere": {"value": 1.0, "low": None, "high": None}}  # fmt: skip
    assert findings(measured, bands_of(NULL, 100), 0.05) == ()
    assert judge((), DEFAULTS, away=False) == (None, ())
