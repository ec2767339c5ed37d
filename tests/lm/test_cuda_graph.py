"""A recorded step does what the step does, on a GPU; elsewhere, it is recorded as torch says."""

from contextlib import nullcontext

import pytest
import torch

from palimpsest.lm import cuda_graph, transformer
from palimpsest.lm.cuda_graph import WARM, recorded
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
