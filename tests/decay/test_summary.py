import json
import math

import pytest

from palimpsest.decay.summary import auc, half_life, headline, numbers, summarise
from palimpsest.decay.trajectory import Trajectory
from tests.decay.chains import chain, published, rich


def numbers_of(cards):
    return numbers(summarise(Trajectory.from_cards(cards)))


def test_half_life_and_auc_by_hand():
    trajectory = Trajectory.from_cards(chain(integrity=[1.0, 0.75, 0.25]))
    assert half_life(trajectory) == pytest.approx(1.5)
    assert auc(trajectory) == pytest.approx(0.5)


def test_published_curve():
    found = numbers_of(published())
    assert found["integrity"] == pytest.approx(0.0908, abs=1e-4)
    assert found["loss"] == pytest.approx(90.9, abs=0.05)
    assert found["half_life"] == pytest.approx(0.869, abs=1e-3)
    assert found["auc"] == pytest.approx(0.2440, abs=1e-4)
    assert found["phase_change"] == 3
    assert (found["volume"], found["drift"]) == (0.032, 0.113)
    g05 = Trajectory.from_cards(published()).curve("integrity").value[5]
    assert g05 == pytest.approx(0.376, abs=1e-3)


@pytest.mark.parametrize("cards", [rich(), rich(2), rich(1), rich(8, extinct=3), published()])
def test_at_most_25_json_numbers(cards):
    found = numbers_of(cards)
    assert len(found) <= 25
    assert json.loads(json.dumps(found, allow_nan=False)) == found
    assert all(isinstance(value, int | float | str | None) for value in found.values())


def test_the_headline_is_what_fits_a_terminal():
    found = headline(summarise(Trajectory.from_cards(rich())))
    every = numbers_of(rich())
    assert list(found) == ["integrity", "perplexity", "distinct_2", "facts", "truth"]
    assert found["facts"] == every["fact_coverage_last"] < every["fact_coverage_first"]
    assert "truth" not in headline(summarise(Trajectory.from_cards(published())))


def test_the_first_alarm_is_named():
    found = numbers_of(rich())
    assert (found["alarm_generation"], found["alarm_metric"]) == (2, "fact_coverage")


def test_what_no_generation_has_is_left_out():
    found = numbers_of(published())
    assert not {"truth", "alarm_metric", "integrity_low", "perplexity_heldout_last"} & set(found)


def test_what_is_undefined_at_the_end_is_none():
    assert numbers_of(chain(volume=[1.0, None], truth=[0.9, None]))["truth"] is None


def test_an_intact_chain_has_no_half_life_and_no_alarm():
    cards = chain({"integrity": {"low": 0.9, "high": 1.1, "samples": 20}}, integrity=[1.0] * 5)
    found = numbers_of(cards)
    assert (found["half_life"], found["alarm_metric"], found["auc"]) == (None, None, 1.0)


def test_a_dead_chain_reads_as_dead():
    found = numbers_of(rich(8, extinct=3))
    assert (found["integrity"], found["volume"]) == (0.0, 0.0)
    assert found["auc"] < 0.2


def test_one_generation_has_no_auc():
    trajectory = Trajectory.from_cards(chain(integrity=[1.0]))
    assert auc(trajectory) is None
    assert half_life(trajectory) is None


def test_the_numbers_has_six_digits():
    found = numbers_of(chain(integrity=[1.0, 2 / 3], volume=[1.0, 2 / 3]))
    assert found["integrity"] == 0.666667
    assert not math.isclose(found["integrity"], 2 / 3, rel_tol=1e-9)
