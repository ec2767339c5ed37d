"""The page: well formed, complete, escaped, without anything from outside."""

import base64
import re
from html.parser import HTMLParser

import pytest

from palimpsest.report.page import Picture, Sample, render
from palimpsest.trajectory.curves import Trajectory
from palimpsest.trajectory.summary import summarise
from tests.trajectory.chains import published, rich

PICTURES = (Picture("Integrity", "as a < b", b"\x89PNG"), Picture("Small", "", b"x", wide=False))
SAMPLES = (Sample(0, ("human <script>alert(1)</script> text",)), Sample(2, ("", "later & last")))
VOID = {"meta", "img", "br"}


class Balance(HTMLParser):
    """Checks that every tag is closed in order; keeps tags and words."""

    def __init__(self):
        super().__init__()
        self.stack, self.seen, self.words = [], [], []

    def handle_starttag(self, tag, attrs):
        self.seen.append((tag, dict(attrs)))
        if tag not in VOID:
            self.stack.append(tag)

    def handle_endtag(self, tag):
        assert self.stack.pop() == tag

    def handle_data(self, data):
        self.words.append(data)


def page(scorecards, pictures=PICTURES, samples=SAMPLES, provenance=None):
    summary = summarise(Trajectory.from_scorecards(scorecards))
    return render(
        summary, scorecards, pictures, samples, provenance or {"seed": 0, "lm": {"k": None}}
    )


def parsed(html):
    balance = Balance()
    balance.feed(html)
    assert not balance.stack
    return balance.seen


def section(html, name):
    """The part of a page under an id."""
    return html[html.index(f'<section id="{name}">') :].split("</section>")[0]


@pytest.mark.parametrize("length", [21, 2, 1])
def test_well_formed_at_any_length(length):
    assert parsed(page(rich(length)))


def test_well_formed_when_dead_or_bare():
    assert "span no volume at all" in page(rich(6, 2))
    assert "no witness prompts" in page(published())
    parsed(page(rich(6, 2)))
    parsed(page(published(), pictures=(), samples=()))


def test_the_story_says_what_human_text_reads_and_how_many_warn():
    scorecards = rich()
    html = page(scorecards)
    band = scorecards[0]["null"]["integrity"]
    low, high = (f"{100 * band[end]:.0f}" for end in ("low", "high"))
    assert f"(human samples have {low} to {high}\u00a0%)" in html
    assert "outside their null band for two generations: " in html
    assert "human samples have" not in page(published())


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
    scorecards = rich(2)
    scorecards[0]["witness"][0]["verdict"] = '"><b>'
    assert '"><b>' not in page(scorecards)


def test_what_is_measured_inside_the_models_has_a_table_of_its_own():
    assert "Inside the models" not in page(rich(3))
    scorecards = rich(3)
    for scorecard in scorecards:
        scorecard["metrics"]["nc4_agreement"] = {"value": 0.25, "low": None, "high": None}
    html = page(scorecards)
    parsed(html)
    inside = html[html.index('<section id="models">') :].split("</section>")[0]
    assert "NC4: nearest mean decides" in inside
    assert inside.count("<td>0.250</td>") == 3
    assert "null band</th>" not in inside
    chief = html[html.index('<section id="metrics">') :].split("<details>")[0]
    assert "NC4" not in chief


def test_metrics_of_one_s_own_stand_in_the_chief_table():
    scorecards = rich(3)
    for scorecard in scorecards:
        scorecard["custom"] = ["mean_words"]
        scorecard["metrics"]["mean_words"] = {"value": 7.5, "low": 7.0, "high": 8.0}
    chief = page(scorecards)
    chief = chief[chief.index('<section id="metrics">') :].split("<details>")[0]
    assert "<th>mean words</th>" in chief
    assert chief.count(">7.50</td>") == 3
    assert chief.count('title="95 %: 7 to 8"') == 3


def test_every_picture_is_in_it_with_its_words():
    html = page(rich(3))
    for picture in PICTURES:
        source = f"data:image/png;base64,{base64.b64encode(picture.png).decode()}"
        assert f'<img alt="{picture.title}" src="{source}">' in html
        assert f"<b>{picture.title}.</b>" in html
    assert html.count('<figure class="wide">') == 1
    assert "<figure" not in page(rich(3), pictures=())


def test_links_lead_to_the_sections_that_are_there():
    for html in (
        page(rich()),
        page(published(), pictures=(), samples=()),
        render(summary_with_control(), rich(4), (), (), {}),
    ):
        tags = parsed(html)
        targets = {attrs["href"][1:] for tag, attrs in tags if tag == "a"}
        sections = {attrs["id"] for tag, attrs in tags if tag == "section"}
        assert targets == sections - {"chain"}
    assert "control" in targets


def summary_with_control():
    return summarise(Trajectory.from_scorecards(rich(4), rich(4)))


def test_a_control_chain_has_a_table():
    html = render(summary_with_control(), rich(4), PICTURES, SAMPLES, {})
    parsed(html)
    table = section(html, "control")
    assert "<th>control chain</th><th>difference</th><th>95 % interval</th>" in table
    assert "<th>hull volume</th><td>0.0910</td><td>0.0910</td><td>0</td>" in table
    assert "Against the control chain" not in page(rich(4))


def test_every_prompt_and_every_generation_of_the_witness_is_there():
    scorecards = rich(6)
    scorecards[2]["witness"] = []
    scorecards[3]["witness"][0]["continuation"] = " \n"
    witness = section(page(scorecards), "witness")
    assert witness.count("<tr><th") == 1 + 6
    assert witness.count("stands &amp; falls") == 4
    assert "<i>(nothing)</i>" in witness
    assert witness.count(">–</td>") == 1
    strip = re.findall(r'<i class="(\w+)" title="(g\d\d) \w+">', witness)
    assert strip == [("PASS", "g00"), ("PASS", "g01"), ("PASS", "g03"), ("WARN", "g04"),
                     ("WARN", "g05")]  # fmt: skip


def test_the_metrics_of_every_generation_are_in_both_tables():
    scorecards = rich(4)
    both = section(page(scorecards), "metrics")
    chief, every = both.split("<details>")
    for scorecard in scorecards:
        assert chief.count(f"<tr><th>g{scorecard['generation']:02d}</th>") == 1
    names = scorecards[0]["metrics"].keys()
    assert re.findall(r"<th><code>(\w+)</code></th>", every) == sorted(names)
    assert f"All {len(names)} metrics" in every
    assert chief.count('<td class="left"') == every.count('<td class="left"') > 0


def test_warnings_stand_in_a_box_before_any_number_and_none_leave_no_byte():
    summary = summarise(Trajectory.from_scorecards(published()))
    facts = {"seed": 0, "made_with": {"texts": {"seed": 0}}}
    plain = render(summary, published(), PICTURES, SAMPLES, {"seed": 0})
    assert render(summary, published(), PICTURES, SAMPLES, facts, warnings=()) == plain
    html = render(summary, published(), PICTURES, SAMPLES, facts, warnings=("g01: a <b>", "g02: c"))
    begin, end = html.index('<section id="warnings"'), html.index('<section id="chain"')
    assert html.replace(html[begin:end].removesuffix("\n"), "") == plain
    assert "Warnings</b>" in html[begin:end]
    assert "<li>g01: a &lt;b&gt;</li><li>g02: c</li>" in html[begin:end]
    Balance().feed(html)
