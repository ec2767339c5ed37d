"""The published form of an audit's JSON: what is read, and what is refused."""

import json

import pytest

from palimpsest.auditing.measure import audit
from palimpsest.auditing.record import FORMAT, AuditRecord, read_record
from palimpsest.auditing.verdict import DEFAULTS, AuditVerdict
from palimpsest.cli.schema import audit_schema
from palimpsest.core.errors import PalimpsestError
from palimpsest.core.storage import json_bytes
from palimpsest.report.audit import as_dict
from tests.auditing.corpora import encode, human
from tests.auditing.records import as_json, metric, record
from tests.tiny import ROOT


def test_the_published_schema_is_the_codes() -> None:
    published = (ROOT / "docs" / "audit.schema.json").read_bytes()
    assert published == json_bytes(audit_schema()), "palimpsest schema audit --out docs/audit.…"


def test_the_schema_explains_every_key_and_names_the_format() -> None:
    schema = audit_schema()
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert schema["properties"]["format"]["const"] == FORMAT
    names = schema["$defs"].pop("AuditVerdict")
    assert names["enum"] == [one.value for one in AuditVerdict]
    for part in [schema, *schema["$defs"].values()]:
        assert part["type"] == "object"
        assert set(part["required"]) == part["properties"].keys()
        for key, entry in part["properties"].items():
            assert entry.get("description") or "$ref" in entry, key


def test_a_record_comes_back_as_it_was() -> None:
    values = record("copied", "narrower")
    assert read_record(json.dumps(values), "a.json").model_dump() == values


@pytest.mark.parametrize("kind", ["good", "collapsed", "copied", "empty"])
def test_what_an_audit_writes_is_of_the_form(kind) -> None:
    reference = human(120, seed=1)
    candidate = {
        "good": human(40, seed=2),
        "collapsed": human(4, seed=3) * 10,
        "copied": reference[:40],
        "empty": [""] * 10 + human(30, seed=5),
    }[kind]
    params = DEFAULTS.changed(half_samples=4, null_samples=6)
    written = json_bytes(as_dict(audit(candidate, reference, encode, None, params)))
    # no key is missing, and none is there that the schema does not have
    assert json.loads(read_record(written, "a.json").model_dump_json()) == json.loads(written)


def test_keys_that_a_later_version_adds_are_passed_over() -> None:
    read = read_record(as_json(beauty=3, metrics={"x": {**metric(1.0), "more": 1}}), "a.json")
    assert read.metrics["x"].value == 1.0


def test_a_record_from_before_a_key_was_added_is_read() -> None:
    values = record()
    for key in ("encoder", "model", "reference"):
        del values[key]
    read = read_record(json.dumps(values), "a.json")
    assert (read.encoder, read.model, read.reference) == (None, None, "")
    assert "encoder" not in read.model_fields_set


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"format": 2}, r"^a\.json: format: want 1, got 2; audit again with this version"),
        ({"format": True}, r"format: want 1, got True"),
        ({"format": "1"}, r"format: want 1, got '1'"),
        ({"verdict": "bad"}, r"^a\.json: verdict: want 'copied', .* or 'no_sign', got 'bad'"),
        ({"verdicts": []}, r"verdicts: want .*at least 1 item"),
        ({"sample": "40"}, r"sample: want a valid integer, got '40'"),
        ({"flags": {"x": []}}, r"flags\.x"),
        ({"metrics": {"vendi": {**metric(1), "value": "1"}}}, r"metrics\.vendi\.value: want a val"),
        ({"metrics": {"vendi": {"value": 1}}}, r"metrics\.vendi\.low: want .*required, got none"),
        ({"metrics": {"vendi": {**metric(1), "place": "here"}}}, r"metrics\.vendi\.place: want '"),
        (
            {"metrics": {"vendi": {**metric(1), "low": 2.0, "high": 1.0}}},
            r"metrics\.vendi: want low at or",
        ),
        (
            {"metrics": {"vendi": {**metric(1), "low": 2.0}}},
            r"vendi: want both ends of an interval",
        ),
        (
            {
                "metrics": {
                    "vendi": {**metric(1), "null": {"low": 2, "high": 1, "mean": 1, "sd": 1}}
                }
            },
            r"metrics\.vendi\.null: want low at or below high, got 2 to 1",
        ),
        ({"verdict": "narrower"}, r"^a\.json: want the first of verdicts as verdict, got narrower"),
        (
            {"verdicts": ["no_sign", "copied"]},
            r"^a\.json: want no_sign alone in verdicts",
        ),
    ],
)
def test_what_is_not_of_the_form_is_one_line(changed, says) -> None:
    with pytest.raises(PalimpsestError, match=says):
        read_record(as_json(**changed), "a.json")


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("", r"^a\.json: want the JSON of an audit"),
        ("[]", r"^a\.json: format: want 1, got none"),
        ("{}", r"^a\.json: format: want 1, got none"),
        ('{"format": 1}', r"^a\.json: verdict: want .*required, got none"),
        ('{"format": NaN}', r"NaN is no number of JSON"),
    ],
)
def test_what_is_no_audit_is_one_line(content, says) -> None:
    with pytest.raises(PalimpsestError, match=says):
        read_record(content, "a.json")


def test_a_record_cannot_be_changed() -> None:
    read = AuditRecord.model_validate_json(as_json())
    with pytest.raises(ValueError, match="frozen"):
        read.sample = 3  # type: ignore[misc]
