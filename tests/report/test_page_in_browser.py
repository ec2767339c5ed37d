"""The page in a headless Chromium: charts, search, axes, keys, terms, colours, paper."""

import json
import re

import pytest

from palimpsest.report.page import render
from palimpsest.report.reproduction import Origin
from palimpsest.trajectory.curves import Trajectory
from palimpsest.trajectory.summary import summarise
from tests.trajectory.chains import rich

DRAWN = "document.querySelectorAll('#first .curve[data-drawn]').length === 2"
FIRST = "#first .curve[data-metric=integrity] .chart"
HOVERED = "[...document.querySelectorAll('.hovertext')].map((one) => one.textContent).join(' ')"


def training(number):
    curve = {"step": [1.0, 2.0, 3.0], "loss_nats": [2.0, 1.5, 1.0 + number]}
    return {"name": f"g{number:02d}", "unigram_perplexity": 90.0, "curve": curve}


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    scorecards, control = rich(), rich()
    for card in control:
        card["metrics"]["volume"] = {"value": 0.3, "low": 0.29, "high": 0.31}
    for card in scorecards:
        card["metrics"]["nc4_agreement"] = {"value": 0.5, "low": None, "high": None}
        card["samples"] = ["<img src=x onerror=alert(1)>"]
        card["metrics"]["axioms"]["value"] = float(card["generation"] > 5)
    trajectory = Trajectory.from_scorecards(scorecards, control)
    html = render(
        summarise(trajectory), scorecards, Origin({"seed": 0}),
        trainings=[training(number) for number in range(3)],
    )  # fmt: skip
    path = tmp_path_factory.mktemp("page") / "report.html"
    path.write_text(html)
    return path


@pytest.fixture
def opened(browser, page):
    browser.open(page)
    browser.until(DRAWN)
    yield browser
    assert browser.messages == []
    assert browser.requests == []


def counted(browser):
    return browser.js("document.getElementById('curve-count').textContent")


def searched(browser, text):
    browser.js(
        "(() => {const box = document.getElementById('curve-search');"
        f"box.value = {json.dumps(text)}; box.dispatchEvent(new Event('input'));}})()"
    )
    return browser.js(
        "[...document.querySelectorAll('#curve-grid > figure')]"
        ".filter((one) => !one.hidden).map((one) => one.dataset.metric)"
    )


def pressed(browser, selector):
    browser.js(f"document.querySelector({json.dumps(selector)}).click()")


def test_hovering_says_value_interval_band_and_control(opened):
    opened.js(f"document.querySelector('{FIRST}').scrollIntoView({{block: 'center'}})")
    x, y = opened.centre(f"{FIRST} .nsewdrag")
    opened.point(x, y)
    opened.until(f"({HOVERED}).includes('human samples')")
    said = opened.js(HOVERED)
    for words in (r"g\d\d: 0\.\d+", "human samples: 0.920 to 1.05", "control chain: "):
        assert re.search(words, said)


def test_the_arrow_keys_go_from_generation_to_generation(opened):
    opened.js(f"document.querySelector('{FIRST}').focus()")
    opened.key("Home")
    assert "g00: 1" in opened.js(HOVERED)
    opened.key("ArrowRight")
    opened.until(f"({HOVERED}).includes('g01: ')")
    live = opened.js(f"document.querySelector('{FIRST}').parentElement"
                     ".querySelector('[aria-live]').textContent")  # fmt: skip
    assert live.startswith("g01: ")
    before = opened.js(f"document.querySelector('{FIRST}').layout.xaxis.range")
    opened.key("+", text="+")
    opened.until(f"document.querySelector('{FIRST}').layout.xaxis.range[1] < {before[1] - 1}")
    opened.key("0", text="0")
    opened.until(f"document.querySelector('{FIRST}').layout.xaxis.range[1] >= {before[1] - 0.01}")


def test_the_search_looks_through_all_metrics(opened):
    whole = re.fullmatch(r"\d+ of (\d+) metrics", counted(opened))
    assert whole is not None
    assert searched(opened, "perplexity") == ["perplexity_heldout"]
    assert counted(opened) == f"1 of {whole[1]} metrics"
    assert searched(opened, "NEAREST mean") == ["nc4_agreement"]
    assert searched(opened, "no such thing") == []
    assert len(searched(opened, "")) > 1


def test_families_show_and_hide_theirs(opened):
    def shown():
        return searched(opened, "")

    chief = shown()
    assert "nc4_agreement" not in chief
    pressed(opened, "#curve-tools [data-family=model]")
    assert set(shown()) == {*chief, "nc4_agreement"}
    pressed(opened, "#curve-tools [data-family=chief]")
    assert shown() == ["nc4_agreement"]
    pressed(opened, "#curve-tools [data-family=all]")
    assert len(shown()) == int(counted(opened).split()[2])


def test_the_logarithmic_axis_redraws_and_says_what_it_cannot_show(opened):
    searched(opened, "axioms")
    opened.js("document.getElementById('curve-grid').scrollIntoView()")
    opened.until("document.querySelector('#curve-grid [data-metric=axioms]').dataset.drawn")
    pressed(opened, "#curve-tools [data-axis=log]")
    opened.until(
        "document.querySelector('#curve-grid [data-metric=axioms]').dataset.drawn === 'log'"
    )
    beyond = "document.querySelector('{} .beyond').hidden"
    assert opened.js(beyond.format("#curve-grid [data-metric=axioms]")) is False
    assert opened.js(beyond.format("#first [data-metric=integrity]")) is True
    assert opened.js(f"document.querySelector('{FIRST}').layout.yaxis.type") == "log"


def test_what_is_saved_is_the_csv_of_the_curve(opened):
    opened.js(
        "window.kept = []; URL.createObjectURL = (blob) => {window.kept.push(blob); "
        "return 'data:,';}; HTMLAnchorElement.prototype.click = function () {};"
    )
    pressed(opened, "#first [data-metric=integrity] .save button:nth-child(3)")
    lines = opened.js("window.kept[0].text()").splitlines()
    assert lines[0].startswith("generation,value,low,high,null_low,null_high,control")
    assert len(lines) == 1 + 21
    assert lines[1].startswith("0,1,,,0.92,1.05")


@pytest.mark.parametrize("format", ["png", "svg"])
def test_a_chart_becomes_a_picture(opened, format):
    picture = opened.js(
        f"Plotly.toImage(document.querySelector('{FIRST}'), "
        f"{{format: '{format}', width: 400, height: 300}})"
    )
    assert picture.startswith(f"data:image/{format}")


def test_a_term_is_explained_by_keyboard_and_escape_puts_it_away(opened):
    opened.js("document.querySelector('.story .term').focus()")
    tip = "document.getElementById('tip')"
    assert opened.js(f"{tip}.hidden") is False
    assert opened.js(f"{tip}.textContent").startswith("How much room the texts take up")
    assert opened.js("document.activeElement.getAttribute('aria-describedby')") == "tip"
    opened.key("Escape")
    assert opened.js(f"{tip}.hidden") is True


def test_the_switch_repaints_the_charts(opened):
    colour = f"document.querySelector('{FIRST}').layout.paper_bgcolor"
    light = opened.js(colour)
    pressed(opened, "#theme")
    opened.until(f"{colour} !== {json.dumps(light)}")
    assert opened.js("document.getElementById('theme').textContent") == "Light"
    pressed(opened, "#theme")
    opened.until(f"{colour} === {json.dumps(light)}")


def test_dark_readers_get_it_dark(browser, page):
    browser.open(page, prefers_color_scheme="dark")
    browser.until(DRAWN)
    assert browser.js(f"document.querySelector('{FIRST}').layout.paper_bgcolor") == "#1f2226"


@pytest.mark.parametrize("width", [390, 800, 1400])
def test_nothing_is_cut_at_the_right_edge(browser, page, width):
    browser.open(page, width=width)
    browser.until(DRAWN)
    assert browser.js("document.documentElement.scrollWidth") == width
    beyond = browser.js(
        "[...document.querySelectorAll('main *')].filter((one) => !one.closest('.scroll, pre, svg')"
        " && one.getBoundingClientRect().right > innerWidth + 1).map((one) => one.outerHTML)"
    )
    assert beyond == []


def test_on_paper_the_charts_fit_and_are_light(browser, page, tmp_path):
    browser.open(page, prefers_color_scheme="dark")
    browser.until(DRAWN)
    browser.js(
        "window.addEventListener('beforeprint', () => {window.paper = "
        f"document.querySelector('{FIRST}').layout.paper_bgcolor;}})"
    )
    browser.pdf(tmp_path / "page.pdf")
    assert (tmp_path / "page.pdf").read_bytes().startswith(b"%PDF")
    assert browser.js("window.paper") == "#ffffff"
    browser.size(640)
    browser.media("print")
    wide = browser.js(
        "[...document.querySelectorAll('.curve[data-drawn] .main-svg')]"
        ".map((one) => one.getBoundingClientRect().right)"
    )
    assert wide
    assert max(wide) <= 641


def test_a_script_that_is_not_the_page_s_own_does_not_run(browser, page, tmp_path):
    html = page.read_text().replace("</main>", "<script>document.title = 'ran'</script></main>")
    other = tmp_path / "other.html"
    other.write_text(html)
    browser.open(other)
    browser.until(DRAWN)
    assert browser.js("document.title") == "Palimpsest"
    assert any("Content Security Policy" in message for message in browser.messages)


def test_the_training_curves_are_two_charts(opened):
    assert opened.js("document.querySelectorAll('#training .js-plotly-plot').length") == 2
    label = opened.js("document.querySelectorAll('#training .chart')[1].getAttribute('aria-label')")
    assert label == "g01 to g02, from generated text. g01 ends at 2, g02 ends at 3 nats a token."


def test_every_chart_says_itself_to_who_cannot_see_it(opened):
    labels = opened.js(
        "[...document.querySelectorAll('.curve .chart')]"
        ".map((one) => one.getAttribute('aria-label'))"
    )
    assert len(labels) > 10
    assert all(" from g00: " in label for label in labels)
