"""Where and in which type a model computes."""

from types import SimpleNamespace

import pytest
import torch

from palimpsest.core.errors import ModelError
from palimpsest.lm.runtime import device_named, machine_facts


def test_devices(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert device_named("auto") == device_named("cpu") == torch.device("cpu")
    with pytest.raises(ModelError, match="device: want cpu or auto, got cuda, and this machine ha"):
        device_named("cuda")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    assert device_named("auto") == device_named("cuda") == torch.device("cuda")


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_facts_of_the_machine_by_hand(dtype, monkeypatch):
    monkeypatch.setattr(torch, "get_num_threads", lambda: 3)
    placed = SimpleNamespace(device=torch.device("cuda:1"), dtype=getattr(torch, dtype))
    facts = {"dtype": dtype, "device": "cuda", "threads": 3, "portable": False}
    assert machine_facts(placed) == facts
    monkeypatch.setattr("palimpsest.lm.runtime.is_portable", lambda: True)
    assert machine_facts(placed) == facts  # of a GPU's bits nothing is known
    placed.device = torch.device("cpu")
    assert machine_facts(placed) == facts | {"device": "cpu", "portable": True}
