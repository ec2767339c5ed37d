"""Memory is kept inside and given back behind it; another C library is left alone."""

import os
import subprocess
import sys

import pytest

from palimpsest.lm import memory
from palimpsest.lm.memory import kept_memory
from tests.tiny import ROOT

BYTES = 2**28
needs_glibc = pytest.mark.skipif(memory._glibc() is None, reason="another C library than glibc")


SCRIPT = f"""
from pathlib import Path
import torch
from palimpsest.lm.memory import kept_memory

def resident():
    return 4096 * int(Path("/proc/self/statm").read_text().split()[1])

before = resident()
with kept_memory():
    torch.ones({BYTES // 4})
    print(resident() - before)
print(resident() - before)
torch.ones({BYTES // 4})
print(resident() - before)
"""


@needs_glibc
def test_what_is_freed_inside_stays_until_the_end():
    """In a process of its own: another test may have left a hole as large."""
    words = [sys.executable, "-c", SCRIPT]
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "src")}
    done = subprocess.run(words, env=environment, capture_output=True, text=True, check=True)
    inside, behind, later = map(int, done.stdout.split())
    assert inside > 0.9 * BYTES
    assert max(behind, later) < 0.1 * BYTES


@needs_glibc
def test_it_ends_with_an_error_too(monkeypatch):
    seen = []
    monkeypatch.setattr(memory, "_set", lambda library, values: seen.append(values))
    with pytest.raises(KeyError), kept_memory():
        raise KeyError
    assert seen == [memory.KEPT, memory.USUAL]


def test_another_system_is_left_alone(monkeypatch):
    monkeypatch.setattr(sys, "platform", "darwin")
    monkeypatch.setattr(memory, "_set", lambda *_: pytest.fail("no such settings there"))
    with kept_memory():
        assert memory._glibc() is None


def test_settings_of_the_environment_stay(monkeypatch):
    monkeypatch.setenv("MALLOC_TRIM_THRESHOLD_", "1000000")
    monkeypatch.setattr(memory, "_set", lambda *_: pytest.fail("they are the user's"))
    with kept_memory():
        assert memory._glibc() is None
