"""The lives of made-up statements."""

from palimpsest.metrics.truth import axioms
from palimpsest.trajectory.false_statements import Life, lives

A, B, C = ("fox", "coat", "red"), ("fox", "call", "a hum"), ("owl", "diet", "seeds")


def cards(*untrue, truth=True):
    metrics = {"truth": {"value": 0.5}} if truth else {}
    return [
        {"generation": number, "metrics": metrics, "untrue": [list(one) for one in made]}
        for number, made in enumerate(untrue)
    ]


def test_a_life_begins_at_birth_and_runs_as_long_as_nothing_breaks_it():
    made = cards([A], [A, B], [B, C], [A, B], [A], [A], [A, C])
    assert lives(made) == [
        Life(A, (0, 1, 3, 4, 5, 6)),
        Life(B, (1, 2, 3)),
        Life(C, (2, 6)),
    ]
    assert [(one.born, one.run, one.law) for one in lives(made)] == [
        (0, 4, True), (1, 3, True), (2, 1, False),
    ]  # fmt: skip
    assert lives(made[::-1]) == lives(made)


def test_a_law_is_what_the_metric_counts():
    made = [[A, C], [A, B], [A, B], [B, C]]
    for last in range(1, len(made) + 1):
        alive = [one for one in lives(cards(*made[:last])) if one.generations[-1] == last - 1]
        counted = axioms(made[:last])
        assert counted["axioms"] == sum(one.law for one in alive)
        assert counted["axiom_age"] == max(one.run for one in alive)


def test_nothing_untrue_is_no_life_and_no_ledger_is_none():
    assert lives(cards([], [])) == []
    assert lives(cards([], [], truth=False)) is None
