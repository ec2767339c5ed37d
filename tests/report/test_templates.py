"""Templates: everything escaped, nothing missing, the style sheet inside."""

from pathlib import Path

import jinja2
import pytest

from palimpsest.report import templates
from palimpsest.report.tables import Table
from palimpsest.report.templates import render_template

VALUES = {
    "title": "a < b & c", "candidate": '"x"', "reference": "y", "verdicts": [], "first_examples": 3,
    "tiles": [("<script>", "1", "text")], "warnings": ["a <b>"], "cloud": None, "bands": None,
    "terms": {}, "meanings": [("<i>", "<b>")], "metrics": [], "every": Table((), ()),
    "notes": ["<p>"],
}  # fmt: skip


def test_every_text_is_escaped_and_the_style_is_not():
    html = render_template("audit", **VALUES)
    assert "<title>a &lt; b &amp; c</title>" in html
    assert '<span class="name">&lt;script&gt;</span>' in html
    assert "<dt>&lt;i&gt;</dt><dd>&lt;b&gt;</dd>" in html
    assert "<p>&lt;p&gt;</p>" in html
    assert "&#34;x&#34; against y" in html
    assert "<li>a &lt;b&gt;</li>" in html
    style = (Path(templates.__file__).parent / "static" / "style.css").read_text()
    assert html.count("<style>") == 1
    inside = html.split("<style>")[1].split("</style>")[0]
    assert inside.startswith(style)


@pytest.mark.parametrize("name", [name for name in VALUES if name != "first_examples"])
def test_a_value_that_is_missing_is_an_error(name):
    with pytest.raises(jinja2.UndefinedError, match=f"'{name}' is undefined"):
        render_template("audit", **{key: value for key, value in VALUES.items() if key != name})
