"""The page: well formed, complete, escaped, without anything from outside."""

import json
import re
from html.parser import HTMLParser

import pytest

from palimpsest.report.page import render
from palimpsest.report.reproduction import Changed, Origin
from palimpsest.trajectory.curves import Trajectory
from palimpsest.trajectory.summary import summarise
from tests.trajectory.chains import published, rich

ORIGIN = Origin({"seed": 0, "lm": {"k": None}})
VOID = {"meta", "img", "br", "input"}


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


def page(scorecards, **more):
    summary = summarise(Trajectory.from_scorecards(scorecards))
    return render(summary, scorecards, more.pop("origin", ORIGIN), **more)


def shown(html):
    """The page without what its scripts are and read."""
    return html[: html.index('<script type="application/json"')]


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
    parsed(page(published(), origin=Origin()))


def with_texts(length=4):
    scorecards = rich(length)
    for scorecard in scorecards:
        scorecard["samples"] = ["human <script>alert(1)</script> text", "", "later & last"]
    return scorecards


def test_the_first_screen_is_two_sentences_one_chart_and_six_tiles():
    scorecards = rich()
    html = page(scorecards)
    band = scorecards[0]["null"]["integrity"]
    low, high = (f"{100 * band[end]:.0f}" for end in ("low", "high"))
    first = section(html, "first")
    assert f"(fresh human texts read {low} to {high}\u00a0%)" in first
    assert first.count('<figure class="curve"') == 2
    assert 'data-metric="integrity"' in first
    assert "The first to warn: " in first
    assert first.count('class="tile"') == 6
    assert "fresh human texts read" not in page(published())


def test_without_an_alarm_perplexity_stands_beside_integrity():
    scorecards = rich(1)
    assert 'data-metric="perplexity_heldout" data-tall' in section(page(scorecards), "first")
    assert "The first to warn" not in page(scorecards)


def test_nothing_comes_from_outside():
    html = page(rich())
    assert not re.search(r"https?:|//cdn|@import|url\(", shown(html))
    for tag, attrs in parsed(shown(html) + "</body></html>"):
        assert tag not in {"script", "link", "iframe", "img"}
        assert "src" not in attrs
        assert attrs.get("href", "#").startswith("#")


def test_the_scripts_stand_in_it_once_each_and_are_the_allowed_ones():
    html = page(rich(3))
    tags = [attrs for tag, attrs in parsed(html) if tag == "script"]
    blocks = [attrs["id"] for attrs in tags if attrs.get("type") == "application/json"]
    run = [attrs for attrs in tags if attrs == {}]
    assert len(blocks) + len(run) == len(tags)
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', html)
    assert policy is not None
    assert policy[1].count("sha256-") == len(run)
    assert "unsafe-eval" not in policy[1]
    assert html.count("plotly.js v") == 1


def test_the_blocks_hold_every_metric_and_training_curve():
    curve = {"step": [1.0, 2.0], "loss_nats": [2.0, 1.0]}
    training = {"name": "g00", "unigram_perplexity": 9.0, "curve": curve}
    html = page(rich(3), trainings=[training])
    blocks = dict(re.findall(r'<script type="application/json" id="([\w-]+)">(.*?)</script>', html))
    metrics = json.loads(blocks["curve-data"])["metrics"]
    assert {one["name"] for one in metrics} == rich(3)[0]["metrics"].keys()
    assert json.loads(blocks["training-data"]) == [
        {"name": "g00", "step": [1.0, 2.0], "loss": [2.0, 1.0]}
    ]
    assert '<div id="training"' in html
    assert '<div id="training"' not in page(rich(3))


def test_texts_are_escaped():
    html = shown(page(with_texts(21)))
    assert "<script>" not in html
    assert "human &lt;script&gt;alert(1)&lt;/script&gt; text" in html
    assert "The tower of &lt;Velden&gt;" in html
    assert "stands &amp; falls 7" in html


def test_same_input_same_bytes_in_any_order():
    assert page(rich()) == page(rich()[::-1])


def test_headline_table_and_verdicts():
    html = page(with_texts(21))
    assert "at g20" in html
    assert "0.0908" in html
    assert "human samples: 0.920 to 1.05" in html
    assert '<td class="left"' in html
    for verdict in ("PASS", "WARN", "FAIL", "CRITICAL", "DEAD"):
        assert f'<span class="badge {verdict}">{verdict}</span>' in html
    assert "repeats 31 % of its 4-grams" in html
    assert "<i>(empty)</i>" in html


def test_provenance_is_flattened():
    assert "<dt>lm.k</dt><dd>–</dd>" in page(rich(2))


def test_an_unknown_verdict_cannot_break_out():
    scorecards = rich(2)
    scorecards[0]["witness"][0]["verdict"] = '"><u>'
    assert '"><u>' not in shown(page(scorecards))


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
    chief = section(html, "metrics").split("</details>")[0]
    assert "NC4" not in chief
    assert 'data-metric="nc4_agreement"' in inside


def test_metrics_of_one_s_own_stand_in_the_chief_table():
    scorecards = rich(3)
    for scorecard in scorecards:
        scorecard["custom"] = ["mean_words"]
        scorecard["metrics"]["mean_words"] = {"value": 7.5, "low": 7.0, "high": 8.0}
    chief = page(scorecards)
    chief = section(chief, "metrics").split("</details>")[0]
    assert "<th>mean words</th>" in chief
    assert chief.count(">7.50</td>") == 3
    assert chief.count('title="95 %: 7 to 8"') == 3


def test_links_lead_to_the_sections_that_are_there():
    for html in (
        page(rich()),
        page(published()),
        page(with_texts()),
        render(summary_with_control(), rich(4), Origin()),
    ):
        tags = parsed(html)
        targets = {attrs["href"][1:] for tag, attrs in tags if tag == "a"}
        sections = {attrs["id"] for tag, attrs in tags if tag == "section"}
        assert targets == sections - {"first"}
    assert "control" in targets


def summary_with_control():
    return summarise(Trajectory.from_scorecards(rich(4), rich(4)))


def test_a_control_chain_has_a_table():
    html = render(summary_with_control(), rich(4), Origin())
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
    chief, every = both.split("</details>")[:2]
    for scorecard in scorecards:
        assert chief.count(f"<tr><th>g{scorecard['generation']:02d}</th>") == 1
    names = scorecards[0]["metrics"].keys()
    assert re.findall(r"<th><code>(\w+)</code></th>", every) == sorted(names)
    assert f"All {len(names)} metrics" in every
    assert chief.count('<td class="left"') == every.count('<td class="left"') > 0


def test_warnings_stand_in_a_box_before_any_number_and_none_leave_no_byte():
    facts = Origin({"seed": 0, "lm": {"k": None}, "made_with": {"texts": {"seed": 0}}})
    plain = page(published())
    assert page(published(), origin=facts, warnings=()) == plain
    html = page(published(), origin=facts, warnings=("g01: a <b>", "g02: c"))
    begin, end = html.index('<section id="warnings"'), html.index('<section id="first"')
    assert html.replace(html[begin:end].removesuffix("\n"), "") == plain
    assert "Warnings</b>" in html[begin:end]
    assert "<li>g01: a &lt;b&gt;</li><li>g02: c</li>" in html[begin:end]
    parsed(html)


def test_the_profile_answers_every_definition():
    profile = section(page(rich()), "profile")
    assert profile.count('class="answer ') == 8
    assert '<span class="answer not">not measured</span>' in profile
    assert '<span class="answer yes">yes</span>' in profile


def test_the_leads_are_short_at_first_and_whole_on_demand():
    scorecards = rich()
    band = scorecards[0]["null"]["volume"]
    for number in range(9):
        scorecards[0]["null"][f"m{number}"] = band
        for scorecard in scorecards:
            scorecard["metrics"][f"m{number}"] = {"value": number + 1.0, "low": None, "high": None}
    short, whole = section(page(scorecards), "alarms").split("<details>")
    assert short.count("<tr>") == 1 + 8
    assert whole.count("<tr>") == 1 + 12
    assert "All 12 metrics with a null band" in whole
    assert "<details>" not in section(page(rich()), "alarms")


def test_it_says_how_to_make_it_again():
    changed = (Changed("generate.temperature", "0.7", "0.95"),)
    origin = Origin({"seed": 0}, changed, {"the headline": "../metrics/integrity.json"})
    text = section(page(rich(2), origin=origin), "reproduce")
    row = '<tr><th scope="row"><code>generate.temperature</code></th><td>0.7</td><td>0.95</td></tr>'
    assert row in text
    assert '<a href="../metrics/integrity.json">' in text
    assert "dvc repro" in text
    assert "this is the default chain" in section(page(rich(2)), "reproduce")
