"""What is sent arrives; numbers are read when they are there. On a GPU, nothing waits for more."""

from types import SimpleNamespace

import pytest
import torch

from palimpsest.lm import transfers
from palimpsest.lm.transfers import Arriving, sent

CPU = torch.device("cpu")


class OnHost:
    """A tensor of the host that notes what is done with it."""

    def __init__(self):
        self.device, self.said = CPU, []

    def pin_memory(self):
        self.said.append("pinned")
        return self

    def to(self, device, non_blocking=False):
        self.said.append((device.type, non_blocking))
        return self


def test_on_the_cpu_a_tensor_stays_where_it_is():
    tensor = torch.arange(3)
    assert sent(tensor, CPU) is tensor


def test_a_gpu_gets_a_copy_that_nobody_waits_for():
    tensor = OnHost()
    sent(tensor, torch.device("cuda"))
    assert tensor.said == ["pinned", ("cuda", True)]
    there = OnHost()
    there.device = torch.device("cuda")
    sent(there, torch.device("cuda"))
    assert "pinned" not in there.said, "only the host's memory can be"


def test_numbers_have_the_value_that_they_were_given():
    loss = torch.tensor(0.1, requires_grad=True)
    coming = Arriving([loss, torch.tensor(1 / 3, dtype=torch.float64), torch.tensor(2)])
    loss.data.fill_(7.0)
    assert coming.read() == [float(torch.tensor(0.1)), 1 / 3, 2.0]
    assert coming.read() == coming.read()


def test_of_a_gpu_their_own_event_is_waited_for(monkeypatch):
    said = []

    class Event:
        def record(self):
            said.append("record")

        def synchronize(self):
            said.append("synchronize")

    class Stacked:
        device = torch.device("cuda:1")

        def to(self, place, non_blocking):
            said.append((place, non_blocking))
            return torch.tensor([1.5])

    class Device:
        def __init__(self, device):
            said.append(str(device))

        def __enter__(self):
            return self

        def __exit__(self, *error):
            return None

    fake = SimpleNamespace(
        stack=lambda numbers: Stacked(), cuda=SimpleNamespace(Event=Event, device=Device)
    )
    monkeypatch.setattr(transfers, "torch", fake)
    coming = Arriving([torch.tensor(1.5)])
    assert said == [("cpu", True), "cuda:1", "record"]
    assert coming.read() == [1.5]
    assert said[-1] == "synchronize"


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU")
def test_on_a_gpu_numbers_come_and_go():
    tensor = sent(torch.arange(5.0), torch.device("cuda"))
    coming = Arriving([tensor.sum(), tensor.max()])
    tensor.zero_()
    assert coming.read() == [10.0, 4.0]
