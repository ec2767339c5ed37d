"""Every metric of a chain as the page's scripts draw it: its words, and its numbers by generation.

The columns are those of plots/curves (`palimpsest.report.curve_files`), so that a CSV saved from
the page is the CSV of the folder.
"""

from collections.abc import Collection
from typing import Any

import numpy as np

from palimpsest.metrics.registry import FAMILIES, REGISTRY, Metric, metric, shown_in
from palimpsest.report.curve_files import COLUMNS, curve_rows
from palimpsest.trajectory.curves import Trajectory

FAMILY_TITLES = {
    "geometry": "Room",
    "spectrum": "Dimensions",
    "distribution": "Distance from human text",
    "text": "Wording",
    "likelihood": "Likelihood",
    "model": "Inside the model",
    "truth": "Facts",
    "lock_in": "Repetition over generations",
    "custom": "Of your own",
}
"""Family of metrics -> what its switch says."""
SIDES = {"down": "Falls when text collapses.", "up": "Rises when text collapses.", "none": ""}
POINTS = 300
"""Points of a training curve on the page, at the most: a longer one is shown as means of runs of
neighbouring steps."""


def explanation(entry: Metric) -> str:
    """What a metric measures and which way it moves, in a sentence or two."""
    return f"{entry.definition}. {SIDES[entry.direction]}".strip()


def metric_words(entry: Metric) -> dict[str, str]:
    """How a chart names and explains a metric."""
    return {
        "name": entry.name,
        "label": entry.label,
        "unit": entry.unit,
        "explained": explanation(entry),
        "source": "" if entry.source in ("here", "–", "") else entry.source,
    }


def curve_data(trajectory: Trajectory) -> dict[str, Any]:
    """All metrics that any generation has, in the registry's order, those of the project last.

    Returns:
        ``families``: [name, title] of those that occur; ``columns``: of a row; ``metrics``: for
        each its words, whether it is one of the chief ones, and its rows, a generation each.
    """
    custom = sorted(name for name in trajectory.curves if name not in REGISTRY)
    names = [name for name in REGISTRY if name in trajectory] + custom
    chief = {*shown_in("picture"), *custom}
    entries = [metric(name) for name in names]
    families = [
        [family, FAMILY_TITLES[family]]
        for family in (*FAMILIES, "custom")
        if any(entry.family == family for entry in entries)
    ]
    return {
        "families": families,
        "columns": COLUMNS,
        "metrics": [_entry(trajectory, entry, chief) for entry in entries],
    }


def _entry(trajectory: Trajectory, entry: Metric, chief: Collection[str]) -> dict[str, Any]:
    rows = curve_rows(trajectory, entry.name)
    return {
        **metric_words(entry),
        "family": entry.family,
        "chief": entry.name in chief,
        "rows": [[row[column] for column in COLUMNS] for row in rows],
    }


def training_data(trainings: Collection[dict[str, Any]]) -> list[dict[str, Any]]:
    """The training curves of all generations, thinned to what a picture can show.

    Args:
        trainings: ``{"name": "g00", "curve": columns or None}`` of each generation.

    Returns:
        Name, steps and mean losses (nats a token) of those that have a curve.
    """
    return [
        {"name": one["name"], **_thinned(one["curve"]["step"], one["curve"]["loss_nats"])}
        for one in trainings
        if one["curve"]
    ]


def _thinned(steps: list[float], losses: list[float | None]) -> dict[str, list[float | None]]:
    known = [(step, loss) for step, loss in zip(steps, losses, strict=True) if loss is not None]
    if not known:
        return {"step": [], "loss": []}
    x, y = np.array(known).T
    runs = np.array_split(np.arange(len(x)), min(POINTS, len(x)))
    means = ([float(column[run].mean()) for run in runs] for column in (x, y))
    step, loss = ([float(f"{value:.6g}") for value in column] for column in means)
    return {"step": [*step], "loss": [*loss]}
