"""`palimpsest chain`: what it prints, and what it leaves alone."""

import shutil
from pathlib import Path

import pytest
import yaml

from palimpsest.cli.main import main
from palimpsest.experiments.project import chain_yaml
from tests.tiny import ROOT, tiny_params, turn, write_params


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


def test_a_chain_that_drops_weights_is_run_by_what_drops_them(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    params = tiny_params()
    turn(params, "models.keep_every", 3)
    write_params(project / "params.yaml", params)
    main(["chain", "2"])
    assert capsys.readouterr().out.splitlines()[-1] == "next: palimpsest run"
    (project / "generations" / "g02" / "dvc.lock").write_text("a lock")
    main(["chain", "1"])
    main(["chain", "2"])
    assert capsys.readouterr().out.splitlines()[-1] == (
        "next: dvc checkout --allow-missing (their outputs are in DVC's cache), then palimpsest run"
    )


def test_the_control_chain_comes_stays_and_goes(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for words, control in ((["2", "--null"], True), (["3"], True), (["3", "--no-null"], False)):
        assert main(["chain", *words]) == 0
        text = ", control chain n01 to n0" in capsys.readouterr().out
        assert text is control
        assert (project / "chain.yaml").read_text() == chain_yaml(int(words[0]), control)
        assert (project / "generations" / "n01").exists() is control


def everything(project: Path) -> dict[str, bytes]:
    """All files by their path."""
    return {
        path.relative_to(project).as_posix(): path.read_bytes()
        for path in project.rglob("*")
        if path.is_file()
    }


def write_kind(project: Path, kind: str) -> None:
    """The tracked params.yaml with another regime: 10,000 unseen documents, 500 a generation."""
    whole = yaml.safe_load((ROOT / "params.yaml").read_text())
    whole["regime"]["kind"] = kind
    (project / "params.yaml").write_text(yaml.safe_dump(whole))


@pytest.mark.parametrize(
    ("words", "kind", "each"),
    [
        (["20", "--null"], "replace", None),
        (["21", "--null"], "replace", 500),
        (["21"], "replace", None),
        (["20"], "fresh", None),
        (["21"], "fresh", 500),
        (["200"], "mix", None),  # a tenth of 500 a generation
        (["201"], "mix", 50),
    ],
)
def test_human_text_must_last_or_nothing_is_written(
    project: Path,
    capsys: pytest.CaptureFixture[str],
    words: list[str],
    kind: str,
    each: int | None,
) -> None:
    write_kind(project, kind)
    main(["chain", "2"])
    before = everything(project)
    capsys.readouterr()
    assert main(["chain", *words]) == (0 if each is None else 1)
    shown = capsys.readouterr()
    if each is None:
        assert (project / "chain.yaml").read_text() == chain_yaml(int(words[0]), len(words) > 1)
        return
    last = int(words[0])
    assert shown.err == (
        f"error: corpus.reserve: want >= {last * each} ({last} generations of {each} unseen human "
        "documents), got 10000; raise it, make the chain shorter, or leave the control chain out "
        "(--no-null)\n"
    )
    assert shown.out == ""
    assert everything(project) == before


def test_a_control_chain_that_is_there_counts_until_it_is_taken_away(project: Path) -> None:
    write_kind(project, "replace")
    assert main(["chain", "20", "--null"]) == 0
    before = everything(project)
    assert main(["chain", "21"]) == 1
    assert everything(project) == before
    assert main(["chain", "21", "--no-null"]) == 0
    assert (project / "chain.yaml").read_text() == chain_yaml(21)


def test_the_chain_as_it_is_must_have_human_text_too(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    main(["chain", "21"])
    write_kind(project, "fresh")
    before = everything(project)
    capsys.readouterr()
    assert main(["chain"]) == 1
    assert capsys.readouterr().err.startswith("error: corpus.reserve: want >= 10500 (21 generat")
    assert everything(project) == before


def test_parameters_that_cannot_be_meant_stop_it_before_anything_is_written(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_kind(project, "replce")
    before = everything(project)
    assert main(["chain", "3"]) == 1
    assert capsys.readouterr().err.startswith("error: regime.kind: want one of 'replace', ")
    assert everything(project) == before


def test_without_a_number_the_folders_are_written_anew(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["chain"]) == 1
    assert capsys.readouterr().err == (
        f"error: {project / 'chain.yaml'}: want a YAML file, got no such file; "
        "palimpsest chain 20 writes one\n"
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
