"""Threads and instructions are settled before any library computes."""

import json
import os
import platform
import subprocess
import sys

import pytest

from palimpsest.core import compute
from tests.tiny import ROOT

x86_64 = pytest.mark.skipif(platform.machine() not in ("x86_64", "AMD64"), reason="not x86-64")
ALWAYS = {*compute.THREADS, *compute.FIXED, "OMP_WAIT_POLICY"}
SEEN = ("import stages, json, os; print(json.dumps({k: v for k, v in os.environ.items()"
        " if 'THREADS' in k or k in ('MKL_CBWR', 'ATEN_CPU_CAPABILITY')}))")  # fmt: skip


def settled(**options):
    environment = {}
    compute.settle(**options, environment=environment)
    return environment


@x86_64
def test_portable_sets_threads_and_instructions_by_hand():
    assert settled(threads=3, portable=True) == {
        "OMP_NUM_THREADS": "3",
        "MKL_NUM_THREADS": "3",
        "OPENBLAS_NUM_THREADS": "3",
        "MKL_DYNAMIC": "FALSE",
        "OMP_DYNAMIC": "FALSE",
        "ATEN_CPU_CAPABILITY": "avx2",
        "MKL_CBWR": "COMPATIBLE",
        "ONEDNN_MAX_CPU_ISA": "AVX2",
        "NPY_DISABLE_CPU_FEATURES": "X86_V4 X86_V3",
        "OPENBLAS_CORETYPE": "Haswell",
        "OMP_WAIT_POLICY": "PASSIVE",
    }


def test_without_it_threads_alone():
    assert settled(threads=1, portable=False).keys() == ALWAYS


def test_another_processor_gets_no_names_of_this_one(monkeypatch):
    monkeypatch.setattr(platform, "machine", lambda: "aarch64")
    assert settled(threads=1, portable=True).keys() == ALWAYS
    assert not compute.is_portable()


@x86_64
def test_what_the_environment_says_of_openblas_stays_and_is_told():
    environment = {"OPENBLAS_CORETYPE": "Zen"}
    compute.settle(2, True, environment)
    assert environment["OPENBLAS_CORETYPE"] == "Zen"


@x86_64
@pytest.mark.parametrize("value", ["Zen", None])
def test_a_process_without_the_settings_is_not_portable(value, monkeypatch):
    for name, wanted in (compute.PORTABLE | compute.BLAS).items():
        monkeypatch.setenv(name, wanted)
    assert compute.is_portable()
    if value is None:
        monkeypatch.delenv("MKL_CBWR")
    else:
        monkeypatch.setenv("OPENBLAS_CORETYPE", value)
    assert not compute.is_portable()


def seen_by_a_stage(folder, content, *words):
    (folder / "own.yaml").write_text(content)
    environment = {key: value for key, value in os.environ.items() if "THREADS" not in key}
    done = subprocess.run(
        [sys.executable, "-c", SEEN, "--params", str(folder / "own.yaml"), *words],
        cwd=ROOT, env=environment, capture_output=True, text=True, check=True,
    )  # fmt: skip
    return json.loads(done.stdout)


@x86_64
def test_a_stage_settles_as_its_params_say(tmp_path):
    seen = seen_by_a_stage(tmp_path, "compute: {threads: 3, portable: true}\n")
    assert seen["OMP_NUM_THREADS"] == seen["MKL_NUM_THREADS"] == "3"
    assert (seen["MKL_CBWR"], seen["ATEN_CPU_CAPABILITY"]) == ("COMPATIBLE", "avx2")
    assert "MKL_CBWR" not in seen_by_a_stage(tmp_path, "compute: {threads: 1, portable: false}\n")


@pytest.mark.parametrize(
    "content",
    [
        "",
        "a: [",
        "compute: 3",
        "compute: {threads: x, portable: true}",
        "compute: {threads: 0, portable: true}",
        "compute: {threads: .inf, portable: true}",
        "[" * 3000,
        "seed: 2001-99-99",
        "\x00",
    ],
)
def test_params_that_cannot_be_read_are_left_to_the_stage(content, tmp_path):
    assert not seen_by_a_stage(tmp_path, content)


def test_libraries_that_are_loaded_already_are_left_alone(tmp_path, monkeypatch):
    (tmp_path / "params.yaml").write_text("compute: {threads: 7, portable: true}\n")
    monkeypatch.chdir(tmp_path)
    before = dict(os.environ)
    assert "numpy" in sys.modules
    compute.settle_for_stage(["stage"])
    assert dict(os.environ) == before
