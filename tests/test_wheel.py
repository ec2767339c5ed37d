"""The wheel, installed where nothing else is: audit and library run, the laboratory is missed.

The environment is a fresh venv outside the repository. Into it goes the wheel, and of the packages
that the tests run with links to those that the wheel asks for without an extra, and to what these
ask for in turn. Nothing is downloaded; a package that the wheel does not declare is not there.
"""

import json
import os
import subprocess
import sys
import venv
from collections.abc import Iterator
from importlib.metadata import Distribution, distribution
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from palimpsest.core.extras import PIPELINE
from tests.auditing.corpora import human
from tests.tiny import ROOT

PIP = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet"]
LIBRARY = """
import json, pathlib, sys
import torch
from tokenizers import Tokenizer, models, pre_tokenizers
from transformers import GPT2Config, GPT2LMHeadModel, PreTrainedTokenizerFast
import palimpsest as pal

human = json.loads(pathlib.Path("human.json").read_text())
texts = human[:5] * 8
result = pal.audit(texts, reference=human, half_samples=4, null_samples=4)
result.to_html("page.html")
score = pal.integrity(human, texts, half_samples=4, null_samples=4)
words = {word: at for at, word in enumerate(["<end>", *sorted(set(" ".join(human).split()))])}
backend = Tokenizer(models.WordLevel(words, unk_token="<end>"))
backend.pre_tokenizer = pre_tokenizers.Whitespace()
tokenizer = PreTrainedTokenizerFast(tokenizer_object=backend, eos_token="<end>")
shape = {"n_positions": 64, "n_embd": 8, "n_layer": 1, "n_head": 2}
config = GPT2Config(vocab_size=len(words), bos_token_id=0, eos_token_id=0, **shape)
nc = pal.neural_collapse(GPT2LMHeadModel(config), tokenizer, texts)
print(json.dumps({
    "file": pal.__file__, "version": pal.__version__, "verdicts": result.verdicts,
    "html": pathlib.Path("page.html").read_text()[:15], "integrity": score.value,
    "nc4": nc["nc4_agreement"], "modules": [*sys.modules],
}))
"""


def wanted(package: Distribution) -> Iterator[Distribution]:
    """What a package asks for on this machine, without extras, and so on."""
    seen = {""}
    todo = [one for one in package.requires or ()]
    while todo:
        asked = Requirement(todo.pop())
        extras = {"", *asked.extras}
        if asked.marker is not None and not asked.marker.evaluate({"extra": ""}):
            continue
        name = canonicalize_name(asked.name)
        if name in seen:
            continue
        seen.add(name)
        found = distribution(name)
        for requirement in found.requires or ():
            inner = Requirement(requirement)
            marker = inner.marker
            if marker is None or any(marker.evaluate({"extra": extra}) for extra in extras):
                inner.marker = None
                todo.append(str(inner))
        yield found


def link(package: Distribution, site: Path) -> None:
    """Links everything of a package that lies directly in its site-packages."""
    names = {Path(str(file)).parts[0] for file in package.files or ()}
    for name in names - {"..", "__pycache__"}:
        target = Path(str(package.locate_file(name)))
        if target.exists() and not (site / name).exists():
            (site / name).symlink_to(target)


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    options = ["--no-build-isolation", "--no-deps", "--no-index", "--wheel-dir", str(folder)]
    subprocess.run([*PIP, "wheel", *options, str(ROOT)], check=True, cwd=folder)
    (built,) = folder.glob("palimpsest-*.whl")
    return built


@pytest.fixture(scope="module")
def environment(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of an environment's programs."""
    folder = tmp_path_factory.mktemp("environment")
    venv.create(folder, symlinks=True)
    programs = folder / "bin"
    options = ["--no-deps", "--no-index"]
    python = str(programs / "python")
    subprocess.run([*PIP, "--python", python, "install", *options, str(wheel)], check=True)
    (site,) = folder.glob("lib/python3*/site-packages")
    (own,) = Distribution.discover(name="palimpsest", path=[str(site)])
    for package in wanted(own):
        link(package, site)
    return programs


def run(
    environment: Path, folder: Path, program: str, *words: str
) -> subprocess.CompletedProcess[str]:
    """What a program of the environment says, in a folder of its own, without our paths."""
    own = {key: value for key, value in os.environ.items() if not key.startswith("PYTHON")}
    own |= {"HOME": str(folder), "XDG_CACHE_HOME": str(folder), "OMP_NUM_THREADS": "1"}
    return subprocess.run(
        [str(environment / program), *words],
        cwd=folder, env=own, capture_output=True, text=True, check=False,
    )  # fmt: skip


@pytest.mark.parametrize("module", [*PIPELINE, "stages", "pytest"])
def test_the_laboratory_is_not_there(environment: Path, tmp_path: Path, module: str) -> None:
    done = run(environment, tmp_path, "python", "-I", "-c", f"import {module}")
    assert f"No module named '{module}'" in done.stderr


def test_the_audit_runs(environment: Path, tmp_path: Path) -> None:
    texts = human(60, seed=1)
    for name, content in {"human": texts, "texts": texts[:5] * 8}.items():
        lines = [json.dumps({"text": text}) + "\n" for text in content]
        (tmp_path / f"{name}.jsonl").write_text("".join(lines), encoding="utf-8")
    outputs = ("--json", "a.json", "--html", "a.html", "--quiet")
    words = ("texts.jsonl", "--reference", "human.jsonl", *outputs)
    done = run(environment, tmp_path, "palimpsest", "audit", *words, "--fail-on", "repeated")
    assert (done.returncode, done.stderr) == (3, "")
    assert "Repeated: " in done.stdout
    assert "repeated" in json.loads((tmp_path / "a.json").read_text())["verdicts"]
    assert "<style>" in (tmp_path / "a.html").read_text(encoding="utf-8")


def test_the_library_runs(environment: Path, wheel: Path, tmp_path: Path) -> None:
    (tmp_path / "human.json").write_text(json.dumps(human(60, seed=1)))
    done = run(environment, tmp_path, "python", "-I", "-c", LIBRARY)
    assert done.returncode == 0, done.stderr
    got = json.loads(done.stdout.splitlines()[-1])
    assert Path(got["file"]).is_relative_to(environment.parent)
    assert got["version"] == wheel.name.split("-")[1]
    assert "repeated" in got["verdicts"]
    assert got["html"].startswith("<!doctype html>")
    assert got["integrity"] < 1
    assert 0 <= got["nc4"] <= 1
    assert not {"dvc", "datasets", "matplotlib"} & {*got["modules"]}


@pytest.mark.parametrize(
    ("words", "package"),
    [
        (["preset", "quick"], "ruamel.yaml"),
        (["init", "--texts", "own.jsonl"], "ruamel.yaml"),
        (["sweep", "grid.yaml"], "dvc"),
    ],
)
def test_a_command_of_the_laboratory_says_what_to_install(
    environment: Path, tmp_path: Path, words: list[str], package: str
) -> None:
    done = run(environment, tmp_path, "palimpsest", *words)
    assert done.returncode == 1
    assert done.stderr.startswith(f"error: the package {package}: want ")
    assert "pip install 'palimpsest[pipeline]'" in done.stderr
    assert done.stderr.count("\n") == 1
    assert [*tmp_path.iterdir()] == []


def test_what_needs_no_laboratory_works_without(environment: Path, tmp_path: Path) -> None:
    for words, said in {
        ("--version",): "palimpsest ",
        ("metrics", "spread"): "spread",
        ("completion", "bash"): "_palimpsest",
        ("compare", "--help"): "usage:",
    }.items():
        done = run(environment, tmp_path, "palimpsest", *words)
        assert (done.returncode, done.stderr) == (0, "")
        assert said in done.stdout


def test_a_stage_says_what_to_install(environment: Path, tmp_path: Path) -> None:
    """It runs from a checkout, on the library beside it; its imports fail before it begins."""
    code = f"import sys; sys.path.insert(0, {str(ROOT)!r}); import stages.report"
    done = run(environment, tmp_path, "python", "-I", "-c", code)
    assert done.returncode == 1
    assert done.stderr.startswith("error: the package matplotlib: want ")
    assert done.stderr.count("\n") == 1
