"""The page that a reader opens: one HTML file that needs no network, the same bytes every time."""

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from palimpsest.metrics.registry import REGISTRY, shown_in
from palimpsest.report import tables
from palimpsest.report.story import g, story, tiles
from palimpsest.report.templates import render_template
from palimpsest.trajectory.curves import Scorecard, custom_names
from palimpsest.trajectory.summary import Summary

VERDICTS = ("PASS", "WARN", "FAIL", "CRITICAL", "DEAD")
OF_MODEL = tuple(name for name, entry in REGISTRY.items() if entry.family == "model")
"""What is measured inside a model: a table of its own."""


@dataclass(frozen=True)
class Picture:
    """A picture with its words; a wide one takes the whole row."""

    title: str
    caption: str
    png: bytes
    wide: bool = True

    @property
    def source(self) -> str:
        """The picture itself as an address."""
        return f"data:image/png;base64,{base64.b64encode(self.png).decode('ascii')}"


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
    pictures: Sequence[Picture],
    samples: Sequence[Sample],
    provenance: Mapping[str, Any],
    title: str = "Palimpsest",
    warnings: Sequence[str] = (),
) -> str:
    """The report of one chain as a self-contained HTML document.

    Args:
        summary: of the chain.
        scorecards: those it was made from; their witness entries are shown, by generation.
        pictures: PNG bytes with titles and captions, in the order of the page.
        samples: texts of a few generations, the human ones first.
        provenance: parameters, hashes and versions; may be nested.
        title: of the page and its heading.
        warnings: what must be seen before any number, a sentence each.

    Returns:
        HTML text; no scripts, no links to anything outside.
    """
    trajectory = summary.trajectory
    ordered = sorted(scorecards, key=lambda scorecard: int(scorecard["generation"]))
    chief = [*shown_in("table"), *custom_names(scorecards)]
    measured = any(name in trajectory for name in OF_MODEL)
    control = tables.against_control(trajectory, shown_in("table"))
    parts = [
        ("pictures", "Curves", pictures),
        ("metrics", "Metrics by generation", True),
        ("control", "Against the control chain", control),
        ("models", "Inside the models", measured),
        ("alarms", "Which metric warns first", summary.alarms),
        ("witness", "Witness prompts", True),
        ("texts", "Texts, as written", samples),
        ("provenance", "Provenance", provenance),
    ]
    return render_template(
        "chain",
        title=title,
        last=int(trajectory.generations[-1]),
        documents=int(trajectory.documents.max()),
        warnings=warnings,
        links=[(key, head) for key, head, there in parts if there],
        story=story(summary),
        tiles=tiles(summary),
        pictures=pictures,
        chief=tables.by_generation(trajectory, chief),
        every=tables.by_metric(trajectory),
        has_bands=bool(trajectory.null),
        control=control,
        models=tables.by_generation(trajectory, OF_MODEL) if measured else None,
        alarms=tables.of_alarms(summary) if summary.alarms else None,
        verdicts=VERDICTS,
        witness=_witness(ordered),
        samples=samples,
        provenance=_facts(provenance),
    )


def _facts(provenance: Mapping[str, Any]) -> list[Any]:
    """What the provenance says; the parameters of the inputs are compared and not shown."""
    shown = [(key, fact) for key, fact in provenance.items() if key != "made_with"]
    return list(tables.flattened("", shown))


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
