"""The graph: complete dependencies, links that do not move, dials that are explained."""

import ast
import re
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

from palimpsest.card import ScoreParams
from palimpsest.corpus.regime import RegimeParams
from palimpsest.corpus.source import SOURCES, CorpusParams, SampleParams
from palimpsest.dvc_project import chain_yaml
from palimpsest.lm.model import ModelParams
from palimpsest.lm.prompts import WitnessParams
from palimpsest.lm.sampling import SamplingParams
from palimpsest.lm.training import TrainingParams
from palimpsest.params import from_mapping
from stages import command
from stages.embed import EmbedParams
from stages.report import ReportParams

ROOT = Path(__file__).parents[1]
STAGES = ("prepare", "generate", "finetune", "embed", "score", "report")
CODE = ("src/", "stages/")


@pytest.fixture(scope="module")
def graph() -> dict[str, Any]:
    content: dict[str, Any] = yaml.safe_load((ROOT / "dvc.yaml").read_text())
    return content["stages"]


def stage_of(graph: dict[str, Any], name: str) -> dict[str, Any]:
    entry = graph[name]
    return entry.get("do", entry)


# --- imports ---


def module_file(name: str) -> Path | None:
    """The file of a first-party module, relative to the root; None if there is none."""
    parts = Path(*name.split("."))
    for base in (Path(), Path("src")):
        for candidate in (base / parts / "__init__.py", base / parts.with_suffix(".py")):
            if (ROOT / candidate).is_file() and candidate.parts[0] in ("src", "stages"):
                return candidate
    return None


def with_packages(name: str) -> set[Path]:
    """A module's file and the `__init__.py` of every package around it: Python runs them too."""
    parts = name.split(".")
    dotted = [".".join(parts[: end + 1]) for end in range(len(parts))]
    return {file for one in dotted if (file := module_file(one)) is not None}


@cache
def imported(file: Path) -> frozenset[Path]:
    """First-party files that a file imports anywhere, also inside functions.

    What a package's `__getattr__` re-exports counts where it is asked for by name.
    """
    found: set[Path] = set()
    tree = ast.parse((ROOT / file).read_text(encoding="utf-8"))
    tree.body = [node for node in tree.body if getattr(node, "name", "") != "__getattr__"]
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                found |= with_packages(alias.name)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{file}: a relative import, which this test cannot follow"
            found |= with_packages(node.module or "")
            for alias in node.names:
                found |= with_packages(f"{node.module}.{alias.name}")
                lazy = node.module == "palimpsest" and not module_file(f"palimpsest.{alias.name}")
                assert not lazy, f"{file}: import {alias.name} from where it is defined"
    return frozenset(found)


def closure(stage: str) -> set[Path]:
    todo = sorted(with_packages(f"stages.{stage}"))
    seen: set[Path] = set()
    while todo:
        file = todo.pop()
        if file not in seen:
            seen.add(file)
            todo.extend(imported(file))
    return seen


def test_the_walk_sees_imports_inside_functions_and_packages_around_modules() -> None:
    assert Path("src/palimpsest/lm/hub.py") in imported(Path("src/palimpsest/lm/model.py"))
    assert Path("src/palimpsest/lm/__init__.py") in closure("generate")
    assert Path("src/palimpsest/minilm.py") in closure("embed")
    assert Path("src/palimpsest/lm/model.py") not in closure("score")


def declared(graph: dict[str, Any], stage: str) -> set[str]:
    return {dep for dep in stage_of(graph, stage)["deps"] if dep.startswith(CODE)}


@pytest.mark.parametrize("stage", STAGES)
def test_every_imported_file_is_a_dependency(graph: dict[str, Any], stage: str) -> None:
    """An undeclared one would mean "up to date" after an edit that changes results."""
    deps = declared(graph, stage)
    missing = {
        file.as_posix()
        for file in closure(stage)
        if not any(file == Path(dep) or Path(dep) in file.parents for dep in deps)
    }
    assert not missing


@pytest.mark.parametrize("stage", STAGES)
def test_no_code_dependency_is_superfluous(graph: dict[str, Any], stage: str) -> None:
    """A superfluous one would mean hours of work again after an edit that changes nothing."""
    files = closure(stage)
    superfluous = {
        dep
        for dep in declared(graph, stage)
        if Path(dep) not in files and not any(Path(dep) in file.parents for file in files)
    }
    assert not superfluous
    assert {dep for dep in declared(graph, stage) if not (ROOT / dep).exists()} == set()


@pytest.mark.parametrize("stage", STAGES)
def test_every_folder_in_the_command_is_a_dependency_or_an_output(
    graph: dict[str, Any], stage: str
) -> None:
    entry = stage_of(graph, stage)
    outs = {out if isinstance(out, str) else next(iter(out)) for out in entry["outs"]}
    outs |= {next(iter(out)) for out in entry.get("metrics", [])}
    paths = re.findall(r"(?:data|models|metrics|plots|chain)[/.]\S+", entry["cmd"])
    data = {dep for dep in entry["deps"] if not dep.startswith(CODE)}
    # a stage that reads some files of a folder may depend on those files alone
    folders = {
        next((path for path in paths if f"{dep}/".startswith(f"{path}/")), dep) for dep in data
    }
    assert set(paths) == folders | outs


# --- the chain ---


def stages_of_chain(folder: Path, last: int, null: bool = False) -> dict[str, dict[str, Any]]:
    """The stages that DVC makes of a chain: command, dependencies, outputs, dials."""
    from dvc.repo import Repo

    folder.mkdir()
    for name in ("dvc.yaml", "params.yaml"):
        (folder / name).write_text((ROOT / name).read_text())
    (folder / "chain.yaml").write_text(chain_yaml(last, null))
    with Repo.init(str(folder), no_scm=True) as repo:
        return {stage.name: definition(stage) for stage in repo.index.stages}


def definition(stage: Any) -> dict[str, Any]:
    from dvc.dependency import ParamsDependency

    deps = [dep for dep in stage.deps if not isinstance(dep, ParamsDependency)]
    return {
        "cmd": stage.cmd,
        "deps": [dep.def_path for dep in deps],
        "outs": [out.def_path for out in stage.outs],
        "params": [sorted(dep.params) for dep in stage.params],
    }


@pytest.mark.parametrize("last", [5, 60])
def test_a_chain_expands_to_five_stages_a_generation(tmp_path: Path, last: int) -> None:
    stages = stages_of_chain(tmp_path / "project", last)
    names = [f"g{number:02d}" for number in range(last + 1)]
    expected = {f"{stage}@{name}" for stage in ("finetune", "embed", "score") for name in names}
    expected |= {f"generate@{name}" for name in names[1:]} | {"prepare", "report"}
    assert stages.keys() == expected


def test_one_generation_more_changes_no_stage_that_was_there(tmp_path: Path) -> None:
    before, after = (stages_of_chain(tmp_path / str(last), last) for last in (20, 21))
    assert {name: after[name] for name in before} == before
    new = {f"{stage}@g21" for stage in ("generate", "finetune", "embed", "score")}
    assert after.keys() - before.keys() == new


def test_the_null_lineage_changes_no_stage_that_was_there(tmp_path: Path) -> None:
    alone, both = (stages_of_chain(tmp_path / str(null), 3, null) for null in (False, True))
    assert {name: both[name] for name in alone} == alone
    names = ("n01", "n02", "n03")
    stages = ("generate", "finetune", "embed", "score")
    assert both.keys() - alone.keys() == {f"{stage}@{name}" for stage in stages for name in names}
    assert "--regime fresh" in both["generate@n02"]["cmd"]
    assert "--regime params" in both["generate@g02"]["cmd"]
    assert "models/g00" in both["generate@n01"]["deps"]
    assert "models/n01" in both["generate@n02"]["deps"]


def test_each_generation_learns_from_the_one_before(tmp_path: Path) -> None:
    stages = stages_of_chain(tmp_path / "project", 12)
    for number in range(1, 13):
        name, parent = f"g{number:02d}", f"g{number - 1:02d}"
        assert f"models/{parent}" in stages[f"generate@{name}"]["deps"]
        assert f"models/{parent}" in stages[f"finetune@{name}"]["deps"]
        assert f"data/texts/{parent}" in stages[f"score@{name}"]["deps"]
        assert "pretrain" not in stages[f"finetune@{name}"]["params"][0]
    assert "pretrain" in stages["finetune@g00"]["params"][0]


def test_the_tracked_chain_is_what_the_command_writes() -> None:
    text = (ROOT / "chain.yaml").read_text()
    last = max(yaml.safe_load(text)["generations"])
    assert text == chain_yaml(int(last[1:]))


# --- params.yaml ---


@pytest.fixture(scope="module")
def params() -> dict[str, Any]:
    return command.sections(ROOT / "params.yaml")


def test_every_dial_has_a_comment() -> None:
    """Those of `finetune` that say the same as in `pretrain` point there once."""
    section, pointed, bare = "", False, []
    for line in (ROOT / "params.yaml").read_text().splitlines():
        if not re.match(r"\s*\w+:", line):
            continue
        if not line.startswith(" "):
            section, pointed = line.split(":")[0], False
        pointed = pointed or "as in pretrain" in line
        heading = line.rstrip().endswith(":") and line.startswith(" ")
        if "#" not in line and not pointed and not heading and line.strip() != f"{section}:":
            bare.append(line)
    assert not bare


def test_every_section_is_one_that_a_stage_reads_and_loads(params: dict[str, Any]) -> None:
    corpus = command.section(params, CorpusParams, but=tuple(SOURCES))
    assert corpus.source in SOURCES
    for name, cls in SOURCES.items():
        from_mapping(params["corpus"][name], cls, f"corpus.{name}")
    SampleParams(documents=params["generate"]["documents"])
    sections = {
        "model": ModelParams,
        "pretrain": TrainingParams,
        "generate": SamplingParams,
        "regime": RegimeParams,
        "witness": WitnessParams,
        "finetune": TrainingParams,
        "embed": EmbedParams,
        "score": ScoreParams,
        "report": ReportParams,
    }
    for name, cls in sections.items():
        from_mapping(params[name], cls, name)
    assert params.keys() == sections.keys() | {"seed", "seeds", "corpus"}
    for source in params["seeds"]:
        assert command.seed_of(ROOT / "params.yaml", source) == params["seed"]


def test_every_dial_is_tracked_by_a_stage(graph: dict[str, Any], params: dict[str, Any]) -> None:
    """A dial that no stage tracks could be turned without a rerun."""
    tracked = {key for stage in STAGES for key in stage_of(graph, stage)["params"]}
    tracked = tracked - {"${item.learns}"} | {"pretrain", "finetune"}
    assert params.keys() == {key.split(".")[0] for key in tracked}
    assert {f"seeds.{name}" for name in params["seeds"]} <= tracked


# --- budgets ---

LONG_MODULES = {
    "src/palimpsest/corpus/world_vocabulary.py": "word lists",
    "src/palimpsest/lm/sampling.py": "sampling and beams share their filters and their padding",
    "src/palimpsest/lm/transformer.py": "two families and the one decoder that both share",
}


def first_party() -> list[Path]:
    return sorted(
        path.relative_to(ROOT)
        for folder in ("src", "stages")
        for path in (ROOT / folder).rglob("*.py")
    )


def test_rooms_stay_liveable() -> None:
    """A stage of at most 100 lines, a module of 350, a function of 45 without its docstring."""
    too_long = []
    for file in first_party():
        text = (ROOT / file).read_text(encoding="utf-8")
        limit = 100 if file.parts[0] == "stages" else 350
        if len(text.splitlines()) > limit and file.as_posix() not in LONG_MODULES:
            too_long.append(f"{file}: {len(text.splitlines())} lines")
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.FunctionDef):
                docstring = ast.get_docstring(node, clean=False) or ""
                length = (node.end_lineno or 0) - node.lineno + 1
                if length - len(docstring.splitlines()) > 45:
                    too_long.append(f"{file}: {node.name} of {length} lines")
    assert not too_long
