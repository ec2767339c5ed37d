"""How far long work is where there is no terminal: a line every half minute instead of a bar.

A log of `dvc repro` in CI, in a batch queue or through a pipe must show that something goes on,
also in a step that has no units to count: the lines come from a clock, not from the work.
"""

import threading
import time
from collections.abc import Iterable, Iterator
from typing import Any, TextIO

from palimpsest.core.formatting import duration

EVERY = 30.0
"""Seconds between two lines; work that is over before has none."""


class Lines:
    """Takes what a bar of `tqdm` is told, and says it in lines.

    Args:
        total: units of the work; 0 where their number is not known.
        label: what is done.
        stream: where to.
        every: seconds between two lines.
    """

    disable = True
    """No bar is drawn."""

    def __init__(self, total: int, label: str, stream: TextIO, every: float = EVERY) -> None:
        self.total, self.n, self.desc = total, 0, label
        self.iterable: Iterable[Any] = ()
        self._stream, self._every, self._beginning = stream, every, time.monotonic()
        self._over = threading.Event()
        threading.Thread(target=self._speak, daemon=True).start()

    def __enter__(self) -> "Lines":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __iter__(self) -> Iterator[Any]:
        """What was given as `iterable`, each of which is a unit."""
        for one in self.iterable:
            yield one
            self.update()

    def update(self, count: int = 1) -> None:
        """So many more units are done."""
        self.n += count

    def set_postfix(self, *_: object, **__: object) -> None:
        """A bar shows more beside its numbers; a line does not."""

    def clear(self) -> None:
        """There is nothing to clear."""

    def close(self) -> None:
        """The work is over."""
        self._over.set()

    def line(self, seconds: float) -> str:
        """What is said after so many seconds of work."""
        so_far = f"{duration(seconds)} so far"
        if not self.total:
            return f"{self.desc}: {so_far}"
        parts = [f"{self.n:,} of {self.total:,}", so_far]
        if 0 < self.n <= self.total:
            left = seconds * (self.total - self.n) / self.n
            parts.append(f"about {duration(left)} left")
        return f"{self.desc}: {', '.join(parts)}"

    def _speak(self) -> None:
        while not self._over.wait(self._every):
            try:
                print(self.line(time.monotonic() - self._beginning), file=self._stream, flush=True)
            except (OSError, ValueError):  # nobody reads any more, or the stream is closed
                return
