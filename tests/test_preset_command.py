"""Presets: every one is a params.yaml that the stages accept; nothing is lost; published beside."""

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from palimpsest.card import ScoreParams
from palimpsest.cli import main
from palimpsest.corpus.regime import RegimeParams
from palimpsest.corpus.source import SOURCES, CorpusParams
from palimpsest.dvc_project import chain_yaml
from palimpsest.errors import ParamsError
from palimpsest.experiments import flat
from palimpsest.lm.model import ModelParams
from palimpsest.lm.prompts import WitnessParams
from palimpsest.lm.sampling import SamplingParams
from palimpsest.lm.training import TrainingParams
from palimpsest.params import from_mapping, load
from palimpsest.preset_command import load_preset, published_table, written
from palimpsest.sweep_command import planned
from stages import command
from tests.tiny import ROOT

PAPERS = (
    "ainex", "ainex-as-published", "drayson", "gerstgrasser", "linguistic-collapse", "shumailov",
)  # fmt: skip


def git(*words: str) -> None:
    identity = ["-c", "user.email=a@b", "-c", "user.name=n"]
    subprocess.run(["git", *identity, *words], check=True, capture_output=True)


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    shutil.copytree(ROOT / "presets", tmp_path / "presets")
    for name in ("params.yaml", "chain.yaml", "dvc.yaml"):
        shutil.copy(ROOT / name, tmp_path / name)
    git("init", "-q")
    git("add", "-A")
    git("commit", "-qm", "x")
    return tmp_path


def test_quick_is_the_tracked_params_file() -> None:
    quick = (ROOT / "presets" / "quick.yaml").read_text()
    assert quick == (ROOT / "params.yaml").read_text()
    assert written(ROOT, {}) == quick


@pytest.mark.parametrize("name", PAPERS)
def test_every_preset_is_accepted_by_every_stage(project: Path, name: str) -> None:
    assert main(["preset", name]) == 0
    path = project / "params.yaml"
    content = command.sections(path)
    corpus = command.section(content, CorpusParams, but=tuple(SOURCES))
    load(path, SOURCES[corpus.source])
    for params in (ModelParams, SamplingParams, RegimeParams, WitnessParams, ScoreParams):
        load(path, params)
    for section in ("pretrain", "finetune"):
        from_mapping(content[section], TrainingParams, section)
    preset = load_preset(project, name)
    expected = chain_yaml(preset.generations, preset.null_lineage)
    assert (project / "chain.yaml").read_text() == expected


@pytest.mark.parametrize("name", PAPERS)
def test_a_preset_says_what_was_published(name: str) -> None:
    preset = load_preset(ROOT, name)
    assert preset.published
    assert all({"generation", "metric", "value"} <= entry.keys() for entry in preset.published)
    assert (ROOT / "presets" / f"{name}.yaml").read_text().startswith("# ")
    assert preset.null_lineage


@pytest.mark.parametrize(
    ("words", "fits"),
    [
        (["--generations", "9"], True),
        (["--generations", "11"], False),
        (["--generations", "11", "--no-null"], True),
        (["--generations", "11", "--no-null", "regime.kind=fresh"], False),
        (["generate.documents=800"], False),
    ],
)
def test_human_text_must_last_for_the_null_lineage(
    project: Path, capsys, words: list[str], fits: bool
) -> None:
    before = (project / "params.yaml").read_bytes()
    assert main(["preset", "shumailov", *words]) == (0 if fits else 1)
    assert ("corpus.reserve: want at least " in capsys.readouterr().err) is not fits
    assert ((project / "params.yaml").read_bytes() == before) is not fits


def test_comments_stay_and_only_the_dials_change(project: Path) -> None:
    before = (project / "params.yaml").read_text().splitlines()
    text = written(project, {"seed": 7, "witness.prompts": ["One"], "finetune.clip_norm": None})
    after = text.splitlines()
    gone, new = [[x for x in a if x not in b] for a, b in ((before, after), (after, before))]
    assert [line.strip() for line in new] == [
        "seed: 7                     # whole number; moves everything random",
        "- One", "clip_norm: null",
    ]  # fmt: skip
    assert len(gone) == 7
    assert "    - One\n\nfinetune:" in text
    assert written(project, {"generate.prompts": ["A b"]}).count("#") == "\n".join(before).count(
        "#"
    )


def test_a_preset_starts_from_the_default_whatever_was_there(project: Path, capsys) -> None:
    text = (project / "params.yaml").read_text().replace("seed: 0 ", "seed: 9 ", 1)
    (project / "params.yaml").write_text(text)
    git("commit", "-qam", "mine")
    assert main(["preset", "drayson"]) == 0
    params = flat(yaml.safe_load((project / "params.yaml").read_text()))
    assert params == flat(yaml.safe_load(written(project, load_preset(project, "drayson").dials)))
    out = capsys.readouterr().out
    assert "seed: 9 -> 0" in out
    assert "finetune.skip_tokens: 0 -> 256" in out
    assert out.endswith("next: dvc repro, then palimpsest compare --published drayson\n")


@pytest.mark.parametrize("options_first", [True, False])
def test_model_and_data_can_be_swapped(project: Path, options_first: bool) -> None:
    words = ["corpus.source=files", "corpus.files.paths=[a.txt, b.txt]", "corpus.null_pool=0"]
    options = ["--generations", "3", "--no-null"]
    order = [*options, *words] if options_first else [*words, *options]
    assert main(["preset", "ainex", *order]) == 0
    params = flat(yaml.safe_load((project / "params.yaml").read_text()))
    assert params["corpus.files.paths"] == ["a.txt", "b.txt"]
    assert (params["corpus.source"], params["corpus.null_pool"]) == ("files", 0)
    assert params["generate.top_k"] == 50
    assert (project / "chain.yaml").read_text() == chain_yaml(3)


def test_uncommitted_changes_are_refused_or_kept(project: Path, capsys) -> None:
    path = project / "params.yaml"
    mine = path.read_text().replace("seed: 0 ", "seed: 9 ", 1)
    path.write_text(mine)
    assert main(["preset", "ainex"]) == 1
    assert capsys.readouterr().err == (
        "error: params.yaml: want no uncommitted changes, got some; commit them, or --force: the "
        "old file is kept as NAME.old\n"
    )
    assert path.read_text() == mine
    assert main(["preset", "ainex", "--force"]) == 0
    assert (project / "params.yaml.old").read_text() == mine
    ainex = path.read_text()
    assert main(["preset", "drayson", "--force"]) == 0
    assert (project / "params.yaml.old").read_text() == mine
    assert (project / "params.yaml.old1").read_text() == ainex


def test_a_project_in_a_subfolder_loses_nothing_either(project: Path, capsys) -> None:
    (project / "sub").mkdir()
    for name in ("presets", "params.yaml", "chain.yaml", "dvc.yaml"):
        (project / name).rename(project / "sub" / name)
    os.chdir(project / "sub")
    assert main(["preset", "ainex", "--force"]) == 0
    assert (project / "sub" / "params.yaml.old").exists()


def test_what_cannot_be_a_chain_leaves_params_as_they_are(project: Path, capsys) -> None:
    before = (project / "params.yaml").read_text()
    assert main(["preset", "ainex", "--generations", "0"]) == 1
    assert "error: chain: want 1 to 999 generations, got 0" in capsys.readouterr().err
    (project / "dvc.yaml").unlink()
    assert main(["preset", "ainex"]) == 1
    assert "want a folder with dvc.yaml, got none" in capsys.readouterr().err
    assert (project / "params.yaml").read_text() == before


def test_outputs_that_go_are_said(project: Path, capsys) -> None:
    (project / "data" / "scores" / "g12").mkdir(parents=True)
    assert main(["preset", "drayson"]) == 0
    assert "removed 1 outputs of later generations" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["aynex"], "preset: want one of ainex, ainex-as-published, drayson, gerstgrasser, "),
        (["ainex", "seed"], "preset: want KEY=VALUE, got 'seed'"),
        (["ainex", "sed=1"], "sed: want a dial of params.yaml, got no such dial"),
        (["ainex", "seed.x=1"], "seed.x: want a dial of params.yaml, got no such dial"),
        (["ainex", "corpus=1"], "corpus: want a dial of params.yaml, got no such dial"),
        (["ainex", "seed=[1"], "seed: want a YAML value, got '[1'"),
    ],
)
def test_what_is_no_preset_is_one_line_and_writes_nothing(project, capsys, words, message) -> None:
    before = (project / "params.yaml").read_text()
    assert main(["preset", *words]) == 1
    assert f"error: {message}" in capsys.readouterr().err
    assert (project / "params.yaml").read_text() == before


def test_a_broken_preset_is_named(project: Path) -> None:
    (project / "presets" / "mine.yaml").write_text("dials: 3\n")
    with pytest.raises(ParamsError, match=r"presets/mine\.yaml: want chain, published and dials"):
        load_preset(project, "mine")
    chain = "chain: {generations: 1, null_lineage: false}\n"
    (project / "presets" / "mine.yaml").write_text(
        f"{chain}dials: {{}}\npublished: [{{generation: 1, metric: volume}}]\n"
    )
    with pytest.raises(ParamsError, match=r"got KeyError\('value'\)"):
        load_preset(project, "mine")


def score(project: Path, small: float) -> None:
    """Generation 5 with a volume in its card, and another or the same in its small file."""
    folder = project / "data" / "scores" / "g05"
    folder.mkdir(parents=True, exist_ok=True)
    card = {"metrics": {"volume": {"value": 0.262, "low": None, "high": None}}}
    (folder / "card.json").write_text(json.dumps(card))
    folder = project / "metrics" / "generations"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "g05.json").write_text(json.dumps({"volume": small}))


def test_scores_that_are_not_of_these_dials_or_files_are_not_run(project: Path, capsys) -> None:
    score(project, 0.3)
    assert main(["compare", "--published", "ainex"]) == 0
    out = capsys.readouterr().out
    assert out.count("not run") == len(load_preset(project, "ainex").published)
    assert (
        "not count: g05, volume: want 0.300 in data/scores, as in metrics/generations, got" in out
    )
    score(project, 0.262)
    lock = {"stages": {"generate@g05": {"params": {"params.yaml": {"seed": 7}}}}}
    (project / "dvc.lock").write_text(json.dumps(lock))
    assert main(["compare", "--published", "ainex"]) == 0
    out = capsys.readouterr().out
    assert out.count("not run") == len(load_preset(project, "ainex").published)
    assert "scores that do not count: workspace: want scores of the dials in its params.yaml" in out


def test_published_numbers_of_another_arm_are_left_out(project: Path, capsys) -> None:
    assert main(["preset", "gerstgrasser"]) == 0
    capsys.readouterr()
    assert main(["compare", "--published", "gerstgrasser"]) == 0
    assert " 5.70 " in (both := capsys.readouterr().out)
    assert " 10.9 " not in both
    assert main(["preset", "gerstgrasser", "regime.kind=replace", "--force"]) == 0
    capsys.readouterr()
    assert main(["compare", "--published", "gerstgrasser"]) == 0
    assert " 10.9 " in (both := capsys.readouterr().out)
    assert " 5.70 " not in both


def test_published_beside_measured(project: Path, capsys) -> None:
    score(project, 0.262)
    assert main(["compare", "--published", "ainex"]) == 0
    lines = capsys.readouterr().out.splitlines()
    volume = [line.split() for line in lines if line.startswith("volume")]
    assert volume[1] == ["volume", "5", "0.131", "0.262", "+100.0", "%"]
    assert volume[2][3:] == ["not", "run", "–"]
    # params.yaml is still the default
    assert "not the preset's: corpus.source: world (preset: hub)" in lines
    assert main(["preset", "ainex"]) == 0
    capsys.readouterr()
    assert main(["compare", "--published", "ainex"]) == 0
    assert "not the preset's" not in capsys.readouterr().out
    with pytest.raises(ParamsError, match="preset quick: want published numbers, got none"):
        published_table(project, "quick")


def test_the_sweeps_are_sweeps(project: Path) -> None:
    dials = flat(yaml.safe_load((project / "params.yaml").read_text()))
    sweeps = {"linguistic-collapse": 18, "regimes": 24, "regimes-files": 24, "variance": 9}
    for name, chains in sweeps.items():
        content = yaml.safe_load((project / "presets" / f"{name}-sweep.yaml").read_text())
        assert len(planned(content, dials, "sweep")) == chains
