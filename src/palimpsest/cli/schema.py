"""`palimpsest schema`: writes the JSON schema of params.yaml, or of an audit's JSON."""

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import Any

from palimpsest.auditing.record import AuditRecord
from palimpsest.core.parameters import Parameters
from palimpsest.core.storage import check_out, json_bytes, write_out

DESCRIPTION = (
    "Writes the JSON schema of params.yaml, or of what `palimpsest audit --json` writes. The first "
    "line of params.yaml names its schema, so that editors with a YAML language server complete "
    "parameters and mark wrong values."
)
DIALECT = "https://json-schema.org/draft/2020-12/schema"
BOUNDS = {"gt": "exclusiveMinimum", "ge": "minimum", "lt": "exclusiveMaximum", "le": "maximum"}
"""pydantic's words where a validator comes before a number's range -> those of JSON schema."""


def configure(parser: argparse.ArgumentParser) -> None:
    """Adds the arguments."""
    parser.add_argument(
        "kind", nargs="?", choices=[*SCHEMAS], default="params", help="default: params"
    )
    parser.add_argument(
        "--out", type=Path, metavar="FILE", help="default: KIND.schema.json; - prints it"
    )


def run(args: argparse.Namespace) -> int:
    """Writes the schema.

    Raises:
        PalimpsestError: the file cannot be written.
    """
    content = json_bytes(SCHEMAS[args.kind]())
    path = args.out or Path(f"{args.kind}.schema.json")
    if str(path) == "-":
        print(content.decode(), end="")
        return 0
    check_out(path)
    write_out(path, content)
    print(f"written: {path}")
    return 0


def params_schema() -> dict[str, Any]:
    """The JSON schema (2020-12) of params.yaml, with the description of every parameter."""
    schema = Parameters.model_json_schema()
    return {"$schema": DIALECT, **_in_its_words(schema)}


def audit_schema() -> dict[str, Any]:
    """The JSON schema (2020-12) of an audit's JSON, see `palimpsest.auditing.record`."""
    return {"$schema": DIALECT, **AuditRecord.model_json_schema(mode="serialization")}


def _in_its_words(node: Any) -> Any:
    if isinstance(node, dict):
        return {BOUNDS.get(key, key): _in_its_words(value) for key, value in node.items()}
    return [_in_its_words(item) for item in node] if isinstance(node, list) else node


SCHEMAS: dict[str, Callable[[], dict[str, Any]]] = {"params": params_schema, "audit": audit_schema}
"""What a schema may be asked of."""
