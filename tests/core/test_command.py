"""What every stage's command line shares."""

import contextlib
import errno
import logging
import os
import signal
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from palimpsest.core import command
from palimpsest.core.errors import CorpusError, ModelError, ParamsError


@pytest.fixture(autouse=True)
def _levels_as_before():
    """The levels of loggers that a run changes, put back."""
    levels = {name: logging.getLogger(name).level for name in command.CHATTY}
    yield
    for name, level in levels.items():
        logging.getLogger(name).setLevel(level)


def test_a_path_is_an_argument_and_params_has_a_default(capsys):
    parser = command.parser("embed", "Reads texts.", texts=command.TEXTS, first_model="a folder")
    args = parser.parse_args(["--texts", "data/texts", "--first-model", "models/g00"])
    assert vars(args) == {
        "params": Path("params.yaml"),
        "texts": Path("data/texts"),
        "first_model": Path("models/g00"),
    }
    with pytest.raises(SystemExit) as left:
        parser.parse_args(["--texts", "data/texts"])
    assert left.value.code == 2
    assert "--first-model" in capsys.readouterr().err
    assert "python -m stages.embed" in parser.format_help()


def test_a_mistake_is_one_line_and_status_1(capsys):
    def main(argv):
        raise ParamsError("generate.temperature", wanted="> 0", got=-1)

    with pytest.raises(SystemExit) as left:
        command.run(main)
    assert left.value.code == 1
    assert capsys.readouterr().err == "error: generate.temperature: want > 0, got -1\n"


@pytest.mark.parametrize(
    ("experiment", "error", "undone"),
    [
        ("tamed-dart", ParamsError("seed", wanted=">= 0", got=-1), True),
        ("tamed-dart", CorpusError("corpus", wanted="more", got=3), True),
        ("tamed-dart", ModelError("compute.device", wanted="cpu", got="cuda"), False),
        (None, ParamsError("seed", wanted=">= 0", got=-1), False),
    ],
)
def test_what_an_experiment_has_changed_can_be_undone(
    experiment, error, undone, capsys, monkeypatch
):
    def main(argv):
        raise error

    if experiment is not None:
        monkeypatch.setenv("DVC_EXP_NAME", experiment)
    with pytest.raises(SystemExit):
        command.run(main)
    said = capsys.readouterr().err
    assert said.endswith("git checkout params.yaml metrics plots; dvc checkout\n") == undone
    assert said.count("\n") == 1


def test_a_bug_is_no_mistake_of_the_user():
    def main(argv):
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        command.run(main)


def test_a_run_reads_the_command_line_and_quiets_libraries():
    asked = []
    command.run(asked.append)
    assert asked == [None]
    assert {logging.getLogger(name).level for name in command.CHATTY} == {logging.WARNING}


def test_a_callback_moves_the_bar_to_what_is_done():
    moves = []
    shown = SimpleNamespace(n=0, total=0)

    def update(count):
        shown.n += count
        moves.append((shown.n, shown.total))

    shown.update = update
    move = command.progress_callback(shown)
    for done in (3, 5, 8):
        move(done, 8)
    assert moves == [(3, 8), (5, 8), (8, 8)]


def test_no_bar_where_there_is_no_terminal(capsys):
    with command.bar(5, "embed") as bar:
        bar.update(3)
    captured = capsys.readouterr()
    assert captured.out == captured.err == ""


def test_another_process_of_several_says_nothing(capsys, monkeypatch):
    monkeypatch.setenv("WORLD_SIZE", "2")
    monkeypatch.setenv("RANK", "1")
    with command.bar(5, "embed") as bar:
        bar.total = 7
        bar.set_postfix(loss=1, refresh=False)
        bar.update(3)
        bar.update()
    assert capsys.readouterr() == ("", "")


def work(steps):
    with steps:
        steps("reading", 0, 1)
        for block in (0, 1000, 2000):
            steps("embedding", block, 2500)
            for done in (100, 500):
                steps.within(done, 1000)
        steps("embedding", 2500, 2500)
        steps("sampling", 0, 20)


def test_steps_are_a_line_each_where_there_is_no_terminal(capsys):
    work(command.Steps(quiet=False))
    assert capsys.readouterr() == ("", "embedding (2,500)\nsampling (20)\n")
    work(command.Steps(quiet=True))
    assert capsys.readouterr() == ("", "")


def test_steps_are_a_bar_each_on_a_terminal(monkeypatch):
    bars = []

    class Bar(SimpleNamespace):
        def update(self, count):
            self.n += count
            self.seen.append(self.n)

        def close(self):
            self.closed = True

    def bar(total, label):
        bars.append(Bar(label=label, total=total, n=0, seen=[], disable=False, closed=False))
        return bars[-1]

    monkeypatch.setattr(command, "bar", bar)
    work(command.Steps(quiet=False))
    assert [(one.label, one.total) for one in bars] == [
        ("reading", 1), ("embedding", 2500), ("sampling", 20)
    ]  # fmt: skip
    assert bars[1].seen == [0, 100, 500, 1000, 1100, 1500, 2000, 2100, 2500, 2500]
    assert all(one.closed for one in bars)


@pytest.mark.skipif(os.name != "posix", reason="there are no such terminals")
@pytest.mark.parametrize("columns", [0, 40, 120])
def test_a_bar_is_as_wide_as_the_terminal_or_80_where_that_has_no_width(monkeypatch, columns):
    import fcntl
    import struct
    import termios

    reader, writer = os.openpty()
    fcntl.ioctl(writer, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    with os.fdopen(writer, "w") as terminal:
        monkeypatch.setattr(sys, "stderr", terminal)
        with command.bar(5, "embedding"):
            pass
        drawn = os.read(reader, 10_000).decode().split("\r")
    os.close(reader)
    (first,) = [one for one in drawn if one.startswith("embedding:   0%")]
    assert abs(len(first) - (columns or 80)) <= 1


@pytest.mark.parametrize("swallowed", [False, True])
def test_ctrl_c_is_one_line_and_130_even_where_a_library_has_caught_it(swallowed, capsys):
    def main(argv):
        if not swallowed:
            signal.raise_signal(signal.SIGINT)
        with contextlib.suppress(BaseException):
            signal.raise_signal(signal.SIGINT)

    before = signal.getsignal(signal.SIGINT)
    with pytest.raises(SystemExit) as left:
        command.run(main)
    assert left.value.code == 130
    assert capsys.readouterr().err == "interrupted; what was written before is whole\n"
    assert signal.getsignal(signal.SIGINT) is before


def test_a_full_disk_is_one_line(capsys):
    def main(argv):
        raise OSError(errno.ENOSPC, "No space left on device", "data/texts")

    with pytest.raises(SystemExit) as left:
        command.run(main)
    assert left.value.code == 1
    said = capsys.readouterr().err
    assert said == "error: [Errno 28] No space left on device: 'data/texts'\n"


def test_what_goes_wrong_while_libraries_load(capsys):
    command.loading_in_one_line(KeyboardInterrupt, KeyboardInterrupt(), None)
    assert capsys.readouterr().err == "interrupted before any work\n"
    lacking = ModuleNotFoundError("No module named 'matplotlib'", name="matplotlib")
    command.loading_in_one_line(ModuleNotFoundError, lacking, None)
    said = capsys.readouterr().err
    assert said.startswith("error: the package matplotlib: want ")
    assert "palimpsest[pipeline]" in said
    assert said.count("\n") == 1
    for other in (ValueError("a bug"), ModuleNotFoundError("no typo", name="typo")):
        command.loading_in_one_line(type(other), other, None)
        assert f"{type(other).__name__}: {other}" in capsys.readouterr().err


def test_a_missing_package_of_the_laboratory_is_one_line(capsys):
    def main(argv):
        raise ModuleNotFoundError("No module named 'datasets.load'", name="datasets.load")

    def other(argv):
        raise ModuleNotFoundError("No module named 'typo'", name="typo")

    with pytest.raises(SystemExit) as left:
        command.run(main)
    assert left.value.code == 1
    said = capsys.readouterr().err
    assert said.startswith("error: the package datasets: want ")
    assert said.count("\n") == 1
    with pytest.raises(ModuleNotFoundError, match="typo"):
        command.run(other)


def test_names_in_log_lines_and_errors_move_no_cursor(capsys, monkeypatch):
    monkeypatch.setattr(logging.getLogger(), "handlers", [])

    def main(argv):
        logging.getLogger("palimpsest").info("%s: 3 documents", "a\x1b[2J\udcff.txt")
        raise OSError("no room for b\x1b[2J")

    with pytest.raises(SystemExit):
        command.run(main)
    said = capsys.readouterr().err
    assert said == "a\\x1b[2J\\udcff.txt: 3 documents\nerror: no room for b\\x1b[2J\n"
