"""The comparison page: what it says, that texts stay texts, and that a browser shows it."""

import json
import re

import pytest

from palimpsest.experiments.comparison import Run, variants
from palimpsest.experiments.comparison_rows import Comparison
from palimpsest.report.comparison_page import render_comparison, story

HOSTILE = "</script><script>alert(1)</script><img src=x onerror=alert(2)>"


def run(name, seed, kind, last, **more):
    generations = {g: {"integrity": 1 - (1 - last) * g / 2, **more} for g in range(3)}
    summary = {"half_life": None, "phase_change": 1, "alarm_generation": 2}
    return Run(
        name, {"seed": seed, "seeds.generate": None, "regime.kind": kind}, generations, summary
    )


def compared(name="r0", kind="fresh", **more):
    return variants([
        run(name, 0, "replace", 0.5, **more), run("r1", 1, "replace", 0.6, **more),
        run("r2", 2, "replace", 0.55, **more), run("f0", 0, kind, 0.9, **more),
        run("f1", 1, kind, 1.01, **more), run("f2", 2, kind, 0.94, **more),
    ])  # fmt: skip


def page(several, shown=("integrity",), **more):
    comparison = Comparison(several, several[0], 2, shown)
    command = ["palimpsest", "compare", "--all"]
    return render_comparison(comparison, command, {"r1": "0123456789abcdef"}, **more)


def said(several, shown=("integrity",)):
    return " ".join(story(Comparison(several, several[0], 2, shown)))


def test_the_story_says_what_came_out():
    # differences 0.4, 0.41 and 0.39: mean 0.4, far from 0
    assert said(compared()) == (
        "6 chains of 2 variants, compared at [[generation]] 2. Mean [[integrity]], which is 1 for "
        "fresh human text, lies between 0.550 (A) and 0.950 (B). Against the control (A): "
        "[[integrity]] is higher in B, by more than chance makes."
    )


def test_the_story_says_what_cannot_be_concluded():
    alone = variants([run("a", 0, "replace", 0.5), run("b", 0, "fresh", 0.9)])
    assert "B cannot be held against it: fewer than two seeds in common" in said(alone)
    noisy = variants([
        run("a", 0, "replace", 0.5), run("b", 1, "replace", 0.6),
        run("c", 0, "fresh", 0.4), run("d", 1, "fresh", 0.9),
    ])  # fmt: skip
    assert "B cannot be told from it by so many chains" in said(noisy)
    lower = compared()
    assert "lower in B" in " ".join(story(Comparison(lower[::-1], lower[1], 2, ["integrity"])))
    assert said(variants([run("a", 0, "replace", 0.5)])) == (
        "One chain of one variant, compared at [[generation]] 2. Mean [[integrity]], which is 1 "
        "for fresh human text, is 0.500."
    )


def test_tables_parameters_chains_and_commands():
    html = page(compared(), left_out=["x: no scores"], versions={"palimpsest": "0.2.0"})
    table = re.sub(r"<[^>]+>", " ", html[html.index('id="differences"') :])
    assert "0.400 0.375 to 0.425" in " ".join(table.split())  # 0.01/√3 · t(0.975, 2) = 0.0248
    assert "<code>regime.kind</code></th><td>replace</td><td>fresh</td>" in html
    assert '<th scope="row">r1</th>' in html
    assert "<td>never</td><td>g01</td><td>g02</td><td><code>0123456789</code></td>" in html
    assert "dvc exp run --queue -S regime.kind=fresh -S seed=2\n" in html
    assert "Left out: x: no scores" in html
    assert "Made with palimpsest 0.2.0." in html


def test_the_same_comparison_has_the_same_bytes():
    assert page(compared()) == page(compared())


def test_names_and_values_from_outside_stay_text():
    html = page(compared(HOSTILE, HOSTILE, **{"own_metric": 1.0}))
    assert "<script>alert" not in html
    assert "<img src=x" not in html
    assert html.count("</script>") == html.count("<script")


def test_one_variant_has_no_differences():
    html = page(variants([run("a", 0, "replace", 0.5), run("b", 1, "replace", 0.6)]))
    assert 'class="forest"' not in html
    assert "None but the seeds." in html


# --- in a browser ---


@pytest.fixture
def opened(browser, tmp_path):
    """The page of a hostile comparison, open."""
    path = tmp_path / "compare.html"
    path.write_text(page(compared(HOSTILE, HOSTILE), shown=("integrity",)), encoding="utf-8")
    browser.open(path)
    browser.until("document.querySelector('#first .curve').dataset.drawn")
    browser.until("document.querySelector('.forest').dataset.drawn")
    return browser


def data_of(browser, selector):
    return browser.js(
        f"document.querySelector('{selector} .chart').data.map(t => [t.mode, [...t.x], [...t.y]])"
    )


def test_the_browser_draws_means_single_chains_and_differences(opened):
    traces = data_of(opened, "#first .curve")
    means = [y for mode, _, y in traces if mode == "lines+markers"]
    assert means == [pytest.approx([1, 0.775, 0.55]), pytest.approx([1, 0.975, 0.95])]
    assert sum(mode == "lines" and x == [0, 1, 2] for mode, x, _ in traces) == 6
    ((_, (difference,), letters),) = data_of(opened, ".forest")
    assert (difference, letters) == (pytest.approx(0.4), ["B"])


def test_the_browser_asks_nobody_runs_no_text_and_says_nothing(opened):
    assert opened.messages == []
    assert opened.requests == []
    assert opened.js("document.querySelectorAll('main img').length") == 0
    assert HOSTILE in opened.js("document.querySelector('#chains').textContent")


def test_switches_change_what_is_drawn(opened):
    grid = "#curve-grid .curve"
    opened.centre(grid)
    opened.until(f"document.querySelector('{grid}').dataset.drawn")
    opened.js("document.querySelector('[data-mode=difference]').click()")
    opened.until(f"document.querySelector('{grid}').dataset.drawn === 'difference linear'")
    means = [y for mode, _, y in data_of(opened, grid) if mode == "lines+markers"]
    assert means == [pytest.approx([0, 0.2, 0.4])]
    opened.js("document.querySelector('[data-toggle=\"1\"]').click()")
    opened.until(f"document.querySelector('{grid} .chart').data.length === 0")
    opened.js(
        "(() => {const s = document.getElementById('curve-search'); s.value = 'nothing so';"
        "s.dispatchEvent(new Event('input'));})()"
    )
    assert opened.js("document.getElementById('curve-count').textContent") == "0 of 1 metrics"


def test_the_keyboard_says_every_variant(opened):
    opened.js("document.querySelector('#first .curve .chart').focus()")
    opened.key("End", 35)
    opened.until("document.querySelector('#first .curve .unseen').textContent")
    line = opened.js("document.querySelector('#first .curve .unseen').textContent")
    assert line.startswith("g02, A 0.550 (")
    assert ", B 0.950 (" in line


def test_nothing_is_cut_on_a_phone(browser, tmp_path):
    path = tmp_path / "compare.html"
    path.write_text(page(compared(kind="x" * 200)), encoding="utf-8")
    browser.open(path, 390)
    browser.until("document.querySelector('#first .curve').dataset.drawn")
    assert browser.js("document.documentElement.scrollWidth") == 390
    assert json.dumps(browser.messages) == "[]"
