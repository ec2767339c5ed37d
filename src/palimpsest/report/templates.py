"""Fills a template of this package: autoescape on, missing values are errors, no request leaves."""

from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

FOLDER = Path(__file__).parent
POLICY = (
    "default-src 'none'; img-src data:; style-src 'unsafe-inline'; base-uri 'none'; "
    "form-action 'none'"
)
"""What a browser may do for a page: show its own style and pictures. It runs no script and asks
nobody for anything, whatever a text in it says."""


def render_template(name: str, **values: Any) -> str:
    """The HTML of a template in templates/, with the one style sheet inside.

    Args:
        name: of the file, without .html.j2.
        **values: what the template names; every text is escaped.
    """
    css = (FOLDER / "static" / "style.css").read_text(encoding="utf-8")
    return _environment().get_template(f"{name}.html.j2").render(css=css, policy=POLICY, **values)


@cache
def _environment() -> Environment:
    return Environment(
        loader=FileSystemLoader(FOLDER / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
