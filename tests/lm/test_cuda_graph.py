"""A recorded step does what the step does, on a GPU; elsewhere, it is recorded as torch says."""

from contextlib import nullcontext

import pytest
import torch

from palimpsest.lm import cuda_graph, transformer
from palimpsest.lm.cuda_graph import WARM, recorded
from palimpsest.lm.kv_cache import Decoder
from tests.lm.tiny import ids, pair


class Stream:
    """Notes who waits for whom."""

    def __init__(self, name, said):
        self.name, self.said = name, said

    def wait_stream(self, other):
        self.said.append(f"{self.name} waits for {other.name}")


class Graph:
    """Notes that it is replayed."""

    said: list[str] = []  # noqa: RUF012

    def replay(self):
        self.said.append("replay")


def test_warm_up_on_another_stream_then_one_recording(monkeypatch):
    """By the documentation of torch.cuda.CUDAGraph; no GPU is asked."""
    said = []
    place = torch.device("cuda:1")

    def during(name):
        def context(of):
            said.append(f"{name} {of}" if name == "on" else name)
            return nullcontext()

        return context

    monkeypatch.setattr(Graph, "said", said)
    for name, stub in {
        "device": during("on"),
        "Stream": lambda: Stream("side", said),
        "current_stream": lambda: Stream("here", said),
        "stream": during("side stream"),
        "CUDAGraph": Graph,
        "graph": during("record"),
    }.items():
        monkeypatch.setattr(cuda_graph.torch.cuda, name, stub)

    def step():
        said.append("step")
        return torch.ones(1)

    replay = recorded(step, place)
    warm = ["on cuda:1", "side waits for here", "side stream", *["step"] * WARM]
    assert said == [*warm, "here waits for side", "record", "step"]
    said.clear()
    assert replay() is replay()
    assert said == ["on cuda:1", "replay"] * 2


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU")
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_on_a_gpu_a_recorded_step_scores_what_the_step_scores(dtype, tmp_path):
    _, ours = pair("llama", tmp_path)
    ours = ours.to(dtype, torch.device("cuda"))
    rows = ids(80, 40).to("cuda")
    scores = []
    for record in (lambda step, device: step, recorded):
        with pytest.MonkeyPatch.context() as patch, torch.inference_mode():
            patch.setattr(transformer, "recorded", record)
            decoder = ours.decoder(80, 40)
            got = [decoder.step(rows[:, time : time + 1])[:20] for time in range(20)]
            decoder.reorder(torch.arange(20, device="cuda"))
            got += [decoder.step(rows[:20, time : time + 1]) for time in range(20, 40)]
            scores.append(torch.stack(got))
    torch.testing.assert_close(*scores)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU")
@pytest.mark.parametrize("kind", ["gpt2", "llama"])
@pytest.mark.parametrize("padding", [None, [0, 3, 30, 1]])
def test_on_a_gpu_a_step_scores_what_the_whole_row_does(kind, padding, tmp_path):
    """What is written is read by a kernel of our own (`palimpsest.lm.decode_kernel`)."""
    _, ours = pair(kind, tmp_path)
    there = ours.to(torch.float32, torch.device("cuda"))
    rows = ids(4, 40)
    gaps = None if padding is None else torch.tensor(padding)
    with torch.inference_mode():
        cpu = Decoder(_read_by(ours), _shape(ours), ours.unembedding(), gaps, as_products=False)
        gpu = there.decoder(4, 40, None if gaps is None else gaps.cuda())
        for time in range(40):
            some = rows[:, time : time + 1]
            got, wanted = gpu.step(some.cuda()).cpu(), cpu.step(some)
            real = slice(None) if gaps is None else gaps <= time
            torch.testing.assert_close(got[real], wanted[real], atol=2e-5, rtol=1e-4)


def _read_by(model):
    def read(ids_BT, positions_BT, attend):
        states = transformer._read(model.architecture, ids_BT, positions_BT, attend)
        return model.logits(states[:, -1])

    model.architecture.reserve(40)
    return read


def _shape(model):
    one = model.architecture
    return one.layers, 4, one.key_value_heads, 40, one.head_width
