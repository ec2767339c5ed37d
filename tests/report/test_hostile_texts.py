"""Texts, prompts and names that would run in a browser: every page shows them and runs none."""

from dataclasses import replace
from html.parser import HTMLParser

import pytest

from palimpsest.auditing.facts import Example, Fact
from palimpsest.auditing.verdict import AuditVerdict
from palimpsest.report.audit_page import page as audit_page
from palimpsest.report.page import render
from palimpsest.report.reproduction import Changed, Origin
from palimpsest.trajectory.curves import Trajectory
from palimpsest.trajectory.summary import summarise
from tests.report.test_audit import COPIES, VENDI, audit
from tests.trajectory.chains import rich

PAYLOADS = (
    "<script>document.title='ran'</script>",
    "<img src=x onerror=\"document.title='ran'\">",
    "<svg onload=document.title='ran'>",
    "\"><script>document.title='ran'</script>",
    "' onmouseover='document.title=`ran`' x='",
    '" style="position:fixed" autofocus onfocus="document.title=1',
    "</style><script>document.title='ran'</script><style>",
    "</title><script>document.title='ran'</script>",
    "--><script>document.title='ran'</script><!--",
    "]]><script>document.title='ran'</script>",
    "<iframe srcdoc=\"<script>parent.document.title='ran'</script>\">",
    "<a href=\"javascript:document.title='ran'\">x</a>",
    '<meta http-equiv="refresh" content="0;url=data:text/html,ran">',
    "<base href='//evil.example/'><link rel=stylesheet href=x>",
    "<form action=//evil.example><button autofocus formaction=javascript:alert(1)>",
    "<math><mtext><table><mglyph><style><img src=x onerror=document.title='ran'>",
    "{{ 7 * 7 }}{% raw %}<script>document.title='ran'</script>",
    "&lt;script&gt;document.title='ran'&lt;/script&gt;",
    "<scr\x00ipt>document.title='ran'</scr\x00ipt>",
    "\u202e<script>\x1b[2Jdocument.title='ran'</script>",
)


class Page(HTMLParser):
    """The tags of a page with the names of their attributes, and every text and value.

    What a script says is no text: whether it may run is the policy's to say.
    """

    def __init__(self, html):
        super().__init__()
        self.tags, self.texts, self.runs = [], [], False
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, *sorted(name for name, _ in attrs)))
        self.runs = self.tags[-1] == ("script",)
        self.texts += [value for _, value in attrs if value]

    def handle_data(self, data):
        if not self.runs:
            self.texts.append(data)


def chain_page(text):
    """A report in which everything that comes from outside is this text."""
    scorecards = rich(4)
    for card in scorecards:
        card["samples"] = [text, text]
        for entry in card["witness"]:
            entry.update(prompt=text, continuation=text, reasons=[text])
    summary = summarise(Trajectory.from_scorecards(scorecards))
    provenance = {text: text, "versions": {text: text}, "inputs": {"model": text}}
    origin = Origin(provenance, (Changed(text, text, text),), {text: text})
    return render(summary, scorecards, origin, title=text, warnings=(text,))


def page_of_audit(text):
    named = Fact(tuple(range(20)), 250, 0, 900, (Example(3, text, text),) * 5)
    copies = replace(COPIES, copied=named, exact=named.rows)
    one = replace(audit(AuditVerdict.COLLAPSED, VENDI, copies=copies), warnings=(text,))
    return audit_page(one, text, text)


@pytest.mark.parametrize("page", [chain_page, page_of_audit])
@pytest.mark.parametrize("payload", PAYLOADS)
def test_a_payload_is_shown_and_adds_nothing(page, payload):
    found, plain = Page(page(payload)), Page(page("ordinary"))
    assert found.tags == plain.tags
    shown = "".join(found.texts).count(payload.strip())
    assert shown >= "".join(plain.texts).count("ordinary") > 1


@pytest.mark.parametrize("page", [chain_page, page_of_audit])
def test_the_policy_comes_before_anything_that_it_rules(page):
    html = page("ordinary")
    begin = html.index('<meta http-equiv="Content-Security-Policy"')
    assert begin < html.index("<title>") < html.index("<style>")
    policy = Page(html[begin : html.index(">", begin) + 1]).texts[1]
    rules = dict(rule.split(" ", 1) for rule in policy.split("; "))
    assert rules["default-src"] == "'none'"
    assert not {"script-src-elem", "connect-src"} & rules.keys()
    run = [tag for tag in Page(html).tags if tag == ("script",)]
    assert len(run) == rules.get("script-src", "").count("sha256-")


def test_the_page_of_an_audit_runs_no_script():
    assert not any(tag[0] == "script" for tag in Page(page_of_audit("ordinary")).tags)
