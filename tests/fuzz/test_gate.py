"""gate.yaml, rules, audits and scorecards: read, or refused in a line; reports hold any text."""

import json
from xml.etree import ElementTree as ET

from hypothesis import given
from hypothesis import strategies as st

from palimpsest.auditing.gate import Outcome, State, decide
from palimpsest.auditing.gate_file import DEFAULT, read_gate
from palimpsest.auditing.gate_grammar import parse_rule
from palimpsest.auditing.record import read_record
from palimpsest.experiments.readings import read_subject
from palimpsest.report import gate as report
from tests.auditing.records import as_json as audit_of
from tests.auditing.records import record
from tests.fuzz.inputs import (
    JSON_PIECES,
    YAML_PIECES,
    as_json,
    fuzz,
    read_or_refused,
    replaced,
    variants,
)

GATE = b"""rules:
  - integrity >= 0.8
  - {name: facts, rule: fact_coverage drop <= 5%, severity: warning, at: all}
  - outside null: any of [volume_rarefied, vendi]
  - verdict not in [collapsed, copied]
"""
AT_WORK = DEFAULT.replace("  # - ", "  - ").encode()
AUDIT = audit_of("copied", "narrower").encode()
CARD = json.dumps(
    {
        "documents": 9,
        "metrics": {"vendi": {"value": 3, "low": 2, "high": 4}, "lock_in": None},
        "null": {"vendi": {"low": 5, "high": 6}},
    }
).encode()
NUMBERS = b'{"integrity": 0.5, "facts": null, "vendi": 12}'
RULES = [
    parse_rule(text)
    for text in (
        "integrity >= 0.8", "vendi drop <= 5%", "vendi rise <= 0.1 at all surely",
        "outside null: any of [vendi, integrity]", "inside null: all of [vendi] surely",
        "verdict not in [copied]",
    )
]  # fmt: skip
WORDS = (
    "integrity", "vendi", "verdict", "not", "in", "drop", "rise", "change", "outside", "inside",
    "below", "null", ":", "any of", "all of", "none of", "[", "]", ",", ">=", "=>", "≤", "!=",
    "0.8", "-1", "1e999", "5%", "%", "at", "all", "g05", "surely", "collapsed", "\x1b", "é", "١",
)  # fmt: skip


@fuzz
@given(st.one_of(st.text(), st.lists(st.sampled_from(WORDS), max_size=12).map(" ".join)))
def test_rules(text):
    rule = read_or_refused(parse_rule, text)
    if rule is not None:
        assert parse_rule(rule.text) == rule


@fuzz
@given(variants(GATE, AT_WORK, pieces=YAML_PIECES))
def test_gates(tmp_path, content):
    path = tmp_path / "gate.yaml"
    path.write_bytes(content)
    for rule in read_or_refused(read_gate, path) or ():
        assert 1 <= rule.line <= content.count(b"\n") + content.count(b"\r") + 2
        assert rule.name


@fuzz
@given(replaced(record("copied")))
def test_values_of_an_audit(values):
    found = read_or_refused(read_record, as_json(values), "a.json")
    if found is not None:
        assert found.model_dump().keys() == record().keys()


@fuzz
@given(variants(AUDIT, CARD, NUMBERS, pieces=JSON_PIECES))
def test_measurements(tmp_path, content):
    path = tmp_path / "a.json"
    path.write_bytes(content)
    subject = read_or_refused(read_subject, tmp_path, str(path))
    if subject is not None:
        outcomes = decide(RULES, subject, subject)
        assert len(report.text(outcomes, subject.name).splitlines()) == len(RULES) + 3
        assert report.annotations(outcomes).count("\n") <= len(RULES)


@fuzz
@given(st.text(st.characters(), min_size=1, max_size=30), st.sampled_from([*State]))
def test_reports(text, state):
    rule = RULES[0].__class__(text, RULES[0].condition, name=text, file=text, line=1)
    outcomes = [Outcome(rule, state, text)]
    ET.fromstring(report.junit(outcomes, text))
    json.loads(report.sarif(outcomes, "1", text))
    assert report.annotations(outcomes).count("\n") == (state is not State.PASS)
    report.markdown(outcomes, text).encode()
