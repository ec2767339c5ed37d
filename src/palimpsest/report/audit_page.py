"""The page of an audit: what is wrong, shown; what the words mean; every number at the end."""

from collections.abc import Sequence
from dataclasses import dataclass

from palimpsest.auditing.judgements import Judgement
from palimpsest.auditing.result import Audit
from palimpsest.auditing.verdict import AuditVerdict, Finding
from palimpsest.metrics.registry import metric, shown_in
from palimpsest.report import audit_pictures
from palimpsest.report.audit import COLUMNS, NAMES, cells, notes, whose
from palimpsest.report.tables import Cell, Column, Row, Table
from palimpsest.report.templates import render_template

BADGES = {
    AuditVerdict.COPIED: "FAIL",
    AuditVerdict.REPEATED: "FAIL",
    AuditVerdict.GARBLED: "FAIL",
    AuditVerdict.COLLAPSED: "CRITICAL",
    AuditVerdict.NARROWER: "WARN",
    AuditVerdict.SHORTENED: "WARN",
    AuditVerdict.OTHER_SUBJECT: "WARN",
    AuditVerdict.NO_SIGN: "PASS",
}
"""The colour of a verdict's badge, by its class in the style sheet."""
MEANINGS = {
    AuditVerdict.COPIED: "texts that also stand in the reference, word for word or nearly so",
    AuditVerdict.REPEATED: "texts that repeat each other or themselves, begin with one phrase, "
    "or are empty",
    AuditVerdict.GARBLED: "words, or an order of words, that are not the reference's language",
    AuditVerdict.COLLAPSED: "most of the variety that human text has is gone",
    AuditVerdict.NARROWER: "less varied than human text, and not collapsed",
    AuditVerdict.SHORTENED: "texts that are shorter than the reference's",
    AuditVerdict.OTHER_SUBJECT: "texts about what the reference is not about: variety cannot be "
    "judged by it",
    AuditVerdict.NO_SIGN: "nothing of all that was found",
}
"""What each verdict means."""
TERMS = {
    "candidate": "the texts that are judged.",
    "reference": "human texts that the candidate is held against.",
    "human sample": "as many texts as were taken of the candidate, dealt at random out of the "
    "reference: what “nothing happened” looks like.",
    "band": "where 95 % of new human samples lie.",
    "95 % interval": "how far a number may be off because these texts and no others were taken. A "
    "metric counts only if its whole interval lies outside the band.",
    "embedding": "numbers that an encoder gives a text; texts that say alike things lie close.",
}
"""Words of the page that a newcomer need not know."""
EVIDENCE = {
    "room": "how much space the texts take",
    "reach": "how much of the human ground they cover",
    "words": "how varied the wording is",
    "likelihood": "how a model of human text takes them",
    "distance": "how far they are from the reference",
}
"""What a metric is evidence of, by the registry's name for it."""
SIDES = {"down": "falls when text collapses", "up": "rises when text collapses"}
MOST_METRICS = 12
"""Metrics in the picture, at the most."""
FIRST_EXAMPLES = 3
"""Named texts that are seen at once; the others are folded away."""
PERCENT_PLACES = 1


@dataclass(frozen=True)
class ShownJudgement:
    """A judgement as the page shows it."""

    name: str
    badge: str
    share: str
    judgement: Judgement


def page(audit: Audit, candidate: str, reference: str) -> str:
    """The audit as one HTML document that needs no network.

    Args:
        audit: the result.
        candidate: what the candidate is called.
        reference: what the reference is called.

    Returns:
        HTML text; no scripts, no links to anything outside; texts and names are escaped.
    """
    metrics = deciding(audit.findings, audit.reasons)
    return render_template(
        "audit",
        title=f"Audit of {candidate}",
        candidate=candidate,
        reference=reference,
        verdicts=[_shown(one) for one in audit.judgements],
        first_examples=FIRST_EXAMPLES,
        whose=whose,
        tiles=_tiles(audit),
        warnings=audit.warnings,
        cloud=_cloud(audit),
        bands=audit_pictures.over_bands(metrics) if metrics else None,
        terms=TERMS,
        meanings=[(NAMES[one], MEANINGS[one]) for one in AuditVerdict],
        metrics=[(metric(one.metric).label, _explained(one.metric)) for one in metrics],
        every=_every(audit),
        notes=notes(audit),
    )


def deciding(findings: Sequence[Finding], reasons: Sequence[Finding]) -> list[Finding]:
    """The metrics that the picture shows, in the order of the findings.

    The reasons, the measures of breadth by which an audit says "collapsed", and what else stands
    out, the strongest first, while there is room.
    """
    breadth = shown_in("breadth")
    counted = sorted((one for one in findings if one.counts), key=lambda one: -one.distance)
    wanted = [*reasons, *(one for one in findings if one.metric in breadth), *counted]
    chosen = list(dict.fromkeys(one.metric for one in wanted))[:MOST_METRICS]
    return [one for one in findings if one.metric in chosen]


def _shown(one: Judgement) -> ShownJudgement:
    share = ""
    if one.rows:
        part = 100 * len(one.rows) / one.texts
        share = f"{len(one.rows):,} of {one.texts:,} texts, {part:.{PERCENT_PLACES}f} %"
    return ShownJudgement(NAMES[one.verdict], BADGES[one.verdict], share, one)


def _tiles(audit: Audit) -> list[tuple[str, str, str]]:
    """(what, number, a word about it)."""
    flagged = len(audit.flags)
    return [
        ("candidate", f"{audit.candidate_texts:,}", "texts"),
        ("reference", f"{audit.reference_texts:,}", "distinct human texts"),
        ("compared", f"{audit.sample:,}", "texts of each, for the metrics"),
        ("flagged", f"{flagged:,}", "single texts with something wrong"),
    ]


def _cloud(audit: Audit) -> tuple[audit_pictures.Points, ...] | None:
    found = audit.cloud
    return None if found is None else audit_pictures.cloud(found.candidate, found.human)


def _explained(name: str) -> str:
    """A metric in a line: what it is evidence of, its definition, its side."""
    entry = metric(name)
    said = [EVIDENCE.get(entry.evidence, ""), entry.definition, SIDES.get(entry.direction, "")]
    return "; ".join(part for part in said if part) + "."


def _every(audit: Audit) -> Table:
    rows = []
    for one in audit.findings:
        name, value, *rest = cells(one)
        shown = (Cell(value, left=bool(one.counts)), *map(Cell, rest))
        rows.append(Row(name, shown, code=True))
    return Table(tuple(map(Column, COLUMNS)), tuple(rows))
