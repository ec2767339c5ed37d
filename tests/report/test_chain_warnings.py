"""Warnings of a chain: each once, with its generations; runs stay within a chain."""

from palimpsest.report.chain_warnings import chain_warnings, never_learned


def card(generation: int, *warnings: str) -> dict[str, object]:
    return {
        "generation": generation,
        "metrics": {},
        **({"warnings": list(warnings)} if warnings else {}),
    }


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


def test_a_first_model_that_knows_frequencies_alone_is_a_warning() -> None:
    # 100 ** 0.9 = 63.1: a tenth of ln 100 nats has been gained
    for perplexity, learned in ((120.0, False), (100.0, False), (64.0, False), (63.0, True)):
        assert (never_learned(perplexity, 100.0) is None) == learned
    said = never_learned(90.0, 100.0)
    assert said is not None
    assert "is 90, and 100 is what word frequencies alone reach" in said


def test_without_a_bar_nothing_is_said() -> None:
    assert never_learned(None, 100.0) is None
    assert never_learned(50.0, None) is None
    assert never_learned(1.0, 1.0) is None


def test_it_is_the_first_warning_of_a_chain() -> None:
    first = {**card(0, "a"), "metrics": {"perplexity_heldout": {"value": 99.0}}}
    said = chain_warnings([first], [], 100.0)
    assert said[0].startswith("The first model has not learned to write")
    assert said[1:] == ["g00: a"]
    assert chain_warnings([first], []) == ["g00: a"]
