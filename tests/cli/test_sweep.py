"""`palimpsest sweep`: what it queues, and a queue that it takes up again."""

import json
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from palimpsest.cli.main import main
from palimpsest.experiments.project import chain_yaml
from palimpsest.experiments.sweep import queue_states
from tests.tiny import ROOT

STAND_IN = """
import json, sys
from pathlib import Path

words = sys.argv[3:]
queue = Path("queue").read_text().splitlines()
if words == ["exp", "show", "--json", "-n", "20"]:
    known = [dict(zip(("name", "state"), line.split(), strict=True)) for line in queue]
    experiments = [{"name": one["name"], "executor": {"state": one["state"]}} for one in known]
    print(json.dumps([{"experiments": None}, {"experiments": experiments}]))
elif Path("broken").exists():
    sys.exit("ERROR: no")
else:
    assert words[:4] == ["exp", "run", "--queue", "--name"]
    with open("queue", "a") as file:
        file.write(f"{words[4]} queued\\n")
    with open("calls", "a") as file:
        file.write(" ".join(words) + "\\n")
    if Path("dvc.yaml").exists():
        with open("graphs", "a") as file:
            file.write(Path("dvc.yaml").read_text() + "----")
"""
"""A DVC that keeps its queue in a file, a name and a state a line."""


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    identity = ["-c", "user.email=a@b", "-c", "user.name=n"]
    for words in (["init", "-q"], [*identity, "commit", "-q", "--allow-empty", "-mx"]):
        subprocess.run(["git", *words], check=True)
    Path("params.yaml").write_text((ROOT / "params.yaml").read_text())
    Path("chain.yaml").write_text("transitions: {}\n")
    Path("sweep.yaml").write_text("grid: {seed: [0, 1], regime.kind: [replace, fresh]}\n")
    return tmp_path


@pytest.fixture
def project(repository: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository with a stand-in for DVC."""
    Path("queue").write_text("")
    dvc = repository / "dvc"
    dvc.write_text(f"#!{sys.executable}{STAND_IN}")
    dvc.chmod(dvc.stat().st_mode | stat.S_IEXEC)
    monkeypatch.setattr("palimpsest.experiments.project.sys.executable", str(dvc))
    return repository


def queue(project: Path) -> list[str]:
    """The lines of the stand-in's queue."""
    return (project / "queue").read_text().splitlines()


def test_only_what_is_missing_is_queued(project, capsys):
    assert main(["sweep", "sweep.yaml", "--dry-run"]) == 0
    assert "4 chains: 0 done, 0 waiting, 4 missing" in capsys.readouterr().out
    assert queue(project) == []
    assert main(["sweep", "sweep.yaml"]) == 0
    names = [line.split()[0] for line in queue(project)]
    assert len(set(names)) == 4
    call = (project / "calls").read_text().splitlines()[1]
    assert call == f"exp run --queue --name {names[1]} -Sseed=0 -Sregime.kind=fresh"
    capsys.readouterr()
    # one ran, one failed, two wait: the failed one is queued again
    subprocess.run(["git", "update-ref", f"refs/exps/aa/bb/{names[0]}", "HEAD"], check=True)
    text = (project / "queue").read_text().replace("queued", "failed", 2)
    (project / "queue").write_text(text.replace("queued", "running", 1))
    assert main(["sweep", "sweep.yaml"]) == 0
    out = capsys.readouterr().out
    assert f"failed before: {names[1]}; dvc queue logs NAME says why" in out
    assert "4 chains: 1 done, 2 waiting, 1 queued now" in out
    assert f"queue {names[1]}: seed=0 regime.kind=fresh" in out
    assert queue(project)[4:] == [f"{names[1]} queued"]


def ran_one(project: Path) -> str:
    """Queues a sweep of one chain, which then has run; its name."""
    (project / "sweep.yaml").write_text("grid: {seed: [0]}\n")
    assert main(["sweep", "sweep.yaml"]) == 0
    name = (project / "queue").read_text().split()[0]
    subprocess.run(["git", "update-ref", f"refs/exps/aa/bb/{name}", "HEAD"], check=True)
    return name


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
    (project / "queue").write_text(line + line.replace("queued", "failed"))
    capsys.readouterr()
    assert main(["sweep", "sweep.yaml"]) == 0
    assert "1 chains: 0 done, 1 waiting, 0 queued now" in capsys.readouterr().out


def test_a_value_that_no_chain_can_have_is_not_queued(project, capsys):
    (project / "sweep.yaml").write_text("grid: {seed: [0, 1], generate.temperature: [1, -1]}\n")
    assert main(["sweep", "sweep.yaml"]) == 1
    assert capsys.readouterr().err == "error: generate.temperature: want > 0, got -1\n"
    assert queue(project) == []


def test_a_number_and_its_text_are_queued_once_and_known_again(project, capsys):
    (project / "sweep.yaml").write_text('grid: {generate.temperature: [0.5, "0.5", 5e-1]}\n')
    assert main(["sweep", "sweep.yaml"]) == 0
    (line,) = queue(project)
    name = line.split()[0]
    assert f"queue {name}: generate.temperature=0.5\n1 chains: " in capsys.readouterr().out
    subprocess.run(["git", "update-ref", f"refs/exps/aa/bb/{name}", "HEAD"], check=True)
    (project / "sweep.yaml").write_text('grid: {generate.temperature: ["0.5"]}\n')
    assert main(["sweep", "sweep.yaml"]) == 0
    assert f"next: palimpsest compare {name}\n" in capsys.readouterr().out
    assert len(queue(project)) == 1


NO_RESERVE = (
    "error: corpus.reserve: want >= 10500 (21 generations of 500 unseen human documents), got "
    "10000; raise it, make the chain shorter, or leave the control chain out (--no-null)\n"
)
"""The default's 10,000 unseen documents last for 20 generations of 500."""


@pytest.mark.parametrize(
    ("last", "control", "grid", "fits"),
    [
        (20, False, "{seed: [0], regime.kind: [replace, fresh]}", True),
        (20, True, "{seed: [0], regime.kind: [replace, fresh]}", True),
        (21, False, "{seed: [0], regime.kind: [replace, mix]}", True),
        # one chain of several that would not last: none is queued
        (21, False, "{seed: [0], regime.kind: [replace, fresh]}", False),
        (21, True, "{seed: [0], regime.kind: [replace, mix]}", False),
    ],
)
@pytest.mark.parametrize("words", [[], ["--dry-run"]])
def test_a_reserve_that_would_not_last_queues_nothing(
    project, capsys, last, control, grid, fits, words
):
    Path("chain.yaml").write_text(chain_yaml(last, control))
    Path("sweep.yaml").write_text(f"grid: {grid}\n")
    assert main(["sweep", "sweep.yaml", *words]) == (0 if fits else 1)
    shown = capsys.readouterr()
    assert len(queue(project)) == (2 if fits and not words else 0)
    assert ("2 chains: " in shown.out) is fits
    assert shown.err == ("" if fits else NO_RESERVE)


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


def test_what_dvc_itself_has_queued_is_waiting(repository: Path, capsys) -> None:
    """With DVC as it is installed, whose answer the stand-in imitates."""
    stage = {"cmd": "true", "params": ["seed"]}
    Path("dvc.yaml").write_text(json.dumps({"stages": {"one": stage}}))
    dvc = [sys.executable, "-m", "dvc"]
    subprocess.run([*dvc, "init", "-q"], check=True)
    for key, value in (("user.email", "a@b"), ("user.name", "n")):
        subprocess.run(["git", "config", key, value], check=True)
    subprocess.run(["git", "add", "-A"], check=True)
    subprocess.run(["git", "commit", "-qm", "x"], check=True)
    Path("sweep.yaml").write_text("grid: {seed: [3], generate.prompts: [[A city, 'x: y']]}\n")
    assert main(["sweep", "sweep.yaml"]) == 0
    assert "1 chains: 0 done, 0 waiting, 1 queued now" in capsys.readouterr().out
    (state,) = queue_states(repository).values()
    assert state[1] == "queued"
    assert state[0].startswith("seed-3-prompts-A-city-x-y-")
    shown = subprocess.run([*dvc, "exp", "show", "--json"], check=True, capture_output=True)
    (experiment,) = json.loads(shown.stdout)[1]["experiments"]
    params = experiment["revs"][0]["data"]["params"]["params.yaml"]["data"]
    assert params["seed"] == 3
    assert main(["sweep", "sweep.yaml"]) == 0
    assert "1 chains: 0 done, 1 waiting, 0 queued now" in capsys.readouterr().out


def test_each_chain_depends_on_what_it_names_itself(project: Path) -> None:
    """Not on the models of the others; afterwards the graph is the workspace's again."""
    for name in ("small", "large"):
        (project / name).mkdir()
    Path("chain.yaml").write_text(chain_yaml(1))
    Path("dvc.yaml").write_text((ROOT / "dvc.yaml").read_text())
    Path("generations").mkdir()
    template = "generations/dvc.yaml.j2"
    Path(template).write_text((ROOT / template).read_text())
    assert main(["chain"]) == 0
    before = Path("dvc.yaml").read_text()
    Path("sweep.yaml").write_text("grid: {model.source: [scratch, ./small, large]}\n")
    assert main(["sweep", "sweep.yaml"]) == 0
    graphs = Path("graphs").read_text().split("----")[:3]
    names = [[name for name in ("small", "large") if f'- "{name}"' in graph] for graph in graphs]
    assert names == [[], ["small"], ["large"]]
    assert Path("dvc.yaml").read_text() == before
    # a template without a place for them is named
    Path(template).write_text(Path(template).read_text().replace("named.embed", "[]"))
    params = Path("params.yaml").read_text()
    Path("params.yaml").write_text(params.replace("model: bundled", "model: small"))
    assert main(["chain"]) == 1
