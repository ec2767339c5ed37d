"""Scorecards of the workspace: they belong to the small files, or are refused."""

import json

import pytest

from palimpsest.core.errors import ComparisonError, PalimpsestError
from palimpsest.experiments.comparison import Run
from palimpsest.experiments.scorecards import checked, scorecards


def entry(value, low=None, high=None):
    return {"value": value, "low": low, "high": high}


def score(root, full, **more):
    folder = root / "data" / "scores" / "g05"
    folder.mkdir(parents=True, exist_ok=True)
    card = {"metrics": {"volume": entry(full)}, **more}
    (folder / "scorecard.json").write_text(json.dumps(card))


def run(small):
    return Run("workspace", {}, {5: {"volume": small}})


def test_they_are_those_of_the_small_files(tmp_path):
    assert scorecards(tmp_path, run(0.3)) == {}
    score(tmp_path, 0.262)
    # rounded, as the small files are
    assert scorecards(tmp_path, run(0.26201))[5]["metrics"]["volume"]["value"] == 0.262
    for small, full in ((0.3, 0.262), (None, 0.262), (0.262, None), (0.2621, 0.262)):
        score(tmp_path, full)
        with pytest.raises(ComparisonError, match=r"^g05, volume: want .* in data/scores, as in"):
            scorecards(tmp_path, run(small))
    score(tmp_path, None)
    assert scorecards(tmp_path, run(None))[5]["metrics"]["volume"]["value"] is None


def test_one_that_cannot_be_read_is_named(tmp_path):
    score(tmp_path, 1.0)
    (tmp_path / "data/scores/g05/scorecard.json").write_text("{")
    with pytest.raises(PalimpsestError, match=r"scorecard\.json: want valid JSON"):
        scorecards(tmp_path, run(1.0))


@pytest.mark.parametrize(
    "card",
    [
        None,
        [],
        {},
        {"metrics": []},
        {"metrics": {"a": 1}},
        {"metrics": {"a": {"value": "1"}}},
        {"metrics": {"a": {"value": True}}},
        {"metrics": {"a": entry(1, "0", 2)}},
        {"metrics": {"a": entry(1, 0, None)}},
        {"metrics": {"a": entry(1, 2, 0)}},
    ],
)
def test_what_is_no_scorecard_is_refused(card):
    with pytest.raises(ComparisonError, match=r"^a\.json: want metrics with values, got others"):
        checked(card, "a.json")


@pytest.mark.parametrize("null", [[1], {"a": 1}, {"a": {"low": 0}}, {"a": {"low": 2, "high": 1}}])
def test_bands_that_are_none_are_refused(null):
    with pytest.raises(ComparisonError, match=r"want null bands from low to high, got others"):
        checked({"metrics": {}, "null": null}, "a.json")


def test_a_scorecard_may_lack_bands_and_entries():
    card = checked({"metrics": {"a": None, "b": entry(1, 0, 2)}}, "a.json")
    assert card["null"] == {}
