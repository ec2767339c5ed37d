"""What an audit says in words: each verdict with its reason, what to do, and texts that show it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from palimpsest.auditing.copies import Copies
from palimpsest.auditing.facts import Example, Fact
from palimpsest.auditing.language import Garbled
from palimpsest.auditing.lengths import Lengths
from palimpsest.auditing.topics import Missing
from palimpsest.auditing.verdict import AuditVerdict, Finding
from palimpsest.core.formatting import plain, span
from palimpsest.metrics.registry import metric

ADVICE = {
    AuditVerdict.COPIED: "leave them out, or they are trained on twice and evaluated on themselves",
    AuditVerdict.REPEATED: "take out copies, loops and empty texts (--clean), cut openings off",
    AuditVerdict.GARBLED: "read the named texts; if they are sound, take a reference in their "
    "language",
    AuditVerdict.COLLAPSED: "do not train on this alone; add human text, sample less sharply",
    AuditVerdict.NARROWER: "add human text or sample less sharply, and compare again",
    AuditVerdict.SHORTENED: "look for a limit on length, or for texts that were cut",
    AuditVerdict.OTHER_SUBJECT: "take a reference about the same subject; until then "
    "variety cannot be judged",
    AuditVerdict.NO_SIGN: "nothing",
}
"""What to do about each verdict."""


@dataclass(frozen=True)
class Judgement:
    """A verdict that holds."""

    verdict: AuditVerdict
    reason: str
    """A sentence, the plainest fact first."""
    advice: str
    """What to do."""
    share: float | None
    """Of the candidate's texts, 0 to 1; None where all together show it."""
    rows: tuple[int, ...]
    """Positions of the texts concerned; none where all together show it."""
    examples: tuple[Example, ...]
    """Texts that show it."""
    texts: int = 0
    """How many were looked at for ``rows``: all, or a sample of many; 0 without rows."""


@dataclass(frozen=True)
class Evidence:
    """Everything that an audit found."""

    copies: Copies
    opening: Fact
    garbled: Garbled | None
    """None where the candidate is written in other letters."""
    surprise: Finding | None
    """Likelihood that speaks against language of the reference's kind."""
    lengths: Lengths
    variety: AuditVerdict | None
    """What the metrics say."""
    reasons: tuple[Finding, ...]
    """Why, or what differs."""
    metrics: int
    null_samples: int
    missing: Missing | None
    """What of the reference is left out; None where nobody looked."""
    away: str
    """Why the texts are taken to be of another subject; empty if they are not."""
    alike: tuple[Example, ...] = ()
    """Texts that are most like another one of the candidate."""
    farthest: tuple[Example, ...] = ()
    """Texts that are farthest from the reference."""


def judgements(found: Evidence) -> tuple[Judgement, ...]:
    """All verdicts that hold, in the order of `AuditVerdict`; at least one."""
    said = [rule(found) for rule in RULES]
    held = tuple(one for one in said if one is not None)
    return held or (_no_sign(found),)


def _copied(found: Evidence) -> Judgement | None:
    fact = found.copies.copied
    exact = len({*found.copies.exact} & {*fact.rows})
    if not fact.holds:
        return None
    parts = _list({"equal one": exact, "nearly repeat one": len(fact.rows) - exact})
    reason = f"{_count(fact)} stand in the reference ({', '.join(parts)})"
    return _of_texts(AuditVerdict.COPIED, fact, reason)


def _repeated(found: Evidence) -> Judgement | None:
    copies, opening = found.copies, found.opening
    again = copies.repeated
    if not again.holds and not opening.rows:
        return None
    rows = {*(again.rows if again.holds else ()), *opening.rows}
    said = []
    if again.holds:
        said.append(_repeats(copies))
    if opening.rows:
        said.append(f"{_count(opening)} begin alike ({opening.examples[0].note})")
    shown = _some([*([again] if again.holds else []), opening])
    whole = replace(again, rows=tuple(sorted(rows)), examples=shown)
    return _of_texts(AuditVerdict.REPEATED, whole, "; ".join(said))


def _repeats(copies: Copies) -> str:
    """The plainest repeat first: one text if it makes up most of them."""
    largest, twins = len(copies.largest), len(copies.duplicates)
    one = largest if 2 * largest > twins else 0
    others = twins - max(one - 1, 0)
    counts = {
        "repeat an earlier one": others,
        "are loops": len(copies.looped),
        "are empty": len(copies.empty),
    }
    if one:
        texts = copies.repeated.texts
        return ", ".join([f"{one} of {texts} texts are one text", *_list(counts)])
    return f"{_count(copies.repeated)} repeat others or themselves ({', '.join(_list(counts))})"


def _garbled(found: Evidence) -> Judgement | None:
    garbled, surprise = found.garbled, found.surprise
    if garbled is None or not garbled.holds:
        if surprise is None:
            return None
        reason = f"a model of human text does not expect them: {_measure(surprise)}"
        return Judgement(
            AuditVerdict.GARBLED, reason, ADVICE[AuditVerdict.GARBLED], None, (), found.farthest
        )
    said, rows = [], set()
    if garbled.strange.holds:
        said.append(f"{_count(garbled.strange)} have words of no language that is known here")
        rows |= {*garbled.strange.rows}
    ours, theirs = garbled.order
    if garbled.chained:
        said.append(
            "the words are chained, not written (of the triples of known pairs "
            f"{100 * ours.triples:.0f} % are known, of human ones {100 * theirs.triples:.0f} %)"
        )
        rows |= {*garbled.disordered.rows}
    elif garbled.scrambled:
        said.append(
            f"the words stand in any order (of pairs of common words {100 * ours.common:.0f} % are "
            f"known, of human ones {100 * theirs.common:.0f} %)"
        )
    shown = garbled.strange if garbled.strange.holds else garbled.disordered
    whole = replace(shown, rows=tuple(sorted(rows)))
    judged = _of_texts(AuditVerdict.GARBLED, whole, "; ".join(said))
    return replace(judged, share=None) if garbled.shuffled else judged


def _variety(found: Evidence) -> Judgement | None:
    verdict, missing, reasons = found.variety, found.missing, found.reasons
    leaves_out = missing is not None and missing.holds and verdict != AuditVerdict.COLLAPSED
    if verdict is None and not leaves_out:
        return None
    said, shown = [*map(_measure, reasons)] if verdict else [], found.alike
    if missing is not None and leaves_out:
        said.insert(0, _leaves_out(missing))
        shown = missing.examples
    verdict = verdict or AuditVerdict.NARROWER
    return Judgement(verdict, "; ".join(said), ADVICE[verdict], None, (), shown)


def _leaves_out(missing: Missing) -> str:
    share, low, high = (100 * one for one in (missing.share, missing.low, missing.high))
    return (
        f"there is next to nothing like {share:.0f} % of the reference texts (of human samples: "
        f"{low:.0f} to {high:.0f} %)"
    )


def _shortened(found: Evidence) -> Judgement | None:
    lengths = found.lengths
    if not lengths.shortened:
        return None
    reason = (
        f"texts have {plain(lengths.ours)} words on average, the reference's "
        f"{plain(lengths.theirs)}"
    )
    return _of_texts(AuditVerdict.SHORTENED, lengths.short, reason)


def _other_subject(found: Evidence) -> Judgement | None:
    if not found.away:
        return None
    verdict = AuditVerdict.OTHER_SUBJECT
    return Judgement(verdict, found.away, ADVICE[verdict], None, (), found.farthest)


def _no_sign(found: Evidence) -> Judgement:
    verdict = AuditVerdict.NO_SIGN
    reason = f"none of {found.metrics} metrics stands out from {found.null_samples} samples of "
    reason += "the reference"
    if found.reasons:
        reason = "no loss of variety, though something differs: "
        reason += "; ".join(map(_measure, found.reasons))
    return Judgement(verdict, reason, ADVICE[verdict], None, (), ())


RULES: Sequence[Callable[[Evidence], Judgement | None]] = (
    _copied,
    _repeated,
    _garbled,
    _variety,
    _shortened,
    _other_subject,
)


def _of_texts(verdict: AuditVerdict, fact: Fact, reason: str) -> Judgement:
    shown = fact.share, fact.rows, fact.examples, fact.texts
    return Judgement(verdict, reason, ADVICE[verdict], *shown)


def _some(facts: Sequence[Fact]) -> tuple[Example, ...]:
    """Examples of several facts, each row once."""
    known: dict[int, Example] = {}
    for fact in facts:
        for example in fact.examples:
            known.setdefault(example.row, example)
    return tuple(known.values())


def _count(fact: Fact) -> str:
    return f"{len(fact.rows)} of {fact.texts} texts"


def _list(counts: dict[str, int]) -> list[str]:
    return [f"{count} {what}" for what, count in counts.items() if count]


def _measure(one: Finding) -> str:
    band = span(one.band.low, one.band.high)
    return f"{metric(one.metric).label} {plain(one.value)} (human samples: {band})"
