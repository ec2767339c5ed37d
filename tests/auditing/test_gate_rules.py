"""Metrics by their names: known, or refused with a near one."""

import pytest

from palimpsest.auditing.gate_grammar import parse_rule
from palimpsest.auditing.gate_rules import HEADLINE_NAMES, GateError, check_names
from palimpsest.metrics.registry import REGISTRY


def test_the_headlines_names_are_metrics():
    assert HEADLINE_NAMES["facts"] == "fact_coverage"
    assert set(HEADLINE_NAMES.values()) <= REGISTRY.keys()


def test_metrics_of_the_registry_of_the_headline_and_those_measured_are_known():
    rules = [parse_rule("vendi > 2"), parse_rule("facts > 0.1"), parse_rule("verdict == no_sign")]
    check_names(rules, [])
    check_names([parse_rule("beauty > 2")], ["beauty"])


def test_a_misspelled_metric_is_named_with_what_is_near():
    with pytest.raises(GateError, match=r"^--rule: 'vendy > 2': want a metric, got 'vendy'; did"):
        check_names([parse_rule("vendy > 2")], [])
    rule = parse_rule("outside null: any of [vendi, qqqq]")
    with pytest.raises(GateError, match=r"got 'qqqq'; palimpsest metrics lists them$"):
        check_names([rule], [])
    with pytest.raises(GateError, match=r"did you mean beauty\?$"):
        check_names([parse_rule("beuaty > 2")], ["beauty"])
