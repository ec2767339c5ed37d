"""An audit of texts that are in memory, and its result as a notebook and a program want it."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from os import PathLike
from pathlib import Path
from typing import Any

from palimpsest.auditing.measure import audit as measured
from palimpsest.auditing.result import Audit
from palimpsest.auditing.samples import Score, ScoredBy
from palimpsest.auditing.verdict import DEFAULTS, AuditParams, Finding
from palimpsest.core.errors import ModelError
from palimpsest.core.storage import check_out, json_bytes, write_out
from palimpsest.embedding.cache import CachedEncoder
from palimpsest.library.encoding import Choice, encode_with
from palimpsest.library.inputs import texts_of
from palimpsest.library.models import reader
from palimpsest.library.notebook import html_table
from palimpsest.report import audit as report
from palimpsest.report.audit_page import page

File = str | PathLike[str]


@dataclass(frozen=True, repr=False)
class AuditResult:
    """The result of `audit`; printed or shown, it is the verdict's sentence."""

    verdict: str
    """The plainest of the verdicts: docs/audit.md has them all and what each means."""
    verdicts: tuple[str, ...]
    """All that hold, the plainest first; at least one."""
    sentence: str
    """The verdicts with their reasons."""
    metrics: list[dict[str, Any]]
    """A dict a metric, as `pandas.DataFrame` takes them: metric, value, low, high (95 % interval),
    null_low, null_high, null_mean (samples of the reference), p_value, place ("inside", "near",
    "below" or "above" the null band) and counts ("collapse", "different" or "")."""
    flagged: list[dict[str, Any]]
    """A dict a text of its own fault, as `pandas.DataFrame` takes them: row (from 0, among the
    texts given), flags (names of what it is), text."""
    warnings: tuple[str, ...]
    """What is no error and must be seen, a sentence each."""
    details: Audit
    """Everything that was measured."""

    def as_dict(self) -> dict[str, Any]:
        """What `palimpsest audit --json` writes: plain values."""
        return report.as_dict(self.details)

    def to_json(self, path: File) -> None:
        """Writes `as_dict` to a file, which is replaced as a whole.

        Raises:
            PalimpsestError: the path cannot be written to.
        """
        self._write(path, json_bytes(self.as_dict()))

    def to_html(
        self, path: File, candidate: str = "the texts", reference: str = "the reference"
    ) -> None:
        """Writes a page of its own that needs no network.

        Args:
            path: the file, which is replaced as a whole.
            candidate: what the texts are called on it.
            reference: what the reference is called on it.

        Raises:
            PalimpsestError: the path cannot be written to.
        """
        self._write(path, page(self.details, candidate, reference).encode())

    def table(self) -> str:
        """What `palimpsest audit` prints: a row a metric, below them what the numbers rest on, the
        texts that show a verdict, warnings, and every verdict with what to do.
        """
        return report.text(self.details)

    def __repr__(self) -> str:
        return self.sentence

    def _repr_html_(self) -> str:
        return html_table(self.metrics, self.sentence)

    @staticmethod
    def _write(path: File, content: bytes) -> None:
        file = Path(path)
        check_out(file)
        write_out(file, content)


def audit(
    texts: Iterable[str],
    reference: Iterable[str],
    *,
    encoder: Choice = "bundled",
    model: Any = None,
    **params: Any,
) -> AuditResult:
    """Says whether texts have collapsed against human text; docs/audit.md has the rules.

    Args:
        texts: the texts to judge, at least 5: a list, a column of a table, a generator. Empty and
            repeated ones count as they are. Of more than 100,000, garbled text is looked for in a
            sample (docs/scale.md).
        reference: human texts, at least three times as many as are compared (15). A repeated one
            counts once.
        encoder: "bundled" (all-MiniLM-L6-v2), a folder, a hub id, or a function of texts that gives
            (n, d) numbers. Embeddings by the first three are kept in the user's cache folder.
        model: a model of human text, for the likelihood metrics: the path of its folder, or the
            pair (model, tokenizer) of `transformers`. None leaves them out.
        **params: the fields of `palimpsest.auditing.verdict.AuditParams`: ``sample``, ``seed``,
            ``half_samples``, ``null_samples``, ``level``, ``collapsed``.

    Returns:
        Verdict, metrics with intervals and null bands, and the texts that are flagged.

    Raises:
        MetricError: something else than texts, fewer than 5 of them, embeddings that are not
            finite.
        CorpusError: too few reference texts, a sample larger than the texts.
        ParamsError: another parameter, or one out of range.
        ModelError: an encoder or a model that cannot be loaded.

    Example:
        >>> import palimpsest
        >>> places, verbs = ("north", "valley", "hill", "wall"), ("sleeps", "hides", "feeds")
        >>> human = [
        ...     f"Fox {number} of the {place} {verb} near river {number % 7}."
        ...     for number in range(5) for place in places for verb in verbs
        ... ]
        >>> texts = ["An otter by the lake sings of rain, and of little else."] * 20
        >>> result = palimpsest.audit(texts, reference=human, half_samples=10)
        >>> "repeated" in result.verdicts
        True
        >>> len(result.flagged)  # all but the first
        19
        >>> result.flagged[0]["row"], result.flagged[0]["flags"]
        (1, ['duplicate'])
    """
    settings = AuditParams.of(dict(DEFAULTS) | params, "audit")
    candidate, human = texts_of(texts, "texts"), texts_of(reference, "reference")
    encode = encode_with(encoder)
    with _score(model) as score:
        pieces, notes = (
            (encode.pieces, encode.notes) if isinstance(encode, CachedEncoder) else (None, ())
        )
        result = measured(candidate, human, encode, score, settings, pieces)
    result = replace(result, warnings=(*notes, *result.warnings))
    return _public(result, candidate)


@contextmanager
def _score(model: Any) -> Iterator[Score | None]:
    """The losses of texts under a model."""
    if model is None:
        yield None
        return
    pair = model if isinstance(model, tuple | list) else (model, None)
    if len(pair) != 2:
        wanted = "a folder, or the pair (model, tokenizer)"
        raise ModelError("model", wanted=wanted, got=f"{len(pair)} things")
    from palimpsest.lm.scoring import TextLosses

    with reader(*pair) as loaded:
        yield ScoredBy(TextLosses(*loaded))


# What is known here of the insides of an `Audit`; above, nothing is.


def _public(result: Audit, texts: Sequence[str]) -> AuditResult:
    return AuditResult(
        verdict=str(result.verdict.value),
        verdicts=tuple(str(one.value) for one in result.verdicts),
        sentence=report.sentence(result),
        metrics=[_row(one) for one in result.findings],
        flagged=[
            {"row": row, "flags": [*flags], "text": texts[row]}
            for row, flags in result.flags.items()
        ],
        warnings=result.warnings,
        details=result,
    )


def _row(one: Finding) -> dict[str, Any]:
    band = one.band
    return {
        "metric": one.metric,
        "value": one.value,
        "low": one.low,
        "high": one.high,
        "null_low": band.low,
        "null_high": band.high,
        "null_mean": band.mean,
        "p_value": one.p_value,
        "place": one.place,
        "counts": one.counts,
    }
