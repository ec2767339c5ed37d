"""Several processes that share a stage, joined by `accelerate`: gloo on CPUs, NCCL on GPUs.

A stage whose params.yaml asks for several processes starts them (`palimpsest.lm.launch`); each runs
the whole stage, computes its part of every piece of work, and knows all results; the first one
alone writes. Documents have random streams of their own and batches belong to one process whole, so
texts, likelihoods and embeddings are those of one process. In training each takes every n-th row of
a step; gradients are summed over the processes, not averaged, because a row's loss is divided by
the same constant everywhere (`palimpsest.lm.training`).

What a killed stage had kept: of writing and reading, each process its own part; of training, the
first process the state that all share, and hands it out.

Known gaps: every process holds the whole model, so one that is larger than a card cannot be trained
here (no FSDP: the models are plain tensors, not modules that it could cut up). Gradients are summed
behind the backward pass, not beside it. Where the processes are on several machines, the folders
must be on a disk that all see.
"""

import atexit
import os
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from functools import partial
from typing import TypeVar

import torch
from torch import Tensor

from palimpsest.core.command import INTERRUPTED
from palimpsest.core.errors import ParamsError
from palimpsest.core.extras import require
from palimpsest.core.memory import is_shortage
from palimpsest.core.parameters import ComputeParams
from palimpsest.core.team import Team
from palimpsest.lm.runtime import device_named

T = TypeVar("T")

LOST = 75
"""Exit status of a process that has lost another one, which has said why."""
PATIENCE = timedelta(days=7)
"""How long a process waits for another one: the launcher sees one that has ended, and ends all."""
SECONDS = 1.0
"""Between two looks at whether the launcher still lives."""
BUCKET = 2**25
"""Bytes of gradients that are summed over the processes at a time."""


@contextmanager
def joined(compute: ComputeParams, count: int) -> Iterator["Processes"]:
    """This process as one of those that a launcher has started.

    Args:
        compute: of params.yaml.
        count: how many share the stage.

    Raises:
        ParamsError: the launcher has started another number of them, or more on this machine than
            it has GPUs.
        InstallationError: `accelerate` is not there.
    """
    require("accelerate", "processes")
    started = int(os.environ["WORLD_SIZE"])
    if started != count:
        got, hint = count, "they were started by another launcher than the stage itself"
        raise ParamsError("compute.processes", wanted=started, got=got, hint=hint)
    local = int(os.environ.get("LOCAL_WORLD_SIZE", started))
    cpu = check_cards(compute.device, local)
    from accelerate import PartialState

    backend = "gloo" if cpu else "nccl"
    _end_with(os.getppid())
    state = PartialState(cpu=cpu, backend=backend, timeout=PATIENCE)
    try:
        yield Processes(state.process_index, state.num_processes, state.device)
    except BaseException as error:
        # to leave the group would be to wait for the others, and its threads abort a plain exit
        atexit.register(_end_at_once, _status(error))
        raise
    state.destroy_process_group()


def _status(error: BaseException) -> int:
    """The exit status that an error leads to, as `palimpsest.core.command` has it."""
    if isinstance(error, KeyboardInterrupt):
        return INTERRUPTED
    return error.code if isinstance(error, SystemExit) and isinstance(error.code, int) else 1


def _end_at_once(status: int) -> None:
    """Ends this process without the libraries' own farewells."""
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)


def check_cards(device: str, count: int) -> bool:
    """Makes sure that every process of this machine has a GPU of its own, if they want GPUs.

    Args:
        device: ``compute.device``.
        count: processes on this machine.

    Returns:
        Whether they compute on the CPU.

    Raises:
        ParamsError: fewer GPUs than processes.
        ModelError: no GPU at all, and one is asked for.
    """
    if device_named(device).type == "cpu":
        return True
    cards = torch.cuda.device_count()
    if count > cards:
        hint = "or compute.device: cpu"
        wanted = f"<= {cards} on this machine, a GPU each"
        raise ParamsError("compute.processes", wanted=wanted, got=count, hint=hint)
    return False


class Processes(Team):
    """A process among those that share a stage.

    Args:
        rank: its number.
        size: how many there are.
        device: its own.
    """

    def __init__(self, rank: int, size: int, device: torch.device) -> None:
        super().__init__(rank, size)
        self.device = device

    def gathered(self, value: T) -> list[T]:
        """See `Team.gathered`."""
        from accelerate.utils import gather_object

        return _together(partial(gather_object, [value]))

    def from_first(self, value: T) -> T:
        """See `Team.from_first`."""
        from accelerate.utils import broadcast_object_list

        known: list[T] = _together(partial(broadcast_object_list, [value]))
        return known[0]

    def add_up(self, tensors: Sequence[Tensor]) -> None:
        """See `Team.add_up`; all of one type, and the same bits in every process."""
        from accelerate.utils import reduce

        for bucket in _buckets(tensors):
            flat = torch.cat([tensor.reshape(-1) for tensor in bucket])
            total = _together(partial(reduce, flat, "sum"))
            parts = total.split([tensor.numel() for tensor in bucket])
            for tensor, part in zip(bucket, parts, strict=True):
                tensor.copy_(part.view_as(tensor))

    def place(self, device: str) -> str:
        """See `Team.place`: on GPUs each process has its own."""
        return "cpu" if self.device.type == "cpu" else str(self.device)


def _buckets(tensors: Sequence[Tensor]) -> Iterator[list[Tensor]]:
    """Tensors in their order, about `BUCKET` bytes together."""
    bucket: list[Tensor] = []
    for tensor in tensors:
        bucket.append(tensor)
        if sum(one.nbytes for one in bucket) >= BUCKET:
            yield bucket
            bucket = []
    if bucket:
        yield bucket


def _together(work: Callable[[], T]) -> T:
    """What all processes do at once; where another one has ended, this one ends without a word."""
    try:
        return work()
    except RuntimeError as error:
        if is_shortage(error):
            raise
        raise SystemExit(LOST) from error


def _end_with(parent: int) -> threading.Thread:
    """Ends this process when the launcher has gone: nobody waits for what it would write."""

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(SECONDS)
        os._exit(LOST)

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    return watcher
