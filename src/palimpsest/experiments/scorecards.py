"""The scorecards of the workspace: every metric with its interval, and the null bands.

DVC has them (data/scores), git does not, so they may be missing or of another run than the small
files under metrics/generations; then they do not count.
"""

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from palimpsest.core.errors import ComparisonError
from palimpsest.core.formatting import plain
from palimpsest.core.storage import read_json
from palimpsest.experiments.comparison import Run
from palimpsest.experiments.project import generation_name

FOLDER = Path("data", "scores")
FILE = "scorecard.json"


def scorecards(root: Path, run: Run) -> dict[int, Mapping[str, Any]]:
    """The scorecards that are there of a run of the workspace.

    Args:
        root: the project's folder.
        run: what `palimpsest.experiments.revisions.read_run` found in the workspace.

    Returns:
        Generation -> its scorecard; ``metrics`` has entries with a value or null, or null for one.

    Raises:
        ComparisonError: a scorecard has another form, or other values than the small file.
        PalimpsestError: one cannot be read.
    """
    cards: dict[int, Mapping[str, Any]] = {}
    for number, small in run.generations.items():
        path = root / FOLDER / generation_name(number) / FILE
        if not path.exists():
            continue
        cards[number] = card = checked(read_json(path), str(path))
        for name, value in small.items():
            full = (card["metrics"].get(name) or {}).get("value")
            if value != full and not (value and full and math.isclose(value, full, rel_tol=1e-4)):
                raise ComparisonError(
                    f"{generation_name(number)}, {name}",
                    wanted=f"{plain(value)} in data/scores, as in metrics/generations",
                    got=plain(full),
                    hint="dvc checkout, or dvc repro",
                )
    return cards


def checked(card: Any, name: str) -> Mapping[str, Any]:
    """A scorecard, if it has the form of one.

    Raises:
        ComparisonError: it has not.
    """
    entries = card.get("metrics") if isinstance(card, dict) else None
    if not isinstance(entries, dict) or not all(map(_is_entry, entries.values())):
        raise ComparisonError(name, wanted="metrics with values", got="others")
    bands = card.get("null") or {}
    if not isinstance(bands, dict) or not all(map(_is_band, bands.values())):
        raise ComparisonError(name, wanted="null bands from low to high", got="others")
    return {**card, "null": bands}


def _is_entry(entry: Any) -> bool:
    """A value or null, with both ends of its interval or neither; or nothing at all."""
    if not isinstance(entry, dict):
        return entry is None
    ends = [entry.get("low"), entry.get("high")]
    known = [one for one in (entry.get("value"), *ends) if one is not None]
    ordered = None in ends or _in_order(*ends)
    return all(map(_is_number, known)) and ends.count(None) != 1 and ordered


def _is_band(band: Any) -> bool:
    if not isinstance(band, dict):
        return False
    ends = [band.get("low"), band.get("high")]
    return all(map(_is_number, ends)) and _in_order(*ends)


def _is_number(value: Any) -> bool:
    return type(value) in (int, float)


def _in_order(low: Any, high: Any) -> bool:
    return _is_number(low) and _is_number(high) and bool(low <= high)
