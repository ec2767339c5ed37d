"""`palimpsest completion`: a script that a shell takes, with every command and option in it."""

import shutil
import subprocess

import pytest

from palimpsest.cli.main import COMMANDS, main


def script(shell: str, capsys: pytest.CaptureFixture[str]) -> str:
    assert main(["completion", shell]) == 0
    return capsys.readouterr().out


@pytest.mark.parametrize("shell", ["bash", "zsh", "tcsh"])
def test_the_script_knows_every_command(shell: str, capsys: pytest.CaptureFixture[str]) -> None:
    text = script(shell, capsys)
    assert [name for name in COMMANDS if name not in text] == []


@pytest.mark.skipif(shutil.which("bash") is None, reason="needs bash")
@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["au"], {"audit"}),
        (["preset", "--g"], {"--generations"}),
        (["compare", "--par"], {"--parameter"}),
        (["audit", "--fail-on", "c"], {"collapsed", "copied"}),
        (["chain", "--no"], {"--no-null"}),
    ],
)
def test_bash_completes(
    words: list[str], expected: set[str], capsys: pytest.CaptureFixture[str]
) -> None:
    line = ["palimpsest", *words]
    ask = (
        f"COMP_WORDS=({' '.join(line)}); COMP_CWORD={len(line) - 1}\n"
        "_shtab_palimpsest\nprintf '%s\\n' \"${COMPREPLY[@]}\"\n"
    )
    done = subprocess.run(
        ["bash", "--norc", "-c", script("bash", capsys) + ask],
        capture_output=True,
        text=True,
        check=True,
    )
    assert {word.strip() for word in done.stdout.split()} == expected


def test_another_shell_is_status_2() -> None:
    with pytest.raises(SystemExit) as left:
        main(["completion", "fish-and-chips"])
    assert left.value.code == 2
