"""The page that a reader opens: one HTML file that needs no network, the same bytes every time."""

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from palimpsest.decay.summary import Summary
from palimpsest.decay.trajectory import Card, custom_names
from palimpsest.report import sections
from palimpsest.report.labels import LABELS, OF_MODEL
from palimpsest.report.sections import Picture, Sample
from palimpsest.report.style import CSS

__all__ = ["Picture", "Sample", "render"]

TABLE_KEY = (
    '<p class="key soft"><i>Marked</i>: outside the null band, the 2.5th to 97.5th percentile of '
    "fresh human samples. Hover over a number for its 95\u00a0% interval. "
    "g00 is the human corpus.</p>"
)
ALARM_KEY = (
    '<p class="soft">An alarm is the first generation at which a metric has been outside its null '
    "band for two generations in a row, on the same side, with Benjamini–Hochberg control over "
    "metrics at 5\u00a0%.</p>"
)
MODEL_KEY = (
    '<p class="soft">Measured on each model while it reads the same held-out human text: how its '
    "hidden states cluster by next token (neural collapse, NC1 to NC4) and how close its words "
    "lie. More neural collapse goes with a better fit to human text: a lens, by itself no damage. "
    "These numbers have no interval and no null band.</p>"
)
LINEAGE_KEY = (
    '<p class="soft">The same loop from the same g00, but every generation learns from human text '
    "that none has seen: what it loses is the loop's own doing.</p>"
)
WITNESS_KEY = (
    '<p class="soft">Every generation\'s model continues the same words. Verdicts, from whole to '
    "gone: "
    + " ".join(f'<span class="badge {name}">{name}</span>' for name in sections.VERDICTS)
    + "by likelihood under model 0, repetition, and truth where it is known.</p>"
)


def render(
    summary: Summary,
    cards: Sequence[Card],
    pictures: Sequence[Picture],
    samples: Sequence[Sample],
    provenance: Mapping[str, Any],
    title: str = "Palimpsest",
) -> str:
    """The report of one chain as a self-contained HTML document.

    Args:
        summary: of the chain.
        cards: the cards it was made from; their witness entries are shown, by generation.
        pictures: PNG bytes with titles and captions, in the order of the page.
        samples: texts of a few generations, the human ones first.
        provenance: parameters, hashes and versions; may be nested.
        title: of the page and its heading.

    Returns:
        HTML text; no scripts, no links to anything outside.
    """
    trajectory = summary.trajectory
    ordered = sorted(cards, key=lambda card: int(card["generation"]))
    documents = int(trajectory.documents.max())
    last = int(trajectory.generations[-1])
    texts = f", {documents} texts each" if documents else ""
    parts = [
        ("chain", "", _intro(summary) + sections.tiles(summary)),
        ("pictures", "Curves", sections.pictures(pictures) if pictures else ""),
        ("metrics", "Metrics by generation", _metrics(summary, cards)),
        ("lineage", "Against the null lineage", _lineage(summary)),
        ("models", "Inside the models", _models(summary)),
        ("alarms", "Which metric warns first", _alarms(summary)),
        ("witness", "Witness prompts", _witness(ordered)),
        ("texts", "Texts, as written", sections.samples(samples) if samples else ""),
        ("provenance", "Provenance", sections.provenance(provenance) if provenance else ""),
    ]
    shown = [part for part in parts if part[2]]
    links = " ".join(f'<a href="#{key}">{escape(head)}</a>' for key, head, _ in shown if head)
    body = "".join(
        f'<section id="{key}">{f"<h2>{escape(head)}</h2>" if head else ""}{content}</section>'
        for key, head, content in shown
    )
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(title)}</title>\n<style>{CSS}</style></head>\n<body><main>"
        f"<h1>{escape(title)}</h1>"
        f'<p class="soft">What is left of human text: generations 0 to {last}{texts}.</p>'
        f"<nav>{links}</nav>{body}</main></body></html>\n"
    )


def _intro(summary: Summary) -> str:
    return f"<p>{escape(' '.join(sections.story(summary)))}</p>"


def _metrics(summary: Summary, cards: Sequence[Card]) -> str:
    trajectory = summary.trajectory
    rest = (
        f"<details><summary>All {len(trajectory.curves)} metrics</summary>"
        f"{sections.full_table(trajectory)}</details>"
    )
    chief = [*LABELS, *custom_names(cards)]
    table = sections.metric_table(trajectory, chief)
    return table + (TABLE_KEY if trajectory.null else "") + rest


def _models(summary: Summary) -> str:
    trajectory = summary.trajectory
    if not any(name in trajectory for name in OF_MODEL):
        return ""
    return MODEL_KEY + sections.metric_table(trajectory, OF_MODEL)


def _lineage(summary: Summary) -> str:
    table = sections.lineage_table(summary.trajectory)
    return LINEAGE_KEY + table if table else ""


def _witness(cards: Sequence[Card]) -> str:
    key = WITNESS_KEY if any(card.get("witness") for card in cards) else ""
    return key + sections.witnesses(cards)


def _alarms(summary: Summary) -> str:
    return ALARM_KEY + sections.alarm_table(summary) if summary.alarms else ""
