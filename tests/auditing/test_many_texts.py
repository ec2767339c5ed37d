"""Texts that are seen once say what texts in memory say, whatever they are cut into."""

from dataclasses import replace

import numpy as np
import pytest

from palimpsest.auditing import many_texts
from palimpsest.auditing.copies import Side
from palimpsest.auditing.many_texts import ManyTexts, facts_of
from palimpsest.auditing.measure import audit
from palimpsest.auditing.plain_facts import plain_facts
from palimpsest.auditing.verdict import DEFAULTS
from palimpsest.report.audit import as_dict, text
from palimpsest.report.audit_page import page
from tests.auditing.corpora import encode, human

REFERENCE = [*human(300, 1), "Yes.", "", human(300, 1)[7]]
PARAMS = DEFAULTS.changed(half_samples=6, null_samples=8)
TEXTS = human(240, 2)
LOOP = "a b c d " * 12
BROKEN = [" ".join(f"qz{number}x{at}" for at in range(20)) for number in range(60)]
KINDS = {
    "sound": TEXTS,
    "repeated": [
        *TEXTS[:100],
        *TEXTS[:40],
        TEXTS[3],
        TEXTS[3],
        " \n",
        "",
        "???",
        LOOP,
        *TEXTS[90:],
    ],
    "few repeats": [*TEXTS, TEXTS[0], " ".join(TEXTS[1].split(" ")) + " "],
    "copied": [*REFERENCE[:30], *(f"{one} at last" for one in REFERENCE[30:60]), *TEXTS[:80]],
    "opening": [f"As a model of words {one}" for one in TEXTS[:100]] + TEXTS[100:],
    "openings": [f"Once more {word} {one}" for word in "abcd" for one in TEXTS[:60]],
    "short": [" ".join(one.split()[:12]) for one in TEXTS],
    "sorted": [" ".join(sorted(one.split())) for one in TEXTS],
    "garbled": [*TEXTS, *BROKEN],
    "one text": [TEXTS[0]] * 200,
    "loops": [f"{one} {LOOP}" for one in TEXTS],
    "empty": ["", " ", "..."] * 40,
    "letters": ["слово дела " * 12 + str(n) for n in range(120)],
}


def pieces(some):
    """Words with a q are cut small."""
    return np.array([4 if "q" in word else 1 for word in some], dtype=np.int64)


def seen_once(texts, size, params=PARAMS, reference=REFERENCE):
    many = ManyTexts(Side(reference), params)
    for at in range(0, len(texts), size):
        many.add(texts[at : at + size])
    return many.facts(pieces)


def without_texts(fact):
    """A fact without what differs where garbled text is looked for in distinct texts alone."""
    return replace(fact, texts=0)


@pytest.mark.parametrize("size", [1, 7, 1000])
@pytest.mark.parametrize("kind", KINDS)
def test_every_fact_is_that_of_texts_in_memory(kind, size):
    texts = KINDS[kind]
    ours, theirs = seen_once(texts, size), plain_facts(texts, Side(REFERENCE), pieces)
    assert ours.copies == theirs.copies
    assert ours.opening == theirs.opening
    assert ours.lengths == theirs.lengths
    assert ours.unread == theirs.unread
    assert (ours.garbled is None) == (theirs.garbled is None)
    if theirs.garbled is not None:
        same = {
            name: without_texts(getattr(theirs.garbled, name)) for name in ("strange", "disordered")
        }
        mine = {name: without_texts(getattr(ours.garbled, name)) for name in same}
        assert replace(ours.garbled, **mine) == replace(theirs.garbled, **same)
    assert ours.texts == theirs.texts == len(texts)
    assert len(ours.measured) == len(theirs.measured)
    assert ours.words.tolist() == theirs.words.tolist()
    rows = {*ours.measured.draw(len(texts), 0)[0].tolist()}
    assert {*ours.faults} == {*theirs.faults} & rows


def test_the_kinds_show_what_they_are_meant_to_show():
    found = {kind: plain_facts(texts, Side(REFERENCE), pieces) for kind, texts in KINDS.items()}
    assert found["repeated"].copies.repeated.holds
    assert not found["few repeats"].copies.repeated.holds
    assert len(found["few repeats"].copies.duplicates) == 2
    assert len(found["copied"].copies.copied.rows) == 60
    assert {kind for kind, one in found.items() if one.opening.rows} >= {"opening", "openings"}
    assert {kind for kind, one in found.items() if one.lengths.shortened} >= {"short"}
    assert found["garbled"].is_garbled
    assert len(found["loops"].copies.looped) == len(TEXTS)
    assert found["letters"].garbled is None


@pytest.mark.parametrize("kind", ["repeated", "sound"])
def test_a_smaller_sample_changes_what_is_looked_for_in_it_alone(kind, monkeypatch):
    monkeypatch.setattr(many_texts, "SAMPLED", 50)
    texts = KINDS[kind]
    ours, theirs = seen_once(texts, 9), plain_facts(texts, Side(REFERENCE), pieces)
    for name in ("exact", "duplicates", "largest", "empty", "looped"):
        assert getattr(ours.copies, name) == getattr(theirs.copies, name)
    for mine, whole in (
        (ours.copies.copied, theirs.copies.copied),
        (ours.copies.repeated, theirs.copies.repeated),
        (ours.opening, theirs.opening),
    ):
        assert replace(mine, examples=()) == replace(whole, examples=())
    assert ours.lengths.ours == theirs.lengths.ours
    assert ours.garbled is not None
    assert ours.garbled.strange.texts == 50
    assert len(ours.measured) == len(theirs.measured)
    assert f"of {len(texts)} texts, garbled words, word order and letters" in ours.note
    assert "in a sample of 50;" in ours.note
    rows, drawn = ours.measured.draw(20, 0)
    assert drawn == [texts[row] for row in rows]
    assert len({*rows.tolist()}) == 20


def test_the_sample_is_another_with_another_seed_and_the_same_with_the_same():
    draws = [
        seen_once(TEXTS, 9, PARAMS.changed(seed=seed)).measured.draw(40, seed) for seed in (0, 0, 1)
    ]
    assert draws[0][1] == draws[1][1] != draws[2][1]


def test_as_large_a_sample_as_is_asked_for_is_held(monkeypatch):
    monkeypatch.setattr(many_texts, "SAMPLED", 10)
    assert len(seen_once(TEXTS, 9, PARAMS.changed(sample=60)).measured.draw(60, 0)[1]) == 60


def test_rows_of_garbled_texts_are_those_of_the_candidate(monkeypatch):
    """Though they are found in a sample."""
    monkeypatch.setattr(many_texts, "SAMPLED", 120)
    facts = seen_once(KINDS["garbled"], 50)
    assert facts.garbled is not None
    told = facts.garbled.strange.rows
    assert 5 < len(told) < 60
    assert min(told) >= len(TEXTS)
    assert {one.row for one in facts.garbled.strange.examples} <= {*told}
    assert {*told} <= {*facts.faults}


def test_an_audit_of_many_texts_says_so_and_judges_alike(monkeypatch):
    monkeypatch.setattr(many_texts, "SAMPLED", 100)
    for kind, verdict in (("repeated", "repeated"), ("sound", "no_sign"), ("opening", "repeated")):
        held = audit(KINDS[kind], REFERENCE, encode, params=PARAMS, pieces=pieces)
        monkeypatch.setattr(many_texts, "MOST_HELD", 100)
        monkeypatch.setattr(many_texts, "BATCH", 40)
        many = audit(KINDS[kind], REFERENCE, encode, params=PARAMS, pieces=pieces)
        monkeypatch.undo()
        monkeypatch.setattr(many_texts, "SAMPLED", 100)
        assert held.verdict == many.verdict == verdict
        assert many.sample == held.sample
        assert many.evidence.copies == replace(
            held.evidence.copies, repeated=many.evidence.copies.repeated
        )
        assert many.flags == held.flags
        assert as_dict(many).keys() == as_dict(held).keys()
        (note,) = (one for one in many.warnings if "in a sample of 100" in one)
        assert f"warning: {note}" in text(many)
        assert not [one for one in held.warnings if "sample of" in one]


def test_garbled_texts_of_a_sample_are_a_share_of_it(monkeypatch):
    monkeypatch.setattr(many_texts, "SAMPLED", 150)
    monkeypatch.setattr(many_texts, "MOST_HELD", 100)
    found = audit(KINDS["garbled"], REFERENCE, encode, params=PARAMS, pieces=pieces)
    (garbled,) = (one for one in found.judgements if one.verdict == "garbled")
    assert garbled.share == len(garbled.rows) / 150
    assert f"{len(garbled.rows)} of 150 texts have words of no language" in garbled.reason
    assert f"{len(garbled.rows)} of 150 texts," in page(found, "these", "those")


def test_few_texts_in_memory_are_looked_at_in_full(monkeypatch):
    monkeypatch.setattr(many_texts, "MOST_HELD", len(TEXTS))
    assert facts_of(TEXTS, Side(REFERENCE), pieces, PARAMS).note == ""
    assert facts_of([*TEXTS, "one more"], Side(REFERENCE), pieces, PARAMS).note != ""
