"""Where and in which type a model computes: device, dtype, threads."""

from typing import Any, Protocol

import torch

from palimpsest.core.compute import is_portable
from palimpsest.core.errors import ModelError

DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16}


class Placed(Protocol):
    """Anything that computes in one type on one device."""

    @property
    def device(self) -> torch.device:
        """Where it computes."""

    @property
    def dtype(self) -> torch.dtype:
        """The type that it computes in."""


def device_named(name: str) -> torch.device:
    """The device of that name; ``auto`` takes a GPU where there is one."""
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    if name == "cuda" and not torch.cuda.is_available():
        raise ModelError("device", wanted="cpu or auto", got="cuda, and this machine has none")
    return torch.device(name)


def machine_facts(model: Placed) -> dict[str, Any]:
    """What about the machine may change a result: type, device and threads of the computation."""
    return {
        "dtype": str(model.dtype).removeprefix("torch."),
        "device": model.device.type,
        "threads": torch.get_num_threads(),
        "portable": is_portable() and model.device.type == "cpu",
    }
