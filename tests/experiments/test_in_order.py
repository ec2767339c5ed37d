"""A chain that drops weights while it runs, under DVC: what lies there, what runs again, kills."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import yaml

from palimpsest.cli.main import main
from palimpsest.core.errors import ProjectError
from palimpsest.experiments import in_order
from palimpsest.experiments.in_order import run_in_order
from palimpsest.experiments.model_cache import Cache, model_hash, trained
from palimpsest.experiments.project import refuse_while_running, write_chain
from palimpsest.experiments.pruning import prune
from palimpsest.experiments.restoring import AGAIN, CACHED, ON_THE_WAY, THERE, restore
from palimpsest.experiments.verification import hash_of
from tests.experiments import minute
from tests.experiments.minute import LAST, copy_of, locks, models, seen, set_parameter

KEPT = {"base", "g00", "g03", "g04"}
STAGES = ("texts", "models", "embeddings", "scores")


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A chain of four generations that keeps every model, run by DVC in its own order."""
    root = minute.new_project(tmp_path_factory.mktemp("whole") / "project", 1)
    minute.dvc(root, "repro")
    return root


@pytest.fixture(scope="module")
def thinned(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same chain with every third model, run in order."""
    root = minute.new_project(tmp_path_factory.mktemp("thinned") / "project", 3)
    run(root)
    return root


def run(root: Path, **more: str) -> None:
    """`palimpsest run`, in this process."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in minute.environment(root, **more).items():
            patch.setenv(name, value)
        patch.chdir(root)
        run_in_order(root, lambda pruned: None)


def cached(root: Path, name: str) -> bool:
    """Whether DVC's cache has a generation's weights."""
    entry, cache = trained(root, name), Cache.of(root)
    assert entry is not None
    (weights,) = cache.weights(model_hash(name, entry) or "")
    return cache.path(weights).exists()


def wait_for_the_end_of_dvc(root: Path) -> None:
    """What was killed with its parent is there until the system has taken it away."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        try:
            return refuse_while_running(root)
        except ProjectError:
            time.sleep(0.1)
    raise AssertionError("it did not end")


def ran(root: Path, before: int) -> list[str]:
    """What was made since."""
    return [line[0] for line in seen(root)[before:]]


def test_no_more_models_lie_there_than_stay_and_two_at_work(whole: Path, thinned: Path) -> None:
    assert models(thinned) == KEPT
    assert [cached(thinned, f"g0{number}") for number in range(5)] == [
        True,
        *2 * [False],
        True,
        True,
    ]
    made = seen(thinned)
    assert [line[0] for line in made] == [
        "models/base",
        *(
            f"data/{kind}/g0{n}".replace("data/models", "models")
            for n in range(5)
            for kind in STAGES
        ),
        "plots/report.html",
    ]
    for target, *there in made[1:-1]:
        number = int(target[-2:])
        assert {*there} - KEPT <= {f"g0{number - 1}", f"g0{number}"}, target
    assert made[-1][1:] == sorted(KEPT)
    assert locks(thinned) == locks(whole)  # what is dropped changes nothing of what is made


def test_what_was_dropped_counts_as_done(thinned: Path, tmp_path: Path) -> None:
    root = copy_of(thinned, tmp_path / "again")
    before = locks(root)
    run(root)
    assert seen(root) == []
    assert "up to date" in minute.dvc(root, "repro", "--allow-missing")
    assert seen(root) == []
    assert locks(root) == before
    # as it stands in docs/experiments.md: DVC alone makes everything again
    minute.dvc(root, "repro")
    assert ran(root, 0) == ["models/g01", "models/g02"]
    assert locks(root) == before
    assert models(root) == KEPT | {"g01", "g02"}


def test_a_dropped_model_comes_back_byte_for_byte(
    whole: Path, thinned: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = copy_of(thinned, tmp_path / "restored")
    cache = Cache.of(root)
    for name, value in minute.environment(root).items():
        monkeypatch.setenv(name, value)
    assert list(restore(root, cache, ["g02", "g03"])) == [
        ("g01", ON_THE_WAY), ("g02", AGAIN), ("g03", THERE)
    ]  # fmt: skip
    assert models(root) == KEPT | {"g02"}
    for file in (whole / "models" / "g02").iterdir():
        assert (root / "models" / "g02" / file.name).read_bytes() == file.read_bytes()
    assert cached(root, "g02")
    assert not cached(root, "g01")
    assert list(restore(root, cache, ["g01"])) == [("g01", AGAIN)]
    assert "up to date" in minute.dvc(root, "status")
    minute.run(root, "rm", "-r", "models/g01")
    assert list(restore(root, cache, ["g01"])) == [("g01", CACHED)]
    assert prune(root, cache).dropped.keys() == {"g01", "g02"}
    assert models(root) == KEPT


@pytest.mark.parametrize("killed", [False, True], ids=["fails", "killed"])
def test_a_chain_that_was_stopped_goes_on(thinned: Path, tmp_path: Path, killed: bool) -> None:
    root = minute.new_project(tmp_path / "stopped", 3)
    if killed:
        words = [sys.executable, "-m", "palimpsest.cli.main", "run"]
        env = minute.environment(root)
        running = subprocess.Popen(words, cwd=root, env=env, start_new_session=True)
        while not any(line[0] == "data/texts/g03" for line in seen(root)):
            assert running.poll() is None
            time.sleep(0.02)
        os.killpg(running.pid, signal.SIGKILL)
        running.wait()
        wait_for_the_end_of_dvc(root)
        minute.run(root, sys.executable, "-m", "palimpsest.cli.main", "repair")
    else:
        with pytest.raises(ProjectError, match=r"g03/dvc\.yaml: want .*, got exit status 255"):
            run(root, FAIL_AT="models/g03")
    assert not (root / "models" / "g01").exists()
    before = len(seen(root))
    run(root)
    assert {"models/g01", "models/g02"}.isdisjoint(ran(root, before))
    assert locks(root) == locks(thinned)
    assert models(root) == KEPT


def test_a_longer_chain_goes_on_from_the_last_model(thinned: Path, tmp_path: Path) -> None:
    root = copy_of(thinned, tmp_path / "longer")
    write_chain(root, LAST + 1)
    run(root)
    assert ran(root, 0)[:4] == [
        "data/texts/g05",
        "models/g05",
        "data/embeddings/g05",
        "data/scores/g05",
    ]
    assert ran(root, 0)[4:] == ["plots/report.html"]
    assert models(root) == {"base", "g00", "g03", "g05"}


def test_what_must_run_again_gets_its_models_first(thinned: Path, tmp_path: Path) -> None:
    root = copy_of(thinned, tmp_path / "other")
    before = locks(root)
    set_parameter(root, "embed.min_count", 7)
    run(root)
    assert [one for one in ran(root, 0) if one.startswith("models")] == ["models/g01", "models/g02"]
    assert len([one for one in ran(root, 0) if one.startswith("data/embeddings")]) == LAST + 1
    assert models(root) == KEPT
    set_parameter(root, "embed.min_count", 20)
    minute.run(root, "rm", "-r", "data/embeddings/g02")  # DVC's cache has it, and runs nothing
    run(root)
    assert locks(root) == before
    # one stage in the middle: its parent is made again on the way
    count = len(seen(root))
    minute.run(root, "rm", "-r", "data/texts/g02", ".dvc/cache/runs")
    (root / "generations/g02/dvc.lock").unlink()
    run(root)
    assert ran(root, count)[0] == "models/g01"
    assert locks(root) == before
    assert models(root) == KEPT


def test_locks_of_two_runs_are_seen(thinned: Path, tmp_path: Path) -> None:
    root = copy_of(thinned, tmp_path / "mixed")
    path = root / "generations/g01/dvc.lock"
    content = yaml.safe_load(path.read_text())
    content["stages"]["finetune"]["outs"][0]["md5"] = f"{0:032}.dir"
    path.write_text(yaml.safe_dump(content, sort_keys=False))
    run(root)
    assert "models/g01" in ran(root, 0)
    assert locks(root) == locks(thinned)


def test_with_every_model_it_is_dvc_in_order(whole: Path, tmp_path: Path) -> None:
    root = copy_of(whole, tmp_path / "every")
    run(root)
    assert seen(root) == []
    set_parameter(root, "models.keep_every", 2)
    run(root)
    assert models(root) == {"base", "g00", "g02", "g04"}
    set_parameter(root, "models.keep_every", 1)
    run(root)
    assert ran(root, 0) == ["models/g01", "models/g03"]
    assert locks(root) == locks(whole)


def test_ctrl_c_waits_for_dvc(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def interrupted(*_: object, **__: object) -> subprocess.CompletedProcess[str]:
        os.kill(os.getpid(), signal.SIGINT)
        return subprocess.CompletedProcess([], 255)

    monkeypatch.setattr(subprocess, "run", interrupted)
    before = signal.getsignal(signal.SIGINT)
    with pytest.raises(KeyboardInterrupt):
        in_order._repro(tmp_path, "dvc.yaml:report")
    assert signal.getsignal(signal.SIGINT) is before


def test_the_commands_say_what_they_do(
    thinned: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    root = copy_of(thinned, tmp_path / "said")
    monkeypatch.chdir(root)
    for name, value in minute.environment(root).items():
        monkeypatch.setenv(name, value)
    assert main(["prune"]) == 0
    assert capsys.readouterr().out == "nothing to drop\n"
    assert main(["restore", "g02", "g01"]) == 0
    assert capsys.readouterr().out == ("g01: trained again\ng02: trained again\n")
    assert main(["prune"]) == 0
    assert capsys.readouterr().out == (
        "dropped weights of g01, g02: 51 kB\n"
        "next: palimpsest run goes on; dvc repro would make them again\n"
    )
    assert main(["run"]) == 0
    assert "dropped" not in capsys.readouterr().out
    set_parameter(root, "models.keep_every", 1)
    assert main(["prune"]) == 0
    assert capsys.readouterr().out == "nothing is dropped: models.keep_every is 1\n"
    assert hash_of(root / "models" / "g03") == model_hash("g03", trained(root, "g03") or {})
