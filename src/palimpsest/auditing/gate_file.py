"""gate.yaml: a list of rules, read with the line that each stands in.

An entry is the text of a rule, or a mapping with ``rule`` and, if wanted, ``name``, ``severity``
and ``at``. ``outside null: any of [...]`` is a mapping to YAML, and is read as the rule it looks
like.
"""

import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, get_args

import yaml

from palimpsest.auditing.gate_grammar import parse_rule
from palimpsest.auditing.gate_rules import (
    GateError,
    NullSide,
    Rule,
    Severity,
    check_at,
    near,
)
from palimpsest.core.errors import written_out
from palimpsest.core.parsing import MOST_YAML, parse_yaml

FILE = Path("gate.yaml")
KEYS = ("rule", "name", "severity", "at")
LONGEST_NAME = 200
MOST_RULES = 1_000
DEFAULT = """\
# Rules of `palimpsest gate`. Exit status: 0 all hold, 1 one is broken, 2 one cannot be told.
# docs/gate.md explains them; `palimpsest metrics` lists what may stand in them.
rules:
  # A level. Integrity is a share of what fresh human text reads.
  - integrity >= 0.8

  # A change, against --against (a revision, an experiment, a file): relative with %, else in the
  # metric's own unit. drop, rise or change.
  # - fact_coverage drop <= 5%

  # The whole 95 % interval must hold, not the value alone; and in every generation of the chain.
  # - integrity >= 0.6 at all surely

  # The null band of human text: `outside null` (or below, above) names what must not be, any of or
  # all of; `inside null` says what must hold.
  # - outside null: any of [volume_rarefied, vendi]

  # What an audit's JSON says (palimpsest audit --json audit.json; palimpsest gate audit.json).
  # - verdict not in [copied, collapsed, narrower]

  # A name for the reports, and a rule that warns but breaks nothing.
  # - name: no text twice
  #   rule: duplicates <= 0.01
  #   severity: warning
"""
_BAND = re.compile(rf"\s*(?:{'|'.join(get_args(NullSide))})\s+null\s*")


def read_gate(path: Path) -> list[Rule]:
    """The rules of a file.

    Raises:
        GateError: it cannot be read, is no YAML within the limits of `palimpsest.core.parsing`,
            holds no rule or something else than rules, or two of one name.
    """
    try:
        with path.open("rb") as file:  # a device has no end
            content = file.read(MOST_YAML + 1).decode("utf-8")
        value = parse_yaml(content)
        lines = _lines(content)
    except FileNotFoundError as error:
        hint = "palimpsest gate --init writes one"
        raise GateError(str(path), wanted="rules", got="no such file", hint=hint) from error
    except OSError as error:
        raise GateError(str(path), wanted="rules", got=error.strerror) from error
    except ValueError as error:
        colon = "mapping values are not allowed" in str(error)
        advice = "quote a rule that has a colon" if colon else None
        raise GateError(str(path), wanted="valid YAML", got=str(error), hint=advice) from error
    return _rules(value, lines, path.as_posix())


def _rules(value: Any, lines: Sequence[int], file: str) -> list[Rule]:
    """The rules of a parsed file: under the key ``rules``, or the list alone."""
    if isinstance(value, dict):
        for key in value:
            if key != "rules":
                got = written_out(key)
                raise GateError(file, wanted="the key rules and no other", got=got)
        value = value.get("rules")
    if not isinstance(value, list) or not 1 <= len(value) <= MOST_RULES:
        wanted = f"a list of 1 to {MOST_RULES:,} rules"
        got = f"{len(value):,}" if isinstance(value, list) else written_out(value)
        raise GateError(file, wanted=wanted, got=got)
    rules = []
    if len(lines) != len(value):  # a list that YAML has merged from elsewhere
        lines = [1] * len(value)
    for entry, line in zip(value, lines, strict=True):
        rules.append(replace(_rule(entry, f"{file}, line {line}"), file=file, line=line))
    check_unique(rules)
    return rules


def check_unique(rules: Sequence[Rule]) -> None:
    """Makes sure that a report can tell the rules of a gate apart.

    Raises:
        GateError: two have one name.
    """
    seen: set[str] = set()
    for rule in rules:
        if rule.name in seen:
            wanted = "rules with names of their own"
            raise GateError(rule.where, wanted=wanted, got=f"{rule.name!r} twice")
        seen.add(rule.name)


def _rule(entry: Any, place: str) -> Rule:
    if isinstance(entry, str):
        return parse_rule(entry, place)
    if not isinstance(entry, dict):
        wanted = "the text of a rule, or a mapping with the key rule"
        raise GateError(place, wanted=wanted, got=written_out(entry))
    entry = dict(entry)
    for key in [key for key in entry if isinstance(key, str) and _BAND.fullmatch(key)]:
        if "rule" in entry:
            raise GateError(place, wanted="one rule in an entry", got="two")
        entry["rule"] = f"{key}: {_quantified(entry.pop(key), place)}"
    for key in entry:
        if key not in KEYS:
            hint = near(key, KEYS) if isinstance(key, str) else None
            wanted = f"keys out of {', '.join(KEYS)}"
            raise GateError(place, wanted=wanted, got=written_out(key), hint=hint)
    if not isinstance(entry.get("rule"), str):
        raise GateError(f"{place}: rule", wanted="its text", got=written_out(entry.get("rule")))
    return _with_options(parse_rule(entry["rule"], place), entry, place)


def _quantified(said: Any, place: str) -> str:
    """What stands behind ``null:``, also where YAML reads a mapping of a list in it."""
    if isinstance(said, str):
        return said
    if isinstance(said, dict) and len(said) == 1:
        [(quantifier, names)] = said.items()
        if isinstance(names, list) and all(isinstance(one, str) for one in names):
            return f"{quantifier} [{', '.join(names)}]"
    wanted = "any of [...] or all of [...] on the line of null:"
    raise GateError(place, wanted=wanted, got=written_out(said))


def _with_options(rule: Rule, entry: dict[str, Any], place: str) -> Rule:
    """A rule with the name, the severity and the generation of its entry."""
    name, severity = entry.get("name", rule.name), entry.get("severity", rule.severity)
    if not isinstance(name, str) or not 1 <= len(name.split()) <= len(name) <= LONGEST_NAME:
        wanted = f"text of 1 to {LONGEST_NAME} characters"
        raise GateError(f"{place}: name", wanted=wanted, got=written_out(name))
    if severity not in get_args(Severity):
        wanted = " or ".join(get_args(Severity))
        raise GateError(f"{place}: severity", wanted=wanted, got=written_out(severity))
    at = rule.at
    if "at" in entry:
        at = check_at(entry["at"], f"{place}: at")
        if not rule.metrics:
            wanted = "no generation for a verdict, which an audit has one of"
            raise GateError(f"{place}: at", wanted=wanted, got=at)
        if f" at {rule.at}" in rule.text and at != rule.at:
            raise GateError(f"{place}: at", wanted=f"{rule.at}, as its rule says", got=at)
    return replace(rule, name=" ".join(name.split()), severity=severity, at=at)


def _lines(content: str) -> list[int]:
    """The line, from 1, at which each rule begins; content that `parse_yaml` has accepted."""
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    node = yaml.compose(content, Loader=loader)
    if isinstance(node, yaml.MappingNode):
        under = [value for key, value in node.value if key.value == "rules"]
        node = under[-1] if under else None
    entries = node.value if isinstance(node, yaml.SequenceNode) else []
    return [entry.start_mark.line + 1 for entry in entries]
