"""The cloud and the lists of texts in a browser: they move, show texts, and run none of them."""

import json

import pytest

from palimpsest.report.page import render
from palimpsest.report.reproduction import Origin
from palimpsest.trajectory.curves import Trajectory
from palimpsest.trajectory.summary import summarise
from tests.report.documents import chain, flat, row, written
from tests.trajectory.chains import rich

HOSTILE = (
    "<script>document.title='ran'</script>",
    "<img src=x onerror=\"document.title='ran'\">",
    "\"><svg onload=document.title='ran'>",
    "--><script>document.title='ran'</script><!--",
    "<iframe srcdoc=\"<script>parent.document.title='ran'</script>\">",
    "<a href=\"javascript:document.title='ran'\">x</a>",
    "{{ 7 * 7 }}{% raw %}",
    "</script><img src=x onerror=document.title='ran'>",
    "<!--<script>",
    "a\u2028b\u2029c\u0000d",
    "\u202eevil\u2066 \u200fmarks",
    "",
    " \n\t",
    "long " * 20_000,
    "%{x} <b>bold</b> &lt;i&gt; $\\frac{1}{2}$",
)
STATE = "palimpsest.cloud.state()"


def page_of(tmp_path, made, length=None):
    scorecards = rich(length or sum(not one.control for one in made))
    for card in scorecards:
        card.setdefault("untrue", [])
    trajectory = Trajectory.from_scorecards(scorecards)
    html = render(summarise(trajectory), scorecards, Origin(), written=made)
    path = tmp_path / "report.html"
    path.write_text(html, encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def made():
    return chain(4, control=2, count=30)


@pytest.fixture(scope="module")
def page(tmp_path_factory, made):
    return page_of(tmp_path_factory.mktemp("page"), made)


def started(browser, page, **features):
    """The page with its cloud drawn."""
    browser.open(page, **features)
    browser.js("palimpsest.cloud.begin()")
    browser.until("document.querySelector('#cloud-scene canvas') !== null")
    return browser


def drawn(browser, name):
    """The coordinates of a trace of the scene, or None."""
    found = f"document.querySelector('#cloud-scene').data.find((one) => one.meta === '{name}')"
    return browser.js(
        f"(() => {{const t = {found}; return t ? [t.x[0], t.y[0], t.z[0]] : null}})()"
    )


def text_of(browser, selector):
    return browser.js(f"document.querySelector({json.dumps(selector)}).textContent")


def press(browser, selector):
    browser.js(f"document.querySelector({json.dumps(selector)}).click()")


def test_the_slider_moves_the_scene_by_keys(browser, page, made):
    started(browser, page)
    assert drawn(browser, "chain") == pytest.approx(made[3].points[0], abs=1e-4)
    browser.js("document.querySelector('#cloud-slider').focus()")
    browser.key("ArrowLeft", 37)
    browser.until(f"{STATE}.name === 'g02'")
    assert drawn(browser, "chain") == pytest.approx(made[2].points[0], abs=1e-4)
    assert drawn(browser, "human") == pytest.approx(made[0].points[0], abs=1e-4)
    assert text_of(browser, "#cloud-generation") == "g02"
    assert "g02: 500 texts" in text_of(browser, "#cloud-say")
    browser.key("Home", 36)
    browser.until(f"{STATE}.name === 'g00'")
    assert drawn(browser, "human") is None
    assert not browser.messages
    assert not browser.requests


def test_a_point_shows_its_text_and_keeps_it(browser, page, made):
    started(browser, page)
    browser.js("palimpsest.cloud.hover(5)")
    assert browser.js("document.querySelector('#cloud-hover').hidden") is False
    assert text_of(browser, "#cloud-hover") == made[3].texts[5]
    browser.js("palimpsest.cloud.pin(5)")
    assert made[3].texts[5] in text_of(browser, "#cloud-card")
    assert "nearest human text" in text_of(browser, "#cloud-card").lower()


def test_the_pointer_finds_a_point_and_a_click_keeps_it(browser, page, made):
    started(browser, page)
    x, y = browser.centre("#cloud-scene")
    places = [(x + 16 * right, y + 16 * down) for down in range(-8, 9) for right in range(-8, 9)]
    for at in places:
        browser.point(*at)
        browser.js(
            "new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))"
        )
        if not browser.js("document.querySelector('#cloud-hover').hidden"):
            break
    shown = text_of(browser, "#cloud-hover")
    assert shown in made[3].texts + made[0].texts
    browser.click(*at)
    browser.until(f"{STATE}.pinned !== null")
    assert shown in text_of(browser, "#cloud-card")


def test_texts_are_reached_by_buttons_and_let_go(browser, page, made):
    started(browser, page)
    press(browser, "#cloud-next")
    assert made[3].texts[0] in text_of(browser, "#cloud-card")
    press(browser, "#cloud-previous")
    assert made[3].texts[29] in text_of(browser, "#cloud-card")
    press(browser, "#cloud-unpin")
    assert "No text is chosen" in text_of(browser, "#cloud-card")
    assert browser.js(f"{STATE}.pinned") is None


def test_the_control_chain_is_a_switch(browser, page, made):
    started(browser, page)
    browser.js("palimpsest.cloud.show(2)")
    assert drawn(browser, "control") is None
    press(browser, "#cloud-control")
    assert drawn(browser, "control") == pytest.approx(made[5].points[0], abs=1e-4)
    assert "control chain (n02)" in text_of(browser, "#cloud-legend")
    browser.js("palimpsest.cloud.show(3)")
    assert drawn(browser, "control") is None  # it has two generations
    press(browser, "#cloud-control")


@pytest.mark.parametrize("colour", ["truth", "topic"])
def test_colours_have_a_legend_with_counts(browser, page, colour):
    started(browser, page)
    browser.js(
        f"(() => {{const s = document.querySelector('#cloud-colour'); s.value = '{colour}';"
        "s.dispatchEvent(new Event('change'));})()"
    )
    assert browser.js(f"{STATE}.colour") == colour
    legend = text_of(browser, "#cloud-legend")
    expected = {"truth": ("all true: 30",), "topic": ("city: 10", "river: 10", "not known: 10")}
    assert all(words in legend for words in expected[colour])


def test_what_nobody_measured_is_no_colour_and_no_switch(browser, tmp_path):
    made = chain(2, ledger=False)
    for one in made:
        for entry in one.rows:
            entry["topic"] = None
    started(browser, page_of(tmp_path, made))
    options = "[...document.querySelector('#cloud-colour').options].map((one) => one.value)"
    assert browser.js(options) == ["nats"]
    assert browser.js("document.querySelector('#cloud-control-row').offsetParent") is None


def test_nothing_moves_by_itself_for_those_who_asked_for_less_motion(browser, page):
    started(browser, page, prefers_reduced_motion="reduce")
    assert text_of(browser, "#cloud-play") == "Next generation"
    press(browser, "#cloud-play")
    assert browser.js(f"{STATE}.name") == "g00"
    assert browser.js(f"{STATE}.playing") is None
    started(browser, page, prefers_reduced_motion="no-preference")
    assert browser.js(f"{STATE}.playing") is None
    press(browser, "#cloud-play")
    browser.until(f"{STATE}.name === 'g02'")
    press(browser, "#cloud-play")
    assert browser.js(f"{STATE}.playing") is None


def test_a_flat_cloud_has_points_and_no_hull(browser, tmp_path):
    started(browser, page_of(tmp_path, [flat(one) for one in chain(2)]))
    kinds = "document.querySelector('#cloud-scene').data.map((one) => one.type)"
    assert "mesh3d" not in browser.js(kinds)
    assert drawn(browser, "chain") is not None
    assert not browser.messages


def test_the_lists_follow_their_slider(browser, page, made):
    browser.open(page)
    assert text_of(browser, "#texts-generation") == "g03"
    nearest = made[3].texts[0]
    assert nearest in text_of(browser, "#texts-lists details")
    press(browser, "#texts-previous")
    assert text_of(browser, "#texts-generation") == "g02"
    titles = "[...document.querySelectorAll('#texts-lists h3')].map((one) => one.textContent)"
    assert browser.js(titles) == [
        "Nearest to human text", "Farthest from human text", "Copies of human text",
        "Copies of each other", "New since the generation before", "At random",
    ]  # fmt: skip
    assert "in 30 texts" in text_of(browser, "#texts-lists")
    before = text_of(browser, "#texts-lists .random")
    press(browser, "#texts-lists .random button")
    assert text_of(browser, "#texts-lists .random") != before
    for _ in range(4):
        press(browser, "#texts-previous")
    assert text_of(browser, "#texts-generation") == "g00"
    assert "New since" not in text_of(browser, "#texts-lists")


def test_hostile_texts_are_shown_and_run_nothing(browser, tmp_path):
    rows = [
        row(text, nearest=0.5, nearest_text=text, copied=1.0, copied_text=text, topic=text[:40],
            sentences=[1, 1, 0, 0], untrue=[["false", text[:60], text[:60], text[:60], text[:60]]])
        for text in HOSTILE
    ]  # fmt: skip
    one = written("g00", count=len(rows))
    page = page_of(tmp_path, [type(one)("g00", rows, one.points)])
    started(browser, page)
    tags = "document.querySelectorAll('main img, main script, iframe, svg[onload], form').length"
    before = browser.js(tags)
    for at, text in enumerate(HOSTILE):
        browser.js(f"palimpsest.cloud.hover({at})")
        browser.js(f"palimpsest.cloud.pin({at})")
        shown = text_of(browser, "#cloud-card blockquote")
        whole = text[:20_000]
        assert shown == (whole if whole.strip() else {"": "(empty)"}.get(whole, "(blank)"))
    for colour in ("topic", "truth"):
        browser.js(
            f"(() => {{const s = document.querySelector('#cloud-colour'); s.value = '{colour}';"
            "s.dispatchEvent(new Event('change'));})()"
        )
    assert browser.js(tags) == before
    assert browser.js("document.title") != "ran"
    assert "Cut at" in browser.js(
        f"(palimpsest.cloud.pin({HOSTILE.index('long ' * 20_000)}),"
        "document.querySelector('#cloud-card').textContent)"
    )
    assert not browser.messages
    assert not browser.requests


def test_a_mark_of_direction_turns_nothing_beside_its_text(browser, tmp_path):
    one = written("g00", count=2)
    rows = [row("\u202eturned"), row("plain")]
    browser.open(page_of(tmp_path, [type(one)("g00", rows, one.points)]))
    isolated = (
        "[...document.querySelectorAll('.card blockquote')].every((one) =>"
        "['isolate', 'isolate-override', 'plaintext'].includes(getComputedStyle(one).unicodeBidi))"
    )
    assert browser.js(isolated) is True


@pytest.mark.parametrize("width", [390, 1400])
def test_nothing_is_wider_than_the_window(browser, page, width):
    browser.open(page, width)
    browser.js(
        "document.querySelectorAll('#cloud details, #texts details').forEach((d) => d.open = true)"
    )
    for section in ("cloud", "texts", "untrue"):
        room = f"scrollWidth - document.querySelector('#{section}').clientWidth"
        assert browser.js(f"document.querySelector('#{section}').{room}") <= 0
    assert browser.js("document.documentElement.scrollWidth") <= width


def test_without_documents_there_is_no_cloud(browser, tmp_path):
    browser.open(page_of(tmp_path, [], length=2))
    assert browser.js("document.querySelector('#cloud')") is None
    assert browser.js("palimpsest.cloud") is None
    assert not browser.messages


def test_same_documents_same_bytes(tmp_path, made, page):
    again = page_of(tmp_path, made)
    assert again.read_bytes() == page.read_bytes()
    assert page.stat().st_size < 15_000_000
