"""Templates: everything escaped, nothing missing, the style sheet inside."""

from pathlib import Path

import jinja2
import pytest

from palimpsest.report import templates
from palimpsest.report.tables import Table
from palimpsest.report.templates import render_template

VALUES = {
    "title": "a < b & c", "verdict": "Whole", "candidate": '"x"', "reference": "y",
    "sentence": "<script>", "warnings": ["a <b>"], "metrics": Table((), ()), "notes": [],
}  # fmt: skip


def test_every_text_is_escaped_and_the_style_is_not():
    html = render_template("audit", **VALUES)
    assert "<title>a &lt; b &amp; c</title>" in html
    assert "<p>&lt;script&gt;</p>" in html
    assert "&#34;x&#34; against y" in html
    assert "<li>a &lt;b&gt;</li>" in html
    style = (Path(templates.__file__).parent / "static" / "style.css").read_text()
    assert html.count("<style>") == 1
    inside = html.split("<style>")[1].split("</style>")[0]
    assert inside.strip() == style.strip()


@pytest.mark.parametrize("name", VALUES)
def test_a_value_that_is_missing_is_an_error(name):
    with pytest.raises(jinja2.UndefinedError, match=f"'{name}' is undefined"):
        render_template("audit", **{key: value for key, value in VALUES.items() if key != name})
