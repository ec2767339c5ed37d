"""Rules decided: worked out by hand, at the edge, and where nothing can be told."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from palimpsest.auditing.gate import Reading, State, Subject, decide, whole_state
from palimpsest.auditing.gate_file import read_gate
from palimpsest.auditing.gate_grammar import parse_rule

READINGS = {
    "integrity": Reading(0.7, (0.6, 0.8), (0.94, 1.06)),
    "vendi": Reading(10.0, (8.0, 12.0), (9.0, 20.0)),  # inside, and its interval reaches out
    "spread": Reading(0.5, (0.4, 0.6), (0.55, 0.9)),  # below, and its interval reaches in
    "mmd2": Reading(0.05, (0.04, 0.06), (-0.01, 0.01)),
    "recall": Reading(0.3, None, (0.7, 0.9)),
    "truth": Reading(0.9, (0.88, 0.92)),
    "lock_in": Reading(None),
    "duplicates": Reading(0.0),
}


def chain(**generations):
    return Subject("a chain", generations)


def audit(*verdicts, **readings):
    return Subject("a.json", {"": readings or READINGS}, verdicts or ("no_sign",))


def decided(text, subject=None, base=None):
    [outcome] = decide([parse_rule(text)], subject or audit(), base)
    return outcome


PASS, BREACH, UNKNOWN = State.PASS, State.BREACH, State.UNKNOWN


@pytest.mark.parametrize(
    ("text", "state"),
    [
        ("integrity >= 0.7", PASS),
        ("integrity > 0.7", BREACH),
        ("integrity <= 0.7", PASS),
        ("integrity < 0.7", BREACH),
        ("integrity == 0.7", PASS),
        ("integrity != 0.7", BREACH),
        ("integrity >= 0.59 surely", PASS),
        ("integrity >= 0.6 surely", PASS),
        ("integrity > 0.6 surely", UNKNOWN),
        ("integrity >= 0.65 surely", UNKNOWN),
        ("integrity >= 0.81 surely", BREACH),
        ("integrity <= 0.8 surely", PASS),
        ("integrity < 0.6 surely", BREACH),
        ("integrity == 0.7 surely", UNKNOWN),
        ("integrity == 0.9 surely", BREACH),
        ("integrity != 0.7 surely", UNKNOWN),
        ("integrity != 0.9 surely", PASS),
        ("recall >= 0.2 surely", UNKNOWN),
        ("lock_in <= 0.5", UNKNOWN),
        ("axioms <= 5", UNKNOWN),
        ("outside null: any of [vendi]", PASS),
        ("outside null: any of [spread]", BREACH),
        ("outside null: any of [vendi, spread]", BREACH),
        ("outside null: all of [vendi, spread]", PASS),
        ("outside null: all of [spread, mmd2]", BREACH),
        ("outside null: any of [spread] surely", UNKNOWN),
        ("outside null: any of [vendi] surely", UNKNOWN),
        ("outside null: any of [integrity] surely", BREACH),
        ("outside null: any of [vendi, integrity] surely", BREACH),
        ("outside null: any of [recall]", BREACH),
        ("outside null: any of [truth]", UNKNOWN),
        ("outside null: any of [axioms]", UNKNOWN),
        ("outside null: any of [axioms, spread]", BREACH),
        ("outside null: any of [axioms, vendi]", UNKNOWN),
        ("outside null: all of [axioms, vendi]", PASS),
        ("outside null: all of [axioms, spread]", UNKNOWN),
        ("inside null: all of [vendi]", PASS),
        ("inside null: all of [vendi, spread]", BREACH),
        ("inside null: all of [vendi, axioms]", UNKNOWN),
        ("inside null: any of [vendi, axioms]", PASS),
        ("inside null: all of [vendi] surely", UNKNOWN),
        ("below null: any of [spread]", BREACH),
        ("below null: any of [mmd2]", PASS),
        ("above null: any of [mmd2]", BREACH),
        ("above null: any of [spread]", PASS),
        ("verdict == no_sign", PASS),
        ("verdict in [no_sign, shortened]", PASS),
        ("verdict not in [collapsed, copied]", PASS),
        ("verdict != no_sign", BREACH),
        ("integrity >= 0.5 at g05", UNKNOWN),
    ],
)
def test_a_rule_over_one_measurement(text, state):
    assert decided(text).state is state


def test_a_verdict_is_every_one_of_them():
    subject = audit("copied", "narrower")
    assert decided("verdict not in [narrower]", subject).state is BREACH
    assert decided("verdict in [copied]", subject).state is BREACH
    assert decided("verdict in [copied, narrower]", subject).state is PASS
    assert decided("verdict != copied", subject).detail == "verdict: copied, narrower"
    assert decided("verdict == no_sign", chain(g00=READINGS)).state is UNKNOWN


def before(value, interval=None):
    return audit(integrity=Reading(value, interval))


@pytest.mark.parametrize(
    ("text", "now", "then", "state"),
    [
        ("integrity drop <= 5%", 0.76, 0.8, PASS),  # 5 % to the digit, not to the computer
        ("integrity drop <= 5%", 0.7599, 0.8, BREACH),
        ("integrity drop <= 5%", 0.9, 0.8, PASS),
        ("integrity drop < 5%", 0.76, 0.8, BREACH),
        ("integrity drop >= 5%", 0.76, 0.8, PASS),
        ("integrity drop <= 0.05", 0.75, 0.8, PASS),
        ("integrity drop <= 0.05", 0.74, 0.8, BREACH),
        ("integrity rise <= 5%", 0.84, 0.8, PASS),
        ("integrity rise <= 5%", 0.85, 0.8, BREACH),
        ("integrity rise <= 5%", 0.1, 0.8, PASS),
        ("integrity change <= 5%", 0.85, 0.8, BREACH),
        ("integrity change <= 5%", 0.75, 0.8, BREACH),
        ("integrity change <= 5%", 0.79, 0.8, PASS),
        ("integrity change == 0", 0.8, 0.8, PASS),
        ("integrity rise <= 5%", 0.1, 0.0, BREACH),  # more than any share of nothing
        ("integrity drop <= 5%", 0.1, 0.0, PASS),
        ("integrity change <= 5%", 0.0, 0.0, PASS),
        ("integrity rise <= 50%", -0.4, -0.8, PASS),  # 0.4 of 0.8: as a share of its size
        ("integrity rise < 50%", -0.4, -0.8, BREACH),
    ],
)
def test_a_change_against_another_measurement(text, now, then, state):
    assert decided(text, before(now), before(then)).state is state


def test_a_change_of_which_every_pair_of_values_is_sure():
    now, then = before(0.7, (0.65, 0.75)), before(0.8, (0.78, 0.82))
    # from 0.82 to 0.65 at the most, 20.7 %; from 0.78 to 0.75 at the least, 3.8 %
    assert decided("integrity drop <= 21% surely", now, then).state is PASS
    assert decided("integrity drop <= 20% surely", now, then).state is UNKNOWN
    assert decided("integrity drop <= 3.8% surely", now, then).state is BREACH
    assert decided("integrity drop <= 0.17 surely", now, then).state is PASS
    assert decided("integrity change <= 0.16 surely", now, then).state is UNKNOWN
    assert decided("integrity change >= 0 surely", now, now).state is PASS
    assert decided("integrity drop <= 50% surely", now, before(0.8)).state is UNKNOWN
    nothing = before(0.0, (-0.1, 0.1))
    assert decided("integrity rise <= 900% surely", now, nothing).state is UNKNOWN


@given(
    st.tuples(st.floats(-5, 5), st.floats(0, 2)),
    st.tuples(st.floats(-5, 5), st.floats(0, 2)),
    st.floats(0, 1),
    st.floats(0, 1),
    st.sampled_from(["drop", "rise", "change"]),
    st.sampled_from(["", "%"]),
    st.floats(0, 300),
)
def test_what_is_sure_holds_for_every_value_inside_the_intervals(
    own, other, at, where, motion, unit, threshold
):
    text = f"integrity {motion} <= {threshold}{unit}"
    wide = [(low, low + width) for low, width in (own, other)]
    values = [low + share * width for (low, width), share in ((own, at), (other, where))]
    if any(0 < abs(one) < 1e-6 for one in values):
        return
    readings = [before(value, ends) for value, ends in zip(values, wide, strict=True)]
    sure = decided(f"{text} surely", *readings).state
    if sure is not UNKNOWN:
        assert decided(text, *readings).state is sure


def test_without_another_measurement_a_change_cannot_be_told():
    assert "without --against" in decided("integrity drop <= 5%").detail
    gone = decided("integrity drop <= 5%", before(0.7), audit(vendi=Reading(2.0)))
    assert gone.state is UNKNOWN
    assert gone.detail == "in what it is compared with: integrity was not measured"
    undefined = decided("integrity drop <= 5%", before(None), before(0.7))
    assert undefined.detail == "integrity is undefined here"


def test_values_that_depend_on_other_sizes_are_not_compared():
    small = Subject("a", {"": {"vendi": Reading(9.0)}}, measured_on={"sample": 150})
    large = Subject("b", {"": {"vendi": Reading(10.0)}}, measured_on={"sample": 200, "words": 9})
    outcome = decided("vendi drop <= 50%", small, large)
    assert outcome.state is UNKNOWN
    assert "not comparable: sample 150 here and 200 in b" in outcome.detail
    assert decided("vendi drop <= 50%", small, small).state is PASS


ONE, TWO, THREE = ({"integrity": Reading(value)} for value in (1.0, 0.9, 0.5))


def test_generations():
    subject = chain(g00=ONE, g01=TWO, g02=THREE)
    assert decided("integrity >= 0.8", subject).state is BREACH
    assert decided("integrity >= 0.8 at g01", subject).state is PASS
    every = decided("integrity >= 0.95 at all", subject)
    assert (every.state, every.detail) == (BREACH, "integrity 0.900 at g01, and 1 more")
    assert decided("integrity >= 0.4 at all", subject).state is PASS
    lost = decided("integrity >= 0.8 at g03", subject)
    assert (lost.state, lost.detail) == (UNKNOWN, "no g03 in a chain (g00 to g02)")
    gap = chain(g00=ONE, g01={}, g02=THREE)
    assert decided("integrity >= 0.4 at all", gap).state is UNKNOWN
    assert decided("integrity >= 0.8 at all", gap).state is BREACH
    assert decided("integrity >= 0.8", chain()).state is UNKNOWN


def test_a_generation_is_compared_with_the_same_one():
    longer, shorter = chain(g00=ONE, g01=TWO, g02=THREE), chain(g00=ONE, g01=TWO)
    assert decided("integrity drop <= 0", shorter, longer).state is PASS
    lost = decided("integrity drop <= 50%", longer, shorter)
    assert (lost.state, lost.detail) == (UNKNOWN, "a chain has nothing to compare with at g02")
    assert decided("integrity drop <= 0 at all", shorter, longer).state is PASS


def test_numbers_without_a_generation_stand_for_one_but_not_for_all():
    subject, numbers = chain(g00=ONE, g01=TWO), Subject("old.json", {"": TWO})
    assert decided("integrity drop <= 0", subject, numbers).state is PASS
    assert decided("integrity drop <= 0 at g00", subject, numbers).state is PASS
    assert decided("integrity drop <= 50% at all", subject, numbers).state is UNKNOWN
    assert decided("integrity drop <= 0", numbers, subject).state is PASS  # the last generation


def test_a_metric_has_the_headlines_name_too():
    numbers = Subject("metrics/integrity.json", {"": {"facts": Reading(0.5)}})
    full = chain(g00={"fact_coverage": Reading(0.5)})
    for subject in (numbers, full):
        for name in ("facts", "fact_coverage"):
            assert decided(f"{name} == 0.5", subject).state is PASS
    assert decided("facts drop <= 0", full, numbers).state is PASS


def test_the_gate_is_what_its_worst_rule_is():
    def state(*texts):
        rules = [parse_rule(text) for text in texts]
        outcomes = decide(rules, audit(), None)
        return whole_state(outcomes)

    assert state("truth > 0.5") is PASS
    assert state("truth > 0.5", "axioms <= 5") is UNKNOWN
    assert state("axioms <= 5", "truth > 0.95") is BREACH


def test_a_warning_breaks_nothing(tmp_path):
    path = tmp_path / "gate.yaml"
    path.write_text("- {rule: truth > 0.95, severity: warning}\n- truth > 0.5\n")
    outcomes = decide(read_gate(path), audit(), None)
    assert [one.state for one in outcomes] == [BREACH, PASS]
    assert whole_state(outcomes) is PASS


VALUES = st.one_of(st.none(), st.floats(-10, 10))


@given(st.dictionaries(st.sampled_from(["vendi", "spread", "recall"]), VALUES), st.booleans())
def test_what_was_not_measured_never_passes(values, surely):
    readings = {name: Reading(value) for name, value in values.items()}
    subject = Subject("s", {"": {"x": Reading(1.0), **readings}})
    text = "vendi >= 2" + " surely" * surely
    outcome = decided(text, subject)
    if surely or readings.get("vendi", Reading(None)).value is None:
        assert outcome.state is UNKNOWN
    else:
        assert outcome.state is (PASS if readings["vendi"].value >= 2 else BREACH)
    assert decided("inside null: any of [vendi, spread, recall]", subject).state is UNKNOWN


def test_an_infinite_change_is_said_in_words():
    detail = decided("integrity rise <= 5%", before(0.1), before(0.0)).detail
    assert detail.endswith("rise of more than any share")
