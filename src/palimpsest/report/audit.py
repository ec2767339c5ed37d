"""An audit to look at: a table for a terminal, a page of its own, the verdict in a sentence."""

from palimpsest.audit.measure import Audit
from palimpsest.audit.verdict import AuditVerdict, Finding
from palimpsest.core.formatting import plain, span, text_table
from palimpsest.metrics.registry import metric
from palimpsest.report.tables import Cell, Column, Row, Table
from palimpsest.report.templates import render_template

COLUMNS = ("metric", "value", "95 % interval", "null band", "where")
PLAIN = (AuditVerdict.COPIED, AuditVerdict.REPEATED)
"""Verdicts that are plain facts."""
FEW_TEXTS = 100
"""n below which the page says that only gross changes show."""


def sentence(audit: Audit) -> str:
    """The plain facts, then the metrics' verdict and the three strongest reasons for it."""
    said = [_plainly(audit, one) for one in audit.verdicts if one in PLAIN]
    measured = [one for one in audit.verdicts if one not in PLAIN]
    return " ".join([*said, *(_measured(audit, one) for one in measured)])


def _plainly(audit: Audit, verdict: AuditVerdict) -> str:
    """A plain fact with its numbers: "Repeated: 60 of 120 texts; 60 are one text."."""
    copies = audit.copies
    if verdict is AuditVerdict.COPIED:
        fact, counts = copies.copied, {"equal one": len(copies.exact)}
        counts["nearly repeat one"] = len(fact.rows) - len(copies.exact)
    else:
        fact = copies.repeated
        one = "are one text" if 2 * len(copies.largest) > len(fact.rows) else "in the largest group"
        counts = {one: len(copies.largest), "are loops": len(copies.looped)}
        counts["are empty"] = len(copies.empty)
    told = ", ".join(f"{count} {what}" for what, count in counts.items() if count)
    head = verdict.value.capitalize()
    return f"{head}: {len(fact.rows)} of {fact.texts} texts ({told})."


def _measured(audit: Audit, verdict: AuditVerdict) -> str:
    head = verdict.value.capitalize()
    if verdict is AuditVerdict.WHOLE:
        count, null = len(audit.findings), audit.params.null_samples
        return f"{head}: none of {count} metrics stands out from {null} samples of the reference."
    reasons = "; ".join(_reason(one) for one in audit.reasons)
    narrower = any(one.counts == "collapse" for one in audit.findings)
    if verdict is AuditVerdict.DIFFERENT and narrower:
        head += ", and narrower, as another subject alone can be"
    return f"{head}: {reasons}."


def notes(audit: Audit) -> list[str]:
    """What the numbers rest on, a line each."""
    lines = [
        f"{audit.sample} of {audit.candidate_texts} candidate texts, each against {audit.sample} "
        f"of {audit.reference_texts} reference texts; {audit.params.null_samples} null samples of "
        f"{audit.sample}; {audit.words} words; seed {audit.params.seed}."
    ]
    plain = {"copied": audit.copies.copied, "repeated": audit.copies.repeated}
    lines += [
        f'{name}, row {row + 1}: "{example}"'
        for name, fact in plain.items()
        for row, example in fact.examples
    ]
    if audit.reference_repeated:
        lines.append(f"{audit.reference_repeated} repeated reference texts were left out.")
    if audit.sample < FEW_TEXTS:
        lines.append(f"With {audit.sample} texts only gross changes show.")
    return lines


def table(audit: Audit) -> str:
    """A row a metric, at most 100 columns wide; what stands out says what it counts as."""
    return text_table([_cells(one) for one in audit.findings], COLUMNS)


def text(audit: Audit) -> str:
    """What the command prints."""
    seen = [f"warning: {warning}" for warning in audit.warnings]
    return "\n".join([table(audit), "", *notes(audit), *seen, sentence(audit)])


def page(audit: Audit, candidate: str, reference: str) -> str:
    """The audit as one HTML document that needs no network.

    Args:
        audit: the result.
        candidate: what the candidate is called.
        reference: what the reference is called.
    """
    rows = []
    for one in audit.findings:
        name, value, *rest = _cells(one)
        cells = (Cell(value, left=bool(one.counts)), *map(Cell, rest))
        rows.append(Row(name, cells, code=True))
    return render_template(
        "audit",
        title=f"Audit of {candidate}",
        verdict=audit.verdict.value.capitalize(),
        candidate=candidate,
        reference=reference,
        sentence=sentence(audit),
        warnings=audit.warnings,
        metrics=Table(tuple(map(Column, COLUMNS)), tuple(rows)),
        notes=notes(audit),
    )


def as_dict(audit: Audit) -> dict[str, object]:
    """Plain values for a JSON file."""
    return {
        "verdict": audit.verdict.value,
        "verdicts": [one.value for one in audit.verdicts],
        "copies": {
            "copied": list(audit.copies.copied.rows),
            "copied_exactly": list(audit.copies.exact),
            "repeated": list(audit.copies.repeated.rows),
            "largest_group": list(audit.copies.largest),
            "loops": list(audit.copies.looped),
            "empty": list(audit.copies.empty),
            "expected": {
                "copied": audit.copies.copied.expected,
                "repeated": audit.copies.repeated.expected,
            },
        },
        "sentence": sentence(audit),
        "reasons": [one.metric for one in audit.reasons],
        "sample": audit.sample,
        "words": audit.words,
        "candidate_texts": audit.candidate_texts,
        "reference_texts": audit.reference_texts,
        "reference_repeated": audit.reference_repeated,
        "parameters": audit.params.as_dict(),
        "metrics": {one.metric: _entry(one) for one in audit.findings},
        **({"warnings": list(audit.warnings)} if audit.warnings else {}),
    }


def _entry(one: Finding) -> dict[str, object]:
    band = one.band
    return {
        "value": one.value,
        "low": one.low,
        "high": one.high,
        "null": {"low": band.low, "high": band.high, "mean": band.mean, "sd": band.sd},
        "p_value": one.p_value,
        "place": one.place,
        "counts": one.counts,
    }


def _reason(one: Finding) -> str:
    band = span(one.band.low, one.band.high)
    return f"{metric(one.metric).label} {plain(one.value)} (human samples: {band})"


def _cells(one: Finding) -> tuple[str, str, str, str, str]:
    interval, band = span(one.low, one.high), span(one.band.low, one.band.high)
    where = f"{one.place}  {one.counts}".rstrip()
    return one.metric, plain(one.value), interval, band, where
