"""Warnings and parameters go from stage to stage: logged where found, kept once."""

from pathlib import Path

import pytest

from palimpsest.core.handed_on import handed_on
from palimpsest.core.provenance import Artifact, write_provenance
from tests.core.test_parameters import checked


def test_nothing_to_say_leaves_no_trace() -> None:
    assert handed_on() == {}


def test_warnings_are_logged_once_and_carried(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    model, texts = tmp_path / "model", tmp_path / "texts"
    for folder, seen in ((model, ["low"]), (texts, ["odd"])):
        folder.mkdir()
        write_provenance(folder, "s", {"name": folder.name}, {}, **handed_on(seen))
    arrays = tmp_path / "arrays"
    arrays.mkdir()
    write_provenance(
        arrays, "embed", {"embed": 1}, {}, **handed_on(["low", "own"], model=Artifact.open(model))
    )
    facts = handed_on(
        (),
        {"generate": checked({}).generate},
        texts=Artifact.open(texts),
        embeddings=Artifact.open(arrays),
    )
    assert facts == {
        "warnings": ["odd", "low", "own"],
        "made_with": {
            "texts": {"name": "texts"},
            "model": {"name": "model"},
            "embeddings": {"embed": 1},
        },
    }
    said = [record.message for record in caplog.records]
    assert said == [f"warning: {own}" for own in ("low", "odd", "low", "own")]


def test_the_warnings_of_sections_are_a_stage_s_own() -> None:
    params = checked({}).generate.changed(keep_prompt=False)
    seen = "generate.keep_prompt does nothing without prompts"
    assert handed_on(["own"], {"generate": params}) == {"warnings": [seen, "own"]}
