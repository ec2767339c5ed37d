"""Scripts, hashes and data blocks of a page."""

import base64
import hashlib
import json

import pytest

from palimpsest.report.scripts import STATIC, json_block, plotly_script, policy, static_script


def rules(text):
    return dict(rule.split(" ", 1) for rule in text.split("; "))


def test_a_page_without_scripts_may_run_none():
    assert rules(policy(())) == {
        "default-src": "'none'", "img-src": "data:", "style-src": "'unsafe-inline'",
        "base-uri": "'none'", "form-action": "'none'",
    }  # fmt: skip


def test_a_page_may_run_its_scripts_and_no_others():
    found = rules(policy(("one;", "zwei ü")))
    digests = [base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
               for text in ("one;", "zwei ü")]  # fmt: skip
    assert found["script-src"] == " ".join(f"'sha256-{digest}'" for digest in digests)
    assert found["default-src"] == "'none'"
    assert found["img-src"] == "data: blob:"


@pytest.mark.parametrize(
    "text", ["</script><script>", "<!--<script>", "\u2028\u2029", "\ud800", "ü\x00", "]]>&amp;"]
)
def test_no_text_leaves_its_block(text):
    block = json_block({text: [text, 1.5, None]})
    assert "<" not in block
    assert block.isascii()
    assert json.loads(block) == {text: [text, 1.5, None]}


def test_a_number_that_json_does_not_have_is_refused():
    with pytest.raises(ValueError, match="JSON compliant"):
        json_block([float("nan")])


@pytest.mark.parametrize("name", sorted(file.stem for file in STATIC.glob("*.js")))
def test_a_script_can_stand_in_a_page_and_never_writes_markup(name):
    script = static_script(name)
    assert "</script" not in script
    assert "<!--" not in script
    assert "\r" not in script
    for way in ("innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval("):
        assert way not in script


def test_plotly_can_stand_in_a_page():
    script = plotly_script()
    assert "Plotly" in script
    for part in ("</script", "<!--", "\r", "\x00"):
        assert part not in script
