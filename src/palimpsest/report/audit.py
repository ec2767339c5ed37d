"""An audit to look at: a table for a terminal, a page of its own, the verdict in a sentence."""

from html import escape

from palimpsest.audit.measure import Audit
from palimpsest.audit.verdict import Finding, Verdict
from palimpsest.report.labels import LABELS, plain
from palimpsest.report.style import CSS

COLUMNS = ("metric", "value", "95 % interval", "null band", "where")
FEW_TEXTS = 100
"""n below which the page says that only gross changes show."""


def sentence(audit: Audit) -> str:
    """The verdict and the three strongest reasons for it, in one sentence."""
    head = audit.verdict.value.capitalize()
    if audit.verdict is Verdict.WHOLE:
        count, null = len(audit.findings), audit.params.null_samples
        return f"{head}: none of {count} metrics stands out from {null} samples of the reference."
    reasons = "; ".join(_reason(one) for one in audit.reasons)
    narrower = any(one.counts == "collapse" for one in audit.findings)
    if audit.verdict is Verdict.DIFFERENT and narrower:
        head += ", and narrower, as another subject alone can be"
    return f"{head}: {reasons}."


def notes(audit: Audit) -> list[str]:
    """What the numbers rest on, a line each."""
    lines = [
        f"{audit.sample} of {audit.candidate_texts} candidate texts, each against {audit.sample} "
        f"of {audit.reference_texts} reference texts; {audit.params.null_samples} null samples of "
        f"{audit.sample}; {audit.words} words; seed {audit.params.seed}."
    ]
    if audit.sample < FEW_TEXTS:
        lines.append(f"With {audit.sample} texts only gross changes show.")
    return lines


def table(audit: Audit) -> str:
    """A row a metric, at most 100 columns wide; what stands out says what it counts as."""
    rows = [COLUMNS, *(_cells(one) for one in audit.findings)]
    widths = [max(len(row[at]) for row in rows) for at in range(len(COLUMNS))]
    lines = []
    for row in rows:
        middle = "  ".join(row[at].rjust(widths[at]) for at in range(1, 4))
        lines.append(f"{row[0].ljust(widths[0])}  {middle}  {row[4]}".rstrip())
    return "\n".join(lines)


def text(audit: Audit) -> str:
    """What the command prints."""
    return "\n".join([table(audit), "", *notes(audit), sentence(audit)])


def page(audit: Audit, candidate: str, reference: str) -> str:
    """The audit as one HTML document that needs no network.

    Args:
        audit: the result.
        candidate: what the candidate is called.
        reference: what the reference is called.
    """
    head = "".join(f"<th>{escape(name)}</th>" for name in COLUMNS)
    rows = "".join(_row(one) for one in audit.findings)
    below = "".join(f'<p class="soft">{escape(line)}</p>' for line in notes(audit))
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>Audit of {escape(candidate)}</title>\n<style>{CSS}</style></head>\n<body><main>"
        f"<h1>{escape(audit.verdict.value.capitalize())}</h1>"
        f'<p class="soft">{escape(candidate)} against {escape(reference)}</p>'
        f"<p>{escape(sentence(audit))}</p>"
        f'<div class="scroll"><table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>'
        '</div><p class="key soft"><i>Marked</i>: the whole interval lies outside the null band, '
        "with Benjamini–Hochberg control over metrics. <b>collapse</b>: on the side where "
        f"collapse lies.</p>{below}</main></body></html>\n"
    )


def as_dict(audit: Audit) -> dict[str, object]:
    """Plain values for a JSON file."""
    return {
        "verdict": audit.verdict.value,
        "sentence": sentence(audit),
        "reasons": [one.metric for one in audit.reasons],
        "sample": audit.sample,
        "words": audit.words,
        "candidate_texts": audit.candidate_texts,
        "reference_texts": audit.reference_texts,
        "parameters": audit.params.as_dict(),
        "metrics": {one.metric: _entry(one) for one in audit.findings},
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
    title = LABELS[one.metric].title if one.metric in LABELS else one.metric.replace("_", " ")
    band = f"{plain(one.band.low)} to {plain(one.band.high)}"
    return f"{title} {plain(one.value)} (human samples: {band})"


def _cells(one: Finding) -> tuple[str, str, str, str, str]:
    interval = "–" if one.low is None else f"{plain(one.low)} to {plain(one.high)}"
    band = f"{plain(one.band.low)} to {plain(one.band.high)}"
    return one.metric, plain(one.value), interval, band, f"{one.place}  {one.counts}".rstrip()


def _row(one: Finding) -> str:
    name, value, interval, band, where = map(escape, _cells(one))
    mark = ' class="left"' if one.counts else ""
    return (
        f"<tr><th><code>{name}</code></th><td{mark}>{value}</td><td>{interval}</td>"
        f"<td>{band}</td><td>{where}</td></tr>"
    )
