"""Threads and instructions, settled before any library computes: the same bits on every x86-64.

Matrix products, exponentials and sums are written several times in torch, MKL, oneDNN, OpenBLAS and
numpy, for each generation of processors, and sum in different orders. Which one is taken is decided
once, when the library is loaded or first used, from the environment. So a stage settles it as the
first thing that it does, before torch or numpy is imported (`stages/__init__.py`).

Measured: docs/reliability.md has the processors on which a chain has the same bits so. The price is
in docs/decisions.md. Known gaps: arm64 and GPUs have other bits.
"""

import os
import platform
import sys
from collections.abc import MutableMapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

from palimpsest.core.errors import ModelError

PORTABLE = {
    "ATEN_CPU_CAPABILITY": "avx2",  # torch's own kernels
    "MKL_CBWR": "COMPATIBLE",  # products: MKL's AVX2 ones differ between AMD and Intel
    "ONEDNN_MAX_CPU_ISA": "AVX2",
    "NPY_DISABLE_CPU_FEATURES": "X86_V4 X86_V3",  # numpy's own, sorting among them
}
BLAS = {"OPENBLAS_CORETYPE": "Haswell"}
"""Of numpy's and scipy's products; left as it is where the environment has set it."""
THREADS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")
FIXED = {"MKL_DYNAMIC": "FALSE", "OMP_DYNAMIC": "FALSE"}
"""As many threads as asked for, however many cores there are: sums are split among them."""
MOST_THREADS = 1024
X86_64 = ("x86_64", "amd64")


def settle(
    threads: int, portable: bool, environment: MutableMapping[str, str] = os.environ
) -> None:
    """Sets threads and instructions for libraries that are not loaded yet.

    Args:
        threads: of torch, OpenMP, MKL and OpenBLAS.
        portable: the same bits on every x86-64 processor with AVX2, at about half the speed.
        environment: where the libraries read it.
    """
    environment.update(dict.fromkeys(THREADS, str(threads)), **FIXED)
    environment.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # one that spins costs its neighbour
    if portable and platform.machine().lower() in X86_64:
        environment.update(PORTABLE)
        for name, value in BLAS.items():
            environment.setdefault(name, value)


def settle_for_stage(argv: Sequence[str]) -> None:
    """Does as the params.yaml of a command line says, if it can be read: the stage checks it."""
    from palimpsest.core.parsing import parse_yaml

    path = argument("--params", argv, "params.yaml")
    try:
        content: Any = parse_yaml(Path(path).read_bytes())
        compute = content["compute"]
        threads, portable = int(compute["threads"]), bool(compute["portable"])
    except (OSError, ArithmeticError, LookupError, TypeError, ValueError):
        return
    if 1 <= threads <= MOST_THREADS and not {"torch", "numpy"} & sys.modules.keys():
        settle(threads, portable)


def device_among(name: str, gpus: int) -> str:
    """What a device's name means on a machine.

    Args:
        name: ``auto`` (a GPU where there is one), ``cpu``, ``cuda``, or ``cuda:1``.
        gpus: how many the machine has.

    Returns:
        ``cpu``, ``cuda`` or ``cuda:1``.

    Raises:
        ModelError: it has no such GPU.
    """
    if name == "auto":
        return "cuda" if gpus else "cpu"
    if name != "cpu" and int(name.partition(":")[2] or 0) >= gpus:
        known = ["cpu", "auto", *(["cuda"] if gpus else [])]
        known += [f"cuda:{index}" for index in range(gpus)] if gpus > 1 else []
        got = f"{name}, and this machine has {gpus or 'no'} GPU{'s' if gpus > 1 else ''}"
        raise ModelError("compute.device", wanted=" or ".join(known), got=got)
    return name


def argument(name: str, argv: Sequence[str], default: str) -> str:
    """The value of an option on a command line, before it is parsed."""
    joined = [word.removeprefix(f"{name}=") for word in argv if word.startswith(f"{name}=")]
    return joined[-1] if joined else dict(pairwise(argv)).get(name, default)


def is_portable() -> bool:
    """Whether this process computes the same bits as every other x86-64 processor does."""
    wanted = PORTABLE | BLAS
    x86 = platform.machine().lower() in X86_64
    return x86 and all(os.environ.get(name) == value for name, value in wanted.items())
