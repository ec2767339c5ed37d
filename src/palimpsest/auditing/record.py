"""The JSON of an audit as others may rely on it: docs/audit.schema.json is written from here.

`FORMAT` rises when a key goes or changes its meaning. Keys may be added under the same format: a
reader passes over those that it does not know, and those that were added since have a default here.
"""

from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator
from pydantic_core import PydanticCustomError

from palimpsest.auditing.verdict import AuditVerdict
from palimpsest.core.errors import PalimpsestError, written_out
from palimpsest.core.parsing import parse_json

FORMAT = 1
"""The format that this version writes and reads."""
REFUSED = "refused"
"""Type of our own errors."""

Row = Annotated[int, Field(ge=0)]
Share = Annotated[float, Field(ge=0, le=1)]


class Record(BaseModel):
    """An object of the JSON."""

    model_config = ConfigDict(
        strict=True,
        frozen=True,
        allow_inf_nan=False,
        use_attribute_docstrings=True,
        json_schema_serialization_defaults_required=True,
    )


class ExampleRecord(Record):
    """A text that shows what a judgement is about."""

    row: Row
    """Position in its corpus, from 0."""
    text: str
    """The text, or an excerpt of it."""
    note: str
    """What is to be seen in it."""
    of: Literal["candidate", "reference"] = "candidate"
    """Whose text it is."""


class JudgementRecord(Record):
    """One verdict with what it rests on."""

    verdict: AuditVerdict
    """Which."""
    reason: str
    """Why, in a sentence."""
    advice: str
    """What to do."""
    share: Share | None
    """Share of the candidate's texts that it is about; null for one about the texts as a whole."""
    rows: list[Row]
    """Positions of all those texts in the candidate, from 0."""
    examples: list[ExampleRecord]
    """A few of them."""


class NullRecord(Record):
    """The null band: where 95 % of new human samples of this size lie."""

    low: float
    """Lower end."""
    high: float
    """Upper end."""
    mean: float
    """Mean of the null samples."""
    sd: Annotated[float, Field(ge=0)]
    """Standard deviation of a new sample."""

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.low > self.high:
            raise _refused("low at or below high", f"{self.low:g} to {self.high:g}")
        return self


class MetricRecord(Record):
    """A metric of the candidate over the null band of the reference."""

    value: float
    """In the metric's own unit (docs/metrics.md)."""
    low: float | None
    """Lower end of the 95 % interval; null where there is none."""
    high: float | None
    """Upper end of it."""
    null: NullRecord
    """The null band."""
    p_value: Share
    """Two-sided, of a value so far from the mean of the null samples."""
    place: Literal["inside", "below", "above", "near"]
    """Where value and interval lie in the null band; near: the value is outside and the interval
    reaches in."""
    counts: Literal["collapse", "different", ""]
    """What it counts as; empty where it does not stand out."""

    @model_validator(mode="after")
    def _whole_interval(self) -> Self:
        low, high = self.low, self.high
        if (low is None) != (high is None):
            raise _refused("both ends of an interval, or neither", "one")
        if low is not None and high is not None and low > high:
            raise _refused("low at or below high", f"{low:g} to {high:g}")
        return self


class AuditRecord(Record):
    """What `palimpsest audit --json` writes."""

    format: Literal[1]
    """Format of this file; it rises when a key goes or changes its meaning."""
    verdict: AuditVerdict
    """The first of the verdicts."""
    verdicts: Annotated[list[AuditVerdict], Field(min_length=1)]
    """All that hold, the plainest first; no_sign stands alone."""
    judgements: Annotated[list[JudgementRecord], Field(min_length=1)]
    """The verdicts with reasons, rows and examples, in the same order."""
    flags: dict[Annotated[str, Field(pattern="^[0-9]+$")], list[str]]
    """Position in the candidate -> what is the matter with that text; others are absent."""
    sentence: str
    """The verdicts with their chief reasons, for a reader."""
    reasons: list[str]
    """Metrics that lie farthest from the null samples."""
    sample: Annotated[int, Field(ge=1)]
    """Texts of each sample that metrics are measured on."""
    words: Annotated[int, Field(ge=0)]
    """Words that lexical metrics are measured on."""
    segmentation: str
    """What cut the words."""
    encoder: str | None = None
    """Identity of the encoder: a hash of weights, tokenizer and cut, or what a function of the
    user's says of itself; null where it says nothing."""
    model: str | None = None
    """Identity of the model behind the likelihoods; null without one."""
    reference: str = ""
    """SHA-256 of the distinct reference texts, whatever their order."""
    candidate_texts: Annotated[int, Field(ge=0)]
    """Texts of the candidate."""
    reference_texts: Annotated[int, Field(ge=0)]
    """Texts of the reference, each counted once."""
    reference_repeated: Annotated[int, Field(ge=0)]
    """Repeated reference texts that were left out."""
    parameters: dict[str, Any]
    """How the audit was made (`AuditParams`)."""
    metrics: dict[str, MetricRecord]
    """Metric -> what was measured."""
    warnings: list[str]
    """What a reader should know before the verdict is believed."""

    @model_validator(mode="after")
    def _one_story(self) -> Self:
        if self.verdict != self.verdicts[0]:
            raise _refused("the first of verdicts as verdict", self.verdict)
        if AuditVerdict.NO_SIGN in self.verdicts and len(self.verdicts) > 1:
            raise _refused("no_sign alone in verdicts", ", ".join(self.verdicts))
        return self


def read_record(content: str | bytes, name: str) -> AuditRecord:
    """The JSON of an audit, checked.

    Args:
        content: of the file.
        name: what it is called, for errors.

    Raises:
        PalimpsestError: no JSON, another format, or a key that is missing or holds other than the
            schema says.
    """
    try:
        value = parse_json(content)
        found = value.get("format") if isinstance(value, dict) else None
        if found != FORMAT or isinstance(found, bool):
            got = "none" if found is None else written_out(found)
            hint = "audit again with this version of palimpsest"
            raise PalimpsestError(f"{name}: format", wanted=FORMAT, got=got, hint=hint)
        return AuditRecord.model_validate_json(content)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        keys = ".".join(map(str, first["loc"]))
        where = f"{name}: {keys}" if keys else name
        if first["type"] == REFUSED:
            context = first["ctx"]
            raise PalimpsestError(where, wanted=context["wanted"], got=context["got"]) from error
        # pydantic says what it wants in its own words, which name the bound or the choices
        wanted = first["msg"].removeprefix("Input should be ")
        got = "none" if first["type"] == "missing" else written_out(first["input"])
        raise PalimpsestError(where, wanted=wanted, got=got) from error
    except ValueError as error:
        raise PalimpsestError(name, wanted="the JSON of an audit", got=str(error)) from error


def _refused(wanted: str, got: str) -> PydanticCustomError:
    """Values that do not go together."""
    return PydanticCustomError(REFUSED, "want {wanted}", {"wanted": wanted, "got": got})
