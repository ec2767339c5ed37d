"""A disk that refuses: one line that names the output, nothing half-written, the old one kept."""

import contextlib
import os
import resource
import shutil
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from palimpsest.core.disk_space import need_of_a_generation
from palimpsest.experiments.project import chain_yaml
from tests.stages.conftest import Project, run_stages
from tests.tiny import tiny_params, write_params

OUTPUTS = {
    "prepare": ("data/human", "data/texts/g00", "models/base"),
    "generate": ("data/texts/g01",),
    "finetune": ("models/g01",),
    "embed": ("data/embeddings/g01",),
    "score": ("data/scores/g01", "metrics/generations/g01.json"),
    "report": ("plots/curves", "plots/pictures", "plots/report.html", "metrics"),
}
PAGE = 4096
"""Bytes that a disk is filled by at a time."""
ROOM = (0, 1, 2, 4, 7, 10, 12, 15, 30, 120, 200, 1000, 2500)
"""Pages that are left free."""


@pytest.fixture(scope="module")
def finished(chain: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tiny chain with all of generation 1: every stage has an old output."""
    root = tmp_path_factory.mktemp("finished") / "chain"
    shutil.copytree(chain, root)
    (root / "chain.yaml").write_text(chain_yaml(1))
    stages = [(stage, "g01") for stage in ("finetune", "embed", "score", "report")]
    run_stages(root, tiny_params(), stages)
    return root


@pytest.fixture
def old(finished: Path, project: Project) -> Project:
    """A copy of it to spoil."""
    shutil.rmtree(project.root)
    shutil.copytree(finished, project.root)
    write_params(project.root / "params.yaml", project.params)
    return project


@contextlib.contextmanager
def largest_file(size: int) -> Iterator[None]:
    """No file can grow beyond so many bytes, as with a quota."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    ignored = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, ignored)


def names_an_output(said: str, stage: str) -> bool:
    return any(f"error: {path}" in said or f"'{path}" in said for path in OUTPUTS[stage])


def refused(project: Project, stage: str) -> str:
    """The one line of a stage whose output cannot be written; it names that output."""
    said = project.refused(stage, "g00" if stage == "prepare" else "g01", as_it_is=True)
    assert any(f"error: {path}" in said or f"'{path}" in said for path in OUTPUTS[stage]), said
    return said


@pytest.mark.parametrize("size", [0, 1000])
@pytest.mark.parametrize("stage", OUTPUTS)
def test_a_file_that_cannot_grow_is_one_line(old: Project, stage: str, size: int) -> None:
    with largest_file(size):
        said = refused(old, stage)
    assert "File too large" in said or "requested and" in said, said


@pytest.fixture
def small_disk(old: Project) -> Iterator[Project]:
    """That chain on a disk of its own, of 24 MB."""
    content = old.root.rename(old.root.with_name("content"))
    old.root.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=24m", "tmpfs", str(old.root)]
    try:
        done = subprocess.run(mount, capture_output=True, text=True, check=False)
    except OSError as error:
        pytest.skip(f"mount: {error}")
    if done.returncode:
        pytest.skip(f"mount: {done.stderr.strip()}")
    try:
        shutil.copytree(content, old.root, dirs_exist_ok=True)
        yield old
    finally:
        os.chdir("/")
        subprocess.run(["umount", "--lazy", str(old.root)], check=True)  # weights may be mapped


def fill(folder: Path, pages: int) -> None:
    """Fills a disk but for so many pages."""
    with (folder / "filler").open("wb", buffering=0) as file, contextlib.suppress(OSError):
        while True:
            file.write(bytes(PAGE))
    size = (folder / "filler").stat().st_size
    os.truncate(folder / "filler", max(size - pages * PAGE, 0))


@pytest.mark.parametrize("stage", OUTPUTS)
def test_a_disk_that_is_full_sooner_or_later_is_one_line(small_disk: Project, stage: str) -> None:
    """With more room each time, until the stage fits."""
    refusals = 0
    for pages in ROOM:
        fill(small_disk.root, pages)
        try:
            said = refused(small_disk, stage)
        except pytest.fail.Exception:  # it was not refused
            break
        finally:
            (small_disk.root / "filler").unlink()
        assert "No space left" in said or "requested and" in said, said
        refusals += 1
    assert 0 < refusals < len(ROOM)


@pytest.mark.parametrize(
    ("stage", "above"),
    [
        ("prepare", "data"), ("prepare", "models"), ("embed", "data/embeddings"),
        ("score", "data/scores"), ("score", "metrics"), ("report", "plots"), ("report", "metrics"),
    ],
)  # fmt: skip
def test_a_file_where_a_folder_should_be_is_one_line(old: Project, stage: str, above: str) -> None:
    folder = old.root / above
    shutil.rmtree(folder)
    folder.write_text("a file")
    name = "g00" if stage == "prepare" else "g01"
    said = old.refused(stage, name, as_it_is=True)
    assert f"'{above}" in said, said


def test_what_prepare_says_is_what_a_generation_takes(finished: Path) -> None:
    folders = [finished / name for name in ("models/base", "data/texts/g00", "data/human")]
    need = need_of_a_generation(*folders)
    kinds = ("models", "data/texts", "data/embeddings", "data/scores")
    taken = {
        kind: sum(path.stat().st_size for path in (finished / kind / "g01").iterdir())
        for kind in kinds
    }
    assert taken["models"] == pytest.approx(need.model, rel=0.2)
    assert taken["data/texts"] == pytest.approx(need.texts, rel=0.2)
    assert sum(taken.values()) == pytest.approx(need.generation, rel=0.2)
