"""Tensors on their way to a GPU and numbers on their way back, for which the host does not wait.

A GPU works behind the program that feeds it, by a queue; a copy from ordinary memory, or a question
for a number, empties that queue first. On a CPU everything here is done when it returns.
"""

from collections.abc import Sequence

import torch
from torch import Tensor


def sent(tensor: Tensor, device: torch.device) -> Tensor:
    """A tensor of the host's memory on a device, the same one if it is there."""
    if device.type == "cuda" and tensor.device.type == "cpu":
        return tensor.pin_memory().to(device, non_blocking=True)
    return tensor.to(device)


class Arriving:
    """Numbers that a device computes, and their way to the host.

    Args:
        numbers: tensors of one number each, on one device.
    """

    def __init__(self, numbers: Sequence[Tensor]) -> None:
        together = torch.stack([number.detach().double() for number in numbers])
        self._arrived: torch.cuda.Event | None = None
        self._numbers = together.to("cpu", non_blocking=True)
        if together.device.type == "cuda":
            with torch.cuda.device(together.device):
                self._arrived = torch.cuda.Event()  # type: ignore[no-untyped-call]
                self._arrived.record()

    def read(self) -> list[float]:
        """Waits for them, not for what was queued after them."""
        if self._arrived is not None:
            self._arrived.synchronize()
        return [float(number) for number in self._numbers]
