"""Chains out of git: which files a revision has, what the locks say, which scores do not count."""

import json
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from palimpsest.core.errors import ComparisonError, ParamsError
from palimpsest.experiments import project as experiments_project
from palimpsest.experiments.revisions import (
    WORKSPACE,
    all_runs,
    experiments,
    inconsistent_inputs,
    locked_stages,
    read_parameters,
    read_run,
    revision_files,
    stale,
)

PARAMS = "seed: 0\nregime:\n  kind: replace\n"
METRICS = "metrics/generations"


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository of a chain of three generations, one commit."""
    monkeypatch.chdir(tmp_path)
    git("init", "-q")
    git("config", "user.email", "nobody@example.org")
    git("config", "user.name", "Nobody")
    git("config", "core.autocrlf", "false")
    write("params.yaml", PARAMS)
    write("chain.yaml", "transitions: {g00: {}, g01: {}, g02: {}}\n")
    for number in range(3):
        write(f"{METRICS}/g{number:02d}.json", json.dumps({"volume": 1 / (1 + number)}))
    commit()
    return tmp_path


def git(*words: str) -> str:
    done = subprocess.run(["git", *words], capture_output=True, text=True, check=True)
    return done.stdout.strip()


def write(name: str, content: str | bytes) -> None:
    path = Path(name)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content if isinstance(content, bytes) else content.encode())


def commit() -> str:
    git("add", "-A")
    git("commit", "-q", "-m", "x")
    return git("rev-parse", "HEAD")


def lock(*names: str, **entry: Any) -> str:
    """A lock in which some stages have the same entry."""
    return yaml.safe_dump({"schema": "2.0", "stages": {name: entry for name in names}})


def locked(**params: Any) -> dict[str, Any]:
    return {"params": {"params.yaml": params}}


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The words of every git command that the package gives."""
    given: list[str] = []
    run: Callable[..., Any] = subprocess.run

    def watched(command: list[str], **more: Any) -> Any:
        given.append(" ".join(command))
        return run(command, **more)

    monkeypatch.setattr(experiments_project.subprocess, "run", watched)
    return given


# --- the files of a revision ---


def test_a_revision_is_read_by_one_call(project: Path, calls: list[str]) -> None:
    files = revision_files(project, "HEAD")
    assert files == {
        "params.yaml": PARAMS,
        "chain.yaml": "transitions: {g00: {}, g01: {}, g02: {}}\n",
        f"{METRICS}/g00.json": '{"volume": 1.0}',
        f"{METRICS}/g01.json": '{"volume": 0.5}',
        f"{METRICS}/g02.json": json.dumps({"volume": 1 / 3}),
    }
    assert calls == [f"git ls-tree -r --name-only HEAD -- {METRICS} generations",
                     "git cat-file --batch"]  # fmt: skip


def test_only_what_a_comparison_reads_is_read(project: Path) -> None:
    for name in ("data/x.json", "metrics/integrity.json", "generations/g01/dvc.yaml", "a/dvc.lock"):
        write(name, "{}")
    write("generations/g01/dvc.lock", lock("score"))
    write("dvc.lock", lock("prepare"))
    commit()
    names = {"params.yaml", "chain.yaml", "dvc.lock", "generations/g01/dvc.lock"}
    assert revision_files(project, "HEAD").keys() == names | {
        f"{METRICS}/g{number:02d}.json" for number in range(3)
    }


def test_files_that_are_missing_are_left_out(project: Path) -> None:
    git("rm", "-q", "chain.yaml", f"{METRICS}/g01.json")
    commit()
    names = {"params.yaml", f"{METRICS}/g00.json", f"{METRICS}/g02.json"}
    assert revision_files(project, "HEAD").keys() == names
    assert list(read_run(project, "HEAD", {}).generations) == [0, 2]


@pytest.mark.parametrize("odd", ["with a space.json", "g01 missing.json", "süß.json", 'a"b.json'])
def test_odd_names_do_no_harm(project: Path, odd: str) -> None:
    write(f"{METRICS}/{odd}", '{"volume": 9}')
    write("generations/a folder/dvc.lock", lock("score"))
    commit()
    files = revision_files(project, "HEAD")
    assert json.loads(files[f"{METRICS}/g02.json"]) == {"volume": 1 / 3}
    assert files["generations/a folder/dvc.lock"] == lock("score")
    if odd.isascii() and '"' not in odd:
        assert files[f"{METRICS}/{odd}"] == '{"volume": 9}'
    run = read_run(project, "HEAD", {})
    assert [values["volume"] for values in run.generations.values()] == [1.0, 0.5, 1 / 3]


@pytest.mark.parametrize(
    "params",
    [
        "seed: 0\nregime:\n  kind: replace # süß\n",
        "seed: 0\r\nregime:\r\n  kind: replace\r\n",
        "seed: 0\nregime: {kind: replace} # a\rb\n",
        "# e69de29bb2d1d6434b8b29ae775ad8c2e48c5391 blob 5\nseed: 0\nregime: {kind: replace}",
    ],
)
def test_every_byte_is_read(project: Path, params: str) -> None:
    write("params.yaml", params)
    write(f"{METRICS}/g01.json", b"")
    commit()
    files = revision_files(project, "HEAD")
    assert files["params.yaml"].encode() == params.encode()
    assert files["chain.yaml"].startswith("transitions: ")
    assert files[f"{METRICS}/g01.json"] == ""
    assert files[f"{METRICS}/g02.json"] == json.dumps({"volume": 1 / 3})


def test_a_project_in_a_subfolder_is_read_from_there(project: Path) -> None:
    for name in ("params.yaml", "chain.yaml", "metrics"):
        Path("sub").mkdir(exist_ok=True)
        git("mv", name, "sub")
    write(f"{METRICS}/g00.json", '{"volume": 7}')
    commit()
    assert len(revision_files(project / "sub", "HEAD")) == 5
    assert read_run(project / "sub", "HEAD", {}).value("volume", 0) == 1.0


@pytest.mark.parametrize("where", ["HEAD", WORKSPACE])
@pytest.mark.parametrize("name", ["params.yaml", f"{METRICS}/g01.json"])
def test_a_file_that_is_no_utf_8_is_one_line(project: Path, where: str, name: str) -> None:
    write(name, b"seed: \xff\n")
    commit()
    with pytest.raises(ComparisonError, match=rf"^{where}: want params.yaml and {METRICS}, got 'u"):
        read_run(project, where, {})


@pytest.mark.parametrize("where", ["HEAD", WORKSPACE])
@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("params.yaml", "seed: [", f"want params.yaml and {METRICS}, got while parsing"),
        ("chain.yaml", "transitions: [", f"want params.yaml and {METRICS}, got while parsing"),
        ("dvc.lock", "stages: [", f"want params.yaml and {METRICS}, got while parsing"),
        ("generations/g01/dvc.lock", "stages: [", f"want params.yaml and {METRICS}, got while"),
        (f"{METRICS}/g01.json", "{", f"want params.yaml and {METRICS}, got Expecting"),
        (f"{METRICS}/g01.json", "[1, 'x']", f"want params.yaml and {METRICS}, got Expecting"),
        (f"{METRICS}/g01.json", "[1]", r"g01.json: want numbers or null by metric, got \[1\]"),
        (f"{METRICS}/g01.json", '{"a": true}', "g01.json: want numbers or null by metric, got Tr"),
        (f"{METRICS}/g01.json", "null", "g01.json: want numbers or null by metric, got None"),
        (f"{METRICS}/g01.json", '{"a": NaN}', f"want params.yaml and {METRICS}, got NaN is no"),
        (f"{METRICS}/g01.json", '{"=cmd()": 1}', "want metrics with names of letters, digits and"),
        (f"{METRICS}/g01.json", "[" * 9999, f"want params.yaml and {METRICS}, got nested more"),
        ("params.yaml", "seed: 0x_", f"want params.yaml and {METRICS}, got invalid literal"),
        ("dvc.lock", "stages: {a: {deps: 3}}", f"want params.yaml and {METRICS}, got dvc.lock: a"),
        ("dvc.lock", "stages: {a: {outs: [{path: [1]}]}}", f"want params.yaml and {METRICS}, got"),
        ("dvc.lock", "stages: {a: {params: [1]}}", f"want params.yaml and {METRICS}, got dvc.lo"),
    ],
)
def test_damaged_files_are_one_line(
    project: Path, where: str, name: str, content: str, message: str
) -> None:
    write(name, content)
    commit()
    with pytest.raises(ComparisonError, match=rf"^{where}: .*{message}" if "want p" in message
                       else message) as caught:  # fmt: skip
        read_run(project, where, {})
    assert "\n" not in str(caught.value)


def test_without_params_it_is_no_chain(project: Path) -> None:
    write("params.yaml", "- a\n")
    with pytest.raises(ParamsError, match=r"workspace: want params.yaml with sections, got \['a'"):
        read_run(project, WORKSPACE, {})
    git("rm", "-qf", "params.yaml")
    commit()
    for where in ("HEAD", WORKSPACE):
        with pytest.raises(ComparisonError, match=f"{where}: want a params.yaml, got none"):
            read_run(project, where, {})


def test_names_are_experiments_then_revisions(project: Path) -> None:
    first = git("rev-parse", "HEAD")
    git("update-ref", "refs/exps/ab/cd/one", first)
    git("update-ref", "refs/exps/ab/cd/two-1a2b", first)
    for own in ("exec/EXEC_HEAD", "celery/stash", "apply/x", "stash", "init"):
        git("update-ref", f"refs/exps/{own}", first)
    write(f"{METRICS}/g00.json", '{"volume": 5}')
    git("tag", "-a", "mine", commit(), "-m", "annotated")
    known = experiments(project)
    assert known == {"one": "refs/exps/ab/cd/one", "two-1a2b": "refs/exps/ab/cd/two-1a2b"}
    values = [read_run(project, n, known).value("volume", 0) for n in ("one", "mine", "HEAD~1")]
    assert values == [1.0, 5.0, 1.0]
    with pytest.raises(ComparisonError, match=r"^no: want an experiment \(one, two-1a2b\), a git"):
        read_run(project, "no", known)
    tree = git("rev-parse", "HEAD^{tree}")
    with pytest.raises(ComparisonError, match="a git revision or workspace, got neither"):
        read_run(project, tree, known)


def test_one_that_cannot_be_read_does_not_hide_the_others(project: Path) -> None:
    git("update-ref", "refs/exps/ab/cd/good", "HEAD")
    for name, content in (("bytes", b"\xff"), ("sections", b"7"), ("yaml", b"[")):
        write("params.yaml", content)
        git("update-ref", f"refs/exps/ab/cd/{name}", commit())
    write("params.yaml", PARAMS)
    runs, left_out = all_runs(project, [])
    assert [run.name for run in runs] == [WORKSPACE, "good"]
    assert {why.partition(":")[0] for why in left_out} == {"bytes", "sections", "yaml"}


# --- locks ---


def test_old_and_new_locks_name_the_same_stages() -> None:
    one, other = locked(seed=1), locked(seed=2)
    old = {"dvc.lock": yaml.safe_dump({"stages": {
        "prepare": one, "finetune@g00": one, "score@g07": other, "score@n01": one,
    }})}  # fmt: skip
    new = {
        "params.yaml": "stages: {score: {}}",
        "dvc.lock": lock("prepare", **one),
        "generations/g00/dvc.lock": lock("finetune", **one),
        "generations/g07/dvc.lock": lock("score", **other),
        "generations/n01/dvc.lock": lock("score", **one),
    }
    assert locked_stages(old) == locked_stages(new)
    assert locked_stages(new) == {
        "prepare": one, "finetune@g00": one, "score@g07": other, "score@n01": one,
    }  # fmt: skip


@pytest.mark.parametrize(
    "content", ["", "7", "stages:", "stages: []", "stages: {prepare: null, report: [1]}"]
)
def test_a_lock_of_nothing_has_no_stages(content: str) -> None:
    assert locked_stages({"dvc.lock": content, "generations/g00/dvc.lock": content}) == {}


def test_stale_by_hand() -> None:
    parameters = {"seed": 0, "regime.kind": "mix", "generate.top_k": 1}
    stages: Mapping[str, Mapping[str, Any]] = {
        "prepare": locked(seed=1),
        "finetune@g00": locked(**{"regime.kind": "fresh"}),
        "generate@g01": locked(regime={"kind": "fresh"}, seed=0),
        "score@g01": locked(**{"gone.since": 3}),
        "score@g02": locked(seed="0e0", **{"generate.top_k": 1.0}),
        "embed@g02": {},
        "score@n01": locked(seed=4),
        "report": locked(seed=9),
    }
    assert stale(stages, parameters) == {
        "g00": ["regime.kind", "seed"],
        "g01": ["gone.since", "regime.kind"],
        "n01": ["seed"],
    }


def sides(deps: Mapping[str, str], outs: Mapping[str, str]) -> dict[str, Any]:
    return {
        side: [{"path": path, "md5": md5} for path, md5 in files.items()]
        for side, files in (("deps", deps), ("outs", outs))
    }


def test_inconsistent_inputs_by_hand() -> None:
    stages = {
        "prepare": sides({}, {"models/base": "b", "data/texts/g00": "t"}),
        "finetune@g00": sides({"models/base": "old", "data/texts/g00": "t"}, {"models/g00": "m"}),
        "embed@g00": sides({"models/g00": "m", "data/elsewhere": "e"}, {}),
        "score@g01": sides({"models/g00": "other"}, {}),
        "report": sides({"models/g00": "older"}, {}),
    }
    assert inconsistent_inputs(stages, ["g00"]) == [
        "finetune@g00 read another models/base than prepare wrote"
    ]
    assert inconsistent_inputs(stages, ["g00", "g01"])[1:] == [
        "score@g01 read another models/g00 than finetune@g00 wrote"
    ]
    assert inconsistent_inputs(stages, ["g01"]) == []
    # an output that DVC does not hash says nothing
    unhashed = {"prepare": {"outs": [{"path": "models/base"}]}, "finetune@g00": sides(
        {"models/base": "b"}, {})}  # fmt: skip
    assert inconsistent_inputs(unhashed, ["g00"]) == []


LOCKS = {
    "one for all": lambda name, content: ("dvc.lock", content.replace("score:", f"score@{name}:")),
    "one each": lambda name, content: (f"generations/{name}/dvc.lock", content),
}


@pytest.mark.parametrize("where", ["HEAD", WORKSPACE])
@pytest.mark.parametrize("form", LOCKS)
def test_scores_of_other_parameters_do_not_count(project: Path, where: str, form: str) -> None:
    write(*LOCKS[form]("g02", lock("score", **locked(seed=0))))
    commit()
    assert len(read_run(project, where, {}).generations) == 3
    write(*LOCKS[form]("g02", lock("score", **locked(seed=1, regime={"kind": "fresh"}))))
    commit()
    message = (
        "scores of the parameters in its params.yaml, got g02 scored with other regime.kind, s"
    )
    with pytest.raises(ComparisonError, match=message):
        read_run(project, where, {})
    # a generation that the chain no longer has, or one of the control chain, does not matter
    write("chain.yaml", "transitions: {g00: {}, g01: {}}\n")
    write(*LOCKS[form]("n01", lock("score", **locked(seed=1))))
    commit()
    assert len(read_run(project, where, {}).generations) == 2


@pytest.mark.parametrize("where", ["HEAD", WORKSPACE])
@pytest.mark.parametrize("form", LOCKS)
def test_scores_of_other_inputs_do_not_count(project: Path, where: str, form: str) -> None:
    entry = sides({"models/base": "old"}, {})
    write(*LOCKS[form]("g01", lock("score", **entry)))
    content = yaml.safe_load(Path("dvc.lock").read_text()) if form == "one for all" else {}
    stages = {**content.get("stages", {}), "prepare": sides({}, {"models/base": "new"})}
    write("dvc.lock", yaml.safe_dump({"stages": stages}))
    commit()
    message = "got score@g01 read another models/base than prepare wrote; dvc repro"
    with pytest.raises(ComparisonError, match=message):
        read_run(project, where, {})


def test_a_chain_of_the_form_before_transitions_is_read(project: Path) -> None:
    write("chain.yaml", "generations: {g00: {index: 0}, g01: {index: 1}}\nlinks: {g01: {}}\n")
    commit()
    for where in ("HEAD", WORKSPACE):
        assert list(read_run(project, where, {}).generations) == [0, 1]
    write("chain.yaml", "")
    assert list(read_run(project, WORKSPACE, {}).generations) == [0, 1, 2]


def test_the_control_chain_is_no_generation_of_the_chain(project: Path) -> None:
    write(f"{METRICS}/n01.json", '{"volume": 9}')
    write(f"{METRICS}/gx.json", '{"volume": 9}')
    commit()
    for where in ("HEAD", WORKSPACE):
        assert list(read_run(project, where, {}).generations) == [0, 1, 2]


def test_parameters_are_dotted(project: Path) -> None:
    assert read_parameters(Path("params.yaml")) == {"seed": 0, "regime.kind": "replace"}
    assert read_run(project, "HEAD", {}).parameters == {"seed": 0, "regime.kind": "replace"}
    with pytest.raises(ParamsError, match=r"none\.yaml: want a YAML file, got no such file"):
        read_parameters(Path("none.yaml"))
