"""Where and in which type a model computes."""

import contextlib
from types import SimpleNamespace

import pytest
import torch

from palimpsest.core.errors import ModelError
from palimpsest.core.parameters import ComputeParams
from palimpsest.core.team import ALONE, Team
from palimpsest.lm.runtime import device_named, machine_facts, placed


def test_devices(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert device_named("auto") == device_named("cpu") == torch.device("cpu")
    with pytest.raises(
        ModelError, match=r"compute\.device: want cpu or auto, got cuda, and this machine ha"
    ):
        device_named("cuda")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    assert device_named("auto") == device_named("cuda") == torch.device("cuda")


def test_a_card_by_its_number(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    assert device_named("cuda:1") == torch.device("cuda:1")
    wanted = (
        r"compute\.device: want cpu or auto or cuda or cuda:0 or cuda:1, got cuda:2, and this "
        "machine has 2 GPUs"
    )
    with pytest.raises(ModelError, match=wanted):
        device_named("cuda:2")


class Second(Team):
    """A process with a GPU of its own."""

    def place(self, device):
        return "cuda:1"


def test_a_stage_computes_where_and_in_what_the_machine_can(monkeypatch):
    compute = ComputeParams(threads=1, portable=False, device="cpu", processes=1)
    short = SimpleNamespace(dtype="bfloat16")
    assert placed(ALONE, compute, generate=short) == "cpu"
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    monkeypatch.setattr(torch.cuda, "device", lambda place: contextlib.nullcontext())
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda: "An Old Card")
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda including_emulation: False)
    whole = SimpleNamespace(dtype="float32")
    assert placed(Second(1, 2), compute, embed=whole) == "cuda:1"
    wanted = r"embed\.encoder\.dtype: want float32, got bfloat16, which An Old Card does not have"
    with pytest.raises(ModelError, match=wanted):
        placed(Second(1, 2), compute, embed=whole, **{"embed.encoder": short})
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda including_emulation: True)
    assert placed(Second(1, 2), compute, embed=short) == "cuda:1"


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
