"""What params.yaml names by path is a dependency of the stages that read it."""

import os
from pathlib import Path
from typing import Any

import pytest
import yaml

from palimpsest.core.errors import ParamsError
from palimpsest.core.named_paths import (
    RUN_BY_DVC,
    dependencies,
    named_paths,
    path_of,
    require_dependencies,
)
from palimpsest.core.parameters import Parameters
from tests.tiny import tiny_params, turn, write_params

STAGES = ("prepare", "generate", "finetune", "embed", "score", "report")


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    for name in ("texts/deep/a.jsonl", "data/a.jsonl", "b.jsonl", "c.jsonl", "mine/config.json"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("{}")
    (tmp_path / "my_metrics.py").write_text("")
    return tmp_path


def with_values(**values: Any) -> Parameters:
    params = tiny_params()
    for key, value in values.items():
        turn(params, key.replace("__", "."), value)
    return Parameters.of(params)


def of_files(*paths: str) -> Parameters:
    return with_values(corpus__source="files", corpus__files__paths=list(paths))


def test_the_default_names_no_path(place: Path) -> None:
    for name in ("scratch", "bundled", "gpt2"):
        (place / name).mkdir(exist_ok=True)
    assert all(named_paths(with_values(), stage) == {} for stage in STAGES)


@pytest.mark.parametrize(
    ("pattern", "paths"),
    [
        ("b.jsonl", ["b.jsonl"]),
        ("./b.jsonl", ["b.jsonl"]),
        ("texts/deep/a.jsonl", ["texts/deep/a.jsonl"]),
        ("texts/**/*.jsonl", ["texts"]),  # a file that is added is seen
        ("texts/d*/a.jsonl", ["texts"]),
        ("data/*.jsonl", ["data/a.jsonl"]),  # the folder holds the graph's outputs
        ("*.jsonl", ["b.jsonl", "c.jsonl"]),
        ("nowhere.jsonl", ["nowhere.jsonl"]),
        ("texts/../b.jsonl", ["b.jsonl"]),
        ("texts/../*.jsonl", ["b.jsonl", "c.jsonl"]),
    ],
)
def test_files_and_globs(pattern: str, paths: list[str]) -> None:
    named = named_paths(of_files(pattern), "prepare")
    assert named == {"corpus.files.paths": paths}


@pytest.mark.parametrize("above", ["..", "{place}/..", "{place}", "{place}/data"])
def test_a_glob_outside_or_around_the_project_is_its_files(place: Path, above: str) -> None:
    """The folder would be the home, the disk, or the project with what the graph itself writes."""
    beside = place.parent / "beside.jsonl"
    beside.write_text("{}")
    folder = above.format(place=place)
    inside = {"{place}": ["b.jsonl", "c.jsonl"], "{place}/data": ["a.jsonl"]}
    names = inside.get(above, ["beside.jsonl"])
    found = named_paths(of_files(f"{folder}/*.jsonl"), "prepare")["corpus.files.paths"]
    assert found == [os.path.normpath(f"{folder}/{name}") for name in names]


def test_a_user_that_is_not_known_is_named() -> None:
    for key in ("corpus.files.paths", "model.source", "embed.encoder.model"):
        with pytest.raises(
            ParamsError, match=f"{key}: want a path of a user who is known, got ~no"
        ):
            path_of(key, "~nobody-here/x")
    with pytest.raises(ParamsError, match=r"model\.source"):
        named_paths(with_values(model__source="~nobody-here/x"), "prepare")


def test_a_home_is_resolved(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(place))
    assert named_paths(of_files("~/b.jsonl"), "prepare") == {
        "corpus.files.paths": [f"{place}/b.jsonl"]
    }


def test_models_tokenizers_encoders_and_metrics() -> None:
    assert named_paths(with_values(model__source="mine"), "prepare") == {"model.source": ["mine"]}
    assert named_paths(with_values(model__tokenizer="mine"), "prepare") == {
        "model.tokenizer": ["mine"]
    }
    encoder = with_values(embed__encoder__model="mine")
    assert named_paths(encoder, "embed") == {"embed.encoder.model": ["mine"]}
    assert named_paths(encoder, "generate") == {}
    judged = {"regime__kind": "filtered", "regime__criterion": "nearest_human"}
    judge = with_values(embed__encoder__model="mine", **judged)
    assert named_paths(judge, "generate") == {"embed.encoder.model": ["mine"]}
    custom = with_values(score__custom=["my_metrics:one", "my_metrics:two", "scipy.stats:skew"])
    assert named_paths(custom, "score") == {"score.custom": ["my_metrics.py"]}


def test_hub_ids_are_no_paths() -> None:
    params = with_values(model__source="org/model", embed__encoder__model="org/encoder")
    assert all(named_paths(params, stage) == {} for stage in STAGES)


def test_a_path_that_is_named_twice_is_listed_once() -> None:
    assert dependencies(of_files("c.jsonl", "b.jsonl", "./c.jsonl"), "prepare") == [
        '"c.jsonl"',
        '"b.jsonl"',
    ]


@pytest.mark.parametrize("path", ["a b.txt", "a: b", "# a", "${a}", 'a"b', "ä.txt", "a\\b", "- a"])
def test_a_line_of_dvc_yaml_says_the_path(path: str) -> None:
    (line,) = dependencies(of_files(path), "prepare")
    assert yaml.safe_load(f"- {line}") == [path.replace("${", "\\${")]


def check(params: Parameters | None, address: str, deps: list[Any], file: str = "dvc.yaml") -> None:
    """As if DVC ran the stage of that address."""
    name = address.rsplit(":", 1)[-1]
    Path(file).parent.mkdir(parents=True, exist_ok=True)
    Path(file).write_text(yaml.safe_dump({"stages": {name: {"cmd": "", "deps": deps}}}))
    require_dependencies(Path("params.yaml"), {RUN_BY_DVC: address})


def test_dvc_must_list_what_is_named() -> None:
    params = tiny_params()
    turn(params, "corpus.source", "files")
    turn(params, "corpus.files.paths", ["b.jsonl", "${c}"])
    write_params(Path("params.yaml"), params)
    check(None, "prepare", ["src", "b.jsonl", {"\\${c}": {"cache": False}}])
    wanted = (
        r"corpus\.files\.paths: want b\.jsonl among the deps of prepare in dvc\.yaml, got none: "
        r"DVC would not see it change; with the path in params\.yaml: palimpsest chain"
    )
    with pytest.raises(ParamsError, match=wanted):
        check(None, "prepare", ["src", "\\${c}"])
    for seen in ("./b.jsonl", "."):  # as DVC sees it too
        check(None, "prepare", [seen, "\\${c}"])
    require_dependencies(Path("params.yaml"), {})  # by hand: DVC notes nothing
    check(None, "embed", ["src"])


@pytest.mark.parametrize("above", ["", "../", "/somewhere/"])
def test_a_generation_has_a_graph_of_its_own(above: str) -> None:
    params = tiny_params()
    turn(params, "embed.encoder.model", "mine")
    write_params(Path("params.yaml"), params)
    file = "generations/g01/dvc.yaml"
    check(None, f"{above}{file}:embed", ["mine"], file)
    with pytest.raises(ParamsError, match=f"want mine among the deps of embed in {file}"):
        check(None, f"{above}{file}:embed", ["src"], file)
