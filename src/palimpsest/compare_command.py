"""`palimpsest compare`: DVC experiments and git revisions in, variants with intervals out."""

import argparse
import csv
import io
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from palimpsest.artifacts import check_out, write_out
from palimpsest.decay.comparison import (
    Estimate,
    Run,
    Variant,
    check_dials,
    differences,
    differing,
    fixed,
    last_common,
    level,
    shared_seeds,
    variance_by_seed,
    variants,
)
from palimpsest.errors import ComparisonError
from palimpsest.experiments import all_runs
from palimpsest.preset_command import published_table
from palimpsest.report.labels import plain

METRICS = (
    "integrity", "drift", "perplexity_heldout", "distinct_2", "duplicates", "fact_coverage",
    "truth",
)  # fmt: skip
"""What the terminal shows, where it was measured."""
FILES = ("compare.csv", "compare.json", "compare.png")
"""What --out writes."""
COLUMNS = (
    "variant", "generation", "metric", "chains", "mean", "low", "high", "pairs", "difference",
    "difference_low", "difference_high", "p_value", "sure",
)  # fmt: skip


def run_compare(args: argparse.Namespace) -> int:
    """Reads, compares, prints and writes.

    Raises:
        ComparisonError: nothing named, an unknown chain, a generation or metric that is missing,
            dials that may not differ.
    """
    if args.published:
        print(published_table(Path.cwd(), args.published))
        return 0

    if bool(args.chains) == args.all:
        raise ComparisonError(
            "chains", wanted="names, or --all", got="both" if args.all else "none"
        )
    if args.out:
        for name in FILES:
            check_out(args.out / name)
    runs, left_out = all_runs(Path.cwd(), args.chains)
    found = variants(runs)
    check_dials(found, args.dial)
    control = _control(runs, found, args.control or runs[0].name)
    generation = last_common(found) if args.generation is None else args.generation
    measured = _measured(found, generation)
    metrics = [name for name in args.metric or METRICS if args.metric or name in measured]
    if not measured:
        wanted = f"0 to {last_common(found)}"
        raise ComparisonError("--generation", wanted=wanted, got=generation)
    for name in metrics:
        if name not in measured:
            wanted = f"one of {', '.join(measured)}"
            raise ComparisonError("--metric", wanted=wanted, got=repr(name))
    if args.out:
        _write(args.out, found, control, metrics)
    print(_table(found, control, metrics, generation))
    if args.variance:
        print(_variances(found, metrics, generation))
    for line in [*_warnings(found, control), *(f"\nleft out: {why}" for why in left_out)]:
        print(line)
    if args.out:
        print(f"\nwritten: {', '.join(FILES)} in {args.out}")
        table, template, _ = (args.out / name for name in FILES)
        print(f"next: dvc plots show {table} -t {template}")
    return 0


def _control(runs: Sequence[Run], found: Sequence[Variant], name: str) -> Variant:
    """The variant of the chain of this name, which may be one that another chain stands for."""
    for run in runs:
        if run.name == name:
            return next(one for one in found if not differing([one.dials, fixed(run.dials)]))
    known = ", ".join(run.name for run in runs)
    raise ComparisonError("--control", wanted=f"one of {known}", got=repr(name))


def _measured(found: Sequence[Variant], generation: int) -> list[str]:
    runs = [run for variant in found for run in variant.runs.values()]
    return list(dict.fromkeys(name for run in runs for name in run.generations.get(generation, ())))


def _table(
    found: Sequence[Variant], control: Variant, metrics: Sequence[str], generation: int
) -> str:
    """A row for every variant and metric."""
    chains = sum(len(variant.runs) for variant in found)
    lines = [f"{len(found)} variants, {chains} chains, generation {generation}"]
    lines.append(f"control: {control.label}\n")
    head = ("metric", "chains", "mean", "95 % interval", "less control", "95 % interval", "p", "")
    widths = (20, 7, 10, 22, 13, 24, 9, 5)
    lines.append(_cells(head, widths))
    for variant in found:
        apart = differences(variant, control, _measured(found, generation), generation)
        lines.append(variant.label)
        for name in metrics:
            own, less = level(variant, name, generation), apart[name]
            other = ("", "", "", "")
            if variant is not control:
                p_value = "–" if less.p_value is None else plain(less.p_value)
                other = (plain(less.mean), _span(less), p_value, "sure" if less.sure else "")
            row = (f"  {name}", str(own.chains), plain(own.mean), _span(own), *other)
            lines.append(_cells(row, widths))
    return "\n".join(lines)


def _cells(cells: Sequence[str], widths: Sequence[int]) -> str:
    first, *rest = (
        cell.rjust(width) if at else cell.ljust(width)
        for at, (cell, width) in enumerate(zip(cells, widths, strict=True))
    )
    return "".join([first, *rest]).rstrip()


def _span(one: Estimate) -> str:
    return "–" if one.low is None else f"{plain(one.low)} to {plain(one.high)}"


def _variances(found: Sequence[Variant], metrics: Sequence[str], generation: int) -> str:
    """Standard deviation over chains that differ in one seed alone."""
    lines = ["\nstandard deviation over chains that differ in this seed alone:"]
    for name in metrics:
        variances = variance_by_seed(found, name, generation)
        parts = [f"{key} {plain(variance**0.5)}" for key, variance in variances.items()]
        lines.append(f"  {name:<20}{', '.join(parts) or 'no two such chains'}")
    return "\n".join(lines)


def _warnings(found: Sequence[Variant], control: Variant) -> list[str]:
    lines = []
    alone = [variant.label for variant in found if len(variant.runs) < 2]
    if alone:
        lines.append(
            "\nOne chain is one draw: nothing can be concluded about a difference from "
            f"{'these variants' if len(alone) > 1 else 'this variant'} with a single seed: "
            + "; ".join(alone)
        )
    for variant in found:
        paired = variant.runs.keys() & control.runs.keys()
        if len(variant.runs) > 1 and len(paired) < 2:
            lines.append(f"\n{variant.label}: fewer than two seeds in common with the control")
    shared = sorted({key for variant in found for key in shared_seeds(variant)})
    if shared:
        lines.append(
            f"\nChains that share {', '.join(shared)} are not independent in it: intervals and p "
            "are about what the other seeds move."
        )
    return lines


def _write(folder: Path, found: Sequence[Variant], control: Variant, shown: Sequence[str]) -> None:
    from palimpsest.figure_style import png
    from palimpsest.figures import compared

    rows = _rows(found, control)
    buffer = io.StringIO()
    writer = csv.DictWriter(buffer, COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    table, vega = buffer.getvalue().encode(), json.dumps(_template(shown), indent=1) + "\n"
    contents = (table, vega.encode(), png(compared(found, shown)))
    for name, content in zip(FILES, contents, strict=True):
        write_out(folder / name, content)


def _rows(found: Sequence[Variant], control: Variant) -> list[dict[str, Any]]:
    """One for every variant, generation and metric."""
    rows = []
    for variant in found:
        numbers = sorted({g for run in variant.runs.values() for g in run.generations})
        for generation in numbers:
            metrics = _measured([variant], generation)
            apart = differences(variant, control, metrics, generation)
            for name in metrics:
                own, less = level(variant, name, generation), apart[name]
                cells = (
                    variant.label, generation, name, own.chains, own.mean, own.low, own.high,
                    less.chains, less.mean, less.low, less.high, less.p_value, less.sure,
                )  # fmt: skip
                rows.append(dict(zip(COLUMNS, cells, strict=True)))
    return rows


def _template(shown: Sequence[str]) -> dict[str, Any]:
    """A Vega-Lite template for `dvc plots`, which puts the rows of compare.csv in, all as strings.

    A panel for each of the metrics, in it a line and its interval for every variant.
    """
    numbers = dict.fromkeys(("generation", "mean", "low", "high"), "number")
    axes = {"x": {"field": "generation", "type": "quantitative", "axis": {"tickMinStep": 1}}}
    color = {"field": "variant", "type": "nominal", "legend": {"orient": "top", "labelLimit": 0}}
    band = {"field": "low", "type": "quantitative", "title": None, "scale": {"zero": False}}
    line = {"field": "mean", "type": "quantitative", "title": None, "scale": {"zero": False}}
    return {
        "$schema": "https://vega.github.io/schema/vega-lite/v5.json",
        "data": {"values": "<DVC_METRIC_DATA>", "format": {"parse": numbers}},
        "transform": [{"filter": {"field": "metric", "oneOf": list(shown)}}],
        "facet": {"field": "metric", "type": "nominal", "title": None, "sort": list(shown)},
        "columns": 3,
        "spec": {
            "width": 260,
            "height": 180,
            "encoding": {**axes, "color": color},
            "layer": [
                {
                    "mark": {"type": "area", "opacity": 0.15},
                    "encoding": {"y": band, "y2": {"field": "high"}},
                },
                {"mark": {"type": "line", "point": True}, "encoding": {"y": line}},
            ],
        },
        "resolve": {"scale": {"y": "independent"}},
    }
