"""Fills a template of this package: autoescape on, missing values are errors, no request leaves."""

from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

FOLDER = Path(__file__).parent


def render_template(name: str, **values: Any) -> str:
    """The HTML of a template in templates/, with the one style sheet inside.

    Args:
        name: of the file, without .html.j2.
        **values: what the template names; every text is escaped.
    """
    environment = Environment(
        loader=FileSystemLoader(FOLDER / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    css = (FOLDER / "static" / "style.css").read_text(encoding="utf-8")
    return environment.get_template(f"{name}.html.j2").render(css=css, **values)
