"""gate.yaml: rules with their lines, or one line that names the place."""

import re

import pytest

from palimpsest.auditing.gate_file import DEFAULT, read_gate
from palimpsest.auditing.gate_rules import GateError, NullPlace, Verdict


def gate(tmp_path, content):
    path = tmp_path / "gate.yaml"
    path.write_text(content, encoding="utf-8")
    return path


def test_rules_have_their_lines_names_and_severities(tmp_path):
    rules = read_gate(
        gate(
            tmp_path,
            "# rules\nrules:\n"
            "  - integrity >= 0.8\n"
            "  - name: the facts\n    rule: fact_coverage drop <= 5%\n"
            "    severity: warning\n    at: all\n\n"
            "  - outside null: any of [volume_rarefied, vendi]\n"
            "    name: room\n"
            "  - verdict not in [collapsed, narrower, copied]\n"
            "  - 'inside null: all of [mmd2]'\n",
        )
    )
    assert [rule.line for rule in rules] == [3, 4, 9, 11, 12]
    assert [rule.severity for rule in rules] == ["error", "warning", "error", "error", "error"]
    assert [rule.at for rule in rules] == ["last", "all", "last", "last", "last"]
    names = ["integrity >= 0.8", "the facts", "room", rules[3].text, rules[4].text]
    assert [rule.name for rule in rules] == names
    assert rules[2].condition == NullPlace("outside", "any of", ("volume_rarefied", "vendi"))
    assert rules[3].condition == Verdict(False, ("collapsed", "narrower", "copied"))
    assert {rule.file for rule in rules} == {(tmp_path / "gate.yaml").as_posix()}


def test_a_place_in_the_band_may_be_written_as_yaml_lists_are(tmp_path):
    [rule] = read_gate(gate(tmp_path, "- outside null:\n    all of: [vendi, recall]\n"))
    assert rule.condition == NullPlace("outside", "all of", ("vendi", "recall"))


def test_a_list_alone_will_do(tmp_path):
    [rule] = read_gate(gate(tmp_path, "- integrity >= 0.8\n"))
    assert (rule.text, rule.line) == ("integrity >= 0.8", 1)


def test_a_list_that_yaml_merges_from_elsewhere_has_no_lines_of_its_own(tmp_path):
    content = "<<: {rules: [integrity >= 0.8, vendi > 2]}\n"
    assert [rule.line for rule in read_gate(gate(tmp_path, content))] == [1, 1]


def test_the_default_reads_as_it_stands_and_with_every_rule_at_work(tmp_path):
    assert [rule.text for rule in read_gate(gate(tmp_path, DEFAULT))] == ["integrity >= 0.8"]
    at_work = re.sub(r"^  # (- |  rule: |  severity: )", r"  \1", DEFAULT, flags=re.M)
    rules = read_gate(gate(tmp_path, at_work))
    assert len(rules) == 6
    assert rules[-1].name == "no text twice"
    assert rules[-1].severity == "warning"


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("", r"gate\.yaml: want a list of 1 to 1,000 rules, got None"),
        ("rules: []\n", r"want a list of 1 to 1,000 rules, got 0"),
        ("rules: integrity >= 0.8\n", r"want a list of 1 to 1,000 rules, got 'integrity >= 0\.8'"),
        (f"rules: [{'a > 1, ' * 1001}]\n", r"want a list of 1 to 1,000 rules, got 1,001"),
        ("rule: [integrity >= 0.8]\n", r"want the key rules and no other, got 'rule'"),
        ("rules:\n  - vendi > 2\n  - vendi => 3\n", r"gate\.yaml, line 3: 'vendi => 3': want one"),
        ("- 5\n", r"line 1: want the text of a rule, or a mapping with the key rule, got 5"),
        ("- [a > 1]\n", r"want the text of a rule, or a mapping"),
        ("- {name: x}\n", r"line 1: rule: want its text, got None"),
        ("- {rule: 5}\n", r"line 1: rule: want its text, got 5"),
        ("- {rules: a > 1}\n", r"want keys out of rule, name, .*got 'rules'; did you mean rule\?"),
        ("- {rule: a > 1, 5: 6}\n", r"want keys out of .*got 5"),
        ("- {rule: a > 1, outside null: 'any of [a]'}\n", r"want one rule in an entry, got two"),
        (
            "- {outside null: 'any of [a]', below null: 'any of [a]'}\n",
            r"want one rule in an entry, got two",
        ),
        ("- outside null: [a]\n", r"want any of \[\.\.\.\] or all of .* got \['a'\]"),
        ("- outside null: {any of: [1]}\n", r"want any of \[\.\.\.\] or all of .* got {'any of': "),
        ("- outside null: {some of: [a]}\n", r"want any of \[\.\.\.\] or all of .*, got 'some'"),
        ("- outside null: none of [a]\n", r"line 1: 'outside null: none of \[a\]': want any of or"),
        ("- {rule: a > 1, name: 5}\n", r"line 1: name: want text of 1 to 200 characters, got 5"),
        ("- {rule: a > 1, name: ' '}\n", r"name: want text of 1 to 200 characters, got ' '"),
        (f"- {{rule: a > 1, name: {'n' * 201}}}\n", r"name: want text of 1 to 200 characters"),
        ("- {rule: a > 1, severity: fatal}\n", r"severity: want error or warning, got 'fatal'"),
        ("- {rule: a > 1, at: 5}\n", r"at: want at last, at all or a generation .*got 5"),
        ("- {rule: a > 1 at g05, at: all}\n", r"at: want g05, as its rule says, got all"),
        ("- {rule: verdict == no_sign, at: all}\n", r"at: want no generation for a verdict"),
        ("- a > 1\n- a > 1\n", r"line 2: 'a > 1': want rules with names of their own, got"),
        ("- {rule: a > 1, name: x}\n- {rule: a > 2, name: x}\n", r"got 'x' twice"),
        ("- rule: outside null: any of [a]\n", r"want valid YAML.*; quote a rule that has a colon"),
        ("rules: [\n", r"gate\.yaml: want valid YAML"),
        ("- &a [*a]\n", r"want valid YAML, got an alias inside what it names"),
        ("- !!python/object/apply:os.system [x]\n", r"want valid YAML"),
    ],
)
def test_what_cannot_be_read_is_one_line(tmp_path, content, says):
    with pytest.raises(GateError, match=says):
        read_gate(gate(tmp_path, content))


def test_files_that_cannot_be_read(tmp_path):
    with pytest.raises(GateError, match=r"want rules, got no such file; palimpsest gate --init wr"):
        read_gate(tmp_path / "none.yaml")
    with pytest.raises(GateError, match=r"want rules, got Is a directory"):
        read_gate(tmp_path)
    (tmp_path / "gate.yaml").write_bytes(b"- \xff\n")
    with pytest.raises(GateError, match=r"want valid YAML, got 'utf-8' codec"):
        read_gate(tmp_path / "gate.yaml")
