"""The page of all parameters, from the schema of params.yaml and from params.yaml itself."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from docs_site.markdown import code, inline, table

INTRODUCTION = (
    "Every parameter of `params.yaml`, with the value of the default run. An unknown name, a "
    "missing one and a value out of range are refused before any work. For one run: "
    "`dvc exp run -S generate.temperature=0.7`; for good: edit `params.yaml`."
)
BOUNDS = {
    "minimum": "≥", "exclusiveMinimum": ">", "maximum": "≤", "exclusiveMaximum": "<",
}  # fmt: skip


def page(root: Path) -> str:
    """The whole page.

    Args:
        root: the folder with params.schema.json and params.yaml.
    """
    schema = json.loads((root / "params.schema.json").read_text(encoding="utf-8"))
    values = yaml.safe_load((root / "params.yaml").read_text(encoding="utf-8"))
    fields = {name: _resolved(schema["properties"][name], schema) for name in values}
    alone = [name for name, field in fields.items() if "properties" not in field]
    parts = ["# Parameters", INTRODUCTION]
    parts.append(table(HEAD, [_row(name, fields[name], values[name]) for name in alone]))
    for name, field in fields.items():
        if name not in alone:
            rows = [_row(*one) for one in _leaves(name, field, values[name], schema)]
            parts += [f"## {name}", inline(field.get("description", "")), table(HEAD, rows)]
    return "\n\n".join(parts) + "\n"


HEAD = ("parameter", "default run", "takes", "what it is")


def _resolved(field: dict[str, Any], schema: dict[str, Any]) -> dict[str, Any]:
    """A field, or the section that it refers to."""
    if "$ref" not in field:
        return field
    found: dict[str, Any] = schema["$defs"][field["$ref"].rsplit("/", 1)[1]]
    return found


def _leaves(
    path: str, section: dict[str, Any], values: dict[str, Any], schema: dict[str, Any]
) -> Iterator[tuple[str, dict[str, Any], Any]]:
    """The parameters of a section and of the sections in it, with their dotted names."""
    for key, value in values.items():
        field = _resolved(section["properties"][key], schema)
        if "properties" in field:
            yield from _leaves(f"{path}.{key}", field, value, schema)
        else:
            yield f"{path}.{key}", field, value


def _row(name: str, field: dict[str, Any], value: Any) -> list[str]:
    shown = yaml.safe_dump(value, default_flow_style=True, allow_unicode=True, width=10**6)
    default = shown.removesuffix("\n").removesuffix("\n...")
    return [f"`{name}`", code(default), _takes(field), inline(field.get("description", ""))]


def _takes(field: dict[str, Any]) -> str:
    """Its type or its choices, with its bounds."""
    if "anyOf" in field:
        return " or ".join(_takes(one) for one in field["anyOf"])
    if "enum" in field:
        return ", ".join(code(str(one)) for one in field["enum"])
    if "const" in field:
        return code(str(field["const"]))
    kind = field.get("type", "")
    if kind == "array":
        return f"a list: {_takes(field['items'])}" if "items" in field else "a list"
    bounds = [f"{sign} {field[key]:g}" for key, sign in BOUNDS.items() if key in field]
    return ", ".join([*([str(kind)] if kind else []), *bounds])
