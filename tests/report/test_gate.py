"""The outcomes of a gate in each form: read back, and with hostile names."""

import json
import re
from xml.etree import ElementTree as ET

import pytest

from palimpsest.auditing.gate import Outcome, State
from palimpsest.auditing.gate_rules import Level, Rule
from palimpsest.report.gate import annotation, annotations, junit, markdown, sarif, sentence, text


def outcome(state, text="integrity >= 0.8", detail="integrity 0.7", **more):
    options = {"name": text, "file": "gate.yaml", "line": 3, **more}
    return Outcome(Rule(text, Level("integrity", ">=", 0.8), **options), state, detail)


PASS = outcome(State.PASS, "truth > 0.5", "truth 0.9")
BREACH = outcome(State.BREACH)
UNKNOWN = outcome(State.UNKNOWN, "axioms <= 5", "axioms was not measured", line=5)
WARNED = outcome(State.BREACH, "vendi > 9", "vendi 8", severity="warning", name="room", line=7)
EVERY = [PASS, BREACH, UNKNOWN, WARNED]


@pytest.mark.parametrize(
    ("outcomes", "says"),
    [
        ([PASS], "pass: 1 of 1 rules hold in x."),
        ([PASS, UNKNOWN], "cannot tell: 1 of 2 rules hold in x, 1 cannot be told."),
        ([PASS, WARNED], "pass: 1 of 2 rules hold in x, 1 broken, 1 of these only a warning."),
        ([PASS, BREACH, UNKNOWN], "breach: 1 of 3 rules hold in x, 1 broken, 1 cannot be told."),
    ],
)
def test_the_sentence(outcomes, says):
    assert sentence(outcomes, "x") == says


def test_the_table():
    lines = text(EVERY, "x").splitlines()
    assert lines[0].split() == ["outcome", "rule", "measured"]
    assert [re.split(r" {2,}", line) for line in lines[1:5]] == [
        ["pass", "truth > 0.5", "truth 0.9"],
        ["breach", "integrity >= 0.8", "integrity 0.7"],
        ["cannot tell", "axioms <= 5", "axioms was not measured"],
        ["breach (warning)", "room: vendi > 9", "vendi 8"],
    ]
    assert len({line.index("  ", 1) for line in lines[1:2]}) == 1
    assert lines[5:] == ["", sentence(EVERY, "x")]


def test_markdown_is_a_table_of_as_many_cells_in_every_row():
    lines = markdown(EVERY, "x").splitlines()
    assert lines[0] == "### palimpsest gate: breach"
    rows = [line for line in lines if line.startswith("|")]
    assert len(rows) == 2 + len(EVERY)
    assert rows[2] == "| ✅ | pass | truth &gt; 0.5 | truth 0.9 |"
    assert {len(re.findall(r"(?<!\\)\|", row)) for row in rows} == {5}


def test_junit_has_a_case_a_rule():
    root = ET.fromstring(junit(EVERY, "x"))
    assert root.tag == "testsuites"
    [suite] = root
    for element in (root, suite):
        counts = [int(element.get(key)) for key in ("tests", "failures", "errors", "skipped")]
        assert counts == [4, 1, 1, 1]
    assert [case.get("name") for case in suite] == [one.rule.name for one in EVERY]
    assert [case[0].tag for case in suite] == ["system-out", "failure", "error", "skipped"]
    assert suite[1].get("file") == "gate.yaml"
    assert suite[1].get("line") == "3"
    assert suite[1][0].get("message") == "breach: integrity >= 0.8: integrity 0.7"
    assert suite[3][0].get("message") == "breach (warning): vendi 8"


def test_junit_of_a_rule_of_the_command_line_has_no_place():
    [[case]] = ET.fromstring(junit([outcome(State.BREACH, file=None, line=None)], "x"))
    assert case.get("file") is None


def test_sarif_has_what_its_standard_wants():
    whole = json.loads(sarif(EVERY, "1.2", "a.json"))
    assert whole["version"] == "2.1.0"
    assert whole["$schema"].endswith("sarif-2.1.0.json")
    [run] = whole["runs"]
    driver = run["tool"]["driver"]
    assert (driver["name"], driver["version"]) == ("palimpsest gate", "1.2")
    identities = [rule["id"] for rule in driver["rules"]]
    assert identities == [one.rule.name for one in EVERY]
    assert driver["rules"][3]["defaultConfiguration"] == {"level": "warning"}
    assert [result["ruleIndex"] for result in run["results"]] == [1, 2, 3]
    for result in run["results"]:
        assert result["ruleId"] == identities[result["ruleIndex"]]
        assert result["level"] in ("error", "warning")
        assert result["message"]["text"]
        [place] = result["locations"]
        assert place["physicalLocation"]["artifactLocation"]["uri"] == "gate.yaml"
        assert place["physicalLocation"]["region"]["startLine"] >= 1
    assert run["results"][0]["message"]["text"] == "breach: integrity >= 0.8: integrity 0.7"


def test_sarif_of_a_rule_of_the_command_line_points_at_what_was_measured():
    one = outcome(State.BREACH, file=None, line=None)
    for file, uri in (("my audits/ä.json", "my%20audits/%C3%A4.json"), (None, "gate.yaml")):
        [result] = json.loads(sarif([one], "1", file))["runs"][0]["results"]
        place = result["locations"][0]["physicalLocation"]
        assert place["artifactLocation"]["uri"] == uri
        assert place["region"] == {"startLine": 1}


def test_annotations_are_workflow_commands():
    assert annotations(EVERY).splitlines() == [
        "::error file=gate.yaml,line=3,title=palimpsest gate::"
        "breach: integrity >= 0.8: integrity 0.7",
        "::error file=gate.yaml,line=5,title=palimpsest gate::"
        "cannot tell: axioms <= 5: axioms was not measured",
        "::warning file=gate.yaml,line=7,title=palimpsest gate::breach: room: vendi > 9: vendi 8",
    ]
    assert annotations([PASS]) == ""
    assert annotation("error", "5 % a:b,c", "d:e,f%.yaml", 2) == (
        "::error file=d%3Ae%2Cf%25.yaml,line=2,title=palimpsest gate::5 %25 a:b,c\n"
    )


HOSTILE = [
    "a|b\\|c `d` *e* _f_ <script>alert(1)</script> &amp; [x](y) @all # ~z~",
    "x\n::error::y\r\nz",
    "]]></failure> <!-- & ' \" \x00 \x1b[2J \ufffe \uffff \udc80",
    "a\u202eb\u2028c",
]


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_names_and_details(name):
    one = outcome(State.BREACH, detail=name, name=name, file=name)
    [[case]] = ET.fromstring(junit([one], name))
    assert case[0].text.startswith(name[0])
    whole = json.loads(sarif([one], "1", name))
    assert (
        whole["runs"][0]["results"][0]["ruleId"]
        == whole["runs"][0]["tool"]["driver"]["rules"][0]["id"]
    )
    assert re.fullmatch(r"[\w.~%/:-]+", whole["runs"][0]["results"][0]["locations"][0][
        "physicalLocation"]["artifactLocation"]["uri"])  # fmt: skip
    assert annotations([one]).count("\n") == 1
    row = markdown([one], name).splitlines()[-1]
    assert len(re.findall(r"(?<!\\)(?:\\\\)*\|", row)) == 5
    assert "<script" not in row
    assert "@" not in row
    assert len(text([one], name).splitlines()) == 4
    for written in (markdown([one], name), text([one], name), annotations([one])):
        assert not re.search("[\x00-\x09\x0b-\x1f\u202e\u2028\ud800-\udfff]", written)
