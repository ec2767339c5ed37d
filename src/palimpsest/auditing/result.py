"""What an audit gives: judgements with their evidence, every metric, and flags of single texts."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

from palimpsest.auditing.judgements import Evidence, Judgement
from palimpsest.auditing.language import garbled_rows
from palimpsest.auditing.samples import MeasuredWith
from palimpsest.auditing.subject import Cloud
from palimpsest.auditing.verdict import AuditParams, AuditVerdict, Finding


@dataclass(frozen=True)
class Audit:
    """The result of `palimpsest.auditing.measure.audit`."""

    judgements: tuple[Judgement, ...]
    """All that hold, the plainest first; at least one."""
    evidence: Evidence
    """What they rest on."""
    findings: tuple[Finding, ...]
    """Every metric, in the order of the evaluator's families."""
    sample: int
    """n, texts of each sample."""
    words: int
    """Words that lexical metrics were measured on."""
    segmentation: str
    """What cut the words."""
    candidate_texts: int
    """Texts that the candidate has."""
    reference_texts: int
    """Texts that the reference has, repeated ones left out."""
    reference_repeated: int
    """Repeated texts of the reference, which were left out."""
    params: AuditParams
    measured_with: MeasuredWith = field(default_factory=MeasuredWith)
    """Encoder, model and reference."""
    warnings: tuple[str, ...] = ()
    """What is no error and must be seen, a sentence each."""
    cloud: Cloud | None = field(default=None, compare=False)
    """Where the texts lie; None where no embedding counts."""

    @property
    def verdicts(self) -> tuple[AuditVerdict, ...]:
        """All that hold, the plainest first; at least one."""
        return tuple(one.verdict for one in self.judgements)

    @property
    def verdict(self) -> AuditVerdict:
        """The plainest of the verdicts."""
        return self.verdicts[0]

    @property
    def reasons(self) -> tuple[Finding, ...]:
        """The metrics behind ``collapsed`` or ``narrower``, else those that differ; at most three,
        the strongest first.
        """
        return self.evidence.reasons

    @cached_property
    def flags(self) -> Mapping[int, tuple[str, ...]]:
        """What is wrong with single texts, by row, in order; rows without a flag are absent.

        A fact flags texts whether it is a verdict or not, but for openings, garbled and short ones,
        which need many texts to be seen.
        """
        found = self.evidence
        exact = {*found.copies.exact}
        near = [row for row in found.copies.copied.rows if row not in exact]
        kinds = {
            "copy": found.copies.exact,
            "near_copy": near,
            "duplicate": found.copies.duplicates,
            "loop": found.copies.looped,
            "empty": found.copies.empty,
            "opening": found.opening.rows,
            "garbled": garbled_rows(found.garbled),
            "short": found.lengths.short.rows,
        }
        flags: dict[int, tuple[str, ...]] = {}
        one: dict[tuple[str, ...], tuple[str, ...]] = {}  # millions of rows share a few
        for kind, rows in kinds.items():
            for row in rows:
                flag = (*flags.get(row, ()), kind)
                flags[row] = one.setdefault(flag, flag)
        return dict(sorted(flags.items()))
