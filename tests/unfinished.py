"""Work that is stopped in the middle and taken up again."""

from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import pytest

from palimpsest.core.resume import Checkpoints, Task

Result = TypeVar("Result")


class Stopped(Exception):
    """The work was stopped."""


class EveryStep(Checkpoints):
    """Writes after every step; counts them, and stops behind one of them."""

    def __init__(self, out: Path, last: int = 0) -> None:
        super().__init__(out, seconds=0.0, clock=lambda: 0.0)
        self.steps, self.last = 0, last

    def _changed(self, task: Task) -> None:
        super()._changed(task)
        self.steps += 1
        if self.steps == self.last:
            raise Stopped


def stopped(work: Callable[[Checkpoints], object], out: Path, last: int) -> None:
    """Works, and stops behind a step."""
    with pytest.raises(Stopped):
        work(EveryStep(out, last))
    assert list(out.parent.glob(f".{out.name}.unfinished/*.npz"))


def taken_up(work: Callable[[Checkpoints], Result], out: Path) -> tuple[Result, int]:
    """The result of going on, and how many steps that took."""
    kept = EveryStep(out)
    return work(kept), kept.steps
