"""The command line as a whole: subcommands, broken pipes, the version, what is imported."""

import os
import shutil
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

from palimpsest.cli.main import COMMANDS, GROUPS, main
from palimpsest.core.errors import PalimpsestError
from tests.tiny import ROOT


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "dvc.yaml").write_text("stages: {}\n")
    (tmp_path / "generations").mkdir()
    shutil.copy(ROOT / "generations" / "dvc.yaml.j2", tmp_path / "generations")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def program(*words: str) -> subprocess.CompletedProcess[str]:
    """What a process says that finds the package in this checkout."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "src")}
    return subprocess.run(words, env=environment, capture_output=True, text=True, check=False)


def imported_by(*words: str) -> set[str]:
    """The modules that a subcommand's process has loaded at its end."""
    script = (
        "import sys; from palimpsest.cli.main import main\n"
        "try:\n    main(sys.argv[1:])\nexcept SystemExit:\n    pass\n"
        "print(); print(*sys.modules)"
    )
    done = program(sys.executable, "-c", script, *words)
    assert done.returncode == 0, done.stderr
    return set(done.stdout.splitlines()[-1].split())


@pytest.mark.parametrize(
    "argv",
    [
        [],
        ["chain", "many"],
        ["nothing"],
        ["chain", "3", "4"],
        ["preset", "quick", "--seed=1"],
        ["preset", "quick", "seed=1"],
        ["preset", "quick", "--", "seed=1"],
        ["preset", "quick", "-S"],
    ],
)
def test_a_command_line_that_cannot_be_meant_is_status_2(argv: list[str]) -> None:
    with pytest.raises(SystemExit) as left:
        main(argv)
    assert left.value.code == 2


@pytest.mark.parametrize("name", COMMANDS)
def test_every_subcommand_explains_itself(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as left:
        main([name, "--help"])
    assert left.value.code == 0
    shown = capsys.readouterr().out
    assert shown.startswith(f"usage: palimpsest {name} ")
    description = import_module(f"palimpsest.cli.{name}").DESCRIPTION
    assert " ".join(description.split()) in " ".join(shown.split())


def test_help_names_every_subcommand(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["--help"])
    shown = " ".join(capsys.readouterr().out.split())
    for name, purpose in COMMANDS.items():
        assert f"{name} {purpose}" in shown
    files = {path.stem for path in (ROOT / "src/palimpsest/cli").glob("*.py")}
    assert COMMANDS.keys() == files - {"__init__", "main", "audit_input"}


def test_help_is_a_short_manual(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["--help"])
    shown = capsys.readouterr().out
    assert shown.startswith("usage: palimpsest [-h] [--version] COMMAND ...\n\nA laboratory for ")
    places = [shown.index(f"\n{title}:\n") for title in GROUPS]
    assert places == sorted(places)
    assert [name for group in GROUPS.values() for name in group] == [*COMMANDS]
    examples = shown.partition("examples:\n")[2].partition("\n\n")[0].splitlines()
    assert len(examples) == 3
    words = [line.split()[1] for line in examples]
    assert all(word in COMMANDS for word in words)
    assert len(shown.splitlines()) <= 45
    assert max(map(len, shown.splitlines())) <= 100


def test_a_reader_that_has_seen_enough_is_no_error(project: Path) -> None:
    script = (
        "import sys; from palimpsest.cli import chain, main\n"
        "chain.run = lambda args: print('line\\n' * 100_000) or 0\n"
        "sys.exit(main.main(['chain', '4']))"
    )
    done = program("sh", "-c", '"$0" -c "$1" | head -n 1', sys.executable, script)
    assert (done.returncode, done.stdout, done.stderr) == (0, "line\n", "")


def test_a_reader_that_is_gone_before_the_first_line_is_no_error(project: Path) -> None:
    script = (
        "import os, sys; from palimpsest.cli.main import main\n"
        "reader, writer = os.pipe(); os.close(reader); os.dup2(writer, 1)\n"
        "status = main(['chain', '4']); sys.exit(status)"
    )
    done = program(sys.executable, "-c", script)
    assert (done.returncode, done.stderr) == (1, "")
    assert (project / "chain.yaml").exists()


def test_the_version_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as left:
        main(["--version"])
    assert left.value.code == 0
    assert capsys.readouterr().out.startswith("palimpsest ")


def test_the_command_runs_as_a_program_and_loads_no_torch(project: Path) -> None:
    loaded = imported_by("chain", "4")
    assert (project / "generations" / "g04" / "dvc.yaml").exists()
    assert "palimpsest.experiments.project" in loaded
    assert {"torch", "transformers", "dvc"}.isdisjoint(loaded)


@pytest.mark.parametrize("name", COMMANDS)
def test_help_waits_for_nothing_heavy(name: str) -> None:
    loaded = imported_by(name, "--help")
    assert f"palimpsest.cli.{name}" in loaded
    heavy = {"torch", "transformers", "datasets", "sentence_transformers", "matplotlib", "dvc"}
    assert not heavy & loaded
    others = {f"palimpsest.cli.{other}" for other in COMMANDS if other != name} & loaded
    both = {"chain", "preset"}
    allowed = {"preset": {"chain"}, "check": {"chain"}, "compare": both, "init": both}.get(
        name, set()
    )
    assert others <= {f"palimpsest.cli.{other}" for other in allowed}


def test_a_program_run_as_a_module_leaves_its_status(project: Path) -> None:
    done = program(sys.executable, "-m", "palimpsest.cli.main", "chain", "0")
    assert done.returncode == 1
    assert done.stderr == "error: chain: want 1 to 999 generations, got 0\n"


def test_what_is_printed_moves_no_cursor(monkeypatch, capsys):
    def shows(args):
        print("a\x1b[2J\tb \u202e c \udcff")
        raise PalimpsestError("d\x1b[2J", got="\x07")

    monkeypatch.setattr("palimpsest.cli.schema.run", shows)
    assert main(["schema"]) == 1
    said = capsys.readouterr()
    assert said.out == "a\\x1b[2J\tb \\u202e c \\udcff\n"
    assert said.err == "error: d\\x1b[2J: got \\x07\n"


@pytest.mark.parametrize("encoding", ["ascii", "cp1252", "iso8859-15", "utf-8", "utf-16"])
def test_no_encoding_of_the_terminal_ends_a_command(project: Path, encoding: str) -> None:
    script = "from palimpsest.cli.main import main; raise SystemExit(main())"
    for words, status in ((["metrics"], 0), (["metrics", "--help"], 0), (["chain", "東é"], 2)):
        environment = {**os.environ, "PYTHONPATH": str(ROOT / "src"), "PYTHONIOENCODING": encoding}
        command = [sys.executable, "-c", script, *words]
        done = subprocess.run(command, env=environment, capture_output=True, check=False)
        assert done.returncode == status, done.stderr
        said = (done.stdout + done.stderr).decode(encoding)
        assert "Traceback" not in said
        assert ("Vendi score" in said) == (words == ["metrics"])


@pytest.mark.parametrize("closed", ["1>&-", "2>&-", "1>&- 2>&-"])
def test_a_program_without_standard_streams_works_and_keeps_its_status(
    project: Path, closed: str
) -> None:
    line = f'"$0" -m palimpsest.cli.main chain "$1" {closed}'
    good, bad = (program("sh", "-c", line, sys.executable, count) for count in "40")
    assert good.returncode == 0
    assert (project / "generations" / "g04").exists()
    assert bad.returncode == 1
    assert bad.stdout == ""  # an error does not slip into standard output


def test_a_word_that_is_not_understood_is_shown_without_its_escapes(capsys):
    with pytest.raises(SystemExit):
        main(["schema", "--\x1b[2J"])
    said = capsys.readouterr().err
    assert "\x1b" not in said
    assert "--\\x1b[2J" in said


def test_a_missing_package_of_the_laboratory_is_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def run(name: str) -> None:
        raise ModuleNotFoundError(f"No module named {name!r}", name=name)

    metrics = import_module("palimpsest.cli.metrics")
    monkeypatch.setattr(metrics, "run", lambda args: run("matplotlib.figure"))
    assert main(["metrics"]) == 1
    said = capsys.readouterr().err
    assert said.startswith("error: the package matplotlib: want ")
    assert said.count("\n") == 1
    monkeypatch.setattr(metrics, "run", lambda args: run("typo"))
    with pytest.raises(ModuleNotFoundError, match="typo"):
        main(["metrics"])
