"""Copies, loops and empty texts: counts by hand, what human text shows, what is found."""

import random

import pytest

from palimpsest.audit.copies import LEAST_SHARE, Fact, distinct_texts, find_copies
from palimpsest.audit.measure import AuditVerdict, audit
from palimpsest.audit.verdict import DEFAULTS
from palimpsest.report.audit import as_dict, sentence, text
from tests.audit.corpora import encode, human

REFERENCE = human(300, 1)
CANDIDATE = human(100, 2)
PARAMS = DEFAULTS.changed(half_samples=10, null_samples=5)


def test_counts_by_hand() -> None:
    long = " ".join(f"w{n}" for n in range(30))
    loop = "a b c d " * 12
    candidate = [
        long,
        f"{long} and an end of its own",
        "Yes.",
        "Yes.",
        "",
        " \n",
        loop,
        "x " + long,
    ]
    copies = find_copies(candidate, ["Yes.", f" {long.replace(' ', '  ')}\n", *REFERENCE])
    assert copies.exact == (0,)
    assert copies.copied.rows == (0, 7)  # 23 of 24 word 8-grams; the other has 23 of 29
    assert copies.empty == (4, 5)
    assert copies.looped == (6,)
    assert copies.repeated.rows == (3, 4, 5, 6)
    assert copies.largest == (2, 3)
    assert copies.copied.examples == ((0, long[:80]), (7, f"x {long}"[:80]))
    assert [row for row, _ in copies.repeated.examples] == [3, 4, 6]  # 5 is empty as 4 is
    assert copies.copied.share == 2 / 8


def test_a_short_text_is_nobodys_copy() -> None:
    copies = find_copies(["Thank you very much!"] * 3, ["Thank you very much!", *REFERENCE])
    assert copies.copied.rows == ()
    assert copies.repeated.rows == (1, 2)


def test_composition_and_blanks_make_no_other_text() -> None:
    composed, apart = "caf\u00e9 noir", "cafe\u0301  noir\n"
    assert distinct_texts([composed, apart, "tea"]) == [composed, "tea"]
    assert find_copies([composed, apart], REFERENCE).largest == (0, 1)


@pytest.mark.parametrize(
    ("count", "texts", "expected", "holds"),
    [
        (0, 100, 0.0, False),
        (1, 100, 0.0001, False),  # below a fiftieth
        (4, 100, 0.001, True),
        (5, 100, 0.001, True),
        (5, 100, 0.05, False),  # as people do
        (20, 100, 0.05, True),
        (1, 5, 0.3, False),
    ],
)
def test_when_a_fact_is_a_verdict(count: int, texts: int, expected: float, holds: bool) -> None:
    assert Fact(tuple(range(count)), texts, expected, ()).holds == holds
    assert LEAST_SHARE == 0.02


def test_human_text_against_human_text_says_nothing() -> None:
    everything = human(4000, 3)
    for seed in range(20):
        texts = random.Random(seed).sample(everything, 400)
        copies = find_copies(texts[:100], texts[100:])
        assert not copies.copied.holds
        assert not copies.repeated.holds


def damaged(kind: str, share: float) -> list[str]:
    count = round(share * len(CANDIDATE))
    rest = CANDIDATE[count:]
    return {
        "copied": REFERENCE[:count],
        "identical": REFERENCE[:count],
        "nearly copied": [f"{text} zebra" for text in REFERENCE[:count]],
        "one text": ["I am sorry, but I cannot help with that request."] * count,
        "empty": [""] * count,
        "loops": [f"{text} {'on and on and ' * 10}" for text in CANDIDATE[:count]],
    }[kind] + rest


@pytest.mark.parametrize(
    ("kind", "verdict"),
    [
        ("copied", AuditVerdict.COPIED),
        ("nearly copied", AuditVerdict.COPIED),
        ("one text", AuditVerdict.REPEATED),
        ("empty", AuditVerdict.REPEATED),
        ("loops", AuditVerdict.REPEATED),
    ],
)
@pytest.mark.parametrize("share", [0.2, 1.0])
def test_damage_is_found_and_named_first(kind: str, verdict: AuditVerdict, share: float) -> None:
    result = audit(damaged(kind, share), REFERENCE, encode, params=PARAMS)
    assert result.verdict is verdict
    said = sentence(result)
    assert said.startswith(f"{verdict.value.capitalize()}: ")
    assert "none of" not in said
    rows = as_dict(result)["copies"]
    assert isinstance(rows, dict)
    assert len(rows["copied" if verdict is AuditVerdict.COPIED else "repeated"]) >= 19 * share
    assert f"{'copied' if verdict is AuditVerdict.COPIED else 'repeated'}, row " in text(result)


def test_a_reference_with_duplicates_does_not_condemn_a_fair_candidate() -> None:
    alone = audit(CANDIDATE, REFERENCE, encode, params=PARAMS)
    doubled = audit(CANDIDATE, [*REFERENCE, *REFERENCE[:100]], encode, params=PARAMS)
    assert doubled.verdicts == alone.verdicts
    assert doubled.findings == alone.findings
    assert (doubled.reference_texts, doubled.reference_repeated) == (300, 100)
    assert "100 repeated reference texts were left out." in text(doubled)
