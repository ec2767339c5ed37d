import json
import math

import pytest

from palimpsest.trajectory.curves import Trajectory
from palimpsest.trajectory.summary import auc, half_life, headline, numbers, summarise
from tests.trajectory.chains import band, chain, published, rich


def numbers_of(scorecards):
    return numbers(summarise(Trajectory.from_scorecards(scorecards)))


def test_half_life_and_auc_by_hand():
    trajectory = Trajectory.from_scorecards(chain(integrity=[1.0, 0.75, 0.25]))
    assert half_life(trajectory) == pytest.approx(1.5)
    assert auc(trajectory) == pytest.approx(0.5)


def test_the_half_life_counts_generation_0_where_it_is_comparable_and_only_there():
    # from 1 to 0.2, 0.5 is 5/8 of the way
    curve, null = [1.0, 0.2, 0.4], {"integrity": band(0.9, 1.1)}
    assert half_life(Trajectory.from_scorecards(chain(null, integrity=curve))) == 0.625
    assert half_life(Trajectory.from_scorecards(chain(integrity=curve))) == 1.0
    assert half_life(Trajectory.from_scorecards(chain(integrity=[0.2, 0.9, 0.6]))) is None


def test_published_curve():
    """Its generation 0 is in-sample: the chain is first comparable at g01, with 0.425 left."""
    shown = numbers_of(published())
    assert shown["integrity"] == pytest.approx(0.0908, abs=1e-4)
    assert shown["loss"] == pytest.approx(90.9, abs=0.05)
    assert shown["half_life"] == 1.0
    assert shown["auc"] == pytest.approx(0.2440, abs=1e-4)
    assert shown["phase_change"] == 11
    assert (shown["volume"], shown["drift"]) == (0.032, 0.113)
    g05 = Trajectory.from_scorecards(published()).curve("integrity").value[5]
    assert g05 == pytest.approx(0.376, abs=1e-3)
    comparable = numbers_of(published({"volume": band(0.32, 0.365)}))
    assert comparable["half_life"] == pytest.approx(0.869, abs=1e-3)
    assert comparable["phase_change"] is None


@pytest.mark.parametrize("scorecards", [rich(), rich(2), rich(1), rich(8, extinct=3), published()])
def test_at_most_25_json_numbers(scorecards):
    shown = numbers_of(scorecards)
    assert len(shown) <= 25
    assert json.loads(json.dumps(shown, allow_nan=False)) == shown
    assert all(isinstance(value, int | float | str | None) for value in shown.values())


def test_the_headline_is_what_fits_a_terminal():
    shown = headline(summarise(Trajectory.from_scorecards(rich())))
    every = numbers_of(rich())
    assert list(shown) == ["integrity", "perplexity", "distinct_2", "facts", "truth"]
    assert shown["facts"] == every["fact_coverage_last"] < every["fact_coverage_first"]
    assert "truth" not in headline(summarise(Trajectory.from_scorecards(published())))


def test_the_first_alarm_is_named():
    shown = numbers_of(rich())
    assert (shown["alarm_generation"], shown["alarm_metric"]) == (2, "fact_coverage")


def test_what_no_generation_has_is_left_out():
    shown = numbers_of(published())
    assert not {"truth", "alarm_metric", "integrity_low", "perplexity_heldout_last"} & set(shown)


def test_what_is_undefined_at_the_end_is_none():
    assert numbers_of(chain(volume=[1.0, None], truth=[0.9, None]))["truth"] is None


def test_an_intact_chain_has_no_half_life_and_no_alarm():
    scorecards = chain({"integrity": band(0.9, 1.1)}, integrity=[1.0] * 5)
    shown = numbers_of(scorecards)
    assert (shown["half_life"], shown["alarm_metric"], shown["auc"]) == (None, None, 1.0)


def test_a_dead_chain_reads_as_dead():
    shown = numbers_of(rich(8, extinct=3))
    assert (shown["integrity"], shown["volume"]) == (0.0, 0.0)
    assert shown["auc"] < 0.2


def test_one_generation_has_no_auc():
    trajectory = Trajectory.from_scorecards(chain(integrity=[1.0]))
    assert auc(trajectory) is None
    assert half_life(trajectory) is None


def test_the_numbers_have_six_digits():
    shown = numbers_of(chain(integrity=[1.0, 2 / 3], volume=[1.0, 2 / 3]))
    assert shown["integrity"] == 0.666667
    assert not math.isclose(shown["integrity"], 2 / 3, rel_tol=1e-9)
