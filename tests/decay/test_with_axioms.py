"""Cards get what only a row of generations shows."""

from typing import Any

from palimpsest.decay.trajectory import with_axioms

LIE = ["Korholm", "lies on", "the Vey"]


def card(number: int, *untrue: list[str]) -> dict[str, Any]:
    metrics = {"truth": {"value": 0.5, "low": None, "high": None}}
    return {"generation": number, "metrics": metrics, "untrue": list(untrue)}


def test_a_statement_held_for_three_generations_is_an_axiom() -> None:
    """By hand: the lie is 1, 2, 3 generations old, and a law in the third; then it is gone."""
    cards = [card(0, LIE), card(1, LIE), card(2, LIE), card(3)]
    extended = with_axioms(cards)
    values = [(c["metrics"]["axioms"], c["metrics"]["axiom_age"]) for c in extended]
    assert [(laws["value"], age["value"]) for laws, age in values] == [
        (0, 1),
        (0, 2),
        (1, 3),
        (0, 0),
    ]
    assert all("axioms" not in one["metrics"] for one in cards)


def test_without_a_ledger_the_cards_stay_as_they_are() -> None:
    cards = [{"generation": 0, "metrics": {"volume": {"value": 1.0}}, "untrue": []}]
    assert with_axioms(cards) == cards
    assert with_axioms([]) == []
