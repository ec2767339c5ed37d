"""The whole graph under DVC: it runs, stays, grows, and survives a kill bit for bit."""

import csv
import json
import math
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import matplotlib.image
import numpy as np
import pytest
import yaml
from markupsafe import escape

from palimpsest.cli.main import main
from palimpsest.core.errors import ProjectError
from palimpsest.core.formatting import plain
from palimpsest.core.parameters import Parameters
from palimpsest.experiments.in_order import run_in_order
from palimpsest.experiments.project import refuse_while_running, write_chain
from tests.tiny import ROOT, tiny_params, turn, write_params

PROJECT = (
    ".dvcignore", ".gitignore", "dvc.yaml", "generations/dvc.yaml.j2", "presets", "src", "stages",
)  # fmt: skip
OF_A_GENERATION = ("generate", "finetune", "embed", "score")
PICTURES = {"dashboard.png", "integrity.png", "perplexity.png", "truth.png", "cloud.png"}


def chain_params() -> dict[str, Any]:
    """The tiny chain, with null samples enough for an alarm: six of 20, and the fit sample."""
    params = tiny_params()
    turn(params, "corpus.null_pool", 140)
    turn(params, "score.null_samples", 6)
    return params


def new_project(root: Path) -> Path:
    """The tracked files of the project, with a tiny model and a chain of two."""
    (root / "generations").mkdir(parents=True)
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
    shutil.copytree(ROOT / ".dvc" / "plots", root / ".dvc" / "plots")
    write_params(root / "params.yaml", chain_params())
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
    """The stages that DVC ran, in its order: prepare, generate@g01 and so on."""
    names = re.findall(r"^Running stage '(?:generations/(\w+)/dvc\.yaml:)?(\w+)'", said, re.M)
    return [f"{stage}@{generation}" if generation else stage for generation, stage in names]


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


def lock(root: Path) -> dict[str, dict[str, Any]]:
    """The entries of all locks, that of the project and those of its generations."""
    entries: dict[str, dict[str, Any]] = {}
    for file in [root / "dvc.lock", *root.glob("generations/*/dvc.lock")]:
        generation = "" if file.parent == root else f"@{file.parent.name}"
        for name, entry in yaml.safe_load(file.read_text())["stages"].items():
            entries[f"{name}{generation}"] = entry
    return entries


def copy_of(project: Path, path: Path) -> Path:
    """A project with all that was computed, for a test to change."""
    shutil.copytree(project, path, symlinks=True)
    return path


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A chain of two generations, run to the end."""
    root = new_project(tmp_path_factory.mktemp("chain") / "project")
    ran = stages_run(dvc(root, "repro"))
    assert len(ran) == len(set(ran)) == 13
    return root


def scorecards(root: Path, names: str = "g") -> list[dict[str, Any]]:
    """The scorecards of a chain (n: of the control chain), in order."""
    folders = sorted((root / "data" / "scores").glob(f"{names}*"))
    return [json.loads((folder / "scorecard.json").read_text()) for folder in folders]


def test_the_headline_is_that_of_the_last_scorecard(finished: Path) -> None:
    headline = json.loads((finished / "metrics" / "integrity.json").read_text())
    assert set(headline) == {"integrity", "perplexity", "distinct_2", "facts", "truth"}
    for name in ("integrity", "perplexity", "distinct_2"):
        assert math.isfinite(headline[name]), name
    last = {name: entry["value"] for name, entry in scorecards(finished)[-1]["metrics"].items()}
    full = {"perplexity": "perplexity_heldout", "facts": "fact_coverage"}
    for name, value in headline.items():
        assert value == pytest.approx(last[full.get(name, name)], rel=1e-5), name


def test_the_small_files_have_the_numbers_of_the_scorecards(finished: Path) -> None:
    chain = scorecards(finished)
    assert [scorecard["generation"] for scorecard in chain] == [0, 1, 2]
    for number, scorecard in enumerate(chain):
        path = finished / "metrics" / "generations" / f"g{number:02d}.json"
        values = json.loads(path.read_text())
        for name in ("volume", "drift", "perplexity_heldout"):
            assert math.isfinite(values[name]), name
        for name, value in values.items():
            assert value == pytest.approx(scorecard["metrics"][name]["value"], rel=1e-4), name


def test_the_trajectory_has_numbers_phases_alarms_and_forecast(finished: Path) -> None:
    trajectory = json.loads((finished / "metrics" / "trajectory.json").read_text())
    assert trajectory.keys() == {"numbers", "phases", "alarms", "forecast", "profile"}
    numbers = trajectory["numbers"]
    assert numbers["generations"] == 2
    curve = [scorecard["metrics"]["integrity"]["value"] for scorecard in scorecards(finished)]
    assert numbers["integrity"] == pytest.approx(curve[2], rel=1e-5)
    assert numbers["auc"] == pytest.approx((curve[1] + curve[2]) / 2, rel=1e-5)
    # integrity falls from that of a human sample to next to nothing at once: half is crossed on the
    # way to g01
    assert curve[0] > 0.5 > curve[1]
    crossed = (curve[0] - 0.5) / (curve[0] - curve[1])
    assert numbers["half_life"] == pytest.approx(crossed, rel=1e-5)
    assert trajectory["phases"]["change"] is None  # two generations are too few for two phases
    assert trajectory["forecast"]["threshold"] == 0.1
    assert trajectory["forecast"]["observed"] == (curve[1] <= 0.1)
    bands = scorecards(finished)[0]["null"]
    alarms = {alarm["metric"]: alarm for alarm in trajectory["alarms"]}
    assert alarms
    for name, alarm in alarms.items():
        assert 0 <= alarm["p_value"] <= 1
        if alarm["generation"] is not None:  # for two generations in a row, and there are two
            assert alarm["generation"] == 2
            for scorecard in scorecards(finished)[1:]:
                value = scorecard["metrics"][name]["value"]
                assert value > bands[name]["high"] or value < bands[name]["low"], name
    warned = {name for name, alarm in alarms.items() if alarm["generation"] is not None}
    assert {"truth", "coverage", "frechet"} <= warned  # it writes noise
    assert {"loss", "ainex"}.isdisjoint(alarms)  # they say what integrity says


def test_pictures_show_something(finished: Path) -> None:
    pictures = {path.name: path for path in (finished / "plots" / "pictures").iterdir()}
    assert pictures.keys() == PICTURES
    for name, path in pictures.items():
        image = matplotlib.image.imread(path)[..., :3]
        height, width, _ = image.shape
        assert min(height, width) > 100
        blue = np.array([0x00, 0x72, 0xB2]) / 255
        assert (np.abs(image - blue).max(axis=2) < 0.01).sum() > 50, f"no blue line in {name}"


def test_the_page_has_the_chain_in_it(finished: Path) -> None:
    page = (finished / "plots" / "report.html").read_bytes().decode()  # keeps \r as it is
    assert page.startswith("<!doctype html>")
    assert page.rstrip().endswith("</html>")
    assert "Twice a language model has learned from " in page
    last = scorecards(finished)[-1]
    for name in ("integrity", "perplexity_heldout", "distinct_2"):
        assert f">{plain(last['metrics'][name]['value'])}</td>" in page, name
    for prompt in tiny_params()["witness"]["prompts"]:
        assert f"{prompt} …" in page
    for scorecard in scorecards(finished):
        assert str(escape(scorecard["samples"][0])) in page
    assert "<dt>parameters.score.words</dt><dd>100</dd>" in page
    assert "<code>score.words</code></th><td>100</td><td>10000</td>" in page
    steps = json.loads((finished / "data/scores/g01/training.json").read_text())["curve"]["step"]
    block = page[page.index('id="training-data">') :].split("</script>")[0]
    curves = json.loads(block.removeprefix('id="training-data">'))
    assert [(one["name"], len(one["step"])) for one in curves] == [
        (name, len(steps)) for name in ("g00", "g01", "g02")
    ]


def test_every_plot_of_the_graph_draws_what_was_scored(finished: Path) -> None:
    plots = yaml.safe_load((finished / "dvc.yaml").read_text())["plots"]
    paths = [path for plot in plots for entry in plot.values() for path in entry["y"]]
    assert paths
    for path in paths:
        with (finished / path).open() as file:
            rows = list(csv.DictReader(file))
        name = Path(path).stem
        assert [row["generation"] for row in rows] == ["0", "1", "2"], name
        for row, scorecard in zip(rows, scorecards(finished), strict=True):
            entry = scorecard["metrics"][name]
            assert float(row["value"]) == entry["value"], name
            for end in ("low", "high"):
                assert (float(row[end]) if row[end] else None) == entry[end], name
            assert row["control"] == row["difference"] == ""


def test_nothing_is_left_to_do(finished: Path) -> None:
    assert "up to date" in dvc(finished, "status")
    before = lock(finished)
    assert stages_run(dvc(finished, "repro")) == []
    assert lock(finished) == before


def changed(root: Path) -> set[str]:
    """The stages that DVC says have changed themselves, not only what they read."""
    status = json.loads(dvc(root, "status", "--json"))
    names = {
        name: [key for entry in entries if isinstance(entry, dict) for key in entry]
        for name, entries in status.items()
    }
    return {
        re.sub(r"generations/(\w+)/dvc\.yaml:(\w+)", r"\2@\1", name)
        for name, keys in names.items()
        if "changed deps" in keys
    }


def test_an_edit_runs_again_what_it_can_change(finished: Path, tmp_path: Path) -> None:
    root = copy_of(finished, tmp_path / "edited")
    for name in ("src/palimpsest/__init__.py", "src/palimpsest/cli/main.py"):
        (root / name).write_text((root / name).read_text() + "# an edit\n")
    assert changed(root) == set()
    edited = root / "src/palimpsest/metrics/spectrum.py"
    text = edited.read_text()
    edited.write_text(text + "# an edit\n")
    scores = {f"score@g{number:02d}" for number in range(3)}
    assert changed(root) == scores | {"report"}
    edited.write_text(text)
    assert changed(root) == set()
    params = chain_params()
    params["generate"]["temperature"] = 0.5
    write_params(root / "params.yaml", params)
    assert changed(root) == {"generate@g01", "generate@g02"}
    params = chain_params()
    params["seeds"]["finetune"] = 5
    write_params(root / "params.yaml", params)
    assert changed(root) == {f"finetune@g{number:02d}" for number in range(3)}


def test_what_is_named_by_path_is_a_dependency(
    finished: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One letter, in the project and outside of it, and DVC sees it."""
    root = copy_of(finished, tmp_path / "named")
    monkeypatch.chdir(root)
    human = [json.loads(line) for line in Path("data/human/train.jsonl").read_text().splitlines()]
    human += [json.loads(line) for line in Path("data/human/null.jsonl").read_text().splitlines()]
    texts = [f"{row['text']} Or so it is said by those of {n}." for row in human for n in range(3)]
    (root / "texts").mkdir()
    (root / "texts" / "a.txt").write_text("\n\n".join(texts))
    outside = tmp_path / "outside.txt"
    outside.write_text("A text from elsewhere, of which nobody knows where it is.\n")
    shutil.copytree("models/base", "mine")
    params = chain_params()
    turn(params, "corpus.source", "files")
    turn(params, "corpus.files.paths", ["texts/*.txt", str(outside), "../outside.txt"])
    turn(params, "corpus.files.min_chars", 1)
    turn(params, "model.source", "mine")
    write_params(root / "params.yaml", params)
    with pytest.raises(AssertionError, match="want texts among the deps of prepare in"):
        dvc(root, "repro", "prepare")
    write_chain(root, 2, None, Parameters.load(root / "params.yaml"))
    assert stages_run(dvc(root, "repro", "prepare")) == ["prepare"]
    assert "prepare" not in changed(root)
    for path in (root / "texts" / "a.txt", outside, root / "mine" / "config.json"):
        before = path.read_bytes()
        path.write_bytes(before.replace(b"e", b"i", 1))
        assert "prepare" in changed(root), path
        path.write_bytes(before)
        assert "prepare" not in changed(root), path
    (root / "texts" / "b.txt").write_text("One more.")
    assert "prepare" in changed(root)


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


def test_two_at_once_refuse_each_other_and_spoil_nothing(finished: Path, tmp_path: Path) -> None:
    """DVC names the process that works; whichever goes on, the outputs are the same bit for bit."""
    wanted = lock(finished)
    root = new_project(tmp_path / "both")
    shutil.copytree(finished / ".dvc" / "cache", root / ".dvc" / "cache")
    both = [
        subprocess.Popen(
            [sys.executable, "-m", "dvc", "repro"],
            cwd=root,
            env=environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        for _ in range(2)
    ]
    while not (root / ".dvc" / "tmp" / "lock").exists():
        assert all(one.poll() is None for one in both)
    with pytest.raises(ProjectError, match="want no running DVC, got process"):
        refuse_while_running(root)
    said = [one.communicate()[0] for one in both]
    for one, text in zip(both, said, strict=True):
        if one.returncode:
            assert "Unable to acquire lock" in text or "is busy, it is being blocked by" in text
        assert "Traceback" not in text
    dvc(root, "repro")
    assert lock(root) == wanted
    assert "up to date" in dvc(root, "status")


def test_a_page_that_is_read_while_it_is_written_is_whole(finished: Path, tmp_path: Path) -> None:
    root = copy_of(finished, tmp_path / "read")
    command = yaml.safe_load((root / "dvc.yaml").read_text())["stages"]["report"]["cmd"].split()
    names = ("plots/report.html", "metrics/trajectory.json", "metrics/integrity.json")
    before = {name: (root / name).stat().st_ino for name in names}
    seen: dict[str, set[bytes]] = {name: set() for name in names}
    writing = subprocess.Popen([sys.executable, *command[1:]], cwd=root, env=environment())
    while writing.poll() is None:
        for name in names:
            seen[name].add((root / name).read_bytes())
    assert writing.returncode == 0
    for name in names:
        assert (root / name).stat().st_ino != before[name], "written anew"
        assert seen[name] == {(finished / name).read_bytes()}, name


def test_a_control_chain_runs_beside_the_chain_and_is_in_the_curves(
    finished: Path, tmp_path: Path
) -> None:
    root = copy_of(finished, tmp_path / "control")
    write_chain(root, 2, control=True)
    new = {f"{stage}@n{number:02d}" for stage in OF_A_GENERATION for number in (1, 2)}
    assert set(stages_run(dvc(root, "repro"))) == new | {"report"}
    first, second = (
        (root / "data" / "texts" / name / "training.jsonl").read_text() for name in ("n01", "n02")
    )
    reserve = set((root / "data" / "human" / "reserve.jsonl").read_text().splitlines())
    assert len(first.splitlines()) == len(second.splitlines()) == 20
    assert {*first.splitlines(), *second.splitlines()} <= reserve
    assert not set(first.splitlines()) & set(second.splitlines())
    with (root / "plots" / "curves" / "volume.csv").open() as file:
        rows = list(csv.DictReader(file))
    control = [scorecard["metrics"]["volume"]["value"] for scorecard in scorecards(root, "n")]
    assert len(control) == 2
    assert [float(row["control"]) for row in rows[1:]] == control
    for row in rows[1:]:
        apart = float(row["value"]) - float(row["control"])
        assert float(row["difference"]) == pytest.approx(apart)
    assert "Against the control chain" in (root / "plots" / "report.html").read_text()
    assert (root / "plots" / "pictures" / "difference.png").exists()


def test_a_longer_chain_runs_only_what_is_new(finished: Path, tmp_path: Path) -> None:
    root = copy_of(finished, tmp_path / "longer")
    write_chain(root, 3)
    new = {f"{stage}@g03" for stage in OF_A_GENERATION}
    assert set(stages_run(dvc(root, "repro"))) == new | {"report"}
    before, after = lock(finished), lock(root)
    assert {name: after[name] for name in before if name != "report"} == {
        name: entry for name, entry in before.items() if name != "report"
    }
    # back and forth again: the lock of g03 comes back; texts, models and embeddings are there, the
    # scores are made anew
    assert write_chain(root, 2).removed == ("generations/g03", "data/scores/g03")
    assert lock(root).keys() == before.keys()
    assert set(stages_run(dvc(root, "repro"))) == {"report"}
    assert lock(root) == before
    assert write_chain(root, 3).restored == ("g03",)
    assert lock(root).keys() == after.keys()
    assert set(stages_run(dvc(root, "repro"))) == {"score@g03", "report"}
    assert lock(root) == after
    # what `palimpsest chain` advises takes the scores from the cache
    write_chain(root, 2)
    assert set(stages_run(dvc(root, "repro"))) == {"report"}
    write_chain(root, 3)
    dvc(root, "checkout", "--force")
    assert set(stages_run(dvc(root, "repro"))) == {"report"}
    assert lock(root) == after


def test_weights_that_were_dropped_come_back_byte_for_byte(
    finished: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Real models; what else may happen: tests/experiments/test_in_order.py."""
    root = copy_of(finished, tmp_path / "thinned")
    params = chain_params()
    turn(params, "models.keep_every", 2)
    write_params(root / "params.yaml", params)
    write_chain(root, 3)
    monkeypatch.chdir(root)
    for name, value in environment().items():
        monkeypatch.setenv(name, value)
    run_in_order(root, lambda pruned: None)
    assert {path.name for path in (root / "models").glob("g*")} == {"g00", "g02", "g03"}
    entries = lock(root)
    assert "finetune@g03" in entries
    assert {name: entries[name] for name in lock(finished) if name != "report"} == {
        name: entry for name, entry in lock(finished).items() if name != "report"
    }
    assert "up to date" in dvc(root, "repro", "--allow-missing")
    assert main(["restore", "g01"]) == 0
    for file in (finished / "models" / "g01").iterdir():
        assert (root / "models" / "g01" / file.name).read_bytes() == file.read_bytes(), file.name
    assert "up to date" in dvc(root, "status")


GIT = ("git", "-c", "user.name=a", "-c", "user.email=a@b.c")


def test_a_colleague_takes_one_generation_and_goes_on(finished: Path, tmp_path: Path) -> None:
    """Only what that generation is made of comes from the remote, and nothing of it runs again."""
    ours = copy_of(finished, tmp_path / "ours")
    subprocess.run([*GIT, "add", "-A"], cwd=ours, check=True)
    subprocess.run([*GIT, "commit", "-qm", "a chain"], cwd=ours, check=True)
    dvc(ours, "remote", "add", "-d", "shared", str(tmp_path / "remote"))
    dvc(ours, "push")
    theirs = tmp_path / "theirs"
    subprocess.run(["git", "clone", "-q", str(ours), str(theirs)], check=True)
    dvc(theirs, "remote", "add", "-d", "shared", str(tmp_path / "remote"))
    dvc(theirs, "pull", "generations/g02/dvc.yaml")
    for kind in ("models", "data/texts", "data/embeddings", "data/scores"):
        assert [path.name for path in (theirs / kind).glob("g*")] == ["g02"]
    write_chain(theirs, 3)
    pulling = ("repro", "--pull", "--allow-missing")
    ran = stages_run(dvc(theirs, *pulling, "generations/g03/dvc.yaml"))
    assert ran == [f"{stage}@g03" for stage in OF_A_GENERATION]
    assert not (theirs / "models" / "g01").exists()
    # the report reads the scores of all
    dvc(theirs, "pull", *(f"generations/g0{number}/dvc.yaml:score" for number in range(2)))
    assert stages_run(dvc(theirs, *pulling)) == ["report"]
    write_chain(ours, 3)
    dvc(ours, "repro")
    assert lock(theirs) == lock(ours)


def test_an_experiments_generation_comes_back(finished: Path, tmp_path: Path) -> None:
    root = copy_of(finished, tmp_path / "experiments")
    subprocess.run([*GIT, "add", "-A"], cwd=root, check=True)
    subprocess.run([*GIT, "commit", "-qm", "a chain"], cwd=root, check=True)
    before = lock(root)
    dvc(root, "exp", "run", "-n", "cold", "-S", "generate.temperature=0.3")
    cold, text = lock(root), (root / "data/texts/g02/texts.jsonl").read_text()
    assert cold["generate@g02"] != before["generate@g02"]
    subprocess.run(["git", "checkout", "-q", "."], cwd=root, check=True)
    dvc(root, "checkout")
    assert lock(root) == before
    assert (root / "data/texts/g02/texts.jsonl").read_text() != text
    dvc(root, "exp", "apply", "cold")
    dvc(root, "checkout")
    assert lock(root) == cold
    assert (root / "data/texts/g02/texts.jsonl").read_text() == text
    assert stages_run(dvc(root, "repro")) == []


def clone_of(hub: Path, path: Path) -> Path:
    """A clone that can commit, as on another machine."""
    subprocess.run(["git", "clone", "-q", str(hub), str(path)], check=True)
    for key, value in (("user.name", "a"), ("user.email", "a@b.c")):
        subprocess.run(["git", "config", key, value], cwd=path, check=True)
    return path


def test_two_machines_share_what_was_computed(finished: Path, tmp_path: Path) -> None:
    """By a remote of git and a remote of DVC: nothing runs twice, of an experiment neither."""
    first, hub = copy_of(finished, tmp_path / "first"), tmp_path / "hub.git"
    dvc(first, "remote", "add", "-d", "shared", str(tmp_path / "store"))
    for command in (
        ("git", "init", "-q", "--bare", str(hub)),
        ("git", "remote", "add", "origin", str(hub)),
        (*GIT, "add", "-A"),
        (*GIT, "commit", "-qm", "a chain"),
        ("git", "push", "-q", "origin", "HEAD"),
    ):
        subprocess.run(command, cwd=first, check=True)
    dvc(first, "push")
    second = clone_of(hub, tmp_path / "second")
    assert not (second / "models" / "g00").exists()
    dvc(second, "pull")
    assert stages_run(dvc(second, "repro")) == []
    assert lock(second) == lock(finished)
    assert changed(second) == set()
    # the second machine takes an experiment from its queue, and the first one gets it
    dvc(second, "exp", "run", "--queue", "-n", "other", "-S", "score.half_samples=3")
    dvc(second, "exp", "run", "--run-all")
    dvc(second, "exp", "push", "origin", "other")
    assert "other" in dvc(first, "exp", "list", "origin")
    dvc(first, "exp", "pull", "origin", "other")
    dvc(first, "exp", "apply", "other")
    assert stages_run(dvc(first, "repro")) == []
    assert "half_samples: 3" in (first / "params.yaml").read_text()
    assert lock(first)["score@g02"] != lock(finished)["score@g02"]
    assert lock(first)["finetune@g02"] == lock(finished)["finetune@g02"]
