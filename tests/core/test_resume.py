"""States that are kept: written once a minute, taken up under the same key alone, never damaged."""

import errno
import logging
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

from palimpsest.core import resume
from palimpsest.core.errors import PalimpsestError
from palimpsest.core.resume import NOTHING_KEPT, Arrays, Checkpoints, Task, digest
from palimpsest.core.storage import new_folder, unfinished
from tests.lm.tiny import Trap
from tests.tiny import ROOT

STATE: Arrays = {"weight/a.b": np.arange(6, dtype=np.float32).reshape(2, 3), "file": np.array(7)}


class Clock:
    """Stands still until it is set."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def always(out: Path) -> Checkpoints:
    """Writes at every step."""
    return Checkpoints(out, seconds=0.0, clock=Clock())


def opened(out: Path, key: str = "key", name: str = "count") -> Task:
    return always(out).task(name, "step", lambda: key)


def kept(out: Path, key: str = "key") -> Path:
    """The file of a task that was kept behind its step 3."""
    opened(out, key).keep(3, lambda: STATE)
    (path,) = unfinished(out).iterdir()
    return path


def is_whole(task: Task) -> bool:
    return task.done == 3 and all(
        np.array_equal(task.state[name], array) and task.state[name].dtype == array.dtype
        for name, array in STATE.items()
    )


def test_a_state_comes_back_under_its_key(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    path = kept(tmp_path / "g01")
    task = opened(tmp_path / "g01")
    assert is_whole(task)
    assert task.state.keys() == STATE.keys()
    assert caplog.messages == [f"count goes on behind step 3, kept in {path}"]
    assert [one.name for one in tmp_path.iterdir()] == [".g01.unfinished"]


def test_another_key_starts_anew_and_takes_nothing(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    path = kept(tmp_path / "g01")
    task = opened(tmp_path / "g01", "another")
    assert (task.done, task.state) == (0, {})
    assert not path.exists()
    assert caplog.messages == [f"count starts anew: what was kept is of other inputs ({path})"]
    assert opened(tmp_path / "g01").done == 0


def test_a_file_under_another_files_name_is_not_taken(tmp_path: Path) -> None:
    path, other = kept(tmp_path / "g01"), kept(tmp_path / "g02", "another")
    shutil.copy(other, path)
    assert opened(tmp_path / "g01").done == 0


@pytest.mark.parametrize(
    ("where", "change"),
    [("environment", "OMP_NUM_THREADS"), ("environment", "MKL_CBWR"), ("versions", "numpy")],
)
def test_other_surroundings_are_another_key(
    where: str, change: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept(tmp_path / "g01")
    if where == "environment":
        monkeypatch.setenv(change, "7")
    else:
        monkeypatch.setattr(resume, "versions", lambda: {change: "0"})
    assert opened(tmp_path / "g01").done == 0


def test_other_source_code_is_another_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = tmp_path / "palimpsest"
    shutil.copytree(Path(resume.__file__).parents[1], package)
    monkeypatch.setattr(resume, "__file__", str(package / "core" / "resume.py"))
    kept(tmp_path / "g01")
    (package / "lm" / "notes.txt").write_text("no code")
    assert is_whole(opened(tmp_path / "g01"))
    with (package / "lm" / "training.py").open("a") as file:
        file.write("\n")
    assert opened(tmp_path / "g01").done == 0


def test_the_code_is_that_of_the_start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A stage runs what it has loaded, also when a file is edited meanwhile."""
    package = tmp_path / "palimpsest"
    shutil.copytree(Path(resume.__file__).parents[1], package)
    monkeypatch.setattr(resume, "__file__", str(package / "core" / "resume.py"))
    task = opened(tmp_path / "g01")
    with (package / "lm" / "training.py").open("a") as file:
        file.write("\n")
    task.keep(3, lambda: STATE)
    assert opened(tmp_path / "g01").done == 0


def test_no_damage_of_a_byte_is_taken(tmp_path: Path) -> None:
    path = kept(tmp_path / "g01")
    content = path.read_bytes()
    taken = 0
    for place in range(len(content)):
        path.write_bytes(content[:place] + bytes([content[place] ^ 0x55]) + content[place + 1 :])
        task = opened(tmp_path / "g01")
        assert is_whole(task) or (task.done, task.state) == (0, {}), place
        assert path.exists() == bool(task.done)
        taken += task.done > 0
    # times, attributes and the like of a zip file say nothing about what it holds
    assert taken < len(content) / 4


def test_a_file_that_is_cut_is_not_taken(tmp_path: Path) -> None:
    path = kept(tmp_path / "g01")
    content = path.read_bytes()
    for length in range(len(content)):
        path.write_bytes(content[:length])
        assert opened(tmp_path / "g01").done == 0, length
        assert not path.exists()


def test_pickled_objects_are_not_executed(tmp_path: Path) -> None:
    path, sprung = kept(tmp_path / "g01"), tmp_path / "sprung"
    state = np.array([Trap(sprung)], dtype=object)
    with path.open("wb") as file:
        names = np.array(["done", "state/a"])
        held = {"key": np.array(path.name), "names": names, "done": np.array(3), "state/a": state}
        np.savez(file, **held)
    assert opened(tmp_path / "g01").done == 0
    assert not sprung.exists()


def test_nothing_is_written_within_the_first_minute(tmp_path: Path) -> None:
    clock = Clock()
    work = Checkpoints(tmp_path / "g01", clock=clock)
    task = work.task("count", "step", lambda: pytest.fail("no key is needed"))
    for clock.now in (0.0, 30.0, 59.9):
        task.keep(1, lambda: pytest.fail("no state is needed"))
    assert not list(tmp_path.iterdir())


def test_once_a_minute_all_that_is_new_is_written(tmp_path: Path) -> None:
    """A task that took less than a minute is lost no more than the one after it."""
    clock = Clock()
    work = Checkpoints(tmp_path / "g01", clock=clock)
    short, long = (work.task(name, "step", lambda: "key") for name in ("short", "long"))
    short.keep(3, lambda: STATE)
    long.keep(1, lambda: {})
    assert not list(tmp_path.iterdir())
    clock.now = 60.0
    long.keep(2, lambda: {})
    clock.now = 119.0
    long.keep(3, lambda: pytest.fail("too early"))
    again = always(tmp_path / "g01")
    assert is_whole(again.task("short", "step", lambda: "key"))
    assert again.task("long", "step", lambda: "key").done == 2
    clock.now = 120.0
    long.keep(4, lambda: {})
    assert opened(tmp_path / "g01", name="long").done == 4


def test_writing_takes_a_twentieth_of_the_time_at_most(tmp_path: Path) -> None:
    clock = Clock()
    task = Checkpoints(tmp_path / "g01", clock=clock).task("count", "step", lambda: "key")
    written = []

    def slow() -> Arrays:
        written.append(clock.now)
        clock.now += 10.0
        return {}

    clock.now = 60.0
    for step in range(500):
        task.keep(step, slow)
        clock.now += 1.0
    assert written == [60.0, 270.0, 480.0]


def test_tasks_of_one_name_are_told_apart(tmp_path: Path) -> None:
    first = always(tmp_path / "g01")
    for done in (1, 2):
        first.task("count", "step", lambda: "key").keep(done, lambda: {})
    again = always(tmp_path / "g01")
    assert [again.task("count", "step", lambda: "key").done for _ in range(2)] == [1, 2]


def test_a_disk_that_refuses_costs_a_warning(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    unfinished(tmp_path / "g01").write_text("in the way")
    task = opened(tmp_path / "g01")
    task.keep(3, lambda: STATE)
    assert "could not be kept" in caplog.text
    assert task.done == 3


def test_a_write_that_was_killed_leaves_the_state_before(tmp_path: Path) -> None:
    path = kept(tmp_path / "g01")
    path.with_suffix(".new").write_bytes(path.read_bytes()[:100])
    assert is_whole(opened(tmp_path / "g01"))
    assert [one.name for one in unfinished(tmp_path / "g01").iterdir()] == [path.name]


def test_it_goes_when_the_output_stands_and_stays_if_it_does_not(tmp_path: Path) -> None:
    kept(tmp_path / "g01")
    kept(tmp_path / "g011")
    with pytest.raises(PalimpsestError, match="full"), new_folder(tmp_path / "g01"):
        raise OSError(errno.ENOSPC, "the disk is full")
    assert is_whole(opened(tmp_path / "g01"))
    with new_folder(tmp_path / "g01"):
        pass
    assert sorted(path.name for path in tmp_path.iterdir()) == [".g011.unfinished", "g01"]


def test_without_an_output_nothing_is_kept() -> None:
    task = NOTHING_KEPT.task("count", "step", lambda: pytest.fail("no key is needed"))
    task.keep(3, lambda: pytest.fail("no state is needed"))
    assert (task.done, task.state) == (0, {})


def test_git_ignores_it() -> None:
    outs = ("data/texts/g01", "data/embeddings/g01", "models/g01", "models/base")
    places = [str(unfinished(Path(out))) for out in outs]
    command = ["git", "check-ignore", "--no-index", *places]
    ignored = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert ignored.stdout.split() == places


def test_digests_differ_where_values_do() -> None:
    zeros = np.zeros(4, dtype=np.float32)
    values = [
        ("a", "b"), ("ab",), ("a", "b", ""), ("b", "a"), (["a", "b"],), (1,), (1.0,), ("1",),
        (None,), (zeros,), (zeros.reshape(2, 2),), (zeros.view(np.int32),), (-zeros,),
        (zeros[:2], zeros[:2]), (zeros.tolist(),), ("\ud800",),
    ]  # fmt: skip
    assert len({digest(*value) for value in values}) == len(values)
    assert digest(zeros, {"a": 1, "b": 2}) == digest(zeros.copy(), {"b": 2, "a": 1})
    assert digest(np.arange(8)[::2]) == digest(np.array([0, 2, 4, 6]))
