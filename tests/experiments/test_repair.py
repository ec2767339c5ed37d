"""Locks that a kill has cut: what comes back, what runs again, what is not touched."""

import json
import os
import subprocess

import pytest
import yaml

from palimpsest.cli.main import main
from palimpsest.core.errors import ProjectError
from palimpsest.core.locks import KEPT, keep_locks
from palimpsest.experiments.project import refuse_while_running
from palimpsest.experiments.repair import repair

LOCK = """\
schema: '2.0'
stages:
  generate:
    cmd: python -m stages.generate --generation 1
    deps:
    - path: data/human
      hash: md5
      md5: 47a9502fd336659502247d058daf7681.dir
      size: 5465223
      nfiles: 7
    outs:
    - path: data/texts/g01
      hash: md5
      md5: df2b3a6d68ab3c2090ecdcdf3d7ca3e1.dir
      size: 1605280
      nfiles: 4
  score:
    cmd: python -m stages.score --generation 1
    outs:
    - path: data/scores/g01
      hash: md5
      md5: 13a8f5efa3c1362b2dd2e8402c35dcfb.dir
      size: 4168816
      nfiles: 6
    - path: metrics/generations/g01.json
      hash: md5
      md5: a946cdd75f63fba4ec35446f6b12cf5f
      size: 412
"""
STAGES = yaml.safe_load(LOCK)["stages"]


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A project with one generation and a whole lock; nothing is committed."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / ".dvc" / "tmp").mkdir(parents=True)
    folder = tmp_path / "generations" / "g01"
    folder.mkdir(parents=True)
    outs = {name: [out["path"] for out in entry["outs"]] for name, entry in STAGES.items()}
    stages = {name: {"outs": paths[:1], "metrics": paths[1:]} for name, paths in outs.items()}
    (folder / "dvc.yaml").write_text(yaml.safe_dump({"stages": stages}))
    (folder / "dvc.lock").write_text(LOCK)
    subprocess.run(["git", "init", "-q"], check=True)
    return tmp_path


def lock_of(project):
    return project / "generations" / "g01" / "dvc.lock"


def test_a_whole_lock_is_not_touched(project, capsys):
    keep_locks(project)
    before = lock_of(project).stat().st_mtime_ns
    assert repair(project) == []
    assert main(["repair"]) == 0
    assert capsys.readouterr().out == "every lock is whole\n"
    assert lock_of(project).stat().st_mtime_ns == before


def test_a_lock_cut_at_any_byte_comes_back_whole(project):
    keep_locks(project)
    for cut in range(len(LOCK)):
        lock_of(project).write_text(LOCK[:cut])
        repair(project)
        assert yaml.safe_load(lock_of(project).read_text())["stages"] == STAGES, cut


@pytest.mark.parametrize(
    "content", [b"", b"\x00\xff", b"schema: '2.0'\n", b"stages:\n  generate:\n"]
)
def test_without_a_copy_everything_runs_again(content, project, capsys):
    lock_of(project).write_bytes(content)
    assert main(["repair"]) == 0
    said = capsys.readouterr().out
    assert said == "generations/g01/dvc.lock: will run again: generate, score\nnext: dvc repro\n"
    assert not lock_of(project).exists()


def test_a_hash_that_is_null_is_an_entry_cut(project):
    keep_locks(project)
    lock_of(project).write_text(LOCK.replace("md5: df2b3a6d68ab3c2090ecdcdf3d7ca3e1.dir", "md5:"))
    (found,) = repair(project)
    assert (found.back, found.again) == (("generate",), ())
    assert lock_of(project).read_text() == LOCK


def test_what_is_newer_than_the_copy_stays(project):
    older = LOCK.replace("47a9502f", "00000000")
    lock_of(project).write_text(older)
    keep_locks(project)
    lock_of(project).write_text(LOCK[: LOCK.index("    outs:\n    - path: data/scores")])
    repair(project)
    stages = yaml.safe_load(lock_of(project).read_text())["stages"]
    assert stages == STAGES


def test_the_last_commit_has_what_no_copy_has(project):
    names = ["-c", "user.name=a", "-c", "user.email=a@b"]
    subprocess.run(["git", *names, "add", "generations"], check=True)
    subprocess.run(["git", *names, "commit", "-qm", "run"], check=True)
    lock_of(project).write_text("")
    (found,) = repair(project)
    assert (found.back, found.again) == (("generate", "score"), ())
    assert yaml.safe_load(lock_of(project).read_text())["stages"] == STAGES


def test_a_lock_that_is_not_whole_is_never_kept(project):
    keep_locks(project)
    between = LOCK[: LOCK.index("    - path: metrics/")]  # a whole line behind one of two outputs
    for content in ("", LOCK[:400], LOCK.replace("md5: a946", "x: a946"), between):
        lock_of(project).write_text(content)
        keep_locks(project)
        assert (project / KEPT / "generations" / "g01" / "dvc.lock").read_text() == LOCK


def test_a_generation_that_is_no_more_does_not_come_back(project):
    keep_locks(project)
    for path in (lock_of(project), lock_of(project).with_name("dvc.yaml")):
        path.unlink()
    assert repair(project) == []
    assert not lock_of(project).exists()


def test_nothing_is_changed_while_dvc_is_at_work(project, capsys):
    rwlock = project / ".dvc" / "tmp" / "rwlock"
    owner = {"pid": os.getpid(), "cmd": "dvc repro"}
    for held in ({"write": {"a": owner}}, {"read": {"a": [owner]}}):
        rwlock.write_text(json.dumps(held))
        with pytest.raises(
            ProjectError, match=f"want no running DVC, got process {os.getpid()} at"
        ):
            refuse_while_running(project)
        assert main(["repair"]) == 1
        assert main(["chain", "2"]) == 1
        assert "wait, or stop it" in capsys.readouterr().err
    for nothing in ("{}", "", "[]", '{"write": {"a": {"pid": 999999999}}}'):
        rwlock.write_text(nothing)
        refuse_while_running(project)


@pytest.mark.parametrize("content", ["", '{"write": {', "[" * 100_000])
def test_dvcs_list_of_processes_that_was_cut_is_taken_away(content, project, capsys):
    """DVC refuses to run on it: JSON structure is corrupted."""
    rwlock = project / ".dvc" / "tmp" / "rwlock"
    rwlock.write_text(content)
    assert main(["repair"]) == 0
    assert not rwlock.exists()
    assert "which was cut\nnext: dvc repro" in capsys.readouterr().out
    rwlock.write_text("{}")
    assert main(["repair"]) == 0
    assert rwlock.read_text() == "{}"
    assert capsys.readouterr().out == "every lock is whole\n"


def test_outside_a_project_it_is_one_line(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(["repair"]) == 1
    assert "want a project with .dvc, got none" in capsys.readouterr().err
