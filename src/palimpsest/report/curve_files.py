"""The files that `dvc plots` draws: a CSV for each curve, its interval and null band beside it."""

import csv
import io
from collections.abc import Mapping, Sequence

import numpy as np

from palimpsest.metrics.registry import shown_in
from palimpsest.trajectory.curves import Scorecard, Trajectory, custom_names, number

COLUMNS = (
    "generation", "value", "low", "high", "null_low", "null_high",
    "control", "difference", "difference_low", "difference_high",
)  # fmt: skip
"""Value with interval, the null band there, the control chain's value, and the difference to it."""

Row = Mapping[str, float | int | None]


def curve_rows(trajectory: Trajectory, name: str) -> list[Row]:
    """One row for every generation that has a value; None for what it lacks beside it."""
    curve = trajectory.curve(name)
    difference = trajectory.difference(name)
    columns = {
        "value": curve.value,
        "low": curve.low,
        "high": curve.high,
        "control": trajectory.of_control(name).value,
        "difference": difference.value,
        "difference_low": difference.low,
        "difference_high": difference.high,
    }
    rows: list[Row] = []
    for at in np.flatnonzero(curve.known).tolist():
        band = trajectory.band(name, at)
        rows.append(
            {
                "generation": int(trajectory.generations[at]),
                **{key: number(values[at]) for key, values in columns.items()},
                "null_low": band.low if band else None,
                "null_high": band.high if band else None,
            }
        )
    return rows


def to_csv(rows: Sequence[Row]) -> str:
    """Rows as CSV text with a header, numbers in full precision, None as an empty cell."""
    buffer = io.StringIO()
    writer = csv.DictWriter(buffer, COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return buffer.getvalue()


def curve_files(trajectory: Trajectory, scorecards: Sequence[Scorecard] = ()) -> dict[str, str]:
    """File name -> CSV text for every metric that the registry plots; only a header where nothing
    is known.

    Args:
        trajectory: the chain.
        scorecards: what it was made from; the project's own metrics in them get a file each, too.
    """
    names = dict.fromkeys([*shown_in("plot"), *custom_names(scorecards)])
    return {f"{name}.csv": to_csv(curve_rows(trajectory, name)) for name in names}
