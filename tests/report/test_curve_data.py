"""What the page's scripts draw: every metric with its words, its rows, its training curves."""

from palimpsest.metrics.registry import REGISTRY, metric
from palimpsest.report.curve_data import (
    FAMILY_TITLES,
    POINTS,
    curve_data,
    explanation,
    training_data,
)
from palimpsest.report.curve_files import COLUMNS, curve_rows
from palimpsest.trajectory.curves import Trajectory
from tests.trajectory.chains import chain, rich


def test_every_metric_of_the_chain_is_there_in_the_registry_s_order():
    trajectory = Trajectory.from_scorecards(rich(4))
    data = curve_data(trajectory)
    names = [one["name"] for one in data["metrics"]]
    assert names == [name for name in REGISTRY if name in trajectory]
    assert data["families"][0] == ["geometry", FAMILY_TITLES["geometry"]]
    assert {family for family, _ in data["families"]} == {one["family"] for one in data["metrics"]}


def test_the_rows_are_those_of_the_csv():
    trajectory = Trajectory.from_scorecards(rich(4))
    data = curve_data(trajectory)
    volume = next(one for one in data["metrics"] if one["name"] == "volume")
    expected = [list(row[key] for key in COLUMNS) for row in curve_rows(trajectory, "volume")]
    assert volume["rows"] == expected
    assert data["columns"] == COLUMNS


def test_a_metric_of_one_s_own_comes_last_and_is_chief():
    data = curve_data(Trajectory.from_scorecards(chain(mean_words=[7.0], volume=[1.0])))
    last = data["metrics"][-1]
    assert (last["name"], last["family"], last["chief"]) == ("mean_words", "custom", True)
    assert data["families"][-1] == ["custom", FAMILY_TITLES["custom"]]


def test_every_family_has_a_title_and_every_metric_an_explanation():
    for entry in REGISTRY.values():
        assert entry.family in FAMILY_TITLES
        assert entry.definition in explanation(entry)
    assert explanation(metric("volume")).endswith("Falls when text collapses.")
    assert explanation(metric("duplicates")).endswith("Rises when text collapses.")


def test_a_long_training_curve_is_shown_as_means():
    count = 3 * POINTS
    curve = {"step": [*range(count)], "loss_nats": [float(step) for step in range(count)]}
    (shown,) = training_data([{"name": "g00", "curve": curve}])
    assert shown["name"] == "g00"
    assert len(shown["loss"]) == POINTS
    assert shown["loss"][:2] == shown["step"][:2] == [1.0, 4.0]


def test_a_short_one_is_shown_whole_and_a_missing_one_not_at_all():
    curve = {"step": [1.0, 2.0, 3.0], "loss_nats": [2.0, None, 1.0]}
    none = {"step": [1.0], "loss_nats": [None]}
    shown = training_data(
        [{"name": "g00", "curve": curve}, {"name": "g01", "curve": None},
         {"name": "g02", "curve": none}]
    )  # fmt: skip
    assert shown == [
        {"name": "g00", "step": [1.0, 3.0], "loss": [2.0, 1.0]},
        {"name": "g02", "step": [], "loss": []},
    ]
