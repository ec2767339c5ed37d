"""The text of a rule: what it comes to mean, and what is refused."""

import pytest

from palimpsest.auditing.gate_grammar import LONGEST_RULE, parse_rule
from palimpsest.auditing.gate_rules import Change, GateError, Level, NullPlace, Verdict


@pytest.mark.parametrize(
    ("text", "condition"),
    [
        ("integrity >= 0.8", Level("integrity", ">=", 0.8)),
        ("integrity>=.8", Level("integrity", ">=", 0.8)),
        ("  integrity\n  ≥   8e-1 ", Level("integrity", ">=", 0.8)),
        ("truth >= 95%", Level("truth", ">=", 0.95)),
        ("loss <= 30 %", Level("loss", "<=", 30.0)),  # its unit is a percent
        ("mmd2 < −0.001", Level("mmd2", "<", -0.001)),
        ("duplicates == 0", Level("duplicates", "==", 0.0)),
        ("duplicates ≠ 0.5", Level("duplicates", "!=", 0.5)),
        ("my_own > -3", Level("my_own", ">", -3.0)),
        ("fact_coverage drop <= 5%", Change("fact_coverage", "drop", "<=", 0.05, True)),
        ("facts drop <= 0.05", Change("facts", "drop", "<=", 0.05, False)),
        ("perplexity_heldout rise < 10 %", Change("perplexity_heldout", "rise", "<", 0.1, True)),
        ("vendi change <= 2", Change("vendi", "change", "<=", 2.0, False)),
        ("vendi drop <= -1%", Change("vendi", "drop", "<=", -0.01, True)),
        (
            "outside null: any of [volume_rarefied, vendi]",
            NullPlace("outside", "any of", ("volume_rarefied", "vendi")),
        ),
        ("inside null: all of [a,b,a]", NullPlace("inside", "all of", ("a", "b"))),
        ("below null: any of [vendi]", NullPlace("below", "any of", ("vendi",))),
        ("above null : all of [mmd2]", NullPlace("above", "all of", ("mmd2",))),
        (
            "verdict not in [collapsed, narrower, copied]",
            Verdict(False, ("collapsed", "narrower", "copied")),
        ),
        ("verdicts in [no_sign]", Verdict(True, ("no_sign",))),
        ("verdict == no_sign", Verdict(True, ("no_sign",))),
        ("verdict != collapsed", Verdict(False, ("collapsed",))),
    ],
)
def test_a_rule_means_what_it_says(text, condition):
    rule = parse_rule(text)
    assert rule.condition == condition
    assert (rule.at, rule.surely, rule.severity) == ("last", False, "error")
    assert rule.name == rule.text == " ".join(text.split())


def test_a_generation_and_the_interval_come_last_in_any_order():
    for text in ("integrity >= 0.8 at g05 surely", "integrity >= 0.8 surely at g05"):
        rule = parse_rule(text)
        assert (rule.at, rule.surely) == ("g05", True)
    assert parse_rule("outside null: any of [vendi] at all").at == "all"
    assert parse_rule("vendi drop <= 5% at last surely").at == "last"


FORMS = r"want a rule such as METRIC >= NUMBER, METRIC drop <= 5%"
OPERATORS = r"want one of >=, <=, >, <, ==, != \(or drop, rise, change before it\)"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", FORMS + r".*got the end of the rule"),
        ("0.8 <= integrity", FORMS + r".*got '0\.8'"),
        ("integrity", OPERATORS + r", got the end of the rule"),
        ("integrity => 0.8", OPERATORS + r", got '=>'"),
        ("integrity = 0.8", OPERATORS + r", got '='"),
        ("integrity 0.8", OPERATORS + r", got '0\.8'"),
        ("facts drops <= 5%", OPERATORS + r", got 'drops'"),
        ("integrity >=", r"want a finite number such as 0\.8 or 5%, got the end of the rule"),
        ("integrity >= high", r"want a finite number.*got 'high'"),
        ("integrity >= nan", r"want a finite number.*got 'nan'"),
        ("integrity >= 1e999", r"want a finite number.*got '1e999'"),
        ("integrity >= 0x10", r"want a finite number.*got '0'|want a finite number.*got '0x10'"),
        ("integrity >= 0,8", r"want the end of the rule \(or at GENERATION, surely\), got ','"),
        ("integrity >= 0.8 and facts > 0", r"want the end of the rule.*got 'and'"),
        ("integrity >= 0.8 at", r"want at last, at all or a generation such as g05, got ''"),
        ("integrity >= 0.8 at g5", r"want at last, at all or a generation such as g05, got 'g5'"),
        ("integrity >= 0.8 at n05", r"want at last, at all or .*got 'n05'"),
        ("vendi change <= -1", r"want a threshold of 0 or more: a change has no sign, got -1"),
        ("truth <= 95", r"truth can meet and miss \(range: 0 to 1\), got <= 95, which always"),
        ("truth >= 95", r"truth can meet and miss \(range: 0 to 1\), got >= 95, which never"),
        ("truth >= 0", r"got >= 0, which always holds"),
        ("truth > -0.1", r"got > -0\.1, which always holds"),
        ("truth > 1", r"got > 1, which never holds"),
        ("truth < 0", r"got < 0, which never holds"),
        ("truth < 1.5", r"got < 1\.5, which always holds"),
        ("truth == 2", r"got == 2, which never holds"),
        ("truth != 2", r"got != 2, which always holds"),
        ("facts <= 5", r"facts can meet and miss \(range: 0 to 1\)"),
        ("outside null any of [vendi]", r"want a colon after null, got 'any'"),
        ("outside null: [vendi]", r"want any of \[\.\.\.\] or all of \[\.\.\.\], got '\['"),
        ("outside null: none of [vendi]", r"want any of or all of, got none of; outside null: any"),
        ("outside null: any of vendi", r"want a list of metrics in brackets, got 'vendi'"),
        ("outside null: any of []", r"want one of the metrics, got '\]'"),
        ("outside null: any of [vendi mmd2]", r"want a comma or \], got 'mmd2'"),
        ("outside null: any of [vendi,", r"want one of the metrics, got the end of the rule"),
        ("outside null: any of [vendi", r"want a comma or \], got the end of the rule"),
        ("verdict collapsed", r"want in, not in, == or !=, got 'collapsed'"),
        ("verdict not [collapsed]", r"want in, not in, == or !=, got '\['"),
        ("verdict >= collapsed", r"want in, not in, == or !=, got >="),
        ("verdict == ", r"want a verdict, got the end of the rule"),
        ("verdict not in [collapse]", r"verdicts out of copied, .*; did you mean collapsed\?"),
        ("verdict != collapsed at all", r"want the end of the rule, got 'at'"),
        ("verdict != collapsed surely", r"want the end of the rule, got 'surely'"),
        ("x" * (LONGEST_RULE + 1), r"want a rule of at most 500 characters, got more"),
    ],
)
def test_what_is_no_rule_is_one_line_that_names_the_place(text, says):
    with pytest.raises(GateError, match=says) as raised:
        parse_rule(text, "gate.yaml, line 7")
    assert str(raised.value).startswith("gate.yaml, line 7: ")


def test_a_metric_of_ones_own_has_no_range():
    assert parse_rule("beauty <= 1e9").condition == Level("beauty", "<=", 1e9)
