"""`palimpsest preset`: what it writes and prints, and that nothing is lost."""

import os
import shutil
from pathlib import Path

import numpy as np
import pytest
import yaml
from safetensors.numpy import save_file

from palimpsest.cli.main import main
from palimpsest.cli.preset import as_yaml
from palimpsest.core.config import flattened
from palimpsest.core.parameters import Parameters
from palimpsest.experiments.presets import load_preset, written
from palimpsest.experiments.project import chain_yaml
from tests.cli.preset_project import git, preset_project

PAPERS = (
    "ainex", "ainex-as-published", "drayson", "gerstgrasser", "linguistic-collapse", "shumailov",
    "smollm2", "smollm2-two-words",
)  # fmt: skip

KEPT = Path(".dvc", "tmp", "palimpsest")


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return preset_project(tmp_path)


def everything(project: Path) -> dict[str, bytes]:
    """All files but git's own by their path."""
    return {
        path.relative_to(project).as_posix(): path.read_bytes()
        for path in project.rglob("*")
        if path.is_file() and ".git" not in path.parts
    }


def parameters_in(project: Path) -> dict[str, object]:
    return flattened(yaml.safe_load((project / "params.yaml").read_text()))


@pytest.mark.parametrize("name", ["quick", *PAPERS])
def test_it_writes_a_params_file_and_a_chain_that_every_stage_accepts(
    project: Path, name: str
) -> None:
    assert main(["preset", name]) == 0
    Parameters.load(project / "params.yaml")
    preset = load_preset(project, name)
    expected = chain_yaml(preset.generations, preset.control_chain)
    assert (project / "chain.yaml").read_text() == expected
    names = {path.parent.name for path in project.glob("generations/*/dvc.yaml")}
    assert names == set(yaml.safe_load(expected)["transitions"])


@pytest.mark.parametrize(
    ("words", "need"),
    [
        (["--generations", "9"], None),
        (["--generations", "11"], 11 * 500),
        (["--generations", "11", "--no-null"], None),
        (["--generations", "11", "--no-null", "-S", "regime.kind=fresh"], 11 * 500),
        (["-S", "generate.documents=800"], 9 * 800),
    ],
)
def test_human_text_must_last_for_the_control_chain(
    project: Path, capsys, words: list[str], need: int | None
) -> None:
    before = everything(project)
    assert main(["preset", "shumailov", *words]) == (0 if need is None else 1)
    said = capsys.readouterr().err
    if need is None:
        assert said == ""
        assert everything(project) != before
    else:
        assert said.startswith(f"error: corpus.reserve: want >= {need} (")
        assert said.endswith("--no-null)\n")
        assert everything(project) == before


@pytest.mark.parametrize("name", PAPERS)
def test_a_regime_that_a_preset_has_no_facts_for_is_refused_and_writes_nothing(
    project: Path, capsys, name: str
) -> None:
    before = everything(project)
    words = ["-S", "regime.kind=filtered", "-S", "regime.criterion=truth"]
    assert main(["preset", name, *words]) == 1
    assert capsys.readouterr().err.startswith("error: regime.criterion: want another one where cor")
    assert everything(project) == before


@pytest.mark.parametrize("name", ["quick", *PAPERS])
def test_every_preset_has_human_text_for_a_control_chain(project: Path, name: str) -> None:
    assert main(["preset", name, "--null"]) == 0
    preset = load_preset(project, name)
    assert (project / "chain.yaml").read_text() == chain_yaml(preset.generations, control=True)


def test_a_preset_starts_from_the_default_whatever_was_there(project: Path, capsys) -> None:
    text = (project / "params.yaml").read_text().replace("seed: 0 ", "seed: 9 ", 1)
    (project / "params.yaml").write_text(text)
    git(project, "commit", "-qam", "mine")
    assert main(["preset", "drayson"]) == 0
    drayson = written(project, load_preset(project, "drayson").parameters)
    assert (project / "params.yaml").read_text() == drayson
    out = capsys.readouterr().out
    assert "seed: 9 -> 0" in out
    assert "finetune.skip_tokens: 0 -> 256" in out
    assert "chain.yaml: generations g00 to g09, control chain n01 to n09\n" in out
    assert out.endswith("next: dvc repro, then palimpsest compare --published drayson\n")


def test_without_published_numbers_only_the_chain_is_next(project: Path, capsys) -> None:
    assert main(["preset", "quick"]) == 0
    out = capsys.readouterr().out
    assert out == "chain.yaml: generations g00 to g20\nnext: dvc repro\n"


@pytest.mark.parametrize("options_first", [True, False])
@pytest.mark.parametrize("flag", ["-S", "--set-param"])
def test_model_and_data_can_be_swapped(project: Path, options_first: bool, flag: str) -> None:
    values = ["corpus.source=files", "corpus.files.paths=[a.txt, b.txt]", "corpus.null_pool=0"]
    words = [word for value in values for word in (flag, value)]
    options = ["--generations", "3", "--no-null"]
    order = [*options, *words] if options_first else [*words, *options]
    assert main(["preset", "ainex", *order]) == 0
    params = parameters_in(project)
    assert params["corpus.files.paths"] == ["a.txt", "b.txt"]
    assert (params["corpus.source"], params["corpus.null_pool"]) == ("files", 0)
    assert params["generate.top_k"] == 50
    assert (project / "chain.yaml").read_text() == chain_yaml(3)


def test_a_value_may_hold_an_equals_sign(project: Path) -> None:
    assert main(["preset", "quick", "-Smodel.source=a=b", "-S", "corpus.null_pool=1500"]) == 0
    assert parameters_in(project)["model.source"] == "a=b"


def test_uncommitted_changes_are_refused_or_kept(project: Path, capsys) -> None:
    path = project / "params.yaml"
    mine = path.read_text().replace("seed: 0 ", "seed: 9 ", 1)
    path.write_text(mine)
    assert main(["preset", "ainex"]) == 1
    assert capsys.readouterr().err == (
        "error: params.yaml: want no uncommitted changes, got some; commit them, or --force: the "
        "old file is kept under .dvc/tmp\n"
    )
    assert path.read_text() == mine
    assert not (project / "generations" / "g00").exists()
    assert main(["preset", "ainex", "--force"]) == 0
    assert (project / KEPT / "params.yaml.old").read_text() == mine
    ainex = path.read_text()
    assert main(["preset", "drayson", "--force"]) == 0
    assert (project / KEPT / "params.yaml.old").read_text() == mine
    assert (project / KEPT / "params.yaml.old1").read_text() == ainex


def test_the_same_preset_again_is_no_change_that_could_be_lost(project: Path, capsys) -> None:
    words = ["preset", "ainex", "--generations", "3", "-S", "seed=4"]
    assert main(words) == 0
    written_by_it = everything(project)
    capsys.readouterr()
    assert main(words) == 0
    assert everything(project) == written_by_it
    assert capsys.readouterr().out.startswith("chain.yaml: generations g00 to g03")
    assert main([*words, "-S", "seed=5"]) == 1
    assert "error: params.yaml: want no uncommitted changes" in capsys.readouterr().err
    assert main(["preset", "ainex", "--generations", "4", "-S", "seed=4"]) == 1
    assert "error: chain.yaml: want no uncommitted changes" in capsys.readouterr().err
    assert everything(project) == written_by_it


def test_the_room_that_the_models_need_is_said_before_anything_runs(project: Path, capsys) -> None:
    folder = project / "pretrained" / "smollm2"
    folder.mkdir(parents=True)
    save_file({"a": np.ones((500, 1000), np.float32)}, folder / "model.safetensors")
    assert main(["preset", "smollm2"]) == 0
    said = [line for line in capsys.readouterr().out.splitlines() if line.startswith("disk: ")]
    assert said[0].startswith(
        "disk: models of 41 generations × 2.0 MB and the first one: 84 MB, as "
    )
    assert (
        main(["preset", "smollm2", "--force", "--no-null", "-S", "finetune.save_dtype=bfloat16"])
        == 0
    )
    assert (
        "disk: models of 21 generations × 1.0 MB and the first one: 23 MB"
        in capsys.readouterr().out
    )
    assert main(["preset", "smollm2", "--force", "-S", "models.keep_every=5"]) == 0
    said = capsys.readouterr().out
    # g00, every fifth of both chains, and two at work; float32, and the first one
    assert "disk: models of 41 generations, 11 at once × 2.0 MB and the first one: 24 MB" in said
    assert "next: palimpsest run, then palimpsest compare --published smollm2" in said
    assert main(["preset", "ainex", "--force"]) == 0  # a hub id: its size is not known
    assert "disk:" not in capsys.readouterr().out


def test_a_project_in_a_subfolder_loses_nothing_either(project: Path, capsys) -> None:
    (project / "sub").mkdir()
    for name in ("presets", "generations", "params.yaml", "chain.yaml", "dvc.yaml"):
        (project / name).rename(project / "sub" / name)
    os.chdir(project / "sub")
    before = Path("params.yaml").read_text()
    assert main(["preset", "ainex"]) == 1
    assert "error: params.yaml and chain.yaml: want no uncommitted" in capsys.readouterr().err
    assert main(["preset", "ainex", "--force"]) == 0
    assert (project / "sub" / KEPT / "params.yaml.old").read_text() == before


def test_outside_git_the_old_file_is_kept(project: Path) -> None:
    shutil.rmtree(project / ".git")
    before = (project / "params.yaml").read_text()
    assert main(["preset", "ainex"]) == 1
    assert main(["preset", "ainex", "--force"]) == 0
    assert (project / KEPT / "params.yaml.old").read_text() == before


def test_what_cannot_be_a_chain_leaves_params_as_they_are(project: Path, capsys) -> None:
    before = (project / "params.yaml").read_text()
    assert main(["preset", "ainex", "--generations", "0"]) == 1
    assert "error: chain: want 1 to 999 generations, got 0" in capsys.readouterr().err
    (project / "dvc.yaml").unlink()
    assert main(["preset", "ainex"]) == 1
    assert "want a folder with dvc.yaml, got none" in capsys.readouterr().err
    assert (project / "params.yaml").read_text() == before


def test_outputs_that_go_are_said(project: Path, capsys) -> None:
    for name in ("data/scores/g12", "data/scores/g05", "generations/g12"):
        (project / name).mkdir(parents=True)
    assert main(["preset", "drayson"]) == 0
    assert "removed 2 folders of later generations (DVC's cache" in capsys.readouterr().out
    assert (project / "data/scores/g05").exists()
    assert not (project / "generations/g12").exists()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["aynex"], "preset: want one of ainex, ainex-as-published, drayson, gerstgrasser, "),
        (["ainex", "-S", "seed"], "-S: want KEY=VALUE, got 'seed'"),
        (["ainex", "-S", "=1"], "-S: want KEY=VALUE, got '=1'"),
        (["ainex", "-S", "sed=1"], "sed: want a parameter of params.yaml, got no such parameter"),
        (["ainex", "-S", "seed.x=1"], "seed.x: want a parameter of params.yaml, got no such para"),
        (["ainex", "-S", "corpus=1"], "corpus: want a parameter of params.yaml, got no such para"),
        (["ainex", "-S", "seed=[1"], "seed: want a YAML value, got '[1'"),
        (["ainex", "-S", "seed=-1"], "seed: want >= 0, got -1"),
        (
            ["ainex", "-S", "corpus.null_pool=749"],
            "corpus.null_pool: want 0 or >= 750 (3 generate.documents), got 749",
        ),
        (["gerstgrasser", "--generations", "5"], "corpus.reserve: want >= 100000 (5 generations "),
        (["ainex", "-S", "generate.top_p=x"], "generate.top_p: want a number, got 'x'"),
        (["ainex", "-S", "score.custom=[1]"], "score.custom: want a list of text, got "),
    ],
)
def test_what_is_no_preset_is_one_line_and_writes_nothing(project, capsys, words, message) -> None:
    before = (project / "params.yaml").read_text(), (project / "chain.yaml").read_text()
    assert main(["preset", *words]) == 1
    said = capsys.readouterr().err
    assert f"error: {message}" in said
    assert said.count("\n") == 1
    assert before == ((project / "params.yaml").read_text(), (project / "chain.yaml").read_text())


@pytest.mark.parametrize(
    ("value", "text"),
    [(None, "null"), (True, "true"), ([1, "a"], "[1, a]"), ("a: b", "'a: b'"), (0.5, "0.5")],
)
def test_values_are_shown_as_yaml_on_one_line(value: object, text: str) -> None:
    assert as_yaml(value) == text
