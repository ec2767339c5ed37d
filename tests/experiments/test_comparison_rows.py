"""Rows and sentences of a comparison: by hand, and what must be known before concluding."""

import pytest

from palimpsest.experiments.comparison import Run, variants
from palimpsest.experiments.comparison_rows import (
    COLUMNS,
    Comparison,
    cautions,
    compared_rows,
    generations,
    measured_at,
)


def run(seed, kind, *values, **more):
    parameters = {"seed": seed, "seeds.generate": more.get("generate"), "regime.kind": kind}
    return Run(f"{kind}{seed}", parameters, {g: {"x": value} for g, value in enumerate(values)})


PAIRS = variants([
    run(0, "replace", 1.0, 0.4), run(1, "replace", 1.0, 0.6),
    run(0, "fresh", 1.0, 0.9), run(1, "fresh", 1.0, 1.0, 1.0),
])  # fmt: skip


def test_a_row_is_a_variant_at_a_generation():
    rows = compared_rows(PAIRS, PAIRS[0])
    assert all(tuple(row) == COLUMNS for row in rows)
    assert [(row["variant"][12:], row["generation"]) for row in rows] == [
        ("replace", 0), ("replace", 1), ("fresh", 0), ("fresh", 1), ("fresh", 2),
    ]  # fmt: skip
    row = rows[3]
    assert (row["chains"], row["pairs"]) == (2, 2)
    assert row["mean"] == pytest.approx(0.95)
    assert row["difference"] == pytest.approx(0.45)
    # 0.5 and 0.4: standard error 0.05, t(0.975, 1) = 12.7062
    assert row["difference_high"] == pytest.approx(0.45 + 0.05 * 12.7062, rel=1e-4)
    assert (rows[4]["chains"], rows[4]["pairs"], rows[4]["difference"]) == (1, 0, None)


def test_generations_and_metrics_are_those_of_any_chain():
    assert generations(PAIRS[1]) == [0, 1, 2]
    assert measured_at(PAIRS, 2) == ["x"]
    assert measured_at(PAIRS, 3) == []


def test_integrity_is_at_the_top_if_it_is_shown():
    assert Comparison(PAIRS, PAIRS[0], 1, ["drift", "integrity"]).first == "integrity"
    assert Comparison(PAIRS, PAIRS[0], 1, ["drift", "truth"]).first == "drift"


def test_what_cannot_be_concluded_is_said():
    assert cautions(PAIRS, PAIRS[0]) == []
    (alone,) = cautions(PAIRS[:1] + variants([run(0, "mix", 1.0)]), PAIRS[0])
    assert alone.startswith("One chain is one draw: nothing can be concluded")
    assert "this variant with a single seed" in alone
    apart = variants([run(0, "replace", 1.0), run(1, "replace", 0.9),
                      run(2, "fresh", 1.0), run(3, "fresh", 0.9)])  # fmt: skip
    (few,) = cautions(apart, apart[0])
    assert few == "regime.kind=fresh: fewer than two seeds in common with the control"
    shared = variants([run(0, "replace", 1.0), run(0, "replace", 0.9, generate=5)])
    (line,) = cautions(shared, shared[0])
    assert line.startswith("Chains that share seeds.corpus, seeds.finetune are not independent")
