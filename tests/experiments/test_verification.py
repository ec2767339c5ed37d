"""Verification: DVC's hashes, what was committed, what a stage makes when it is run again."""

import hashlib
import json
import shutil
import subprocess
import sys

import pytest
import yaml

from palimpsest.cli.main import main
from palimpsest.core.errors import PalimpsestError, ProjectError
from palimpsest.experiments.project import chain_yaml
from palimpsest.experiments.verification import committed, every_name, hash_of, recomputed

MAKE = """
import pathlib, sys
source, target = map(pathlib.Path, sys.argv[1:])
target.mkdir()
(target / "text").write_text(source.joinpath("text").read_text() + "once more\\n")
"""
GENERATIONS = ("g00", "g01")


def made_by(parent, name):
    return f"python make.py {parent} data/texts/{name}"


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A chain whose stages copy a text, run once and committed."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "make.py").write_text(MAKE)
    (tmp_path / "chain.yaml").write_text(chain_yaml(1))
    human = tmp_path / "data" / "human"
    human.mkdir(parents=True)
    (human / "text").write_text("human\n")
    parent = "data/human"
    for name in GENERATIONS:
        out = f"data/texts/{name}"
        (tmp_path / "data" / "texts").mkdir(exist_ok=True)
        command = made_by(parent, name)
        subprocess.run([sys.executable, *command.split()[1:]], check=True)
        folder = tmp_path / "generations" / name
        folder.mkdir(parents=True)
        stages = {"copy": {"cmd": command, "deps": [parent], "outs": [out]}}
        (folder / "dvc.yaml").write_text(yaml.safe_dump({"stages": stages}))
        sizes = {"hash": "md5", "size": 1, "nfiles": 1}
        lock = {
            "cmd": command,
            "deps": [{"path": parent, "md5": hash_of(tmp_path / parent), **sizes}],
            "outs": [{"path": out, "md5": hash_of(tmp_path / out), **sizes}],
        }
        content = {"schema": "2.0", "stages": {"copy": lock}}
        (folder / "dvc.lock").write_text(yaml.safe_dump(content))
        parent = out
    for words in (["init", "-q"], ["add", "generations", "chain.yaml"], ["commit", "-qm", "run"]):
        names = ["-c", "user.name=a", "-c", "user.email=a@b"]
        subprocess.run(["git", *names, *words], check=True)
    return tmp_path


def edit_lock(project, name, **out):
    path = project / "generations" / name / "dvc.lock"
    content = yaml.safe_load(path.read_text())
    content["stages"]["copy"]["outs"][0].update(out)
    path.write_text(yaml.safe_dump(content))


def test_the_hash_of_a_folder_by_hand(tmp_path):
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "x").write_text("1")
    (tmp_path / "a").write_text("2")
    one, two = (hashlib.md5(text).hexdigest() for text in (b"1", b"2"))
    listed = json.dumps([{"md5": two, "relpath": "a"}, {"md5": one, "relpath": "b/x"}])
    assert hash_of(tmp_path) == hashlib.md5(listed.encode()).hexdigest() + ".dir"
    assert hash_of(tmp_path / "a") == two


def test_what_was_committed_is_what_is_here_until_a_lock_says_other(project):
    assert [one.same for one in committed(project)] == [True, True]
    edit_lock(project, "g01", md5="0" * 32)
    outputs = committed(project)
    assert [(one.stage, one.same) for one in outputs] == [("g00: copy", True), ("g01: copy", False)]
    assert outputs[1].got == "0" * 32


def test_a_stage_run_again_makes_what_its_lock_names_and_touches_nothing(project):
    before = {path: path.read_bytes() for path in project.rglob("*") if path.is_file()}
    outputs = list(recomputed(project, GENERATIONS))
    assert [(one.stage, one.path, one.same) for one in outputs] == [
        ("g00: copy", "data/texts/g00", True),
        ("g01: copy", "data/texts/g01", True),
    ]
    assert {path: path.read_bytes() for path in project.rglob("*") if path.is_file()} == before


def test_from_the_first_other_output_on_what_was_made_is_the_input(project):
    (project / "make.py").write_text(MAKE.replace("once more", "another time"))
    outputs = list(recomputed(project, GENERATIONS))
    assert [one.same for one in outputs] == [False, False]
    # g01 alone reads the g00 of the workspace
    (project / "make.py").write_text(MAKE)
    assert [one.same for one in recomputed(project, ["g01"])] == [True]


def test_what_was_made_is_the_next_ones_input_where_the_workspace_has_none(project):
    shutil.rmtree(project / "data" / "texts" / "g00")
    assert [one.same for one in recomputed(project, GENERATIONS)] == [True, True]


def test_an_input_that_is_not_the_locks_is_refused(project):
    (project / "data" / "texts" / "g00" / "text").write_text("edited\n")
    with pytest.raises(
        ProjectError, match=r"g01: copy: want data/texts/g00 as its lock names it, g"
    ):
        list(recomputed(project, ["g01"]))


def test_a_stage_that_fails_or_never_ran_is_one_line(project):
    (project / "make.py").write_text("raise SystemExit('no disk')")
    with pytest.raises(ProjectError, match="g00: copy: want a stage that runs, got no disk"):
        list(recomputed(project, ["g00"]))
    (project / "generations" / "g01" / "dvc.lock").write_text("schema: '2.0'\nstages: {}\n")
    with pytest.raises(ProjectError, match="g01: copy: want a lock, got none; dvc repro"):
        list(recomputed(project, ["g01"]))


def test_the_whole_chain_is_both_ends_and_what_lies_between(project):
    assert every_name(project) == ["prepare", "g00", "g01", "report"]


def test_the_command_says_from_where_on_it_is_other(project, capsys):
    assert main(["verify"]) == 0
    assert capsys.readouterr().out == "2 of 2 outputs as in HEAD\n"
    assert main(["verify", "g00", "g01"]) == 0
    assert capsys.readouterr().out.count("equal") == 2
    edit_lock(project, "g00", md5="0" * 32)
    facts = {"threads": 8, "portable": False}
    (project / "data" / "texts" / "g00" / "provenance.json").write_text(json.dumps(facts))
    assert main(["verify"]) == 1
    said = capsys.readouterr().out
    assert "1 of 2 outputs as in HEAD" in said
    assert "from here on: g00: copy, data/texts/g00" in said
    assert "made here with threads 8, portable False" in said
    assert "one kind of processor" in said


def test_without_locks_there_is_nothing_to_verify(project):
    names = ["-c", "user.name=a", "-c", "user.email=a@b"]
    for name in GENERATIONS:
        (project / "generations" / name / "dvc.lock").unlink()
    # what was committed and is no more is other, too
    assert [(one.same, one.got) for one in committed(project)] == [(False, None)] * 2
    subprocess.run(["git", *names, "commit", "-qam", "none"], check=True)
    with pytest.raises(ProjectError, match="HEAD: want locks of stages that ran, got none"):
        committed(project)


def test_a_generation_that_is_not_committed_is_new(project):
    folder = project / "generations" / "g02"
    folder.mkdir()
    old = (project / "generations" / "g01" / "dvc.lock").read_text()
    (folder / "dvc.lock").write_text(old.replace("g01", "g02"))
    assert [(one.path, one.wanted) for one in committed(project) if not one.same] == [
        ("data/texts/g02", None)
    ]


def test_a_lock_that_is_cut_is_refused_with_the_way_to_repair_it(project):
    path = project / "generations" / "g01" / "dvc.lock"
    path.write_text(path.read_text()[:-40])
    with pytest.raises(ProjectError, match=r"want a whole lock of DVC, .*; palimpsest repair"):
        committed(project)


def test_a_file_of_an_output_is_an_input_and_the_others_are_there_too(project):
    """g01 reads one file of what g00 made anew; nothing of the workspace is mixed in."""
    path = project / "generations" / "g01" / "dvc.lock"
    content = yaml.safe_load(path.read_text())
    content["stages"]["copy"]["deps"][0]["path"] = "data/texts/g00/text"
    content["stages"]["copy"]["deps"][0]["md5"] = hash_of(project / "data/texts/g00/text")
    path.write_text(yaml.safe_dump(content))
    assert [one.same for one in recomputed(project, ["g01"])] == [True]
    assert [one.same for one in recomputed(project, GENERATIONS)] == [True, True]


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("../elsewhere", "outs"),
        ("data/../../elsewhere", "outs"),
        ("/etc/passwd", "outs"),
        ("../" * 17 + "elsewhere", "deps"),
        ("data/" + "../" * 17 + "elsewhere", "deps"),
    ],
)
def test_a_lock_whose_paths_climb_out_is_refused(project, path, kind):
    file = project / "generations" / "g01" / "dvc.lock"
    content = yaml.safe_load(file.read_text())
    content["stages"]["copy"][kind][0]["path"] = path
    file.write_text(yaml.safe_dump(content))
    wanted = {"outs": "outputs in this project", "deps": "dependencies at most 16 folders above"}
    with pytest.raises(ProjectError, match=rf"dvc\.lock: want {wanted[kind]}, got \S*e"):
        list(recomputed(project, ["g01"]))
    with pytest.raises(ProjectError, match=f"want {wanted[kind]}"):
        committed(project)


@pytest.mark.parametrize("stages", ["3", "[1]", "true: 1", ""])
def test_a_dvc_yaml_without_stages_is_named(project, stages):
    (project / "generations" / "g01" / "dvc.yaml").write_text(f"stages: {stages}\n")
    with pytest.raises(PalimpsestError, match=r"dvc\.yaml: want (stages of DVC|valid YAML), got"):
        list(recomputed(project, ["g01"]))


def test_a_command_that_no_shell_reads_is_named(project):
    file = project / "generations" / "g01" / "dvc.lock"
    content = yaml.safe_load(file.read_text())
    content["stages"]["copy"]["cmd"] = "python 'make.py"
    file.write_text(yaml.safe_dump(content))
    with pytest.raises(ProjectError, match="g01: copy: want a command, got No closing quotation"):
        list(recomputed(project, ["g01"]))


def test_a_dependency_beside_the_project_is_seen(project):
    """What params.yaml names by path may lie outside, as ../corpora/texts.jsonl does."""
    beside = project.parent / "beside.txt"
    beside.write_text("a text")
    maker = "from pathlib import Path\nassert Path('../beside.txt').read_text() == 'a text'\n"
    (project / "make.py").write_text(maker + MAKE)
    file = project / "generations" / "g01" / "dvc.lock"
    content = yaml.safe_load(file.read_text())
    for path in ("../beside.txt", str(beside)):
        content["stages"]["copy"]["deps"].append({"path": path, "md5": "0" * 32, "size": 6})
    file.write_text(yaml.safe_dump(content))
    assert [one.same for one in recomputed(project, ["g01"])] == [True]
