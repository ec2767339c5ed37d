"""Memory that has run out is one line, whichever library says it."""

import errno
from types import SimpleNamespace

import numpy as np
import pytest
import torch
import yaml

from palimpsest.core.config import flattened
from palimpsest.core.errors import MemoryShortage
from palimpsest.core.memory import LEAST, is_shortage, shortage, shortage_names
from tests.tiny import ROOT

SAID = [
    MemoryError("Unable to allocate 3.64 TiB for an array"),
    torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 MiB"),
    RuntimeError("CUDA error: out of memory"),
    RuntimeError(
        "[enforce fail at alloc_cpu.cpp:117] err == 0. DefaultCPUAllocator: can't allocate memory: "
        "you tried to allocate 4000000000000 bytes. Error code 12 (Cannot allocate memory)"
    ),
    RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`"),
    RuntimeError("std::bad_alloc"),
    OSError(errno.ENOMEM, "Cannot allocate memory"),
]
OTHERS = [
    RuntimeError("mat1 and mat2 shapes cannot be multiplied"),
    ValueError("out of memory"),
    OSError(errno.ENOSPC, "No space left on device"),
    KeyError("memory"),
]


@pytest.mark.parametrize("error", SAID, ids=lambda error: str(error)[:30])
def test_every_way_to_say_it_is_known(error):
    assert is_shortage(error)


@pytest.mark.parametrize("error", OTHERS, ids=repr)
def test_other_errors_pass_as_they_are(error):
    assert not is_shortage(error)
    with pytest.raises(type(error)) as caught, shortage_names("generate", None):
        raise error
    assert caught.value is error


def test_libraries_that_are_here_say_it_so():
    for ask in (lambda: np.empty(2**46), lambda: torch.empty(2**46)):
        with pytest.raises(Exception) as caught:  # noqa: PT011 (of either library)
            ask()
        assert is_shortage(caught.value)


def test_the_first_parameter_that_can_be_turned_down_is_named():
    values = {"batch_size": 500, "max_new_tokens": 112, "dtype": "float32"}
    steps = [
        ({}, "generate.batch_size: want less than 500, for memory has run out, got 500; turn it "),
        ({"batch_size": 1}, "generate.max_new_tokens: want less than 112, for memory"),
        ({"batch_size": 1, "max_new_tokens": 1}, "generate.dtype: want bfloat16, got float32; "),
    ]
    for changes, line in steps:
        section = SimpleNamespace(**values | changes)
        with pytest.raises(MemoryShortage) as caught, shortage_names("generate", section):
            raise RuntimeError("out of memory\nand much more")
        assert str(caught.value).startswith(line)
        assert str(caught.value).endswith("out of memory; nothing was written; it can be run again")
    with (
        pytest.raises(MemoryShortage, match=r"generate\.dtype: "),
        shortage_names("generate", SimpleNamespace(**values), "dtype"),
    ):
        raise MemoryError


def test_where_nothing_can_be_turned_down_that_is_all_there_is_to_say():
    short = SimpleNamespace(dtype="bfloat16")
    wanted = "^memory: want more of it, got MemoryErr"
    with pytest.raises(MemoryShortage, match=wanted), shortage_names("embed", short):
        raise MemoryError
    assert str(shortage(MemoryError("no room"))).startswith("memory: want more of it, got no room")


def test_what_can_be_turned_down_is_a_parameter():
    known = flattened(yaml.safe_load((ROOT / "params.yaml").read_text()))
    named = {f"{section}.{key}" for section, keys in LEAST.items() for key in keys}
    assert named <= known.keys()
