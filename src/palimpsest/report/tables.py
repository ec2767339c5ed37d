"""The tables that `dvc plots` draws: one CSV a curve, its interval and null band beside it."""

import csv
import io
from collections.abc import Mapping, Sequence

import numpy as np

from palimpsest.decay.trajectory import Card, Trajectory, custom_names, number

COLUMNS = (
    "generation", "value", "low", "high", "null_low", "null_high",
    "lineage", "difference", "difference_low", "difference_high",
)  # fmt: skip
"""Value with interval, null band, the null lineage's value, and the difference to it."""
PLOTS = (
    "integrity",
    "loss",
    "volume",
    "drift",
    "dispersion",
    "compression",
    "outlier",
    "perplexity_heldout",
    "distinct_2",
    "duplicates",
    "fact_coverage",
    "truth",
    "nc1_cdnv",
    "nc2_etf_error",
    "gnc2_log",
    "nc3_dual_error",
    "nc4_agreement",
    "crowding",
    "entanglement",
    "synonym_gap",
    "synonym_separation",
)
"""The curves that get a CSV, whether the corpus has them or not: dvc.yaml names the files."""

Row = Mapping[str, float | int | None]


def curve_rows(trajectory: Trajectory, name: str) -> list[Row]:
    """One row for every generation that has a value; None for what it lacks beside it."""
    curve, band = trajectory.curve(name), trajectory.null.get(name)
    difference = trajectory.difference(name)
    columns = {
        "value": curve.value,
        "low": curve.low,
        "high": curve.high,
        "lineage": trajectory.of_lineage(name).value,
        "difference": difference.value,
        "difference_low": difference.low,
        "difference_high": difference.high,
    }
    return [
        {
            "generation": int(trajectory.generations[at]),
            **{key: number(values[at]) for key, values in columns.items()},
            "null_low": band.low if band else None,
            "null_high": band.high if band else None,
        }
        for at in np.flatnonzero(curve.known)
    ]


def to_csv(rows: Sequence[Row]) -> str:
    """Rows as CSV text with a header, numbers in full precision, None as an empty cell."""
    buffer = io.StringIO()
    writer = csv.DictWriter(buffer, COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return buffer.getvalue()


def tables(trajectory: Trajectory, cards: Sequence[Card] = ()) -> dict[str, str]:
    """File name -> CSV text for every curve of `PLOTS`; only a header where nothing is known.

    Args:
        trajectory: the chain.
        cards: what it was made from; the project's own metrics in them get a file each, too.
    """
    names = dict.fromkeys([*PLOTS, *custom_names(cards)])
    return {f"{name}.csv": to_csv(curve_rows(trajectory, name)) for name in names}
