"""Which metric warns first: by hand, what copies change, how often it is for nothing."""

import numpy as np
import pytest

from palimpsest.core.errors import MetricError
from palimpsest.metrics.registry import REGISTRY
from palimpsest.statistics.null_band import null_band
from palimpsest.trajectory.alarms import find_alarms
from palimpsest.trajectory.curves import Curve, Trajectory
from tests.trajectory.chains import band, chain

NULL = {"low": -2.0, "high": 2.0, "samples": 20, "mean": 0.0, "sd": 1.0}


def alarms_of(null=None, level=0.05, metrics=None, **curves):
    null = null or dict.fromkeys(curves, NULL)
    return find_alarms(Trajectory.from_scorecards(chain(null, **curves)), metrics, level)


def test_the_second_generation_outside_by_hand():
    (alarm,) = alarms_of(volume=[0, 1, -9, 1, -9, -8, -9])
    assert (alarm.metric, alarm.generation, alarm.side) == ("volume", 5, "below")


def test_the_p_value_of_a_pair_is_that_of_its_likelier_half():
    # t = 2.093 is the 97.5th percentile of 19 degrees of freedom; a new draw adds sqrt(1 + 1/20)
    x = 2.093 * np.sqrt(1.05)
    (alarm,) = alarms_of(volume=[0, x, 9])
    assert alarm.p_value == pytest.approx(0.05, abs=1e-4)


def test_alternating_sides_are_no_departure():
    (alarm,) = alarms_of(volume=[0, 9, -9, 9, -9])
    assert (alarm.generation, alarm.side) == (None, None)


def test_the_corpus_against_itself_never_counts():
    assert alarms_of(volume=[9, 9, 0, 0])[0].generation is None
    assert alarms_of(volume=[9, 9, 9, 0])[0].generation == 2


def test_a_gap_breaks_the_row():
    scorecards = chain({"volume": NULL}, volume=[0, 9, 0, 9, 9])
    (alarm,) = find_alarms(
        Trajectory.from_scorecards([scorecards[0], scorecards[1], scorecards[3], scorecards[4]])
    )
    assert alarm.generation == 4


def test_the_earliest_warning_comes_first_and_silence_last():
    alarms = alarms_of(late=[0, 0, 0, 9, 9], early=[0, 9, 9, 9, 9], silent=[0, 0.1, 0.2, 0.1, 0.3])
    assert [alarm.metric for alarm in alarms] == ["early", "late", "silent"]
    assert alarms[-1].p_value == pytest.approx(0.92, abs=0.02)


def test_a_longer_chain_begins_with_the_alarms_of_a_shorter():
    values = [0, 1, 2.2, 2.4, 2.6, 4, 5, 6]
    when = [alarms_of(volume=values[:n], quiet=[0.0] * n)[0].generation for n in range(3, 9)]
    fired = [generation for generation in when if generation is not None]
    assert len(set(fired)) == 1
    assert when == [None] * (fired[0] - 2) + fired


def test_so_it_does_where_two_metrics_differ_later_only():
    """Up to g02 they count as one, and leave the weak one, of p 0.02, below 1/2 · 0.05."""
    weak = 2.5394831906 * np.sqrt(1.05)
    one, other = [0, 0.1, 0.1, 0.1, 0.1], [0, 0.1, 0.1, 0.5, 0.5]
    curves = {"weak": [0, weak, weak, weak, weak], "one": one, "other": other}
    for length in (3, 4, 5):
        alarms = alarms_of(**{name: values[:length] for name, values in curves.items()})
        assert (alarms[0].metric, alarms[0].generation) == ("weak", 2)


def test_control_over_metrics_silences_a_weak_departure_among_many():
    weak = [0, 2.3, 2.3]
    assert alarms_of(weak=weak)[0].generation == 2
    crowd = {f"quiet{i}": [0.0, 0.0, 0.0] for i in range(20)}
    generations = {alarm.metric: alarm.generation for alarm in alarms_of(weak=weak, **crowd)}
    assert generations["weak"] is None


def test_a_null_without_spread_has_the_resolution_of_a_document():
    null = null_band([0.0] * 20, resolution=1 / 500).as_dict()
    (alarm,) = alarms_of({"duplicates": null}, duplicates=[0, 0.002, 0.002, 0.02, 0.02])
    assert (alarm.generation, alarm.side) == (4, "above")


def test_collapse_to_a_point_alarms():
    (alarm,) = alarms_of({"volume": band(0.3, 0.4)}, volume=[0.35, 0, 0])
    assert (alarm.generation, alarm.side) == (2, "below")


def test_nothing_to_watch():
    assert alarms_of({"drift": NULL}, volume=[1, 2, 3]) == ()
    assert find_alarms(Trajectory.from_scorecards(chain(volume=[1, 2, 3]))) == ()
    assert alarms_of(volume=[1.0]) == ()
    assert alarms_of(volume=[0.0, 9.0]) == ()
    assert alarms_of(volume=[0, 9, 9], metrics=["drift"]) == ()


@pytest.mark.parametrize("level", [0.0, 1.0, float("nan")])
def test_level_out_of_range(level):
    with pytest.raises(MetricError, match="alarm level"):
        alarms_of(volume=[0, 9, 9], level=level)


def test_metrics_of_the_model_have_no_null_band_and_never_warn():
    null = {"volume": {"low": 0.9, "high": 1.1, "mean": 1.0, "sd": 0.05, "samples": 20}}
    scorecards = chain(null, volume=[1.0, 0.1, 0.1, 0.1], nc1_cdnv=[1.0, 1e9, 1e9, 1e9])
    alarms = find_alarms(Trajectory.from_scorecards(scorecards))
    assert [alarm.metric for alarm in alarms] == ["volume"]


# --- copies ---


def test_what_the_registry_calls_a_copy_or_no_evidence_is_not_watched():
    names = ("integrity", "ainex", "loss", "integrity_published", "explained")
    assert {REGISTRY[name].alias_of for name in names[1:4]} == {"integrity"}
    assert not REGISTRY["explained"].tested
    alarms = alarms_of(**{name: [0, 9, 9] for name in names})
    assert [alarm.metric for alarm in alarms] == ["integrity"]


def straight_line_of(values, null, factor, shift):
    """A metric that is shift + factor · another, and its null band."""
    ends = sorted(shift + factor * null[end] for end in ("low", "high"))
    moved = {"low": ends[0], "high": ends[1], "mean": shift + factor * null["mean"],
             "sd": abs(factor) * null["sd"], "samples": null["samples"]}  # fmt: skip
    return [shift + factor * value for value in values], moved


FACTORS = (1.0, 2.0, -1.0, 100.0, 1e-6, -0.3, 7.0, 1 / 3)


def test_eight_copies_of_a_strong_departure_carry_no_weak_one_along():
    """By Benjamini–Hochberg over 10 metrics two discoveries have p ≤ 2/10 · 0.05 = 0.01; over 18
    of which nine are strong, ten have p ≤ 10/18 · 0.05 = 0.028. The weak one has 0.02.
    """
    # 98th percentile of both sides together of t with 19 degrees of freedom
    weak = 2.5394831906 * np.sqrt(1.05)
    curves = {"strong": [0, 9.0, 9.5, 10.0], "weak": [0, weak, weak, weak]}
    curves |= {f"quiet{at}": [0, 0.1 * at, 0.1 * at, 0.1 * at] for at in range(8)}
    null = dict.fromkeys(curves, NULL)
    alone = alarms_of(null, **curves)
    by_name = {alarm.metric: alarm for alarm in alone}
    assert by_name["weak"].p_value == pytest.approx(0.02)
    assert by_name["weak"].generation is None
    assert by_name["strong"].generation == 2

    copies = {f"copy{at}": straight_line_of(curves["strong"], NULL, factor, 3.0 + at)
              for at, factor in enumerate(FACTORS)}  # fmt: skip
    together = alarms_of(
        null | {name: moved for name, (_, moved) in copies.items()},
        **curves, **{name: values for name, (values, _) in copies.items()},
    )  # fmt: skip
    assert tuple(alarm for alarm in together if alarm.metric not in copies) == alone
    own = {alarm.metric: alarm for alarm in together if alarm.metric in copies}
    assert {alarm.generation for alarm in own.values()} == {2}
    sides = [own[f"copy{at}"].side for at in range(len(FACTORS))]
    assert sides == ["above" if factor > 0 else "below" for factor in FACTORS]
    # others that depart as strongly do carry it along: it is the copies that do not count
    others = {f"other{at}": [0, 8.0 + at, 8.0 + at, 8.0 + at] for at in range(8)}
    crowd = alarms_of(null | dict.fromkeys(others, NULL), **curves, **others)
    assert {alarm.metric: alarm.generation for alarm in crowd}["weak"] == 2


def test_eight_copies_of_a_quiet_metric_silence_no_weak_departure():
    """Alone with it the weak one of p 0.02 is found (1/2 · 0.05), as one of ten it is not."""
    weak = 2.5394831906 * np.sqrt(1.05)
    curves = {"weak": [0, weak, weak], "quiet": [0, 0.3, -0.4]}
    null = dict.fromkeys(curves, NULL)
    for at, factor in enumerate(FACTORS):
        curves[f"copy{at}"], null[f"copy{at}"] = straight_line_of(
            curves["quiet"], NULL, factor, 3.0 + at
        )
    generations = {alarm.metric: alarm.generation for alarm in alarms_of(null, **curves)}
    assert generations.pop("weak") == 2
    assert set(generations.values()) == {None}


# --- generations with a null band of their own ---


def test_a_generation_of_few_words_is_held_against_its_own_band():
    """It reads 1, as human texts do; but human texts of as few words read 12 to 16."""
    scorecards = chain({"distinct_2": NULL}, distinct_2=[0, 0.0, 1.0, 1.0, 1.0])
    short = {"low": 12.0, "high": 16.0, "samples": 20, "mean": 14.0, "sd": 1.0}
    assert find_alarms(Trajectory.from_scorecards(scorecards))[0].generation is None
    scorecards[2]["null"] = scorecards[3]["null"] = {"distinct_2": short}
    (alarm,) = find_alarms(Trajectory.from_scorecards(scorecards))
    assert (alarm.metric, alarm.generation, alarm.side) == ("distinct_2", 3, "below")
    # t = 13 / √1.05 with 19 degrees of freedom
    assert alarm.p_value == pytest.approx(1.0065e-10, rel=1e-3)


def test_few_words_alone_are_no_alarm():
    scorecards = chain({"distinct_2": NULL}, distinct_2=[0, 0.0, 14.0, 14.0, 1.0])
    assert find_alarms(Trajectory.from_scorecards(scorecards))[0].generation == 3
    short = {"low": 12.0, "high": 16.0, "samples": 20, "mean": 14.0, "sd": 1.0}
    scorecards[2]["null"] = scorecards[3]["null"] = {"distinct_2": short}
    (alarm,) = find_alarms(Trajectory.from_scorecards(scorecards))
    assert (alarm.generation, alarm.side) == (None, None)


def test_a_pair_may_have_one_band_of_its_own():
    # above the usual band at g02, below its own at g03: no side in common
    short = {"low": 12.0, "high": 16.0, "samples": 20, "mean": 14.0, "sd": 1.0}
    for values, generation in (([0, 0.0, 9.0, 9.0], None), ([0, 0.0, -9.0, 9.0], 3)):
        scorecards = chain({"distinct_2": NULL}, distinct_2=values)
        scorecards[3]["null"] = {"distinct_2": short}
        (alarm,) = find_alarms(Trajectory.from_scorecards(scorecards))
        assert alarm.generation == generation


# --- false alarms ---


def test_chains_of_human_text_rarely_raise_an_alarm():
    """Of 200 chains of 20 generations in which 30 independent metrics vary as human samples do.

    A pair of generations lies outside a band on one side 2 · 0.025² of the time, in 19 pairs and
    30 metrics 0.7 times a chain; without control over metrics most chains would raise an alarm.
    """
    rng, raised, uncontrolled = np.random.default_rng(0), 0, 0
    names = [f"metric{at:02d}" for at in range(30)]
    unknown = np.full(21, np.nan)
    for _ in range(200):
        null = {name: null_band(rng.normal(size=20).tolist()) for name in names}
        curves = {name: Curve(rng.normal(size=21), unknown, unknown) for name in names}
        trajectory = Trajectory(np.arange(21), np.full(21, 500), curves, null)
        raised += find_alarms(trajectory)[0].generation is not None
        outside = {
            name: [not null[name].holds(value) for value in curve.value.tolist()]
            for name, curve in curves.items()
        }
        uncontrolled += any(
            own[at] and own[at + 1] for own in outside.values() for at in range(1, 20)
        )
    assert raised / 200 <= 0.05
    assert uncontrolled / 200 > 0.5


def test_metrics_that_never_moved_are_no_copies_of_each_other():
    """Ten of p 1 beside one of p 0.02: eleven tests, so it does not stand out."""
    weak = 2.5394831906 * np.sqrt(1.05)
    still = {f"still_{at}": [0, 0, 0] for at in range(10)}
    alarms = {alarm.metric: alarm.generation for alarm in alarms_of(weak=[0, weak, weak], **still)}
    assert alarms["weak"] is None
