import numpy as np
import pytest

from palimpsest.core.errors import MetricError
from palimpsest.trajectory.alarms import find_alarms
from palimpsest.trajectory.curves import Trajectory
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


def test_control_over_metrics_silences_a_weak_departure_among_many():
    weak = [0, 2.3, 2.3]
    assert alarms_of(weak=weak)[0].generation == 2
    crowd = {f"quiet{i}": [0.0, 0.0, 0.0] for i in range(20)}
    generations = {alarm.metric: alarm.generation for alarm in alarms_of(weak=weak, **crowd)}
    assert generations["weak"] is None


def test_a_null_without_spread_has_the_resolution_of_a_document():
    (alarm,) = alarms_of({"duplicates": band(0.0, 0.0)}, duplicates=[0, 0.002, 0.002, 0.02, 0.02])
    assert (alarm.generation, alarm.side) == (4, "above")


def test_collapse_to_a_point_alarms():
    (alarm,) = alarms_of({"volume": band(0.3, 0.4)}, volume=[0.35, 0, 0])
    assert (alarm.generation, alarm.side) == (2, "below")


def test_nothing_to_watch():
    assert alarms_of({"volume": band(1.0, 1.0, samples=1)}, volume=[1, 2, 3]) == ()
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
