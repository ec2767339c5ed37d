"""Memory that runs out, of machine or GPU: one line that names the parameter to turn down.

Every library says it in its own way: Python and numpy with MemoryError, torch's CUDA with a class
of its own, torch's CPU and CUDA's libraries with a RuntimeError that only its text tells apart.

Known gap: a system that kills the process in place of refusing memory leaves nothing to say here.
"""

import errno
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from palimpsest.core.errors import MemoryShortage

IN_WORDS = re.compile(
    r"out of memory|(can't|cannot) allocate memory|not enough memory|bad_alloc|_ALLOC_FAILED", re.I
)
"""How torch, CUDA, cuBLAS and the system say it."""
AGAIN = "nothing was written; it can be run again"

LEAST: Mapping[str, Mapping[str, object]] = {
    "pretrain": {"batch_size": 1, "block_tokens": 2},
    "finetune": {"batch_size": 1, "block_tokens": 2},
    "generate": {"batch_size": 1, "max_new_tokens": 1, "dtype": "bfloat16"},
    "embed": {"dtype": "bfloat16"},
    "embed.encoder": {"batch_size": 1, "max_tokens": 3, "dtype": "bfloat16"},
}
"""Section of params.yaml -> what a user can turn down in it, the best first, and the value of each
that takes the least memory; one that has it already is passed over."""

Turn = tuple[str, object, object]
"""(dotted key of a parameter, its value, the value that takes the least memory)."""


def is_shortage(error: object) -> bool:
    """Whether an error says that memory has run out."""
    if isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError":
        return True
    if isinstance(error, OSError):
        return error.errno == errno.ENOMEM
    return isinstance(error, RuntimeError) and IN_WORDS.search(str(error)) is not None


@contextmanager
def shortage_names(name: str, section: object, *keys: str) -> Iterator[None]:
    """What is raised in the block because memory has run out becomes one line.

    Args:
        name: of a section of params.yaml, a key of `LEAST`.
        section: its values.
        *keys: those of its parameters that matter in the block; all of `LEAST` by default.

    Raises:
        MemoryShortage: memory has run out.
    """
    try:
        yield
    except Exception as error:
        if not is_shortage(error):
            raise
        known = LEAST[name]
        turns = [(f"{name}.{key}", getattr(section, key), known[key]) for key in keys or known]
        raise shortage(error, *turns) from error


def shortage(error: Exception, *turns: Turn) -> MemoryShortage:
    """The one line for an error that `is_shortage`, see `shortage_names`."""
    words = str(error).strip().splitlines() or [type(error).__name__]
    for key, value, least in turns:
        if value != least:
            number = isinstance(value, int | float)
            wanted = f"less than {value}, for memory has run out" if number else str(least)
            return MemoryShortage(
                key, wanted=wanted, got=value, hint=f"turn it down: {words[0]}; {AGAIN}"
            )
    return MemoryShortage("memory", wanted="more of it", got=words[0], hint=AGAIN)
