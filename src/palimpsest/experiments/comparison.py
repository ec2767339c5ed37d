"""Chains compared: variants by their parameters, seeds as replicates, differences paired by seed.

The chain is the unit, not the generation and not the text: texts of one chain share its accidents
(docs/results.md: chains differ more than their intervals). Intervals are Student's t over the
chains of a variant; with one chain there is none, and nothing can be concluded.

Known gaps: no correction for many variants beside many metrics; chains of one seed share their
random numbers, so that differences are narrower than those of independent chains.
"""

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from palimpsest.core.errors import ComparisonError
from palimpsest.statistics.means import Estimate, estimate
from palimpsest.statistics.multiple_testing import LEVEL, discoveries

SEEDS = ("seed", "seeds.corpus", "seeds.generate", "seeds.finetune")
"""Parameters that make replicates, not variants; the first stands for each that is null."""
NO_DIFFERENCE = ("models.keep_every",)
"""Parameters that move no number: chains that differ in them are one variant."""

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
"""Parameter -> the parameter and its value without which it does nothing."""
NUMBER = re.compile(r"[-+]?(\d+(\.\d*)?|\.\d+)(e[-+]?\d+)?", re.IGNORECASE)
"""A number as text."""

ParameterValues = Mapping[str, Any]
"""Dotted key -> value of params.yaml."""
Seeds = tuple[Any, ...]
"""The seeds of corpus, generate and finetune, each null resolved: ``seed`` moves nothing else."""


@dataclass(frozen=True)
class Run:
    """One chain."""

    name: str
    """Of the experiment or revision."""
    parameters: ParameterValues
    generations: Mapping[int, Mapping[str, float | None]]
    """Generation -> metric -> value."""
    summary: Mapping[str, Any] = field(default_factory=dict)
    """``half_life``, ``phase_change`` and ``alarm_generation``, None where it never came; empty
    where no report of these generations is known."""

    @property
    def seeds(self) -> Seeds:
        """What makes it this replicate: two ways to say the same seeds are the same."""
        seed, *own = (self.parameters.get(key) for key in SEEDS)
        return tuple(seed if value is None else value for value in own)

    def value(self, metric: str, generation: int) -> float:
        """NaN where it is unknown."""
        value = self.generations.get(generation, {}).get(metric)
        return math.nan if value is None else float(value)


@dataclass(frozen=True)
class Variant:
    """Chains that differ in their seeds alone."""

    label: str
    """The parameters in which it differs from the first variant; of the first, those in which any
    other does (``all alike`` where there is only one variant). A parameter that does nothing under
    the value of another in the label is left out, if labels stay different."""
    parameters: ParameterValues
    runs: Mapping[Seeds, Run]

    def values(self, metric: str, generation: int) -> dict[Seeds, float]:
        """The metric of every chain that has it."""
        every = {seeds: run.value(metric, generation) for seeds, run in self.runs.items()}
        return {seeds: value for seeds, value in every.items() if math.isfinite(value)}


def variants(runs: Sequence[Run]) -> list[Variant]:
    """Groups chains by their parameters, in the order in which the first of each comes.

    Of two chains with the same parameters and seeds the longer stays, if they agree as far as both
    go.

    Raises:
        ComparisonError: no chain, or two with the same parameters and seeds but other numbers.
    """
    if not runs:
        raise ComparisonError("runs", wanted="at least one chain", got="none")
    groups: dict[str, dict[Seeds, Run]] = {}
    for run in runs:
        group = groups.setdefault(canonical(fixed(run.parameters)), {})
        other = group.get(run.seeds, run)
        if any(run.generations[g] != other.generations[g] for g in _common([run, other])):
            raise ComparisonError(
                f"{other.name}, {run.name}",
                wanted="other parameters, other seeds or the same numbers",
                got="two chains of the same parameters and seeds that differ",
                hint="leave one out; was one of them made by other code?",
            )
        group[run.seeds] = max(other, run, key=lambda one: len(one.generations))
    parameters = [fixed(next(iter(group.values())).parameters) for group in groups.values()]
    telling = [differing(parameters), *(differing([parameters[0], one]) for one in parameters[1:])]
    labels = [
        _label(one, _at_work(one, keys)) for one, keys in zip(parameters, telling, strict=True)
    ]
    if len(set(labels)) < len(labels):
        labels = [_label(one, keys) for one, keys in zip(parameters, telling, strict=True)]
    return [
        Variant(label, one, group)
        for label, one, group in zip(labels, parameters, groups.values(), strict=True)
    ]


def canonical(value: Any) -> str:
    """The same for values that mean the same: 1, 1.0 and "1", and 5e-4, text to YAML 1.1."""
    if isinstance(value, str) and NUMBER.fullmatch(value):
        value = float(value)
    if isinstance(value, Mapping):
        entries = [(key, canonical(item)) for key, item in value.items()]
        return repr(sorted(entries, key=lambda entry: str(entry[0])))
    if isinstance(value, list | tuple):
        return f"[{', '.join(canonical(item) for item in value)}]"
    return repr(float(value) if type(value) is int else value)


def differing(parameters: Sequence[ParameterValues]) -> list[str]:
    """The keys whose values are not the same everywhere, sorted."""
    keys = sorted({key for one in parameters for key in one})
    missing = object()
    return [
        key for key in keys if len({canonical(one.get(key, missing)) for one in parameters}) > 1
    ]


def check_parameters(compared: Sequence[Variant], allowed: Sequence[str]) -> None:
    """Makes sure that variants differ in the compared parameters alone.

    Args:
        compared: the variants.
        allowed: the parameters that may differ (a section's name stands for all its parameters);
            none: any.

    Raises:
        ComparisonError: they differ in others, which it names; no such parameter.
    """
    known = {*SEEDS, *NO_DIFFERENCE, *(key for variant in compared for key in variant.parameters)}
    for parameter in allowed:
        if not any(key == parameter or key.startswith(f"{parameter}.") for key in known):
            raise ComparisonError(
                "--parameter", wanted="a parameter or a section", got=repr(parameter)
            )
    others = [
        key
        for key in differing([variant.parameters for variant in compared])
        if not any(key == parameter or key.startswith(f"{parameter}.") for parameter in allowed)
    ]
    if allowed and others:
        raise ComparisonError(
            "parameters",
            wanted=f"chains that differ in {', '.join(allowed)} alone",
            got=f"others too: {', '.join(others)}",
            hint="leave chains out, or name these parameters with --parameter",
        )


def level(variant: Variant, metric: str, generation: int) -> Estimate:
    """A metric of a variant at a generation, over its chains."""
    return estimate(list(variant.values(metric, generation).values()))


def differences(
    variant: Variant, control: Variant, metrics: Sequence[str], generation: int
) -> dict[str, Estimate]:
    """Variant less control by metric, chain against chain of the same seeds.

    Only chains whose seeds both have count. `Estimate.significant` marks what stays after Benjamini
    and Hochberg's control of the false discovery rate over `metrics`: give all that were measured,
    and choose what to show afterwards.
    """
    estimates = {}
    for metric in metrics:
        own, theirs = (one.values(metric, generation) for one in (variant, control))
        estimates[metric] = estimate(
            [own[seeds] - theirs[seeds] for seeds in own if seeds in theirs]
        )
    p_values = np.array([math.nan if e.p_value is None else e.p_value for e in estimates.values()])
    flags = discoveries(p_values, LEVEL)
    return {
        metric: Estimate(**{**vars(one), "significant": bool(flag)})
        for (metric, one), flag in zip(estimates.items(), flags, strict=True)
    }


def last_common(compared: Sequence[Variant]) -> int:
    """The last generation that every chain has.

    Raises:
        ComparisonError: there is none.
    """
    common = _common([run for variant in compared for run in variant.runs.values()])
    if not common:
        raise ComparisonError("chains", wanted="a generation that all have", got="none")
    return max(common)


def variance_by_seed(compared: Sequence[Variant], metric: str, generation: int) -> dict[str, float]:
    """Variance of a metric over chains in which a single source of randomness moves.

    Args:
        compared: the variants; the variance is taken within each and pooled over them.
        metric: which.
        generation: where.

    Returns:
        Seed parameter -> variance (of the metric's unit squared). ``seeds.X``: of chains that share
        all other seeds; ``seed``: of chains whose sources all follow it. Groups of chains are
        pooled by their degrees of freedom; a parameter without two such chains is left out.
    """
    pooled = {}
    for at, key in enumerate(SEEDS):
        groups: dict[tuple[int, Seeds], list[float]] = {}
        for number, variant in enumerate(compared):
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


def fixed(parameters: ParameterValues) -> dict[str, Any]:
    """The parameters that make a variant: all but the seeds and those that move no number."""
    left_out = (*SEEDS, *NO_DIFFERENCE)
    return {key: value for key, value in parameters.items() if key not in left_out}


def _at_work(parameters: ParameterValues, keys: Sequence[str]) -> list[str]:
    """The keys without those that another of them switches off."""
    off = {
        key
        for key, (switch, on) in SWITCHES.items()
        if switch in keys and parameters.get(switch) != on
    }
    return [key for key in keys if key not in off]


def _label(parameters: ParameterValues, telling: Sequence[str]) -> str:
    parts = [f"{key}={_plain(parameters.get(key))}" for key in telling]
    return ", ".join(parts) if parts else "all alike"


def _plain(value: Any) -> str:
    """As YAML writes it."""
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    return str(value)
