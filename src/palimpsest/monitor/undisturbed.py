"""A pause of a training that leaves no trace: modes, buffers and random states are put back.

Nothing here draws from a global generator, but an encoder of somebody else's may.

Known gaps: random states are those of the CPU and of CUDA; of another device (MPS, XPU) they are
not put back. A tensor that a model keeps in a plain attribute when it first meets a longer text
stays there; no family that was tried does that with one that training needs.
"""

import random
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any

import numpy as np
import torch
from torch import nn


@contextmanager
def undisturbed(model: nn.Module) -> Iterator[None]:
    """Evaluation mode inside; behind it, whatever happened, the training goes on as if nothing had.

    Put back are the mode of every module (some may be frozen in evaluation mode), buffers that were
    replaced, and the random states of Python, NumPy (the old global one) and torch, on the CPU and
    on every CUDA device.
    """
    modes = [(module, module.training) for module in model.modules()]
    buffers = [
        (module, name, buffer)
        for module, _ in modes
        for name, buffer in module.named_buffers(recurse=False)
    ]
    # a training on the CPU must not wake a GPU
    cuda = torch.cuda.is_initialized()  # type: ignore[no-untyped-call]
    devices = torch.cuda.get_rng_state_all() if cuda else []
    states = random.getstate(), np.random.get_state(), torch.get_rng_state()  # noqa: NPY002 (saved)
    model.eval()
    try:
        yield
    finally:
        for module, training in modes:
            module.training = training
        for module, name, buffer in buffers:
            if getattr(module, name, None) is not buffer:
                setattr(module, name, buffer)
        random.setstate(states[0])
        np.random.set_state(states[1])  # noqa: NPY002 (put back)
        torch.set_rng_state(states[2])
        if cuda:
            torch.cuda.set_rng_state_all(devices)


def precision(args: Any, device: torch.device) -> AbstractContextManager[None]:
    """Mixed precision as the training has it.

    Args:
        args: the training's arguments; ``bf16`` and ``fp16`` are read.
        device: where the model is.
    """
    for name, dtype in (("bf16", torch.bfloat16), ("fp16", torch.float16)):
        if getattr(args, name, False):
            mixed: AbstractContextManager[None] = torch.autocast(device.type, dtype)
            return mixed
    return nullcontext()
