"""`palimpsest schema`: writes the JSON schema of params.yaml, for editors."""

import argparse
from pathlib import Path
from typing import Any

from palimpsest.core.parameters import Parameters
from palimpsest.core.storage import check_out, json_bytes, write_out

DESCRIPTION = (
    "Writes the JSON schema of params.yaml. Its first line names the schema, so that editors "
    "with a YAML language server complete parameters and mark wrong values."
)
FILE = Path("params.schema.json")
BOUNDS = {"gt": "exclusiveMinimum", "ge": "minimum", "lt": "exclusiveMaximum", "le": "maximum"}
"""pydantic's words where a validator comes before a number's range -> those of JSON schema."""


def configure(parser: argparse.ArgumentParser) -> None:
    """Adds the arguments."""
    parser.add_argument(
        "--out", type=Path, default=FILE, metavar="FILE", help=f"default: {FILE}; - prints it"
    )


def run(args: argparse.Namespace) -> int:
    """Writes the schema.

    Raises:
        PalimpsestError: the file cannot be written.
    """
    content = json_bytes(params_schema())
    if str(args.out) == "-":
        print(content.decode(), end="")
        return 0
    check_out(args.out)
    write_out(args.out, content)
    print(f"written: {args.out}")
    return 0


def params_schema() -> dict[str, Any]:
    """The JSON schema (2020-12) of params.yaml, with the description of every parameter."""
    schema = Parameters.model_json_schema()
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **_in_its_words(schema)}


def _in_its_words(node: Any) -> Any:
    if isinstance(node, dict):
        return {BOUNDS.get(key, key): _in_its_words(value) for key, value in node.items()}
    return [_in_its_words(item) for item in node] if isinstance(node, list) else node
