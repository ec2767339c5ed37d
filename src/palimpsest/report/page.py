"""The page that a reader opens: one HTML file that needs no network, the same bytes every time."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from palimpsest.core.formatting import plain
from palimpsest.metrics.registry import REGISTRY, metric, shown_in
from palimpsest.report import tables
from palimpsest.report.curve_data import curve_data, training_data
from palimpsest.report.documents import Written
from palimpsest.report.error_rates import alarms_sentence
from palimpsest.report.glossary import TERMS, explained, term, with_terms
from palimpsest.report.reproduction import Origin
from palimpsest.report.scripts import plotly_script, static_script
from palimpsest.report.story import g, phases, story, tiles
from palimpsest.report.templates import render_template
from palimpsest.report.text_sections import text_sections
from palimpsest.trajectory.curves import Scorecard, Trajectory, custom_names
from palimpsest.trajectory.summary import Summary

VERDICTS = ("PASS", "WARN", "FAIL", "CRITICAL", "DEAD")
SCRIPTS = ("page", "charts", "curves", "training", "documents", "cloud", "texts")
"""The scripts of static/ that the page runs after plotly.js: what all share, then one a section."""
OF_MODEL = tuple(name for name, entry in REGISTRY.items() if entry.family == "model")
"""What is measured inside a model: a table of its own."""


@dataclass(frozen=True)
class Sample:
    """Texts of one generation, as written."""

    generation: int
    texts: tuple[str, ...]

    @property
    def name(self) -> str:
        """The generation's name."""
        return f"{g(self.generation)}{', human' if self.generation == 0 else ''}"


def render(
    summary: Summary,
    scorecards: Sequence[Scorecard],
    origin: Origin,
    title: str = "Palimpsest",
    warnings: Sequence[str] = (),
    trainings: Sequence[dict[str, Any]] = (),
    written: Sequence[Written] = (),
) -> str:
    """The report of one chain as a self-contained HTML document.

    Args:
        summary: of the chain.
        scorecards: those it was made from; their witness entries are shown, by generation, and
            texts of a few.
        origin: parameters, hashes and versions.
        title: of the page and its heading.
        warnings: what must be seen before any number, a sentence each.
        trainings: how each generation's model was trained: its ``name``, and what the score stage
            wrote as training.json.
        written: the documents of the chain's generations in order, then those of its control
            chain; without any the page has samples and no cloud.

    Returns:
        HTML text; its scripts stand in it, and nothing links to anything outside.
    """
    trajectory = summary.trajectory
    ordered = sorted(scorecards, key=lambda scorecard: int(scorecard["generation"]))
    measured = [name for name in OF_MODEL if name in trajectory]
    control = tables.against_control(trajectory, shown_in("table"))
    curves, training = curve_data(trajectory), training_data(trainings)
    texts = text_sections(trajectory, ordered, written, _samples(ordered))
    parts = [
        ("profile", "Has it collapsed?", True),
        ("curves", "Curves", True),
        ("alarms", "Which metric warns first", summary.alarms),
        ("phases", "Phases and forecast", True),
        ("control", "Against the control chain", control),
        ("models", "Inside the models", measured or training),
        *texts.links,
        ("witness", "Witness prompts", True),
        ("metrics", "Tables", True),
        ("reproduce", "How to reproduce it", True),
        ("glossary", "What the words mean", True),
    ]
    return render_template(
        "chain",
        scripts=(static_script("canvas"), plotly_script(), *map(static_script, SCRIPTS)),
        data={"curve-data": curves, "training-data": training, **texts.blocks},
        title=title,
        warnings=warnings,
        links=[(key, head) for key, head, there in parts if there],
        **_words(summary),
        **_metrics(trajectory, custom_names(scorecards), measured),
        families=curves["families"],
        trained=bool(training),
        control=control,
        witness=_witness(ordered),
        **texts.values,
        origin=origin,
        facts=origin.shown(),
    )


def _words(summary: Summary) -> dict[str, Any]:
    """What the templates say of the chain, and how they explain a word."""
    return {
        "verdicts": VERDICTS,
        "term": term,
        "explained": explained,
        "with_terms": with_terms,
        "glossary": TERMS.items(),
        "story": story(summary),
        "tiles": tiles(summary),
        "first": _first_charts(summary),
        "replies": tables.replies(summary.profile, summary.trajectory),
        "leads": tables.leads(summary),
        "earliest": tables.EARLIEST,
        "false_alarms": alarms_sentence(),
        "phases": phases(summary),
    }


def _metrics(
    trajectory: Trajectory, custom: Sequence[str], measured: Sequence[str]
) -> dict[str, Any]:
    """The tables of metrics, and which of a model's metrics have a chart of their own."""
    return {
        "last": int(trajectory.generations[-1]),
        "documents": int(trajectory.documents.max()),
        "has_bands": bool(trajectory.null),
        "has_control": trajectory.control is not None,
        "count": len(trajectory.curves),
        "chief": tables.by_generation(trajectory, [*shown_in("table"), *custom]),
        "every": tables.by_metric(trajectory),
        "models": tables.by_generation(trajectory, measured) if measured else None,
        "model_curves": [name for name in shown_in("plot") if name in measured],
    }


def _first_charts(summary: Summary) -> list[tuple[str, str, str]]:
    """The charts of the first screen: name of a metric, its title, what it shows.

    Integrity, and beside it the metric that warned first; without one, how well the models still
    know human text.
    """
    trajectory, alarm = summary.trajectory, next(iter(summary.own_alarms), None)
    other = "perplexity_heldout"
    if alarm is not None and alarm.metric != "integrity":
        other = alarm.metric
    charts = []
    for name in ("integrity", other):
        if name in trajectory:
            values = f"from {plain(trajectory.first(name))} to {plain(trajectory.last(name))}"
            warned = name == other and alarm is not None and alarm.metric == name
            head = "The first to warn: " if warned else ""
            charts.append((name, f"{head}{metric(name).label}", values))
    return charts


def _samples(scorecards: Sequence[Scorecard]) -> list[Sample]:
    """Texts of the first, second, middle and last generation, of those that keep some."""
    last = len(scorecards) - 1
    chosen = [scorecards[at] for at in sorted({0, min(1, last), len(scorecards) // 2, last})]
    return [
        Sample(int(one["generation"]), tuple(one["samples"])) for one in chosen if "samples" in one
    ]


def _witness(scorecards: Sequence[Scorecard]) -> dict[str, Any]:
    """Each witness prompt's continuation by generation, side by side, with its verdict."""
    entries = {
        (scorecard["generation"], entry["prompt"]): entry
        for scorecard in scorecards
        for entry in scorecard.get("witness") or ()
    }
    prompts = list(dict.fromkeys(prompt for _, prompt in entries))
    generations = [scorecard["generation"] for scorecard in scorecards]
    heads = [
        {
            "text": prompt,
            "marks": [
                {"generation": g(number), "verdict": _verdict(entries[number, prompt])}
                for number in generations
                if (number, prompt) in entries
            ],
        }
        for prompt in prompts
    ]
    rows = [
        {
            "generation": g(number),
            "cells": [_testimony(entries.get((number, prompt)), prompt) for prompt in prompts],
        }
        for number in generations
    ]
    return {"prompts": heads, "rows": rows}


def _verdict(entry: Mapping[str, Any]) -> str:
    verdict = str(entry["verdict"])
    return verdict if verdict in VERDICTS else "WARN"


def _testimony(entry: Mapping[str, Any] | None, prompt: str) -> dict[str, str]:
    if entry is None:
        return {"prompt": prompt, "verdict": "", "text": "", "reasons": ""}
    return {
        "prompt": prompt,
        "verdict": _verdict(entry),
        "text": str(entry["continuation"]).strip(),
        "reasons": "; ".join(entry.get("reasons") or ()),
    }
