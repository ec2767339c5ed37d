"""`palimpsest chain`: what it prints, and what it leaves alone."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from palimpsest.cli import main
from palimpsest.dvc_project import chain_yaml


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "dvc.yaml").write_text("stages: {}\n")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def program(*words: str) -> subprocess.CompletedProcess[str]:
    """What a process says that finds the package in this checkout."""
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[1] / "src")}
    return subprocess.run(words, env=environment, capture_output=True, text=True, check=False)


@pytest.mark.parametrize(("last", "name"), [(5, "g05"), (20, "g20"), (60, "g60")])
def test_chain_writes_the_links_and_says_what_is_next(
    project: Path, capsys: pytest.CaptureFixture[str], last: int, name: str
) -> None:
    assert main(["chain", str(last)]) == 0
    assert (project / "chain.yaml").read_text() == chain_yaml(last)
    lines = capsys.readouterr().out.splitlines()
    assert lines == [f"chain.yaml: generations g00 to {name} (new)", "next: dvc repro"]


def test_a_change_names_the_chain_that_was_and_what_went(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    main(["chain", "12"])
    for number in (2, 12):
        (project / "data" / "scores" / f"g{number:02d}").mkdir(parents=True)
    capsys.readouterr()
    assert main(["chain", "3"]) == 0
    out = capsys.readouterr().out
    assert "generations g00 to g03 (was g00 to g12)" in out
    assert "removed 1 outputs of later generations (DVC's cache has them)" in out
    assert (project / "data" / "scores" / "g02").exists()


@pytest.mark.parametrize("last", ["0", "1000"])
def test_a_chain_out_of_range_is_one_line_and_status_1(
    project: Path, capsys: pytest.CaptureFixture[str], last: str
) -> None:
    assert main(["chain", last]) == 1
    shown = capsys.readouterr()
    assert shown.err == f"error: chain: want 1 to 999 generations, got {last}\n"
    assert shown.out == ""
    assert not (project / "chain.yaml").exists()


def test_outside_a_project_is_one_line_and_status_1(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["chain", "5"]) == 1
    error = f"error: {tmp_path}: want a folder with dvc.yaml, got none\n"
    assert capsys.readouterr().err == error


@pytest.mark.parametrize(
    "argv",
    [
        [],
        ["chain"],
        ["chain", "many"],
        ["nothing"],
        ["chain", "3", "4"],
        ["preset", "quick", "--seed=1"],
    ],
)
def test_a_command_line_that_cannot_be_meant_is_status_2(argv: list[str]) -> None:
    with pytest.raises(SystemExit) as left:
        main(argv)
    assert left.value.code == 2


def test_a_reader_that_has_seen_enough_is_no_error(project: Path) -> None:
    script = (
        "import sys; from palimpsest import cli\n"
        "cli._later = lambda *_: lambda args: print('line\\n' * 100_000) or 0\n"
        "sys.exit(cli.main(['chain', '4']))"
    )
    done = program("sh", "-c", '"$0" -c "$1" | head -n 1', sys.executable, script)
    assert (done.returncode, done.stdout, done.stderr) == (0, "line\n", "")


def test_a_reader_that_is_gone_before_the_first_line_is_no_error(project: Path) -> None:
    script = (
        "import os, sys; from palimpsest import cli\n"
        "reader, writer = os.pipe(); os.close(reader); os.dup2(writer, 1)\n"
        "status = cli.main(['chain', '4']); sys.exit(status)"
    )
    done = program(sys.executable, "-c", script)
    assert (done.returncode, done.stderr) == (1, "")
    assert (project / "chain.yaml").exists()


def test_dials_may_follow_two_dashes(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["preset", "quick", "--force", "--", "a=1"]) == 1
    assert "want a folder with presets/, got none" in capsys.readouterr().err


def test_the_version_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as left:
        main(["--version"])
    assert left.value.code == 0
    assert capsys.readouterr().out.startswith("palimpsest ")


def test_the_command_runs_as_a_program_and_loads_no_torch(project: Path) -> None:
    script = (
        "import sys; from palimpsest.cli import main; main(['chain', '4']); print(*sys.modules)"
    )
    done = program(sys.executable, "-c", script)
    assert done.returncode == 0, done.stderr
    assert "chain.yaml: generations g00 to g04 (new)" in done.stdout
    assert {"torch", "transformers", "dvc"}.isdisjoint(done.stdout.splitlines()[-1].split())
