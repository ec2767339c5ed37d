"""`palimpsest chain`: what it prints, and what it leaves alone."""

import shutil
from pathlib import Path

import pytest

from palimpsest.cli.main import main
from palimpsest.experiments.project import chain_yaml
from tests.tiny import ROOT


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "dvc.yaml").write_text("stages: {}\n")
    (tmp_path / "generations").mkdir()
    shutil.copy(ROOT / "generations" / "dvc.yaml.j2", tmp_path / "generations")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize(("last", "name"), [(5, "g05"), (20, "g20"), (60, "g60")])
def test_chain_writes_the_transitions_and_says_what_is_next(
    project: Path, capsys: pytest.CaptureFixture[str], last: int, name: str
) -> None:
    assert main(["chain", str(last)]) == 0
    assert (project / "chain.yaml").read_text() == chain_yaml(last)
    assert len(list(project.glob("generations/*/dvc.yaml"))) == last + 1
    lines = capsys.readouterr().out.splitlines()
    assert lines == [f"chain.yaml: generations g00 to {name} (new)", "next: dvc repro"]


def test_a_change_names_the_chain_that_was_and_what_went(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    main(["chain", "5"])
    for number in (2, 5):
        (project / "data" / "scores" / f"g{number:02d}").mkdir(parents=True)
        (project / "generations" / f"g{number:02d}" / "dvc.lock").write_text("a lock")
    capsys.readouterr()
    assert main(["chain", "3"]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "chain.yaml: generations g00 to g03 (was g00 to g05)",
        # g04, g05 and the scores of g05
        "removed 3 folders of later generations (DVC's cache has the scores)",
        "next: dvc repro",
    ]
    assert (project / "data" / "scores" / "g02").exists()
    assert not (project / "data" / "scores" / "g05").exists()
    assert main(["chain", "6"]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "chain.yaml: generations g00 to g06 (was g00 to g03)",
        "1 generations of an earlier, longer chain are back",
        "next: dvc checkout (their outputs are in DVC's cache), then dvc repro",
    ]


def test_the_control_chain_comes_stays_and_goes(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for words, control in ((["2", "--null"], True), (["3"], True), (["3", "--no-null"], False)):
        assert main(["chain", *words]) == 0
        text = ", control chain n01 to n0" in capsys.readouterr().out
        assert text is control
        assert (project / "chain.yaml").read_text() == chain_yaml(int(words[0]), control)
        assert (project / "generations" / "n01").exists() is control


def test_without_a_number_the_folders_are_written_anew(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["chain"]) == 1
    assert capsys.readouterr().err == (
        f"error: {project / 'chain.yaml'}: want a YAML file, got no such file\n"
    )
    main(["chain", "2"])
    template = project / "generations" / "dvc.yaml.j2"
    template.write_text(template.read_text().replace("Generation {{ name }}.", "Number {{ name }}"))
    assert main(["chain"]) == 0
    assert "chain.yaml: generations g00 to g02 (was g00 to g02)\n" in capsys.readouterr().out
    assert (project / "generations/g01/dvc.yaml").read_text().startswith("# Number g01 Written")


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
