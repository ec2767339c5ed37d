"""A comparison as the page's script draws it: every metric, by variant and generation."""

import math
from collections.abc import Sequence
from typing import Any

from palimpsest.experiments.comparison import Variant
from palimpsest.experiments.comparison_rows import COLUMNS, compared_rows, generations
from palimpsest.metrics.registry import REGISTRY, metric
from palimpsest.report.curve_data import metric_words

OF_A_ROW = COLUMNS[3:]
"""What a row says of a variant's metric, behind its generation."""
DIGITS = 6
"""Significant digits: more than a chart shows, few enough for a page that is sent by mail."""


def letter(at: int) -> str:
    """What a variant is called in charts and tables, by its place: A to Z, then AA, AB and on."""
    return (letter(at // 26 - 1) if at > 25 else "") + chr(ord("A") + at % 26)


def comparison_data(
    compared: Sequence[Variant], control: Variant, shown: Sequence[str], generation: int
) -> dict[str, Any]:
    """All metrics that any chain has, in the registry's order, those of the project last.

    Args:
        compared: the variants.
        control: which of them the others are held against.
        shown: the chief metrics.
        generation: at which they are compared.

    Returns:
        ``generation``; ``variants``: letter, label, number of chains, whether it is the control;
        ``columns`` of a row; ``metrics``: for each its words, for each variant its rows and its
        chains' own values. No number is NaN: what is not known is None.
    """
    table: dict[tuple[str, str], list[list[Any]]] = {}
    for row in compared_rows(compared, control):
        cells = [row["generation"], *(_short(row[column]) for column in OF_A_ROW)]
        table.setdefault((row["variant"], row["metric"]), []).append(cells)
    known = {name for _, name in table}
    ordered = [*(name for name in REGISTRY if name in known), *sorted(known - REGISTRY.keys())]
    return {
        "generation": generation,
        "variants": [
            {
                "letter": letter(at),
                "label": variant.label,
                "chains": len(variant.runs),
                "control": variant is control,
            }
            for at, variant in enumerate(compared)
        ],
        "columns": ["generation", *OF_A_ROW],
        "metrics": [
            {
                **metric_words(metric(name)),
                "chief": name in shown,
                "rows": [table.get((variant.label, name), []) for variant in compared],
                "runs": [_own_values(variant, name) for variant in compared],
            }
            for name in ordered
        ],
    }


def _own_values(variant: Variant, name: str) -> list[dict[str, Any]]:
    """The metric of every chain, by generation."""
    numbers = generations(variant)
    return [
        {"name": run.name, "values": [[g, _short(run.value(name, g))] for g in numbers]}
        for run in variant.runs.values()
    ]


def _short(value: Any) -> Any:
    if not isinstance(value, float):
        return value
    return float(f"{value:.{DIGITS}g}") if math.isfinite(value) else None
