import re
from html.parser import HTMLParser

import pytest

from palimpsest.decay.summary import summarise
from palimpsest.decay.trajectory import Trajectory
from palimpsest.report.page import Picture, Sample, render
from tests.decay.chains import published, rich

PICTURES = (Picture("Integrity", "as a < b", b"\x89PNG"), Picture("Small", "", b"x", wide=False))
SAMPLES = (Sample(0, ("human <script>alert(1)</script> text",)), Sample(2, ("", "later & last")))
VOID = {"meta", "img", "br"}


class Balance(HTMLParser):
    """Checks that every tag is closed in order."""

    def __init__(self):
        super().__init__()
        self.stack, self.seen = [], []

    def handle_starttag(self, tag, attrs):
        self.seen.append((tag, dict(attrs)))
        if tag not in VOID:
            self.stack.append(tag)

    def handle_endtag(self, tag):
        assert self.stack.pop() == tag


def page(cards, pictures=PICTURES, samples=SAMPLES, provenance=None):
    summary = summarise(Trajectory.from_cards(cards))
    return render(summary, cards, pictures, samples, provenance or {"seed": 0, "lm": {"k": None}})


def parsed(html):
    balance = Balance()
    balance.feed(html)
    assert not balance.stack
    return balance.seen


@pytest.mark.parametrize("length", [21, 2, 1])
def test_well_formed_at_any_length(length):
    assert parsed(page(rich(length)))


def test_well_formed_when_dead_or_bare():
    assert "span no volume at all" in page(rich(6, 2))
    assert "no witness prompts" in page(published())
    parsed(page(rich(6, 2)))
    parsed(page(published(), pictures=(), samples=()))


def test_the_story_says_what_human_text_reads_and_how_many_warn():
    cards = rich()
    html = page(cards)
    band = cards[0]["null"]["integrity"]
    low, high = (f"{100 * band[end]:.0f}" for end in ("low", "high"))
    assert f"(fresh human text has {low} to {high}\u00a0%)" in html
    assert "outside their null band for two generations: " in html
    assert "fresh human text has" not in page(published())


def test_nothing_comes_from_outside():
    html = page(rich())
    assert not re.search(r"https?:|//cdn|@import|url\(", html)
    for tag, attrs in parsed(html):
        assert tag not in {"script", "link", "iframe"}
        assert attrs.get("src", "data:").startswith("data:image/png;base64,") or tag != "img"
        assert attrs.get("href", "#").startswith("#")


def test_texts_are_escaped():
    html = page(rich())
    assert "<script>" not in html
    assert "human &lt;script&gt;alert(1)&lt;/script&gt; text" in html
    assert "The tower of &lt;Velden&gt;" in html
    assert "stands &amp; falls 7" in html
    assert "as a &lt; b" in html


def test_same_input_same_bytes_in_any_order():
    assert page(rich()) == page(rich()[::-1])


def test_headline_table_and_verdicts():
    html = page(rich())
    assert "integrity at g20" in html
    assert "0.0908" in html
    assert "null: 0.920 to 1.05" in html
    assert '<td class="left"' in html
    for verdict in ("PASS", "WARN", "FAIL", "CRITICAL", "DEAD"):
        assert f'<span class="badge {verdict}">{verdict}</span>' in html
    assert "repeats 31 % of its 4-grams" in html
    assert "<i>(empty)</i>" in html


def test_provenance_is_flattened():
    assert "<dt>lm.k</dt><dd>–</dd>" in page(rich(2))


def test_an_unknown_verdict_cannot_break_out():
    cards = rich(2)
    cards[0]["witness"][0]["verdict"] = '"><b>'
    assert '"><b>' not in page(cards)


def test_what_is_measured_inside_the_models_has_a_table_of_its_own():
    assert "Inside the models" not in page(rich(3))
    cards = rich(3)
    for card in cards:
        card["metrics"]["nc4_agreement"] = {"value": 0.25, "low": None, "high": None}
    html = page(cards)
    parsed(html)
    inside = html[html.index('<section id="models">') :].split("</section>")[0]
    assert "NC4: nearest mean decides" in inside
    assert inside.count("<td>0.250</td>") == 3
    assert "null band</th>" not in inside
    chief = html[html.index('<section id="metrics">') :].split("<details>")[0]
    assert "NC4" not in chief


def test_metrics_of_one_s_own_stand_in_the_chief_table():
    cards = rich(3)
    for card in cards:
        card["custom"] = ["mean_words"]
        card["metrics"]["mean_words"] = {"value": 7.5, "low": 7.0, "high": 8.0}
    chief = page(cards)
    chief = chief[chief.index('<section id="metrics">') :].split("<details>")[0]
    assert "<th>mean words<small></small></th>" in chief
