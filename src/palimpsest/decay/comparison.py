"""Chains compared: variants by their dials, seeds as replicates, differences paired by seed.

The chain is the unit, not the generation and not the text: texts of one chain share its accidents
(docs/results.md: chains differ more than their intervals). Intervals are Student's t over the
chains of a variant; with one chain there is none, and nothing can be concluded.

Known gaps: no correction for many variants beside many metrics; chains of one seed share their
random numbers, so that differences are narrower than those of independent chains.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.stats import t as student

from palimpsest.decay.alarm import discoveries
from palimpsest.errors import ComparisonError

SEEDS = ("seed", "seeds.corpus", "seeds.generate", "seeds.finetune")
"""Dials that make replicates of a variant, not variants."""
LEVEL = 0.05
"""False discovery rate of Benjamini & Hochberg (1995)."""

Dials = Mapping[str, Any]
"""Dotted key -> value of params.yaml."""
Seeds = tuple[Any, ...]
"""The values of `SEEDS`."""


@dataclass(frozen=True)
class Run:
    """One chain."""

    name: str
    """Of the experiment or revision."""
    dials: Dials
    generations: Mapping[int, Mapping[str, float | None]]
    """Generation -> metric -> value."""

    @property
    def seeds(self) -> Seeds:
        """What makes it this replicate."""
        return tuple(self.dials.get(key) for key in SEEDS)

    def value(self, metric: str, generation: int) -> float:
        """NaN where it is unknown."""
        found = self.generations.get(generation, {}).get(metric)
        return math.nan if found is None else float(found)


@dataclass(frozen=True)
class Variant:
    """Chains that differ in their seeds alone."""

    label: str
    """The dials in which it differs from the first variant; of the first, those in which any other
    does (``all alike`` where there is only one variant)."""
    dials: Dials
    runs: Mapping[Seeds, Run]

    def values(self, metric: str, generation: int) -> dict[Seeds, float]:
        """The metric of every chain that has it."""
        found = {seeds: run.value(metric, generation) for seeds, run in self.runs.items()}
        return {seeds: value for seeds, value in found.items() if math.isfinite(value)}


@dataclass(frozen=True)
class Estimate:
    """A mean over chains with its 95 % interval."""

    mean: float | None
    low: float | None
    high: float | None
    chains: int
    """How many chains; the ends are None below 2, all is None at 0."""
    p_value: float | None
    """Of the mean being 0, two-sided; None below 2 chains."""
    sure: bool = False
    """Whether it is a discovery among the metrics of its variant."""


def variants(runs: Sequence[Run]) -> list[Variant]:
    """Groups chains by their dials, in the order in which the first of each comes.

    Raises:
        ComparisonError: no chain, or two with the same dials and seeds but other numbers.
    """
    if not runs:
        raise ComparisonError("runs", wanted="at least one chain", got="none")
    groups: dict[str, dict[Seeds, Run]] = {}
    for run in runs:
        own = repr(sorted((key, repr(value)) for key, value in _fixed(run.dials).items()))
        group = groups.setdefault(own, {})
        other = group.setdefault(run.seeds, run)
        if other.generations != run.generations:
            raise ComparisonError(
                f"{other.name}, {run.name}",
                wanted="other dials, other seeds or the same numbers",
                got="two chains of the same dials and seeds that differ",
                hint="leave one out; was one of them stopped, or made by other code?",
            )
    dials = [_fixed(next(iter(group.values())).dials) for group in groups.values()]
    telling = [differing(dials), *(differing([dials[0], one]) for one in dials[1:])]
    return [
        Variant(_label(one, keys), one, group)
        for one, keys, group in zip(dials, telling, groups.values(), strict=True)
    ]


def differing(dials: Sequence[Dials]) -> list[str]:
    """The keys whose values are not the same everywhere, sorted."""
    keys = sorted({key for one in dials for key in one})
    missing = object()
    return [key for key in keys if len({repr(one.get(key, missing)) for one in dials}) > 1]


def check_dials(found: Sequence[Variant], allowed: Sequence[str]) -> None:
    """Makes sure that variants differ in the compared dials alone.

    Args:
        found: the variants.
        allowed: the dials that may differ (a section's name stands for all its dials); none: any.

    Raises:
        ComparisonError: they differ in others, which it names.
    """
    others = [
        key
        for key in differing([variant.dials for variant in found])
        if not any(key == dial or key.startswith(f"{dial}.") for dial in allowed)
    ]
    if allowed and others:
        raise ComparisonError(
            "dials",
            wanted=f"chains that differ in {', '.join(allowed)} alone",
            got=f"others too: {', '.join(others)}",
            hint="leave chains out, or name these dials with --dial",
        )


def estimate(values: Sequence[float]) -> Estimate:
    """Mean and 95 % t-interval of one number a chain."""
    count = len(values)
    if not count:
        return Estimate(None, None, None, 0, None)
    mean = float(np.mean(values))
    if count < 2:
        return Estimate(mean, None, None, count, None)
    error = float(np.std(values, ddof=1)) / math.sqrt(count)
    reach = float(student.ppf(0.975, count - 1)) * error
    if error == 0:
        p_value = 1.0 if mean == 0 else 0.0
    else:
        p_value = float(2 * student.sf(abs(mean) / error, count - 1))
    return Estimate(mean, mean - reach, mean + reach, count, p_value)


def level(variant: Variant, metric: str, generation: int) -> Estimate:
    """A metric of a variant at a generation, over its chains."""
    return estimate(list(variant.values(metric, generation).values()))


def differences(
    variant: Variant, control: Variant, metrics: Sequence[str], generation: int
) -> dict[str, Estimate]:
    """Variant less control by metric, chain against chain of the same seeds.

    Only chains whose seeds both have count. `Estimate.sure` marks what stays after Benjamini and
    Hochberg's control of the false discovery rate over the metrics.
    """
    found = {}
    for metric in metrics:
        own, theirs = (one.values(metric, generation) for one in (variant, control))
        found[metric] = estimate([own[seeds] - theirs[seeds] for seeds in own if seeds in theirs])
    p_values = np.array([math.nan if e.p_value is None else e.p_value for e in found.values()])
    sure = discoveries(p_values, LEVEL)
    return {
        metric: Estimate(**{**vars(one), "sure": bool(flag)})
        for (metric, one), flag in zip(found.items(), sure, strict=True)
    }


def last_common(found: Sequence[Variant]) -> int:
    """The last generation that every chain has.

    Raises:
        ComparisonError: there is none.
    """
    sets = [set(run.generations) for variant in found for run in variant.runs.values()]
    common = set.intersection(*sets)
    if not common:
        raise ComparisonError("chains", wanted="a generation that all have", got="none")
    return max(common)


def variance_shares(found: Sequence[Variant], metric: str, generation: int) -> dict[str, float]:
    """Variance of a metric over chains in which a single source of randomness moves.

    Args:
        found: the variants; the variance is taken within each and averaged over them.
        metric: which.
        generation: where.

    Returns:
        Seed dial -> variance (of the metric's unit squared), for each dial of `SEEDS` that moves
        alone in two or more chains; chains that share all other seeds are compared.
    """
    shares: dict[str, list[float]] = {}
    for variant in found:
        values = variant.values(metric, generation)
        for at, key in enumerate(SEEDS):
            rows: dict[Seeds, list[float]] = {}
            for seeds, value in values.items():
                rows.setdefault((*seeds[:at], *seeds[at + 1 :]), []).append(value)
            spread = [float(np.var(row, ddof=1)) for row in rows.values() if len(row) > 1]
            shares.setdefault(key, []).extend(spread)
    return {key: float(np.mean(spread)) for key, spread in shares.items() if spread}


def _fixed(dials: Dials) -> dict[str, Any]:
    return {key: value for key, value in dials.items() if key not in SEEDS}


def _label(dials: Dials, telling: Sequence[str]) -> str:
    parts = [f"{key}={_plain(dials.get(key))}" for key in telling]
    return ", ".join(parts) if parts else "all alike"


def _plain(value: Any) -> str:
    """As YAML writes it."""
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    return str(value)
