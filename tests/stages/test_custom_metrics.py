"""The score stage with a metric of one's own, and the numbers of the model in every scorecard."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from palimpsest.report.page import OF_MODEL
from tests.stages.conftest import Project
from tests.tiny import turn

SOURCE = """
import numpy as np

def {name}(texts, embeddings, human_texts, human_embeddings):
    return {result}
"""


@pytest.fixture
def named(project: Project, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Writes a module with a function of that name and result, and names it in score.custom."""
    monkeypatch.syspath_prepend(str(project.root))

    def write(module: str, name: str, result: str) -> None:
        (project.root / f"{module}.py").write_text(SOURCE.format(name=name, result=result))
        turn(project.params, "score.custom", [f"{module}:{name}"])

    return write


def scorecard_of(root: Path) -> dict[str, Any]:
    scorecard: dict[str, Any] = json.loads((root / "data/scores/g00/scorecard.json").read_text())
    return scorecard


def test_it_gets_interval_null_band_and_its_name_into_the_scorecard(
    project: Project, named: Any
) -> None:
    before = scorecard_of(project.root)
    named("stage_metric", "own_length", "{'mean': np.mean([len(text) for text in texts])}")
    project.run("score", "g00")
    scorecard = scorecard_of(project.root)
    assert scorecard["custom"] == ["own_length_mean"]
    entry = scorecard["metrics"]["own_length_mean"]
    assert entry["low"] < entry["value"] < entry["high"]
    band = scorecard["null"]["own_length_mean"]
    assert band["low"] <= band["high"]
    assert band["samples"] == project.params["score"]["null_samples"]
    del (
        scorecard["metrics"]["own_length_mean"],
        scorecard["null"]["own_length_mean"],
        scorecard["custom"],
    )
    del before["custom"]
    assert scorecard == before


@pytest.mark.parametrize(
    ("module", "name", "result", "message"),
    [
        ("nan_metric", "mine", "float('nan')", "nan_metric:mine: want a finite number, got nan"),
        ("none_metric", "mine", "None", "none_metric:mine: want a number, got NoneType"),
        ("raising_metric", "mine", "1 / 0", "want a number, got ZeroDivisionError: division by z"),
        ("taken_metric", "volume", "1.0", "want a name that no other metric has, got 'volume'"),
        ("model_metric", "crowding", "1.0", "want a name that no other metric has, got 'crowding'"),
    ],
)
def test_what_goes_wrong_is_one_line(
    project: Project, named: Any, module: str, name: str, result: str, message: str
) -> None:
    named(module, name, result)
    project.monkeypatch.setattr("sys.dont_write_bytecode", True)
    said = project.refused("score", "g00")
    assert said.startswith("error: score.custom")
    assert message in said


def test_a_module_that_is_not_there_is_one_line(project: Project) -> None:
    turn(project.params, "score.custom", ["no_such_module_here:mine"])
    said = project.refused("score", "g00")
    assert "error: score.custom: no_such_module_here:mine: want a module, got ModuleNotF" in said


@pytest.mark.parametrize(
    ("stage", "key", "value", "message"),
    [
        ("score", "score.custom", "mine:one", "score.custom: want a list of text, got 'mine:one'"),
        ("score", "score.custom", ["mine"], "score.custom: want \"module:function\", got 'mine'"),
        ("embed", "embed.min_count", 0, "embed.min_count: want >= 1, got 0"),
        ("embed", "embed.min_count", 1.5, "embed.min_count: want a whole number, got 1.5"),
    ],
)
def test_wrong_parameters_are_one_line(
    project: Project, stage: str, key: str, value: Any, message: str
) -> None:
    turn(project.params, key, value)
    assert message in project.refused(stage, "g00")


@pytest.mark.parametrize("name", ["class_statistics.npz", "probe.npz"])
def test_missing_arrays_are_named(project: Project, name: str) -> None:
    project.believe_artifacts()
    (project.root / "data/embeddings/g00" / name).unlink()
    assert f"data/embeddings/g00/{name}: want arrays, got no such file" in project.refused(
        "score", "g00"
    )


# --- the numbers of the model ---


def test_every_scorecard_has_the_numbers_of_its_model_without_interval(chain: Path) -> None:
    scorecard = scorecard_of(chain)
    for name in set(OF_MODEL) - {"antonym_gap", "category_gap"}:
        entry = scorecard["metrics"][name]
        assert np.isfinite(entry["value"]), name
        assert entry["low"] is entry["high"] is None
        assert name not in scorecard["null"]
    assert scorecard["counts"]["classes"] > 1
    assert scorecard["counts"]["probe_words"] > 20


def test_without_a_class_the_chain_goes_on(project: Project) -> None:
    turn(project.params, "embed.min_count", 10**6)
    project.run("embed", "g00")
    project.run("score", "g00")
    scorecard = scorecard_of(project.root)
    assert scorecard["counts"]["classes"] == 0
    assert scorecard["metrics"]["nc1_cdnv"]["value"] == 1e9
    assert scorecard["metrics"]["nc4_agreement"]["value"] == 0


def test_the_stage_writes_the_same_bytes_again(project: Project) -> None:
    """Twice in a row: what the project was copied from may be of another state of the libraries."""
    folder = project.root / "data/embeddings/g00"
    project.run("embed", "g00")
    before = {name: (folder / name).read_bytes() for name in ("class_statistics.npz", "probe.npz")}
    project.run("embed", "g00")
    assert {name: (folder / name).read_bytes() for name in before} == before
