"""A step of a GPU's work as a CUDA graph: recorded once, started as a whole."""

from collections.abc import Callable

import torch
from torch import Tensor

WARM = 3
"""Runs before a recording, in which libraries choose their kernels and take their memory."""


def recorded(step: Callable[[], Tensor], device: torch.device) -> Callable[[], Tensor]:
    """The same step without Python in between; each call writes over what it returned before.

    Args:
        step: reads and writes tensors on the device that stay where they are, asks none of them
            for a number, and may be done twice.
        device: a GPU.
    """
    with torch.cuda.device(device):
        side = torch.cuda.Stream()  # type: ignore[no-untyped-call]
        here = torch.cuda.current_stream()
        side.wait_stream(here)
        with torch.cuda.stream(side):
            for _ in range(WARM):
                step()
        here.wait_stream(side)
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph):
            made = step()

    def replay() -> Tensor:
        with torch.cuda.device(device):
            graph.replay()
        return made

    return replay
