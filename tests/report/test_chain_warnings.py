"""Warnings of a chain: each once, with its generations; runs stay within a chain."""

from palimpsest.report.chain_warnings import chain_warnings


def card(generation: int, *warnings: str) -> dict[str, object]:
    return {"generation": generation, **({"warnings": list(warnings)} if warnings else {})}


def test_a_warning_is_said_once_with_its_generations() -> None:
    chain = [card(0), card(1, "a", "b"), card(2, "a"), card(3, "a"), card(4), card(5, "a")]
    control = [chain[0], card(1, "a"), card(2, "b")]
    assert chain_warnings(chain, control) == ["g01 to g03, g05, n01: a", "g01, n02: b"]


def test_the_end_of_a_chain_and_the_start_of_its_control_are_no_neighbours() -> None:
    chain = [card(0, "a"), card(1, "a")]
    assert chain_warnings(chain, [chain[0], card(1, "a")]) == ["g00 to g01, n01: a"]
    assert chain_warnings(chain, []) == ["g00 to g01: a"]


def test_no_warning_is_nothing() -> None:
    assert chain_warnings([card(0), card(1)], []) == []
