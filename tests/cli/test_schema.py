"""`palimpsest schema`: a JSON schema that says what `Parameters` does."""

import json
from pathlib import Path
from typing import Any

import pytest

from palimpsest.cli.main import main
from palimpsest.cli.schema import audit_schema, params_schema
from palimpsest.core.config import flattened
from palimpsest.core.parameters import Parameters
from tests.tiny import ROOT


def leaves(schema: dict[str, Any], root: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    """The dotted parameters of a schema, each with what is said of it."""
    entries: dict[str, Any] = {}
    for key, entry in schema["properties"].items():
        if "$ref" in entry:
            section = root["$defs"][entry["$ref"].rsplit("/", 1)[-1]]
            entries |= leaves(section, root, f"{prefix}{key}.")
        else:
            entries[f"{prefix}{key}"] = entry
    return entries


def test_it_has_every_parameter_and_nothing_else() -> None:
    schema = params_schema()
    parameters = flattened(Parameters.load(ROOT / "params.yaml").as_dict())
    assert leaves(schema, schema).keys() == parameters.keys()
    sections = [schema, *schema["$defs"].values()]
    assert all(section["additionalProperties"] is False for section in sections)
    assert all(set(section["required"]) == set(section["properties"]) for section in sections)


def test_it_explains_every_parameter_and_has_its_range() -> None:
    schema = params_schema()
    entries = leaves(schema, schema)
    assert [key for key, entry in entries.items() if not entry.get("description")] == []
    temperature, share = entries["generate.temperature"], entries["generate.top_p"]
    assert (temperature["type"], temperature["exclusiveMinimum"]) == ("number", 0)
    assert (share["exclusiveMinimum"], share["maximum"]) == (0, 1)
    bounds = {"exclusiveMinimum", "minimum", "exclusiveMaximum", "maximum"}
    for key, entry in entries.items():
        options = entry.get("anyOf", [entry])
        assert all(option.keys().isdisjoint({"gt", "ge", "lt", "le"}) for option in options), key
        if key.startswith(("pretrain", "finetune")) and options[0]["type"] == "number":
            assert options[0].keys() & bounds, key
    assert entries["corpus.source"]["enum"] == ["world", "files", "hub"]
    assert {option["type"] for option in entries["corpus.train"]["anyOf"]} == {"integer", "null"}


def test_it_is_written_or_printed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["schema"]) == 0
    assert capsys.readouterr().out == "written: params.schema.json\n"
    written = (tmp_path / "params.schema.json").read_text()
    assert json.loads(written) == params_schema()
    assert main(["schema", "--out", "-"]) == 0
    assert capsys.readouterr().out == written
    assert main(["schema", "--out", "sub/own.json"]) == 0
    assert (tmp_path / "sub" / "own.json").read_text() == written


def test_a_file_that_cannot_be_written_is_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["schema", "--out", str(tmp_path)]) == 1
    assert capsys.readouterr().err == f"error: {tmp_path}: want a file to write, got a folder\n"


def test_the_schema_of_an_audit_is_written_on_demand(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["schema", "audit"]) == 0
    assert capsys.readouterr().out == "written: audit.schema.json\n"
    schema = json.loads((tmp_path / "audit.schema.json").read_text())
    assert schema == audit_schema()
    assert "judgements" in schema["required"]


def test_a_schema_that_does_not_exist_is_status_2() -> None:
    with pytest.raises(SystemExit) as left:
        main(["schema", "everything"])
    assert left.value.code == 2
