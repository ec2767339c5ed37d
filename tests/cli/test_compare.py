"""`palimpsest compare` on a git repository with experiments as DVC keeps them."""

import csv
import json
import subprocess
import sys
from functools import partial
from pathlib import Path
from typing import Any

import matplotlib.image
import numpy as np
import pytest
import yaml
from matplotlib.colors import to_rgb

from palimpsest.cli.main import main
from palimpsest.experiments.presets import load_preset
from palimpsest.experiments.revisions import all_runs, experiments
from palimpsest.figures.style import BLUE, VERMILION
from tests.cli.preset_project import preset_project


def git(*words: str) -> str:
    done = subprocess.run(["git", *words], capture_output=True, text=True, check=True)
    return done.stdout.strip()


def write(kind: str, seed: int, integrity: float, last: int = 2) -> None:
    params = {"seed": seed, "seeds": {"generate": None}, "regime": {"kind": kind}}
    Path("params.yaml").write_text(yaml.safe_dump(params))
    folder = Path("metrics/generations")
    folder.mkdir(parents=True, exist_ok=True)
    for number in range(last + 1):
        value = 1 - (1 - integrity) * number / last
        scorecard = {"integrity": value, "truth": None if number else 1.0}
        (folder / f"g{number:02d}.json").write_text(json.dumps(scorecard))
    (folder / "n01.json").write_text(json.dumps({"integrity": 9.0}))


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository with four experiments, two seeds of two regimes."""
    monkeypatch.chdir(tmp_path)
    git("init", "-q")
    git("config", "user.email", "nobody@example.org")
    git("config", "user.name", "Nobody")
    chains = [("r0", "replace", 0, 0.5), ("r1", "replace", 1, 0.7), ("f0", "fresh", 0, 0.9)]
    for name, *rest in [*chains, ("f1", "fresh", 1, 1.1)]:
        write(*rest)
        git("add", "-A")
        git("commit", "-q", "-m", name)
        git("update-ref", f"refs/exps/ab/cdef/{name}", "HEAD")
    git("update-ref", "refs/exps/exec/EXEC_HEAD", "HEAD")
    git("update-ref", "refs/exps/stash", "HEAD")
    return tmp_path


def said(capsys: pytest.CaptureFixture[str], *words: str, status: int = 0) -> str:
    assert main(["compare", *words]) == status
    shown = capsys.readouterr()
    return shown.err if status else shown.out


def test_experiments_are_found_and_dvcs_own_references_are_not(project: Path) -> None:
    assert set(experiments(project)) == {"r0", "r1", "f0", "f1"}


def test_all_reads_every_experiment_and_the_workspace_if_it_is_another(project: Path) -> None:
    names = [run.name for run in all_runs(project, [])[0]]
    assert names[0] == "workspace"
    assert set(names[1:]) == {"r0", "r1", "f0", "f1"}
    assert list(all_runs(project, ["r0"])[0][0].generations) == [0, 1, 2]


def test_what_has_no_scores_is_left_out_of_all_and_said(project, capsys) -> None:
    git("rm", "-rq", "metrics")
    git("commit", "-qm", "none")
    git("update-ref", "refs/exps/ab/cdef/empty", "HEAD")
    runs, left_out = all_runs(project, [])
    assert {run.name for run in runs} == {"r0", "r1", "f0", "f1"}
    assert [why.split(":")[0] for why in left_out] == ["workspace", "empty"]
    assert "left out: empty: want scored generations" in said(capsys, "--all")


def lock(**params: object) -> None:
    section = {"params": {"params.yaml": params}}
    stages = {"prepare": section, "score@g02": section, "report": section}
    write_lock(stages)


def write_lock(stages: dict[str, Any]) -> None:
    """A lock for the project, and one for each generation."""
    parts: dict[str, dict[str, Any]] = {"": {}}
    for name, entry in stages.items():
        stage, _, generation = name.partition("@")
        parts.setdefault(generation and f"generations/{generation}", {})[stage] = entry
    for folder, content in parts.items():
        Path(folder).mkdir(parents=True, exist_ok=True)
        lines = yaml.safe_dump({"schema": "2.0", "stages": content})
        (Path(folder) / "dvc.lock").write_text(lines)


def test_scores_of_other_parameters_are_refused(project, capsys) -> None:
    lock(**{"seed": 1, "seeds.generate": None, "regime": {"kind": "fresh"}})
    assert "workspace" in [run.name for run in all_runs(project, [])[0]]
    lock(**{"seed": 0, "seeds.generate": None, "regime": {"kind": "replace"}})
    assert said(capsys, "workspace", status=1) == (
        "error: workspace: want scores of the parameters in its params.yaml, got g00, g02 scored "
        "with other regime.kind, seed; dvc repro, then commit\n"
    )


def test_scores_of_a_repro_that_was_cut_short_are_refused(project, capsys) -> None:
    """`dvc repro finetune@g02`, after all of them: the scores are those of the old model."""

    def entry(deps: dict[str, str], outs: dict[str, str]) -> dict[str, list[dict[str, str]]]:
        sides = {"deps": deps, "outs": outs}
        return {
            side: [{"path": path, "md5": md5} for path, md5 in files.items()]
            for side, files in sides.items()
        }

    stages = {
        "finetune@g02": entry({"data/texts/g02/texts.jsonl": "t"}, {"models/g02": "new"}),
        "embed@g02": entry({"models/g02": "old"}, {"data/embeddings/g02": "e"}),
        "score@g02": entry({"data/embeddings/g02": "e"}, {"metrics/generations/g02.json": "m"}),
        "report": entry({"data/embeddings/g02": "other"}, {}),
    }
    write_lock(stages)
    assert said(capsys, "workspace", status=1) == (
        "error: workspace: want scores of what the stages before them wrote, got embed@g02 read "
        "another models/g02 than finetune@g02 wrote; dvc repro, then commit\n"
    )
    stages["embed@g02"]["deps"][0]["md5"] = "new"
    write_lock(stages)
    assert said(capsys, "workspace")


def test_damaged_files_are_one_line(project, capsys) -> None:
    Path("dvc.lock").write_text("stages: {prepare: null, score@g02: [1]}\n")
    assert said(capsys, "workspace")
    Path("metrics/generations/g01.json").write_text('{"integrity": "high"}')
    assert "g01.json: want numbers or null by metric, got 'high'" in said(
        capsys, "workspace", status=1
    )


def test_a_project_in_a_subfolder_of_its_repository(project, capsys, monkeypatch) -> None:
    Path("sub").mkdir()
    for name in ("params.yaml", "metrics"):
        git("mv", name, "sub")
    git("commit", "-qm", "moved")
    monkeypatch.chdir("sub")
    assert "1 variant, 1 chain," in said(capsys, "HEAD")


def test_chains_that_share_a_seed_are_said(project, capsys) -> None:
    assert "are not independent" not in said(capsys, "--all")
    params = yaml.safe_load(Path("params.yaml").read_text())
    params["seeds"]["generate"] = 9
    Path("params.yaml").write_text(yaml.safe_dump(params))
    out = said(capsys, "workspace", "f0", "f1")
    assert "Chains that share seeds.corpus, seeds.finetune are not independent in it" in out


def test_generations_that_the_chain_no_longer_has_do_not_count(project) -> None:
    Path("chain.yaml").write_text("transitions: {g00: {index: 0}, g01: {index: 1}}\n")
    assert list(all_runs(project, ["workspace"])[0][0].generations) == [0, 1]
    # nor do the stages that an old lock of the whole chain still has of them
    lock(**{"seed": 1, "regime": {"kind": "fresh"}})
    assert list(all_runs(project, ["workspace"])[0][0].generations) == [0, 1]
    stages = {"score@g02": {"params": {"params.yaml": {"seed": 0}}}}
    write_lock(stages)
    assert list(all_runs(project, ["workspace"])[0][0].generations) == [0, 1]
    Path("dvc.lock").write_text(yaml.safe_dump({"schema": "2.0", "stages": stages}))
    assert list(all_runs(project, ["workspace"])[0][0].generations) == [0, 1]


def test_false_discoveries_are_controlled_over_what_is_not_shown(project, capsys) -> None:
    """One metric of thirty at p = 0.03 is no discovery, whether or not the others are shown."""
    apart = [("replace", 0, 0.0), ("replace", 1, 0.0), ("fresh", 0, 1.00), ("fresh", 1, 1.10)]
    names = []
    for kind, seed, moved in apart:
        write(kind, seed, 0.5)
        noise = {f"m{i}": float((seed * 7 + i * 3) % 5 * (kind == "fresh")) for i in range(30)}
        path = Path("metrics/generations/g02.json")
        path.write_text(json.dumps({"integrity": moved, **noise}))
        git("add", "-A")
        git("commit", "-q", "-m", "x")
        names.append(git("rev-parse", "HEAD"))
    shown = said(capsys, *names, "--metric", "integrity").splitlines()
    row = next(line for line in shown if "1.05" in line)
    assert 0.02 < float(row.split()[-1]) < 0.05
    assert "significant" not in row


def test_the_table_fits_a_terminal_and_pairs_by_seed(project, capsys) -> None:
    out = said(capsys, "r0", "r1", "f0", "f1")
    assert "2 variants, 4 chains, generation 2" in out
    assert "control: regime.kind=replace" in out
    assert max(len(line) for line in out.splitlines()) <= 120
    row = next(line for line in out.splitlines() if "0.400" in line)
    # both pairs differ by 0.4
    assert row.split()[:3] == ["integrity", "2", "1"]
    assert "One chain" not in out


def test_with_one_seed_it_says_what_cannot_be_concluded(project, capsys) -> None:
    out = said(capsys, "r0", "f0")
    assert "nothing can be concluded" in out
    assert "regime.kind=replace; regime.kind=fresh" in out


def test_the_control_can_be_named(project, capsys) -> None:
    assert "control: regime.kind=fresh" in said(capsys, "--all", "--control", "f1")


def test_variance(project, capsys) -> None:
    out = said(capsys, "--all", "--variance", "--metric", "integrity")
    assert "integrity           seed 0.141" in out


def test_files(project, capsys) -> None:
    said(capsys, "--all", "--out", "out")
    rows = list(csv.DictReader(Path("out/compare.csv").read_text().splitlines()))
    assert {row["generation"] for row in rows} == {"0", "1", "2"}
    last = [r for r in rows if r["generation"] == "2" and r["metric"] == "integrity"]
    assert sorted(float(row["mean"]) for row in last) == pytest.approx([0.6, 1.0])
    one = next(r for r in last if r["variant"] == "regime.kind=fresh")
    # workspace and f1 are one chain; the differences to the control are 0.9 - 0.5 and 1.1 - 0.7
    assert (one["chains"], one["pairs"], one["significant"]) == ("2", "2", "False")
    control = {"regime.kind=fresh": 0.0, "regime.kind=replace": -0.4}
    for row in last:
        assert float(row["difference"]) == pytest.approx(control[row["variant"]])
        half = 0.1 * 12.7062  # standard error 0.1, t(0.975, 1)
        assert float(row["high"]) - float(row["mean"]) == pytest.approx(half, rel=1e-4)
    assert all(row["mean"] == "" for row in rows if row["metric"] == "truth"
               and row["generation"] != "0")  # fmt: skip
    image = matplotlib.image.imread("out/compare.png")[..., :3]
    for color in (BLUE, VERMILION):  # a line for each of the two variants
        apart = np.abs(image - np.array(to_rgb(color))).max(axis=2)
        assert (apart < 0.01).sum() > 50


def test_dvc_plots_draws_it(project, capsys) -> None:
    next_ = said(capsys, "--all", "--out", "out").splitlines()[-1].removeprefix("next: dvc ")
    dvc = partial(subprocess.run, cwd=project, check=True, capture_output=True, text=True)
    dvc([sys.executable, "-m", "dvc", "init", "-q"])
    drawn = dvc([sys.executable, "-m", "dvc", *next_.split(), "--show-vega"]).stdout
    vega = json.loads(drawn)
    rows = list(csv.DictReader(Path("out/compare.csv").read_text().splitlines()))
    for got, row in zip(vega["data"]["values"], rows, strict=True):
        assert {key: got[key] for key in row} == row
    assert vega["transform"] == [{"filter": {"field": "metric", "oneOf": ["integrity", "truth"]}}]


def test_the_page_holds_what_is_compared(project, capsys) -> None:
    words = ("--all", "--control", "f1", "--metric", "integrity")
    assert "\nwritten: page.html\n" in said(capsys, *words, "--html", "page.html")
    page = Path("page.html").read_text()
    data = json.loads(page.split('id="comparison-data">')[1].split("</script>")[0])
    # the workspace is the chain of f1, and stands for it
    assert [(one["label"], one["control"]) for one in data["variants"]] == [
        ("regime.kind=fresh", True), ("regime.kind=replace", False),
    ]  # fmt: skip
    integrity = next(one for one in data["metrics"] if one["name"] == "integrity")
    place = data["columns"].index("difference")
    assert integrity["rows"][1][-1][place] == pytest.approx(-0.4)
    command = "palimpsest compare --all --control f1 --metric integrity --html page.html"
    assert f"<pre>{command}</pre>" in page
    assert git("rev-parse", "refs/exps/ab/cdef/r0")[:10] in page
    first = Path("page.html").read_bytes()
    said(capsys, *words, "--html", "page.html")
    assert Path("page.html").read_bytes() == first


def test_a_name_of_git_that_is_markup_stays_a_name(project, capsys) -> None:
    git("update-ref", "refs/exps/ab/cdef/<i>x&amp;", "refs/exps/ab/cdef/r0")
    said(capsys, "<i>x&amp;", "f0", "--html", "page.html")
    page = Path("page.html").read_text()
    assert "&lt;i&gt;x&amp;amp;" in page
    assert "<i>x" not in page


def test_a_page_that_cannot_be_written_is_one_line(project, capsys) -> None:
    assert said(capsys, "--all", "--html", "params.yaml/page.html", status=1).startswith(
        "error: params.yaml/page.html: want a file"
    )
    Path("here").mkdir()
    assert said(capsys, "--all", "--html", "here", status=1).startswith("error: here: want")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--published", "ainex", "--html", "x"], "error: --published: want a table in the termin"),
        (["--published", "ainex", "--out", "x"], "error: --published: want a table in the termina"),
        ([], "error: chains: want names, or --all, got none"),
        (["--all", "r0"], "error: chains: want names, or --all, got both"),
        (["r0", "nope"], "error: nope: want an experiment ("),
        (["r0", "--control", "f0"], "error: --control: want one of r0, got 'f0'"),
        (["r0", "--generation", "7"], "error: --generation: want 0 to 2, got 7"),
        (["r0", "--metric", "beauty"], "error: --metric: want one of integrity, truth, got 'bea"),
        (
            ["r0", "f0", "--parameter", "seed"],
            "error: parameters: want chains that differ in seed alone, g",
        ),
    ],
)
def test_what_cannot_be_compared_is_one_line(project, capsys, words, message) -> None:
    assert message in said(capsys, *words, status=1)


def test_a_revision_without_scores_is_named(project, capsys) -> None:
    git("rm", "-rq", "metrics")
    git("commit", "-qm", "none")
    assert "error: HEAD: want scored generations (metrics/generations/g00" in said(
        capsys, "HEAD", status=1
    )
    assert "workspace: want scored generations" in said(capsys, "workspace", status=1)


def test_outside_git_is_one_line(tmp_path, monkeypatch, capsys) -> None:
    monkeypatch.chdir(tmp_path)
    assert "error: git for-each-ref: want an answer, got fatal: not a git" in said(
        capsys, "--all", status=1
    )


# --- beside a preset's published numbers ---


@pytest.fixture
def protocol(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project with the presets and the default params.yaml."""
    monkeypatch.chdir(tmp_path)
    return preset_project(tmp_path)


def score(small: float) -> None:
    """Generation 5 with a volume in its scorecard, and another or the same in its small file."""
    folder = Path("data/scores/g05")
    folder.mkdir(parents=True, exist_ok=True)
    scorecard = {"metrics": {"volume": {"value": 0.262, "low": None, "high": None}}}
    (folder / "scorecard.json").write_text(json.dumps(scorecard))
    folder = Path("metrics/generations")
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "g05.json").write_text(json.dumps({"volume": small}))


def test_scores_that_are_not_of_these_parameters_or_files_are_not_run(protocol, capsys) -> None:
    published = len(load_preset(protocol, "ainex").published)
    score(0.3)
    out = said(capsys, "--published", "ainex")
    assert out.count("not run") == published
    assert (
        "not count: g05, volume: want 0.300 in data/scores, as in metrics/generations, got" in out
    )
    score(0.262)
    write_lock({"generate@g05": {"params": {"params.yaml": {"seed": 7}}}})
    out = said(capsys, "--published", "ainex")
    assert out.count("not run") == published
    assert (
        "scores that do not count: workspace: want scores of the parameters in its params.yaml"
        in out
    )


def test_published_numbers_of_another_arm_are_left_out(protocol, capsys) -> None:
    assert main(["preset", "gerstgrasser"]) == 0
    capsys.readouterr()
    assert " 5.70 " in (both := said(capsys, "--published", "gerstgrasser"))
    assert " 10.9 " not in both
    assert main(["preset", "gerstgrasser", "-S", "regime.kind=replace", "--force"]) == 0
    capsys.readouterr()
    assert " 10.9 " in (both := said(capsys, "--published", "gerstgrasser"))
    assert " 5.70 " not in both


def test_published_beside_measured(protocol, capsys) -> None:
    score(0.262)
    lines = said(capsys, "--published", "ainex").splitlines()
    volume = [line.split() for line in lines if line.startswith("volume")]
    assert volume[1] == ["volume", "5", "0.131", "0.262", "+100.0", "%"]
    assert volume[2][3:] == ["not", "run", "–"]
    # params.yaml is still the default
    assert "not the preset's: corpus.source: world (preset: hub)" in lines
    assert main(["preset", "ainex"]) == 0
    capsys.readouterr()
    assert "not the preset's" not in said(capsys, "--published", "ainex")
    assert said(capsys, "--published", "quick", status=1) == (
        "error: preset quick: want published numbers, got none\n"
    )
