"""An audit's JSON, as small as the format allows."""

import json
from typing import Any


def metric(value: float, low: float | None = None, high: float | None = None) -> dict[str, Any]:
    null = {"low": 0.9, "high": 1.1, "mean": 1.0, "sd": 0.05}
    place = "inside" if 0.9 <= value <= 1.1 else "below" if value < 0.9 else "above"
    return {
        "value": value,
        "low": low,
        "high": high,
        "null": null,
        "p_value": 0.5,
        "place": place,
        "counts": "",
    }


def record(*verdicts: str, **changed: Any) -> dict[str, Any]:
    """The values of an audit's JSON with these verdicts; others changed by their keys."""
    names = verdicts or ("no_sign",)
    judgements = [
        {
            "verdict": name,
            "reason": "a reason.",
            "advice": "an advice.",
            "share": 0.5,
            "rows": [3, 4],
            "examples": [{"row": 3, "text": "a text", "note": "a note", "of": "candidate"}],
        }
        for name in names
    ]
    whole = {
        "format": 1,
        "verdict": names[0],
        "verdicts": list(names),
        "judgements": judgements,
        "flags": {"3": ["copy"]},
        "sentence": "A sentence.",
        "reasons": ["vendi"],
        "sample": 40,
        "words": 1000,
        "segmentation": "icu",
        "encoder": "e" * 64,
        "model": None,
        "reference": "f" * 64,
        "candidate_texts": 40,
        "reference_texts": 120,
        "reference_repeated": 0,
        "parameters": {"seed": 0, "sample": None},
        "metrics": {"integrity": metric(0.95, 0.85, 1.05), "vendi": metric(0.5)},
        "warnings": [],
    }
    return {**whole, **changed}


def as_json(*verdicts: str, **changed: Any) -> str:
    return json.dumps(record(*verdicts, **changed))
