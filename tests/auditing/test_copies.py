"""Copies, loops and empty texts: counts by hand, what human text shows, what is found."""

import random

import numpy as np
import pytest
from scipy import stats

from palimpsest.auditing.copies import Side, distinct_texts, find_copies, find_opening
from palimpsest.auditing.facts import EXCERPT, LEAST_SHARE, Fact
from palimpsest.auditing.measure import audit
from palimpsest.auditing.verdict import DEFAULTS, AuditVerdict
from palimpsest.report.audit import NAMES, as_dict, sentence, text
from tests.auditing.corpora import encode, human

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
    copies = find_copies(
        Side(candidate), Side(["Yes.", f" {long.replace(' ', '  ')}\n", *REFERENCE])
    )
    assert copies.exact == (0, 2, 3)
    assert copies.copied.rows == (0, 7)  # 23 of 24 word 8-grams; the other has 23 of 29
    assert copies.empty == (4, 5)
    assert copies.looped == (6,)
    assert copies.repeated.rows == (3, 4, 5, 6)
    assert copies.largest == (2, 3)
    assert copies.duplicates == (3,)
    first, second = copies.copied.examples
    assert (first.row, first.text) == (0, f"{long[:EXCERPT].rpartition(' ')[0]} …")
    assert (first.note, second.note) == (
        "equals text 2 of the reference",
        "nearly repeats text 2 of the reference",
    )
    shown = [(one.row, one.note) for one in copies.repeated.examples]
    assert shown == [(2, "2 times"), (6, "a loop"), (4, "empty")]
    assert copies.copied.share == 2 / 8


def test_a_short_text_is_nobodys_copy() -> None:
    copies = find_copies(
        Side(["Thank you very much!"] * 3), Side(["Thank you very much!", *REFERENCE])
    )
    assert copies.copied.rows == ()
    assert copies.repeated.rows == (1, 2)


def test_composition_and_blanks_make_no_other_text() -> None:
    composed, apart = "caf\u00e9 noir", "cafe\u0301  noir\n"
    assert distinct_texts([composed, apart, "tea"]) == [composed, "tea"]
    assert find_copies(Side([composed, apart]), Side(REFERENCE)).largest == (0, 1)


@pytest.mark.parametrize(
    ("count", "texts", "normal", "of", "holds"),
    [
        (0, 100, 0, 300, False),
        (1, 100, 0, 300, False),  # below a fiftieth
        (4, 100, 0, 300, False),  # Fisher: 0.0038
        (6, 100, 0, 300, True),  # 0.00023
        (5, 100, 15, 300, False),  # as people do
        (20, 100, 15, 300, True),
        (5, 5, 0, 15, True),
        (3, 100, 0, 6000, True),
    ],
)
def test_when_a_fact_is_a_verdict(
    count: int, texts: int, normal: int, of: int, holds: bool
) -> None:
    fact = Fact(tuple(range(count)), texts, normal, of)
    assert fact.holds == holds
    table = [[count, texts - count], [normal, of - normal]]
    assert fact.p_value == pytest.approx(stats.fisher_exact(table, "greater").pvalue)
    assert LEAST_SHARE == 0.02


@pytest.mark.parametrize(("texts", "of"), [(2000, 100), (2000, 300), (200, 600)])
def test_a_rate_that_both_sides_share_is_no_verdict(texts: int, of: int) -> None:
    """The rate is known from a reference as small as this one; a level of 1 in 1,000."""
    rng = np.random.default_rng(0)
    alarms = 0
    for _ in range(2000):
        ours, theirs = rng.binomial(texts, 0.03), rng.binomial(of, 0.03)
        alarms += Fact(tuple(range(ours)), texts, theirs, of).holds
    assert alarms <= 8  # of 2, by Poisson less likely than 1 in 1,000


@pytest.mark.parametrize(("texts", "of"), [(1500, 300), (300, 1500), (300, 900)])
def test_repeats_of_a_pool_that_both_sides_are_drawn_from(texts: int, of: int) -> None:
    """The more texts, the more repeats: that is no fault, on whichever side they are more."""
    pool = human(2000, 5)
    rng = random.Random(1)
    for _ in range(5):
        ours, theirs = (Side(rng.choices(pool, k=count)) for count in (texts, of))
        copies = find_copies(ours, theirs)
        assert copies.repeated.share > 0.02 or texts < 1000
        assert not copies.repeated.holds


def test_boilerplate_that_people_repeat_condemns_nobody() -> None:
    """Eight texts make up a seventh of both sides."""
    boilerplate = human(8, 6)
    rng = random.Random(2)
    ours = [*human(100, 7), *rng.choices(boilerplate, k=16)]
    theirs = [*human(300, 8), *rng.choices(boilerplate, k=48)]
    result = audit(ours, theirs, encode, params=PARAMS)
    assert result.verdicts == (AuditVerdict.NO_SIGN,)
    assert len([flags for flags in result.flags.values() if "copy" in flags]) == 16


def test_one_text_many_times_is_named_whole() -> None:
    refused = "I cannot help with that, nor with anything else of the kind."
    result = audit([*CANDIDATE[:60], *[refused] * 60], REFERENCE, encode, params=PARAMS)
    assert sentence(result).startswith("Repeated: 60 of 120 texts are one text")


def test_texts_without_a_word_are_empty_and_no_twins() -> None:
    copies = find_copies(Side(["\U0001f600"] * 3 + ["???"] * 2), Side(REFERENCE))
    assert copies.empty == copies.repeated.rows == (0, 1, 2, 3, 4)
    assert copies.largest == copies.duplicates == ()


def test_the_first_of_two_groups_of_one_size_is_the_largest() -> None:
    copies = find_copies(Side([CANDIDATE[0]] * 3 + [CANDIDATE[1]] * 3), Side(REFERENCE))
    assert copies.largest == (0, 1, 2)


def test_human_text_against_human_text_says_nothing() -> None:
    everything = human(4000, 3)
    for seed in range(20):
        texts = random.Random(seed).sample(everything, 400)
        copies = find_copies(Side(texts[:100]), Side(texts[100:]))
        assert not copies.copied.holds
        assert not copies.repeated.holds
        assert not find_opening(Side(texts[:100]), Side(texts[100:])).rows


def damaged(kind: str, share: float) -> list[str]:
    count = round(share * len(CANDIDATE))
    rest = CANDIDATE[count:]
    return {
        "copied": REFERENCE[:count],
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
    assert said.startswith(f"{NAMES[verdict]}: ")
    assert "none of" not in said
    flags = as_dict(result)["flags"]
    assert isinstance(flags, dict)
    assert len(flags) >= 19 * share
    assert 3 <= len(result.judgements[0].rows) == round(100 * result.judgements[0].share)
    assert f"\n{verdict}, text " in text(result)


def test_a_reference_with_duplicates_does_not_condemn_a_fair_candidate() -> None:
    alone = audit(CANDIDATE, REFERENCE, encode, params=PARAMS)
    doubled = audit(CANDIDATE, [*REFERENCE, *REFERENCE[:100]], encode, params=PARAMS)
    assert doubled.verdicts == alone.verdicts
    assert doubled.findings == alone.findings
    assert (doubled.reference_texts, doubled.reference_repeated) == (300, 100)
    assert "100 repeated reference texts were left out." in text(doubled)


def test_texts_that_begin_with_one_phrase() -> None:
    phrase = "Certainly here is a text for you now and"
    sides = [Side([f"{phrase} {text}" for text in CANDIDATE[:30]] + CANDIDATE[30:])]
    opening = find_opening(*sides, Side(REFERENCE))
    assert opening.rows == tuple(range(30))
    assert opening.examples[0].note == f"begins with “{phrase}”"
    human_too = Side([f"{phrase} {text}" for text in REFERENCE[:90]] + REFERENCE[90:])
    assert find_opening(*sides, human_too).rows == ()  # as often as people begin so


def test_one_text_many_times_is_no_opening() -> None:
    assert find_opening(Side([CANDIDATE[0]] * 50), Side(REFERENCE)).rows == ()


@pytest.mark.parametrize("share", [0.3, 1.0])
def test_an_opening_is_a_verdict(share: float) -> None:
    count = round(share * len(CANDIDATE))
    begun = [f"As an assistant I can say {text}" for text in CANDIDATE[:count]]
    result = audit(begun + CANDIDATE[count:], REFERENCE, encode, params=PARAMS)
    assert result.verdict is AuditVerdict.REPEATED
    assert (
        f"{count} of 100 texts begin alike (begins with “As an assistant I can say”)"
        in sentence(result)
    )


def test_a_phrase_counts_by_its_fewest_words_and_is_shown_as_far_as_it_is_shared() -> None:
    """Of ninety texts that begin with three words all count, however few go on alike."""
    begun = [f"We regret that w{at % 2}x w{at % 5}y w{at}z" for at in range(90)]
    ours = Side([f"{start} {text}" for start, text in zip(begun, CANDIDATE, strict=False)])
    opening = find_opening(ours, Side(REFERENCE))
    assert len(opening.rows) == 90
    assert opening.examples[0].note == "begins with “We regret that”"
    phrase = "It is with the deepest regret that I must inform you of the following"
    longer = find_opening(Side([f"{phrase} {text}" for text in CANDIDATE]), Side(REFERENCE))
    assert longer.examples[0].note == f"begins with “{phrase}”"
