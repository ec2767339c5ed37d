"""`palimpsest compare`: DVC experiments and git revisions in, variants with intervals out."""

import argparse
import csv
import io
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from palimpsest.cli.preset import as_yaml
from palimpsest.core.errors import ComparisonError
from palimpsest.core.formatting import as_cell, plain, span, text_table
from palimpsest.core.storage import check_out, write_out
from palimpsest.core.version import installed_version
from palimpsest.experiments.comparison import (
    Run,
    Variant,
    check_parameters,
    differences,
    differing,
    fixed,
    last_common,
    level,
    variance_by_seed,
    variants,
)
from palimpsest.experiments.comparison_rows import (
    COLUMNS,
    Comparison,
    cautions,
    compared_rows,
    measured_at,
)
from palimpsest.experiments.presets import load_preset, published_numbers
from palimpsest.experiments.revisions import all_runs, commits
from palimpsest.metrics.registry import shown_in

FILES = ("compare.csv", "compare.json", "compare.png")
"""What --out writes."""

DESCRIPTION = (
    "Groups chains by their parameters; seeds are replicates. Means with 95 % intervals over "
    "chains, differences to a control paired by seed, with Benjamini-Hochberg control over metrics "
    "at 5 %."
)


def configure(parser: argparse.ArgumentParser) -> None:
    """Adds the arguments."""
    parser.add_argument(
        "chains", nargs="*", metavar="EXPERIMENT", help="experiments, git revisions or workspace"
    )
    parser.add_argument("--all", action="store_true", help="the workspace and every experiment")
    parser.add_argument(
        "--control", metavar="NAME", help="a chain of the control; default: the first one"
    )
    parser.add_argument(
        "--parameter", action="append", default=[], metavar="KEY",
        help="refuse chains that differ in other parameters than these; may be repeated",
    )  # fmt: skip
    parser.add_argument("--generation", type=int, metavar="G", help="default: the last common one")
    parser.add_argument(
        "--metric", action="append", default=[], metavar="NAME", help="show this one; repeatable"
    )
    parser.add_argument(
        "--variance", action="store_true", help="how much each source of randomness moves"
    )
    parser.add_argument(
        "--out", type=Path, metavar="FOLDER", help="write compare.csv, .json (dvc plots), .png here"
    )
    parser.add_argument(
        "--html", type=Path, metavar="FILE", help="write a page to read and share: one HTML file"
    )
    parser.add_argument(
        "--published", metavar="PRESET", help="the workspace beside a preset's published numbers"
    )


def run(args: argparse.Namespace) -> int:
    """Reads, compares, prints and writes.

    Raises:
        ComparisonError: nothing named, an unknown chain, a generation or metric that is missing,
            parameters that may not differ.
    """
    root = Path.cwd()
    if args.published:
        if args.out or args.html:
            got = "--out" if args.out else "--html"
            raise ComparisonError("--published", wanted="a table in the terminal alone", got=got)
        print(_published(root, args.published))
        return 0
    if bool(args.chains) == args.all:
        raise ComparisonError(
            "chains", wanted="names, or --all", got="both" if args.all else "none"
        )
    for path in [*(args.out / name for name in FILES if args.out), *filter(None, [args.html])]:
        check_out(path)
    runs, left_out = all_runs(root, args.chains)
    compared = variants(runs)
    check_parameters(compared, args.parameter)
    control = _control(runs, compared, args.control or runs[0].name)
    generation = last_common(compared) if args.generation is None else args.generation
    metrics = _chosen(compared, generation, args.metric)
    if args.out:
        _write(args.out, compared, control, metrics)
    if args.html:
        _write_page(args, Comparison(compared, control, generation, metrics), left_out)
    print(_table(compared, control, metrics, generation))
    print(_by_chain(compared))
    if args.variance:
        print(_variances(compared, metrics, generation))
    for line in [*cautions(compared, control), *(f"left out: {why}" for why in left_out)]:
        print(f"\n{line}")
    if args.out:
        print(f"\nwritten: {', '.join(FILES)} in {args.out}")
        table, template, _ = (args.out / name for name in FILES)
        print(f"next: dvc plots show {table} -t {template}")
    if args.html:
        print(f"\nwritten: {args.html}")
    return 0


def _chosen(compared: Sequence[Variant], generation: int, asked: Sequence[str]) -> list[str]:
    """The metrics that are shown: those asked for, else the registry's that were measured."""
    measured = measured_at(compared, generation)
    if not measured:
        wanted = f"0 to {last_common(compared)}"
        raise ComparisonError("--generation", wanted=wanted, got=generation)
    for name in asked:
        if name not in measured:
            wanted = f"one of {', '.join(measured)}"
            raise ComparisonError("--metric", wanted=wanted, got=repr(name))
    shown = [name for name in shown_in("comparison") if name in measured]
    return list(asked) or shown or measured


def _published(root: Path, name: str) -> str:
    """Measured beside published, with the relative difference; "not run" where nothing is."""
    numbers, others, reason = published_numbers(root, load_preset(root, name))
    rows = []
    for one in numbers:
        apart = "–"
        if one.measured is not None and one.published != 0:
            apart = f"{100 * (one.measured / one.published - 1):+.1f} %".replace("-", "−")
        got = "not run" if one.measured is None else plain(one.measured)
        rows.append((one.metric, str(one.generation), plain(one.published), got, apart))
    head = (f"published: {name}", "g", "published", "measured", "difference")
    lines = [text_table(rows, head)]
    if reason:
        lines.append(f"scores that do not count: {reason}")
    lines += [
        f"not the preset's: {key}: {as_yaml(own)} (preset: {as_yaml(theirs)})"
        for key, own, theirs in others
    ]
    return "\n".join(lines)


def _control(runs: Sequence[Run], compared: Sequence[Variant], name: str) -> Variant:
    """The variant of the chain of this name, which may be one that another chain stands for."""
    for one in runs:
        if one.name == name:
            own = fixed(one.parameters)
            return next(some for some in compared if not differing([some.parameters, own]))
    known = ", ".join(run.name for run in runs)
    raise ComparisonError("--control", wanted=f"one of {known}", got=repr(name))


def _table(
    compared: Sequence[Variant], control: Variant, metrics: Sequence[str], generation: int
) -> str:
    """A row for every variant and metric."""
    head = ("metric", "chains", "mean", "95 % interval", "less control", "95 % interval", "p", "")
    rows = []
    for variant in compared:
        apart = differences(variant, control, measured_at(compared, generation), generation)
        for name in metrics:
            own, less = level(variant, name, generation), apart[name]
            other = ("", "", "", "")
            if variant is not control:
                p_value = "–" if less.p_value is None else plain(less.p_value)
                mark = "significant" if less.significant else ""
                other = (plain(less.mean), span(less.low, less.high), p_value, mark)
            mean = (plain(own.mean), span(own.low, own.high))
            rows.append((f"  {name}", str(own.chains), *mean, *other))
    titles, *lines = text_table(rows, head).splitlines()
    chains = sum(len(variant.runs) for variant in compared)
    counts = {"variant": len(compared), "chain": chains}
    many = ", ".join(f"{count} {what}{'s' * (count != 1)}" for what, count in counts.items())
    parts = [f"{many}, generation {generation}"]
    parts += [f"control: {control.label}", "", titles]
    for at, variant in enumerate(compared):
        parts += [variant.label, *lines[at * len(metrics) : (at + 1) * len(metrics)]]
    return "\n".join(parts)


def _by_chain(compared: Sequence[Variant]) -> str:
    """What each chain's report says of it as a whole, and how far chains differ in that."""
    lines = ["\nchain by chain (of a single one, these describe that chain and no other):"]
    heads = {
        "half_life": "half-life",
        "phase_change": "change of phase",
        "alarm_generation": "first alarm",
    }
    for variant in compared:
        known = [run.summary for run in variant.runs.values() if run.summary]
        parts = [
            f"{head} {', '.join(_generation(one[name]) for one in known)}"
            for name, head in heads.items()
        ]
        lines.append(f"  {variant.label}: {'; '.join(parts) if known else 'no report'}")
    return "\n".join(lines)


def _generation(number: float | None) -> str:
    if number is None:
        return "never"
    return f"g{int(number):02d}" if float(number).is_integer() else f"g{plain(number)}"


def _variances(compared: Sequence[Variant], metrics: Sequence[str], generation: int) -> str:
    """Standard deviation over chains that differ in one seed alone."""
    lines = ["\nstandard deviation over chains that differ in this seed alone:"]
    for name in metrics:
        variances = variance_by_seed(compared, name, generation)
        parts = [f"{key} {plain(variance**0.5)}" for key, variance in variances.items()]
        lines.append(f"  {name:<20}{', '.join(parts) or 'no two such chains'}")
    return "\n".join(lines)


def _write(
    folder: Path, compared: Sequence[Variant], control: Variant, shown: Sequence[str]
) -> None:
    # matplotlib takes its time to import: only where something is drawn
    from palimpsest.figures.comparison import compared as drawn
    from palimpsest.figures.style import png

    rows = [
        {key: as_cell(value) for key, value in row.items()}
        for row in compared_rows(compared, control)
    ]
    buffer = io.StringIO()
    writer = csv.DictWriter(buffer, COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    table, vega = buffer.getvalue().encode(), json.dumps(_template(shown), indent=1) + "\n"
    contents = (table, vega.encode(), png(drawn(compared, shown)))
    for name, content in zip(FILES, contents, strict=True):
        write_out(folder / name, content)


def _write_page(args: argparse.Namespace, comparison: Comparison, left_out: Sequence[str]) -> None:
    """The page; what it says of versions and commits holds wherever it is read."""
    # plotly and jinja2 take their time to import
    from palimpsest.report.comparison_page import render_comparison

    runs = [run for variant in comparison.variants for run in variant.runs.values()]
    page = render_comparison(
        comparison,
        command=_command(args),
        commits=commits(Path.cwd(), [run.name for run in runs]),
        left_out=left_out,
        versions={"palimpsest": installed_version() or "(not installed)"},
    )
    # a name out of git may hold bytes that are no text
    write_out(args.html, page.encode("utf-8", "backslashreplace"))


def _command(args: argparse.Namespace) -> list[str]:
    """The words that make the same page again."""
    words = ["palimpsest", "compare", *args.chains, *(["--all"] if args.all else [])]
    for option in ("control", "generation"):
        if getattr(args, option) is not None:
            words += [f"--{option}", str(getattr(args, option))]
    for option in ("parameter", "metric"):
        words += [word for one in getattr(args, option) for word in (f"--{option}", one)]
    return [*words, "--html", args.html.name]


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
