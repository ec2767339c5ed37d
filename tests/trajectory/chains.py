"""Scorecards of made-up chains, and of the published one."""

from typing import Any

import numpy as np

VOLUME = (
    ".348 .148 .115 .091 .105 .131 .112 .104 .112 .118 .104 .103 .082 .064 .060 .054 .048 .044 "
    ".047 .031 .032"
)
DRIFT = (
    "0 .037 .029 .031 .036 .041 .055 .054 .055 .057 .058 .063 .070 .073 .082 .080 .092 .100 .107 "
    ".110 .113"
)


def entry(value: float | None, margin: float | None = None) -> dict[str, float | None]:
    if value is None or margin is None:
        return {"value": value, "low": None, "high": None}
    return {"value": value, "low": value - margin, "high": value + margin}


def band(low: float, high: float, samples: int = 20) -> dict[str, float | int]:
    """A null band as a scorecard has it: t · sd · √(1 + 1/S) on either side of its mean."""
    freedom = {7: 2.4469118511, 20: 2.0930240544}[samples]
    sd = (high - low) / 2 / (freedom * np.sqrt(1 + 1 / samples))
    return {"low": low, "high": high, "samples": samples, "mean": (low + high) / 2, "sd": sd}


def chain(null: dict[str, Any] | None = None, **curves: Any) -> list[dict[str, Any]]:
    """Scorecards g00, g01, … with one value a generation for each named metric."""
    length = max(len(values) for values in curves.values())
    scorecards: list[dict[str, Any]] = []
    for generation in range(length):
        metrics = {
            name: entry(None if values[generation] is None else float(values[generation]))
            for name, values in curves.items()
            if generation < len(values)
        }
        scorecards.append({"generation": generation, "documents": 500, "metrics": metrics})
    if null is not None:
        scorecards[0]["null"] = null
    return scorecards


def published(null: dict[str, Any] | None = None) -> list[dict[str, Any]]:
    """The published chain, the reference for everything computed from a trajectory; λ = 1.

    It has no null samples: generation 0 is in-sample. With a null band it is called comparable.
    """
    volume = np.array([float(word) for word in VOLUME.split()])
    drift = np.array([float(word) for word in DRIFT.split()])
    ainex = volume / (1 + drift**2)
    integrity = ainex / ainex[0]
    loss = 100 * (1 - integrity)
    return chain(null, volume=volume, drift=drift, integrity=integrity, loss=loss)


def rich(length: int = 21, extinct: int | None = None) -> list[dict[str, Any]]:
    """The published curve with intervals, null bands, a world's metrics and witness prompts."""
    scorecards = published()[:length]
    for scorecard in scorecards:
        generation, metrics = scorecard["generation"], scorecard["metrics"]
        left = 1 - generation / 22
        for name, value in (
            ("dispersion", 0.24 * left), ("compression", 0.33 * left), ("outlier", 0.6 * left),
            ("perplexity_heldout", 1.68 + 0.2 * generation), ("distinct_2", 0.18 * left),
            ("duplicates", 0.01 * generation), ("effective_rank", 64 * left),
            ("fact_coverage", 0.49 * left), ("tail_coverage", 0.3 * left), ("truth", 0.92),
            ("axioms", float(generation // 2)),
        ):  # fmt: skip
            metrics[name] = entry(value, 0.02 * value)
        if extinct is not None and generation >= extinct:
            for name in ("volume", "dispersion", "compression", "outlier", "integrity"):
                metrics[name] = entry(0.0, 0.0)
        scorecard["witness"] = [
            {
                "prompt": "The tower of <Velden>",
                "continuation": f"stands & falls {generation}",
                "verdict": ["PASS", "WARN", "FAIL", "CRITICAL", "DEAD"][min(4, generation // 4)],
                "reasons": ["repeats 31 % of its 4-grams"] if generation else [],
            }
        ]
        scorecard["untrue"] = []
    scorecards[0]["null"] = {
        "volume": band(0.32, 0.365),
        "integrity": band(0.92, 1.05),
        "fact_coverage": band(0.66, 0.7),
    }
    return scorecards
