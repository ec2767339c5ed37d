"""Memory that one batch has given back, kept for the next one.

The C library hands every tensor above 32 MB back to the system as soon as it is freed, and the
system fills every page of the next one with zeros: a sixth of the time of a training step with
50,257 token types, and a third of a product that makes one large gradient (docs/decisions.md).
"""

import ctypes
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

_TRIM_THRESHOLD, _MMAP_THRESHOLD, _MMAP_MAX = -1, -3, -4  # of malloc.h
KEPT, USUAL = (-1, 2**25, 0), (2**26, 2**25, 2**16)
"""Of glibc: bytes at the heap's end, bytes of a block that is mapped by itself, how many such
blocks; as it is wanted here, and where glibc's own moving bounds end after some large tensors."""


@contextmanager
def kept_memory() -> Iterator[None]:
    """Keeps memory that is freed inside; all of it is given back at the end.

    A library without these settings (any but glibc) is left alone, and one whose user has set them.
    """
    library = _glibc()
    if library is None:
        yield
        return
    _set(library, KEPT)
    try:
        yield
    finally:
        _set(library, USUAL)
        library.malloc_trim(0)


def _set(library: ctypes.CDLL, values: tuple[int, int, int]) -> None:
    settings = (_TRIM_THRESHOLD, _MMAP_THRESHOLD, _MMAP_MAX)
    for setting, value in zip(settings, values, strict=True):
        library.mallopt(setting, value)


def _glibc() -> ctypes.CDLL | None:
    """The C library of this process, if it is glibc and the environment has set nothing of it."""
    set_by_user = any(name.startswith(("MALLOC_", "GLIBC_TUNABLES")) for name in os.environ)
    if set_by_user or not sys.platform.startswith("linux"):
        return None
    library = ctypes.CDLL(None)
    return library if hasattr(library, "gnu_get_libc_version") else None
