"""The graph: complete dependencies, generations that do not move, parameters that are explained."""

import ast
import re
import shutil
import sys
from functools import cache
from pathlib import Path
from typing import Any, get_args

import pytest
import yaml

from palimpsest.core.config import flattened
from palimpsest.core.parameters import Parameters, Randomness
from palimpsest.core.transitions import read_transitions
from palimpsest.experiments.project import chain_yaml, write_chain
from palimpsest.metrics.registry import metric
from tests.tiny import ROOT

STAGES = ("prepare", "generate", "finetune", "embed", "score", "report")
OF_A_GENERATION = ("generate", "finetune", "embed", "score")
CODE = ("src/", "stages/")
EXEMPT = {Path("src/palimpsest/__init__.py")}
"""Run by every stage and no dependency of any: they hold nothing that changes results."""
Entry = dict[str, Any]
"""A stage as it stands in a dvc.yaml."""


def dvc_files(root: Path) -> list[Path]:
    """The dvc.yaml files of a project: its own, then those of the generations."""
    return [root / "dvc.yaml", *sorted((root / "generations").glob("*/dvc.yaml"))]


def stages_in(root: Path) -> dict[str, Entry]:
    """The stages of a project by name: prepare, report, generate@g07 and so on."""
    stages: dict[str, Entry] = {}
    for file in dvc_files(root):
        generation = "" if file.parent == root else f"@{file.parent.name}"
        for name, entry in yaml.safe_load(file.read_text())["stages"].items():
            stages[f"{name}{generation}"] = entry
    return stages


def entries_of(stage: str) -> dict[str, Entry]:
    """A stage's entries in every tracked dvc.yaml."""
    return {
        name: entry for name, entry in stages_in(ROOT).items() if name.partition("@")[0] == stage
    }


def test_the_tracked_files_hold_every_stage() -> None:
    generations = sorted(path.name for path in (ROOT / "generations").iterdir() if path.is_dir())
    assert len(generations) > 1
    expected = {f"{stage}@{name}" for stage in OF_A_GENERATION for name in generations}
    assert stages_in(ROOT).keys() == expected - {"generate@g00"} | {"prepare", "report"}


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
    files: set[Path] = set()
    tree = ast.parse((ROOT / file).read_text(encoding="utf-8"))
    tree.body = [node for node in tree.body if getattr(node, "name", "") != "__getattr__"]
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                files |= with_packages(alias.name)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{file}: a relative import, which this test cannot follow"
            files |= with_packages(node.module or "")
            for alias in node.names:
                files |= with_packages(f"{node.module}.{alias.name}")
                lazy = node.module == "palimpsest" and not module_file(f"palimpsest.{alias.name}")
                assert not lazy, f"{file}: import {alias.name} from where it is defined"
    return frozenset(files)


def closure(stage: str) -> set[Path]:
    """The first-party files that a stage runs."""
    todo = sorted(with_packages(f"stages.{stage}"))
    seen: set[Path] = set()
    while todo:
        file = todo.pop()
        if file not in seen:
            seen.add(file)
            todo.extend(imported(file))
    return seen


def test_the_walk_sees_imports_inside_functions_and_packages_around_modules() -> None:
    assert Path("src/palimpsest/lm/hub.py") in imported(Path("src/palimpsest/lm/checkpoint.py"))
    assert Path("src/palimpsest/lm/__init__.py") in closure("generate")
    assert Path("src/palimpsest/embedding/minilm.py") in closure("embed")
    assert Path("src/palimpsest/lm/checkpoint.py") not in closure("score")
    assert Path("src/palimpsest/corpus/world/grammar.py") in closure("prepare")


def test_modules_are_imported_by_name_where_only_the_user_knows_which() -> None:
    """An import that the walk cannot follow is that of a plugin, named in score.custom."""
    files = {file for stage in STAGES for file in closure(stage)}
    dynamic = {
        file.as_posix()
        for file in files
        if re.search(r"\bimport_module\(|\b__import__\(|\brunpy\b", (ROOT / file).read_text())
    }
    assert dynamic == {"src/palimpsest/evaluation/plugins.py"}


def changes_nothing(node: ast.stmt) -> bool:
    """Whether a statement of an exempt file cannot change a result."""
    match node:
        case ast.Expr(value=ast.Constant(value=str())):
            return True
        case ast.Import(names=names):
            return all(alias.name.split(".")[0] in sys.stdlib_module_names for alias in names)
        case ast.ImportFrom(module=str() as module, level=0):
            return module.split(".")[0] in sys.stdlib_module_names
        case ast.Assign(targets=[ast.Name(id="__all__")], value=ast.List()):
            return True
        case ast.FunctionDef(name="__getattr__", body=body):
            parts = [part for one in body for part in ast.walk(one) if isinstance(part, ast.stmt)]
            return all(
                isinstance(p, ast.If | ast.ImportFrom | ast.Return | ast.Raise) for p in parts
            )
        case ast.FunctionDef(name="__dir__", body=[ast.Return(value=ast.Name(id="__all__"))]):
            return True
        case _:
            return False


@pytest.mark.parametrize("file", sorted(EXEMPT))
def test_an_exempt_file_holds_nothing_that_changes_results(file: Path) -> None:
    """A docstring, imports of the standard library and re-exports."""
    tree = ast.parse((ROOT / file).read_text(encoding="utf-8"))
    assert [ast.unparse(node) for node in tree.body if not changes_nothing(node)] == []


@pytest.mark.parametrize(
    "line",
    [
        "import torch", "from palimpsest.core import rng", "from . import core", "x = 1",
        "__all__ = f()", "print()", "sys.path.insert(0, 'src')", "def f(): pass",
        "def __getattr__(name):\n    global x\n    x = 1", "def __dir__():\n    return f()",
    ],
)  # fmt: skip
def test_what_an_exempt_file_may_not_hold_is_seen(line: str) -> None:
    assert not all(changes_nothing(node) for node in ast.parse(line).body)


def declared(entry: Entry) -> set[str]:
    """The code that a stage depends on."""
    return {dep for dep in entry["deps"] if dep.startswith(CODE)}


def inside(file: Path, dep: str) -> bool:
    """Whether a dependency is a file or a folder that holds it."""
    return file == Path(dep) or Path(dep) in file.parents


@pytest.mark.parametrize("stage", STAGES)
def test_every_imported_file_is_a_dependency(stage: str) -> None:
    """An undeclared one would mean "up to date" after an edit that changes results."""
    files = closure(stage) - EXEMPT
    assert len(files) > 1
    missing = {
        f"{name}: {file.as_posix()}"
        for name, entry in entries_of(stage).items()
        for file in files
        if not any(inside(file, dep) for dep in declared(entry))
    }
    assert not missing


@pytest.mark.parametrize("stage", STAGES)
def test_no_code_dependency_is_superfluous(stage: str) -> None:
    """A superfluous one would mean hours of work again after an edit that changes nothing."""
    files = closure(stage) - EXEMPT
    for name, entry in entries_of(stage).items():
        deps = declared(entry)
        assert len(deps) == len([dep for dep in entry["deps"] if dep.startswith(CODE)]), name
        assert {dep for dep in deps if not any(inside(file, dep) for file in files)} == set(), name
        assert {dep for dep in deps if not (ROOT / dep).exists()} == set(), name


# --- files and folders ---


def written_project(folder: Path, last: int, control: bool = False) -> Path:
    """The graph's files alone, as `palimpsest chain` writes them."""
    (folder / "generations").mkdir(parents=True)
    for name in ("dvc.yaml", "params.yaml", "generations/dvc.yaml.j2"):
        shutil.copy(ROOT / name, folder / name)
    write_chain(folder, last, control)
    return folder


def check_paths(name: str, entry: Entry) -> None:
    """Every path of a stage's command is one of its dependencies or outputs."""
    outs = {out if isinstance(out, str) else next(iter(out)) for out in entry["outs"]}
    outs |= {next(iter(out)) for out in entry.get("metrics", [])}
    paths = re.findall(r"(?:data|models|metrics|plots|chain|presets)[/.]\S+", entry["cmd"])
    data = {dep for dep in entry["deps"] if not dep.startswith(CODE)}
    # a stage that reads some files of a folder may depend on those files alone
    folders = {
        next((path for path in paths if f"{dep}/".startswith(f"{path}/")), dep) for dep in data
    }
    assert set(paths) == folders | outs, name
    assert not folders & outs, name
    assert ("@" in name) == (entry.get("wdir") == "../.."), name


def test_every_folder_in_a_command_is_a_dependency_or_an_output(tmp_path: Path) -> None:
    control = stages_in(written_project(tmp_path / "project", 3, control=True))
    assert "score@n03" in control
    for stages in (stages_in(ROOT), control):
        for name, entry in stages.items():
            check_paths(name, entry)


def test_the_tracked_files_are_what_the_command_writes(tmp_path: Path) -> None:
    names = list(read_transitions(ROOT / "chain.yaml"))
    last = max(int(name[1:]) for name in names)
    project = written_project(tmp_path / "project", last, control="n01" in names)
    assert (project / "chain.yaml").read_bytes() == (ROOT / "chain.yaml").read_bytes()
    tracked, new = ({f.relative_to(r): f for f in dvc_files(r)} for r in (ROOT, project))
    assert tracked.keys() == new.keys()
    assert len(new) == 1 + len(names)
    for name, file in new.items():
        assert file.read_bytes() == tracked[name].read_bytes(), name


# --- the chain ---


def stages_of_chain(folder: Path, last: int, control: bool = False) -> dict[str, Entry]:
    """The stages that DVC makes of a chain: command, dependencies, outputs, parameters."""
    from dvc.repo import Repo

    written_project(folder, last, control)
    with Repo.init(str(folder), no_scm=True) as repo:
        return {full_name(stage): definition(stage) for stage in repo.index.stages}


def full_name(stage: Any) -> str:
    """generate@g07, or the bare name of a stage in the project's own dvc.yaml."""
    folder = Path(stage.path).parent
    return f"{stage.name}@{folder.name}" if folder.parent.name == "generations" else stage.name


def definition(stage: Any) -> Entry:
    """What DVC decides by whether a stage runs again."""
    from dvc.dependency import ParamsDependency

    deps = [dep for dep in stage.deps if not isinstance(dep, ParamsDependency)]
    return {
        "cmd": stage.cmd,
        "wdir": Path(stage.wdir).relative_to(stage.repo.root_dir).as_posix(),
        "deps": [dep.def_path for dep in deps],
        "outs": [out.def_path for out in stage.outs],
        "params": [sorted(dep.params) for dep in stage.params],
    }


@pytest.mark.parametrize("last", [5, 60])
def test_a_chain_has_four_stages_a_generation(tmp_path: Path, last: int) -> None:
    stages = stages_of_chain(tmp_path / "project", last)
    names = [f"g{number:02d}" for number in range(last + 1)]
    expected = {f"{stage}@{name}" for stage in ("finetune", "embed", "score") for name in names}
    expected |= {f"generate@{name}" for name in names[1:]} | {"prepare", "report"}
    assert stages.keys() == expected
    assert {entry["wdir"] for entry in stages.values()} == {"."}


def test_one_generation_more_changes_no_stage_that_was_there(tmp_path: Path) -> None:
    before, after = (stages_of_chain(tmp_path / str(last), last) for last in (20, 21))
    assert {name: after[name] for name in before} == before
    new = {f"{stage}@g21" for stage in OF_A_GENERATION}
    assert after.keys() - before.keys() == new


def test_the_control_chain_changes_no_stage_that_was_there(tmp_path: Path) -> None:
    alone, both = (stages_of_chain(tmp_path / str(control), 3, control) for control in (0, 1))
    assert {name: both[name] for name in alone} == alone
    names = ("n01", "n02", "n03")
    new = {f"{stage}@{name}" for stage in OF_A_GENERATION for name in names}
    assert both.keys() - alone.keys() == new
    assert "--regime fresh" in both["generate@n02"]["cmd"]
    assert "--regime params" in both["generate@g02"]["cmd"]
    assert "models/g00" in both["generate@n01"]["deps"]
    assert "models/n01" in both["generate@n02"]["deps"]


def test_each_generation_is_trained_after_the_one_before(tmp_path: Path) -> None:
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
    last = max(yaml.safe_load(text)["transitions"])
    assert text == chain_yaml(int(last[1:]))


# --- parameters that a stage reads ---


def read_by(source: str) -> set[str]:
    """The dotted parameters that a stage's source reads.

    Those are the longest attribute chains on the variable `parameters` or on `Parameters.load(...)`
    itself; of `parameters.seed_of("corpus")`, the seed and the source's own. A check that gives no
    result, `parameters.check_context(128)` or `check_ready(parameters)`, reads nothing that could
    change one.
    """
    tree = ast.parse(source)
    check_that_no_other_name_holds_them(tree)
    inner = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    seeds = {
        id(node.func): node.args[0]
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "parameters.seed_of"
    }
    checks = {
        id(node.value.func)
        for node in ast.walk(tree)
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Call)
    }
    parameters: set[str] = set()
    for node in ast.walk(tree):
        if not isinstance(node, ast.Attribute) or id(node) in inner:
            continue
        keys, root = [node.attr], node.value
        while isinstance(root, ast.Attribute):
            keys, root = [root.attr, *keys], root.value
        if not is_parameters(root):
            continue
        if id(node) in checks and len(keys) == 1 and keys[0].startswith("check_"):
            continue
        if keys == ["seed_of"]:
            argument = seeds[id(node)]
            assert isinstance(argument, ast.Constant), "a seed that this test cannot follow"
            parameters |= {"seed", f"seeds.{argument.value}"}
        else:
            parameters.add(".".join(keys))
    return parameters


def is_parameters(node: ast.AST) -> bool:
    """Whether an expression is the whole of params.yaml."""
    if isinstance(node, ast.Call):
        return ast.unparse(node.func) == "Parameters.load"
    return isinstance(node, ast.Name) and node.id == "parameters"


def check_that_no_other_name_holds_them(tree: ast.Module) -> None:
    """The whole is assigned to `parameters`, or given to a function here that calls it so too."""
    functions = {node.name: node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}
    followed: set[int] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute):
            followed.add(id(node.value))
        elif isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "parameters":
            followed |= {id(node.value), id(node.targets[0])}
        elif isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):
            if ast.unparse(node.value.func).startswith("check_"):
                followed |= {id(value) for value in node.value.args}
        elif isinstance(node, ast.Call) and ast.unparse(node.func) in functions:
            names = [argument.arg for argument in functions[ast.unparse(node.func)].args.args]
            given = zip(names, node.args, strict=False)
            followed |= {id(value) for name, value in given if name == "parameters"}
    lost = [n for n in ast.walk(tree) if is_parameters(n) and id(n) not in followed]
    assert not lost, [f"line {node.lineno}" for node in lost]


def covers(tracked: str, parameter: str) -> bool:
    """Whether a tracked key is the parameter or a section around it."""
    return f"{parameter}.".startswith(f"{tracked}.")


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("parameters = Parameters.load(p)\nx = parameters.embed.encoder", {"embed.encoder"}),
        ("x = Parameters.load(p).report", {"report"}),
        ("f(parameters.seed_of('corpus'))", {"seed", "seeds.corpus"}),
        ("def f(parameters): return parameters.score\nf(parameters)", {"score"}),
        ("x, y = parameters.a if z else parameters.b, parameters.c.d(1)", {"a", "b", "c.d"}),
        ("other.score + params.score", set()),
        ("parameters.check_context(parameters.model.context)", {"model.context"}),
        ("x = parameters.check_context(1)", {"check_context"}),
        ("check_ready(parameters, parameters.model.context)", {"model.context"}),
        ("parameters.score.check_it()", {"score.check_it"}),
    ],
)
def test_the_walk_sees_what_is_read(source: str, expected: set[str]) -> None:
    assert read_by(source) == expected


@pytest.mark.parametrize(
    "source",
    [
        "p = parameters", "p = Parameters.load(x)", "f(parameters)",
        "def f(p): return p.score\nf(parameters)", "x = getattr(parameters, name)",
        "parameters.seed_of(name)", "x = check_ready(parameters)", "f(check_ready(parameters))",
    ],
)  # fmt: skip
def test_what_the_walk_cannot_follow_is_refused(source: str) -> None:
    with pytest.raises(AssertionError):
        read_by(source)


def reads(stage: str, entry: Entry) -> set[str]:
    """The parameters that an entry reads: of the two training sections, that of its command."""
    parameters = read_by((ROOT / "stages" / f"{stage}.py").read_text(encoding="utf-8"))
    parameters.add("compute")  # by stages/__init__.py, before the stage
    section = re.search(r"--section (\w+)", entry["cmd"])
    return parameters - ({"pretrain", "finetune"} - {section[1]}) if section else parameters


@pytest.mark.parametrize("stage", STAGES)
def test_every_parameter_that_a_stage_reads_is_tracked(stage: str) -> None:
    """One that is not could be changed without a rerun."""
    for name, entry in entries_of(stage).items():
        needed = reads(stage, entry)
        assert needed, name
        untracked = {key for key in needed if not any(covers(t, key) for t in entry["params"])}
        assert not untracked, name


@pytest.mark.parametrize("stage", STAGES)
def test_no_tracked_parameter_is_superfluous(stage: str) -> None:
    """One that is would mean hours of work again for nothing."""
    for name, entry in entries_of(stage).items():
        needed = reads(stage, entry)
        unread = {t for t in entry["params"] if not any(covers(t, key) for key in needed)}
        assert not unread, name


# --- params.yaml ---


@pytest.fixture(scope="module")
def params() -> dict[str, Any]:
    content: dict[str, Any] = yaml.safe_load((ROOT / "params.yaml").read_text())
    return content


def test_every_parameter_has_a_comment() -> None:
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


def test_every_section_is_one_that_can_be_loaded(params: dict[str, Any]) -> None:
    loaded = Parameters.load(ROOT / "params.yaml")
    assert params.keys() == Parameters.model_fields.keys()
    assert params["seeds"].keys() == set(get_args(Randomness))
    for source in get_args(Randomness):
        assert loaded.seed_of(source) == params["seed"]


def test_every_parameter_is_tracked_by_a_stage(params: dict[str, Any]) -> None:
    """A parameter that no stage tracks could be changed without a rerun.

    ``models`` says what stays on the disk when all has run: nothing that is made may depend on it.
    """
    tracked = {key for entry in stages_in(ROOT).values() for key in entry["params"]}
    assert params.keys() - {"models"} == {key.split(".")[0] for key in tracked}
    del params["models"]
    assert {f"seeds.{name}" for name in params["seeds"]} <= tracked
    untracked = [key for key in flattened(params) if not any(covers(t, key) for t in tracked)]
    assert not untracked


# --- budgets ---

LONG_MODULES = {
    "src/palimpsest/core/parameters.py": "a class for each section, a docstring for each parameter",
    "src/palimpsest/corpus/world/vocabulary.py": "word lists",
    "src/palimpsest/lm/transformer.py": "two architectures and the one model that both share",
    "src/palimpsest/metrics/registry.py": "the table of all metrics",
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
    assert not too_long, "\n".join(too_long)


def test_the_plots_are_those_of_the_registry() -> None:
    """Title and unit are said once; a plot draws a curve that the report writes."""
    plots = yaml.safe_load((ROOT / "dvc.yaml").read_text())["plots"]
    assert plots
    for plot in plots:
        ((name, drawn),) = plot.items()
        entry = metric(name)
        assert "plot" in entry.shown.split()
        assert drawn["title"] == entry.label[:1].upper() + entry.label[1:]
        assert drawn["y_label"] == (entry.unit or ("share" if entry.is_share else entry.label))
        assert drawn["template"] == "generations"
        assert drawn["y"] == {f"plots/curves/{name}.csv": "value"}
