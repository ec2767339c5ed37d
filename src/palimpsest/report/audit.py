"""An audit in words and numbers: a table for a terminal, the verdicts in sentences, the JSON."""

from dataclasses import asdict

from palimpsest.auditing.facts import Example
from palimpsest.auditing.judgements import Judgement
from palimpsest.auditing.record import FORMAT
from palimpsest.auditing.result import Audit
from palimpsest.auditing.verdict import AuditVerdict, Finding
from palimpsest.core.formatting import plain, span, text_table

COLUMNS = ("metric", "value", "95 % interval", "null band", "where")
FEW_TEXTS = 100
"""n below which the page says that only gross changes show."""
NAMES = {
    AuditVerdict.COPIED: "Copied from the reference",
    AuditVerdict.REPEATED: "Repeated",
    AuditVerdict.GARBLED: "Garbled",
    AuditVerdict.COLLAPSED: "Collapsed",
    AuditVerdict.NARROWER: "Narrower than the reference",
    AuditVerdict.SHORTENED: "Shortened",
    AuditVerdict.OTHER_SUBJECT: "Another subject than the reference",
    AuditVerdict.NO_SIGN: "No sign of collapse",
}
"""Verdicts for readers."""


def sentence(audit: Audit) -> str:
    """Every verdict with its reason."""
    return " ".join(f"{NAMES[one.verdict]}: {one.reason}." for one in audit.judgements)


def notes(audit: Audit) -> list[str]:
    """What the numbers rest on, a line each."""
    lines = [
        f"{audit.sample} of {audit.candidate_texts} candidate texts, each against {audit.sample} "
        f"of {audit.reference_texts} reference texts; {audit.params.null_samples} null samples of "
        f"{audit.sample}; {audit.words} words ({audit.segmentation}); seed {audit.params.seed}."
    ]
    lengths = audit.evidence.lengths
    if lengths.shortened:
        lines.append("The reference texts were cut to the candidate's lengths before measuring.")
    if audit.reference_repeated:
        lines.append(f"{audit.reference_repeated} repeated reference texts were left out.")
    if audit.sample < FEW_TEXTS:
        lines.append(f"With {audit.sample} texts only gross changes show.")
    return lines


def named(judgement: Judgement) -> list[str]:
    """The texts that show a verdict, a line each."""
    return [
        f"{judgement.verdict}, {whose(one)} {one.row + 1}"
        + (f" ({one.note})" if one.note else "")
        + f": “{one.text}”"
        for one in judgement.examples
    ]


def whose(example: Example) -> str:
    """What a text is called: texts are the candidate's unless it is said."""
    return "text" if example.of == "candidate" else "reference text"


def table(audit: Audit) -> str:
    """A row a metric, at most 100 columns wide; what stands out says what it counts as."""
    return text_table([cells(one) for one in audit.findings], COLUMNS)


def cells(one: Finding) -> tuple[str, str, str, str, str]:
    """A metric's row of the table, under `COLUMNS`."""
    interval, band = span(one.low, one.high), span(one.band.low, one.band.high)
    where = f"{one.place}  {one.counts}".rstrip()
    return one.metric, plain(one.value), interval, band, where


def text(audit: Audit) -> str:
    """What the command prints."""
    seen = [f"warning: {warning}" for warning in audit.warnings]
    texts = [line for one in audit.judgements for line in named(one)]
    verdicts = [
        f"{NAMES[one.verdict]}: {one.reason}. What to do: {one.advice}." for one in audit.judgements
    ]
    return "\n".join([table(audit), "", *notes(audit), *texts, *seen, *verdicts])


def as_dict(audit: Audit) -> dict[str, object]:
    """Plain values for a JSON file; rows count from 0."""
    return {
        "format": FORMAT,
        "verdict": audit.verdict.value,
        "verdicts": [one.value for one in audit.verdicts],
        "judgements": [_judgement(one) for one in audit.judgements],
        "flags": {str(row): list(flags) for row, flags in audit.flags.items()},
        "sentence": sentence(audit),
        "reasons": [one.metric for one in audit.reasons],
        "sample": audit.sample,
        "words": audit.words,
        "segmentation": audit.segmentation,
        **asdict(audit.measured_with),
        "candidate_texts": audit.candidate_texts,
        "reference_texts": audit.reference_texts,
        "reference_repeated": audit.reference_repeated,
        "parameters": audit.params.as_dict(),
        "metrics": {one.metric: _entry(one) for one in audit.findings},
        "warnings": list(audit.warnings),
    }


def _judgement(one: Judgement) -> dict[str, object]:
    return {
        "verdict": one.verdict.value,
        "reason": one.reason,
        "advice": one.advice,
        "share": one.share,
        "rows": list(one.rows),
        "examples": [asdict(example) for example in one.examples],
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
