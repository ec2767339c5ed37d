"""Scorecards get what only a row of generations shows."""

from typing import Any

from palimpsest.trajectory.curves import with_axioms

LIE = ["Korholm", "lies on", "the Vey"]


def scorecard(number: int, *untrue: list[str]) -> dict[str, Any]:
    metrics = {"truth": {"value": 0.5, "low": None, "high": None}}
    return {"generation": number, "metrics": metrics, "untrue": list(untrue)}


def test_a_statement_held_for_three_generations_is_an_axiom() -> None:
    """By hand: the lie is 1, 2, 3 generations old, and a law in the third; then it is gone."""
    scorecards = [scorecard(0, LIE), scorecard(1, LIE), scorecard(2, LIE), scorecard(3)]
    extended = with_axioms(scorecards)
    values = [(c["metrics"]["axioms"], c["metrics"]["axiom_age"]) for c in extended]
    assert [(laws["value"], age["value"]) for laws, age in values] == [
        (0, 1),
        (0, 2),
        (1, 3),
        (0, 0),
    ]
    assert all("axioms" not in one["metrics"] for one in scorecards)


def test_without_a_ledger_the_scorecards_stay_as_they_are() -> None:
    scorecards = [{"generation": 0, "metrics": {"volume": {"value": 1.0}}, "untrue": []}]
    assert with_axioms(scorecards) == scorecards
    assert with_axioms([]) == []
