"""`palimpsest watch`: a line a generation, beside a chain that is computed elsewhere."""

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from palimpsest.cli import watch
from palimpsest.cli.main import main
from palimpsest.experiments import watching
from tests.experiments.watched_project import Chain

Step = Callable[[], object]


@pytest.fixture
def chain(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Chain:
    """A chain of three generations, the first of them done; nothing is at work."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(watch, "GRACE", 2.0)
    chain = Chain(tmp_path, 2)
    chain.generation("g00")
    return chain


@pytest.fixture
def happen(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """What happens while the command waits between two looks, one event a pause."""

    def plan(*steps: Step) -> None:
        todo, clock = list(steps), [0.0]

        def sleep(_: float) -> None:
            clock[0] += 1.0
            if todo:
                todo.pop(0)()
            assert clock[0] < 60, "it does not end by itself"

        monkeypatch.setattr(watch.time, "sleep", sleep)
        monkeypatch.setattr(watch.time, "monotonic", lambda: clock[0])

    return plan


def at_work(monkeypatch: pytest.MonkeyPatch, yes: bool) -> None:
    monkeypatch.setattr(watching, "running_dvc", lambda root: {1} if yes else set())


def test_once_says_what_is_known_and_leaves(
    chain: Chain, capsys: pytest.CaptureFixture[str]
) -> None:
    chain.generation("g01")
    assert main(["watch", "--once"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split("  ")[0] == "g00"
    assert "integrity 1 (–)" in lines[0]
    assert "no alarm" in lines[0]
    assert lines[0].endswith("30 s")
    assert lines[1].endswith("40 s  40 s left")
    assert lines[2:] == ["1 of 3 generations are missing", "next: dvc repro"]


def test_it_follows_a_chain_to_its_end_and_says_each_generation_once(
    chain: Chain,
    happen: Callable[..., None],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    happen(
        lambda: at_work(monkeypatch, True),
        lambda: chain.note("generate", "g01"),
        lambda: chain.generation("g01"),
        lambda: None,
        lambda: chain.generation("g02"),
        lambda: None,
        lambda: at_work(monkeypatch, False),
    )
    assert main(["watch"]) == 0
    out = capsys.readouterr().out
    assert "\r" not in out
    lines = out.splitlines()
    assert [line.split("  ")[0] for line in lines[:1]] == ["g00"]
    assert lines[1] == "nothing is at work; waiting for dvc repro (Ctrl-C ends)"
    assert [line.split("  ")[0] for line in lines[2:4]] == ["g01", "g02"]
    assert lines[4:] == ["done: 3 generations; next: open plots/report.html"]


def test_a_generation_that_is_computed_again_is_said_again_if_it_is_another(
    chain: Chain,
    happen: Callable[..., None],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    at_work(monkeypatch, True)
    chain.generation("g01")

    def other() -> None:
        chain.cards[1]["metrics"]["integrity"]["value"] = 0.5
        chain.generation("g01")

    happen(
        lambda: chain.note("embed", "g00"),  # no line is left of what follows
        lambda: chain.generation("g00"),
        lambda: chain.generation("g01"),
        other,
        lambda: at_work(monkeypatch, False),
    )
    main(["watch"])
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines[:-2]] == ["g00", "g01", "g01"]
    assert "integrity 0.500" in lines[2]


def test_work_that_ends_too_early_is_status_1_and_says_why(
    chain: Chain,
    happen: Callable[..., None],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    at_work(monkeypatch, True)
    chain.note("generate", "g01")
    happen(
        lambda: chain.note("generate", "g01", seconds=2.0, error="memory: want more of it"),
        lambda: at_work(monkeypatch, False),
    )
    assert main(["watch"]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert lines[-2] == (
        "2 of 3 generations are missing; generate g01 failed: memory: want more of it"
    )
    assert lines[-1] == "next: dvc repro; after a kill, palimpsest repair first"


def test_a_file_that_is_being_written_is_looked_at_again_and_a_broken_one_is_an_error(
    chain: Chain, happen: Callable[..., None], capsys: pytest.CaptureFixture[str]
) -> None:
    path = chain.root / "params.yaml"
    whole = path.read_text()
    chain.generation("g01")
    happen(
        lambda: path.write_text(""),
        lambda: path.write_text("seed: ["),
        lambda: path.write_text(whole),
        lambda: chain.generation("g02"),
    )
    assert main(["watch"]) == 0
    assert capsys.readouterr().out.endswith("done: 3 generations; next: open plots/report.html\n")
    chain.note("generate", "g02")
    happen(lambda: path.write_text("seed: ["))
    assert main(["watch"]) == 1
    assert "params.yaml: want valid YAML" in capsys.readouterr().err


def test_a_report_that_fails_is_said(chain: Chain, capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("g01", "g02"):
        chain.generation(name)
    chain.note("report", "", seconds=1.0, error="report.threshold: want > 0")
    assert main(["watch"]) == 1
    out = capsys.readouterr().out
    assert "3 generations are done; report failed: report.threshold: want > 0; next: dvc" in out


def test_ctrl_c_ends_it_quietly(
    chain: Chain, happen: Callable[..., None], capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupt() -> None:
        raise KeyboardInterrupt

    happen(interrupt)
    assert main(["watch"]) == 0
    assert capsys.readouterr().err == ""


def test_an_experiment_in_the_queue_has_its_name_before_its_lines(
    chain: Chain, happen: Callable[..., None], capsys: pytest.CaptureFixture[str]
) -> None:
    place = chain.root / ".dvc" / "tmp" / "exps" / "tmpab"
    copy = Chain(place, 1)
    info = chain.root / ".dvc" / "tmp" / "exps" / "run" / "abc" / "abc.run"
    info.parent.mkdir(parents=True)

    def state(number: int) -> None:
        content = {"name": "warm-1a", "root_dir": str(place), "status": number}
        info.write_text(json.dumps(content))

    happen(
        lambda: state(2),
        lambda: copy.generation("g00"),
        lambda: copy.generation("g01"),
        lambda: state(6),
    )
    assert main(["watch"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[2].startswith("warm-1a  g00  integrity")
    assert lines[3].startswith("warm-1a  g01  integrity")
    assert lines[4] == "warm-1a  ended"
    assert lines[5:] == []  # the workspace's own chain was not at work


def test_an_experiment_that_fails_is_status_1(
    chain: Chain, happen: Callable[..., None], capsys: pytest.CaptureFixture[str]
) -> None:
    info = chain.root / ".dvc" / "tmp" / "exps" / "run" / "abc" / "abc.run"
    info.parent.mkdir(parents=True)

    def state(number: int) -> None:
        content = {"name": "hot-2b", "root_dir": str(chain.root / "gone"), "status": number}
        info.write_text(json.dumps(content))

    happen(lambda: state(2), lambda: state(4))
    assert main(["watch"]) == 1
    assert "hot-2b failed; next: dvc queue logs hot-2b" in capsys.readouterr().out


def test_a_refused_experiment_in_the_workspace_is_none_of_the_queue(
    chain: Chain, capsys: pytest.CaptureFixture[str]
) -> None:
    """`dvc exp run` leaves its file behind, "prepared" for ever, and its root is the project."""
    chain.generation("g00")
    info = chain.root / ".dvc" / "tmp" / "exps" / "run" / "abc" / "abc.run"
    info.parent.mkdir(parents=True)
    info.write_text(json.dumps({"name": "kinky-cere", "root_dir": str(chain.root), "status": 1}))
    assert main(["watch", "--once"]) == 0
    out = capsys.readouterr().out
    assert "kinky-cere" not in out
    assert out.endswith("next: dvc repro\n")


@pytest.mark.skipif(os.name != "posix", reason="there are no such terminals")
def test_a_terminal_has_what_is_going_on_in_its_last_line(
    chain: Chain, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    chain.note("finetune", "g01", step="finetune g01\x1b[2J", done=3, total=9)
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    assert main(["watch", "--once"]) == 0
    out = capsys.readouterr().out
    assert "\r\x1b[Kfinetune g01\\x1b[2J, 3 of 9" in out
    assert out.endswith("at work: finetune g01\\x1b[2J, 3 of 9; 2 generations to come\n")


@pytest.mark.parametrize("every", ["0", "-1", "nan", "1e9"])
def test_a_pause_of_no_length_is_refused(
    chain: Chain, every: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["watch", "--every", every]) == 1
    assert "error: --every: want > 0 and <= 2 seconds, got" in capsys.readouterr().err


def test_outside_a_project_the_next_step_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["watch", "--once"]) == 1
    said = capsys.readouterr().err
    assert "want a project with dvc.yaml and chain.yaml" in said
    assert "palimpsest chain 20, then dvc repro" in said
