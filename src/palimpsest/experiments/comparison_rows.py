"""A comparison as rows and as sentences: what compare.csv, the page and the terminal all say."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from palimpsest.experiments.comparison import Variant, differences, level, shared_seeds

COLUMNS = (
    "variant", "generation", "metric", "chains", "mean", "low", "high", "pairs", "difference",
    "difference_low", "difference_high", "p_value", "significant",
)  # fmt: skip

Row = dict[str, Any]


@dataclass(frozen=True)
class Comparison:
    """What is compared, and how."""

    variants: Sequence[Variant]
    control: Variant
    generation: int
    """At which the tables compare."""
    shown: Sequence[str]
    """The chief metrics, one at least."""

    @property
    def first(self) -> str:
        """The metric at the top: integrity, where it is among those shown."""
        return "integrity" if "integrity" in self.shown else self.shown[0]

    @property
    def every(self) -> list[str]:
        """All metrics of that generation: false discoveries are controlled over these."""
        return measured_at(self.variants, self.generation)


def measured_at(compared: Sequence[Variant], generation: int) -> list[str]:
    """The metrics that any chain has at a generation."""
    runs = [run for variant in compared for run in variant.runs.values()]
    return list(dict.fromkeys(name for run in runs for name in run.generations.get(generation, ())))


def compared_rows(compared: Sequence[Variant], control: Variant) -> list[Row]:
    """One for every variant, generation and metric, with the entries of `COLUMNS`."""
    rows = []
    for variant in compared:
        for generation in generations(variant):
            metrics = measured_at([variant], generation)
            apart = differences(variant, control, metrics, generation)
            for name in metrics:
                own, less = level(variant, name, generation), apart[name]
                cells = (
                    variant.label, generation, name, own.chains, own.mean, own.low, own.high,
                    less.chains, less.mean, less.low, less.high, less.p_value, less.significant,
                )  # fmt: skip
                rows.append(dict(zip(COLUMNS, cells, strict=True)))
    return rows


def generations(variant: Variant) -> list[int]:
    """Those that any of its chains has."""
    return sorted({number for run in variant.runs.values() for number in run.generations})


def cautions(compared: Sequence[Variant], control: Variant) -> list[str]:
    """What must be known before anything is concluded, a sentence each."""
    lines = []
    alone = [variant.label for variant in compared if len(variant.runs) < 2]
    if alone:
        lines.append(
            "One chain is one draw: nothing can be concluded about a difference from "
            f"{'these variants' if len(alone) > 1 else 'this variant'} with a single seed: "
            + "; ".join(alone)
        )
    for variant in compared:
        paired = variant.runs.keys() & control.runs.keys()
        if len(variant.runs) > 1 and len(paired) < 2:
            lines.append(f"{variant.label}: fewer than two seeds in common with the control")
    shared = sorted({key for variant in compared for key in shared_seeds(variant)})
    if shared:
        lines.append(
            f"Chains that share {', '.join(shared)} are not independent in it: intervals and p "
            "are about what the other seeds move."
        )
    return lines
