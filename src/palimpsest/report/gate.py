"""A gate's outcomes for readers and services: a table, Markdown, JUnit XML, SARIF, annotations.

Names and details may hold whatever a stranger wrote into a file: each form escapes what has a
meaning in it, and control characters are written out everywhere.
"""

import json
import re
from collections.abc import Sequence
from urllib.parse import quote
from xml.etree import ElementTree as ET

from palimpsest.auditing.gate import Outcome, State, whole_state
from palimpsest.core.errors import shown

TOOL = "palimpsest gate"
HEAD = ("outcome", "rule", "measured")
SARIF_SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"
MARKS = {State.PASS: "✅", State.BREACH: "❌", State.UNKNOWN: "❔"}
_NO_XML = re.compile("[\ufffe\uffff]")
"""What XML 1.0 cannot hold, beside the control characters and half characters that are shown."""
_MARKDOWN = re.compile(r"([\\`*_{}\[\]#|~!])")
_ENTITIES = {"&": "&amp;", "<": "&lt;", ">": "&gt;", "@": "&#64;"}
"""HTML's signs, and @, which would call a person."""


def sentence(outcomes: Sequence[Outcome], subject: str) -> str:
    """The gate in a line: "breach: 1 of 3 rules hold in audit.json, 2 broken."."""
    counts = {state: sum(one.state is state for one in outcomes) for state in State}
    parts = [f"{counts[State.PASS]} of {len(outcomes)} rules hold in {subject}"]
    if counts[State.BREACH]:
        parts.append(f"{counts[State.BREACH]} broken")
    if counts[State.UNKNOWN]:
        parts.append(f"{counts[State.UNKNOWN]} cannot be told")
    if warned := sum(_only_warns(one) for one in outcomes):
        parts.append(f"{warned} of these only a warning")
    return f"{whole_state(outcomes)}: {', '.join(parts)}."


def text(outcomes: Sequence[Outcome], subject: str) -> str:
    """What the command prints: a row a rule, then the sentence."""
    rows = [HEAD, *((_outcome(one), _titled(one), one.detail) for one in outcomes)]
    widths = [max(len(row[at]) for row in rows) for at in (0, 1)]
    lines = [
        f"{first:<{widths[0]}}  {second:<{widths[1]}}  {third}" for first, second, third in rows
    ]
    return "\n".join([*map(shown, lines), "", shown(sentence(outcomes, subject))])


def markdown(outcomes: Sequence[Outcome], subject: str) -> str:
    """A heading, the sentence and a table, for a comment or a summary."""
    lines = [f"### {TOOL}: {whole_state(outcomes)}", "", _plainly(sentence(outcomes, subject)), ""]
    lines += [f"| | {' | '.join(HEAD)} |", "|---" * (1 + len(HEAD)) + "|"]
    for one in outcomes:
        cells = (_outcome(one), _titled(one), one.detail)
        lines.append(f"| {MARKS[one.state]} | {' | '.join(map(_plainly, cells))} |")
    return "\n".join(lines) + "\n"


def junit(outcomes: Sequence[Outcome], subject: str) -> bytes:
    """JUnit XML: a case a rule; a breach fails, what cannot be told is an error.

    A rule that only warns is skipped where it does not hold, with the reason.
    """
    kinds = [_junit_kind(one) for one in outcomes]
    counts = {
        "tests": str(len(outcomes)),
        "failures": str(kinds.count("failure")),
        "errors": str(kinds.count("error")),
        "skipped": str(kinds.count("skipped")),
    }
    root = ET.Element("testsuites", {"name": TOOL, **counts})
    suite = ET.SubElement(root, "testsuite", {"name": _xml(f"{TOOL} {subject}"), **counts})
    for one, kind in zip(outcomes, kinds, strict=True):
        place = {"classname": "palimpsest.gate", "name": _xml(one.rule.name)}
        if one.rule.file is not None:
            place |= {"file": _xml(one.rule.file), "line": str(one.rule.line)}
        case = ET.SubElement(suite, "testcase", place)
        said = _xml(one.detail)
        if kind is None:
            ET.SubElement(case, "system-out").text = said
        elif kind == "skipped":
            ET.SubElement(case, kind, {"message": f"{_outcome(one)}: {said}"})
        else:
            told = {"type": one.state.value, "message": _xml(_message(one))}
            ET.SubElement(case, kind, told).text = said
    ET.indent(root)
    written: bytes = ET.tostring(root, encoding="utf-8", xml_declaration=True)
    return written + b"\n"


def sarif(outcomes: Sequence[Outcome], version: str, file: str | None) -> bytes:
    """SARIF 2.1.0: a result for each rule that does not hold, at its line of gate.yaml.

    Args:
        outcomes: of the gate.
        version: of palimpsest.
        file: what was measured, where rules of the command line are broken; services want a place.
    """
    rules, results = [], []
    for index, one in enumerate(outcomes):
        identity = shown(one.rule.name)
        rules.append(
            {
                "id": identity,
                "shortDescription": {"text": shown(one.rule.text)},
                "defaultConfiguration": {"level": one.rule.severity},
            }
        )
        if one.state is State.PASS:
            continue
        place = file if one.rule.file is None else one.rule.file
        where = {
            "artifactLocation": {"uri": quote(place or "gate.yaml", safe="/:", errors="replace")},
            "region": {"startLine": one.rule.line or 1},
        }
        results.append(
            {
                "ruleId": identity,
                "ruleIndex": index,
                "level": one.rule.severity,
                "message": {"text": shown(_message(one))},
                "locations": [{"physicalLocation": where}],
            }
        )
    driver = {"name": TOOL, "version": version, "rules": rules}
    run = {"tool": {"driver": driver}, "columnKind": "unicodeCodePoints", "results": results}
    whole = {"$schema": SARIF_SCHEMA, "version": "2.1.0", "runs": [run]}
    return (json.dumps(whole, indent=1, ensure_ascii=False) + "\n").encode()


def annotations(outcomes: Sequence[Outcome]) -> str:
    """A workflow command of GitHub Actions for each rule that does not hold."""
    return "".join(
        annotation(one.rule.severity, _message(one), one.rule.file, one.rule.line)
        for one in outcomes
        if one.state is not State.PASS
    )


def annotation(
    severity: str, message: str, file: str | None = None, line: int | None = None
) -> str:
    """One workflow command: ``::error file=gate.yaml,line=3,title=palimpsest gate::…``."""
    place = "" if file is None else f"file={_property(file)},line={line or 1},"
    return f"::{severity} {place}title={_property(TOOL)}::{_data(message)}\n"


def _only_warns(one: Outcome) -> bool:
    return one.rule.severity == "warning" and one.state is not State.PASS


def _outcome(one: Outcome) -> str:
    return f"{one.state} (warning)" if _only_warns(one) else one.state.value


def _titled(one: Outcome) -> str:
    """The rule, after its name where it has one."""
    rule = one.rule
    return rule.text if rule.name == rule.text else f"{rule.name}: {rule.text}"


def _message(one: Outcome) -> str:
    return f"{one.state}: {_titled(one)}: {one.detail}"


def _junit_kind(one: Outcome) -> str | None:
    if one.state is State.PASS:
        return None
    if _only_warns(one):
        return "skipped"
    return "failure" if one.state is State.BREACH else "error"


def _xml(words: str) -> str:
    return _NO_XML.sub("\ufffd", shown(words))


def _plainly(words: str) -> str:
    """Text that Markdown shows as it is, in one cell."""
    escaped = _MARKDOWN.sub(r"\\\1", shown(words))
    return "".join(_ENTITIES.get(sign, sign) for sign in escaped)


def _data(words: str) -> str:
    return shown(words).replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(words: str) -> str:
    return _data(words).replace(":", "%3A").replace(",", "%2C")
