"""The page that compares experiments: one HTML file that needs no network."""

import shlex
from collections.abc import Mapping, Sequence
from typing import Any

from palimpsest.core.formatting import plain, span
from palimpsest.experiments.comparison import (
    SEEDS,
    Run,
    Variant,
    differences,
    differing,
    level,
)
from palimpsest.experiments.comparison_rows import Comparison, cautions
from palimpsest.experiments.sweep import hydra
from palimpsest.metrics.registry import metric
from palimpsest.report.comparison_data import comparison_data, letter
from palimpsest.report.curve_data import metric_words
from palimpsest.report.glossary import explained, term, with_terms
from palimpsest.report.reproduction import parameter_text
from palimpsest.report.scripts import plotly_script, static_script
from palimpsest.report.story import g, when
from palimpsest.report.templates import render_template
from palimpsest.statistics.means import Estimate

SCRIPTS = ("page", "charts", "comparison")
FACTS = ("half_life", "phase_change", "alarm_generation")
"""Of what a chain's report says: what the page shows, in the order of its columns."""
WORDS = {
    "variant": "Chains with the same parameters but for their seeds.",
    "control": "The variant that the others are held against; the first one, or that of --control.",
    "interval": "Student's t over the chains, which are the unit: how far a mean may be off "
    "because these seeds were drawn and no others. One chain has none.",
    "difference": "Chain less chain of the same seeds, then the mean of that.",
    "p": "How often chains that do not differ would come out as far apart by chance.",
    "significant": "What is left of the small p when so many metrics are looked at that some are "
    "small by chance (Benjamini and Hochberg, 5 %).",
}


def render_comparison(
    comparison: Comparison,
    command: Sequence[str],
    commits: Mapping[str, str],
    left_out: Sequence[str] = (),
    versions: Mapping[str, str] | None = None,
) -> str:
    """The comparison as a self-contained HTML document; the same input gives the same bytes.

    Args:
        comparison: variants, control, generation, metrics.
        command: the words of the command line that makes this page.
        commits: name of a chain -> the git commit that keeps it, of those that are kept.
        left_out: why chains were left out.
        versions: of what made the page.
    """
    variants, control = comparison.variants, comparison.control
    data = comparison_data(variants, control, comparison.shown, comparison.generation)
    others = [name for name in comparison.every if name not in comparison.shown]
    parameters = [variant.parameters for variant in variants]
    return render_template(
        "comparison",
        scripts=(plotly_script(), *map(static_script, SCRIPTS)),
        styles=("chain",),
        data={"comparison-data": data},
        title="Palimpsest: comparison",
        term=term,
        tell=lambda key, word="": explained(word or key, WORDS[key]),
        with_terms=with_terms,
        explained=explained,
        story=story(comparison),
        cautions=[*cautions(variants, control), *(f"Left out: {why}" for why in left_out)],
        variants=data["variants"],
        generation=g(comparison.generation),
        first=metric_words(metric(comparison.first)),
        chief=_table(
            comparison, sorted(comparison.shown, key=lambda name: name != comparison.first)
        ),
        others=_table(comparison, others),
        count=len(data["metrics"]),
        parameters=[
            (key, [parameter_text(one[key]) if key in one else "–" for one in parameters])
            for key in differing(parameters)
        ],
        chains=_chains(variants, commits),
        command=shlex.join(command),
        again=_again(variants),
        versions=versions or {},
    )


def story(comparison: Comparison) -> list[str]:
    """What came out, in two or three sentences that need no statistics; [[terms]] are marked."""
    variants, number, name = comparison.variants, comparison.generation, comparison.first
    chains = sum(len(variant.runs) for variant in variants)
    label = f"[[{name}]]" if name == "integrity" else metric(name).label
    unit = "which is 1 for fresh human text, " if name == "integrity" else ""
    of = "one variant" if len(variants) == 1 else f"{len(variants)} variants"
    sentences = [
        f"{'One chain' if chains == 1 else f'{chains} chains'} of {of}, compared at "
        f"[[generation]] {number}."
    ]
    levels = [(level(one, name, number).mean, letter(at)) for at, one in enumerate(variants)]
    known = sorted((mean, own) for mean, own in levels if mean is not None)
    if known and len(variants) > 1:
        (low, least), (high, most) = known[0], known[-1]
        sentences.append(
            f"Mean {label}, {unit}lies between {plain(low)} ({least}) and {plain(high)} ({most})."
        )
    elif known:
        sentences.append(f"Mean {label}, {unit}is {plain(known[0][0])}.")
    if len(variants) > 1:
        sentences.append(_verdict(comparison, name, label))
    return sentences


def _verdict(comparison: Comparison, name: str, label: str) -> str:
    """Which variants differ from the control in a metric, and of which nothing can be said."""
    groups: dict[str, list[str]] = {"higher": [], "lower": [], "alike": [], "silent": []}
    control = ""
    for at, one in enumerate(comparison.variants):
        if one is comparison.control:
            control = letter(at)
            continue
        less = _less(comparison, one)[name]
        if less.p_value is None or less.mean is None:
            groups["silent"].append(letter(at))
        elif less.significant:
            groups["higher" if less.mean > 0 else "lower"].append(letter(at))
        else:
            groups["alike"].append(letter(at))
    said = {
        "higher": f"{label} is higher in {{}}, by more than chance makes",
        "lower": f"{label} is lower in {{}}, by more than chance makes",
        "alike": "{} cannot be told from it by so many chains",
        "silent": "{} cannot be held against it: fewer than two seeds in common, or no difference",
    }
    parts = [said[key].format(", ".join(who)) for key, who in groups.items() if who]
    return f"Against the control ({control}): {'; '.join(parts)}."


def _less(comparison: Comparison, variant: Variant) -> dict[str, Estimate]:
    return differences(variant, comparison.control, comparison.every, comparison.generation)


def _table(comparison: Comparison, names: Sequence[str]) -> list[dict[str, Any]]:
    """For each metric its words, and a row for each variant."""
    less = [_less(comparison, variant) for variant in comparison.variants]
    return [
        {
            **metric_words(metric(name)),
            "rows": [
                _row(comparison, at, variant, name, less[at][name])
                for at, variant in enumerate(comparison.variants)
            ],
        }
        for name in names
    ]


def _row(
    comparison: Comparison, at: int, variant: Variant, name: str, less: Estimate
) -> dict[str, Any]:
    own = level(variant, name, comparison.generation)
    row = {
        "letter": letter(at),
        "chains": own.chains,
        "mean": plain(own.mean),
        "interval": span(own.low, own.high),
        "control": variant is comparison.control,
        "significant": less.significant,
    }
    if variant is comparison.control:
        return {**row, "difference": "", "apart": "", "p": ""}
    return {
        **row,
        "difference": plain(less.mean),
        "apart": span(less.low, less.high),
        "p": plain(less.p_value),
    }


def _chains(variants: Sequence[Variant], commits: Mapping[str, str]) -> list[dict[str, Any]]:
    """What each chain's report says of it as a whole."""
    return [
        {
            "letter": letter(at),
            "name": run.name,
            "seeds": _seeds(run),
            "last": g(max(run.generations)),
            "facts": [_fact(run, key) for key in FACTS],
            "commit": commits.get(run.name, "")[:10],
        }
        for at, variant in enumerate(variants)
        for run in variant.runs.values()
    ]


def _fact(run: Run, key: str) -> str:
    if key not in run.summary:
        return "–"
    return when(run.summary[key])


def _seeds(run: Run) -> str:
    """One number where all are the same, else each by its name."""
    if len(set(run.seeds)) == 1:
        return str(run.seeds[0])
    names = [key.removeprefix("seeds.") for key in SEEDS[1:]]
    return ", ".join(f"{name} {seed}" for name, seed in zip(names, run.seeds, strict=True))


def _again(variants: Sequence[Variant]) -> list[str]:
    """The commands that queue all chains, from the parameters that they have in common."""
    keys = differing([variant.parameters for variant in variants])
    runs = [run for variant in variants for run in variant.runs.values()]
    seeds = [key for key in SEEDS if any(run.parameters.get(key) is not None for run in runs)]
    return [
        shlex.join(["dvc", "exp", "run", "--queue", *_given(run, [*keys, *seeds])]) for run in runs
    ]


def _given(run: Run, keys: Sequence[str]) -> list[str]:
    values = [f"{key}={hydra(run.parameters[key])}" for key in keys if key in run.parameters]
    return [word for value in values for word in ("-S", value)]
