"""The page of an audit, by hand: what comes first, what is folded away, what the words mean."""

import re
from dataclasses import replace
from html import unescape

import numpy as np
import pytest

from palimpsest.auditing.facts import Example, Fact
from palimpsest.auditing.subject import Cloud
from palimpsest.auditing.verdict import AuditVerdict, Finding
from palimpsest.metrics.registry import shown_in
from palimpsest.report.audit_page import BADGES, MEANINGS, MOST_METRICS, deciding, page
from palimpsest.statistics.null_band import Band
from tests.report.test_audit import COPIES, DRIFT, VENDI, audit

TWINS = tuple(range(60))
NAMED = tuple(Example(row, f"I can<not> {row}.", f"{60 - row} times") for row in range(5))
REPEATED = replace(
    COPIES,
    repeated=Fact(TWINS, 250, 0, 900, NAMED),
    duplicates=TWINS[1:],
    largest=TWINS,
)  # fmt: skip
POINTS = np.random.default_rng(0).normal(size=(30, 2))


def order(html, *parts):
    places = [html.index(part) for part in parts]
    assert places == sorted(places)


def test_verdicts_and_texts_come_first_pictures_next_and_the_table_last_and_folded():
    one = audit(AuditVerdict.NARROWER, VENDI, copies=REPEATED)
    html = page(replace(one, cloud=Cloud(POINTS, POINTS)), "a.jsonl", "human.jsonl")
    order(
        html, "<h1>Repeated, Narrower than the reference</h1>", "a.jsonl against human.jsonl",
        '<span class="badge FAIL">Repeated</span>', "60 of 250 texts, 24.0 %",
        "<b>What to do:</b> take out", "I can&lt;not&gt; 0.", "Text 1: 60 times", "2 more",
        "I can&lt;not&gt; 4.", '<span class="badge WARN">Narrower', "Where the texts lie",
        "The metrics that decide", "What the words mean", "<summary>All 3 metrics", "<table>",
    )  # fmt: skip
    assert html.count("<table>") == 1
    assert html.count("<svg") == 2
    assert "<img" not in html
    assert '<tr><th><code>vendi</code></th><td class="left">12</td><td>10 to 14</td>' in html
    assert "<tr><th><code>distinct_2</code></th><td>0.800</td>" in html
    assert "<script" not in html
    assert not re.search(r"https?:|//", html)


def test_a_healthy_text_is_one_green_line():
    html = page(audit(), "a", "b")
    assert "<h1>No sign of collapse</h1>" in html
    assert html.count('class="badge') == 1
    assert '<span class="badge PASS">No sign of collapse</span>' in html
    assert "None of 3 metrics stands out" in html


def test_without_embeddings_or_metrics_there_is_no_empty_picture():
    assert page(audit(), "a", "b").count("<svg") == 1
    bare = page(replace(audit(), findings=()), "a", "b")
    assert "<svg" not in bare
    assert "Pictures" not in bare
    assert "<table>" not in bare


def test_every_verdict_and_every_metric_of_the_picture_is_explained():
    html = page(audit(AuditVerdict.COLLAPSED, VENDI, DRIFT), "a", "b")
    assert BADGES.keys() == MEANINGS.keys() == {*AuditVerdict}
    for meaning in MEANINGS.values():
        assert f"<dd>{meaning}</dd>" in unescape(html)
    for label in ("Vendi score", "drift", "distinct 2-grams"):
        assert f"<dt>{label}</dt><dd>" in html
    assert "how much space the texts take; exp(−Σ λ ln λ)" in html
    assert "falls when text collapses." in html


def finding(name, distance, counts):
    return Finding(name, distance, None, None, Band(-1.0, 1.0, 20, 0.0, 1.0), 0.1, "above", counts)


def test_the_picture_shows_reasons_breadth_and_what_stands_out_most():
    breadth = shown_in("breadth")
    others = ("volume", "drift", "frechet", "mmd2", "energy", "mtld", "zipf", "hapax", "outlier")
    far = {name: at + 10.0 for at, name in enumerate(others)}
    every = [finding(name, far.get(name, 0.0), "different" if name in far else "")
             for name in (*others, *breadth)]  # fmt: skip
    chosen = [one.metric for one in deciding(every, [every[0]])]
    assert len(chosen) == MOST_METRICS
    assert {"volume", *breadth} <= {*chosen}
    room = MOST_METRICS - 1 - len(breadth)
    assert {*chosen} - {"volume", *breadth} == {*others[-room:]}
    assert chosen == [one.metric for one in every if one.metric in chosen]
    assert deciding([], []) == []


@pytest.mark.parametrize("flagged", [(), TWINS])
def test_the_tiles_count_what_is_flagged(flagged):
    copies = REPEATED if flagged else COPIES
    html = page(audit(copies=copies), "a", "b")
    assert f'<span class="name">flagged</span><b>{max(len(flagged) - 1, 0)}</b>' in html


def test_warnings_are_seen_before_anything():
    html = page(replace(audit(), warnings=("odd <letters>",)), "a", "b")
    order(html, "<li>odd &lt;letters&gt;</li>", "What was found")
    assert "Warning" not in page(audit(), "a", "b")
