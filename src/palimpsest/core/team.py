"""The processes that share a stage's work: which part of it is this one's, and what all have found.

A computation takes a `Team` and works through `Team.dealt` of its batches. Batches are the same
however many processes there are, and each belongs to one process whole, so what is computed in a
batch has the same bits. `ALONE` is a process that shares with nobody;
`palimpsest.lm.processes` has the team of processes that `accelerate launch` started.
"""

from collections.abc import Iterable, Sequence
from functools import reduce
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from palimpsest.core.resume import Checkpoints

T = TypeVar("T")


class Team:
    """A process that works alone, and base of those that share.

    Args:
        rank: this one's number, from 0.
        size: how many there are.
    """

    def __init__(self, rank: int = 0, size: int = 1) -> None:
        self.rank, self.size = rank, size

    @property
    def first(self) -> bool:
        """Whether this process is the one that writes."""
        return self.rank == 0

    def dealt(self, items: Sequence[T]) -> list[T]:
        """This process's part of some items: every `size`-th of them."""
        return list(items[self.rank :: self.size])

    def gathered(self, value: T) -> list[T]:
        """The value of every process, in their order; every process must ask."""
        return [value]

    def from_first(self, value: T) -> T:
        """The first process's value; every process must ask."""
        return value

    def add_up(self, tensors: Sequence[Any]) -> None:
        """Replaces tensors in place by their sums over the processes; every process must ask."""

    def shared(self, out: Path) -> tuple[Checkpoints, "Team"]:
        """What a long computation on an output takes: where its state is kept, and who shares it.

        Each process keeps the state of its own part.
        """
        if self.size == 1:
            return Checkpoints(out), self
        return Checkpoints(out, part=f"{self.rank}of{self.size}-"), self

    def place(self, device: str) -> str:
        """The device of this process.

        Args:
            device: ``compute.device``.
        """
        return device


Shared = tuple[Checkpoints, Team]
"""See `Team.shared`."""

ALONE = Team()
"""One process that does all the work."""


def merged(parts: Iterable[Sequence[T]]) -> list[T]:
    """The items that `Team.dealt` dealt, in their order again.

    Args:
        parts: of every process, in their order.
    """
    rows = [list(part) for part in parts]
    longest = max(map(len, rows), default=0)
    return [row[at] for at in range(longest) for row in rows if at < len(row)]


def added(parts: Sequence[NDArray[Any]]) -> NDArray[Any]:
    """The sum of every process's array; of one, that array itself."""
    return reduce(np.add, parts)
