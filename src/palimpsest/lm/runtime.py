"""Where and in which type a model computes: device, dtype, threads; and which model it is."""

import importlib.util
from collections.abc import Mapping
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from palimpsest.core.compute import device_among, is_portable
from palimpsest.core.errors import ModelError
from palimpsest.core.parameters import ComputeParams
from palimpsest.core.resume import digest
from palimpsest.core.team import Team

DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16}


class Typed(Protocol):
    """A section of params.yaml that says in which type something computes."""

    @property
    def dtype(self) -> str:
        """``float32`` or ``bfloat16``."""


class Placed(Protocol):
    """Anything that computes in one type on one device."""

    @property
    def device(self) -> torch.device:
        """Where it computes."""

    @property
    def dtype(self) -> torch.dtype:
        """The type that it computes in."""


class Weighted(Placed, Protocol):
    """A model with weights."""

    config: dict[str, Any]
    context: int

    def parameters(self) -> dict[str, Tensor]:
        """The weights by name."""


def device_named(name: str) -> torch.device:
    """The device of that name, see ``compute.device``.

    Args:
        name: ``auto`` (a GPU where there is one), ``cpu``, ``cuda`` or ``cuda:1``.

    Raises:
        ModelError: this machine has no such GPU.
    """
    gpus = max(torch.cuda.device_count(), 1) if torch.cuda.is_available() else 0
    return torch.device(device_among(name, gpus))


def has_triton(device: torch.device) -> bool:
    """Whether kernels in Triton's language run there: on a GPU, with the package, which torch's
    builds for CUDA bring along.
    """
    return device.type == "cuda" and importlib.util.find_spec("triton") is not None


def placed(team: Team, compute: ComputeParams, **sections: Typed) -> str:
    """The device of a process, which computes in the types that sections of params.yaml ask for.

    Args:
        team: the processes that share the stage.
        compute: of params.yaml.
        **sections: by their dotted names, for the error.

    Returns:
        Its name, see `device_named`.

    Raises:
        ModelError: no such device, or a GPU that does not have the type.
    """
    place = team.place(compute.device)
    device = device_named(place)
    if device.type != "cuda":
        return place  # a CPU computes in every type, if not always fast
    # cuDNN's attention is planned and compiled anew for each length of a row (measured on an H200)
    torch.backends.cuda.enable_cudnn_sdp(False)
    with torch.cuda.device(device):
        there = torch.cuda.is_bf16_supported(including_emulation=False)
        card = torch.cuda.get_device_name()
    for name, section in sections.items():
        if section.dtype == "bfloat16" and not there:
            got = f"bfloat16, which {card} does not have"
            raise ModelError(f"{name}.dtype", wanted="float32", got=got)
    return place


def machine_facts(model: Placed) -> dict[str, Any]:
    """What about the machine may change a result: type, device and threads of the computation."""
    return {
        "dtype": str(model.dtype).removeprefix("torch."),
        "device": model.device.type,
        "threads": torch.get_num_threads(),
        "portable": is_portable() and model.device.type == "cpu",
    }


def model_digest(model: Weighted) -> str:
    """SHA-256 of all that determines what a model computes: kind, config, weights, machine."""
    weights = _weights(model)
    cuda = torch.cuda.get_device_name(model.device) if model.device.type == "cuda" else None
    facts = [type(model).__name__, model.context, cuda, machine_facts(model)]
    return digest(facts, repr(model.config), _shapes(weights), *map(_bytes, weights.values()))


def weights_digest(model: Weighted) -> str:
    """SHA-256 of a model wherever it computes: config, weights, and the type that they are in."""
    weights = _weights(model)
    config = {key: value for key, value in model.config.items() if key != "transformers_version"}
    facts = [model.context, repr(sorted(config.items()))]
    return digest(facts, _shapes(weights), *map(_bytes, weights.values()))


def _weights(model: Weighted) -> dict[str, Tensor]:
    if isinstance(module := getattr(model, "model", None), torch.nn.Module):
        return module.state_dict()  # one of `transformers`, with buffers that are saved
    return model.parameters()


def _shapes(weights: Mapping[str, Tensor]) -> dict[str, list[object]]:
    return {name: [str(tensor.dtype), *tensor.shape] for name, tensor in weights.items()}


def _bytes(tensor: Tensor) -> NDArray[np.uint8]:
    """A tensor's content, of a type that numpy need not know."""
    array: NDArray[np.uint8] = (
        tensor.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy()
    )
    return array
