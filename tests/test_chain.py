"""The whole graph under DVC: it runs, stays, grows, and survives a kill bit for bit."""

import csv
import json
import math
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import matplotlib.image
import pytest
import yaml

from palimpsest.dvc_project import write_chain
from tests.tiny import ROOT, tiny_params, write_params

PROJECT = (".dvcignore", ".gitignore", "dvc.yaml", "src", "stages")
PICTURES = {"dashboard.png", "integrity.png", "perplexity.png", "truth.png", "cloud.png"}


def new_project(root: Path) -> Path:
    """The tracked files of the project, with a tiny model and a chain of two."""
    root.mkdir()
    for name in PROJECT:
        source = ROOT / name
        if source.is_dir():
            ignored = shutil.ignore_patterns("__pycache__")
            shutil.copytree(source, root / name, ignore=ignored)
        else:
            shutil.copy(source, root / name)
    (root / ".dvc").mkdir()
    for name in ("config", ".gitignore"):
        shutil.copy(ROOT / ".dvc" / name, root / ".dvc" / name)
    write_params(root / "params.yaml", tiny_params())
    write_chain(root, 2)
    subprocess.run(["git", "init", "-q"], cwd=root, check=True)
    return root


def environment() -> dict[str, str]:
    """This interpreter is the stages' `python`; one thread, so that nothing is left to chance."""
    bin_folder = Path(sys.executable).parent
    return {
        **os.environ,
        "PATH": f"{bin_folder}{os.pathsep}{os.environ['PATH']}",
        "OMP_NUM_THREADS": "1",
        "DVC_NO_ANALYTICS": "1",
    }


def dvc(root: Path, *argv: str) -> str:
    """Runs DVC to its end and returns what it said."""
    done = subprocess.run(
        [sys.executable, "-m", "dvc", *argv],
        cwd=root,
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def stages_run(said: str) -> list[str]:
    return [line.split("'")[1] for line in said.splitlines() if line.startswith("Running stage")]


HANGING = """
import os, tempfile, time

make = tempfile.mkdtemp

def mkdtemp(suffix=None, prefix=None, dir=None):
    path = make(suffix, prefix, dir)
    if f"{dir}/{prefix}" == os.environ.get("HANG_AT"):
        with open(os.path.join(path, "half"), "w") as file:
            file.write("written")
        time.sleep(600)
    return path

tempfile.mkdtemp = mkdtemp
"""
"""A sitecustomize.py: the process that writes a certain output stops half-way."""


def kill_while_writing(root: Path, hook: Path, output: str) -> None:
    """Starts `dvc repro` and kills it, with its children, when half of an output is written."""
    (hook / "sitecustomize.py").write_text(HANGING)
    folder, name = output.rsplit("/", 1)
    running = subprocess.Popen(
        [sys.executable, "-m", "dvc", "repro"],
        cwd=root,
        env={**environment(), "PYTHONPATH": str(hook), "HANG_AT": f"{folder}/.{name}-"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        deadline = time.monotonic() + 600
        while not list(root.glob(f"{folder}/.{name}-*/half")):
            assert running.poll() is None, "dvc repro ended before the output came"
            assert time.monotonic() < deadline
            time.sleep(0.05)
    finally:
        os.killpg(running.pid, signal.SIGKILL)
        running.wait()
    assert not (root / output).exists()


def lock(root: Path) -> dict[str, dict[str, object]]:
    stages: dict[str, dict[str, object]] = yaml.safe_load((root / "dvc.lock").read_text())["stages"]
    return stages


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A chain of two generations, run to the end."""
    root = new_project(tmp_path_factory.mktemp("chain") / "project")
    ran = stages_run(dvc(root, "repro"))
    assert len(ran) == len(set(ran)) == 13
    return root


def test_the_headline_is_finite(finished: Path) -> None:
    headline = json.loads((finished / "metrics" / "integrity.json").read_text())
    assert set(headline) == {"integrity", "perplexity", "distinct_2", "facts", "truth"}
    for name in ("integrity", "perplexity", "distinct_2"):
        assert math.isfinite(headline[name]), name
    for number in range(3):
        path = finished / "metrics" / "generations" / f"g{number:02d}.json"
        values = json.loads(path.read_text())
        for name in ("volume", "drift", "perplexity_heldout"):
            assert math.isfinite(values[name]), name


def test_the_trajectory_tells_phases_alarms_and_forecast(finished: Path) -> None:
    trajectory = json.loads((finished / "metrics" / "trajectory.json").read_text())
    assert trajectory
    assert "NaN" not in (finished / "metrics" / "trajectory.json").read_text()


def test_pictures_can_be_looked_at_and_the_page_read(finished: Path) -> None:
    pictures = {path.name: path for path in (finished / "plots" / "pictures").iterdir()}
    assert pictures.keys() == PICTURES
    for path in pictures.values():
        height, width, _ = matplotlib.image.imread(path).shape
        assert min(height, width) > 100
    page = (finished / "plots" / "report.html").read_text()
    assert page.startswith("<!")
    assert "</html>" in page
    assert len(page) > 10_000


def test_every_plot_of_the_graph_has_its_curve(finished: Path) -> None:
    plots = yaml.safe_load((finished / "dvc.yaml").read_text())["plots"]
    paths = [path for plot in plots for entry in plot.values() for path in entry["y"]]
    assert paths
    for path in paths:
        header, *rows = (finished / path).read_text().splitlines()
        assert {"generation", "value"} <= set(header.split(","))
        assert len(rows) == 3


def test_nothing_is_left_to_do(finished: Path) -> None:
    assert "up to date" in dvc(finished, "status")
    before = (finished / "dvc.lock").read_bytes()
    assert stages_run(dvc(finished, "repro")) == []
    assert (finished / "dvc.lock").read_bytes() == before


def test_a_killed_chain_goes_on_to_the_same_hashes(finished: Path, tmp_path: Path) -> None:
    """Another folder, two kills, and every output the same bit for bit."""
    wanted = lock(finished)
    root = new_project(tmp_path / "killed")
    kill_while_writing(root, tmp_path, "models/g01")
    done = set(lock(root))
    assert "finetune@g00" in done
    assert "finetune@g01" not in done
    kill_while_writing(root, tmp_path, "data/texts/g02")
    ran = stages_run(dvc(root, "repro"))
    assert "generate@g02" in ran
    assert {"prepare", "finetune@g00", "generate@g01", "finetune@g01"}.isdisjoint(ran)
    assert lock(root) == wanted
    assert "up to date" in dvc(root, "status")
    assert list(root.rglob("half")) == []


def test_a_null_lineage_runs_beside_the_chain_and_is_in_the_curves(
    finished: Path, tmp_path: Path
) -> None:
    root = tmp_path / "null"
    shutil.copytree(finished, root, symlinks=True)
    write_chain(root, 2, null=True)
    stages = ("generate", "finetune", "embed", "score")
    new = {f"{stage}@n{number:02d}" for stage in stages for number in (1, 2)} | {"report"}
    assert set(stages_run(dvc(root, "repro"))) == new
    first, second = (
        (root / "data" / "texts" / name / "training.jsonl").read_text() for name in ("n01", "n02")
    )
    reserve = set((root / "data" / "human" / "reserve.jsonl").read_text().splitlines())
    assert {*first.splitlines(), *second.splitlines()} <= reserve
    assert not set(first.splitlines()) & set(second.splitlines())
    with (root / "plots" / "curves" / "volume.csv").open() as file:
        rows = list(csv.DictReader(file))
    for row in rows[1:]:
        apart = float(row["value"]) - float(row["lineage"])
        assert float(row["difference"]) == pytest.approx(apart)


def test_a_longer_chain_runs_only_what_is_new(finished: Path, tmp_path: Path) -> None:
    root = tmp_path / "longer"
    shutil.copytree(finished, root, symlinks=True)
    write_chain(root, 3)
    new = {f"{stage}@g03" for stage in ("generate", "finetune", "embed", "score")} | {"report"}
    assert set(stages_run(dvc(root, "repro"))) == new
    before, after = lock(finished), lock(root)
    assert {name: after[name] for name in before if name != "report"} == {
        name: entry for name, entry in before.items() if name != "report"
    }
    # back and forth again: texts, models and embeddings are there, the scores are made anew
    write_chain(root, 2)
    assert set(stages_run(dvc(root, "repro"))) == {"report"}
    write_chain(root, 3)
    assert set(stages_run(dvc(root, "repro"))) == {"score@g03", "report"}
    assert lock(root) == after
