"""Chains compared: variants by their dials, seeds as replicates, differences paired by seed.

The chain is the unit, not the generation and not the text: texts of one chain share its accidents
(docs/results.md: chains differ more than their intervals). Intervals are Student's t over the
chains of a variant; with one chain there is none, and nothing can be concluded.

Known gaps: no correction for many variants beside many metrics; chains of one seed share their
random numbers, so that differences are narrower than those of independent chains.
"""

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.stats import t as student

from palimpsest.decay.alarm import discoveries
from palimpsest.errors import ComparisonError

SEEDS = ("seed", "seeds.corpus", "seeds.generate", "seeds.finetune")
"""Dials that make replicates of a variant, not variants; the first stands for each that is null."""
LEVEL = 0.05
"""False discovery rate of Benjamini & Hochberg (1995)."""

SWITCHES = {
    "regime.real_fraction": ("regime.kind", "mix"),
    "regime.real": ("regime.kind", "mix"),
    "regime.keep": ("regime.kind", "filtered"),
    "regime.criterion": ("regime.kind", "filtered"),
    "generate.temperature": ("generate.strategy", "sample"),
    "generate.top_k": ("generate.strategy", "sample"),
    "generate.top_p": ("generate.strategy", "sample"),
    "generate.min_p": ("generate.strategy", "sample"),
    "generate.beams": ("generate.strategy", "beam"),
}
"""Dial -> the dial and its value without which it does nothing."""
SCIENTIFIC = re.compile(r"[-+]?\d+(\.\d*)?e[-+]?\d+", re.IGNORECASE)
"""A number as text."""
ROUNDING = 1e-12
"""Relative: numbers no further apart are the same, as float64 differences of equal pairs are."""

Dials = Mapping[str, Any]
"""Dotted key -> value of params.yaml."""
Seeds = tuple[Any, ...]
"""The seeds of corpus, generate and finetune, each null resolved: ``seed`` moves nothing else."""


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
        """What makes it this replicate: two ways to say the same seeds are the same."""
        seed, *own = (self.dials.get(key) for key in SEEDS)
        return tuple(seed if value is None else value for value in own)

    def value(self, metric: str, generation: int) -> float:
        """NaN where it is unknown."""
        found = self.generations.get(generation, {}).get(metric)
        return math.nan if found is None else float(found)


@dataclass(frozen=True)
class Variant:
    """Chains that differ in their seeds alone."""

    label: str
    """The dials in which it differs from the first variant; of the first, those in which any other
    does (``all alike`` where there is only one variant). A dial that does nothing under the value
    of another in the label is left out, if labels stay different."""
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
    """How many chains; all is None at 0. There is no interval below 2 chains, nor where all have
    the very same number: they say nothing about how much chains vary."""
    p_value: float | None
    """Of the mean being 0, two-sided (Student's t); None without an interval."""
    sure: bool = False
    """Whether it is a discovery among the metrics of its variant."""


def variants(runs: Sequence[Run]) -> list[Variant]:
    """Groups chains by their dials, in the order in which the first of each comes.

    Of two chains with the same dials and seeds the longer stays, if they agree as far as both go.

    Raises:
        ComparisonError: no chain, or two with the same dials and seeds but other numbers.
    """
    if not runs:
        raise ComparisonError("runs", wanted="at least one chain", got="none")
    groups: dict[str, dict[Seeds, Run]] = {}
    for run in runs:
        group = groups.setdefault(told(fixed(run.dials)), {})
        other = group.get(run.seeds, run)
        if any(run.generations[g] != other.generations[g] for g in _common([run, other])):
            raise ComparisonError(
                f"{other.name}, {run.name}",
                wanted="other dials, other seeds or the same numbers",
                got="two chains of the same dials and seeds that differ",
                hint="leave one out; was one of them made by other code?",
            )
        group[run.seeds] = max(other, run, key=lambda one: len(one.generations))
    dials = [fixed(next(iter(group.values())).dials) for group in groups.values()]
    telling = [differing(dials), *(differing([dials[0], one]) for one in dials[1:])]
    labels = [_label(one, _at_work(one, keys)) for one, keys in zip(dials, telling, strict=True)]
    if len(set(labels)) < len(labels):
        labels = [_label(one, keys) for one, keys in zip(dials, telling, strict=True)]
    return [
        Variant(label, one, group)
        for label, one, group in zip(labels, dials, groups.values(), strict=True)
    ]


def told(value: Any) -> str:
    """The same for values that mean the same: 1 and 1.0, and 5e-4, which YAML 1.1 reads as text."""
    if isinstance(value, str) and SCIENTIFIC.fullmatch(value):
        value = float(value)
    if isinstance(value, Mapping):
        return repr(sorted((key, told(item)) for key, item in value.items()))
    if isinstance(value, list | tuple):
        return f"[{', '.join(told(item) for item in value)}]"
    return repr(float(value) if type(value) is int else value)


def differing(dials: Sequence[Dials]) -> list[str]:
    """The keys whose values are not the same everywhere, sorted."""
    keys = sorted({key for one in dials for key in one})
    missing = object()
    return [key for key in keys if len({told(one.get(key, missing)) for one in dials}) > 1]


def check_dials(found: Sequence[Variant], allowed: Sequence[str]) -> None:
    """Makes sure that variants differ in the compared dials alone.

    Args:
        found: the variants.
        allowed: the dials that may differ (a section's name stands for all its dials); none: any.

    Raises:
        ComparisonError: they differ in others, which it names; no such dial.
    """
    known = {*SEEDS, *(key for variant in found for key in variant.dials)}
    for dial in allowed:
        if not any(key == dial or key.startswith(f"{dial}.") for key in known):
            raise ComparisonError("--dial", wanted="a dial or a section", got=repr(dial))
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
    if count < 2 or np.ptp(values) <= ROUNDING * np.max(np.abs(values)):
        return Estimate(mean, None, None, count, None)
    error = float(np.std(values, ddof=1)) / math.sqrt(count)
    reach = float(student.ppf(0.975, count - 1)) * error
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
    Hochberg's control of the false discovery rate over `metrics`: give all that were measured, and
    choose what to show afterwards.
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
    common = _common([run for variant in found for run in variant.runs.values()])
    if not common:
        raise ComparisonError("chains", wanted="a generation that all have", got="none")
    return max(common)


def variance_by_seed(found: Sequence[Variant], metric: str, generation: int) -> dict[str, float]:
    """Variance of a metric over chains in which a single source of randomness moves.

    Args:
        found: the variants; the variance is taken within each and pooled over them.
        metric: which.
        generation: where.

    Returns:
        Seed dial -> variance (of the metric's unit squared). ``seeds.X``: of chains that share all
        other seeds; ``seed``: of chains whose sources all follow it. Groups of chains are pooled by
        their degrees of freedom; a dial without two such chains is left out.
    """
    pooled = {}
    for at, key in enumerate(SEEDS):
        groups: dict[tuple[int, Seeds], list[float]] = {}
        for number, variant in enumerate(found):
            for seeds, value in variant.values(metric, generation).items():
                others: Seeds = (*seeds[: at - 1], *seeds[at:]) if at else ()
                if at or len(set(seeds)) == 1:
                    groups.setdefault((number, others), []).append(value)
        squares = sum(float(np.var(row)) * len(row) for row in groups.values())
        freedom = sum(len(row) - 1 for row in groups.values())
        if freedom:
            pooled[key] = squares / freedom
    return pooled


def shared_seeds(variant: Variant) -> list[str]:
    """The sources of randomness that some of a variant's chains have in common.

    Chains that share one are not independent in it: the interval is about the others alone.
    """
    columns = zip(*variant.runs, strict=True)
    return [
        key for key, seeds in zip(SEEDS[1:], columns, strict=True) if len(set(seeds)) < len(seeds)
    ]


def _common(runs: Sequence[Run]) -> set[int]:
    """The generations that all have."""
    return set.intersection(*(set(run.generations) for run in runs))


def fixed(dials: Dials) -> dict[str, Any]:
    """The dials that make a variant: all but the seeds."""
    return {key: value for key, value in dials.items() if key not in SEEDS}


def _at_work(dials: Dials, keys: Sequence[str]) -> list[str]:
    """The keys without those that another of them switches off."""
    off = {
        key for key, (switch, on) in SWITCHES.items() if switch in keys and dials.get(switch) != on
    }
    return [key for key in keys if key not in off]


def _label(dials: Dials, telling: Sequence[str]) -> str:
    parts = [f"{key}={_plain(dials.get(key))}" for key in telling]
    return ", ".join(parts) if parts else "all alike"


def _plain(value: Any) -> str:
    """As YAML writes it."""
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    return str(value)
