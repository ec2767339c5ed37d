"""`palimpsest sweep`: plans by hand, names, and a queue that it takes up again."""

import stat
import subprocess
from pathlib import Path

import pytest
import yaml
from dvc.utils.hydra import apply_overrides

from palimpsest.cli import main
from palimpsest.errors import ParamsError
from palimpsest.sweep_command import _hydra, name_of, planned
from tests.tiny import ROOT

DIALS = {"seed": 0, "regime.kind": "replace", "generate.top_k": 0, "generate.prompts": []}


def test_a_grid_is_every_combination():
    found = planned({"grid": {"seed": [0, 1], "regime.kind": ["replace", "fresh"]}}, DIALS, "f")
    assert found == [
        {"seed": 0, "regime.kind": "replace"}, {"seed": 0, "regime.kind": "fresh"},
        {"seed": 1, "regime.kind": "replace"}, {"seed": 1, "regime.kind": "fresh"},
    ]  # fmt: skip


def test_one_and_one_point_nought_are_one_chain():
    plan = planned({"grid": {"generate.top_k": [1, 1.0, 2]}}, DIALS, "sweep.yaml")
    assert plan == [{"generate.top_k": 1}, {"generate.top_k": 2}]


def test_every_variant_meets_the_whole_grid_and_nothing_comes_twice():
    variants = [{"regime.kind": "fresh"}, {"generate.top_k": 50}, {"regime.kind": "fresh"}]
    found = planned({"variants": variants, "grid": {"seed": [0, 1]}}, DIALS, "f")
    assert len(found) == 4
    assert found[0] == {"regime.kind": "fresh", "seed": 0}
    assert planned({"variants": [{"seed": 1}, {"seed": 1}]}, DIALS, "f") == [{"seed": 1}]
    same = {"variants": [{}, {"seed": 0}, {"regime.kind": "replace"}, {"seed": 1}]}
    assert planned(same, DIALS, "f") == [{}, {"seed": 1}]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, r"sweep.yaml: want `grid` \(dial: list of values\)"),
        ({}, "sweep.yaml: want `grid`"),
        ({"gird": {}}, "sweep.yaml: want `grid`"),
        ({"grid": []}, None),
        ({"grid": {"seed": 1}}, r"grid\.seed: want a list of values, got 1"),
        ({"grid": {"seed": []}}, r"grid\.seed: want a list of values, got \[\]"),
        ({"variants": ["fresh"]}, r"variants, 1: want dials with values, got 'fresh'"),
        (
            {"grid": {"seed": [1]}, "variants": [{"seed": 2}]},
            "seed: want each dial in `grid` or in",
        ),
        ({"grid": {"regime.knd": ["a"]}}, r"regime\.knd: want a dial of params\.yaml, got no such"),
    ],
)
def test_what_is_no_sweep_is_named(content, message):
    if message is None:
        assert planned(content, DIALS, "sweep.yaml") == [{}]
        return
    with pytest.raises(ParamsError, match=message):
        planned(content, DIALS, "sweep.yaml")


def test_a_name_tells_the_dials_and_changes_with_everything():
    name = name_of({"regime.kind": "fresh", "seed": 1}, DIALS | {"seed": 1}, b"chain")
    assert name.startswith("kind-fresh-seed-1-")
    assert name == name_of({"regime.kind": "fresh", "seed": 1}, DIALS | {"seed": 1}, b"chain")
    others = [
        name_of({"regime.kind": "fresh", "seed": 1}, DIALS | {"seed": 2}, b"chain"),
        name_of({"regime.kind": "fresh", "seed": 1}, DIALS | {"seed": 1}, b"longer"),
    ]
    assert name not in others
    assert name_of({}, DIALS, b"").startswith("as-is-")
    odd = name_of({"generate.prompts": ["a b~^:"]}, DIALS, b"")
    assert all(letter.isalnum() or letter == "-" for letter in odd)


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository with a stand-in for DVC that keeps its queue in a file."""
    monkeypatch.chdir(tmp_path)
    for words in (
        ["init", "-q"],
        ["-c", "user.email=a@b", "-c", "user.name=n", "commit", "-q", "--allow-empty", "-mx"],
    ):
        subprocess.run(["git", *words], check=True)
    Path("params.yaml").write_text((ROOT / "params.yaml").read_text())
    Path("chain.yaml").write_text("generations: {}\n")
    Path("queue").write_text("")
    Path("bin").mkdir()
    dvc = Path("bin/dvc")
    dvc.write_text(
        "#!/bin/sh\nshift 2\n"
        'if [ "$1" = queue ]; then echo "Task     Name    Created   Status"; cat queue\n'
        'elif [ -e broken ]; then echo "ERROR: no" >&2; exit 1\n'
        'else echo "abc  $5  04:15 AM  Queued" >> queue; echo "$@" >> calls; fi\n'
    )
    dvc.chmod(dvc.stat().st_mode | stat.S_IEXEC)
    monkeypatch.setattr("palimpsest.dvc_project.sys.executable", str(dvc))
    Path("sweep.yaml").write_text("grid: {seed: [0, 1], regime.kind: [replace, fresh]}\n")
    return tmp_path


def test_only_what_is_missing_is_queued(project, capsys):
    assert main(["sweep", "sweep.yaml", "--dry-run"]) == 0
    assert "4 chains: 0 done, 0 waiting, 4 missing" in capsys.readouterr().out
    assert (project / "queue").read_text() == ""
    assert main(["sweep", "sweep.yaml"]) == 0
    names = [line.split()[1] for line in (project / "queue").read_text().splitlines()]
    assert len(set(names)) == 4
    call = (project / "calls").read_text().splitlines()[1]
    assert call == f"exp run --queue --name {names[1]} -Sseed=0 -Sregime.kind=fresh"
    capsys.readouterr()
    # one ran, one failed, two wait: the failed one is queued again
    subprocess.run(["git", "update-ref", f"refs/exps/aa/bb/{names[0]}", "HEAD"], check=True)
    text = (project / "queue").read_text().replace("Queued", "Failed", 2)
    (project / "queue").write_text(text)
    assert main(["sweep", "sweep.yaml"]) == 0
    out = capsys.readouterr().out
    assert f"failed before: {names[1]}; dvc queue logs NAME says why" in out
    assert "4 chains: 1 done, 2 waiting, 1 queued now" in out
    assert f"queue {names[1]}: seed=0 regime.kind=fresh" in out


def ran_one(project: Path) -> str:
    """Queues a sweep of one chain, which then has run; its name."""
    (project / "sweep.yaml").write_text("grid: {seed: [0]}\n")
    assert main(["sweep", "sweep.yaml"]) == 0
    name = (project / "queue").read_text().split()[1]
    subprocess.run(["git", "update-ref", f"refs/exps/aa/bb/{name}", "HEAD"], check=True)
    return name


@pytest.mark.parametrize(
    "value",
    [
        "replace", "Zürich is", "a'b", 'a"b', "back\\slash", "end\\", "two\nlines", "x ${seed} y",
        "123", "null", "true", "1e-3", "", " lead", "a,b", "[x]", "a: b", "#c", "\\'", 5e-4, 1,
        True, None, ["Zürich is", "a, b", [1, 2]], [], 3.0,
    ],
)  # fmt: skip
def test_what_is_queued_is_what_stands_in_the_file(value, tmp_path):
    path = tmp_path / "params.yaml"
    path.write_text("seed: 0\ndial: old\n")
    apply_overrides(str(path), [f"dial={_hydra(value)}"])
    got = yaml.safe_load(path.read_text())["dial"]
    assert (got, type(got)) == (value, type(value))


def test_when_all_ran_it_says_how_to_compare(project, capsys):
    name = ran_one(project)
    capsys.readouterr()
    assert main(["sweep", "sweep.yaml"]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "1 chains: 1 done, 0 waiting, 0 queued now", f"next: palimpsest compare {name}",
    ]  # fmt: skip


def test_a_chain_is_known_by_its_hash_whatever_else_its_name_says(project, capsys):
    name = ran_one(project)
    capsys.readouterr()
    (project / "sweep.yaml").write_text("grid: {seed: [0], regime.kind: [replace]}\n")
    assert main(["sweep", "sweep.yaml"]) == 0
    assert f"next: palimpsest compare {name}\n" in capsys.readouterr().out


def test_a_chain_that_failed_and_waits_again_is_waiting(project, capsys):
    (project / "sweep.yaml").write_text("grid: {seed: [0]}\n")
    assert main(["sweep", "sweep.yaml"]) == 0
    line = (project / "queue").read_text()
    (project / "queue").write_text(line + line.replace("Queued", "Failed"))
    capsys.readouterr()
    assert main(["sweep", "sweep.yaml"]) == 0
    assert "1 chains: 0 done, 1 waiting, 0 queued now" in capsys.readouterr().out


def test_a_value_that_no_chain_can_have_is_not_queued(project, capsys):
    (project / "sweep.yaml").write_text("grid: {seed: [0, 1], generate.temperature: [1, -1]}\n")
    assert main(["sweep", "sweep.yaml"]) == 1
    assert capsys.readouterr().err == "error: generate.temperature: want > 0, got -1.0\n"
    assert (project / "queue").read_text() == ""


def test_what_dvc_refuses_is_one_line(project, capsys):
    (project / "broken").touch()
    assert main(["sweep", "sweep.yaml"]) == 1
    assert capsys.readouterr().err == "error: dvc exp run: want an answer, got ERROR: no\n"


def test_a_missing_file_is_one_line(project, capsys):
    assert main(["sweep", "none.yaml"]) == 1
    assert capsys.readouterr().err == "error: none.yaml: want a YAML file, got no such file\n"
    (project / "chain.yaml").unlink()
    assert main(["sweep", "sweep.yaml"]) == 1
    assert capsys.readouterr().err == (
        "error: chain.yaml: want a file, got No such file or directory; palimpsest chain N\n"
    )
    (project / "params.yaml").write_text("")
    assert main(["sweep", "sweep.yaml"]) == 1
    assert "params.yaml: want params.yaml with sections, got None\n" in capsys.readouterr().err


def test_without_git_it_is_one_line(project, capsys, monkeypatch):
    monkeypatch.setenv("PATH", "/nowhere")
    assert main(["sweep", "sweep.yaml"]) == 1
    assert capsys.readouterr().err.startswith("error: git for-each-ref: want an answer, got [Errno")
