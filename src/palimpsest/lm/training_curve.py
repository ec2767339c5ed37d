"""The curve of a training: a line a step, read from a device that may be some steps behind.

Asking a GPU for the loss of the step that it has just been given makes it wait for the next one,
so the numbers of a step are read when the next step has been queued (`AHEAD` of
`palimpsest.lm.training`).
"""

import csv
import io
import math
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from palimpsest.core.errors import TrainingError
from palimpsest.lm.transfers import Arriving


@dataclass(frozen=True)
class Step:
    """One line of the training curve."""

    step: int
    loss_nats: float
    """Mean loss a token of this batch."""
    learning_rate: float
    gradient_norm: float
    """Norm of the gradient before clipping."""
    tokens: int
    """Tokens with loss in this batch."""


@dataclass(frozen=True)
class Taken:
    """A step that a GPU may not have finished."""

    number: int
    learning_rate: float
    tokens: int
    numbers: Arriving
    """Summed loss in nats; norm of the gradient."""

    def read(self) -> Step:
        """Waits for its numbers.

        Raises:
            TrainingError: they are none.
        """
        loss, norm = self.numbers.read()
        for what, got in (("loss", loss), ("gradient norm", norm)):
            if not math.isfinite(got):
                raise _not_a_number(what, self.number, got)
        return Step(self.number, loss / self.tokens, self.learning_rate, norm, self.tokens)


class Curve:
    """The curve of a training that is under way; each step is shown once, when it was read."""

    def __init__(self, begun: Sequence[Step], show: Callable[[Step], None]) -> None:
        self._steps, self._taken, self._show = list(begun), deque[Taken](), show
        for step in begun:
            show(step)

    def add(self, taken: Taken, ahead: int) -> None:
        """One more step; all but so many are read."""
        self._taken.append(taken)
        self._read(ahead)

    def read(self) -> list[Step]:
        """All of it."""
        self._read(0)
        return self._steps

    def _read(self, ahead: int) -> None:
        while len(self._taken) > ahead:
            self._steps.append(self._taken.popleft().read())
            self._show(self._steps[-1])


def curve_csv(curve: Sequence[Step]) -> bytes:
    """A curve as a CSV file, a line a step."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["step", "loss_nats", "learning_rate", "gradient_norm", "tokens"])
    for point in curve:
        loss, rate, norm = point.loss_nats, point.learning_rate, point.gradient_norm
        writer.writerow([point.step, f"{loss:.6g}", f"{rate:.6g}", f"{norm:.6g}", point.tokens])
    return text.getvalue().encode()


def _not_a_number(what: str, step: int, got: float) -> TrainingError:
    return TrainingError(
        f"{what} at step {step}",
        wanted="a finite number",
        got=got,
        hint="no model was written; lower the learning rate or look at the weights it starts from",
    )
