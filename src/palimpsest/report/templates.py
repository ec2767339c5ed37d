"""Fills a template of this package: autoescape on, missing values are errors, no request leaves."""

from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from palimpsest.report.scripts import json_block, policy

FOLDER = Path(__file__).parent


def render_template(
    name: str,
    scripts: Sequence[str] = (),
    data: Mapping[str, object] | None = None,
    styles: Sequence[str] = (),
    **values: Any,
) -> str:
    """The HTML of a template in templates/, with its style inside: that of all, and its own.

    Args:
        name: of the file, without .html.j2; static/NAME.css is its own style, where there is one.
        scripts: what the page runs, in this order, at its end; a page without any runs nothing.
        data: what the scripts read, by the id of its block.
        styles: further style sheets of static/, by their names without .css, before its own.
        **values: what the template names; every text is escaped.
    """
    css = "".join(
        file.read_text(encoding="utf-8")
        for sheet in ("style", *styles, name)
        if (file := FOLDER / "static" / f"{sheet}.css").is_file()
    )
    blocks = [(key, json_block(block)) for key, block in (data or {}).items()]
    template = _environment().get_template(f"{name}.html.j2")
    return template.render(
        css=css, policy=policy(scripts), scripts=scripts, blocks=blocks, **values
    )


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
